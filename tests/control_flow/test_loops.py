"""tf.while_loop and the functions over rows, eagerly and staged, against numpy."""

from __future__ import annotations

from collections import namedtuple

import numpy as np
import pytest

import graphc as tf
from graphc import errors

BOTH = pytest.mark.parametrize("wrap", [lambda f: f, tf.function], ids=["eager", "staged"])
State = namedtuple("State", "i total")
X = np.array([[1.0, 2.0], [-3.0, 4.0], [0.5, -1.0]], np.float32)


# --- while_loop -----------------------------------------------------------------------------------


@BOTH
def test_loop_variables_keep_their_structure(wrap) -> None:
    def f(n):
        one = tf.while_loop(lambda i: i < n, lambda i: [i + 2], [0])
        two = tf.while_loop(lambda i, d: i < n, lambda i, d: (i + 1, {"s": d["s"] + i}),
                            (0, {"s": 0}))  # fmt: skip
        named = tf.while_loop(lambda i, t: i < n, lambda i, t: State(i + 1, t + i), State(0, 0))
        return one, two, named

    one, two, named = wrap(f)(tf.constant(5))
    assert type(one) is list and int(one[0]) == 6
    assert type(two) is tuple and int(two[1]["s"]) == 10
    assert type(named) is State and int(named.total) == 10


@BOTH
def test_the_most_iterations(wrap) -> None:
    def f(limit):
        return tf.while_loop(lambda i: True, lambda i: i + 1, [0], maximum_iterations=limit)[0]

    assert int(wrap(f)(tf.constant(7))) == 7


@BOTH
def test_shapes_that_change(wrap) -> None:
    def f(x):
        _, grown = tf.while_loop(
            lambda i, t: i < 3, lambda i, t: (i + 1, tf.concat([t, x], 0)), (0, x),
            shape_invariants=(tf.TensorShape([]), tf.TensorShape([None, 2])),
        )  # fmt: skip
        return grown

    np.testing.assert_array_equal(wrap(f)(tf.constant(X)), np.tile(X, (4, 1)))


@BOTH
def test_a_shape_that_does_not_fit_its_invariant(wrap) -> None:
    def f(x):
        return tf.while_loop(
            lambda t: tf.shape(t)[0] < 9, lambda t: [tf.concat([t, t], 1)], [x],
            shape_invariants=[tf.TensorShape([3, 2])],
        )  # fmt: skip

    with pytest.raises(errors.InvalidArgumentError, match="invariant"):
        wrap(f)(tf.constant(X))


@BOTH
def test_what_while_loop_refuses(wrap) -> None:
    with pytest.raises(ValueError, match="empty"):
        wrap(lambda x: tf.while_loop(lambda: True, lambda: (), []))(tf.constant(1))
    with pytest.raises(TypeError, match="body must be callable"):
        wrap(lambda x: tf.while_loop(lambda i: i < x, 3, [0]))(tf.constant(1))
    with pytest.raises(ValueError, match="returns 2 values for 1"):
        wrap(lambda x: tf.while_loop(lambda i: i < x, lambda i: (i, i), [0]))(tf.constant(1))


def test_a_dtype_that_changes_is_refused() -> None:
    @tf.function
    def f(x):
        return tf.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, tf.cast(y, tf.int32)), (0, x))

    with pytest.raises(errors.LoopCarryError, match=r"loop_vars\[1\]"):
        f(tf.constant(1.0))


# --- options of written loops ---------------------------------------------------------------------


@pytest.mark.parametrize("limit", [2, 100])
def test_set_loop_options(limit) -> None:
    @tf.function
    def f(n):
        counted, total = 0, 0
        for _ in tf.range(n):
            tf.autograph.experimental.set_loop_options(maximum_iterations=limit)
            counted += 1
        i = 0
        while i < n:
            tf.autograph.experimental.set_loop_options(maximum_iterations=limit)
            i += 1
            total += i
        return counted, total

    counted, total = f(tf.constant(5))
    most = min(limit, 5)
    assert int(counted) == most and int(total) == sum(range(most + 1))


def test_shape_invariants_of_a_written_loop() -> None:
    @tf.function
    def f(n, x, wanted=(None, 2)):
        for _ in tf.range(n):
            tf.autograph.experimental.set_loop_options(
                shape_invariants=[(x, tf.TensorShape(wanted))]
            )
            x = tf.concat([x, x[:1]], 0)
        return x

    assert f(tf.constant(2), tf.constant(X)).shape == (5, 2)
    with pytest.raises(ValueError, match="does not fit"):
        f(tf.constant(2), tf.constant(X), (None, 3))


