"""Losses as objects: a function of labels and predictions, weighted and reduced to one number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import graphc as tf
from graphc.keras import backend
from graphc.keras.engine.context import converted
from graphc.keras.named import Configured


class Reduction:
    """What becomes of the losses of single examples."""

    AUTO = "auto"
    NONE = "none"
    SUM = "sum"
    SUM_OVER_BATCH_SIZE = "sum_over_batch_size"

    @classmethod
    def all(cls) -> tuple[str, ...]:
        return (cls.AUTO, cls.NONE, cls.SUM, cls.SUM_OVER_BATCH_SIZE)

    @classmethod
    def validate(cls, key: Any) -> None:
        if key not in (*cls.all(), "mean", "mean_with_sample_weight"):
            raise ValueError(
                f'Invalid Reduction Key: {key}. Expected keys are "{cls.all()}"'
                ' and Keras 3\'s "mean" and "mean_with_sample_weight"'
            )


AUTO = Reduction.AUTO


class Loss(Configured):
    """A loss of labels and predictions (Keras 2: ``tf.keras.losses.Loss``).

    A subclass defines ``call(y_true, y_pred)``, which returns a loss for each example.
    ``reduction`` is ``"sum"``, ``"none"`` (None) or ``"sum_over_batch_size"`` (``"auto"``): their
    sum over their number.
    """

    def __init__(self, reduction: Any = AUTO, name: str | None = None) -> None:
        reduction = Reduction.NONE if reduction is None else reduction
        Reduction.validate(reduction)
        self.reduction, self.name = reduction, name

    def call(self, y_true: Any, y_pred: Any) -> Any:
        raise NotImplementedError("Must be implemented in subclasses.")

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The reduced loss; ``sample_weight`` broadcasts to the losses of the examples."""
        if not hasattr(self, "reduction"):
            raise RuntimeError(
                f"{type(self).__name__}.__init__ has to call `super().__init__()` of `Loss`."
            )
        losses = converted(self.call)(y_true, y_pred)
        masks = [m for m in (mask_of(y_pred), mask_of(losses)) if m is not None]
        mask = tf.logical_and(*masks) if len(masks) > 1 else masks[0] if masks else None
        return compute_weighted_loss(losses, sample_weight, self.reduction, mask)


class LossFunctionWrapper(Loss):
    """A function of labels and predictions as a loss; ``kwargs`` go to the function."""

    def __init__(
        self, fn: Callable[..., Any], reduction: Any = AUTO, name: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(reduction, name)
        self.fn, self._fn_kwargs = fn, kwargs

    def call(self, y_true: Any, y_pred: Any) -> Any:
        y_pred, y_true = squeeze_last(y_pred, y_true)
        return converted(self.fn)(y_true, y_pred, **self._fn_kwargs)

    def get_config(self) -> dict[str, Any]:
        return {"reduction": self.reduction, "name": self.name, **self._fn_kwargs}


class FunctionLoss(LossFunctionWrapper):
    """A loss whose class says the function."""

    _function: Callable[..., Any]

    def __init__(self, reduction: Any = AUTO, name: str | None = None, **options: Any) -> None:
        function = type(self)._function
        super().__init__(function, reduction, name or function.__name__, **options)
        vars(self).update(options)


# --- weights and masks ----------------------------------------------------------------------------


def mask_of(x: Any) -> Any:
    """The mask that a layer or a loss has put on a tensor."""
    return getattr(x, "_keras_mask", None)


def as_floats(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    """Labels and predictions as tensors of the predictions' floating dtype."""
    y_pred = tf.convert_to_tensor(y_pred, dtype_hint=tf.float32)
    if not (y_pred.dtype.is_floating or y_pred.dtype.is_complex):
        y_pred = tf.cast(y_pred, backend.floatx())
    return tf.cast(y_true, y_pred.dtype), y_pred


def squeeze_last(y_pred: Any, y_true: Any) -> tuple[Any, Any]:
    """Take a last axis of size 1 away from the one that has an axis more."""
    y_pred, y_true = tf.convert_to_tensor(y_pred), tf.convert_to_tensor(y_true)
    if y_pred.ndim == y_true.ndim + 1 and y_pred.shape[-1] == 1:
        y_pred = tf.squeeze(y_pred, -1)
    elif y_true.ndim == y_pred.ndim + 1 and y_true.shape[-1] == 1:
        y_true = tf.squeeze(y_true, -1)
    return y_pred, y_true


def fit_weights(weights: Any, values: Any) -> Any:
    """Weights with as many axes as the values: one of size 1 more or less at the end is mended."""
    weights = tf.cast(weights, values.dtype)
    if weights.ndim and weights.ndim == values.ndim + 1 and weights.shape[-1] == 1:
        return tf.squeeze(weights, -1)
    if weights.ndim and weights.ndim == values.ndim - 1:
        return tf.expand_dims(weights, -1)
    return weights


def masked_weights(mask: Any, weights: Any, values: Any, reduction: str = AUTO) -> Any:
    """Weights that are 0 where the mask is, and make the mean one of what is left."""
    if mask is None:
        return weights
    mask = tf.cast(mask, values.dtype)
    if reduction in (AUTO, Reduction.SUM_OVER_BATCH_SIZE, "mean"):
        total = tf.cast(tf.size(mask), values.dtype)
        mask *= tf.math.divide_no_nan(total, tf.reduce_sum(mask))
    return mask if weights is None else fit_weights(weights, mask) * mask


def compute_weighted_loss(
    losses: Any, sample_weight: Any = None, reduction: str = AUTO, mask: Any = None
) -> Any:
    """Losses times weights, reduced."""
    losses = tf.convert_to_tensor(losses)
    if losses.dtype.is_integer:
        losses = tf.cast(losses, backend.floatx())
    weights = masked_weights(mask, sample_weight, losses, reduction)
    if weights is not None:
        weights = fit_weights(weights, losses)
        losses = losses * weights
    if reduction == Reduction.NONE:
        return losses
    total = tf.reduce_sum(losses)
    if reduction == Reduction.SUM:
        return total
    if reduction == "mean_with_sample_weight" and weights is not None:
        count = tf.reduce_sum(tf.broadcast_to(weights, tf.shape(losses)))
    else:
        count = tf.cast(tf.size(losses), losses.dtype)
    return tf.math.divide_no_nan(total, count)
