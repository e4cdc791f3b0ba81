"""``tf.nn``: activations, the softmax family and its losses, dropout, normalisation."""

from __future__ import annotations

import math
from typing import Any

from graphc.ir import dtypes
from graphc.math import (
    log_sigmoid,
    reduce_mean,
    reduce_sum,
    sigmoid,
    softplus,
    tanh,
    top_k,
)
from graphc.ops import ops
from graphc.trace import rng
from graphc.trace.dispatch import convert_to_tensor, static_value
from graphc.trace.tensor import Tensor

__all__ = [
    "bias_add", "crelu", "dropout", "elu", "embedding_lookup", "gelu", "in_top_k", "l2_loss",
    "l2_normalize", "leaky_relu", "log_softmax", "log_sigmoid", "moments", "relu", "relu6", "selu",
    "sigmoid", "sigmoid_cross_entropy_with_logits", "silu", "softmax",
    "softmax_cross_entropy_with_logits", "softplus", "softsign",
    "sparse_softmax_cross_entropy_with_logits", "swish", "tanh", "top_k", "zero_fraction",
]  # fmt: skip


# --- activations ------------------------------------------------------------------------------------------


def relu(features: Any, name: str | None = None) -> Tensor:
    """max(x, 0)"""
    return ops.relu(convert_to_tensor(features))


def relu6(features: Any, name: str | None = None) -> Tensor:
    """min(max(x, 0), 6)"""
    return ops.relu6(convert_to_tensor(features))


def leaky_relu(features: Any, alpha: float = 0.2, name: str | None = None) -> Tensor:
    """x for positive x, alpha x for others."""
    x = convert_to_tensor(features, dtype_hint=dtypes.float32)
    return ops.select(ops.greater(x, 0), x, x * alpha)  # type: ignore[operator]


def elu(features: Any, name: str | None = None) -> Tensor:
    """x for positive x, exp(x) - 1 for others (Clevert et al., 2015)."""
    x = convert_to_tensor(features)
    return ops.select(ops.greater(x, 0), x, ops.expm1(ops.minimum(x, 0)))


def selu(features: Any, name: str | None = None) -> Tensor:
    """Scaled elu that keeps mean and variance (Klambauer et al., 2017)."""
    x = convert_to_tensor(features)
    scale, alpha = 1.0507009873554805, 1.6732632423543772
    return ops.select(ops.greater(x, 0), x, ops.expm1(ops.minimum(x, 0)) * alpha) * scale


def gelu(features: Any, approximate: bool = False, name: str | None = None) -> Tensor:
    """x times the normal distribution function of x (Hendrycks and Gimpel, 2016)."""
    x: Any = convert_to_tensor(features)
    if approximate:
        inner = (x + x * x * x * 0.044715) * math.sqrt(2 / math.pi)
        return x * 0.5 * (ops.tanh(inner) + 1)
    return x * 0.5 * (ops.erf(x * (1 / math.sqrt(2))) + 1)


def silu(features: Any, beta: float = 1.0, name: str | None = None) -> Tensor:
    """x sigmoid(beta x) (Ramachandran et al., 2017)."""
    x: Any = convert_to_tensor(features)
    return x * ops.sigmoid(x if beta == 1.0 else x * beta)


swish = silu


def softsign(features: Any, name: str | None = None) -> Tensor:
    """x / (1 + |x|)"""
    x: Any = convert_to_tensor(features)
    return x / (ops.abs(x) + 1)


def crelu(features: Any, axis: int = -1, name: str | None = None) -> Tensor:
    """relu of x and of -x, joined along an axis."""
    x: Any = convert_to_tensor(features)
    return ops.relu(ops.concat(x, -x, axis=axis))


# --- softmax ----------------------------------------------------------------------------------------------


def _shifted(logits: Any, axis: int) -> Any:
    """Logits less their maximum, which no gradient needs."""
    return logits - ops.stop_gradient(ops.reduce_max(logits, axis=axis, keepdims=True))


def softmax(logits: Any, axis: int | None = None, name: str | None = None) -> Tensor:
    """exp(x) / sum(exp(x)) along an axis (the last)."""
    at = -1 if axis is None else axis
    e = ops.exp(_shifted(convert_to_tensor(logits), at))
    return e / ops.reduce_sum(e, axis=at, keepdims=True)


def log_softmax(logits: Any, axis: int | None = None, name: str | None = None) -> Tensor:
    """log(softmax(x)), without cancellation."""
    at = -1 if axis is None else axis
    x = _shifted(convert_to_tensor(logits), at)
    return x - ops.log(ops.reduce_sum(ops.exp(x), axis=at, keepdims=True))


def softmax_cross_entropy_with_logits(labels: Any, logits: Any, axis: int = -1, name: str | None = None) -> Tensor:
    """-sum(labels log_softmax(logits)) along an axis; ``labels`` are probabilities."""
    x = convert_to_tensor(logits)
    p = convert_to_tensor(labels, dtype_hint=x.dtype)
    return -ops.reduce_sum(p * log_softmax(x, axis), axis=axis)  # type: ignore[operator]


