"""Random programs on tensors, eager and staged, do what they do on Python's integers."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

import graphc as tf
from graphc import config
from graphc.trace import nest
from tests.autograph.programs import Kind, load, programs

QUIET = dict(suppress_health_check=list(HealthCheck), deadline=None)
INPUTS = [(0, 0), (1, 5), (2, 3), (7, 1), (13, -4)]


def outcome(program: Callable[..., Any], *args: Any) -> Any:
    """The numbers that come out, or the exception."""
    try:
        leaves = nest.flatten(program(*args))
    except NameError:  # UnboundLocalError is one
        return NameError
    except TypeError as error:
        return TypeError if "NoneType" in str(error) else error
    except (ValueError, KeyError) as error:
        return type(error), [None if v is None else int(v) for v in error.args]
    return [None if v is None else int(np.asarray(v)) for v in leaves]


def check(text: str, jit: bool) -> None:
    program, _ = load(text)
    with config.override(jit=jit), warnings.catch_warnings():
        staged, ran = tf.function(program, fallback="error"), False
        for x, y in INPUTS:
            plain = outcome(program, x, y)
            eager = outcome(program, tf.constant(x), tf.constant(y))
            found = outcome(staged, tf.constant(x), tf.constant(y))
            # what is surely wrong is told while tracing, before other errors of the run
            early = not isinstance(found, list) and not isinstance(plain, list)
            same = plain == eager and (plain == found or early)
            assert same, f"{x, y}: {plain} {eager} {found}\n{text}\n{staged.converted_source}"
            ran |= isinstance(found, list)
        assert staged.experimental_get_tracing_count() == 1 or not ran


@settings(max_examples=60, **QUIET)
@given(programs(Kind(depth=2)))
def test_programs_interpreted(text: str) -> None:
    check(text, jit=False)


@settings(max_examples=60, **QUIET)
@given(programs(Kind(depth=2, unsure=True)))
def test_programs_with_names_without_values(text: str) -> None:
    check(text, jit=False)


@settings(max_examples=5, **QUIET)
@given(programs(Kind(depth=2)))
def test_programs_compiled(text: str) -> None:
    check(text, jit=True)


@pytest.mark.slow
@settings(max_examples=1000, **QUIET)
@given(programs(Kind(depth=3)))
def test_many_programs_interpreted(text: str) -> None:
    check(text, jit=False)


@pytest.mark.slow
@settings(max_examples=1000, **QUIET)
@given(programs(Kind(depth=3, unsure=True)))
def test_many_programs_with_names_without_values(text: str) -> None:
    check(text, jit=False)


@pytest.mark.slow
@settings(max_examples=100, **QUIET)
@given(programs(Kind(depth=3, unsure=True)))
def test_many_programs_compiled(text: str) -> None:
    check(text, jit=True)
