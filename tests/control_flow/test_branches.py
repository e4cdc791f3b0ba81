"""tf.cond, tf.case and tf.switch_case, eagerly and staged."""

from __future__ import annotations

from collections import namedtuple

import numpy as np
import pytest

import graphc as tf
from graphc import errors

BOTH = pytest.mark.parametrize("wrap", [lambda f: f, tf.function], ids=["eager", "staged"])
Pair = namedtuple("Pair", "a b")


@BOTH
@pytest.mark.parametrize("x", [-2.0, 3.0])
def test_cond(wrap, x) -> None:
    def f(x):
        return tf.cond(x > 0, lambda: Pair(x * 2, [x, None]), lambda: Pair(-x, [x + 1, None]))

    found = wrap(f)(tf.constant(x))
    assert type(found) is Pair and found.b[1] is None
    assert (float(found.a), float(found.b[0])) == ((x * 2, x) if x > 0 else (-x, x + 1))


@BOTH
def test_cond_on_python_values_and_effects(wrap) -> None:
    v = tf.Variable(1.0)

    def f(x):
        tf.cond(x > 0, lambda: v.assign_add(x), lambda: v.assign(0.0))
        return tf.cond(True, lambda: x, lambda: None)

    assert float(wrap(f)(tf.constant(2.0))) == 2.0 and float(v) == 3.0
    assert tf.cond(tf.constant(1.0) > 0, lambda: None, lambda: None) is None


@BOTH
def test_cond_refuses_what_it_cannot_use(wrap) -> None:
    with pytest.raises(TypeError, match="false_fn must be callable"):
        wrap(lambda x: tf.cond(x > 0, lambda: x, 1.0))(tf.constant(1.0))


def test_branches_must_agree() -> None:
    @tf.function
    def f(x):
        return tf.cond(x > 0, lambda: (x, x), lambda: x)

    with pytest.raises(errors.BranchMismatchError, match="the result of tf.cond"):
        f(tf.constant(1.0))


@BOTH
@pytest.mark.parametrize("x", [0.5, 1.5, 9.0])
def test_case(wrap, x) -> None:
    def f(x):
        return tf.case([(x < 1.0, lambda: x * 2), (x < 5.0, lambda: x * 3)], default=lambda: -x)

    assert float(wrap(f)(tf.constant(x))) == (x * 2 if x < 1 else x * 3 if x < 5 else -x)


@BOTH
def test_case_without_a_match(wrap) -> None:
    def f(x):
        return tf.case([(x < 1.0, lambda: x * 2), (x < 5.0, lambda: x * 3)])

    assert float(wrap(f)(tf.constant(2.0))) == 6.0
    with pytest.raises(errors.InvalidArgumentError, match="no condition holds"):
        wrap(f)(tf.constant(9.0))


@BOTH
def test_case_with_two_matches(wrap) -> None:
    def f(x):
        return tf.case([(x < 5.0, lambda: x), (x < 7.0, lambda: -x)], lambda: x, exclusive=True)

    assert float(wrap(f)(tf.constant(6.0))) == -6.0
    with pytest.raises(errors.InvalidArgumentError, match="more than one"):
        wrap(f)(tf.constant(2.0))


def test_case_checks_its_arguments() -> None:
    with pytest.raises(TypeError, match="pairs"):
        tf.case([lambda: 1])
    with pytest.raises(ValueError, match="at least one"):
        tf.case([])
    assert tf.case([], default=lambda: 3) == 3


@BOTH
@pytest.mark.parametrize(("i", "wanted"), [(0, 10), (2, 30), (7, 30), (-1, 30)])
def test_switch_case(wrap, i, wanted) -> None:
    def f(i):
        return tf.switch_case(i, [lambda: i * 0 + 10, lambda: i * 0 + 20, lambda: i * 0 + 30])

    assert int(wrap(f)(tf.constant(i))) == wanted


@BOTH
def test_switch_case_by_number_with_default(wrap) -> None:
    def f(i):
        return tf.switch_case(i, {4: lambda: 40, 1: lambda: 10}, default=lambda: -1)

    assert [int(wrap(f)(tf.constant(i))) for i in (1, 4, 2)] == [10, 40, -1]


def test_gradients_of_branches() -> None:
    @tf.function
    def f(x):
        y = tf.cond(x[0] > 0, lambda: x * x * x, lambda: x)
        return tf.switch_case(tf.constant(1), [lambda: y, lambda: y * y])

    x = tf.constant([1.0, 2.0])
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = tf.reduce_sum(f(x))
        g = inner.gradient(y, x)
    np.testing.assert_allclose(g, 6 * x.numpy() ** 5, rtol=1e-6)
    np.testing.assert_allclose(outer.gradient(g, x), 30 * x.numpy() ** 4, rtol=1e-6)
