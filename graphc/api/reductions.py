"""Functions that fold axes: sums, extremes, statistics, norms, running and segment sums."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from graphc.api.arguments import known, known_axes, like
from graphc.api.elementwise import add_n
from graphc.api.shapes import meets
from graphc.ir import dims, dtypes
from graphc.ops import REGISTRY, ops
from graphc.ops.combinators import reduced_shape
from graphc.trace.dispatch import convert_to_tensor
from graphc.trace.tensor import Tensor

# --- sums, products, extremes ---------------------------------------------------------------------


def _reduction(name: str) -> Callable[..., Tensor]:
    op = REGISTRY[name]

    def call(
        input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None
    ) -> Tensor:
        x = convert_to_tensor(input_tensor)
        return op(x, axis=known_axes(axis, len(x.dims)), keepdims=bool(keepdims))

    call.__doc__ = (
        f"{op.doc}\n\n    ``axis`` is a number, several, or None for all; folded axes disappear,"
        " or keep size 1 with\n    ``keepdims``."
    )
    call.__name__, call.__qualname__ = name, name
    return call


reduce_sum, reduce_prod = _reduction("reduce_sum"), _reduction("reduce_prod")
reduce_max, reduce_min = _reduction("reduce_max"), _reduction("reduce_min")
reduce_any, reduce_all = _reduction("reduce_any"), _reduction("reduce_all")


def reduce_mean(
    input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None
) -> Tensor:
    """Mean over axes (None: all).  Integers give integers, rounded to zero, as in TensorFlow."""
    x = convert_to_tensor(input_tensor)
    axes = known_axes(axis, len(x.dims))
    if not x.dtype.is_integer:
        return ops.reduce_mean(x, axis=axes, keepdims=bool(keepdims))
    count = ops.extent(size=dims.product(tuple(x.dims[a] for a in axes)), dtype=x.dtype)
    return ops.truncatediv(reduce_sum(x, axes, keepdims), ops.maximum(count, 1))


def reduce_variance(
    input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None
) -> Tensor:
    """Mean squared distance from the mean."""
    x: Any = convert_to_tensor(input_tensor)
    distance = x - reduce_mean(x, axis, keepdims=True)
    if x.dtype.is_complex:
        return reduce_mean(ops.square(ops.abs(distance)), axis, keepdims)
    return reduce_mean(ops.square(distance), axis, keepdims)


def reduce_std(
    input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None
) -> Tensor:
    """Square root of the variance."""
    return ops.sqrt(reduce_variance(input_tensor, axis, keepdims))


def reduce_logsumexp(
    input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None
) -> Tensor:
    """log(sum(exp(x))), without overflow."""
    x: Any = convert_to_tensor(input_tensor)
    top = ops.stop_gradient(reduce_max(x, axis, keepdims=True))
    top = ops.select(ops.is_finite(top), top, ops.zeros_like(top))
    total = ops.log(reduce_sum(ops.exp(x - top), axis, keepdims=True)) + top
    if keepdims:
        return total
    axes = known_axes(axis, len(x.dims))
    return ops.reshape(total, shape=reduced_shape(x.dims, axes, keepdims=False))


def reduce_euclidean_norm(
    input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None
) -> Tensor:
    """Square root of the sum of squares; of integers it is truncated."""
    x = convert_to_tensor(input_tensor)
    total = reduce_sum(ops.square(ops.abs(x) if x.dtype.is_complex else x), axis, keepdims)
    if x.dtype.is_integer:
        total = ops.cast(total, dtype=dtypes.float64)
    root = ops.sqrt(total)
    return root if root.dtype is x.dtype else ops.cast(root, dtype=x.dtype)


def count_nonzero(
    input: Any, axis: Any = None, keepdims: bool = False, dtype: Any = dtypes.int64,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Number of elements that are not zero."""
    x = convert_to_tensor(input)
    nonzero = x if x.dtype.is_bool else ops.not_equal(x, "" if x.dtype is dtypes.string else 0)
    return reduce_sum(ops.cast(nonzero, dtype=dtypes.as_dtype(dtype)), axis, keepdims)


def zero_fraction(value: Any, name: str | None = None) -> Tensor:
    """The share of zeros, float32."""
    x = convert_to_tensor(value)
    return reduce_mean(ops.cast(ops.equal(x, ops.zeros_like(x)), dtype=dtypes.float32))


# --- places ---------------------------------------------------------------------------------------


def argmax(
    input: Any, axis: Any = None, output_type: Any = dtypes.int64, name: str | None = None
) -> Tensor:
    """Index of the first largest element along an axis (0 if none is given)."""
    return _place("argmax", input, axis, output_type)


