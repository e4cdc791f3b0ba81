"""Errors in converted code show the user's file, lines and columns."""

from __future__ import annotations

import sys
import traceback

import pytest

from graphc import autograph
from tests.autograph.plain import Plain

# ruff: noqa: F821


def converted(fn):
    return autograph.convert(fn, Plain(__file__))


def line_of(fn, offset: int) -> int:
    return fn.__code__.co_firstlineno + offset


def frames(error: BaseException) -> list[tuple[str, int, str]]:
    listed = traceback.extract_tb(error.__traceback__)
    return [(f.name, f.lineno, f.line or "") for f in listed if f.filename == __file__][1:]


def test_an_exception_points_at_its_line_in_nested_blocks() -> None:
    def fails(x):
        for i in range(3):
            if i == x:
                while True:
                    x = 1 / (i - x)
        return x

    with pytest.raises(ZeroDivisionError) as caught:
        converted(fails)(1)
    found = [f for f in frames(caught.value) if "plain" not in f[0]]
    assert found[-1][1:] == (line_of(fails, 4), "x = 1 / (i - x)")
    assert {name for name, _, _ in found} == {"fails"}  # not `body_1`, `then_2`


def test_each_frame_is_at_the_statement_that_was_running() -> None:
    def helper(v):
        return v if v > 0 else missing

    def calls(x):
        if x < 0:
            x = helper(x)
        return x

    with pytest.raises(NameError) as caught:
        converted(calls)(-1)
    lines = {line for _, line, _ in frames(caught.value)}
    assert {line_of(calls, 1), line_of(calls, 2), line_of(helper, 1)} <= lines


def keep(**options):
    return lambda fn: fn


@keep(
    a=lambda: 1,
)
@keep(b=2)
def decorated(x):
    return [
        1 / v
        for v in (1, x)
        if v
        < 1
    ]  # fmt: skip


def test_decorators_do_not_shift_lines() -> None:
    made = converted(decorated)
    assert made.__code__.co_firstlineno == decorated.__code__.co_firstlineno
    with pytest.raises(ZeroDivisionError) as caught:
        made(0)
    assert frames(caught.value)[-1][1:] == (line_of(decorated, 6), "1 / v")


def test_columns_are_kept() -> None:
    def fails(x):
        if x:
            return x + (x / 0)
        return 0

    with pytest.raises(ZeroDivisionError) as caught:
        converted(fails)(1)
    last = traceback.extract_tb(caught.value.__traceback__)[-1]
    assert last.line is not None and last.line[:0] == ""
    source = "            return x + (x / 0)"
    assert source[last.colno : last.end_colno] == "x / 0"


class Special(Exception):
    def __init__(self, code, *, detail):
        super().__init__(code, detail)
        self.detail = detail


def test_exceptions_keep_class_and_attributes() -> None:
    def fails(x):
        while x:
            if x == 2:
                raise Special(x, detail="deep")
            x -= 1

    with pytest.raises(Special) as caught:
        converted(fails)(3)
    assert caught.value.args == (2, "deep") and caught.value.detail == "deep"


def test_a_name_without_a_value_is_named() -> None:
    def fails(x):
        if x:
            y = 1
        return y

    with pytest.raises(UnboundLocalError, match="y") as caught:
        converted(fails)(0)
    listed = traceback.extract_tb(caught.value.__traceback__)
    assert line_of(fails, 3) in [f.lineno for f in listed]


def test_debuggers_see_the_users_lines() -> None:
    def steps(x):
        y = 0
        for i in range(x):
            if i:
                y += i
        return y

    seen = set()

    def tracer(frame, event, arg):
        if frame.f_code.co_filename != __file__:
            return None
        if event == "line":
            seen.add(frame.f_lineno - steps.__code__.co_firstlineno)
        return tracer

    made = converted(steps)
    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        assert made(3) == 3
    finally:
        sys.settrace(before)
    assert {1, 2, 3, 4, 5} <= seen
