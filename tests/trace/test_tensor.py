"""Tensors: conversion, dtype rules, operators, numpy interop, texts."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import graphc as tf


@pytest.mark.parametrize(
    ("value", "dtype"),
    [(1, "int32"), (1.5, "float32"), (True, "bool"), ([1, 2], "int32"), ([[1.0], [2]], "float32"),
     (1j, "complex128"), (np.float64(2), "float64"), (np.arange(3), "int64"), ("a", "string")],
)  # fmt: skip
def test_default_dtypes_are_tensorflows(value: object, dtype: str) -> None:
    assert tf.constant(value).dtype == dtype


def test_python_numbers_take_the_tensors_dtype() -> None:
    for dtype in (tf.float64, tf.int64, tf.uint8):
        x = tf.constant([1, 2], dtype=dtype)
        assert (x + 1).dtype is (1 + x).dtype is dtype
    assert (tf.constant([1.0]) * 2).dtype is tf.float32


def test_dtypes_are_never_mixed_silently() -> None:
    with pytest.raises(tf.errors.DTypeError, match=r"f32\[1\] and f64\[1\].*tf.cast"):
        tf.constant([1.0]) + tf.constant([1.0], tf.float64)
    with pytest.raises((TypeError, ValueError)):
        tf.constant([1]) + 1.5


def test_numbers_out_of_range_are_refused() -> None:
    assert tf.constant(2**40).dtype == tf.int64  # TensorFlow's choice for a Python int
    with pytest.raises(tf.errors.DTypeError, match="does not fit int32"):
        tf.constant(2**40, tf.int32)
    with pytest.raises(tf.errors.DTypeError, match="uint8"):
        tf.constant(300, tf.uint8)


def test_ragged_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="differ in length"):
        tf.constant([[1, 2], [3]])


def test_a_constant_is_a_copy() -> None:
    array = np.zeros(3, np.float32)
    t = tf.constant(array)
    array[0] = 5
    t.numpy()[1] = 7
    assert t.numpy().tolist() == [0, 0, 0]


def test_numpy_sees_tensors_and_defers_to_them() -> None:
    t = tf.constant([1.0, 4.0])
    assert np.sqrt(t).tolist() == [1.0, 2.0]
    assert isinstance(np.array([1.0, 2.0], np.float32) + t, tf.Tensor)
    assert isinstance(np.float32(2) * t, tf.Tensor)
    assert np.asarray(t).flags.writeable is False
    assert float(t[1]) == 4.0 and int(tf.constant(3)) == 3 and list(range(tf.constant(2))) == [0, 1]


def test_texts_are_tensorflows() -> None:
    assert repr(tf.constant(1.5)) == "<tf.Tensor: shape=(), dtype=float32, numpy=1.5>"
    assert str(tf.constant([1, 2])) == "tf.Tensor([1 2], shape=(2,), dtype=int32)"
    assert str(tf.constant([[1], [2]])) == "tf.Tensor(\n[[1]\n [2]], shape=(2, 1), dtype=int32)"
    expected = "<tf.Variable 'v:0' shape=(2,) dtype=int32, numpy=array([1, 2], dtype=int32)>"
    assert repr(tf.Variable([1, 2], name="v")) == expected


def test_comparison_is_elementwise_and_hash_is_refused() -> None:
    t = tf.constant([1, 2])
    assert (t == [1, 3]).numpy().tolist() == [True, False]
    assert (t is not None) and (t != None)  # noqa: E711
    with pytest.raises(TypeError):
        hash(t)
    assert {t.ref(): 1}[t.ref()] == 1 and t.ref().deref() is t


@pytest.mark.parametrize(
    "index",
    [0, -1, slice(1, 3), (slice(None), 1), (Ellipsis, 0), (None, 2),
     (slice(None, None, -1), slice(0, 4, 2)), (1, 2, 3), (slice(5, 1), 0),
     (Ellipsis, slice(-2, None))],
)  # fmt: skip
def test_indexing_is_numpys(index: object) -> None:
    x = np.arange(4 * 5 * 6).reshape(4, 5, 6)
    np.testing.assert_array_equal(tf.constant(x)[index], x[index])


def test_indexing_by_tensors_and_masks() -> None:
    x = np.arange(12.0).reshape(3, 4)
    t = tf.constant(x)
    np.testing.assert_array_equal(t[tf.constant(1)], x[1])
    np.testing.assert_array_equal(t[tf.constant(1), 2:], x[1, 2:])
    np.testing.assert_array_equal(t[t > 5], x[x > 5])
    np.testing.assert_array_equal(t[:, tf.constant([0, 2])], x[:, [0, 2]])


def test_an_index_out_of_bounds_is_an_error() -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match="index 7"):
        tf.constant([1, 2])[7]
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"index = 5 is not in \[0, 2\)"):
        tf.gather([1, 2], 5)


def test_tensors_copy_and_pickle() -> None:
    t = tf.constant([1.0, 2.0])
    assert copy.deepcopy(t) is t
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(t)), t)


def test_shapes_are_tuples_that_know_more() -> None:
    shape = tf.constant([[1, 2, 3]]).shape
    assert shape == (1, 3) and shape.rank == 2 and shape.as_list() == [1, 3]
    assert shape.num_elements() == 3 and repr(shape) == "TensorShape([1, 3])"
    assert tf.TensorShape([None, 3]).is_compatible_with(shape)
