"""Convolutions: windows of the inputs times kernels."""

from __future__ import annotations

from typing import Any

import graphc as tf
from graphc.keras.engine.input_spec import InputSpec
from graphc.keras.layers.geometry import (
    channel_axis,
    known_format,
    known_padding,
    per_axis,
    spatial_axes,
    tensorflow_format,
)
from graphc.keras.layers.weighted import Kernel, last_axis


class _Windows(Kernel):
    """What all kernels that go over the inputs share."""

    _rank: int
    _paddings: tuple[str, ...] = ("valid", "same")

    def __init__(
        self, kernel_size: Any, strides: Any = 1, padding: str = "valid",
        data_format: str | None = None, dilation_rate: Any = 1, activation: Any = None,
        use_bias: bool = True, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(activation, use_bias, **kwargs)
        self.kernel_size = per_axis(kernel_size, self._rank, "kernel_size")
        self.strides = per_axis(strides, self._rank, "strides")
        self.dilation_rate = per_axis(dilation_rate, self._rank, "dilation_rate")
        self.padding = known_padding(padding, self._paddings)
        self.data_format = known_format(data_format)
        self._format = tensorflow_format(self.data_format, self._rank)
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                f"`strides > 1` not supported in conjunction with `dilation_rate > 1`. Received:"
                f" strides={self.strides} and dilation_rate={self.dilation_rate}"
            )
        self.input_spec = InputSpec(ndim=self._rank + 2)

    def channels(self, input_shape: Any) -> int:
        axis = channel_axis(self.data_format)
        size = last_axis(input_shape, self, axis)
        self.input_spec = InputSpec(ndim=self._rank + 2, axes={axis: size})
        return size

    def padded(self, x: Any) -> tuple[Any, str]:
        """The inputs and tf.nn's padding; ``causal`` is zeros before the first step."""
        if self.padding != "causal":
            return x, self.padding.upper()
        before = self.dilation_rate[0] * (self.kernel_size[0] - 1)
        steps = spatial_axes(self.data_format, 1)[0]
        return tf.pad(x, [[before if i == steps else 0, 0] for i in range(3)]), "VALID"


