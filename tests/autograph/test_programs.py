"""Random programs, converted and run as plain Python, do what they did before."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from graphc import autograph
from tests.autograph.plain import Plain
from tests.autograph.programs import Kind, load, programs

QUIET = dict(suppress_health_check=list(HealthCheck), deadline=None)


def outcome(fn: Any, *args: Any) -> Any:
    try:
        return fn(*args)
    except NameError:  # UnboundLocalError is one; which of the two is not compared
        return NameError
    except Exception as error:
        return type(error), error.args


def check(text: str) -> None:
    program, file = load(text)
    converted = autograph.convert(program, Plain(file))
    assert all(":=" in r.reason for r in autograph.conversion(converted).refusals)
    for x, y in [(0, 0), (1, 5), (2, 3), (7, 1), (13, -4)]:
        wanted, found = outcome(program, x, y), outcome(converted, x, y)
        shown = f"{x, y}: {wanted} became {found}\n{text}\n{autograph.to_code(program)}"
        assert wanted == found, shown


@settings(max_examples=50, **QUIET)
@given(programs(Kind()))
def test_simple_programs(text: str) -> None:
    check(text)


@settings(max_examples=50, **QUIET)
@given(programs(Kind(python_only=True)))
def test_programs_with_everything(text: str) -> None:
    check(text)


@pytest.mark.slow
@settings(max_examples=2000, **QUIET)
@given(programs(Kind(python_only=True, depth=4)))
def test_many_programs(text: str) -> None:
    check(text)
