"""F scores of classifications and the R2 score of regressions."""

from __future__ import annotations

from typing import Any

import graphc as tf
from graphc.keras.metrics.base import Metric, weighted


class FBetaScore(Metric):
    """(1 + b^2) precision recall / (b^2 precision + recall), for each class of [batch, classes].

    ``average`` is None, ``"micro"``, ``"macro"`` or ``"weighted"`` (by the number of labels);
    positive is the largest prediction of a row, or what is above ``threshold``.
    """

    def __init__(
        self, average: str | None = None, beta: float = 1.0, threshold: float | None = None,
        name: str | None = "fbeta_score", dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(name, dtype)
        if average not in (None, "micro", "macro", "weighted"):
            raise ValueError(f"Invalid `average` argument value: {average}")
        if beta <= 0:
            raise ValueError(f"Invalid `beta` argument value. It should be > 0. Received: {beta}")
        self.average, self.beta, self.threshold = average, beta, threshold
        self.axis = None if average == "micro" else 0
        self.true_positives: Any = None

    def _make(self, classes: int) -> None:
        shape = () if self.average == "micro" else (classes,)
        self.true_positives = self.add_weight("true_positives", shape)
        self.false_positives = self.add_weight("false_positives", shape)
        self.false_negatives = self.add_weight("false_negatives", shape)
        self.intermediate_weights = self.add_weight("intermediate_weights", shape)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        y_true, y_pred = _matrices("FBetaScore", y_true, y_pred, self.dtype)
        if self.true_positives is None:
            self._make(y_pred.shape[1])
        if self.threshold is None:
            largest = tf.reduce_max(y_pred, axis=-1, keepdims=True)
            found = tf.logical_and(y_pred >= largest, tf.abs(y_pred) > 1e-9)
        else:
            found = y_pred > self.threshold
        found = tf.cast(found, self.dtype)
        for variable, cases in (
            (self.true_positives, found * y_true),
            (self.false_positives, found * (1.0 - y_true)),
            (self.false_negatives, (1.0 - found) * y_true),
            (self.intermediate_weights, y_true),
        ):
            cases, _ = weighted(cases, _column(sample_weight), self.dtype)
            variable.assign_add(tf.reduce_sum(cases, axis=self.axis))

    def result(self) -> Any:
        tp = tf.identity(self.true_positives)
        precision = tf.math.divide_no_nan(tp, tp + self.false_positives)
        recall = tf.math.divide_no_nan(tp, tp + self.false_negatives)
        share = precision * self.beta**2 + recall
        scores = tf.math.divide_no_nan(precision * recall * (1.0 + self.beta**2), share)
        if self.average == "weighted":
            labels = tf.identity(self.intermediate_weights)
            return tf.reduce_sum(scores * tf.math.divide_no_nan(labels, tf.reduce_sum(labels)))
        return scores if self.average is None else tf.reduce_mean(scores)


def _matrices(who: str, y_true: Any, y_pred: Any, dtype: Any) -> tuple[Any, Any]:
    """Labels and predictions [batch, outputs] of a dtype; ``ValueError`` for other shapes."""
    y_true, y_pred = tf.cast(y_true, dtype), tf.cast(y_pred, dtype)
    if y_pred.ndim != 2 or y_true.ndim != 2:
        raise ValueError(
            f"{who} expects 2D inputs with shape (batch_size, output_dim). Received input"
            f" shapes: y_pred.shape={y_pred.shape} and y_true.shape={y_true.shape}."
        )
    return y_true, y_pred


def _column(weights: Any) -> Any:
    """Weights of rows as a column."""
    if weights is None:
        return None
    weights = tf.convert_to_tensor(weights)
    return weights[:, None] if weights.ndim == 1 else weights


class F1Score(FBetaScore):
    """2 precision recall / (precision + recall)"""

    def __init__(
        self, average: str | None = None, threshold: float | None = None,
        name: str | None = "f1_score", dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(average, 1.0, threshold, name, dtype)


class R2Score(Metric):
    """1 - sum((y_true - y_pred)^2) / sum((y_true - mean)^2), for each column of [batch, d].

    ``class_aggregation`` is None, ``"uniform_average"`` or ``"variance_weighted_average"``.
    ``num_regressors`` > 0 makes it the adjusted score.
    """

    def __init__(
        self, class_aggregation: str | None = "uniform_average", num_regressors: int = 0,
        name: str | None = "r2_score", dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(name, dtype)
        if class_aggregation not in (None, "uniform_average", "variance_weighted_average"):
            raise ValueError(f"Invalid value for argument `class_aggregation`: {class_aggregation}")
        if num_regressors < 0:
            raise ValueError(f"Invalid value for argument `num_regressors`: {num_regressors}")
        self.class_aggregation, self.num_regressors = class_aggregation, num_regressors
        self.num_samples = self.add_weight("num_samples")
        self.total_mse: Any = None

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        y_true, y_pred = _matrices("R2Score", y_true, y_pred, self.dtype)
        if self.total_mse is None:
            for name in ("squared_sum", "sum", "total_mse", "count"):
                setattr(self, name, self.add_weight(name, (y_true.shape[1],)))
        weights = _column(1.0 if sample_weight is None else sample_weight)
        weighted_true, weights = weighted(y_true, weights, self.dtype)
        self.sum.assign_add(tf.reduce_sum(weighted_true, axis=0))
        self.squared_sum.assign_add(tf.reduce_sum(y_true * weighted_true, axis=0))
        errors = tf.math.squared_difference(y_true, y_pred) * weights
        self.total_mse.assign_add(tf.reduce_sum(errors, axis=0))
        self.count.assign_add(tf.reduce_sum(weights, axis=0))
        self.num_samples.assign_add(tf.cast(tf.shape(y_true)[0], self.dtype))

    def result(self) -> Any:
        mean = self.sum / self.count
        total = self.squared_sum - self.sum * mean
        scores = 1.0 - tf.math.divide_no_nan(tf.identity(self.total_mse), total)
        scores = tf.where(tf.equal(self.total_mse, 0.0), 1.0, scores)
        if self.class_aggregation == "uniform_average":
            scores = tf.reduce_mean(scores)
        elif self.class_aggregation == "variance_weighted_average":
            weighted_sum = tf.reduce_sum(total * scores)
            scores = weighted_sum / tf.reduce_sum(total)
        if self.num_regressors:
            n, p = self.num_samples, float(self.num_regressors)
            scores = 1.0 - (1.0 - scores) * (n - 1.0) / (n - p - 1.0)
        return scores
