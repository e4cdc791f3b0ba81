"""Activations with Keras's names, defaults and results.

Layers take them by name: ``get("relu")``; None is `linear`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import graphc as tf

# --- those of tf.nn and tf.math -------------------------------------------------------------------


def linear(x: Any) -> tf.Tensor:
    """x"""
    return tf.convert_to_tensor(x)


def sigmoid(x: Any) -> tf.Tensor:
    """1 / (1 + exp(-x))"""
    return tf.sigmoid(x)


def tanh(x: Any) -> tf.Tensor:
    """Hyperbolic tangent."""
    return tf.tanh(x)


def exponential(x: Any) -> tf.Tensor:
    """exp(x)"""
    return tf.exp(x)


def relu6(x: Any) -> tf.Tensor:
    """min(max(x, 0), 6)"""
    return tf.nn.relu6(x)


def leaky_relu(x: Any, negative_slope: float = 0.2) -> tf.Tensor:
    """x for positive x, negative_slope * x for others."""
    return tf.nn.leaky_relu(x, negative_slope)


def selu(x: Any) -> tf.Tensor:
    """Scaled elu that keeps mean and variance."""
    return tf.nn.selu(x)


def gelu(x: Any, approximate: bool = False) -> tf.Tensor:
    """x times the normal distribution function of x."""
    return tf.nn.gelu(x, approximate)


def silu(x: Any) -> tf.Tensor:
    """x * sigmoid(x)"""
    return tf.nn.silu(x)


swish = silu


def softplus(x: Any) -> tf.Tensor:
    """log(1 + exp(x))"""
    return tf.nn.softplus(x)


def softsign(x: Any) -> tf.Tensor:
    """x / (1 + |x|)"""
    return tf.nn.softsign(x)


def log_sigmoid(x: Any) -> tf.Tensor:
    """log(sigmoid(x))"""
    return -tf.nn.softplus(-tf.convert_to_tensor(x))


def softmax(x: Any, axis: Any = -1) -> tf.Tensor:
    """exp(x) / sum(exp(x)) along an axis, or several."""
    return tf.nn.softmax(x, axis)


def log_softmax(x: Any, axis: Any = -1) -> tf.Tensor:
    """log(softmax(x)) along an axis."""
    return tf.nn.log_softmax(x, axis)


# --- pieces of lines and curves -------------------------------------------------------------------


def relu(
    x: Any, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0
) -> tf.Tensor:
    """x above ``threshold``, at most ``max_value``; negative_slope * (x - threshold) below."""
    x = tf.convert_to_tensor(x)
    above = tf.nn.relu(x) if threshold == 0 else tf.where(x > threshold, x, tf.zeros_like(x))
    if max_value is not None:
        above = tf.clip_by_value(above, 0.0, max_value)
    if negative_slope == 0:
        return above
    return above - negative_slope * tf.nn.relu(threshold - x)


def elu(x: Any, alpha: float = 1.0) -> tf.Tensor:
    """x for positive x, alpha * (exp(x) - 1) for others."""
    x = tf.convert_to_tensor(x)
    return tf.nn.elu(x) if alpha == 1 else tf.where(x > 0, x, alpha * tf.nn.elu(x))


def celu(x: Any, alpha: float = 1.0) -> tf.Tensor:
    """max(x, 0) + min(alpha * (exp(x / alpha) - 1), 0)"""
    x = tf.convert_to_tensor(x)
    return tf.maximum(x, 0.0) + alpha * tf.math.expm1(tf.minimum(x, 0.0) / alpha)


def hard_sigmoid(x: Any) -> tf.Tensor:
    """relu6(x + 3) / 6"""
    return tf.nn.relu6(tf.convert_to_tensor(x) + 3.0) / 6.0


def hard_silu(x: Any) -> tf.Tensor:
    """x * hard_sigmoid(x)"""
    x = tf.convert_to_tensor(x)
    return x * hard_sigmoid(x)


hard_swish = hard_silu


def hard_tanh(x: Any) -> tf.Tensor:
    """x, within -1 and 1."""
    return tf.clip_by_value(x, -1.0, 1.0)


def hard_shrink(x: Any, threshold: float = 0.5) -> tf.Tensor:
    """x, and 0 within the threshold."""
    x = tf.convert_to_tensor(x)
    return tf.where(tf.abs(x) > threshold, x, 0.0)


def soft_shrink(x: Any, threshold: float = 0.5) -> tf.Tensor:
    """x, nearer to 0 by the threshold."""
    x = tf.convert_to_tensor(x)
    return tf.where(x > threshold, x - threshold, tf.where(x < -threshold, x + threshold, 0.0))


def tanh_shrink(x: Any) -> tf.Tensor:
    """x - tanh(x)"""
    x = tf.convert_to_tensor(x)
    return x - tf.tanh(x)


def threshold(x: Any, threshold: float, default_value: float) -> tf.Tensor:
    """x above the threshold, ``default_value`` elsewhere."""
    x = tf.convert_to_tensor(x)
    return tf.where(x > threshold, x, default_value)


def mish(x: Any) -> tf.Tensor:
    """x * tanh(softplus(x))"""
    x = tf.convert_to_tensor(x)
    return x * tf.tanh(tf.nn.softplus(x))


def squareplus(x: Any, b: float = 4) -> tf.Tensor:
    """(x + sqrt(x^2 + b)) / 2"""
    x = tf.convert_to_tensor(x)
    return (x + tf.sqrt(tf.square(x) + b)) / 2.0


def sparse_plus(x: Any) -> tf.Tensor:
    """0 up to -1, (x + 1)^2 / 4 up to 1, then x."""
    x = tf.convert_to_tensor(x)
    return tf.where(x <= -1.0, 0.0, tf.where(x < 1.0, tf.square(x + 1.0) / 4.0, x))


def sparse_sigmoid(x: Any) -> tf.Tensor:
    """0 up to -1, (x + 1) / 2 up to 1, then 1."""
    return tf.clip_by_value((tf.convert_to_tensor(x) + 1.0) / 2.0, 0.0, 1.0)


# --- along an axis --------------------------------------------------------------------------------


def glu(x: Any, axis: int = -1) -> tf.Tensor:
    """The first half along an axis times the sigmoid of the second."""
    first, second = tf.split(x, 2, axis)
    return first * tf.sigmoid(second)


def sparsemax(x: Any, axis: int = -1) -> tf.Tensor:
    """The probabilities nearest to x: many of them are 0 (Martins and Astudillo, 2016).

    Those of Keras 3 do not add up to 1.
    """
    x = tf.convert_to_tensor(x)
    ordered = tf.sort(x, axis, direction="DESCENDING")
    place = tf.cumsum(tf.ones_like(x), axis)  # 1, 2, 3...
    inside = 1.0 + place * ordered > tf.cumsum(ordered, axis)
    kept = tf.reduce_sum(tf.cast(inside, x.dtype), axis, keepdims=True)
    total = tf.reduce_sum(tf.where(inside, ordered, 0.0), axis, keepdims=True)
    return tf.maximum(x - (total - 1.0) / kept, 0.0)


# --- by name --------------------------------------------------------------------------------------

_NAMED: dict[str, Callable[..., tf.Tensor]] = {
    f.__name__: f
    for f in (
        celu, elu, exponential, gelu, glu, hard_shrink, hard_sigmoid, hard_silu, hard_tanh,
        leaky_relu, linear, log_sigmoid, log_softmax, mish, relu, relu6, selu, sigmoid, silu,
        soft_shrink, softmax, softplus, softsign, sparse_plus, sparse_sigmoid, sparsemax,
        squareplus, tanh, tanh_shrink, threshold,
    )
} | {"swish": silu, "hard_swish": hard_silu}  # fmt: skip


def get(identifier: Any) -> Callable[..., tf.Tensor]:
    """The activation of a name; None is `linear`, functions are themselves.

    Raises ``ValueError`` for a name that is none.
    """
    found = linear if identifier is None else identifier
    if isinstance(found, str):
        found = _NAMED.get(found)
    if not callable(found):
        raise ValueError(f"there is no activation {identifier!r}; there are {', '.join(_NAMED)}")
    return found


def serialize(activation: Any) -> Any:
    """The name of an activation, for a configuration."""
    return next((name for name, f in _NAMED.items() if f is activation), activation.__name__)


deserialize = get
