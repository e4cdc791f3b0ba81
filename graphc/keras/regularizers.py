"""Penalties on weights and activities, which are added to the loss."""

from __future__ import annotations

from typing import Any

import graphc as tf
from graphc.keras.named import Configured, lookups


class Regularizer(Configured):
    """A number for a tensor; subclasses define ``__call__(x)``."""

    def __call__(self, x: Any) -> Any:
        return 0.0


def _number(name: str, value: Any) -> float:
    value = 0.0 if value is None else float(value)
    if not 0 <= value < float("inf"):
        raise ValueError(f"Invalid value for argument {name}: expected a non-negative float.")
    return value


class L1L2(Regularizer):
    """l1 * sum(|x|) + l2 * sum(x^2)"""

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        self.l1, self.l2 = _number("l1", l1), _number("l2", l2)

    def __call__(self, x: Any) -> Any:
        total = tf.zeros((), tf.convert_to_tensor(x).dtype)
        if self.l1:
            total += self.l1 * tf.reduce_sum(tf.abs(x))
        if self.l2:
            total += self.l2 * tf.reduce_sum(tf.square(x))
        return total


class L1(Regularizer):
    """l1 * sum(|x|)"""

    def __init__(self, l1: float = 0.01, **kwargs: Any) -> None:
        self.l1 = _number("l1", kwargs.pop("l", l1))
        if kwargs:
            raise TypeError(f"Argument(s) not recognized: {kwargs}")

    def __call__(self, x: Any) -> Any:
        return self.l1 * tf.reduce_sum(tf.abs(x))


class L2(Regularizer):
    """l2 * sum(x^2)"""

    def __init__(self, l2: float = 0.01, **kwargs: Any) -> None:
        self.l2 = _number("l2", kwargs.pop("l", l2))
        if kwargs:
            raise TypeError(f"Argument(s) not recognized: {kwargs}")

    def __call__(self, x: Any) -> Any:
        return self.l2 * tf.reduce_sum(tf.square(x))


class OrthogonalRegularizer(Regularizer):
    """``factor`` times the mean |cosine| between the rows (or the columns) of a matrix."""

    def __init__(self, factor: float = 0.01, mode: str = "rows") -> None:
        if mode not in ("rows", "columns"):
            raise ValueError(f"Invalid value for argument `mode`: {mode}.")
        self.factor, self.mode = _number("factor", factor), mode

    def __call__(self, x: Any) -> Any:
        x = tf.convert_to_tensor(x)
        if len(x.shape) != 2:
            raise ValueError(f"Inputs to OrthogonalRegularizer must have rank 2, got {x.shape}")
        x = tf.math.l2_normalize(x, axis=1 if self.mode == "rows" else 0)
        rows = self.mode == "rows"
        products = tf.matmul(x, x, transpose_b=rows, transpose_a=not rows)
        size = x.shape[0 if rows else 1]
        apart = tf.abs(products * (1.0 - tf.eye(size, dtype=x.dtype)))
        return self.factor * 0.5 * tf.reduce_sum(apart) / (size * (size - 1.0) / 2.0)


def l1_l2(l1: float = 0.01, l2: float = 0.01) -> L1L2:
    """`L1L2`, of 0.01 each."""
    return L1L2(l1, l2)


l1, l2, orthogonal_regularizer = L1, L2, OrthogonalRegularizer

_NAMED = {
    "L1": L1, "L1L2": L1L2, "L2": L2, "OrthogonalRegularizer": OrthogonalRegularizer, "l1": L1,
    "l2": L2, "orthogonal_regularizer": OrthogonalRegularizer,
}  # fmt: skip

_get, serialize, deserialize = lookups("regularizer", _NAMED)


def get(identifier: Any) -> Any:
    """The regularizer of a name or a config; None and functions are themselves."""
    return l1_l2() if identifier == "l1_l2" else _get(identifier)
