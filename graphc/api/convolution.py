"""Convolution in one to three dimensions, its transposes, and the depthwise and separable forms."""

from __future__ import annotations

from functools import reduce
from typing import Any

from graphc.api.arguments import known_shape, like
from graphc.api.layouts import (
    as_given,
    channels_first,
    channels_last,
    deep_batch,
    flat_batch,
    padding_of,
    per_axis,
    rank_of,
)
from graphc.errors import InvalidArgumentError
from graphc.ir import dims
from graphc.ops import ops
from graphc.ops.window import windows
from graphc.trace.dispatch import convert_to_tensor
from graphc.trace.tensor import Tensor


def _geometry(
    who: str, rank: int, first: bool, strides: Any, padding: Any, dilations: Any
) -> dict[str, Any]:
    return {
        "strides": per_axis(who, "strides", 1 if strides is None else strides, rank, first),
        "dilations": per_axis(who, "dilations", 1 if dilations is None else dilations, rank, first),
        "padding": padding_of(who, padding, rank, first),
    }


def _groups(channels: Any, taken: Any) -> int:
    """How often the filters' channels go into the input's."""
    both = isinstance(channels, int) and isinstance(taken, int) and taken > 0
    return max(channels // taken, 1) if both and channels % taken == 0 else 1


def _convolve(
    who: str, x: Tensor, w: Tensor, strides: Any, padding: Any, data_format: str | None,
    dilations: Any,
) -> Tensor:  # fmt: skip
    rank = rank_of(who, len(w.dims))
    first = channels_first(who, data_format, rank)
    more = _geometry(who, rank, first, strides, padding, dilations)
    flat, lead = flat_batch(who, x, rank)
    flat = channels_last(flat, first)
    found = ops.conv(flat, w, groups=_groups(flat.dims[-1], w.dims[-2]), **more)
    return deep_batch(as_given(found, first), lead)


def convolution(
    input: Any, filters: Any, strides: Any = None, padding: Any = "VALID",
    data_format: str | None = None, dilations: Any = None, name: str | None = None,
) -> Tensor:  # fmt: skip
    """Slide filters [*kernel, channels, outputs] over the inner axes of [batch, *sizes, channels].

    ``padding`` is SAME, VALID or pairs of widths; ``data_format`` NC... has the channels first.
    Filters of fewer channels, channels / n, make n groups.
    """
    x = convert_to_tensor(input)
    w = like(filters, x)
    return _convolve("convolution", x, w, strides, padding, data_format, dilations)


def _of_rank(rank: int, who: str, x: Any, w: Any, *more: Any) -> Tensor:
    tensor = convert_to_tensor(x)
    filters = like(w, tensor)
    if len(filters.dims) != rank + 2:
        raise InvalidArgumentError(
            f"{who}: filters must have {rank + 2} axes, {rank} of them sizes, got shape"
            f" {filters.shape}"
        )
    return _convolve(who, tensor, filters, *more)


def conv1d(
    input: Any, filters: Any, stride: Any, padding: Any, data_format: str | None = "NWC",
    dilations: Any = None, name: str | None = None,
) -> Tensor:  # fmt: skip
    """Convolve [batch, width, channels] with filters [width, channels, outputs]."""
    return _of_rank(1, "conv1d", input, filters, stride, padding, data_format, dilations)


def conv2d(
    input: Any, filters: Any, strides: Any, padding: Any, data_format: str | None = "NHWC",
    dilations: Any = None, name: str | None = None,
) -> Tensor:  # fmt: skip
    """Convolve [batch, height, width, channels] with filters [height, width, channels, outputs].

    ``padding`` is SAME, VALID or a pair of widths for each axis.
    """
    return _of_rank(2, "conv2d", input, filters, strides, padding, data_format, dilations)


def conv3d(
    input: Any, filters: Any, strides: Any, padding: Any, data_format: str | None = "NDHWC",
    dilations: Any = None, name: str | None = None,
) -> Tensor:  # fmt: skip
    """Convolve [batch, depth, height, width, channels] with filters of as many sizes."""
    return _of_rank(3, "conv3d", input, filters, strides, padding, data_format, dilations)


def atrous_conv2d(
    value: Any, filters: Any, rate: Any, padding: Any, name: str | None = None
) -> Tensor:
    """Convolve with filters whose places are ``rate`` apart."""
    return _of_rank(2, "atrous_conv2d", value, filters, 1, padding, None, rate)


# --- transposed -----------------------------------------------------------------------------------


def conv_transpose(
    input: Any, filters: Any, output_shape: Any, strides: Any, padding: Any = "SAME",
    data_format: str | None = None, dilations: Any = None, name: str | None = None,
) -> Tensor:  # fmt: skip
    """The gradient of a convolution by its input, of shape ``output_shape``.

    ``filters`` are [*kernel, outputs, channels].
    """
    x = convert_to_tensor(input)
    w = like(filters, x)
    rank, who = rank_of("conv_transpose", len(w.dims)), "conv_transpose"
    first = channels_first(who, data_format, rank)
    more = _geometry(who, rank, first, strides, padding, dilations)
    flat = channels_last(x, first)
    size = known_shape(output_shape, "output_shape")
    if len(size) != rank + 2 or len(x.dims) != rank + 2:
        raise InvalidArgumentError(
            f"{who}: input and output_shape need {rank + 2} axes, got {x.shape} and {size}"
        )
    batch, *sizes, channels = (size[0], *size[2:], size[1]) if first else size
    groups = _groups(channels, w.dims[-2])
    found = ops.conv_by_input(flat, w, size=tuple(sizes), groups=groups, **more)
    wanted = (batch, *sizes, channels)
    if not all(map(dims.assume_equal, found.dims, wanted)):
        raise InvalidArgumentError(
            f"{who}: output_shape {size} does not fit filters {w.shape} over {x.shape}: batch"
            f" {found.dims[0]} and {found.dims[-1]} channels"
        )
    return as_given(found, first)


def conv1d_transpose(
    input: Any, filters: Any, output_shape: Any, strides: Any, padding: Any = "SAME",
    data_format: str | None = "NWC", dilations: Any = None, name: str | None = None,
) -> Tensor:  # fmt: skip
    """The gradient of `conv1d` by its input; filters are [width, outputs, channels]."""
    return conv_transpose(input, filters, output_shape, strides, padding, data_format, dilations)


def conv2d_transpose(
    input: Any, filters: Any, output_shape: Any, strides: Any, padding: Any = "SAME",
    data_format: str | None = "NHWC", dilations: Any = None, name: str | None = None,
) -> Tensor:  # fmt: skip
    """The gradient of `conv2d` by its input; filters are [height, width, outputs, channels]."""
    return conv_transpose(input, filters, output_shape, strides, padding, data_format, dilations)


def conv3d_transpose(
    input: Any, filters: Any, output_shape: Any, strides: Any, padding: Any = "SAME",
    data_format: str | None = "NDHWC", dilations: Any = None, name: str | None = None,
) -> Tensor:  # fmt: skip
    """The gradient of `conv3d` by its input; filters are [*kernel, outputs, channels]."""
    return conv_transpose(input, filters, output_shape, strides, padding, data_format, dilations)


def atrous_conv2d_transpose(
    value: Any, filters: Any, output_shape: Any, rate: Any, padding: Any, name: str | None = None
) -> Tensor:
    """The gradient of `atrous_conv2d` by its input."""
    return conv_transpose(value, filters, output_shape, 1, padding, "NHWC", rate)


# --- channel by channel ---------------------------------------------------------------------------


def _as_groups(w: Tensor) -> Tensor:
    """Filters [*kernel, channels, multiplier] as those of one group for each channel."""
    *kernel, channels, multiplier = w.dims
    return ops.reshape(w, shape=(*kernel, 1, channels * multiplier))


def _channels(who: str, shape: Any) -> Any:
    if len(shape) != 4:
        raise InvalidArgumentError(
            f"{who}: needs filters [height, width, channels, multiplier], got shape {tuple(shape)}"
        )
    return shape[2]


def depthwise_conv2d(
    input: Any, filter: Any, strides: Any, padding: Any, data_format: str | None = None,
    dilations: Any = None, name: str | None = None,
) -> Tensor:  # fmt: skip
    """Convolve each channel with filters of its own, [height, width, channels, multiplier].

    Channel c gives the outputs c * multiplier and following.
    """
    x, who = convert_to_tensor(input), "depthwise_conv2d"
    w = like(filter, x)
    groups = _channels(who, w.dims)
    first = channels_first(who, data_format, 2)
    flat, lead = flat_batch(who, x, 2)
    more = _geometry(who, 2, first, strides, padding, dilations)
    found = ops.conv(channels_last(flat, first), _as_groups(w), groups=groups, **more)
    return deep_batch(as_given(found, first), lead)


def separable_conv2d(
    input: Any, depthwise_filter: Any, pointwise_filter: Any, strides: Any, padding: Any,
    data_format: str | None = None, dilations: Any = None, name: str | None = None,
) -> Tensor:  # fmt: skip
    """`depthwise_conv2d`, then `conv2d` with filters [1, 1, channels * multiplier, outputs]."""
    found = depthwise_conv2d(input, depthwise_filter, strides, padding, data_format, dilations)
    w = like(pointwise_filter, found)
    if tuple(w.dims[:2]) != (1, 1):
        raise InvalidArgumentError(
            f"separable_conv2d: pointwise_filter is [1, 1, channels, outputs], got {w.shape}"
        )
    return _of_rank(2, "separable_conv2d", found, w, 1, "VALID", data_format, None)


def depthwise_conv2d_backprop_input(
    input_sizes: Any, filter: Any, out_backprop: Any, strides: Any, padding: Any,
    data_format: str = "NHWC", dilations: Any = (1, 1, 1, 1), name: str | None = None,
) -> Tensor:  # fmt: skip
    """The gradient of `depthwise_conv2d` by its input of shape ``input_sizes``."""
    g, who = convert_to_tensor(out_backprop), "depthwise_conv2d_backprop_input"
    w, first = like(filter, g), channels_first(who, data_format, 2)
    size = known_shape(input_sizes, "input_sizes")
    found = ops.conv_by_input(
        channels_last(g, first), _as_groups(w), size=size[2:] if first else size[1:-1],
        groups=_channels(who, w.dims), **_geometry(who, 2, first, strides, padding, dilations),
    )  # fmt: skip
    return as_given(found, first)


def depthwise_conv2d_backprop_filter(
    input: Any, filter_sizes: Any, out_backprop: Any, strides: Any, padding: Any,
    data_format: str = "NHWC", dilations: Any = (1, 1, 1, 1), name: str | None = None,
) -> Tensor:  # fmt: skip
    """The gradient of `depthwise_conv2d` by its filters of shape ``filter_sizes``."""
    x, who = convert_to_tensor(input), "depthwise_conv2d_backprop_filter"
    g, first = like(out_backprop, x), channels_first(who, data_format, 2)
    size = known_shape(filter_sizes, "filter_sizes")
    found = ops.conv_by_filters(
        channels_last(x, first), channels_last(g, first), size=size[:2],
        groups=_channels(who, size), **_geometry(who, 2, first, strides, padding, dilations),
    )  # fmt: skip
    return ops.reshape(found, shape=size)


# --- morphology -----------------------------------------------------------------------------------


def dilation2d(
    input: Any, filters: Any, strides: Any, padding: Any, data_format: str, dilations: Any,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """The largest sum of window and filters [height, width, channels], channel by channel."""
    x, who = convert_to_tensor(input), "dilation2d"
    w = like(filters, x)
    if len(x.dims) != 4 or len(w.dims) != 3 or not all(isinstance(d, int) for d in w.dims[:2]):
        raise InvalidArgumentError(
            f"{who}: needs [batch, height, width, channels] and filters [height, width, channels]"
            f" of known sizes, got shapes {x.shape} and {w.shape}"
        )
    if data_format != "NHWC":
        raise ValueError(f"{who}: data_format is NHWC, got {data_format!r}")
    more = _geometry(who, 2, False, strides, padding, dilations)
    laid = windows(who, x.dims[1:-1], w.dims[:2], **more)
    wide = ops.pad(x, paddings=((0, 0), *laid.widths, (0, 0)), value=x.dtype.min)
    taps = ops.reshape(w, shape=(laid.taps, w.dims[-1]))
    sums = [
        ops.add(ops.strided_slice(wide, index=at), ops.strided_slice(taps, index=(i,)))
        for i, at in enumerate(laid.tap_slices)
    ]
    return reduce(ops.maximum, sums)


def erosion2d(
    value: Any, filters: Any, strides: Any, padding: Any, data_format: str, dilations: Any,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """The smallest difference of window and reversed filters: `dilation2d` of the negative."""
    x: Any = convert_to_tensor(value)
    turned = ops.reverse(like(filters, x), axis=(0, 1))
    return -dilation2d(-x, turned, strides, padding, data_format, dilations)  # type: ignore[operator]
