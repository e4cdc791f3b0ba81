"""Writes to parts of Variables, and tensors given as slices."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as tf

# Method, and what it does to [0, 1, 2, 3] with 10 at index 1 and 20, 30 at index 3.
SPARSE = [
    ("scatter_update", [0, 10, 2, 30]), ("scatter_add", [0, 11, 2, 53]),
    ("scatter_sub", [0, -9, 2, -47]), ("scatter_mul", [0, 10, 2, 1800]),
    ("scatter_max", [0, 10, 2, 30]), ("scatter_min", [0, 1, 2, 3]),
    ("scatter_div", [0, 0.1, 2, 3 / 600]),
]  # fmt: skip


@pytest.mark.parametrize("graph", [False, True], ids=["eager", "graph"])
@pytest.mark.parametrize(("name", "wanted"), SPARSE)
def test_variables_take_indexed_slices(name: str, wanted: list[float], graph: bool) -> None:
    v = tf.Variable([0.0, 1.0, 2.0, 3.0])

    def write():
        return getattr(v, name)(tf.IndexedSlices([10.0, 20.0, 30.0], [1, 3, 3]))

    (tf.function(write, autograph=False) if graph else write)()
    np.testing.assert_allclose(v.numpy(), wanted, rtol=1e-6)


@pytest.mark.parametrize(("name", "wanted"), [
    ("scatter_nd_update", [[0, 7], [2, 9]]), ("scatter_nd_add", [[0, 8], [2, 12]]),
    ("scatter_nd_sub", [[0, -6], [2, -6]]), ("scatter_nd_max", [[0, 7], [2, 9]]),
    ("scatter_nd_min", [[0, 1], [2, 3]]),
])  # fmt: skip
def test_variables_take_updates_at_positions(name: str, wanted: list[list[float]]) -> None:
    v = tf.Variable([[0.0, 1.0], [2.0, 3.0]])
    assert getattr(v, name)([[0, 1], [1, 1]], [7.0, 9.0]) is v
    assert v.numpy().tolist() == wanted


def test_reads_are_snapshots() -> None:
    v = tf.Variable([1.0, 2.0])
    before = v.read_value()
    v.scatter_update(tf.IndexedSlices([5.0], [0]))
    assert before.numpy().tolist() == [1, 2] and v.numpy().tolist() == [5, 2]
    assert v.gather_nd([[1]]).numpy().tolist() == [2]
    assert v.sparse_read([1, 0]).numpy().tolist() == [2, 5]


def test_rows_of_a_batch_are_written() -> None:
    v = tf.Variable([[0, 0, 0], [0, 0, 0]])
    v.batch_scatter_update(tf.IndexedSlices([[1, 2], [3, 4]], [[0, 2], [1, 0]]))
    assert v.numpy().tolist() == [[1, 0, 2], [4, 3, 0]]


def test_an_index_out_of_range_changes_nothing() -> None:
    v = tf.Variable([1.0, 2.0])
    write = tf.function(
        lambda: v.scatter_update(tf.IndexedSlices([9.0, 9.0], [0, 2])), autograph=False
    )
    for call in (write, write.python_function):
        with pytest.raises(tf.errors.InvalidArgumentError, match="2 is not in"):
            call()
        assert v.numpy().tolist() == [1, 2]
    with pytest.raises(TypeError, match="IndexedSlices"):
        v.scatter_add([1.0])


def test_slices_become_a_tensor_where_one_is_wanted() -> None:
    slices = tf.IndexedSlices(tf.constant([[1.0, 2.0], [3.0, 4.0]]), tf.constant([2, 2]), [3, 2])
    assert slices.dtype == tf.float32 and slices.shape == [3, 2]
    dense = tf.convert_to_tensor(slices)
    assert dense.numpy().tolist() == [[0, 0], [0, 0], [4, 6]]
    assert tf.reduce_sum(slices).numpy() == 10
    with pytest.raises(tf.errors.InvalidArgumentError, match="dense_shape"):
        tf.convert_to_tensor(tf.IndexedSlices([1.0], [0]))