class _Conv(_Windows):
    """activation(convolution(inputs, kernel) + bias)

    Weights: kernel [*kernel_size, channels / groups, filters], bias [filters].
    """

    def __init__(
        self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid",
        data_format: str | None = None, dilation_rate: Any = 1, groups: int = 1,
        activation: Any = None, use_bias: bool = True, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias,
            **kwargs,
        )  # fmt: skip
        if filters is None or filters <= 0:
            raise ValueError(
                "Invalid value for argument `filters`. Expected a strictly positive value."
                f" Received filters={filters}."
            )
        if groups <= 0 or filters % groups:
            raise ValueError(
                "The number of filters must be evenly divisible by the number of groups. Received:"
                f" groups={groups}, filters={filters}"
            )
        self.filters, self.groups = int(filters), groups

    def build(self, input_shape: Any) -> None:
        channels = self.channels(input_shape)
        if channels % self.groups:
            raise ValueError(
                "The number of input channels must be evenly divisible by the number of groups."
                f" Received groups={self.groups}, but the input has {channels} channels (full input"
                f" shape is {tuple(input_shape)})."
            )
        shape = (*self.kernel_size, channels // self.groups, self.filters)
        self.kernel = self.make("kernel", shape)
        self.bias = self.make("bias", (self.filters,)) if self.use_bias else None

    def call(self, inputs: Any) -> Any:
        x, padding = self.padded(inputs)
        kernel = tf.cast(self.kernel, x.dtype)
        strides, dilations = list(self.strides), list(self.dilation_rate)
        x = tf.nn.convolution(x, kernel, strides, padding, self._format, dilations)
        return self.finish(x, self._format)


class Conv1D(_Conv):
    """[batch, steps, channels] -> [batch, steps, filters]; ``padding`` may be ``"causal"``."""

    _rank = 1
    _paddings = ("valid", "same", "causal")


class Conv2D(_Conv):
    """[batch, height, width, channels] -> [batch, height, width, filters]"""

    _rank = 2


class Conv3D(_Conv):
    """[batch, depth, height, width, channels] -> [batch, depth, height, width, filters]"""

    _rank = 3


# --- channel by channel ---------------------------------------------------------------------------


def _flat(x: Any, data_format: str) -> Any:
    """Steps as an image of one row."""
    return tf.expand_dims(x, 2 if data_format == "channels_first" else 1)


def _depthwise(layer: Any, inputs: Any, kernel: Any) -> Any:
    x, padding = layer.padded(inputs)
    kernel, strides, dilations = tf.cast(kernel, x.dtype), layer.strides, layer.dilation_rate
    image = tensorflow_format(layer.data_format, 2)
    first = layer.data_format == "channels_first"
    if layer._rank == 1:
        x, kernel = _flat(x, layer.data_format), tf.expand_dims(kernel, 0)
        strides, dilations = strides * 2, (1, *dilations)
    full = (1, 1, *strides) if first else (1, *strides, 1)
    y = tf.nn.depthwise_conv2d(x, kernel, full, padding, image, list(dilations))
    return tf.squeeze(y, 2 if first else 1) if layer._rank == 1 else y


class _DepthwiseConv(_Windows):
    """Each channel with ``depth_multiplier`` kernels of its own.

    Weights: depthwise_kernel [*kernel_size, channels, depth_multiplier], bias.
    """

    _weights = {"depthwise": "glorot_uniform", "bias": "zeros"}

    def __init__(
        self, kernel_size: Any, strides: Any = 1, padding: str = "valid",
        depth_multiplier: int = 1, data_format: str | None = None, dilation_rate: Any = 1,
        activation: Any = None, use_bias: bool = True, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias,
            **kwargs,
        )  # fmt: skip
        self.depth_multiplier = depth_multiplier

    def build(self, input_shape: Any) -> None:
        channels = self.channels(input_shape)
        shape = (*self.kernel_size, channels, self.depth_multiplier)
        self.depthwise_kernel = self.make("depthwise", shape, "depthwise_kernel")
        outputs = channels * self.depth_multiplier
        self.bias = self.make("bias", (outputs,)) if self.use_bias else None

    def call(self, inputs: Any) -> Any:
        return self.finish(_depthwise(self, inputs, self.depthwise_kernel), self._format)


class DepthwiseConv1D(_DepthwiseConv):
    """[batch, steps, channels] -> [batch, steps, channels * depth_multiplier]"""

    _rank = 1


class DepthwiseConv2D(_DepthwiseConv):
    """[batch, height, width, channels] -> [batch, height, width, channels * depth_multiplier]"""

    _rank = 2


class _SeparableConv(_Conv):
    """A convolution of each channel, then one of width 1 over all (Chollet, 2016).

    Weights: depthwise_kernel [*kernel_size, channels, depth_multiplier], pointwise_kernel
    [1, ..., channels * depth_multiplier, filters], bias [filters].
    """

    _weights = {"depthwise": "glorot_uniform", "pointwise": "glorot_uniform", "bias": "zeros"}
    _fixed = ("groups",)

    def __init__(
        self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid",
        data_format: str | None = None, dilation_rate: Any = 1, depth_multiplier: int = 1,
        activation: Any = None, use_bias: bool = True, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            filters, kernel_size, strides, padding, data_format, dilation_rate, 1, activation,
            use_bias, **kwargs,
        )  # fmt: skip
        self.depth_multiplier = depth_multiplier

    def build(self, input_shape: Any) -> None:
        channels = self.channels(input_shape)
        shape = (*self.kernel_size, channels, self.depth_multiplier)
        self.depthwise_kernel = self.make("depthwise", shape, "depthwise_kernel")
        shape = (*(1,) * self._rank, channels * self.depth_multiplier, self.filters)
        self.pointwise_kernel = self.make("pointwise", shape, "pointwise_kernel")
        self.bias = self.make("bias", (self.filters,)) if self.use_bias else None

    def call(self, inputs: Any) -> Any:
        x = _depthwise(self, inputs, self.depthwise_kernel)
        kernel = tf.cast(self.pointwise_kernel, x.dtype)
        x = tf.nn.convolution(x, kernel, [1] * self._rank, "VALID", self._format)
        return self.finish(x, self._format)


class SeparableConv1D(_SeparableConv):
    """[batch, steps, channels] -> [batch, steps, filters]"""

    _rank = 1
    _paddings = ("valid", "same", "causal")


class SeparableConv2D(_SeparableConv):
    """[batch, height, width, channels] -> [batch, height, width, filters]"""

    _rank = 2


# --- transposed -----------------------------------------------------------------------------------


class _ConvTranspose(_Conv):
    """The gradient of a convolution as a layer: it makes larger what a stride makes smaller.

    Weights: kernel [*kernel_size, filters, channels], bias [filters].
    """

    _fixed = ("groups",)

    def __init__(
        self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid",
        output_padding: Any = None, data_format: str | None = None, dilation_rate: Any = 1,
        activation: Any = None, use_bias: bool = True, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            filters, kernel_size, strides, padding, data_format, dilation_rate, 1, activation,
            use_bias, **kwargs,
        )  # fmt: skip
        given = output_padding is not None
        self.output_padding = (
            per_axis(output_padding, self._rank, "output_padding", 0) if given else None
        )
        if given and any(o >= s for o, s in zip(self.output_padding, self.strides)):  # noqa: B905
            raise ValueError(
                "Strides must be greater than output padding. Received:"
                f" strides={self.strides}, output_padding={self.output_padding}."
            )

    def build(self, input_shape: Any) -> None:
        channels = self.channels(input_shape)
        self.kernel = self.make("kernel", (*self.kernel_size, self.filters, channels))
        self.bias = self.make("bias", (self.filters,)) if self.use_bias else None

    def _size(self, i: int, size: Any) -> Any:
        """What axis i becomes."""
        kernel = (self.kernel_size[i] - 1) * self.dilation_rate[i] + 1
        stride = self.strides[i]
        if self.output_padding is None:
            return size * stride + (max(kernel - stride, 0) if self.padding == "valid" else 0)
        pad = kernel // 2 if self.padding == "same" else 0
        return (size - 1) * stride + kernel - 2 * pad + self.output_padding[i]

    def call(self, inputs: Any) -> Any:
        shape, now = list(inputs.shape), tf.shape(inputs)
        sizes = [now[i] if n is None else n for i, n in enumerate(shape)]
        axes = spatial_axes(self.data_format, self._rank)
        for i, axis in enumerate(axes):
            sizes[axis] = self._size(i, sizes[axis])
        sizes[channel_axis(self.data_format)] = self.filters
        x = tf.nn.conv_transpose(
            inputs, tf.cast(self.kernel, inputs.dtype), sizes, list(self.strides),
            self.padding.upper(), self._format, list(self.dilation_rate),
        )  # fmt: skip
        return self.finish(x, self._format)


class Conv1DTranspose(_ConvTranspose):
    """[batch, steps, channels] -> [batch, steps * strides, filters]"""

    _rank = 1


class Conv2DTranspose(_ConvTranspose):
    """[batch, height, width, channels] -> [batch, height * strides, width * strides, filters]"""

    _rank = 2


class Conv3DTranspose(_ConvTranspose):
    """`Conv2DTranspose` for volumes."""

    _rank = 3
