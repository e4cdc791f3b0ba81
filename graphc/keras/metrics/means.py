"""Losses as metrics: the mean over all examples, and what is computed from such a mean."""

from __future__ import annotations

from typing import Any

import graphc as tf
from graphc.keras import losses
from graphc.keras.metrics.base import FunctionMetric, Mean, labels_and_predictions


class MeanSquaredError(FunctionMetric):
    """mean((y_true - y_pred)^2)"""

    _function = staticmethod(losses.mean_squared_error)


class RootMeanSquaredError(Mean):
    """sqrt(mean((y_true - y_pred)^2))"""

    def __init__(self, name: str | None = "root_mean_squared_error", dtype: Any = None) -> None:
        super().__init__(name, dtype)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        y_pred, y_true = labels_and_predictions(y_pred, y_true, self.dtype)
        super().update_state(tf.math.squared_difference(y_pred, y_true), sample_weight)

    def result(self) -> Any:
        return tf.sqrt(super().result())


class MeanAbsoluteError(FunctionMetric):
    """mean(|y_true - y_pred|)"""

    _function = staticmethod(losses.mean_absolute_error)


class MeanAbsolutePercentageError(FunctionMetric):
    """100 * mean(|y_true - y_pred| / |y_true|)"""

    _function = staticmethod(losses.mean_absolute_percentage_error)


class MeanSquaredLogarithmicError(FunctionMetric):
    """mean((log(y_true + 1) - log(y_pred + 1))^2)"""

    _function = staticmethod(losses.mean_squared_logarithmic_error)


class MeanRelativeError(Mean):
    """mean(|y_true - y_pred| / normalizer), 0 where the normalizer is 0"""

    def __init__(self, normalizer: Any, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(name, dtype)
        self.normalizer = normalizer

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        y_pred, y_true = labels_and_predictions(y_pred, y_true, self.dtype)
        error = tf.abs(y_true - y_pred)
        share = tf.math.divide_no_nan(error, tf.cast(self.normalizer, self.dtype))
        super().update_state(share, sample_weight)


class LogCoshError(FunctionMetric):
    """mean(log(cosh(y_pred - y_true)))"""

    _function = staticmethod(losses.log_cosh)

    def __init__(self, name: str | None = "logcosh", dtype: Any = None) -> None:
        super().__init__(name, dtype)


def cosine_proximity(y_true: Any, y_pred: Any, axis: Any = -1) -> Any:
    """The cosine between y_true and y_pred along ``axis``."""
    return -losses.cosine_similarity(y_true, y_pred, axis)


class CosineSimilarity(FunctionMetric):
    """The mean cosine: 1 for one direction (the loss of that name is -1)."""

    _function = staticmethod(cosine_proximity)

    def __init__(
        self, name: str | None = "cosine_similarity", dtype: Any = None, axis: Any = -1
    ) -> None:
        super().__init__(name, dtype, axis=axis)


class KLDivergence(FunctionMetric):
    """mean(sum(y log(y / p)))"""

    _function = staticmethod(losses.kl_divergence)


class Poisson(FunctionMetric):
    """mean(y_pred - y_true log(y_pred))"""

    _function = staticmethod(losses.poisson)


class Hinge(FunctionMetric):
    """mean(max(1 - y_true * y_pred, 0))"""

    _function = staticmethod(losses.hinge)


class SquaredHinge(FunctionMetric):
    """mean(max(1 - y_true * y_pred, 0)^2)"""

    _function = staticmethod(losses.squared_hinge)


class CategoricalHinge(FunctionMetric):
    """mean(max(best wrong - right + 1, 0))"""

    _function = staticmethod(losses.categorical_hinge)


class BinaryCrossentropy(FunctionMetric):
    """mean(-(y log(p) + (1 - y) log(1 - p)))"""

    _function = staticmethod(losses.binary_crossentropy)

    def __init__(
        self, name: str | None = None, dtype: Any = None, from_logits: bool = False,
        label_smoothing: float = 0,
    ) -> None:  # fmt: skip
        super().__init__(name, dtype, from_logits=from_logits, label_smoothing=label_smoothing)


class CategoricalCrossentropy(FunctionMetric):
    """mean(-sum(y log(p))) for one-hot labels"""

    _function = staticmethod(losses.categorical_crossentropy)

    def __init__(
        self, name: str | None = None, dtype: Any = None, from_logits: bool = False,
        label_smoothing: float = 0, axis: Any = -1,
    ) -> None:  # fmt: skip
        super().__init__(
            name, dtype, from_logits=from_logits, label_smoothing=label_smoothing, axis=axis
        )


class SparseCategoricalCrossentropy(FunctionMetric):
    """mean(-log(p[y])) for class numbers"""

    _function = staticmethod(losses.sparse_categorical_crossentropy)

    def __init__(
        self, name: str | None = None, dtype: Any = None, from_logits: bool = False,
        ignore_class: Any = None, axis: Any = -1,
    ) -> None:  # fmt: skip
        super().__init__(name, dtype, from_logits=from_logits, ignore_class=ignore_class, axis=axis)
