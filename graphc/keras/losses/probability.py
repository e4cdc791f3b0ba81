"""Losses of probabilities or, ``from_logits``, of what a sigmoid or a softmax makes them of."""

from __future__ import annotations

from typing import Any

import graphc as tf
from graphc.keras import backend
from graphc.keras.losses.base import AUTO, FunctionLoss, as_floats


def _inside(p: Any) -> Any:
    """Probabilities whose logarithms, and those of what is left to 1, are finite."""
    return tf.clip_by_value(p, backend.epsilon(), 1.0 - backend.epsilon())


# --- two classes ----------------------------------------------------------------------------------


def _smooth_binary(y_true: Any, amount: Any) -> Any:
    """Labels 0 and 1 as amount / 2 and 1 - amount / 2."""
    return y_true * (1.0 - amount) + 0.5 * amount if amount else y_true


def _binary(y_true: Any, y_pred: Any, from_logits: bool) -> Any:
    if from_logits:
        return tf.nn.sigmoid_cross_entropy_with_logits(labels=y_true, logits=y_pred)
    p, small = _inside(y_pred), backend.epsilon()
    return -(y_true * tf.math.log(p + small) + (1.0 - y_true) * tf.math.log(1.0 - p + small))


def binary_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: Any = 0.0, axis: Any = -1
) -> Any:
    """mean(-(y log(p) + (1 - y) log(1 - p))) along ``axis``."""
    y_true, y_pred = as_floats(y_true, y_pred)
    y_true = _smooth_binary(y_true, label_smoothing)
    return tf.reduce_mean(_binary(y_true, y_pred, from_logits), axis=axis)


def binary_focal_crossentropy(
    y_true: Any, y_pred: Any, apply_class_balancing: bool = False, alpha: float = 0.25,
    gamma: float = 2.0, from_logits: bool = False, label_smoothing: Any = 0.0, axis: Any = -1,
) -> Any:  # fmt: skip
    """Cross-entropy times (1 - p)^gamma, p the probability of what is right (Lin et al., 2018).

    Balanced, class 1 counts ``alpha`` and class 0 ``1 - alpha``.
    """
    y_true, y_pred = as_floats(y_true, y_pred)
    y_true = _smooth_binary(y_true, label_smoothing)
    p = tf.sigmoid(y_pred) if from_logits else y_pred
    right = y_true * p + (1.0 - y_true) * (1.0 - p)
    each = tf.pow(1.0 - right, gamma) * _binary(y_true, p, False)
    if apply_class_balancing:
        each *= y_true * alpha + (1.0 - y_true) * (1.0 - alpha)
    return tf.reduce_mean(each, axis=axis)


# --- many classes ---------------------------------------------------------------------------------


def _smooth(y_true: Any, amount: Any, axis: Any) -> Any:
    """One-hot labels, of which ``amount`` is shared out among all classes."""
    if not amount:
        return y_true
    return y_true * (1.0 - amount) + amount / tf.cast(tf.shape(y_true)[axis], y_true.dtype)


def _same_shape(y_true: Any, y_pred: Any) -> None:
    if not y_true.shape.is_compatible_with(y_pred.shape):
        raise ValueError(f"Shapes {y_true.shape} and {y_pred.shape} are incompatible")


def categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: Any = 0.0, axis: Any = -1
) -> Any:
    """-sum(y log(p)) along ``axis``; y is one-hot or adds up to 1, p is made to add up to 1."""
    y_true, y_pred = as_floats(y_true, y_pred)
    _same_shape(y_true, y_pred)
    y_true = _smooth(y_true, label_smoothing, axis)
    if from_logits:
        return tf.nn.softmax_cross_entropy_with_logits(labels=y_true, logits=y_pred, axis=axis)
    p = _inside(y_pred / tf.reduce_sum(y_pred, axis=axis, keepdims=True))
    return -tf.reduce_sum(y_true * tf.math.log(p), axis=axis)


def categorical_focal_crossentropy(
    y_true: Any, y_pred: Any, alpha: Any = 0.25, gamma: Any = 2.0, from_logits: bool = False,
    label_smoothing: Any = 0.0, axis: Any = -1,
) -> Any:  # fmt: skip
    """-sum(alpha (1 - p)^gamma y log(p)) along ``axis`` (Lin et al., 2018).

    ``alpha`` may hold one number for each class.
    """
    y_true, y_pred = as_floats(y_true, y_pred)
    _same_shape(y_true, y_pred)
    y_true = _smooth(y_true, label_smoothing, axis)
    p = tf.nn.softmax(y_pred, axis) if from_logits else y_pred
    p = _inside(p / tf.reduce_sum(p, axis=axis, keepdims=True))
    each = tf.pow(1.0 - p, gamma) * alpha * (-y_true * tf.math.log(p))
    return tf.reduce_sum(each, axis=axis)


