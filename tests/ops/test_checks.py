"""Checks of shapes and dtypes, checked numerics, initializers, transforms over axes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import graphc as tf


def test_shapes_are_checked_by_names() -> None:
    x, y = tf.zeros([2, 3]), tf.zeros([3, 4])
    tf.debugging.assert_shapes([(x, ("n", "m")), (y, ("m", 4)), (y, [None, "k"])])
    with pytest.raises(ValueError, match="size n is 2"):
        tf.debugging.assert_shapes([(x, ("n", "m")), (y, ("n", "k"))])
    with pytest.raises(ValueError, match="expected 1 axes"):
        tf.debugging.assert_shapes([(x, ("n",))])


def test_dtypes_and_iterables_are_checked() -> None:
    same = tf.debugging.assert_same_float_dtype
    assert same([tf.zeros([1]), tf.ones([2])]) == tf.float32 and same() == tf.float32
    with pytest.raises(ValueError, match="float32, float64"):
        same([tf.zeros([1])], tf.float64)
    with pytest.raises(ValueError, match="int32"):
        same([tf.constant(1)])
    tf.debugging.assert_proper_iterable([1])
    for wrong in (tf.zeros([2]), "ab", 3):
        with pytest.raises(TypeError):
            tf.debugging.assert_proper_iterable(wrong)


@pytest.fixture
def checking() -> Iterator[None]:
    tf.debugging.enable_check_numerics()
    yield
    tf.debugging.disable_check_numerics()


@pytest.mark.usefixtures("checking")
def test_checked_numerics_name_the_op_and_the_line() -> None:
    x = tf.constant([-1.0, 2.0])
    with pytest.raises(tf.errors.InvalidArgumentError, match=r'NaN in output 0 of op "log".*\.py:'):
        tf.math.log(x)

    @tf.function(autograph=False)
    def f(x):
        return tf.sqrt(x) + tf.math.log(x)

    assert np.isfinite(f(tf.constant([1.0, 2.0])).numpy()).all()
    with pytest.raises(tf.errors.InvalidArgumentError, match=r'op "log".*test_checks.py'):
        f(tf.constant([0.0, 2.0]))
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reduce_sum(x * x)
    np.testing.assert_array_equal(tape.gradient(y, x).numpy(), [-2, 4])


def test_numerics_are_not_checked_unless_asked_for() -> None:
    assert np.isnan(tf.math.log(tf.constant(-1.0)).numpy())


def test_initializers() -> None:
    assert tf.zeros_initializer()([2]).numpy().tolist() == [0, 0]
    assert tf.ones_initializer()([2], tf.int32).dtype == tf.int32
    assert tf.constant_initializer([1, 2])([2, 1], tf.float32).numpy().tolist() == [[1], [2]]
    tf.random.set_seed(1)
    wide = tf.random_uniform_initializer(-2.0, 2.0)
    x = wide([1000]).numpy()
    assert x.min() < -1.9 and x.max() > 1.9
    again = type(wide).from_config(wide.get_config())
    assert (again.minval, again.maxval, again.seed) == (-2.0, 2.0, None)
    assert abs(float(tf.math.reduce_std(tf.random_normal_initializer()([4000]))) - 0.05) < 0.005


@pytest.mark.parametrize("axes", [None, [0, 2], [1]])
def test_transforms_over_axes_are_numpys(axes: list[int] | None) -> None:
    x = np.random.default_rng(0).normal(size=(2, 3, 4)).astype(np.float32)
    z = (x + 1j * x[::-1]).astype(np.complex64)
    near = dict(rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(tf.signal.fftnd(z, axes=axes), np.fft.fftn(z, axes=axes), **near)
    np.testing.assert_allclose(tf.signal.ifftnd(z, axes=axes), np.fft.ifftn(z, axes=axes), **near)
    half = np.fft.rfftn(x, axes=axes)
    np.testing.assert_allclose(tf.signal.rfftnd(x, axes=axes), half, **near)
    sizes = [x.shape[a] for a in axes or range(3)]
    back = tf.signal.irfftnd(half.astype(np.complex64), fft_length=sizes, axes=axes)
    np.testing.assert_allclose(back, x, **near)
    with pytest.raises(tf.errors.InvalidArgumentError, match="as many"):
        tf.signal.fft2d(tf.constant([1j]))


def test_gradients_may_pass_a_function_that_has_none() -> None:
    x = tf.constant([1.4, 2.6])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.grad_pass_through(tf.round)(x) * 3.0
    assert y.numpy().tolist() == [3, 9]
    assert tape.gradient(y, x).numpy().tolist() == [3, 3]
