"""Pooling in one to three dimensions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from graphc.api.layouts import (
    as_given,
    channels_first,
    channels_last,
    padding_of,
    per_axis,
    rank_of,
)
from graphc.errors import InvalidArgumentError
from graphc.ir import dims, dtypes
from graphc.ops import OpDef, ops
from graphc.trace.dispatch import convert_to_tensor
from graphc.trace.tensor import Tensor


def _pool(
    who: str, op: Callable[..., Any] | OpDef, x: Any, ksize: Any, strides: Any, padding: Any,
    data_format: str | None, rank: int | None = None, dilations: Any = 1,
) -> Tensor:  # fmt: skip
    t = convert_to_tensor(x)
    inner = rank_of(who, len(t.dims), data_format) if rank is None else rank
    if len(t.dims) != inner + 2:
        raise InvalidArgumentError(f"{who}: input must have {inner + 2} axes, got shape {t.shape}")
    first = channels_first(who, data_format, inner)
    found = op(
        channels_last(t, first), window=per_axis(who, "ksize", ksize, inner, first),
        strides=per_axis(who, "strides", strides, inner, first),
        dilations=per_axis(who, "dilations", dilations, inner, first),
        padding=padding_of(who, padding, inner, first),
    )  # fmt: skip
    return as_given(found, first)


def max_pool(
    input: Any, ksize: Any, strides: Any, padding: Any, data_format: str | None = None,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """The largest element of each window over the inner axes of [batch, *sizes, channels].

    ``padding`` is SAME, VALID or pairs of widths; ``data_format`` NC... has the channels first.
    """
    return _pool("max_pool", ops.max_pool, input, ksize, strides, padding, data_format)


def max_pool1d(
    input: Any, ksize: Any, strides: Any, padding: Any, data_format: str | None = "NWC",
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """The largest element of each window over [batch, width, channels]."""
    return _pool("max_pool1d", ops.max_pool, input, ksize, strides, padding, data_format, 1)


def max_pool2d(
    input: Any, ksize: Any, strides: Any, padding: Any, data_format: str | None = "NHWC",
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """The largest element of each window over [batch, height, width, channels]."""
    return _pool("max_pool2d", ops.max_pool, input, ksize, strides, padding, data_format, 2)


def max_pool3d(
    input: Any, ksize: Any, strides: Any, padding: Any, data_format: str | None = "NDHWC",
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """The largest element of each window over [batch, depth, height, width, channels]."""
    return _pool("max_pool3d", ops.max_pool, input, ksize, strides, padding, data_format, 3)


def avg_pool(
    input: Any, ksize: Any, strides: Any, padding: Any, data_format: str | None = None,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """The mean of each window over the inner axes; what lies outside is not counted."""
    return _pool("avg_pool", ops.avg_pool, input, ksize, strides, padding, data_format)


def avg_pool1d(
    input: Any, ksize: Any, strides: Any, padding: Any, data_format: str | None = "NWC",
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """The mean of each window over [batch, width, channels]."""
    return _pool("avg_pool1d", ops.avg_pool, input, ksize, strides, padding, data_format, 1)


def avg_pool2d(
    input: Any, ksize: Any, strides: Any, padding: Any, data_format: str | None = "NHWC",
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """The mean of each window over [batch, height, width, channels]."""
    return _pool("avg_pool2d", ops.avg_pool, input, ksize, strides, padding, data_format, 2)


def avg_pool3d(
    input: Any, ksize: Any, strides: Any, padding: Any, data_format: str | None = "NDHWC",
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """The mean of each window over [batch, depth, height, width, channels]."""
    return _pool("avg_pool3d", ops.avg_pool, input, ksize, strides, padding, data_format, 3)


def pool(
    input: Any, window_shape: Any, pooling_type: str, strides: Any = None, padding: Any = "VALID",
    data_format: str | None = None, dilations: Any = None, name: str | None = None,
) -> Tensor:  # fmt: skip
    """Pool by ``pooling_type`` MAX or AVG; the places of a window are ``dilations`` apart."""
    kinds = {"MAX": ops.max_pool, "AVG": ops.avg_pool}
    if pooling_type not in kinds:
        raise ValueError(f"pool: pooling_type is MAX or AVG, got {pooling_type!r}")
    return _pool(
        "pool", kinds[pooling_type], input, window_shape, 1 if strides is None else strides,
        padding, data_format, dilations=1 if dilations is None else dilations,
    )  # fmt: skip


class MaxPoolWithArgmax(NamedTuple):
    """What `max_pool_with_argmax` returns."""

    output: Tensor
    argmax: Tensor


def max_pool_with_argmax(
    input: Any, ksize: Any, strides: Any, padding: Any, data_format: str = "NHWC",
    output_dtype: Any = dtypes.int64, include_batch_in_index: bool = False,
    name: str | None = None,
) -> MaxPoolWithArgmax:  # fmt: skip
    """The largest element of each window, and its index in the flattened image (or batch)."""
    x = convert_to_tensor(input)
    who, kind = "max_pool_with_argmax", dtypes.as_dtype(output_dtype)
    if data_format != "NHWC":
        raise ValueError(f"{who}: data_format is NHWC, got {data_format!r}")

    def places(t: Any, **more: Any) -> Tensor:
        size = dims.product(t.dims if include_batch_in_index else t.dims[1:])
        shape = t.dims if include_batch_in_index else (1, *t.dims[1:])
        numbers = ops.reshape(ops.iota(size=size, dtype=kind), shape=shape)
        return ops.max_pool_pick(t, ops.broadcast_to(numbers, shape=t.dims), **more)

    output = _pool(who, ops.max_pool, x, ksize, strides, padding, None, 2)
    return MaxPoolWithArgmax(output, _pool(who, places, x, ksize, strides, padding, None, 2))