def sparse_categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, axis: Any = -1, ignore_class: Any = None
) -> Any:
    """-log(p[y]) for class numbers y [...] or [..., 1], p along ``axis``.

    Labels equal to ``ignore_class`` give 0 and do not count in a mean; others that are no class
    raise ``InvalidArgumentError``.
    """
    y_pred = as_floats(0, y_pred)[1]
    y_true = tf.cast(y_true, tf.int64)
    if axis not in (-1, y_pred.ndim - 1):
        order = [i for i in range(y_pred.ndim) if i != axis % y_pred.ndim]
        y_pred = tf.transpose(y_pred, [*order, axis % y_pred.ndim])
    if y_true.ndim == y_pred.ndim and y_true.shape[-1] == 1:
        y_true = tf.squeeze(y_true, -1)
    logits = y_pred if from_logits else tf.math.log(_inside(y_pred))
    if ignore_class is None:
        return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y_true, logits=logits)
    kept = tf.not_equal(y_true, ignore_class)
    labels = tf.where(kept, y_true, tf.zeros_like(y_true))
    each = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
    each = tf.where(kept, each, tf.zeros_like(each))
    each._keras_mask = kept
    return each


# --- distributions --------------------------------------------------------------------------------


def kl_divergence(y_true: Any, y_pred: Any) -> Any:
    """sum(y log(y / p)) along the last axis."""
    y_true, y_pred = as_floats(y_true, y_pred)
    y_true, y_pred = (tf.clip_by_value(y, backend.epsilon(), 1.0) for y in (y_true, y_pred))
    return tf.reduce_sum(y_true * tf.math.log(y_true / y_pred), axis=-1)


def poisson(y_true: Any, y_pred: Any) -> Any:
    """mean(y_pred - y_true log(y_pred)) along the last axis."""
    y_true, y_pred = as_floats(y_true, y_pred)
    each = y_pred - y_true * tf.math.log(y_pred + backend.epsilon())
    return tf.reduce_mean(each, axis=-1)


# --- as objects -----------------------------------------------------------------------------------


class _Crossentropy(FunctionLoss):
    """Of probabilities or logits with labels that may be smoothed."""

    def __init__(
        self, from_logits: bool = False, label_smoothing: Any = 0.0, axis: Any = -1,
        reduction: Any = AUTO, name: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(
            reduction, name, from_logits=from_logits, label_smoothing=label_smoothing, axis=axis
        )


class BinaryCrossentropy(_Crossentropy):
    """mean(-(y log(p) + (1 - y) log(1 - p)))"""

    _function = staticmethod(binary_crossentropy)


class BinaryFocalCrossentropy(FunctionLoss):
    """Binary cross-entropy with less weight for what is easy."""

    _function = staticmethod(binary_focal_crossentropy)

    def __init__(
        self, apply_class_balancing: bool = False, alpha: float = 0.25, gamma: float = 2.0,
        from_logits: bool = False, label_smoothing: Any = 0.0, axis: Any = -1,
        reduction: Any = AUTO, name: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(
            reduction, name, apply_class_balancing=apply_class_balancing, alpha=alpha, gamma=gamma,
            from_logits=from_logits, label_smoothing=label_smoothing, axis=axis,
        )  # fmt: skip


class CategoricalCrossentropy(_Crossentropy):
    """-sum(y log(p)) for one-hot labels"""

    _function = staticmethod(categorical_crossentropy)


class CategoricalFocalCrossentropy(FunctionLoss):
    """Categorical cross-entropy with less weight for what is easy."""

    _function = staticmethod(categorical_focal_crossentropy)

    def __init__(
        self, alpha: Any = 0.25, gamma: Any = 2.0, from_logits: bool = False,
        label_smoothing: Any = 0.0, axis: Any = -1, reduction: Any = AUTO, name: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(
            reduction, name, alpha=alpha, gamma=gamma, from_logits=from_logits,
            label_smoothing=label_smoothing, axis=axis,
        )  # fmt: skip


class SparseCategoricalCrossentropy(FunctionLoss):
    """-log(p[y]) for class numbers"""

    _function = staticmethod(sparse_categorical_crossentropy)

    def __init__(
        self, from_logits: bool = False, ignore_class: Any = None, reduction: Any = AUTO,
        name: str | None = None, axis: Any = -1,
    ) -> None:  # fmt: skip
        super().__init__(
            reduction, name, from_logits=from_logits, ignore_class=ignore_class, axis=axis
        )


class KLDivergence(FunctionLoss):
    """sum(y log(y / p))"""

    _function = staticmethod(kl_divergence)


class Poisson(FunctionLoss):
    """mean(y_pred - y_true log(y_pred))"""

    _function = staticmethod(poisson)
