"""Losses, element by element or row by row; none of them takes the mean."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from graphc.api.activations import log_softmax, shifted
from graphc.api.arguments import known_axes, like
from graphc.errors import DTypeError, InvalidArgumentError
from graphc.ir import dims, dtypes
from graphc.ops import ops
from graphc.trace.dispatch import convert_to_tensor
from graphc.trace.tensor import Tensor


def softmax_cross_entropy_with_logits(
    labels: Any, logits: Any, axis: Any = -1, name: str | None = None
) -> Tensor:
    """-sum(labels * log_softmax(logits)) along an axis; each row of ``labels`` adds up to 1."""
    x = convert_to_tensor(logits, dtype_hint=dtypes.float32)
    axes = known_axes(axis, len(x.dims))
    return -ops.reduce_sum(like(labels, x) * log_softmax(x, axis), axis=axes)


def sparse_softmax_cross_entropy_with_logits(
    labels: Any, logits: Any, name: str | None = None
) -> Tensor:
    """Cross-entropy of integer ``labels`` [...] and ``logits`` [..., classes].

    A label that is not in [0, classes) raises ``InvalidArgumentError``.
    """
    x: Any = convert_to_tensor(logits, dtype_hint=dtypes.float32)
    y = convert_to_tensor(labels, dtype_hint=dtypes.int32)
    _check_labels(y, x)
    last = (len(x.dims) - 1,)
    z = shifted(x, last)
    y = ops.in_range(y, size=x.dims[-1], what="sparse_softmax_cross_entropy_with_logits: label")
    hot = ops.one_hot(y, depth=x.dims[-1], axis=-1, dtype=dtypes.bool_)
    own = ops.reduce_sum(ops.select(hot, z, _number(0, x)), axis=last)
    return ops.log(ops.reduce_sum(ops.exp(z), axis=last)) - own


def _check_labels(y: Tensor, x: Any) -> None:
    if not y.dtype.is_integer:
        raise DTypeError(f"labels must be integers, got {y.dtype.name}; use tf.cast")
    if not x.dims or len(y.dims) != len(x.dims) - 1:
        raise InvalidArgumentError(
            f"labels must have one axis less than logits, got shapes {y.shape} and {x.shape}"
        )
    if not all(map(dims.assume_equal, y.dims, x.dims)):
        raise InvalidArgumentError(f"labels of shape {y.shape} do not fit logits {x.shape}")


def _number(value: float, x: Any) -> Tensor:
    """A constant of the dtype of ``x``."""
    return ops.constant(value=np.array(value, x.dtype.np))


def sigmoid_cross_entropy_with_logits(
    labels: Any = None, logits: Any = None, name: str | None = None
) -> Tensor:
    """max(x, 0) - x z + log(1 + exp(-|x|)) for logits x and labels z: exact at both ends."""
    x: Any = convert_to_tensor(logits, dtype_hint=dtypes.float32)
    z: Any = like(labels, x)
    if len(z.dims) != len(x.dims) or not all(map(dims.assume_equal, z.dims, x.dims)):
        raise ValueError(f"logits and labels must have one shape, got {x.shape} and {z.shape}")
    positive = ops.greater_equal(x, 0)  # not relu and abs: their slopes at 0 are one-sided
    above = ops.select(positive, x, _number(0, x))
    return above - x * z + ops.log1p(ops.exp(ops.select(positive, -x, x)))


def weighted_cross_entropy_with_logits(
    labels: Any, logits: Any, pos_weight: Any, name: str | None = None
) -> Tensor:
    """Sigmoid cross-entropy whose positive labels count ``pos_weight`` times."""
    x: Any = convert_to_tensor(logits, dtype_hint=dtypes.float32)
    z: Any = like(labels, x)
    weight = (like(pos_weight, x) - 1) * z + 1  # type: ignore[operator]
    return (1 - z) * x + weight * ops.softplus(-x)


def log_poisson_loss(
    targets: Any, log_input: Any, compute_full_loss: bool = False, name: str | None = None
) -> Tensor:
    """exp(c) - c z for the logarithm c of the rate; optionally with Stirling's log(z!)."""
    c: Any = convert_to_tensor(log_input, dtype_hint=dtypes.float32)
    z: Any = like(targets, c)
    loss = ops.exp(c) - c * z
    if not compute_full_loss:
        return loss
    stirling = z * ops.log(z) - z + ops.log(z * (2 * math.pi)) * 0.5
    small = ops.logical_and(ops.greater_equal(z, 0), ops.less_equal(z, 1))
    return loss + ops.select(small, _number(0, c), stirling)


def l2_loss(t: Any, name: str | None = None) -> Tensor:
    """Half the sum of squares."""
    return ops.reduce_sum(ops.square(convert_to_tensor(t))) * 0.5


def compute_average_loss(
    per_example_loss: Any, sample_weight: Any = None, global_batch_size: Any = None
) -> Tensor:
    """The sum of losses [batch, ...], weighted if asked, over the size of the batch."""
    x: Any = convert_to_tensor(per_example_loss, dtype_hint=dtypes.float32)
    if sample_weight is not None:
        x = x * like(sample_weight, x)
    if not x.dims:
        raise ValueError("compute_average_loss: per_example_loss is a scalar, not one per example")
    if global_batch_size is None:
        count = ops.extent(size=x.dims[0], dtype=x.dtype)
    else:
        count = ops.cast(convert_to_tensor(global_batch_size), dtype=x.dtype)
    return ops.divide_no_nan(ops.reduce_sum(x), count)


def scale_regularization_loss(regularization_loss: Any) -> Tensor:
    """The sum of regularisation losses; there is one replica to share it."""
    return ops.reduce_sum(convert_to_tensor(regularization_loss, dtype_hint=dtypes.float32))
