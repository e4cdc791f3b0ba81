"""Converted functions that run as plain Python: they do what the original does."""

from __future__ import annotations

import functools
import itertools
from collections import namedtuple
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import pytest

from graphc import autograph
from tests.autograph.plain import Plain

# ruff: noqa: B007, B018, B023, C416, E701, E711, E731, RUF018, SIM103, SIM114, SIM210, SIM401, UP036
Pair = namedtuple("Pair", "a b")


@dataclass
class Point:
    x: float
    y: float = 2.0


class Counter:
    step = 1

    def __init__(self, n=0):
        self.n = n
        self.__secret = 7

    def add(self, k):
        if k > 0:
            self.n += k
        else:
            self.n -= self.step
        return self.n

    def secret(self, n):
        while n > 0:
            self.__secret += 1
            n -= 1
        return self.__secret

    @property
    def double(self):
        return 2 * self.n if self.n else 0

    def __call__(self, x):
        return x if x > 0 else self.n


class Child(Counter):
    def add(self, k):
        if k == 3:
            return super().add(k) + 100
        return super().add(k)


def sign(x):
    if x > 0:
        return 1
    elif x < 0:
        return -1
    return 0


def elif_chain(x):
    if x == 0:
        y = "a"
    elif x == 1:
        y = "b"
    elif x == 2:
        y = "c"
    else:
        y = "d"
    return y + "!"


def collatz(x):
    n = 0
    while x > 1:
        if x % 2 == 0:
            x = x // 2
        else:
            x = 3 * x + 1
        n += 1
    return n


def break_continue_return(x):
    total = 0
    for i in range(20):
        if i % 3 == 0:
            continue
        if i == 2 * x:
            break
        if total > 40 + x:
            return -total
        total += i
    return total, i


def nested_loops(x):
    found = None
    for i in range(5):
        for j in range(5):
            if i * j == x:
                found = (i, j)
                break
        else:
            continue
        break
    return found


def while_else(x):
    while x < 10:
        x += 3
        if x == 7:
            break
    else:
        return "end", x
    return "broke", x


def for_else_assigns(x):
    for i in range(x):
        if i == 3:
            word = "three"
            break
    else:
        word = "none"
        i = -1
    return word, i


def while_true(x):
    n = 0
    while True:
        n += x + 1
        if n > 20:
            return n
        if n == 15:
            break
    return "fifteen"


def return_from_the_middle(x):
    for a in range(3):
        b = 0
        while True:
            b += 1
            if a * b > x:
                return a, b
            if b > 5:
                break
    return "none"


def tuples(x):
    a, (b, *c) = x, (x + 1, x + 2, x + 3)
    if x:
        a, b = b, a
        c[0], d = d0, *_ = (7, 8)
    return a, b, c


def undefined_then_used(x):
    if x > 0:
        y = x
    return y


def undefined_in_loop(x):
    for i in range(x):
        last = i
    return last


def deleted(x):
    y = 1
    if x:
        del y
    return y


def deleted_and_set(x):
    y = 1
    if x > 1:
        del y
        y = 3
    elif x == 1:
        y += 1
        del y
    try:
        return y
    except UnboundLocalError:
        return "gone"


def walrus(x):
    if (y := x * 2) > 3:
        y += 1
    while (z := y + 1) < 10:
        y = z
    return x, y, z


def walrus_in_comprehension(x):
    total = 0
    kept = [total := total + v for v in range(x)]
    if total > 3:
        total = -total
    return kept, total


def annotated(x):
    y: int = 1
    z: float
    if x > 1:
        y: int = 5
        z = 2.0
    else:
        z: float = 1.0
    return y, z


def chained(x):
    seen = []

    def f(v):
        seen.append(v)
        return v

    inside = 0 < f(x) < 3 <= f(3) != f(4)
    return inside, seen, 1 if 0 <= f(x) else 2


def ternaries(x):
    return "a" if x == 0 else ("b" if x == 1 else "c" if x == 2 else "d")


def short_circuit(x):
    log = []

    def f(v):
        log.append(v)
        return v

    r = (f(x) and f(2)) or f(0) or (not f(3)) or None
    return r, log, x in (1, 2) and x not in [1], x is None or x


def static_match(x):
    match x:
        case 0 | 1:
            return "small"
        case int(n) if n > 3:
            y = ("big", n)
        case _:
            y = "other"
    return y


