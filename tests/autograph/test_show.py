"""Converted source is short and reads like the original."""

from __future__ import annotations

import textwrap

import pytest

from graphc import autograph

# ruff: noqa: B007, F841, SIM201


def text(expected: str) -> str:
    return textwrap.dedent(expected).strip("\n") + "\n"


def loop_with_break(x, limit):
    total = 0
    for i in range(limit):
        if x > 100:
            break
        x = x * 2
        total += x
    return total


def test_a_loop_with_a_break() -> None:
    assert autograph.to_code(loop_with_break) == text("""
        def loop_with_break(x, limit):
            total = 0

            def body_1(i, x, total):

                def then_1(x, total):
                    return ag.break_(x, total)

                def else_1(x, total):
                    x = ag.name('x', x * 2)
                    total += x
                    return ag.continue_(x, total)
                return ag.if_(x > 100, then_1, else_1, (x, total), ('x', 'total'))
            x, total = ag.for_(ag.fn(range)(limit), body_1, (x, total), ('x', 'total'))
            return total
    """)


def branch(x):
    if x > 0 and not x == 3:
        y = abs(x)
    else:
        y = -1 if x else 0
    return y


def test_a_branch() -> None:
    assert autograph.to_code(branch) == text("""
        def branch(x):

            def then_1():
                y = ag.name('y', ag.fn(abs)(x))
                return y,

            def else_1():
                y = ag.name('y', ag.ifexp(x, lambda: -1, lambda: 0))
                return y,
            y, = ag.if_(ag.and_(x > 0, lambda: ag.not_(x == 3)), then_1, else_1, (), ('y',))
            return y
    """)


def static(x: int) -> int:
    match x:
        case [a, *b] if a:
            c = a
        case {"k": v, **rest}:
            c = v
        case _:
            try:
                c = 1
            except* ValueError as e:
                c = 2
    return f"{c!r:>{10}}"


def test_newer_statements_are_printed() -> None:
    code = autograph.to_code(static)
    for line in ("a, b = ag.captured(subject_1, ('sequence', ", "except* ValueError as e:"):
        assert line in code
    compile(code, "shown", "exec")


def test_refusals_are_comments() -> None:
    def f(x, y):
        return [x and (y := 2) for _ in (1,)], y

    first = autograph.to_code(f).splitlines()[0]
    assert first.startswith("# line ") and "BoolOp is not converted" in first


@pytest.mark.parametrize("fn", [loop_with_break, branch, static])
def test_converted_source_is_short(fn) -> None:
    import inspect

    original = len(inspect.getsource(fn).splitlines())
    assert len(autograph.to_code(fn).splitlines()) <= 2.5 * original + 2


def rows(v):
    o = [e * 2 for e in v if e > 0]
    v.total = sum(e for e in o)
    return o[v.best]


def test_comprehensions_subscripts_and_attributes_read_well() -> None:
    assert autograph.to_code(rows) == text("""
        def rows(v):
            o = ag.collect(v, lambda e: e * 2, lambda e: e > 0)
            v.total = ag.fn(sum)(ag.collect(o, lambda e: e))
            return ag.item(o, v.best)
    """)


def test_the_original_and_the_converted_source_side_by_side() -> None:
    shown = autograph.side_by_side(branch)
    assert str(shown) == text("""
        def branch(x):               | def branch(x):
                                     |
            if x > 0 and not x == 3: |     def then_1():
                y = abs(x)           |         y = ag.name('y', ag.fn(abs)(x))
                                     |         return y,
                                     |
                                     |     def else_1():
            else:                    |
                y = -1 if x else 0   |         y = ag.name('y', ag.ifexp(x, lambda: -1, lambda: 0))
                                     |         return y,
                                     |     y, = ag.if_(ag.and_(x > 0, lambda: ag.not_(x == 3)), then_1, else_1, (), ('y',))
            return y                 |     return y
    """)  # noqa: E501
    page = shown._repr_html_()
    assert page.count("<tr>") == len(shown.rows) + 1 and "x &gt; 0" in page


@pytest.mark.parametrize("fn", [loop_with_break, branch, static, rows, lambda x: x if x else 0])
def test_side_by_side_has_every_line_of_both(fn) -> None:
    shown = autograph.side_by_side(fn)
    assert [r for _, r in shown.rows if r] == [t for t in autograph.to_code(fn).splitlines() if t]
    left = [line for line, _ in shown.rows if line]
    assert left == list(dict.fromkeys(left)) or fn is static