def argmin(
    input: Any, axis: Any = None, output_type: Any = dtypes.int64, name: str | None = None
) -> Tensor:
    """Index of the first smallest element along an axis (0 if none is given)."""
    return _place("argmin", input, axis, output_type)


def _place(op: str, input: Any, axis: Any, output_type: Any) -> Tensor:
    x = convert_to_tensor(input)
    at = meets(x, 0 if axis is None else known(axis, "axis"))
    return getattr(ops, op)(x, axis=at, output_type=dtypes.as_dtype(output_type))


# --- running sums ---------------------------------------------------------------------------------


def _running(name: str) -> Callable[..., Tensor]:
    op = REGISTRY[name]

    def call(
        x: Any, axis: Any = 0, exclusive: bool = False, reverse: bool = False,
        name: str | None = None,
    ) -> Tensor:  # fmt: skip
        t = convert_to_tensor(x)
        at = meets(t, known(axis, "axis"))
        return op(t, axis=at, exclusive=bool(exclusive), reverse=bool(reverse))

    call.__doc__ = f"{op.doc}  ``exclusive`` leaves each element itself out."
    call.__name__, call.__qualname__ = name, name
    return call


cumsum, cumprod = _running("cumsum"), _running("cumprod")
cumulative_logsumexp = _running("cumulative_logsumexp")

# --- order ----------------------------------------------------------------------------------------


def is_non_decreasing(x: Any, name: str | None = None) -> Tensor:
    """Whether no element (of the flattened tensor) is smaller than the one before."""
    t = ops.reshape(convert_to_tensor(x), shape=(-1,))
    return reduce_all(ops.less_equal(t[:-1], t[1:]))  # type: ignore[index]


def is_strictly_increasing(x: Any, name: str | None = None) -> Tensor:
    """Whether each element (of the flattened tensor) is larger than the one before."""
    t = ops.reshape(convert_to_tensor(x), shape=(-1,))
    return reduce_all(ops.less(t[:-1], t[1:]))  # type: ignore[index]


# --- norms and clipping ---------------------------------------------------------------------------


def l2_normalize(
    x: Any, axis: Any = None, epsilon: float = 1e-12, name: str | None = None, dim: Any = None
) -> Tensor:
    """Divide by the Euclidean norm along axes; a norm below sqrt(epsilon) counts as that."""
    t: Any = convert_to_tensor(x)
    size = ops.abs(t) if t.dtype.is_complex else t
    squares = reduce_sum(ops.square(size), dim if axis is None else axis, keepdims=True)
    scale = ops.rsqrt(ops.maximum(squares, epsilon))
    return t * (ops.cast(scale, dtype=t.dtype) if t.dtype.is_complex else scale)


def global_norm(t_list: Sequence[Any], name: str | None = None) -> Tensor:
    """The Euclidean norm of all tensors together; None entries are left out."""
    squares = [reduce_sum(ops.square(convert_to_tensor(t))) for t in t_list if t is not None]
    return ops.sqrt(add_n(squares))


def clip_by_norm(t: Any, clip_norm: Any, axes: Any = None, name: str | None = None) -> Tensor:
    """Scale so that the Euclidean norm along axes is at most ``clip_norm``."""
    x: Any = convert_to_tensor(t)
    squares = reduce_sum(ops.square(x), axes, keepdims=True)
    positive = ops.greater(squares, 0)  # the gradient of sqrt is infinite at 0
    root = ops.sqrt(ops.select(positive, squares, ops.ones_like(squares)))
    norm = ops.select(positive, root, squares)
    return x * clip_norm / ops.maximum(norm, clip_norm)


def clip_by_global_norm(
    t_list: Sequence[Any], clip_norm: Any, use_norm: Any = None, name: str | None = None
) -> tuple[list[Any], Tensor]:
    """Scale tensors together so that their global norm is at most ``clip_norm``.

    Returns the list and the norm; a norm that is not finite makes every tensor NaN.
    """
    norm = global_norm(t_list) if use_norm is None else convert_to_tensor(use_norm)
    bound: Any = like(clip_norm, norm)
    scale = bound / ops.maximum(norm, bound) + (norm - norm)  # infinity - infinity is NaN
    return [None if t is None else ops.multiply(t, scale) for t in t_list], norm


def clip_by_average_norm(t: Any, clip_norm: Any, name: str | None = None) -> Tensor:
    """Scale so that the norm by the number of elements is at most ``clip_norm``."""
    x = convert_to_tensor(t)
    count = ops.extent(size=dims.product(x.dims), dtype=x.dtype)
    return clip_by_norm(x, ops.multiply(count, clip_norm))