def match_structure(x):
    out = []
    for value in [(x, 1), {"k": x}, Point(x), "s", [1, 2, x], None]:
        match value:
            case (a, b):
                out.append(a + b)
            case {"k": k, **rest}:
                out.append((k, rest))
            case Point(x=px, y=py):
                out.append(px * py)
            case [first, *others] if others:
                out.append(others)
            case None:
                break
            case str() as s:
                out.append(s)
                continue
        out.append("|")
    return out


def raising(x):
    if x == 1:
        raise ValueError("one", x)
    while x > 2:
        x -= 1
        if x == 3:
            raise KeyError(x)
    return x


def asserting(x):
    assert x != 1, f"x is {x}"
    if x > 2:
        assert x < 4
    return x


def try_finally(x):
    log = []
    for i in range(4):
        try:
            if i == x:
                continue
            if i > x + 1:
                break
            log.append(1 // (i - 1))
        except ZeroDivisionError as e:
            log.append(str(e))
            if x == 3:
                return log
        else:
            log.append("ok")
        finally:
            log.append(i)
    return log


def assigned_before_an_exception(x):
    y = 0
    try:
        if x > 0:
            y = 5
            if x > 1:
                raise ValueError
        y += 1
    except ValueError:
        y += 100
    return y


def exception_name_goes(x):
    e = 1
    try:
        if x:
            raise ValueError
    except ValueError as e:
        pass
    return e


@contextmanager
def logged(log, name):
    log.append(f"+{name}")
    try:
        yield name
    finally:
        log.append(f"-{name}")


def with_blocks(x):
    log = []
    with logged(log, "a") as a, logged(log, "b"):
        for i in range(3):
            with logged(log, i):
                if i == x:
                    return log, a
    with suppress(ZeroDivisionError):
        y = 1
        1 // x
        y = 2
    return log, y


def closures_see_updates(x):
    fs = []
    for i in range(3):
        y = i * x
        fs.append(lambda: y + i)
    y += 1
    return [f() for f in fs]


def nonlocal_counter(x):
    n = 0

    def more(k):
        nonlocal n
        if k > 1:
            n += k
        return n

    for i in range(x):
        more(i)
        if n > 4:
            n = 0
    return n, more(5)


LEVEL = 0


def global_level(x):
    global LEVEL
    LEVEL = 0
    for i in range(x):
        if i % 2:
            LEVEL += i
    return LEVEL


def objects(x):
    c = Counter(x)
    d = Child()
    for i in range(4):
        c.add(i - 1)
        d.add(i)
        if c.n > 3:
            c.n = 0
    return c.n, d.n, c.double, c.secret(2), c(x), c(-1)


def containers(x):
    d = {"a": [], "n": 0}
    for i in range(x):
        if i % 2:
            d["a"].append(i)
        else:
            d["n"] += i
            d[i] = d["n"]
    p = Pair(x, 0)
    if x:
        p = p._replace(b=1)
    return d, p


def comprehensions(x):
    xs = [i if i > 1 else -i for i in range(x) if i != 2]
    d = {k: (k and 1) for k in xs}
    s = {abs(k) for k in xs}
    return xs, d, s, sum(v for v in xs), any(v > 2 for v in xs), max(xs, default=None)


def builtins_used(x):
    out = []
    for i, (a, b) in enumerate(zip(range(x), itertools.count(2), strict=False)):
        out.append(max(i, a, b) - min(a, b) + abs(-a) + int(float(b)) + len(out))
    return out, sum(out), bool(out), all(out), isinstance(out, list), sorted(map(str, out))


def partial_and_lambda(x):
    add = functools.partial(lambda a, b, *, c=1: a + b if a > c else a - b, 2)
    two = (lambda v: v if v > 1 else 0), (lambda v: v if v > 2 else 1)
    return add(x), add(x, c=5), [f(x) for f in two]


def arguments(x, /, y=3, *args, z=4, **kwargs):
    if args:
        y += len(args)
    while kwargs:
        key, value = kwargs.popitem()
        z += value
    return x, y, z


def calls_arguments(x):
    return arguments(x), arguments(x, 1, 2, 3, z=x, w=5), arguments(*[x, 2], **{"z": 1})


def recursion(x):
    return 1 if x < 2 else recursion(x - 1) + recursion(x - 2)


def inner_class(x):
    class Local:
        base = x

        def get(self):
            return self.base if self.base else "zero"

    if x > 2:
        value = Local().get()
    else:
        value = Local
    return value if x > 2 else value.base


def inner_generator(x):
    def numbers():
        for i in range(x):
            if i % 2:
                yield i

    return list(numbers())


def loop_variable_lives_on(x):
    for i in range(x + 1):
        pass
    return i


def loop_over_changing_name(x):
    items = [1, 2, 3]
    for v in items:
        items = items + [v * x]
        if len(items) > 5:
            v = 0
    return items, v


def unpacking_loop(x):
    t = []
    for (a, b), *c in [((1, 2), 3), ((x, 4), 5, 6)]:
        t += [a * b, c]
    return t


def del_in_loop(x):
    d = dict.fromkeys(range(5))
    for i in range(x):
        del d[i]
        tmp = i
        del tmp
    return d


def dead_code(x):
    if x:
        return 1
        x = 2
    else:
        return 3
    return 4


def ag(x):
    ag = x
    if ag > 1:
        ag += 1
    return ag


def fib_tuple(x):
    a, b = 0, 1
    while x > 0:
        a, b, x = b, a + b, x - 1
    return a


def shadowed_builtin(x):
    range = lambda n: [n, n]
    return [i for i in range(x)]


def pass_only(x):
    if x:
        pass
    for _ in []:
        pass
    while False:
        pass


def else_of_try_in_loop(x):
    for i in range(3):
        try:
            v = i
        finally:
            if i == x:
                break
    else:
        return "all"
    return v


def swap_in_branches(x):
    a, b = x, 5
    if a > b:
        a, b = b, a
    elif a == b:
        return "same"
    for a in range(a, b):
        if a % 4 == 3:
            b = a
            continue
        b -= 1
    return a, b


def raise_from(x):
    try:
        if x:
            raise ValueError("inner")
    except ValueError as e:
        raise RuntimeError("outer") from e
    return x


FUNCTIONS = [
    sign, elif_chain, collatz, break_continue_return, nested_loops, while_else, for_else_assigns,
    while_true, return_from_the_middle, tuples, undefined_then_used, undefined_in_loop, deleted,
    deleted_and_set, walrus, walrus_in_comprehension, annotated, chained, ternaries, short_circuit,
    static_match, match_structure, raising, asserting, try_finally, assigned_before_an_exception,
    exception_name_goes, with_blocks, closures_see_updates, nonlocal_counter, global_level, objects,
    containers, comprehensions, builtins_used, partial_and_lambda, calls_arguments, recursion,
    inner_class, inner_generator, loop_variable_lives_on, loop_over_changing_name, unpacking_loop,
    del_in_loop, dead_code, ag, fib_tuple, shadowed_builtin, pass_only, else_of_try_in_loop,
    swap_in_branches, raise_from,
]  # fmt: skip


def outcome(fn, *args):
    """What a call gives: a value, or the type and arguments of an exception."""
    try:
        return repr(fn(*args))
    except Exception as error:
        worded = not isinstance(error, UnboundLocalError | AssertionError)  # pytest edits asserts
        shown = error.args if worded else ""
        return type(error), shown, type(error.__cause__)


@pytest.mark.parametrize("fn", FUNCTIONS, ids=lambda f: f.__name__)
def test_a_converted_function_does_what_the_original_does(fn) -> None:
    converted = autograph.convert(fn, Plain(__file__))
    assert converted.__code__ is not fn.__code__, "was not converted"
    for x in range(9):
        assert outcome(converted, x) == outcome(fn, x), f"for {x}:\n{autograph.to_code(fn)}"


@pytest.mark.parametrize("fn", FUNCTIONS, ids=lambda f: f.__name__)
def test_nothing_is_left_as_it_is(fn) -> None:
    converted = autograph.convert(fn, Plain())
    refused = [r for r in autograph.conversion(converted).refusals if "yield" not in r.reason]
    assert not refused or fn in (inner_generator,), refused


def test_the_function_keeps_its_face() -> None:
    converted = autograph.convert(arguments, Plain())
    assert converted.__name__ == "arguments" and converted.__module__ == __name__
    assert converted.__defaults__ == (3,) and converted.__kwdefaults__ == {"z": 4}
    assert converted.__code__.co_filename == __file__
    assert converted.__code__.co_firstlineno == arguments.__code__.co_firstlineno
    assert converted.__globals__ is globals()
