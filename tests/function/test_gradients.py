"""Gradients inside and outside of functions, through if, for and while; first and second order."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as tf


def both(f, *args):
    """The results of f eagerly and as a graph, which must agree."""
    eager = tf.nest.flatten(f(*args))
    graph = tf.nest.flatten(tf.function(f)(*args))
    for a, b in zip(eager, graph, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    return graph


def test_tape_inside() -> None:
    w = tf.Variable([[1.0, 2.0], [3.0, 4.0]])

    def loss_and_gradient(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.tanh(x @ w) ** 2)
        return loss, tape.gradient(loss, w)

    both(loss_and_gradient, tf.constant([[0.1, -0.2], [0.3, 0.4]]))


def test_tape_outside() -> None:
    w = tf.Variable([0.5, -1.0])

    def model(x):
        return tf.reduce_sum(tf.sigmoid(x * w))

    x = tf.constant([1.0, 2.0])
    results = []
    for f in (model, tf.function(model)):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = f(x)
        results.append(tape.gradient(y, [w, x]))
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)


def test_second_order_outside() -> None:
    x = tf.Variable(1.5)

    @tf.function
    def f(t):
        return tf.sin(t) * t**2

    with tf.GradientTape() as outer:
        with tf.GradientTape() as inner:
            y = f(x)
        first = inner.gradient(y, x)
    second = outer.gradient(first, x)
    t = 1.5
    np.testing.assert_allclose(first, 2 * t * np.sin(t) + t**2 * np.cos(t), rtol=1e-5)
    expected = 2 * np.sin(t) + 4 * t * np.cos(t) - t**2 * np.sin(t)
    np.testing.assert_allclose(second, expected, rtol=1e-4)


@pytest.mark.parametrize("value", [2.0, -3.0])
def test_through_if(value: float) -> None:
    def f(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            if x > 0:
                y = x * x * x
            else:
                y = tf.exp(x)
        return tape.gradient(y, x)

    both(f, tf.constant(value))


def test_through_while() -> None:
    def f(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x
            while y < 100.0:
                y = y * x
        return y, tape.gradient(y, x)

    y, g = both(f, tf.constant(3.0))
    assert float(y) == 243.0 and float(g) == 405.0


def test_through_for_over_a_range_and_over_rows() -> None:
    w = tf.Variable([[0.5, -0.2], [0.1, 0.8]])

    def f(xs, n):
        with tf.GradientTape() as tape:
            h = tf.zeros([1, 2])
            for x in xs:
                h = tf.tanh(h @ w + x)
            for _ in tf.range(n):
                h = h * 1.5
            loss = tf.reduce_sum(h)
        return loss, tape.gradient(loss, w)

    both(f, tf.constant(np.linspace(-1, 1, 6).reshape(3, 1, 2).astype(np.float32)), tf.constant(2))


def test_second_order_through_a_loop_inside() -> None:
    def f(x):
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                y = x
                for _ in tf.range(3):
                    y = y * x
            first = inner.gradient(y, x)
        return first, outer.gradient(first, x)

    first, second = both(f, tf.constant(2.0))
    assert float(first) == 32.0 and float(second) == 48.0


def test_custom_gradient_inside_a_loop() -> None:
    @tf.custom_gradient
    def reversed_sign(x):
        return x + 0.0, lambda g: -g

    def f(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x
            for _ in tf.range(3):
                y = reversed_sign(y) * 2.0
        return tape.gradient(y, x)

    (g,) = both(f, tf.constant(1.0))
    assert float(g) == -8.0


def test_unconnected_is_none_in_a_graph_too() -> None:
    v = tf.Variable(1.0)

    @tf.function
    def f(x):
        with tf.GradientTape() as tape:
            y = x * 2.0
        assert tape.gradient(y, v) is None
        return y

    assert float(f(tf.constant(1.0))) == 2.0
