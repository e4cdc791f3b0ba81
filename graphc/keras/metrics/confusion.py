"""Metrics of true and false positives and negatives, at one or many thresholds."""

from __future__ import annotations

from typing import Any

import graphc as tf
from graphc.keras import backend
from graphc.keras.losses.base import fit_weights
from graphc.keras.metrics.base import Metric, labels_and_predictions

_LOWEST = -1e10  # a prediction below every threshold


def confusion_counts(
    wanted: tuple[str, ...], y_true: Any, y_pred: Any, thresholds: Any, dtype: Any,
    sample_weight: Any = None, class_id: int | None = None, top_k: int | None = None,
    multi_label: bool = False, label_weights: Any = None,
) -> list[Any]:  # fmt: skip
    """How many of ``wanted`` (``"tp"``, ``"fp"``, ``"tn"``, ``"fn"``) there are at each threshold.

    Results are [thresholds], with ``multi_label`` [thresholds, labels].  A prediction is positive
    if it is above the threshold, and, with ``top_k``, among the k largest.
    """
    y_pred, y_true = labels_and_predictions(y_pred, y_true, dtype)
    if not y_true.shape.is_compatible_with(y_pred.shape):
        raise ValueError(f"Shapes {y_true.shape} and {y_pred.shape} are incompatible")
    tf.debugging.assert_greater_equal(y_pred, 0.0, message="predictions must be >= 0")
    tf.debugging.assert_less_equal(y_pred, 1.0, message="predictions must be <= 1")
    weights = None if sample_weight is None else fit_weights(sample_weight, y_pred)
    if top_k is not None:
        kth = tf.math.top_k(y_pred, k=top_k).values[..., -1:]
        y_pred = tf.where(y_pred >= kth, y_pred, _LOWEST)
    if class_id is not None:
        if weights is not None and weights.ndim == y_pred.ndim:
            weights = tf.broadcast_to(weights, tf.shape(y_pred))[..., class_id]
        y_true, y_pred = y_true[..., class_id], y_pred[..., class_id]
    if label_weights is not None:
        own = tf.cast(label_weights, dtype)
        weights = own if weights is None else weights * own
    if weights is not None:
        weights = tf.broadcast_to(weights, tf.shape(y_pred))
    if multi_label:
        above = y_pred[None] > tf.cast(thresholds, dtype)[:, None, None]
    else:
        y_true, y_pred = tf.reshape(y_true, [-1]), tf.reshape(y_pred, [-1])
        weights = None if weights is None else tf.reshape(weights, [-1])
        above = y_pred[None] > tf.cast(thresholds, dtype)[:, None]
    found = {True: tf.cast(above, dtype), False: tf.cast(tf.logical_not(above), dtype)}
    labels = {"positive": tf.cast(tf.cast(y_true, tf.bool), dtype)}
    labels["negative"] = 1.0 - labels["positive"]
    if weights is not None:
        labels = {key: value * weights for key, value in labels.items()}
    cases = {"tp": (True, "positive"), "fp": (True, "negative"),
             "tn": (False, "negative"), "fn": (False, "positive")}  # fmt: skip
    return [
        tf.reduce_sum(found[cases[case][0]] * labels[cases[case][1]][None], axis=1)
        for case in wanted
    ]


def _checked(thresholds: Any, default: float) -> list[float]:
    """A list of thresholds, each between 0 and 1."""
    found = [default] if thresholds is None else thresholds
    found = list(found) if isinstance(found, list | tuple) else [found]
    outside = [t for t in found if t is None or (t != _LOWEST and not 0 <= t <= 1)]
    if outside:
        raise ValueError(f"Threshold values must be in [0, 1]. Received: {outside}")
    return found


def _one_or_all(x: Any) -> Any:
    """The number of a single threshold."""
    return x[0] if x.shape[0] == 1 else x


class _Counts(Metric):
    """Counts of some of the four cases, at given thresholds."""

    _cases: tuple[str, ...]
    _VARIABLES = {"tp": "true_positives", "fp": "false_positives",
                  "tn": "true_negatives", "fn": "false_negatives"}  # fmt: skip
    top_k: int | None = None
    class_id: int | None = None
    _default = 0.5

    def __init__(self, thresholds: Any, name: str | None, dtype: Any) -> None:
        super().__init__(name, dtype)
        self.init_thresholds = thresholds
        self.thresholds = _checked(thresholds, self._default)
        self._make((len(self.thresholds),))

    def _make(self, shape: tuple[int, ...]) -> None:
        for case in self._cases:
            name = self._VARIABLES[case]
            setattr(self, name, self.add_weight(name, shape))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        counts = confusion_counts(
            self._cases, y_true, y_pred, self.thresholds, self.dtype, sample_weight, self.class_id,
            self.top_k,
        )  # fmt: skip
        self._add(counts)

    def _add(self, counts: list[Any]) -> None:
        for case, count in zip(self._cases, counts, strict=True):
            getattr(self, self._VARIABLES[case]).assign_add(count)

    def _share(self, part: Any, rest: Any) -> Any:
        """part / (part + rest), 0 where there is nothing."""
        return tf.math.divide_no_nan(part, part + rest)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        if "thresholds" in config:
            config["thresholds"] = self.init_thresholds
        return config