def sparse_softmax_cross_entropy_with_logits(labels: Any, logits: Any, name: str | None = None) -> Tensor:
    """Cross-entropy of integer ``labels`` [...] and ``logits`` [..., classes].

    Labels must be in [0, classes): others give NaN, as in TensorFlow on accelerators.
    """
    x = convert_to_tensor(logits)
    y = convert_to_tensor(labels, dtype_hint=dtypes.int32)
    hot = ops.one_hot(y, depth=x.dims[-1], axis=-1, dtype=x.dtype)
    loss = -ops.reduce_sum(hot * log_softmax(x), axis=-1)  # type: ignore[operator]
    inside = ops.logical_and(ops.greater_equal(y, 0), ops.less(y, x.dims[-1]))
    return ops.select(inside, loss, ops.constant(value=x.dtype.np.type("nan").reshape(())))


def sigmoid_cross_entropy_with_logits(labels: Any = None, logits: Any = None, name: str | None = None) -> Tensor:
    """max(x, 0) - x z + log(1 + exp(-|x|)) for logits x and labels z."""
    x: Any = convert_to_tensor(logits)
    z: Any = convert_to_tensor(labels, dtype_hint=x.dtype)
    return ops.relu(x) - x * z + ops.log1p(ops.exp(-ops.abs(x)))


# --- the rest ---------------------------------------------------------------------------------------------


def bias_add(value: Any, bias: Any, data_format: str | None = None, name: str | None = None) -> Tensor:
    """A vector added to the channels: the last axis, or the second for ``NC...``."""
    x: Any = convert_to_tensor(value)
    b: Any = convert_to_tensor(bias, dtype_hint=x.dtype)
    if data_format and data_format.startswith("NC") and len(x.dims) > 2:
        b = ops.reshape(b, shape=(*b.dims, *(1,) * (len(x.dims) - 2)))
    return x + b


def dropout(x: Any, rate: Any, noise_shape: Any = None, seed: int | None = None, name: str | None = None) -> Tensor:
    """Zeros with probability ``rate``; what stays is scaled by 1 / (1 - rate)."""
    t: Any = convert_to_tensor(x)
    number = static_value(rate)
    if isinstance(number, int | float):
        if not 0 <= number < 1:
            raise ValueError(f"dropout: rate must be in [0, 1), got {number}")
        if number == 0:
            return ops.identity(t)
    shape = t.dims if noise_shape is None else tuple(
        d if n is None else n for n, d in zip(noise_shape, t.dims, strict=True))  # fmt: skip
    drawn = ops.random_uniform(rng.next_key(seed), shape=shape, dtype=t.dtype)
    p = convert_to_tensor(rate, dtype_hint=t.dtype)
    kept = ops.greater_equal(drawn, p)
    return ops.select(kept, t / (1 - p), ops.constant(value=t.dtype.np.type(0).reshape(())))


def l2_loss(t: Any, name: str | None = None) -> Tensor:
    """Half the sum of squares."""
    return ops.reduce_sum(ops.square(convert_to_tensor(t))) * 0.5


def l2_normalize(x: Any, axis: Any = None, epsilon: float = 1e-12, name: str | None = None) -> Tensor:
    """Divided by the Euclidean norm along axes."""
    t: Any = convert_to_tensor(x)
    squares = reduce_sum(ops.square(t), axis, keepdims=True)
    return t * ops.rsqrt(ops.maximum(squares, epsilon))


def moments(x: Any, axes: Any, shift: Any = None, keepdims: bool = False, name: str | None = None) -> tuple[Tensor, Tensor]:
    """Mean and variance along axes."""
    t: Any = convert_to_tensor(x)
    mean = reduce_mean(t, axes, keepdims=True)
    variance = reduce_mean(ops.square(t - ops.stop_gradient(mean)), axes, keepdims)
    return (mean if keepdims else ops.reshape(mean, shape=variance.dims)), variance


def embedding_lookup(params: Any, ids: Any, max_norm: Any = None, name: str | None = None) -> Tensor:
    """Rows of a table."""
    rows = convert_to_tensor(ids, dtype_hint=dtypes.int32)
    return ops.gather(params if hasattr(params, "dims") else convert_to_tensor(params), rows, axis=0)


def in_top_k(targets: Any, predictions: Any, k: int, name: str | None = None) -> Tensor:
    """Whether each target is among the k largest predictions of its row."""
    p: Any = convert_to_tensor(predictions)
    y = convert_to_tensor(targets)
    own = ops.gather(p, ops.expand_dims(y, axis=-1), axis=1, batch_dims=1)
    above = ops.reduce_sum(ops.cast(ops.greater(p, own), dtype=dtypes.int32), axis=-1)
    return ops.less(above, k)


def zero_fraction(value: Any, name: str | None = None) -> Tensor:
    """The share of zeros."""
    return reduce_mean(ops.cast(ops.equal(convert_to_tensor(value), 0), dtype=dtypes.float32))
