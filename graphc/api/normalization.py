"""Normalisation, and the moments that it needs."""

from __future__ import annotations

from typing import Any

from graphc.api.arguments import known, known_axes, like
from graphc.api.reductions import reduce_mean, reduce_sum
from graphc.errors import InvalidArgumentError
from graphc.ir import dims, dtypes
from graphc.ops import ops
from graphc.trace.dispatch import convert_to_tensor
from graphc.trace.tensor import Tensor


def bias_add(
    value: Any, bias: Any, data_format: str | None = None, name: str | None = None
) -> Tensor:
    """Add a vector to the channels: the last axis, or the second for ``NC...``."""
    x: Any = convert_to_tensor(value)
    b: Any = like(bias, x)
    first = data_format is not None and data_format.startswith("NC") and len(x.dims) > 2
    at = 1 if first else -1
    if len(x.dims) < 2 or len(b.dims) != 1 or not dims.assume_equal(b.dims[0], x.dims[at]):
        raise InvalidArgumentError(
            f"bias_add: needs one bias for each channel (axis {at}), got a value of shape"
            f" {x.shape} and biases of shape {b.shape}"
        )
    if first:
        b = ops.reshape(b, shape=(*b.dims, *(1,) * (len(x.dims) - 2)))
    return x + b


def moments(
    x: Any, axes: Any, shift: Any = None, keepdims: bool = False, name: str | None = None
) -> tuple[Tensor, Tensor]:
    """Mean and variance along axes; float16 is computed in float32."""
    given: Any = convert_to_tensor(x)
    short = given.dtype.storage_only
    t = ops.cast(given, dtype=dtypes.float32) if short else given
    mean = reduce_mean(t, axes, keepdims=True)
    variance = reduce_mean(ops.squared_difference(t, ops.stop_gradient(mean)), axes, keepdims)
    mean = mean if keepdims else ops.reshape(mean, shape=variance.dims)
    if short:
        mean, variance = (ops.cast(v, dtype=given.dtype) for v in (mean, variance))
    return mean, variance


def batch_normalization(
    x: Any, mean: Any, variance: Any, offset: Any, scale: Any, variance_epsilon: Any,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """(x - mean) / sqrt(variance + epsilon) * scale + offset, in one multiplication and sum."""
    t: Any = convert_to_tensor(x, dtype_hint=dtypes.float32)
    factor: Any = ops.rsqrt(ops.add(like(variance, t), variance_epsilon))
    if scale is not None:
        factor = factor * like(scale, t)
    bias = -like(mean, t) * factor  # type: ignore[operator]
    return t * factor + (bias if offset is None else bias + like(offset, t))


def batch_norm_with_global_normalization(
    input: Any, mean: Any, variance: Any, beta: Any, gamma: Any, variance_epsilon: Any,
    scale_after_normalization: bool, name: str | None = None,
) -> Tensor:  # fmt: skip
    """`batch_normalization` with the arguments of TensorFlow's older function."""
    scale = gamma if scale_after_normalization else None
    return batch_normalization(input, mean, variance, beta, scale, variance_epsilon)


def local_response_normalization(
    input: Any, depth_radius: int = 5, bias: float = 1, alpha: float = 1, beta: float = 0.5,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """x / (bias + alpha * sum of squares of the nearest channels) ** beta.

    The channels, of [batch, height, width, channels], are those up to ``depth_radius`` apart.
    """
    x: Any = convert_to_tensor(input, dtype_hint=dtypes.float32)
    if len(x.dims) != 4:
        raise InvalidArgumentError(f"local_response_normalization: needs 4 axes, got {x.shape}")
    radius, channels = int(known(depth_radius, "depth_radius")), x.dims[-1]
    wide = ops.pad(ops.square(x), paddings=((0, 0), (0, 0), (0, 0), (radius, radius)), value=0)
    total: Any = 0
    for i in range(2 * radius + 1):
        total = total + ops.strided_slice(wide, index=(*(slice(None),) * 3, slice(i, channels + i)))
    return x * ops.pow(total * alpha + bias, -beta)


# --- statistics -----------------------------------------------------------------------------------


def weighted_moments(
    x: Any, axes: Any, frequency_weights: Any, keepdims: bool = False, name: str | None = None
) -> tuple[Tensor, Tensor]:
    """Mean and variance along axes, where elements count as often as their weights say."""
    given: Any = convert_to_tensor(x, dtype_hint=dtypes.float32)
    short = given.dtype.storage_only
    t: Any = ops.cast(given, dtype=dtypes.float32) if short else given
    w: Any = like(frequency_weights, given)
    w = ops.cast(w, dtype=t.dtype)
    w = w + ops.zeros_like(t)  # as many weights as elements
    total: Any = reduce_sum(w, axes, keepdims=True)
    mean: Any = reduce_sum(w * t, axes, keepdims=True) / total
    variance = reduce_sum(w * ops.squared_difference(t, mean), axes, keepdims=True) / total
    if not keepdims:
        dropped = known_axes(axes, len(t.dims))
        mean, variance = (ops.squeeze(v, axis=dropped) for v in (mean, variance))
    if short:
        mean, variance = (ops.cast(v, dtype=given.dtype) for v in (mean, variance))
    return mean, variance


def sufficient_statistics(
    x: Any, axes: Any, shift: Any = None, keepdims: bool = False, name: str | None = None
) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
    """Number of elements along axes, their sum and sum of squares, both less ``shift``; shift."""
    t: Any = convert_to_tensor(x, dtype_hint=dtypes.float32)
    count = dims.product(tuple(t.dims[a] for a in known_axes(axes, len(t.dims))))
    moved = None if shift is None else like(shift, t)
    if moved is None:
        sums, squares = t, ops.square(t)
    else:
        sums, squares = t - moved, ops.squared_difference(t, moved)
    return (
        ops.extent(size=count, dtype=t.dtype), reduce_sum(sums, axes, keepdims),
        reduce_sum(squares, axes, keepdims), moved,
    )  # fmt: skip


def normalize_moments(
    counts: Any, mean_ss: Any, variance_ss: Any, shift: Any, name: str | None = None
) -> tuple[Tensor, Tensor]:
    """Mean and variance from what `sufficient_statistics` gives."""
    total: Any = convert_to_tensor(mean_ss, dtype_hint=dtypes.float32)
    part: Any = ops.reciprocal(like(counts, total))
    moved = total * part
    mean = moved if shift is None else moved + like(shift, total)
    return mean, like(variance_ss, total) * part - ops.square(moved)  # type: ignore[operator]
