"""The largest or the mean of windows, or of everything."""

from __future__ import annotations

from typing import Any

import graphc as tf
from graphc.keras.engine.base_layer import Layer
from graphc.keras.engine.input_spec import InputSpec
from graphc.keras.layers.geometry import (
    known_format,
    known_padding,
    per_axis,
    spatial_axes,
    tensorflow_format,
)


class _Pooling(Layer):
    _rank: int
    _pool: Any

    def __init__(
        self, pool_size: Any = 2, strides: Any = None, padding: str = "valid",
        data_format: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.pool_size = per_axis(pool_size, self._rank, "pool_size")
        self.strides = per_axis(
            self.pool_size if strides is None else strides, self._rank, "strides"
        )
        self.padding, self.data_format = known_padding(padding), known_format(data_format)
        self.input_spec = InputSpec(ndim=self._rank + 2)

    def call(self, inputs: Any) -> Any:
        form = tensorflow_format(self.data_format, self._rank)
        sizes, strides = list(self.pool_size), list(self.strides)
        return type(self)._pool(inputs, sizes, strides, self.padding.upper(), form)


class MaxPooling1D(_Pooling):
    """The largest of windows of steps."""

    _rank, _pool = 1, staticmethod(tf.nn.max_pool1d)


class MaxPooling2D(_Pooling):
    """The largest of windows of images."""

    _rank, _pool = 2, staticmethod(tf.nn.max_pool2d)


class MaxPooling3D(_Pooling):
    """The largest of windows of volumes."""

    _rank, _pool = 3, staticmethod(tf.nn.max_pool3d)


class AveragePooling1D(_Pooling):
    """The mean of windows of steps; what is padded does not count."""

    _rank, _pool = 1, staticmethod(tf.nn.avg_pool1d)


class AveragePooling2D(_Pooling):
    """The mean of windows of images; what is padded does not count."""

    _rank, _pool = 2, staticmethod(tf.nn.avg_pool2d)


class AveragePooling3D(_Pooling):
    """The mean of windows of volumes; what is padded does not count."""

    _rank, _pool = 3, staticmethod(tf.nn.avg_pool3d)


# --- of everything --------------------------------------------------------------------------------


class _GlobalPooling(Layer):
    """[batch, ..., channels] -> [batch, channels], with ``keepdims`` [batch, 1, ..., channels]"""

    _rank: int
    _reduce: Any

    def __init__(
        self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.data_format, self.keepdims = known_format(data_format), keepdims
        self.input_spec = InputSpec(ndim=self._rank + 2)

    def call(self, inputs: Any) -> Any:
        axes = list(spatial_axes(self.data_format, self._rank))
        return type(self)._reduce(inputs, axis=axes, keepdims=self.keepdims)


class GlobalMaxPooling1D(_GlobalPooling):
    """The largest of all steps."""

    _rank, _reduce = 1, staticmethod(tf.reduce_max)


class GlobalMaxPooling2D(_GlobalPooling):
    """The largest of all pixels."""

    _rank, _reduce = 2, staticmethod(tf.reduce_max)


class GlobalMaxPooling3D(_GlobalPooling):
    """The largest of all voxels."""

    _rank, _reduce = 3, staticmethod(tf.reduce_max)


class GlobalAveragePooling1D(_GlobalPooling):
    """The mean of all steps, or of those that ``mask`` keeps."""

    _rank, _reduce = 1, staticmethod(tf.reduce_mean)
    supports_masking = True

    def call(self, inputs: Any, mask: Any = None) -> Any:
        if mask is None:
            return super().call(inputs)
        steps = 1 if self.data_format == "channels_last" else 2
        kept = tf.expand_dims(tf.cast(mask, inputs.dtype), 3 - steps)
        total = tf.reduce_sum(inputs * kept, axis=steps, keepdims=self.keepdims)
        return total / tf.reduce_sum(kept, axis=steps, keepdims=self.keepdims)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return None


class GlobalAveragePooling2D(_GlobalPooling):
    """The mean of all pixels."""

    _rank, _reduce = 2, staticmethod(tf.reduce_mean)


class GlobalAveragePooling3D(_GlobalPooling):
    """The mean of all voxels."""

    _rank, _reduce = 3, staticmethod(tf.reduce_mean)
