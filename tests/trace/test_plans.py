"""Gradient rules as numpy calls give what the rules give, for every op of the registry."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc.ops import REGISTRY, OpDef
from graphc.ops.opdef import GradContext, Sample
from graphc.trace import plans
from graphc.trace.gradient import ones_like

OPS = [op for op in REGISTRY.values() if op.grad and op.samples]


def context(op: OpDef, sample: Sample) -> tuple[GradContext, list[Any]]:
    """A recorded call, and gradients of its results."""
    inputs = [tf.constant(a) for a in sample.args]
    results = op(*inputs, **sample.attrs)
    outputs = results if op.many else (results,)
    attrs = {**op.attrs, **sample.attrs}
    wanted = [t.dtype.is_differentiable for t in inputs]
    return GradContext(op, inputs, outputs, attrs, None, wanted), [
        ones_like(t) * tf.cast(0.5, t.dtype) if t.dtype.is_differentiable else ones_like(t)
        for t in outputs
    ]


@pytest.mark.parametrize("op", OPS, ids=lambda op: op.name)
def test_a_rule_and_its_plan(op: OpDef) -> None:
    for sample in op.samples():
        if not sample.grad:
            continue
        c, grads = context(op, sample)
        wanted = op.grad(c, *grads)
        wanted = wanted if isinstance(wanted, tuple | list) else (wanted,)
        try:
            vjp = plans.make_vjp(op, c)
        except ValueError:  # sizes that depend on data: the rule itself runs
            continue
        found = vjp(c.inputs, c.outputs, grads)
        for a, b, want in zip(wanted, found, c.needed, strict=True):
            if not want:
                continue
            assert (a is None) == (b is None)
            if a is not None:
                assert a.dtype is b.dtype and a.shape == b.shape
                np.testing.assert_array_equal(a, b)


def test_options_that_cannot_be_hashed_are_told_apart() -> None:
    x = tf.constant(np.arange(6.0, dtype=np.float32))
    for _ in range(6):
        for part, hot in ((slice(1, 3), [1, 2]), (slice(3, 5), [3, 4])):
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = tf.reduce_sum(x[part])
            assert np.flatnonzero(tape.gradient(y, x)).tolist() == hot


def test_a_tape_around_another_sees_what_the_first_computes() -> None:
    x = tf.Variable(2.0)
    for _ in range(6):
        with tf.GradientTape() as outer:
            with tf.GradientTape() as inner:
                y = tf.square(x) * x
            first = inner.gradient(y, x)
        assert float(first) == 12.0 and float(outer.gradient(first, x)) == 12.0
