"""tf.py_function and tf.numpy_function: Python code in programs; scopes."""

from __future__ import annotations

import traceback

import numpy as np
import pytest

import graphc as tf
from graphc import errors

BOTH = pytest.mark.parametrize("wrap", [lambda f: f, tf.function], ids=["eager", "staged"])
X = np.array([1.0, -2.0, 3.0], np.float32)


class Refused(Exception):
    def __init__(self, number: float, why: str) -> None:
        super().__init__(why)
        self.number = number


@BOTH
def test_results_of_python_code(wrap) -> None:
    def f(x):
        squared = tf.py_function(lambda t: t * t, [x], tf.float32)
        both = tf.numpy_function(lambda a: (a.sum(), a[:2]), [x],
                                 [tf.TensorSpec([], tf.float32), tf.float32])  # fmt: skip
        return squared, both

    squared, both = wrap(f)(tf.constant(X))
    np.testing.assert_array_equal(squared, X * X)
    assert type(both) is list and float(both[0]) == 2.0
    np.testing.assert_array_equal(both[1], X[:2])


@BOTH
def test_effects_keep_their_order_in_loops_and_branches(wrap) -> None:
    seen = []

    def note(what, value):
        tf.numpy_function(lambda v: seen.append((what, int(v))), [value], [])

    def f(n):
        for i in range(n):
            note("a", i)
            if i % 2 == 0:
                note("even", i)
            note("b", i)
        return n

    wrap(f)(tf.constant(3) if wrap is tf.function else 3)
    wanted = []
    for i in range(3):
        wanted += [("a", i), *([("even", i)] if i % 2 == 0 else []), ("b", i)]
    assert seen == wanted


@BOTH
def test_exceptions_reach_the_caller(wrap) -> None:
    def inside(v):
        if v.numpy()[1] < 0:
            raise Refused(float(v.numpy()[1]), "no negative numbers")
        return v

    f = wrap(lambda x: tf.py_function(inside, [x], tf.float32) + 1.0)
    with pytest.raises(Refused, match="no negative numbers") as caught:
        f(tf.constant(X))
    assert caught.value.number == -2.0
    frames = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert "inside" in frames
    np.testing.assert_array_equal(f(tf.constant(abs(X))), abs(X) + 1)


@BOTH
def test_what_is_declared_is_checked(wrap) -> None:
    def run(function, tout):
        return wrap(lambda x: tf.numpy_function(function, [x], tout))(tf.constant(X))

    with pytest.raises(errors.InvalidArgumentError, match="gives float64, Tout declares float32"):
        run(lambda a: a.astype(np.float64), tf.float32)
    with pytest.raises(errors.InvalidArgumentError, match=r"shape \(2,\), expected is \(3,\)"):
        run(lambda a: a[:2], tf.TensorSpec([3], tf.float32))
    with pytest.raises(errors.InvalidArgumentError, match="gives 1 results, Tout declares 2"):
        run(lambda a: [a], [tf.float32, tf.float32])
    with pytest.raises(errors.InvalidArgumentError, match="gives None"):
        run(lambda a: None, tf.float32)


def test_another_number_of_axes_says_what_to_declare() -> None:
    f = tf.function(lambda x: tf.py_function(tf.reduce_sum, [x], tf.float32))
    with pytest.raises(errors.InvalidArgumentError, match=r"Tout=tf.TensorSpec"):
        f(tf.constant(X))


def powers(x):
    y = tf.py_function(lambda v: v * v * v, [x], tf.float32)
    total = tf.zeros([3])
    for i in tf.range(3):
        total += tf.py_function(
            lambda v, k: v * tf.cast(k, tf.float32), [y, i], tf.TensorSpec([3], tf.float32)
        )
    return y + total


@pytest.mark.parametrize("whole", [False, True], ids=["a function's", "in one graph"])
def test_py_function_has_gradients(whole) -> None:
    def slopes(f, x):
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                y = tf.reduce_sum(f(x))
            g = inner.gradient(y, x)
        return g, outer.gradient(g, x)

    x = tf.constant(X)
    found = tf.function(lambda x: slopes(powers, x))(x) if whole else slopes(tf.function(powers), x)
    np.testing.assert_allclose(found[0], 12 * X**2, rtol=1e-6)
    np.testing.assert_allclose(found[1], 24 * X, rtol=1e-6)


def test_numpy_function_has_none() -> None:
    x = tf.constant(X)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.function(lambda x: tf.numpy_function(lambda a: a * 2, [x], tf.float32))(x)
    assert tape.gradient(y, x) is None


# --- scopes and orders ----------------------------------------------------------------------------


def test_name_scopes_nest() -> None:
    with tf.name_scope("outer") as outer:
        with tf.name_scope("inner") as inner:
            assert (outer, inner) == ("outer/", "outer/inner/")
        with tf.name_scope("next") as following:
            assert following == "outer/next/"
    with tf.name_scope("again") as again:
        assert again == "again/"
    with pytest.raises(ValueError, match="string"):
        tf.name_scope(3)


@BOTH
def test_orders_are_kept_without_being_asked_for(wrap) -> None:
    v = tf.Variable(1.0)

    def f(x):
        change = v.assign_add(x)
        with tf.control_dependencies([change]):
            after = tf.identity(v)
        tf.group(change, after)
        return after, tf.identity_n([x, x])[1], tf.no_op()

    after, same, nothing = wrap(f)(tf.constant(2.0))
    assert float(after) == 3.0 and float(same) == 2.0 and nothing is None
