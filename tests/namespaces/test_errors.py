"""A wrong call raises what TensorFlow raises: a class of that name, or one derived from it."""

from __future__ import annotations

import pytest

import graphc as tf
from tests.namespaces.errors import outcome, recorded

# Where graphc differs on purpose, and why; docs/operations.md says the same to users.
DIFFERENT = {
    "tf.truncatediv(5, 0)": "TensorFlow calls its own error unexpected",
    "tf.constant(300, tf.uint8)": "TensorFlow wraps around",
    "tf.constant(-1, tf.uint8)": "TensorFlow wraps around",
    "tf.constant(2**40, tf.int32)": "TensorFlow wraps around",
    "tf.constant([1, 2], shape=[3])": "TensorFlow raises TypeError for a value",
    "tf.range(5, 1)": "empty, as Python's range",
    "tf.einsum('ij,jk->ik', [[1., 2.]], [[1., 2.]])": "TensorFlow takes no lists here",
    "tf.einsum('ij->k', [[1., 2.]])": "TensorFlow takes no lists here",
    "tf.linalg.cholesky([[1., 2.], [2., 1.]])": "TensorFlow gives uninitialized memory",
    "tf.reduce_max([1, 2], axis='a')": "ValueError",
    "tf.math.bincount([[1, 2]], weights=[1])": "weights broadcast",
    "tf.math.sqrt(4)": "Python ints become floats where only floats make sense",
    "tf.math.log([1, 2])": "Python ints become floats where only floats make sense",
    "tf.math.igamma(1, 2)": "Python ints become floats where only floats make sense",
    "tf.nn.softmax([1, 2])": "Python ints become floats where only floats make sense",
    "tf.math.polyval(1, 2)": "TypeError: it is no list",
    "tf.nn.conv2d([[1.]], [[1.]], 1, 'SAME')": "TensorFlow takes no lists here",
    "tf.nn.conv2d(n, k, 1, 'FOO')": "ValueError, as most wrong words",
    "tf.nn.batch_normalization(a, [1., 2.], [1.], None, None, .1)": "TensorFlow takes no lists",
    "tf.strings.format('{} {}', 1)": "TensorFlow takes no bare number, and says so oddly",
    "tf.strings.reduce_join(['a'], axis=3)": "InvalidArgumentError, as in other reductions",
    "tf.strings.to_hash_bucket_fast('a', 0)": "ValueError",
    "tf.cond([True, False], lambda: 1, lambda: 2)": "a list is true if it has elements",
}


@pytest.mark.parametrize(("kind", "line"), recorded())
def test_wrong_calls_raise_tensorflows_class(kind: str, line: str) -> None:
    found = outcome(tf, line)
    same = kind in found if kind != "-" else not found
    assert same != (line in DIFFERENT), (kind, found[:4])
