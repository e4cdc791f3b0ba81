"""Indexing by tensors inside functions: masks, positions, slices whose bounds are computed."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as tf

X = np.arange(24, dtype=np.float32).reshape(6, 4)


@pytest.mark.parametrize(
    "pick",
    [
        lambda x, i: x[i], lambda x, i: x[i:], lambda x, i: x[:i], lambda x, i: x[-i:],
        lambda x, i: x[1:i:1], lambda x, i: x[:, i], lambda x, i: x[i, 1:3],
        lambda x, i: x[x > 7.0], lambda x, i: x[tf.reduce_sum(x, axis=1) > 20.0],
        lambda x, i: tf.boolean_mask(x, x[:, 0] > 5.0), lambda x, i: tf.where(x > 10.0),
    ],
)  # fmt: skip
def test_a_graph_indexes_as_eager_code_does(pick) -> None:
    x = tf.constant(X)
    graph = tf.function(pick)
    for i in (1, 2, 3):
        np.testing.assert_array_equal(graph(x, tf.constant(i)), pick(x, tf.constant(i)))


def test_slices_of_variables_are_assigned_in_graphs() -> None:
    v = tf.Variable(X)

    @tf.function
    def f(i, value):
        v[i].assign(value)
        v[0, 1:3].assign([7.0, 8.0])
        v[i, i].assign_add(1.0)
        return v[i]

    expected = X.copy()
    expected[2] = 5
    expected[0, 1:3] = [7, 8]
    expected[2, 2] += 1
    row = f(tf.constant(2), tf.constant([5.0] * 4))
    np.testing.assert_array_equal(v.numpy(), expected)
    np.testing.assert_array_equal(row, expected[2])


def test_an_index_out_of_range_names_the_line_and_changes_nothing() -> None:
    v = tf.Variable([1.0, 2.0])

    @tf.function
    def f(i):
        v.assign_add([1.0, 1.0])
        return tf.gather(v, i)

    assert float(f(tf.constant(1))) == 3.0
    with pytest.raises(tf.errors.InvalidArgumentError, match="7 is not in") as caught:
        f(tf.constant(7))
    assert "test_indexing.py" in "".join(caught.value.__notes__)
    assert v.numpy().tolist() == [2.0, 3.0]
