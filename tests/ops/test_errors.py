"""Mistakes and their messages: each names the operands' types, or the index and the size."""

from __future__ import annotations

import pytest

import graphc as tf

A, B = tf.ones([2, 3]), tf.ones([4, 5])
ERRORS = {
    "shapes": (lambda: A + B, r"\[2, 3\] and \[4, 5\] do not broadcast"),
    "dtypes": (lambda: A + tf.ones([2, 3], tf.int32), r"add.*f32\[2, 3\] and i32\[2, 3\].*tf.cast"),
    "unknown dtype": (lambda: tf.sin(tf.constant([1])), "sin is not defined for int32"),
    "matmul": (lambda: A @ B, r"inner dimensions differ, 3 and 4: f32\[2, 3\] @ f32\[4, 5\]"),
    "matmul rank": (lambda: A @ tf.ones([3]), "two axes or more"),
    "matmul flags": (lambda: tf.matmul(A, A, True, True), "transpose_a and transpose_b"),
    "axis": (lambda: tf.reduce_sum(A, 2), "axis 2 is out of range"),
    "reshape": (lambda: tf.reshape(A, [4, 2]), r"has 6 elements, \[4, 2\]"),
    "reshape -1": (lambda: tf.reshape(A, [-1, -1]), "only one dimension"),
    "broadcast": (lambda: tf.broadcast_to(A, [2, 2]), "broadcast"),
    "transpose": (lambda: tf.transpose(A, [0, 0]), "no permutation"),
    "concat": (lambda: tf.concat([A, B], 0), r"f32\[2, 3\] and f32\[4, 5\] differ"),
    "stack": (lambda: tf.stack([A, B]), "shapes of"),
    "split": (lambda: tf.split(A, 2, axis=1), "no 2 equal parts"),
    "split sizes": (lambda: tf.split(A, [1, 1], axis=1), "do not add up"),
    "squeeze": (lambda: tf.squeeze(A, 0), "is not 1"),
    "tile": (lambda: tf.tile(A, [2]), "multiples"),
    "pad": (lambda: tf.pad(A, [[1, 1]]), "pairs of widths"),
    "pad mirror": (lambda: tf.pad(A, [[0, 0], [3, 0]], "REFLECT"), "more than 2"),
    "gather": (lambda: tf.gather(A, [0, 5]), r"indices\[1\] = 5 is not in \[0, 2\)"),
    "gather nd": (lambda: tf.gather_nd(A, [[0, -1]]), r"= -1 is not in \[0, 3\)"),
    "gather dtype": (lambda: tf.gather(A, [0.5]), "indices must be integers"),
    "scatter": (lambda: tf.scatter_nd([[9]], [1.0], [3]), r"= 9 is not in \[0, 3\)"),
    "index": (lambda: A[2], "index 2 is out of bounds"),
    "mask": (lambda: tf.boolean_mask(A, [True]), "does not fit"),
    "where": (lambda: tf.where(tf.constant([1]), 1.0, 2.0), "condition must be bool"),
    "division": (lambda: tf.constant(1) // tf.constant(0), "division by zero"),
    "modulo": (lambda: tf.constant(1) % tf.constant(0), "division by zero"),
    "power": (lambda: tf.constant(2) ** tf.constant(-1), "negative powers"),
    "argmax": (lambda: tf.argmax(tf.zeros([2, 0]), 1), "is empty"),
    "top_k": (lambda: tf.math.top_k(A, 4), r"k = 4 is not in \[0, 3\]"),
    "range": (lambda: tf.range(0, 5, 0), "delta must not be 0"),
    "linspace": (lambda: tf.linspace(0.0, 1.0, -1), "num must not be negative"),
    "einsum": (lambda: tf.einsum("ij,jk->ik", A, B), "'j' has size 3 and size 4"),
    "einsum count": (lambda: tf.einsum("ij->i", A, B), "names 1 operands, got 2"),
    "labels": (
        lambda: tf.nn.sparse_softmax_cross_entropy_with_logits([[1]], A), "one axis less"),
}  # fmt: skip


@pytest.mark.parametrize("name", ERRORS)
def test_a_mistake_is_named(name: str) -> None:
    call, text = ERRORS[name]
    with pytest.raises(tf.errors.InvalidArgumentError, match=text):
        call()


@pytest.mark.parametrize("name", ERRORS)
def test_a_mistake_in_a_graph_is_the_same_error(name: str) -> None:
    call, text = ERRORS[name]
    with pytest.raises(tf.errors.InvalidArgumentError, match=text):
        tf.function(call, autograph=False)()


def test_a_dtype_error_is_a_type_error_too() -> None:
    with pytest.raises(TypeError):
        tf.constant(1.0) + tf.constant(1)


def test_labels_out_of_range_are_not_a_silent_number() -> None:
    loss = tf.nn.sparse_softmax_cross_entropy_with_logits
    for call in (loss, tf.function(loss)):
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"label 3 is not in \[0, 3\)"):
            call(tf.constant([0, 3, -1]), tf.ones([3, 3]))


def test_indices_that_data_decide_are_checked_in_graphs() -> None:
    @tf.function(autograph=False)
    def pick(x, i):
        return tf.gather(x, i * 2)

    assert float(pick(tf.constant([1.0, 2.0, 3.0]), tf.constant(1))) == 3.0
    with pytest.raises(tf.errors.InvalidArgumentError, match="4"):
        pick(tf.constant([1.0, 2.0, 3.0]), tf.constant(2))
