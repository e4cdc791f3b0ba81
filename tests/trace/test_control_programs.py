"""Random programs on tensors give the numbers they give on Python's integers."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

import graphc as tf
from graphc import config
from graphc.trace import nest
from tests.autograph.programs import Kind, load, programs

QUIET = dict(suppress_health_check=list(HealthCheck), deadline=None)
INPUTS = [(0, 0), (1, 5), (2, 3), (7, 1), (13, -4)]


def numbers(result: object) -> list[int]:
    return [int(np.asarray(leaf)) for leaf in nest.flatten(result)]


def check(text: str, jit: bool) -> None:
    program, _ = load(text)
    with config.override(jit=jit), warnings.catch_warnings():
        staged = tf.function(program)
        for x, y in INPUTS:
            wanted = numbers(program(x, y))
            found = numbers(staged(tf.constant(x), tf.constant(y)))
            assert found == wanted, f"{x, y}\n{text}\n{staged.converted_source}"
        assert staged.experimental_get_tracing_count() == 1


@settings(max_examples=60, **QUIET)
@given(programs(Kind(depth=2)))
def test_programs_interpreted(text: str) -> None:
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
@settings(max_examples=100, **QUIET)
@given(programs(Kind(depth=3)))
def test_many_programs_compiled(text: str) -> None:
    check(text, jit=True)