# --- functions over rows --------------------------------------------------------------------------


@BOTH
def test_map_fn(wrap) -> None:
    def f(x):
        single = tf.map_fn(lambda r: r * r, x)
        several = tf.map_fn(
            lambda p: {"s": tf.reduce_sum(p[0]), "n": p[1] + 1}, (x, tf.range(3)),
            fn_output_signature={"s": tf.float32, "n": tf.TensorSpec([], tf.int32)},
        )  # fmt: skip
        return single, several, tf.vectorized_map(lambda r: tf.stack([r, r]), x)

    single, several, vectorized = wrap(f)(tf.constant(X))
    np.testing.assert_array_equal(single, X * X)
    np.testing.assert_array_equal(several["s"], X.sum(1))
    np.testing.assert_array_equal(several["n"], [1, 2, 3])
    np.testing.assert_array_equal(vectorized, np.stack([X, X], 1))


@BOTH
def test_map_fn_stages_the_function_it_is_given(wrap) -> None:
    def clipped(v):
        if v > 1.0:
            return v * 10.0
        return -v

    found = wrap(lambda x: tf.map_fn(clipped, x))(tf.constant([0.5, 2.0]))
    np.testing.assert_array_equal(found, [-0.5, 20])


@BOTH
def test_map_fn_checks_what_is_declared(wrap) -> None:
    f = wrap(lambda x: tf.map_fn(lambda r: r, x, fn_output_signature=tf.int32))
    with pytest.raises(errors.InvalidArgumentError, match="gives float32, declared is int32"):
        f(tf.constant(X))
    with pytest.raises(errors.InvalidArgumentError, match="rows"):
        wrap(lambda x: tf.map_fn(lambda p: p[0], (x, x[:2])))(tf.constant(X))


def test_map_fn_of_no_rows() -> None:
    none = tf.constant(X[:0])
    for wrap in (tf.function, lambda f: f):
        assert wrap(lambda x: tf.map_fn(lambda r: r * 2, x))(none).shape == (0, 2)
        sums = wrap(lambda x: tf.scan(lambda a, r: a + tf.reduce_sum(r), x, initializer=1.0))(none)
        assert sums.shape == (0,) and sums.dtype == tf.float32
        assert float(wrap(lambda x: tf.foldl(lambda a, r: a, x, initializer=1.0))(none)) == 1.0


@BOTH
def test_scans_and_folds(wrap) -> None:
    def f(x):
        step = lambda a, r: a * 0.5 + r  # noqa: E731
        return (
            tf.scan(step, x), tf.scan(step, x, initializer=tf.ones([2]), reverse=True),
            tf.foldl(step, x), tf.foldr(step, x, initializer=tf.zeros([2])),
            tf.scan(lambda a, p: (a[0] + p[0], a[1] * p[1]), (x, x)),
        )  # fmt: skip

    forward, backward, left, right, (sums, products) = wrap(f)(tf.constant(X))
    total = [X[0]]
    for row in X[1:]:
        total.append(total[-1] * 0.5 + row)
    np.testing.assert_allclose(forward, total)
    np.testing.assert_allclose(left, total[-1])
    total = [np.ones(2, np.float32)]
    for row in X[::-1]:
        total.append(total[-1] * 0.5 + row)
    np.testing.assert_allclose(backward, total[:0:-1])
    np.testing.assert_allclose(right, (X[2] * 0.5 + X[1]) * 0.5 + X[0])
    np.testing.assert_allclose(sums, X.cumsum(0))
    np.testing.assert_allclose(products, X.cumprod(0))


PROGRAMS = {
    "while": lambda x: tf.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, y * x), (0, x))[1],
    "map": lambda x: tf.map_fn(lambda r: r * tf.reduce_sum(r), x),
    "scan": lambda x: tf.scan(lambda a, r: a * r + r, x),
    "fold": lambda x: tf.foldr(lambda a, r: a * r + r, x, initializer=tf.ones([2])),
}


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("whole", [False, True], ids=["a function's", "in one graph"])
def test_gradients(name, whole) -> None:
    """First and second order, against the eager tape."""
    fn = PROGRAMS[name]

    def slopes(f, x):
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                loss = tf.reduce_sum(f(x) ** 2)
            g = inner.gradient(loss, x)
            again = tf.reduce_sum(g * g)
        return g, outer.gradient(again, x)

    x = tf.constant(X)
    wanted = slopes(fn, x)
    found = tf.function(lambda x: slopes(fn, x))(x) if whole else slopes(tf.function(fn), x)
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)
