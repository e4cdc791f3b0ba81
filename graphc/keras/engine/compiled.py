"""What ``compile`` was given, matched with a model's outputs: losses and metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import graphc as tf
from graphc.keras import losses, metrics
from graphc.keras.engine.context import converted, init_scope


class Outputs:
    """The outputs of a model: their names, and structures given for them as lists."""

    def __init__(self, y_pred: Any, names: Sequence[str] | None) -> None:
        self.count = len(tf.nest.flatten(y_pred))
        if isinstance(y_pred, Mapping):
            names = sorted(y_pred)
        elif not names or len(names) != self.count:
            names = [f"output_{i + 1}" for i in range(self.count)]
        self.names = list(names)

    def spread(self, given: Any, what: str) -> list[Any]:
        """One entry for each output; a single one counts for all."""
        if isinstance(given, Mapping):
            unknown = sorted(given.keys() - set(self.names))
            if unknown:
                raise ValueError(
                    f"Found unexpected {what} that do not correspond to any Model output:"
                    f" {unknown}. Valid mode output names: {self.names}. Received struct is:"
                    f" {given}."
                )
            return [given.get(name) for name in self.names]
        if isinstance(given, list | tuple):
            if len(given) != self.count:
                raise ValueError(
                    f"the model has {self.count} outputs ({', '.join(self.names)}), but got"
                    f" {len(given)} {what}"
                )
            return list(given)
        return [given] * self.count

    def values(self, y: Any) -> list[Any]:
        """Targets or weights of each output; None where there are none."""
        if y is None:
            return [None] * self.count
        return self.spread(y, "targets") if self.count > 1 or isinstance(y, Mapping) else [_one(y)]


def _one(y: Any) -> Any:
    return y[0] if isinstance(y, list | tuple) and len(y) == 1 else y


class CompiledLoss:
    """The losses of all outputs and their sum, the model's own penalties included."""

    def __init__(self, given: Any, weights: Any, names: Sequence[str] | None) -> None:
        self.given, self.weights, self.names = given, weights, names
        self.built = False
        with init_scope():
            self._total = metrics.Mean(name="loss")
        self._each: list[Any] = []

    @property
    def metrics(self) -> list[Any]:
        """Means over the epoch: the total, then of each output where there are several."""
        return [self._total, *(m for m in self._each if m is not None)]

    def build(self, y_pred: Any) -> None:
        self._outputs = outputs = Outputs(y_pred, self.names)
        self.losses = [_loss(loss) for loss in outputs.spread(self.given, "losses")]
        self._weights = outputs.spread(self.weights, "loss weights")
        if outputs.count > 1:
            with init_scope():
                self._each = [
                    None if loss is None else metrics.Mean(name=f"{name}_loss")
                    for name, loss in zip(outputs.names, self.losses, strict=True)
                ]
        self.built = True

    def __call__(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None, regularization_losses: Any = None
    ) -> tf.Tensor:
        """The total of this batch; the means take note of it.

        Raises ``ValueError`` if there is nothing to minimise.
        """
        if not self.built:
            self.build(y_pred)
        outputs = self._outputs
        parts: list[Any] = []
        rows = None
        for i, (loss, y, p, w) in enumerate(
            zip(
                self.losses,
                outputs.values(y_true),
                tf.nest.flatten(y_pred),
                outputs.values(sample_weight),
                strict=True,
            )
        ):
            if loss is None or y is None:
                continue
            value = loss(matched(y, p), p, sample_weight=w)
            rows = tf.cast(tf.shape(p)[0], value.dtype)
            if self._each:
                self._each[i].update_state(value, sample_weight=rows)
            weight = self._weights[i]
            parts.append(value if weight is None else value * tf.cast(weight, value.dtype))
        parts += [tf.cast(r, parts[0].dtype) if parts else r for r in regularization_losses or ()]
        if not parts:
            raise ValueError(
                "The model cannot be compiled because it has no loss to optimize, or no targets"
                " were given."
            )
        total = parts[0] if len(parts) == 1 else tf.add_n(parts)
        self._total.update_state(total, sample_weight=rows)
        return total


