"""Losses of margins; labels are -1 or 1, or 0 or 1, which is then understood as that."""

from __future__ import annotations

from typing import Any

import graphc as tf
from graphc.keras.losses.base import FunctionLoss, as_floats


def _signs(y_true: Any) -> Any:
    """Labels 0 and 1 as -1 and 1; others as they are."""
    binary = tf.reduce_all(tf.logical_or(tf.equal(y_true, 0), tf.equal(y_true, 1)))
    return tf.where(binary, 2.0 * y_true - 1.0, y_true)


def hinge(y_true: Any, y_pred: Any) -> Any:
    """mean(max(1 - y_true * y_pred, 0)) along the last axis."""
    y_true, y_pred = as_floats(y_true, y_pred)
    return tf.reduce_mean(tf.maximum(1.0 - _signs(y_true) * y_pred, 0.0), axis=-1)


def squared_hinge(y_true: Any, y_pred: Any) -> Any:
    """mean(max(1 - y_true * y_pred, 0)^2) along the last axis."""
    y_true, y_pred = as_floats(y_true, y_pred)
    margin = tf.maximum(1.0 - _signs(y_true) * y_pred, 0.0)
    return tf.reduce_mean(tf.square(margin), axis=-1)


def categorical_hinge(y_true: Any, y_pred: Any) -> Any:
    """max(best wrong - right + 1, 0) for one-hot labels along the last axis."""
    y_true, y_pred = as_floats(y_true, y_pred)
    right = tf.reduce_sum(y_true * y_pred, axis=-1)
    wrong = tf.reduce_max((1.0 - y_true) * y_pred, axis=-1)
    return tf.maximum(wrong - right + 1.0, 0.0)


class Hinge(FunctionLoss):
    """mean(max(1 - y_true * y_pred, 0))"""

    _function = staticmethod(hinge)


class SquaredHinge(FunctionLoss):
    """mean(max(1 - y_true * y_pred, 0)^2)"""

    _function = staticmethod(squared_hinge)


class CategoricalHinge(FunctionLoss):
    """max(best wrong - right + 1, 0)"""

    _function = staticmethod(categorical_hinge)