# --- counts ---------------------------------------------------------------------------------------


class _OneCount(_Counts):
    def __init__(self, thresholds: Any = None, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(thresholds, name, dtype)

    def result(self) -> Any:
        return _one_or_all(tf.identity(getattr(self, self._VARIABLES[self._cases[0]])))


class TruePositives(_OneCount):
    """How many positives were found."""

    _cases = ("tp",)


class FalsePositives(_OneCount):
    """How many negatives were taken for positives."""

    _cases = ("fp",)


class TrueNegatives(_OneCount):
    """How many negatives were left out."""

    _cases = ("tn",)


class FalseNegatives(_OneCount):
    """How many positives were missed."""

    _cases = ("fn",)


# --- shares ---------------------------------------------------------------------------------------


class _Share(_Counts):
    def __init__(
        self, thresholds: Any = None, top_k: int | None = None, class_id: int | None = None,
        name: str | None = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        self._default = 0.5 if top_k is None else _LOWEST
        super().__init__(thresholds, name, dtype)
        self.top_k, self.class_id = top_k, class_id


class Precision(_Share):
    """The share of positives in what was found: tp / (tp + fp)."""

    _cases = ("tp", "fp")

    def result(self) -> Any:
        return _one_or_all(self._share(self.true_positives, self.false_positives))


class Recall(_Share):
    """The share of positives that were found: tp / (tp + fn)."""

    _cases = ("tp", "fn")

    def result(self) -> Any:
        return _one_or_all(self._share(self.true_positives, self.false_negatives))


# --- the best of many thresholds ------------------------------------------------------------------


class _BestOf(_Counts):
    """The largest of one share among thresholds where another is at least a number."""

    _cases = ("tp", "fp", "tn", "fn")

    def __init__(
        self, value: float, num_thresholds: int, class_id: int | None, name: Any, dtype: Any
    ) -> None:
        what = self._argument[0]
        if not 0 <= value <= 1:
            raise ValueError(f"Argument `{what}` must be in the range [0, 1]. Received: {value}")
        if num_thresholds <= 0:
            raise ValueError(f"Argument `num_thresholds` must be > 0. Received: {num_thresholds}")
        steps = range(num_thresholds - 2)
        inner = [(i + 1) / (num_thresholds - 1) for i in steps]
        super().__init__([0.5] if num_thresholds == 1 else [0.0, *inner, 1.0], name, dtype)
        self.value, self.num_thresholds, self.class_id = value, num_thresholds, class_id
        setattr(self, what, value)

    _argument: tuple[str, ...] = ("value",)

    def _shares(self) -> dict[str, Any]:
        tp, fp = self.true_positives, self.false_positives
        tn, fn = self.true_negatives, self.false_negatives
        return {
            "sensitivity": self._share(tp, fn),
            "specificity": self._share(tn, fp),
            "precision": self._share(tp, fp),
            "recall": self._share(tp, fn),
        }

    def _best(self, share: str, given: str) -> Any:
        shares = self._shares()
        return tf.reduce_max(tf.where(shares[given] >= self.value, shares[share], 0.0))


class SensitivityAtSpecificity(_BestOf):
    """The best sensitivity (tp / (tp + fn)) at a specificity (tn / (tn + fp)) of at least this."""

    _argument = ("specificity",)

    def __init__(
        self, specificity: float, num_thresholds: int = 200, class_id: int | None = None,
        name: str | None = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(specificity, num_thresholds, class_id, name, dtype)

    def result(self) -> Any:
        return self._best("sensitivity", given="specificity")


class SpecificityAtSensitivity(_BestOf):
    """The best specificity (tn / (tn + fp)) at a sensitivity (tp / (tp + fn)) of at least this."""

    _argument = ("sensitivity",)

    def __init__(
        self, sensitivity: float, num_thresholds: int = 200, class_id: int | None = None,
        name: str | None = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(sensitivity, num_thresholds, class_id, name, dtype)

    def result(self) -> Any:
        return self._best("specificity", given="sensitivity")


class PrecisionAtRecall(_BestOf):
    """The best precision (tp / (tp + fp)) at a recall (tp / (tp + fn)) of at least this."""

    _argument = ("recall",)

    def __init__(
        self, recall: float, num_thresholds: int = 200, class_id: int | None = None,
        name: str | None = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(recall, num_thresholds, class_id, name, dtype)

    def result(self) -> Any:
        return self._best("precision", given="recall")


class RecallAtPrecision(_BestOf):
    """The best recall (tp / (tp + fn)) at a precision (tp / (tp + fp)) of at least this."""

    _argument = ("precision",)

    def __init__(
        self, precision: float, num_thresholds: int = 200, class_id: int | None = None,
        name: str | None = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(precision, num_thresholds, class_id, name, dtype)

    def result(self) -> Any:
        return self._best("recall", given="precision")


# --- the area under a curve -----------------------------------------------------------------------


class AUC(_Counts):
    """The area under the ROC or the PR curve, from counts at many thresholds.

    ``summation_method`` is ``"interpolation"`` (trapezoids; for PR as Davis and Goadrich, 2006),
    ``"minoring"`` or ``"majoring"``.  With ``multi_label`` the mean of the columns' areas, weighted
    by ``label_weights``.
    """

    _cases = ("tp", "fp", "tn", "fn")

    def __init__(
        self, num_thresholds: int = 200, curve: str = "ROC",
        summation_method: str = "interpolation", name: str | None = None, dtype: Any = None,
        thresholds: Any = None, multi_label: bool = False, num_labels: int | None = None,
        label_weights: Any = None, from_logits: bool = False,
    ) -> None:  # fmt: skip
        curve, summation_method = str(curve), str(summation_method)
        if curve not in ("ROC", "PR"):
            raise ValueError(f'Invalid AUC curve value: "{curve}". Expected values are "PR", "ROC"')
        if summation_method not in ("interpolation", "minoring", "majoring"):
            raise ValueError(f"Invalid AUC summation method value: {summation_method}")
        if thresholds is None and num_thresholds <= 1:
            raise ValueError(f"Argument `num_thresholds` must be an integer > 1, {num_thresholds=}")
        if thresholds is None:
            inner = [(i + 1) / (num_thresholds - 1) for i in range(num_thresholds - 2)]
        else:
            inner = sorted(_checked(thresholds, 0.5))
        self.multi_label, self.num_labels = multi_label, num_labels
        super().__init__(None, name, dtype)
        self.init_thresholds = None if thresholds is None else inner
        # beyond both ends, so that the curve has them
        self.thresholds = [0.0 - backend.epsilon(), *inner, 1.0 + backend.epsilon()]
        self.num_thresholds = len(self.thresholds)
        self.curve, self.summation_method = curve, summation_method
        self.label_weights, self.from_logits = label_weights, from_logits
        if not multi_label:
            super()._make((self.num_thresholds,))
        elif num_labels:
            super()._make((self.num_thresholds, num_labels))

    def _make(self, shape: tuple[int, ...]) -> None:
        """The counts are made when their shape is known."""

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        y_pred = tf.convert_to_tensor(y_pred)
        if self.multi_label and not hasattr(self, "true_positives"):
            if y_pred.ndim != 2:
                raise ValueError(f"`y_true` must have rank 2 when `multi_label=True`, {y_pred=}")
            super()._make((self.num_thresholds, y_pred.shape[1]))
        if self.from_logits:
            y_pred = tf.sigmoid(y_pred)
        weights = None if self.multi_label else self.label_weights
        counts = confusion_counts(
            self._cases, y_true, y_pred, self.thresholds, self.dtype, sample_weight,
            multi_label=self.multi_label, label_weights=weights,
        )  # fmt: skip
        self._add(counts)

    def result(self) -> Any:
        tp, fp, fn = self.true_positives, self.false_positives, self.false_negatives
        if self.curve == "PR" and self.summation_method == "interpolation":
            areas = _interpolated_pr(tf.identity(tp), tf.identity(fp), tf.identity(fn))
        else:
            recall = self._share(tp, fn)
            if self.curve == "ROC":
                x, y = self._share(fp, self.true_negatives), recall
            else:
                x, y = recall, self._share(tp, fp)
            heights = {
                "interpolation": lambda: (y[:-1] + y[1:]) / 2.0,
                "minoring": lambda: tf.minimum(y[:-1], y[1:]),
                "majoring": lambda: tf.maximum(y[:-1], y[1:]),
            }[self.summation_method]()
            areas = tf.reduce_sum((x[:-1] - x[1:]) * heights, axis=0)
        if not self.multi_label:
            return areas
        if self.label_weights is None:
            return tf.reduce_mean(areas)
        weights = tf.cast(self.label_weights, self.dtype)
        return tf.math.divide_no_nan(tf.reduce_sum(areas * weights), tf.reduce_sum(weights))


def _interpolated_pr(tp: Any, fp: Any, fn: Any) -> Any:
    """Precision between two thresholds as a function of recall, integrated."""
    p = tp + fp
    steps = tp[:-1] - tp[1:]
    slope = tf.math.divide_no_nan(steps, tf.maximum(p[:-1] - p[1:], 0.0))
    intercept = tp[1:] - slope * p[1:]
    ratio = tf.where(
        tf.logical_and(p[:-1] > 0, p[1:] > 0),
        tf.math.divide_no_nan(p[:-1], tf.maximum(p[1:], 0.0)),
        tf.ones_like(p[1:]),
    )
    area = slope * (steps + intercept * tf.math.log(ratio))
    return tf.reduce_sum(tf.math.divide_no_nan(area, tf.maximum(tp[1:] + fn[1:], 0.0)), axis=0)
