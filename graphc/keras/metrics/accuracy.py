"""How often predictions are right; functions give 0 or 1 (or a share) for each example."""

from __future__ import annotations

from typing import Any

import graphc as tf
from graphc.keras import backend
from graphc.keras.losses.base import as_floats
from graphc.keras.metrics.base import FunctionMetric


def accuracy(y_true: Any, y_pred: Any) -> Any:
    """Where y_pred is y_true."""
    y_true, y_pred = as_floats(y_true, y_pred)
    return tf.cast(tf.equal(y_true, y_pred), backend.floatx())


def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Any:
    """The share along the last axis of labels 0 and 1 that ``y_pred > threshold`` gives."""
    y_true, y_pred = as_floats(y_true, y_pred)
    found = tf.cast(y_pred > threshold, y_pred.dtype)
    return tf.reduce_mean(tf.cast(tf.equal(y_true, found), backend.floatx()), axis=-1)


def categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """Where the largest of y_pred is at the largest of y_true (one-hot)."""
    same = tf.equal(tf.argmax(y_true, axis=-1), tf.argmax(y_pred, axis=-1))
    return tf.cast(same, backend.floatx())


def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """Where the largest of y_pred [..., classes] is at y_true [...] or [..., 1]."""
    y_pred = tf.convert_to_tensor(y_pred)
    y_true = _class_numbers(y_true, y_pred)
    found = tf.argmax(y_pred, axis=-1)
    return tf.cast(tf.equal(y_true, tf.cast(found, y_true.dtype)), backend.floatx())


def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Any:
    """Where the largest of y_true (one-hot) is among the k largest of y_pred."""
    return sparse_top_k_categorical_accuracy(tf.argmax(y_true, axis=-1), y_pred, k)


def sparse_top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Any:
    """Where y_true is among the k largest of y_pred [..., classes]."""
    y_pred = as_floats(0, y_pred)[1]
    y_true = tf.cast(_class_numbers(y_true, y_pred), tf.int32)
    rows = tf.reshape(y_pred, [-1, y_pred.shape[-1]])
    found = tf.nn.in_top_k(tf.reshape(y_true, [-1]), rows, k)
    return tf.reshape(tf.cast(found, backend.floatx()), tf.shape(y_true))


def _class_numbers(y_true: Any, y_pred: Any) -> Any:
    """Labels without the last axis of size 1."""
    y_true = tf.convert_to_tensor(y_true)
    if y_true.ndim == y_pred.ndim and y_true.shape[-1] == 1:
        return tf.squeeze(y_true, -1)
    return y_true


class Accuracy(FunctionMetric):
    """The share of predictions that are the labels."""

    _function = staticmethod(accuracy)


class BinaryAccuracy(FunctionMetric):
    """The share of labels 0 and 1 that ``y_pred > threshold`` gives."""

    _function = staticmethod(binary_accuracy)

    def __init__(self, name: str | None = None, dtype: Any = None, threshold: float = 0.5) -> None:
        super().__init__(name, dtype, threshold=threshold)


class CategoricalAccuracy(FunctionMetric):
    """The share of one-hot labels that the largest prediction finds."""

    _function = staticmethod(categorical_accuracy)


class SparseCategoricalAccuracy(FunctionMetric):
    """The share of class numbers that the largest prediction finds."""

    _function = staticmethod(sparse_categorical_accuracy)


class TopKCategoricalAccuracy(FunctionMetric):
    """The share of one-hot labels that are among the k largest predictions."""

    _function = staticmethod(top_k_categorical_accuracy)

    def __init__(self, k: int = 5, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(name, dtype, k=k)


class SparseTopKCategoricalAccuracy(FunctionMetric):
    """The share of class numbers that are among the k largest predictions."""

    _function = staticmethod(sparse_top_k_categorical_accuracy)

    def __init__(self, k: int = 5, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(name, dtype, k=k)
