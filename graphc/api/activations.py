"""Activations and the softmax family."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from graphc.api.arguments import known_axes
from graphc.ir import dtypes
from graphc.ops import REGISTRY, ops
from graphc.trace.dispatch import convert_to_tensor, quiet, runs_now
from graphc.trace.tensor import EagerTensor, Tensor

_SCALE, _ALPHA = 1.0507009873554805, 1.6732632423543772  # selu
_sum = REGISTRY["reduce_sum"].eager


def _floats(x: Any) -> Any:
    return convert_to_tensor(x, dtype_hint=dtypes.float32)


def relu(features: Any, name: str | None = None) -> Tensor:
    """max(x, 0)"""
    return ops.relu(convert_to_tensor(features))


def relu6(features: Any, name: str | None = None) -> Tensor:
    """min(max(x, 0), 6)"""
    return ops.relu6(convert_to_tensor(features))


def _at_once(rule: Callable[..., np.ndarray]) -> Callable[[Any], Any]:
    """Compute a float32 or float64 tensor by one numpy rule, where nothing looks at the ops inside.

    It saves the temporaries between ops, which cost more than the arithmetic.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            if args and runs_now(args[0]) and args[0]._array.dtype.char in "fd":
                with quiet():
                    found = rule(args[0]._array, *args[1:], **kwargs)
                if found is not None:
                    return EagerTensor(np.asarray(found))
            return function(*args, **kwargs)

        return call

    return decorate


def _leaky(x: np.ndarray, alpha: Any = 0.2, name: Any = None) -> np.ndarray | None:
    if type(alpha) is not float or not 0 < alpha <= 1:
        return None
    below = np.asarray(x * x.dtype.type(alpha))
    return np.maximum(x, below, out=below)


def _elu(x: np.ndarray, scale: float = 1.0, alpha: float = 1.0) -> np.ndarray:
    below = np.asarray(np.minimum(x, x.dtype.type(0)))
    np.expm1(below, out=below)
    if alpha != 1:
        below *= x.dtype.type(alpha)
    found = np.asarray(np.where(x > 0, x, below))
    return found if scale == 1 else np.multiply(found, x.dtype.type(scale), out=found)


def _softmax(x: np.ndarray, axis: Any = None, name: Any = None) -> np.ndarray | None:
    axis = -1 if axis is None else axis
    if type(axis) is not int or not -x.ndim <= axis < x.ndim or not x.shape[axis]:
        return None
    e = np.asarray(x - x.max(axis, keepdims=True))
    np.exp(e, out=e)
    e /= _sum(e, axis=(axis,), keepdims=True)
    return e


def _log_softmax(x: np.ndarray, axis: Any = None, name: Any = None) -> np.ndarray | None:
    axis = -1 if axis is None else axis
    if type(axis) is not int or not -x.ndim <= axis < x.ndim or not x.shape[axis]:
        return None
    shifted = np.asarray(x - x.max(axis, keepdims=True))
    shifted -= np.log(_sum(np.exp(shifted), axis=(axis,), keepdims=True))
    return shifted


def _softsign(x: np.ndarray, name: Any = None) -> np.ndarray:
    below = np.asarray(np.abs(x))
    below += x.dtype.type(1)
    return np.divide(x, below, out=below)


@_at_once(_leaky)
def leaky_relu(features: Any, alpha: Any = 0.2, name: str | None = None) -> Tensor:
    """x for positive x, alpha x for others (Maas et al., 2013); integers become float32."""
    x = convert_to_tensor(features)
    x = ops.cast(x, dtype=dtypes.float32) if x.dtype.is_integer else x
    return ops.select(ops.greater(x, 0), x, ops.multiply(x, alpha))


@_at_once(lambda x, name=None: _elu(x))
def elu(features: Any, name: str | None = None) -> Tensor:
    """x for positive x, exp(x) - 1 for others (Clevert et al., 2015)."""
    x = _floats(features)
    return ops.select(ops.greater(x, 0), x, ops.expm1(ops.minimum(x, 0)))


@_at_once(lambda x, name=None: _elu(x, _SCALE, _ALPHA))
def selu(features: Any, name: str | None = None) -> Tensor:
    """Scaled elu that keeps mean and variance (Klambauer et al., 2017)."""
    x = _floats(features)
    return ops.select(ops.greater(x, 0), x, ops.expm1(ops.minimum(x, 0)) * _ALPHA) * _SCALE


def gelu(features: Any, approximate: bool = False, name: str | None = None) -> Tensor:
    """x times the normal distribution function of x (Hendrycks and Gimpel, 2016)."""
    x = _floats(features)
    if approximate:
        inner = (x + x * x * x * 0.044715) * math.sqrt(2 / math.pi)
        return x * 0.5 * (ops.tanh(inner) + 1)
    return x * 0.5 * (ops.erf(x * math.sqrt(0.5)) + 1)


def silu(features: Any, beta: Any = 1.0) -> Tensor:
    """x sigmoid(beta x) (Ramachandran et al., 2017)."""
    x = _floats(features)
    plain = isinstance(beta, int | float) and beta == 1
    return x * ops.sigmoid(x if plain else x * beta)


swish = silu


@_at_once(_softsign)
def softsign(features: Any, name: str | None = None) -> Tensor:
    """x / (1 + |x|)"""
    x = _floats(features)
    return x / (ops.abs(x) + 1)


def crelu(features: Any, axis: Any = -1, name: str | None = None) -> Tensor:
    """relu of x and of -x, joined along an axis (Shang et al., 2016)."""
    x: Any = convert_to_tensor(features)
    return ops.relu(ops.concat(x, -x, axis=axis))


# --- softmax --------------------------------------------------------------------------------------


def shifted(logits: Any, axes: tuple[int, ...]) -> Any:
    """Logits less their maximum; the shift cancels out, so no gradient needs it."""
    return logits - ops.stop_gradient(ops.reduce_max(logits, axis=axes, keepdims=True))


@_at_once(_softmax)
def softmax(logits: Any, axis: Any = None, name: str | None = None) -> Tensor:
    """exp(x) / sum(exp(x)) along an axis (the last), without overflow."""
    x = _floats(logits)
    axes = known_axes(-1 if axis is None else axis, len(x.dims))
    e = ops.exp(shifted(x, axes))
    return e / ops.reduce_sum(e, axis=axes, keepdims=True)


@_at_once(_log_softmax)
def log_softmax(logits: Any, axis: Any = None, name: str | None = None) -> Tensor:
    """log(softmax(x)) along an axis (the last), without overflow or cancellation."""
    x = _floats(logits)
    axes = known_axes(-1 if axis is None else axis, len(x.dims))
    x = shifted(x, axes)
    return x - ops.log(ops.reduce_sum(ops.exp(x), axis=axes, keepdims=True))
