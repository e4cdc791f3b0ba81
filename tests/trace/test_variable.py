"""Variables: assignment, snapshots, errors."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as tf


def test_assign_family_returns_the_variable() -> None:
    v = tf.Variable([1.0, 2.0], name="w")
    assert v.assign([3.0, 4.0]) is v
    assert v.assign_add([1.0, 1.0]).numpy().tolist() == [4.0, 5.0]
    assert v.assign_sub(tf.constant([1.0, 0.0])).numpy().tolist() == [3.0, 5.0]
    assert v.name == "w:0" and v.trainable and v.dtype is tf.float32 and v.shape == (2,)


def test_slices_are_assigned() -> None:
    v = tf.Variable(np.zeros((3, 3), np.float32))
    v[1].assign([1.0, 2.0, 3.0])
    v[:, 2].assign_add([1.0, 1.0, 1.0])
    v[tf.constant(0), 0].assign(9.0)
    assert v.numpy().tolist() == [[9, 0, 1], [1, 2, 4], [0, 0, 1]]


def test_what_was_read_does_not_change() -> None:
    v = tf.Variable([1.0])
    before, view = v.value(), tf.reshape(v, [1, 1])
    v.assign_add([1.0])
    assert before.numpy() == [1.0] and view.numpy() == [[1.0]] and v.numpy() == [2.0]


def test_shape_and_dtype_never_change() -> None:
    v = tf.Variable([1.0, 2.0], name="w")
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"w has shape \(2,\)"):
        v.assign([1.0, 2.0, 3.0])
    with pytest.raises(tf.errors.DTypeError, match="float32.*float64"):
        v.assign(tf.constant([1.0, 2.0], tf.float64))


def test_initial_value_may_be_a_callable() -> None:
    assert tf.Variable(lambda: tf.ones([2]), dtype=tf.float32).numpy().tolist() == [1, 1]
    with pytest.raises(ValueError):
        tf.Variable()
