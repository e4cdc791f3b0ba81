"""GradientTape: first and higher orders, persistence, watching, jacobians, custom gradients."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as tf


def test_gradient_of_a_variable_and_of_a_watched_tensor() -> None:
    v, x = tf.Variable([1.0, 2.0]), tf.constant([3.0, 4.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reduce_sum(v * v * x)
    dv, dx = tape.gradient(y, [v, x])
    assert dv.numpy().tolist() == [6, 16] and dx.numpy().tolist() == [1, 4]


def test_structures_of_sources_are_kept() -> None:
    a, b = tf.Variable(2.0), tf.Variable(3.0)
    with tf.GradientTape() as tape:
        y = a * b
    grads = tape.gradient(y, {"a": a, "rest": (b,)})
    assert float(grads["a"]) == 3 and float(grads["rest"][0]) == 2


def test_third_derivative() -> None:
    x = tf.Variable(2.0)
    with tf.GradientTape() as t3:
        with tf.GradientTape() as t2:
            with tf.GradientTape() as t1:
                y = x**4
            first = t1.gradient(y, x)
        second = t2.gradient(first, x)
    third = t3.gradient(second, x)
    np.testing.assert_allclose([first, second, third], [32, 48, 48], rtol=1e-5)


def test_unconnected_sources() -> None:
    x, y = tf.Variable(1.0), tf.Variable([1.0, 2.0])
    with tf.GradientTape(persistent=True) as tape:
        z = x * 2
    assert tape.gradient(z, y) is None
    zero = tape.gradient(z, y, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    assert zero.numpy().tolist() == [0, 0]


def test_a_tape_is_used_once_unless_persistent() -> None:
    x = tf.Variable(1.0)
    with tf.GradientTape() as tape:
        y = x * x
    tape.gradient(y, x)
    with pytest.raises(RuntimeError, match="persistent=True"):
        tape.gradient(y, x)


def test_stop_recording_and_stop_gradient() -> None:
    x = tf.Variable(3.0)
    with tf.GradientTape(persistent=True) as tape:
        with tape.stop_recording():
            hidden = x * x
        y = x * tf.stop_gradient(x) + hidden
    assert float(tape.gradient(y, x)) == 3.0


def test_untrainable_variables_need_watching() -> None:
    v = tf.Variable(2.0, trainable=False)
    with tf.GradientTape(persistent=True) as tape:
        y = v * v
    assert tape.gradient(y, v) is None
    with tf.GradientTape() as tape:
        tape.watch(v)
        y = v * v
    assert float(tape.gradient(y, v)) == 4.0


def test_output_gradients_weigh_targets() -> None:
    x = tf.Variable([1.0, 2.0])
    with tf.GradientTape() as tape:
        y = x * x
    assert tape.gradient(y, x, output_gradients=[10.0, 1.0]).numpy().tolist() == [20, 4]


def test_the_gradient_uses_the_value_at_the_time() -> None:
    x = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        y = x * x
    x.assign(100.0)
    assert float(tape.gradient(y, x)) == 6.0


def test_jacobian_and_batch_jacobian() -> None:
    x = tf.constant([[1.0, 2.0], [3.0, 4.0]])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = x * x
    full = tape.jacobian(y, x).numpy()
    assert full.shape == (2, 2, 2, 2) and full[1, 0, 1, 0] == 6 and full[0, 0, 1, 0] == 0
    rows = tape.batch_jacobian(y, x).numpy()
    np.testing.assert_allclose(rows, [np.diag([2, 4]), np.diag([6, 8])])


def test_custom_gradient_eager() -> None:
    @tf.custom_gradient
    def clipped(x: tf.Tensor) -> tuple:
        return x * 2, lambda g: tf.clip_by_value(g, -1.0, 1.0)

    x = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        y = clipped(x) * 5
    assert float(y) == 30 and float(tape.gradient(y, x)) == 1.0


def test_sources_must_be_tensors() -> None:
    with tf.GradientTape() as tape:
        y = tf.Variable(1.0) * 2
    with pytest.raises(ValueError, match="sources are tensors"):
        tape.gradient(y, 3.0)
