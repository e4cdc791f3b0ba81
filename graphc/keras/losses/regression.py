"""Losses of numbers: y_true and y_pred are [batch, ..., d], the functions' results [batch, ...]."""

from __future__ import annotations

import math
from typing import Any

import graphc as tf
from graphc.keras import backend
from graphc.keras.losses.base import AUTO, FunctionLoss, as_floats


def mean_squared_error(y_true: Any, y_pred: Any) -> Any:
    """mean((y_true - y_pred)^2)"""
    y_true, y_pred = as_floats(y_true, y_pred)
    return tf.reduce_mean(tf.math.squared_difference(y_pred, y_true), axis=-1)


def mean_absolute_error(y_true: Any, y_pred: Any) -> Any:
    """mean(|y_true - y_pred|)"""
    y_true, y_pred = as_floats(y_true, y_pred)
    return tf.reduce_mean(tf.abs(y_pred - y_true), axis=-1)


def mean_absolute_percentage_error(y_true: Any, y_pred: Any) -> Any:
    """100 * mean(|y_true - y_pred| / max(|y_true|, epsilon))"""
    y_true, y_pred = as_floats(y_true, y_pred)
    share = tf.abs((y_true - y_pred) / tf.maximum(tf.abs(y_true), backend.epsilon()))
    return 100.0 * tf.reduce_mean(share, axis=-1)


def mean_squared_logarithmic_error(y_true: Any, y_pred: Any) -> Any:
    """mean((log(y_true + 1) - log(y_pred + 1))^2); negative numbers count as epsilon."""
    y_true, y_pred = as_floats(y_true, y_pred)
    first, second = (tf.math.log(tf.maximum(y, backend.epsilon()) + 1.0) for y in (y_pred, y_true))
    return tf.reduce_mean(tf.math.squared_difference(first, second), axis=-1)


def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> Any:
    """mean(e^2 / 2) for errors e up to ``delta``, delta * |e| - delta^2 / 2 beyond (Huber, 1964)"""
    y_true, y_pred = as_floats(y_true, y_pred)
    error = y_pred - y_true
    size = tf.abs(error)
    beyond = delta * size - 0.5 * delta**2
    each = tf.where(size <= delta, 0.5 * tf.square(error), beyond)
    return tf.reduce_mean(each, axis=-1)


def log_cosh(y_true: Any, y_pred: Any) -> Any:
    """mean(log(cosh(y_pred - y_true)))"""
    y_true, y_pred = as_floats(y_true, y_pred)
    x = y_pred - y_true
    return tf.reduce_mean(x + tf.math.softplus(-2.0 * x) - math.log(2.0), axis=-1)


def cosine_similarity(y_true: Any, y_pred: Any, axis: Any = -1) -> Any:
    """Minus the cosine between y_true and y_pred: -1 for one direction, 0 for a right angle."""
    y_true, y_pred = as_floats(y_true, y_pred)
    y_true = tf.math.l2_normalize(y_true, axis=axis)
    return -tf.reduce_sum(y_true * tf.math.l2_normalize(y_pred, axis=axis), axis=axis)


# --- as objects -----------------------------------------------------------------------------------


class MeanSquaredError(FunctionLoss):
    """mean((y_true - y_pred)^2)"""

    _function = staticmethod(mean_squared_error)


class MeanAbsoluteError(FunctionLoss):
    """mean(|y_true - y_pred|)"""

    _function = staticmethod(mean_absolute_error)


class MeanAbsolutePercentageError(FunctionLoss):
    """100 * mean(|y_true - y_pred| / |y_true|)"""

    _function = staticmethod(mean_absolute_percentage_error)


class MeanSquaredLogarithmicError(FunctionLoss):
    """mean((log(y_true + 1) - log(y_pred + 1))^2)"""

    _function = staticmethod(mean_squared_logarithmic_error)


class LogCosh(FunctionLoss):
    """mean(log(cosh(y_pred - y_true)))"""

    _function = staticmethod(log_cosh)


class Huber(FunctionLoss):
    """Squared for errors up to ``delta``, linear beyond."""

    _function = staticmethod(huber)

    def __init__(
        self, delta: float = 1.0, reduction: Any = AUTO, name: str | None = "huber_loss"
    ) -> None:
        super().__init__(reduction, name, delta=delta)


class CosineSimilarity(FunctionLoss):
    """Minus the cosine along ``axis``."""

    _function = staticmethod(cosine_similarity)

    def __init__(self, axis: Any = -1, reduction: Any = AUTO, name: str | None = None) -> None:
        super().__init__(reduction, name, axis=axis)
