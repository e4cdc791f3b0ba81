"""Sizes that depend on data: inside a graph they become dims that are known when it runs."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as tf

X = np.array([1.0, 2.0, -1.0, 3.0], np.float32)
# What is made of x and n, the number of its positive elements.
MADE = {
    "zeros": lambda x, n: tf.zeros([n, 2]) + tf.ones([n, 1]),
    "fill": lambda x, n: tf.fill([2, n], x[0]),
    "eye": lambda x, n: tf.eye(n),
    "one_hot": lambda x, n: tf.one_hot([0, 2], n),
    "reshape": lambda x, n: tf.reshape(tf.range(n * 2), [n, -1]),
    "reshape by a vector": lambda x, n: tf.reshape(tf.range(n * 2), tf.stack([2, n])),
    "linspace": lambda x, n: tf.linspace(0.0, 1.0, n),
    "sequence_mask": lambda x, n: tf.sequence_mask([1, n]),
    "top_k": lambda x, n: tf.math.top_k(x, n).values,
    "tile": lambda x, n: tf.tile(x, [n]),
    "slice": lambda x, n: tf.slice(x, [0], [n]),
    "bincount": lambda x, n: tf.math.bincount(tf.cast(tf.abs(x), tf.int32)),
    "segment_sum": lambda x, n: tf.math.segment_sum(x, tf.cumsum(tf.cast(x > 1, tf.int32))),
    "confusion_matrix": lambda x, n: tf.math.confusion_matrix([0, n], [n, n]),
    "dynamic_partition": lambda x, n: tf.dynamic_partition(x, tf.cast(x > 0, tf.int32), 2)[1],
    "dynamic_stitch": lambda x, n: tf.dynamic_stitch([[0], [n]], [x[:1], x[1:2]]),
    "unique": lambda x, n: tf.unique(tf.sign(x)).y,
    "ragged": lambda x, n: tf.RaggedTensor.from_row_lengths(x, [n, tf.size(x) - n]).to_tensor(),
}  # fmt: skip


def count(x):
    return tf.reduce_sum(tf.cast(x > 0, tf.int32))


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
def test_graphs_make_what_eager_code_makes(name: str, known: bool) -> None:
    spec = tf.TensorSpec([4] if known else [None], tf.float32)
    compiled = tf.function(
        lambda x: MADE[name](x, count(x)), input_signature=[spec], autograph=False
    )
    for x in (X, np.array([1.0, 2.0, 3.0, 3.0], np.float32)):
        wanted = MADE[name](tf.constant(x), int(count(tf.constant(x))))
        found = compiled(tf.constant(x))
        assert found.dtype == wanted.dtype
        np.testing.assert_array_equal(found.numpy(), wanted.numpy())


def test_one_size_is_one_dim() -> None:
    @tf.function(autograph=False)
    def f(n):
        a, b = tf.zeros([n]), tf.ones([n])
        assert a.dims == b.dims, "they are known to be equal while tracing"
        return a + b

    assert f(tf.constant(3)).shape == [3]


def test_gradients_pass_sizes_from_data() -> None:
    @tf.function(autograph=False)
    def f(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reduce_sum(tf.fill([tf.cast(tf.reduce_sum(x), tf.int32), 2], x[0]) * x[1])
        return tape.gradient(y, x)

    np.testing.assert_array_equal(f(tf.constant([1.0, 2.0])).numpy(), [12, 6])


def test_sizes_change_from_one_iteration_to_the_next() -> None:
    @tf.function
    def f(n):
        total = 0.0
        for i in tf.range(n):
            total += tf.reduce_sum(tf.ones([i, i + 1]))
        return total

    assert f(tf.constant(4)).numpy() == 0 + 2 + 6 + 12


def test_a_negative_size_is_refused() -> None:
    compiled = tf.function(lambda n: tf.zeros([n]), autograph=False)
    with pytest.raises(tf.errors.InvalidArgumentError, match="-2"):
        compiled(tf.constant(-2))
    assert compiled(tf.constant(0)).shape == [0]
