"""Functions are found wherever their source is, and a clear error says where it is not."""

from __future__ import annotations

import functools
import linecache
import textwrap
import time

import pytest

from graphc import autograph
from graphc.errors import SourceNotFoundError
from tests.autograph.plain import Plain

# ruff: noqa: E731


def decorate(fn):
    @functools.wraps(fn)
    def around(*args):
        if args:
            return fn(*args)
        return "nothing"

    return around


@decorate
@functools.lru_cache
@decorate
def decorated(x):
    if x:
        return "yes"
    return "no"


two = (lambda x: 1 if x else 2), (lambda x: 3 if x else 4)
nested = lambda x: lambda y: x if y else -x
many_lines = (
    lambda x:
    "big"
    if x > 3
    else "small"
)  # fmt: skip


class Model:
    scale = 3

    def __init__(self):
        self.__weight = 2

    def forward(self, x):
        def inner(k):
            return self.__weight * k if k else self.scale

        return inner(x)

    @staticmethod
    def fixed(x):
        return 1 if x else 0

    @classmethod
    def made(cls, x):
        return cls.scale if x else 0

    def __call__(self, x):
        return self.forward(x) + (1 if x else 0)


def from_text(text, name="/tmp/ipykernel_7/1.py"):
    """A function as a notebook or `exec` with linecache makes it."""
    text = textwrap.dedent(text)
    linecache.cache[name] = (len(text), None, text.splitlines(True), name)
    space = {}
    exec(compile(text, name, "exec"), space)
    return space


def converted(fn, own=__file__):
    return autograph.convert(fn, Plain(own))


def test_lambdas_on_one_line_are_told_apart() -> None:
    assert [converted(f)(1) for f in two] == [1, 3]
    assert [converted(f)(0) for f in two] == [2, 4]
    assert converted(nested)(5)(0) == -5 and converted(nested(5))(0) == -5
    assert converted(many_lines)(4) == "big"
    same = [lambda x: x if x else 7, lambda x: x if x else 8]
    assert [converted(f)(0) for f in same] == [7, 8]


def test_methods_and_callable_objects() -> None:
    model = Model()
    assert converted(model.forward)(2) == 4 and converted(model.forward)(0) == 3
    assert converted(Model.fixed)(1) == 1 and converted(Model.made)(1) == 3
    assert converted(model)(2) == 5
    assert converted(functools.partial(Model.forward, model))(1) == 2


def test_a_wrapper_is_converted_as_it_is_called() -> None:
    assert converted(decorated)(1) == "yes" and converted(decorated)() == "nothing"


def test_closures_keep_their_cells() -> None:
    def make():
        n = 0

        def count(x):
            nonlocal n
            if x:
                n += 1
            return n

        return count, lambda: n

    count, read = make()
    assert converted(count)(1) == 1 and read() == 1 and count(1) == 2


def test_notebook_cells() -> None:
    space = from_text("""
        def f(x):
            while x > 10:
                x -= 10
            return x
    """)
    assert converted(space["f"])(25) == 5


def test_a_cell_that_is_edited_and_run_again() -> None:
    first = from_text("def f(x):\n    return 1 if x else 2\n")["f"]
    assert converted(first)(1) == 1
    second = from_text("def f(x):\n    return 10 if x else 20\n")["f"]
    assert converted(second)(1) == 10


def test_no_source_is_a_clear_error() -> None:
    space = {}
    exec("def f(x):\n    return 1 if x else 2\n", space)
    with pytest.raises(SourceNotFoundError, match="the source of f cannot be found: <string>"):
        converted(space["f"])


def test_a_file_that_changed_is_noticed(tmp_path) -> None:
    path = tmp_path / "moved.py"
    path.write_text("def f(x):\n    return 1 if x else 2\n")
    space = {}
    exec(compile(path.read_text(), str(path), "exec"), space)
    path.write_text("# now\n# it\n# is\ndef g(x):\n    return 1 if x else 2\n")
    with pytest.raises(SourceNotFoundError, match="has changed since it was imported"):
        converted(space["f"])


