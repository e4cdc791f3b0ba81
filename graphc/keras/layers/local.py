"""Convolutions whose kernel is another at each place."""

from __future__ import annotations

import math
from typing import Any

import graphc as tf
from graphc.keras.layers.convolution import _Conv
from graphc.keras.layers.geometry import spatial_axes


class _LocallyConnected(_Conv):
    """Weights: kernel [places, window * channels, filters], bias [*places' shape, filters]."""

    _fixed = ("groups", "dilation_rate")

    def __init__(
        self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid",
        data_format: str | None = None, activation: Any = None, use_bias: bool = True,
        implementation: int = 1, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            filters, kernel_size, strides, padding, data_format, 1, 1, activation, use_bias,
            **kwargs,
        )  # fmt: skip
        if self.padding != "valid":
            raise ValueError(
                "Invalid border mode for LocallyConnected layers (only `'valid'` is supported):"
                f" {padding}"
            )
        self.implementation = implementation

    def build(self, input_shape: Any) -> None:
        channels = self.channels(input_shape)
        sizes = [input_shape[a] for a in spatial_axes(self.data_format, self._rank)]
        if None in sizes:
            raise ValueError(
                "The spatial dimensions of the inputs to a LocallyConnected layer should be fully"
                f" defined. Received: {tuple(input_shape)}"
            )
        self._places = [
            (n - k) // s + 1 for n, k, s in zip(sizes, self.kernel_size, self.strides, strict=True)
        ]
        window = math.prod(self.kernel_size) * channels
        self.kernel = self.make("kernel", (math.prod(self._places), window, self.filters))
        self.bias = self.make("bias", (*self._places, self.filters)) if self.use_bias else None

    def call(self, inputs: Any) -> Any:
        first = self.data_format == "channels_first"
        x = tf.transpose(inputs, [0, *range(2, self._rank + 2), 1]) if first else inputs
        channels = x.shape[-1]
        geometry = zip(self._places, self.kernel_size, self.strides, strict=True)
        for i, (places, size, stride) in enumerate(geometry):
            at = tf.constant([[p * stride + k for k in range(size)] for p in range(places)])
            x = tf.gather(x, at, axis=1 + 2 * i)
        # [batch, p, k, q, l, channels] -> [batch, p, q, k, l, channels]
        rank = self._rank
        x = tf.transpose(x, [0, *range(1, 2 * rank, 2), *range(2, 2 * rank + 1, 2), 2 * rank + 1])
        window = math.prod(self.kernel_size) * channels
        x = tf.reshape(x, [-1, math.prod(self._places), window])
        y = tf.einsum("bpi,pif->bpf", x, tf.cast(self.kernel, x.dtype))
        y = tf.reshape(y, [-1, *self._places, self.filters])
        y = y if self.bias is None else y + self.bias
        y = tf.transpose(y, [0, rank + 1, *range(1, rank + 1)]) if first else y
        return self.activation(y)


class LocallyConnected1D(_LocallyConnected):
    """[batch, steps, channels] -> [batch, steps, filters], a kernel for each step"""

    _rank = 1


class LocallyConnected2D(_LocallyConnected):
    """[batch, height, width, channels] -> [batch, height, width, filters], each place its kernel"""

    _rank = 2
