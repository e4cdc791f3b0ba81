"""Where weights are put back to after each step of an optimizer."""

from __future__ import annotations

from typing import Any

import graphc as tf
from graphc.keras import backend
from graphc.keras.named import Configured, lookups


class Constraint(Configured):
    """A function of a weight that gives the allowed one; subclasses define ``__call__(w)``."""

    def __call__(self, w: Any) -> Any:
        return w


def _norm(w: Any, axis: Any) -> Any:
    return tf.sqrt(tf.reduce_sum(tf.square(w), axis=axis, keepdims=True))


class MaxNorm(Constraint):
    """Norms along ``axis`` of at most ``max_value``."""

    def __init__(self, max_value: float = 2, axis: Any = 0) -> None:
        self.max_value, self.axis = max_value, axis

    def __call__(self, w: Any) -> Any:
        norms = _norm(w, self.axis)
        return w * (tf.clip_by_value(norms, 0.0, self.max_value) / (backend.epsilon() + norms))


class NonNeg(Constraint):
    """Negative weights become 0."""

    def __call__(self, w: Any) -> Any:
        return tf.maximum(w, 0.0)


class UnitNorm(Constraint):
    """Norms along ``axis`` of 1."""

    def __init__(self, axis: Any = 0) -> None:
        self.axis = axis

    def __call__(self, w: Any) -> Any:
        return w / (backend.epsilon() + _norm(w, self.axis))


class MinMaxNorm(Constraint):
    """Norms along ``axis`` between two values, or ``rate`` of the way there."""

    def __init__(
        self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: Any = 0
    ) -> None:
        self.min_value, self.max_value, self.rate, self.axis = min_value, max_value, rate, axis

    def __call__(self, w: Any) -> Any:
        norms = _norm(w, self.axis)
        wanted = tf.clip_by_value(norms, self.min_value, self.max_value)
        wanted = self.rate * wanted + (1 - self.rate) * norms
        return w * (wanted / (backend.epsilon() + norms))


class RadialConstraint(Constraint):
    """Every ring of a square kernel [size, size, in, out] has one value, taken as Keras takes it.

    With h = size // 2 the centre is w[h-1, h-1], the rings around it w[h, h], w[h+1, h+1], ... of
    an odd size and w[h+1, h+1], ... of an even one.
    """

    def __call__(self, w: Any) -> Any:
        w = tf.convert_to_tensor(w)
        if len(w.shape) != 4 or w.shape[0] != w.shape[1]:
            raise ValueError(f"The weight tensor must be [size, size, in, out]. Got: {w.shape}")
        size = w.shape[0]
        half = size // 2
        sources = [half - 1, *range(half + 1 - size % 2, size - size % 2)]
        outward = [len(sources) - 1 - min(i, size - 1 - i) for i in range(size)]
        ring = tf.constant([[max(i, j) for j in outward] for i in outward])
        return tf.gather(tf.stack([w[i, i] for i in sources]), ring)


max_norm, non_neg, unit_norm, min_max_norm = MaxNorm, NonNeg, UnitNorm, MinMaxNorm
radial_constraint = RadialConstraint

_NAMED = {
    name: value
    for name, value in list(globals().items())
    if isinstance(value, type) and issubclass(value, Constraint)
}

get, serialize, deserialize = lookups("constraint", _NAMED)