class CompiledMetrics:
    """The metrics of all outputs."""

    def __init__(self, given: Any, weighted: Any, names: Sequence[str] | None) -> None:
        self.given, self.weighted, self.names = given, weighted, names
        self.built = False
        self._plain: list[list[Any]] = []
        self._weighted: list[list[Any]] = []

    @property
    def metrics(self) -> list[Any]:
        groups = zip(self._plain, self._weighted, strict=True)
        return [m for plain, weighted in groups for m in (*plain, *weighted)]

    def build(self, y_pred: Any, y_true: Any) -> None:
        self._outputs = outputs = Outputs(y_pred, self.names)
        flat = tf.nest.flatten(y_pred)
        with init_scope():
            for given, target in ((self.given, "_plain"), (self.weighted, "_weighted")):
                rows = zip(
                    self._lists(given), outputs.values(y_true), flat, outputs.names, strict=True
                )
                made = [
                    [_metric(m, y, p, name if outputs.count > 1 else "") for m in listed]
                    for listed, y, p, name in rows
                ]
                setattr(self, target, made)
        self.built = True

    def _lists(self, given: Any) -> list[list[Any]]:
        """A list of metrics for each output."""
        count = self._outputs.count
        if isinstance(given, list | tuple) and not any(isinstance(m, list | tuple) for m in given):
            return [list(given)] * count
        if count == 1 and isinstance(given, list | tuple):
            given = given[0] if len(given) == 1 else given
            return [list(given)]
        listed = self._outputs.spread(given, "metrics")
        return [[] if m is None else [*m] if isinstance(m, list | tuple) else [m] for m in listed]

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        if not self.built:
            self.build(y_pred, y_true)
        outputs = self._outputs
        for y, p, w, plain, weighted in zip(
            outputs.values(y_true),
            tf.nest.flatten(y_pred),
            outputs.values(sample_weight),
            self._plain,
            self._weighted,
            strict=True,
        ):
            if y is None:
                continue
            y = matched(y, p)
            for metric in plain:
                converted(metric.update_state)(y, p, **_weights(p, None))
            for metric in weighted:
                converted(metric.update_state)(y, p, **_weights(p, w))


def matched(y: Any, p: Any) -> Any:
    """Targets with the rank and dtype that the predictions have."""
    if len(y.shape) == 1 and len(p.shape) == 2:
        y = tf.expand_dims(y, -1)
    kinds = (y.dtype.is_floating, y.dtype.is_integer), (p.dtype.is_floating, p.dtype.is_integer)
    return tf.cast(y, p.dtype) if kinds[0] == kinds[1] and any(kinds[0]) else y


def _weights(p: Any, weight: Any) -> dict[str, Any]:
    """Weights for a metric, 0 for what is masked; nothing if there are none."""
    mask = getattr(p, "_keras_mask", None)
    if mask is not None:
        mask = tf.cast(mask, p.dtype)
        if weight is not None:
            weight = tf.cast(weight, p.dtype)
            missing = len(mask.shape) - len(weight.shape)
            weight = mask * (tf.expand_dims(weight, -1) if missing == 1 else weight)
        else:
            weight = mask
    return {} if weight is None else {"sample_weight": weight}


def _loss(given: Any) -> Any:
    found = losses.get(given)
    if found is None or isinstance(found, losses.Loss):
        return found
    return losses.LossFunctionWrapper(found, name=getattr(found, "__name__", None))


_BY_SHAPE = {
    "accuracy": ("binary_accuracy", "sparse_categorical_accuracy", "categorical_accuracy"),
    "crossentropy": (
        "binary_crossentropy",
        "sparse_categorical_crossentropy",
        "categorical_crossentropy",
    ),
}
_SHORT = {"acc": "accuracy", "ce": "crossentropy"}


def _metric(given: Any, y: Any, p: Any, output: str) -> Any:
    """A metric object under the name it goes by in logs."""
    if isinstance(given, metrics.Metric):
        return given
    name = given if isinstance(given, str) else getattr(given, "__name__", type(given).__name__)
    kinds = _BY_SHAPE.get(_SHORT.get(given, given)) if isinstance(given, str) else None
    found = metrics.get(given if kinds is None else kinds[_kind(y, p)])
    label = f"{output}_{name}" if output else name
    if isinstance(found, metrics.Metric):
        found._name = label
        return found
    return metrics.MeanMetricWrapper(found, name=label)


def _kind(y: Any, p: Any) -> int:
    """Whether targets are 0 or 1, class numbers, or a one for each class."""
    if p.shape[-1] == 1:
        return 0
    sparse = y is None or len(y.shape) < len(p.shape) or y.shape[-1] == 1
    return 1 if sparse else 2
