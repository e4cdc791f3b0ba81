"""Activations give what Keras gives (recorded in activations.txt), eagerly and in graphs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import graphc as tf
from graphc.keras import activations

X = np.array([[-40, -6.5, -3, -1, -0.75, -0.25], [0, 0.25, 0.5, 1, 2.5, 60]], np.float32)
LINES = (Path(__file__).parent / "activations.txt").read_text(encoding="utf-8").splitlines()[1:]


@pytest.mark.parametrize("line", LINES, ids=[line.split(": ")[0] for line in LINES])
def test_results_are_keras_own(line: str) -> None:
    call, numbers = line.split(": ")
    wanted = np.array(numbers.split(), np.float32)

    def compute(x):
        return eval(call, {**vars(activations), "x": x})

    for found in (compute(tf.constant(X)), tf.function(compute, autograph=False)(tf.constant(X))):
        assert found.dtype == tf.float32
        np.testing.assert_allclose(np.ravel(found), wanted, rtol=3e-6, atol=1e-6)


@pytest.mark.parametrize("name", sorted(activations._NAMED))
def test_gradients_are_slopes(name: str) -> None:
    function = activations.get(name)
    more = (0.1, 5.0) if name == "threshold" else ()
    x = np.array([-6.6, -2.1, -0.7, 0.3, 0.9, 3.4])
    t, weights = tf.constant(x), np.linspace(0.5, 2, 6)[: 3 if name == "glu" else 6]
    with tf.GradientTape() as tape:
        tape.watch(t)
        y = tf.reduce_sum(function(t, *more) * weights)
    slopes = []
    for i in range(6):
        low, high = (tf.constant(x + s * 1e-6 * np.eye(6)[i]) for s in (-1, 1))
        ends = [float(tf.reduce_sum(function(v, *more) * weights)) for v in (low, high)]
        slopes.append((ends[1] - ends[0]) / 2e-6)
    np.testing.assert_allclose(tape.gradient(y, t), slopes, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("axis", [0, 1])
def test_sparsemax_is_the_nearest_point_among_probabilities(axis: int) -> None:
    x = np.random.default_rng(0).normal(size=(4, 5))
    p = activations.sparsemax(tf.constant(x), axis).numpy()
    np.testing.assert_allclose(p.sum(axis), 1)
    assert (p >= 0).all() and (p == 0).any()
    shift = np.moveaxis(x - p, axis, -1)  # equal where p > 0, smaller elsewhere
    most = shift.max(-1, keepdims=True)
    held = np.moveaxis(p, axis, -1) > 0
    np.testing.assert_allclose(shift[held], np.broadcast_to(most, shift.shape)[held])


def test_activations_are_found_by_name() -> None:
    assert activations.get(None) is activations.linear
    assert activations.get("swish") is activations.silu
    assert activations.get(tf.nn.relu) is tf.nn.relu
    for unknown in ("rel", 3):
        with pytest.raises(ValueError, match="there is no activation"):
            activations.get(unknown)
