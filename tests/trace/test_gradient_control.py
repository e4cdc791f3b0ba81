"""Gradients of staged programs are those of the same programs run eagerly, and keep little."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

import graphc as tf
from graphc import config
from graphc.ops import control
from tests.autograph.programs import load
from tests.trace.gradient_cases import CASES
from tests.trace.gradient_programs import smooth_programs

QUIET = dict(suppress_health_check=list(HealthCheck), deadline=None)
INPUTS = [(-0.9, 1.1, 0), (1.2, 0.7, 3)]


def gradient(program: Callable[..., Any], second: bool = False) -> Callable[..., Any]:
    """Results and the gradients of their sum by all floats, perhaps those of the gradients too."""

    def step(x: Any, y: Any, w: Any, n: Any) -> Any:
        with tf.GradientTape() as outer:
            outer.watch([x, y, w])
            with tf.GradientTape() as inner:
                inner.watch([x, y, w])
                results = tf.stack([tf.convert_to_tensor(r) for r in program(x, y, w, n)])
            first = inner.gradient(results, [x, y, w], unconnected_gradients="zero")
            total = first[0] * 0.5 + first[1] * 2.0 + tf.reduce_sum(first[2] * first[2])
        if not second:
            return results, first
        return results, first, outer.gradient(total, [x, y, w], unconnected_gradients="zero")

    return step


def check(program: Callable[..., Any], text: str, second: bool = False, jit: bool = False) -> None:
    """Compare eager code, a tape inside of a function and a tape outside of it."""
    eager = gradient(program, second)
    staged = tf.function(eager)
    outside = gradient(tf.function(program), second)
    for x, y, n in INPUTS:
        args = tf.constant(x), tf.constant(y), tf.constant([0.7, -0.2]), tf.constant(n)
        with config.override(jit=jit), warnings.catch_warnings():
            warnings.simplefilter("error")
            wanted, *others = (tf.nest.flatten(f(*args)) for f in (eager, staged, outside))
        for found, where in zip(others, ("inside", "outside"), strict=True):
            for a, b in zip(wanted, found, strict=True):
                message = f"{where}, at {x, y, n}\n{text}"
                np.testing.assert_allclose(b, a, rtol=2e-4, atol=2e-4, err_msg=message)


def check_text(text: str, second: bool = False, jit: bool = False) -> None:
    check(load(text)[0], text, second, jit)


@pytest.mark.parametrize("second", [False, True], ids=["first", "second"])
@pytest.mark.parametrize("program", CASES, ids=lambda f: f.__name__)
def test_cases(program: Callable[..., Any], second: bool) -> None:
    check(program, program.__name__, second)


@settings(max_examples=5, **QUIET)
@given(smooth_programs(2))
def test_first_order(text: str) -> None:
    check_text(text)


@settings(max_examples=3, **QUIET)
@given(smooth_programs(1))
def test_second_order(text: str) -> None:
    check_text(text, second=True)


@pytest.mark.slow
@settings(max_examples=40, **QUIET)
@given(smooth_programs(3))
def test_many_programs(text: str) -> None:
    check_text(text)


@pytest.mark.slow
@settings(max_examples=20, **QUIET)
@given(smooth_programs(2))
def test_many_programs_of_second_order(text: str) -> None:
    check_text(text, second=True)


@pytest.mark.slow
@settings(max_examples=20, **QUIET)
@given(smooth_programs(2))
def test_compiled(text: str) -> None:
    check_text(text, jit=True)


# --- what loops keep for their gradients ----------------------------------------------------------


def stacks(f: Any, *args: Any) -> list[str]:
    """The types of all that the loops of a function stack, iteration by iteration."""
    graph = f.get_concrete_function(*args).function.optimized
    loops = [n for n in graph.walk() if n.op in (control.for_, control.while_)]
    assert loops
    return [
        str(v.type) for n in loops for v in n.outputs[n.attrs["carried"] :][: n.attrs["stacked"]]
    ]


def of_loop(step: Callable[..., Any]) -> Any:
    @tf.function
    def f(x, n):
        with tf.GradientTape() as tape:
            tape.watch(x)
            state = step(x, n)
        return state, tape.gradient(state, x)

    return f


def test_linear_loops_and_counters_keep_nothing() -> None:
    def doubled(x, n):
        count = 0
        for _ in tf.range(n):
            x = x * 2.0
            count += 1
        return x, count

    def total(x, n):
        s, i = tf.zeros([3]), 0
        while i < n:
            s += x * 3.0
            i += 1
        return s

    x, n = tf.constant([1.0, 2.0, 3.0]), tf.constant(4)
    for step, slope in ((doubled, 16.0), (total, 12.0)):
        f = of_loop(step)
        assert f(x, n)[1].numpy().tolist() == [slope] * 3
        assert stacks(f, x, n) == []


def test_loops_keep_the_values_that_the_gradient_reads() -> None:
    def power(x, n):
        y, count, other = x, 0, 0.0
        for _ in tf.range(n):
            y = y * x
            other += 1.5
            count += 2
        return y, tf.cast(count, tf.float32) * other

    found = stacks(of_loop(power), tf.constant([1.0, 2.0, 3.0]), tf.constant(4))
    assert len(found) == 1 and found[0].endswith(", 3]")


def test_a_recurrent_network_keeps_its_state_and_its_products() -> None:
    """The state, what tanh is of, and the gradient of that: no product is computed twice."""
    w = tf.Variable(np.linspace(-1, 1, 16).reshape(4, 4).astype(np.float32))

    @tf.function
    def f(rows):
        with tf.GradientTape() as tape:
            h = tf.zeros([2, 4])
            for row in rows:
                h = tf.tanh(h @ w + row)
            loss = tf.reduce_sum(h)
        return tape.gradient(loss, w)

    assert stacks(f, tf.ones([6, 2, 4])) == ["f32[6, 2, 4]"] * 3
