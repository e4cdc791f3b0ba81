"""``tf.math``: elementwise functions, comparisons, reductions, cumulative sums."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from graphc.ir import dtypes
from graphc.ops import ops
from graphc.trace.dispatch import convert_to_tensor, static_value
from graphc.trace.tensor import Operators, Tensor

__all__ = [
    "abs", "accumulate_n", "acos", "acosh", "add", "add_n", "angle", "argmax", "argmin", "asin", "asinh",
    "atan", "atan2", "atanh", "ceil", "clip_by_global_norm", "clip_by_norm", "clip_by_value", "conj",
    "cos", "cosh", "cumprod", "cumsum", "digamma", "divide", "divide_no_nan", "equal", "erf", "erfc",
    "exp", "expm1", "floor", "floordiv", "floormod", "global_norm", "greater", "greater_equal", "imag",
    "is_finite", "is_inf", "is_nan", "less", "less_equal", "lgamma", "log", "log1p", "logical_and",
    "logical_not", "logical_or", "logical_xor", "log_sigmoid", "maximum", "minimum", "mod", "multiply",
    "negative", "not_equal", "pow", "real", "reciprocal", "reduce_all", "reduce_any",
    "reduce_logsumexp", "reduce_max", "reduce_mean", "reduce_min", "reduce_prod", "reduce_std",
    "reduce_sum", "reduce_variance", "rint", "round", "rsqrt", "sigmoid", "sign", "sin", "sinh",
    "softplus", "sqrt", "square", "squared_difference", "subtract", "tan", "tanh", "top_k",
    "truediv", "truncatediv", "truncatemod", "xlogy",
]  # fmt: skip


def _one(name: str) -> Callable[..., Tensor]:
    """An elementwise function of one tensor; Python numbers become float32 where it needs floats."""
    op = getattr(ops, name)
    needs_float = dtypes.int32 not in op.dtypes

    def call(x: Any, name: str | None = None) -> Tensor:
        return op(convert_to_tensor(x, dtype_hint=dtypes.float32 if needs_float else None))

    call.__doc__ = op.doc
    call.__name__ = call.__qualname__ = name
    return call


def _two(name: str) -> Callable[..., Tensor]:
    """An elementwise function of two tensors, which broadcast."""
    op = getattr(ops, name)

    def call(x: Any, y: Any, name: str | None = None) -> Tensor:
        if not isinstance(x, Operators) and not isinstance(y, Operators):
            x = convert_to_tensor(x)
        return op(x, y)

    call.__doc__ = op.doc
    call.__name__ = call.__qualname__ = name
    return call


abs, acos, acosh, asin, asinh = map(_one, ("abs", "acos", "acosh", "asin", "asinh"))
atan, atanh, ceil, conj, cos, cosh = map(_one, ("atan", "atanh", "ceil", "conj", "cos", "cosh"))
digamma, erf, erfc, exp, expm1 = map(_one, ("digamma", "erf", "erfc", "exp", "expm1"))
angle, real, imag = map(_one, ("angle", "real", "imag"))
is_finite, is_inf, is_nan = map(_one, ("is_finite", "is_inf", "is_nan"))
lgamma, log, log1p, logical_not = map(_one, ("lgamma", "log", "log1p", "logical_not"))
negative, reciprocal, rint = map(_one, ("negative", "reciprocal", "rint"))
round = rint  # halves to even
rsqrt, sigmoid, sign, sin, sinh = map(_one, ("rsqrt", "sigmoid", "sign", "sin", "sinh"))
softplus, sqrt, square, tan, tanh = map(_one, ("softplus", "sqrt", "square", "tan", "tanh"))
floor = _one("floor")
add, atan2, divide, divide_no_nan = map(_two, ("add", "atan2", "divide", "divide_no_nan"))
equal, not_equal, greater, less = map(_two, ("equal", "not_equal", "greater", "less"))
greater_equal, less_equal = map(_two, ("greater_equal", "less_equal"))
floordiv, floormod, truncatediv = map(_two, ("floordiv", "floormod", "truncatediv"))
truncatemod, maximum, minimum = map(_two, ("truncatemod", "maximum", "minimum"))
logical_and, logical_or, logical_xor = map(_two, ("logical_and", "logical_or", "logical_xor"))
multiply, pow, subtract, xlogy = map(_two, ("multiply", "pow", "subtract", "xlogy"))
squared_difference = _two("squared_difference")
truediv, mod = divide, floormod


def log_sigmoid(x: Any, name: str | None = None) -> Tensor:
    """log(sigmoid(x)), without overflow."""
    return -softplus(-convert_to_tensor(x))


def add_n(inputs: Any, name: str | None = None) -> Tensor:
    """The sum of a list of tensors."""
    listed = [convert_to_tensor(t) for t in inputs]
    if not listed:
        raise ValueError("add_n needs at least one tensor")
    total = listed[0]
    for t in listed[1:]:
        total = total + t  # type: ignore[operator]
    return total


accumulate_n = add_n


# --- reductions -------------------------------------------------------------------------------------------


def _axes(axis: Any) -> Any:
    found = static_value(axis)
    if isinstance(found, list | tuple | np.ndarray):
        return tuple(int(a) for a in found)
    return None if found is None else int(found)


def _reduction(name: str, floats: bool = False) -> Callable[..., Tensor]:
    op = getattr(ops, name)

    def call(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Tensor:
        x = convert_to_tensor(input_tensor)
        return op(x, axis=_axes(axis), keepdims=bool(keepdims))

    call.__doc__ = f"{op.doc}  ``axis`` None folds everything."
    call.__name__ = call.__qualname__ = name
    return call


reduce_sum, reduce_mean = _reduction("reduce_sum"), _reduction("reduce_mean")
reduce_prod, reduce_max = _reduction("reduce_prod"), _reduction("reduce_max")
reduce_min, reduce_any = _reduction("reduce_min"), _reduction("reduce_any")
reduce_all = _reduction("reduce_all")


def reduce_variance(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Tensor:
    """Mean squared distance from the mean."""
    x = convert_to_tensor(input_tensor)
    mean = reduce_mean(x, axis, keepdims=True)
    return reduce_mean(ops.square(x - mean), axis, keepdims)  # type: ignore[operator]


def reduce_std(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Tensor:
    """Square root of the variance."""
    return ops.sqrt(reduce_variance(input_tensor, axis, keepdims))


def reduce_logsumexp(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Tensor:
    """log(sum(exp(x))), without overflow."""
    x = convert_to_tensor(input_tensor)
    top = ops.stop_gradient(reduce_max(x, axis, keepdims=True))
    top = ops.select(ops.is_finite(top), top, ops.zeros_like(top))
    total = ops.log(reduce_sum(ops.exp(x - top), axis, keepdims=True)) + top  # type: ignore[operator]
    if keepdims:
        return total
    return ops.reshape(total, shape=reduce_sum(x, axis).dims)


def argmax(input: Any, axis: Any = None, output_type: Any = dtypes.int64, name: str | None = None) -> Tensor:
    """Index of the first largest element along an axis (0 if none is given)."""
    return _place(ops.argmax, input, axis, output_type)


def argmin(input: Any, axis: Any = None, output_type: Any = dtypes.int64, name: str | None = None) -> Tensor:
    """Index of the first smallest element along an axis (0 if none is given)."""
    return _place(ops.argmin, input, axis, output_type)


def _place(op: Any, x: Any, axis: Any, output_type: Any) -> Tensor:
    at = 0 if axis is None else _axes(axis)
    return op(convert_to_tensor(x), axis=at, output_type=dtypes.as_dtype(output_type))


def cumsum(x: Any, axis: Any = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None) -> Tensor:
    """Running sum along an axis."""
    return ops.cumsum(convert_to_tensor(x), axis=_axes(axis), exclusive=exclusive, reverse=reverse)


def cumprod(x: Any, axis: Any = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None) -> Tensor:
    """Running product along an axis."""
    return ops.cumprod(convert_to_tensor(x), axis=_axes(axis), exclusive=exclusive, reverse=reverse)


class TopK(NamedTuple):
    """What `top_k` returns."""

    values: Tensor
    indices: Tensor


def top_k(input: Any, k: Any = 1, sorted: bool = True, index_type: Any = None, name: str | None = None) -> TopK:
    """The k largest elements of the last axis and their indices."""
    return TopK(*ops.top_k(convert_to_tensor(input), k=static_value(k)))


# --- clipping ---------------------------------------------------------------------------------------------


def clip_by_value(t: Any, clip_value_min: Any, clip_value_max: Any, name: str | None = None) -> Tensor:
    """Elements brought between two bounds."""
    x = convert_to_tensor(t)
    return ops.maximum(ops.minimum(x, clip_value_max), clip_value_min)


def clip_by_norm(t: Any, clip_norm: Any, axes: Any = None, name: str | None = None) -> Tensor:
    """Scaled so that the Euclidean norm is at most ``clip_norm``."""
    x = convert_to_tensor(t)
    squares = reduce_sum(ops.square(x), axes, keepdims=True)
    positive = ops.greater(squares, 0)
    norm = ops.select(positive, ops.sqrt(ops.select(positive, squares, ops.ones_like(squares))), squares)
    return x * clip_norm / ops.maximum(norm, clip_norm)  # type: ignore[operator]


def global_norm(t_list: Any, name: str | None = None) -> Tensor:
    """The Euclidean norm of all tensors together; None entries are left out."""
    listed = [convert_to_tensor(t) for t in t_list if t is not None]
    return ops.sqrt(add_n([reduce_sum(ops.square(t)) for t in listed]))


def clip_by_global_norm(t_list: Any, clip_norm: Any, use_norm: Any = None, name: str | None = None) -> Any:
    """Tensors scaled together so that their global norm is at most ``clip_norm``; and that norm."""
    norm = global_norm(t_list) if use_norm is None else convert_to_tensor(use_norm)
    bound = convert_to_tensor(clip_norm, dtype_hint=norm.dtype)
    scale = bound / ops.maximum(norm, bound)  # type: ignore[operator]
    scale = ops.select(ops.is_finite(norm), scale, scale * float("nan"))
    return [None if t is None else convert_to_tensor(t) * scale for t in t_list], norm
