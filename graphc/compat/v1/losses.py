"""``tf.compat.v1.losses``: weighted losses that a graph collects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import graphc as tf
from graphc.compat.v1 import variables


class Reduction:
    """How the losses of the elements become one (TF: ``tf.compat.v1.losses.Reduction``)."""

    NONE = "none"
    SUM = "weighted_sum"
    SUM_OVER_BATCH_SIZE = "weighted_sum_over_batch_size"
    MEAN = "weighted_mean"
    SUM_OVER_NONZERO_WEIGHTS = SUM_BY_NONZERO_WEIGHTS = "weighted_sum_by_nonzero_weights"


_COLLECTION = variables.GraphKeys.LOSSES
_USUAL = Reduction.SUM_BY_NONZERO_WEIGHTS


def add_loss(loss: Any, loss_collection: Any = _COLLECTION) -> None:
    """Add a loss to the graph's; in eager code nothing is collected."""
    if loss_collection and not tf.executing_eagerly():
        variables.add_to_collection(loss_collection, loss)


def get_losses(scope: str | None = None, loss_collection: Any = _COLLECTION) -> list[Any]:
    return variables.get_collection(loss_collection, scope)


def get_regularization_losses(scope: str | None = None) -> list[Any]:
    return variables.get_collection(variables.GraphKeys.REGULARIZATION_LOSSES, scope)


def get_total_loss(
    add_regularization_losses: bool = True, name: str = "total_loss", scope: str | None = None
) -> Any:
    """The sum of the collected losses."""
    found = get_losses(scope)
    return tf.add_n(found + (get_regularization_losses(scope) if add_regularization_losses else []))


def compute_weighted_loss(
    losses: Any, weights: Any = 1.0, scope: str | None = None, loss_collection: Any = _COLLECTION,
    reduction: str = _USUAL,
) -> Any:  # fmt: skip
    """The elements' losses times their weights, reduced; added to the graph's losses."""
    losses = tf.convert_to_tensor(losses)
    w = tf.cast(weights, losses.dtype)
    while w.ndim < losses.ndim and w.ndim:
        w = tf.expand_dims(w, -1)
    found = losses * w
    if reduction != Reduction.NONE:
        everywhere = tf.broadcast_to(w, tf.shape(losses))
        total = tf.reduce_sum(found)
        counts: dict[str, Callable[[], Any]] = {
            Reduction.SUM: lambda: tf.ones_like(total),
            Reduction.MEAN: lambda: tf.reduce_sum(everywhere),
            Reduction.SUM_OVER_BATCH_SIZE: lambda: tf.cast(tf.size(losses), losses.dtype),
            _USUAL: lambda: tf.cast(tf.math.count_nonzero(everywhere), losses.dtype),
        }
        found = tf.math.divide_no_nan(total, counts[reduction]())
    add_loss(found, loss_collection)
    return found


def _loss(rule: Callable[..., Any]) -> Callable[..., Any]:
    """A loss of TensorFlow 1: ``rule`` gives the elements' losses."""

    def loss(
        labels: Any, predictions: Any, weights: Any = 1.0, scope: str | None = None,
        loss_collection: Any = _COLLECTION, reduction: str = _USUAL, **options: Any,
    ) -> Any:  # fmt: skip
        y = tf.convert_to_tensor(predictions)
        elements = rule(tf.cast(labels, y.dtype), y, **options)
        return compute_weighted_loss(elements, weights, scope, loss_collection, reduction)

    loss.__doc__ = rule.__doc__
    loss.__name__ = loss.__qualname__ = rule.__name__
    return loss


@_loss
def mean_squared_error(labels: Any, predictions: Any) -> Any:
    """The squares of the differences."""
    return tf.math.squared_difference(predictions, labels)


@_loss
def absolute_difference(labels: Any, predictions: Any) -> Any:
    """The absolute differences."""
    return tf.abs(predictions - labels)


@_loss
def huber_loss(labels: Any, predictions: Any, delta: float = 1.0) -> Any:
    """Half squares up to ``delta``, a straight line beyond."""
    error = tf.abs(predictions - labels)
    low = tf.minimum(error, delta)
    return 0.5 * low * low + delta * (error - low)


@_loss
def log_loss(labels: Any, predictions: Any, epsilon: float = 1e-7) -> Any:
    """Minus the logarithm of the probability of what is true."""
    log = tf.math.log
    yes = labels * log(predictions + epsilon)
    return -yes - (1 - labels) * log(1 - predictions + epsilon)


@_loss
def hinge_loss(labels: Any, predictions: Any) -> Any:
    """``max(0, 1 - y * logits)`` with labels 0 and 1 taken as -1 and 1."""
    return tf.nn.relu(1 - (2 * labels - 1) * predictions)


def softmax_cross_entropy(
    onehot_labels: Any, logits: Any, weights: Any = 1.0, label_smoothing: float = 0,
    scope: str | None = None, loss_collection: Any = _COLLECTION, reduction: str = _USUAL,
) -> Any:  # fmt: skip
    """Cross-entropy of logits with one-hot labels."""
    logits = tf.convert_to_tensor(logits)
    labels = tf.cast(onehot_labels, logits.dtype)
    if label_smoothing:
        labels = labels * (1 - label_smoothing) + label_smoothing / labels.shape[-1]
    found = tf.nn.softmax_cross_entropy_with_logits(tf.stop_gradient(labels), logits)
    return compute_weighted_loss(found, weights, scope, loss_collection, reduction)


def sparse_softmax_cross_entropy(
    labels: Any, logits: Any, weights: Any = 1.0, scope: str | None = None,
    loss_collection: Any = _COLLECTION, reduction: str = _USUAL,
) -> Any:  # fmt: skip
    """Cross-entropy of logits with the numbers of classes."""
    found = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
    return compute_weighted_loss(found, weights, scope, loss_collection, reduction)


def sigmoid_cross_entropy(
    multi_class_labels: Any, logits: Any, weights: Any = 1.0, label_smoothing: float = 0,
    scope: str | None = None, loss_collection: Any = _COLLECTION, reduction: str = _USUAL,
) -> Any:  # fmt: skip
    """Cross-entropy of independent logits."""
    logits = tf.convert_to_tensor(logits)
    labels = tf.cast(multi_class_labels, logits.dtype)
    labels = labels * (1 - label_smoothing) + 0.5 * label_smoothing
    found = tf.nn.sigmoid_cross_entropy_with_logits(labels, logits)
    return compute_weighted_loss(found, weights, scope, loss_collection, reduction)
