"""Functions with gradients of their own: eager, staged, with Variables, nested, of higher order."""

from __future__ import annotations

import pytest

import graphc as tf


def test_custom_gradient_eager() -> None:
    @tf.custom_gradient
    def clipped(x: tf.Tensor) -> tuple:
        return x * 2, lambda g: tf.clip_by_value(g, -1.0, 1.0)

    x = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        y = clipped(x) * 5
    assert float(y) == 30 and float(tape.gradient(y, x)) == 1.0


def floats(*tensors):
    return [None if t is None else float(t) for t in tf.nest.flatten(tensors)]


def ways(f):
    """A function as it is, and staged."""
    return [pytest.param(f, id="eager"), pytest.param(tf.function(f), id="staged")]


w = tf.Variable(3.0)


@tf.custom_gradient
def weighted(x):
    def grad(g, variables=None):
        return g * 100.0, [g * 7.0 for _ in variables]

    return x * w, grad


def by_variables(a):
    with tf.GradientTape() as tape:
        tape.watch(a)
        z = weighted(a) * 2.0
    return z, tape.gradient(z, [a, w])


@pytest.mark.parametrize("run", ways(by_variables))
def test_variables(run) -> None:
    assert floats(run(tf.constant(2.0))) == [12.0, 200.0, 14.0]


def test_variables_outside_of_a_function() -> None:
    f, a = tf.function(lambda x: weighted(x) * 2.0), tf.Variable(2.0)
    with tf.GradientTape() as tape:
        z = f(a)
    assert floats(z, tape.gradient(z, [a, w])) == [12.0, 200.0, 14.0]


def test_variables_that_the_gradient_function_does_not_take() -> None:
    @tf.custom_gradient
    def f(x):
        return x * w, lambda g: g

    for run in (f, tf.function(f)):
        with pytest.raises(TypeError, match="variables="):
            run(tf.constant(1.0))


def nested(a, b):
    @tf.custom_gradient
    def f(pair, scale=1.0):
        x, y = pair["a"], pair["b"]
        return [x + y, x * y * scale], lambda u, v: {"a": u * 2.0, "b": v * 3.0}

    with tf.GradientTape() as tape:
        tape.watch([a, b])
        total, product = f({"a": a * 1.0, "b": b * 1.0}, scale=10.0)
        z = total + product
    return product, tape.gradient(z, [a, b])


@pytest.mark.parametrize("run", ways(nested))
def test_nested_arguments_and_keywords(run) -> None:
    assert floats(run(tf.constant(2.0), tf.constant(5.0))) == [100.0, 2.0, 3.0]


@tf.custom_gradient
def odd_slope(x):
    squared = x * x
    return squared * x, lambda g: g * squared * 5.0


def second(a):
    with tf.GradientTape() as outer:
        outer.watch(a)
        with tf.GradientTape() as inner:
            inner.watch(a)
            z = odd_slope(a) * tf.stop_gradient(a)
        first = inner.gradient(z, a)
    return first, outer.gradient(first, a)


@pytest.mark.parametrize("run", ways(second))
def test_second_order(run) -> None:
    assert floats(run(tf.constant(2.0))) == [40.0, 40.0]


def test_second_order_of_a_function() -> None:
    f, a = tf.function(lambda x: odd_slope(x) * tf.stop_gradient(x)), tf.Variable(2.0)
    with tf.GradientTape() as outer:
        with tf.GradientTape() as inner:
            z = f(a)
        first = inner.gradient(z, a)
    assert floats(first, outer.gradient(first, a)) == [40.0, 40.0]


def test_methods_and_arguments_that_are_no_tensors() -> None:
    class Model:
        factor = 4.0

        @tf.custom_gradient
        def scaled(self, x, mode):
            assert mode == "plain"
            return x * self.factor, lambda g: g * self.factor * 2.0

    model, a = Model(), tf.Variable(2.0)
    for run in (model.scaled, tf.function(model.scaled)):
        with tf.GradientTape() as tape:
            z = run(a, "plain")
        assert floats(z, tape.gradient(z, a)) == [8.0, 8.0]


def test_no_gradient_for_an_argument() -> None:
    @tf.custom_gradient
    def f(x, y):
        return x * y, lambda g: (g * y, None)

    a, b = tf.Variable(2.0), tf.Variable(5.0)
    with tf.GradientTape() as tape:
        z = f(a, b)
    assert floats(tape.gradient(z, [a, b])) == [5.0, None]


def test_a_wrong_number_of_gradients() -> None:
    @tf.custom_gradient
    def f(x, y):
        return x * y, lambda g: g

    a = tf.Variable(2.0)
    with tf.GradientTape() as tape:
        z = f(a, a)
    with pytest.raises(ValueError, match="1 gradients for 2 arguments"):
        tape.gradient(z, a)


def recomputed(a):
    calls = []

    @tf.recompute_grad
    def f(x):
        calls.append(x)
        return tf.sin(x * w) * x

    with tf.GradientTape() as tape:
        tape.watch(a)
        z = f(a)
    assert len(calls) >= 1
    found = tape.gradient(z, [a, w])
    assert len(calls) > 1
    return z, found


@pytest.mark.parametrize("run", ways(recomputed))
def test_recompute(run) -> None:
    a = tf.constant(2.0)
    with tf.GradientTape() as tape:
        tape.watch(a)
        z = tf.sin(a * w) * a
    wanted = floats(z, tape.gradient(z, [a, w]))
    assert floats(run(a)) == pytest.approx(wanted, rel=1e-6)