def test_a_definition_that_was_edited_in_place_is_noticed(tmp_path) -> None:
    path, space = tmp_path / "edited.py", {}
    text = "class A:\n    def f(self, x):\n        return self.__y if x else {}\n"
    path.write_text(text.format(1))
    exec(compile(path.read_text(), str(path), "exec"), space)
    method = space["A"].f
    path.write_text(text.format(2))
    with pytest.raises(SourceNotFoundError, match=r"A.f at .*edited.py:2 is not what the function"):
        converted(method)
    path.write_text(text.format(1))
    assert converted(method)(None, 0) == 1


@pytest.mark.parametrize(
    ("newline", "indent"), [("\r\n", "    "), ("\n", "\t")], ids=["CRLF", "tabs"]
)
def test_line_ends_tabs_and_letters(tmp_path, newline, indent) -> None:
    lines = ["def f(größe: 'Maß'):", ">if größe:", ">>ñ = '日本' + 'x'  # ünïcödé", ">else:"]
    lines += [">>ñ = ''", ">return ñ"]
    text = newline.join(lines).replace(">", indent) + newline
    path, space = tmp_path / "file.py", {}
    path.write_bytes(text.encode())
    exec(compile(path.read_bytes(), str(path), "exec"), space)
    assert converted(space["f"])(1) == "日本x" and converted(space["f"])(0) == ""


def test_what_cannot_be_converted_is_called_as_it_is() -> None:
    assert converted(len) is len and converted(int) is int


def test_do_not_convert() -> None:
    @autograph.do_not_convert
    def f(x):
        return 1 if x else 2

    assert autograph.convert(f, Plain()) is f


def test_a_function_is_converted_once_per_code() -> None:
    def make(n):
        def f(x):
            return n if x else -n

        return f

    operators = Plain()
    a, b = autograph.convert(make(1), operators), autograph.convert(make(2), operators)
    assert a.__code__ is b.__code__ and (a(1), b(1)) == (1, 2)
    fn = make(3)
    assert autograph.convert(fn, operators) is autograph.convert(fn, operators)


def test_generators_and_coroutines_are_left_alone_with_a_reason() -> None:
    def numbers(n):
        while n:
            yield n
            n -= 1

    async def wait(n):
        return n

    for fn, reason in ((numbers, "generators"), (wait, "coroutines")):
        found = autograph.conversion(autograph.convert(fn, Plain()))
        assert reason in found.refusals[0].reason and found.refusals[0].line == found.line
    assert list(converted(numbers)(3)) == [3, 2, 1]


def test_a_refused_statement_leaves_the_rest_converted() -> None:
    def f(x, y):
        z = (lambda: x and (w := 5) and w)()
        if z:
            z += 1
        return z, y

    operators = Plain()
    made = autograph.convert(f, operators)
    assert made(1, 0) == f(1, 0) and made(0, 3) == f(0, 3) and "if" in operators.calls
    (refusal,) = autograph.conversion(made).refusals
    line = f.__code__.co_firstlineno + 1
    assert str(refusal) == (
        f"line {line}: BoolOp is not converted: a part assigns a name with := in a lambda or"
        " comprehension"
    )


def consecutive(count: int) -> str:
    lines = ["def f(x):", "    a = b = 0"]
    for i in range(count):
        lines += [f"    if x > {i}:", f"        a = b + {i}", "    else:", "        b = a - 1"]
    return "\n".join([*lines, "    return a, b"]) + "\n"


def test_conversion_is_linear_in_consecutive_branches() -> None:
    seconds = {}
    for count in (40, 320) * 3:  # the best of three: other processes run too
        fn = from_text(consecutive(count), f"<branches {count} {len(sum(seconds.values(), []))}>")[
            "f"
        ]
        start = time.process_time()
        made = autograph.convert(fn, Plain())
        seconds.setdefault(count, []).append(time.process_time() - start)
        assert made(7) == fn(7)
    assert min(seconds[40]) < 0.2, seconds
    assert min(seconds[320]) < 24 * min(seconds[40]), seconds  # 8 is linear, 64 quadratic
