"""Convolutions, pooling, sizes and borders under the names of ``keras.backend``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import graphc as tf

__all__ = [
    "batch_dot", "conv1d", "conv2d", "conv2d_transpose", "conv3d", "depthwise_conv2d", "foldl",
    "foldr", "in_top_k", "map_fn", "moving_average_update", "name_scope", "pool2d", "pool3d",
    "random_normal_variable", "random_uniform_variable", "resize_images", "separable_conv2d",
    "spatial_2d_padding", "spatial_3d_padding", "temporal_padding",
]  # fmt: skip

name_scope = tf.name_scope
foldl, foldr, map_fn = tf.foldl, tf.foldr, tf.map_fn


def in_top_k(predictions: Any, targets: Any, k: int) -> Any:
    return tf.math.in_top_k(targets, predictions, k)


def _last(x: Any, data_format: str | None) -> Any:
    """With the channels as the last axis."""
    if data_format != "channels_first":
        return x
    return tf.transpose(x, [0, *range(2, x.shape.rank), 1])


def _back(x: Any, data_format: str | None) -> Any:
    if data_format != "channels_first":
        return x
    return tf.transpose(x, [0, x.shape.rank - 1, *range(1, x.shape.rank - 1)])


def _convolution(rank: int) -> Callable[..., Any]:
    def conv(
        x: Any, kernel: Any, strides: Any = 1, padding: str = "valid",
        data_format: str | None = None, dilation_rate: Any = 1,
    ) -> Any:  # fmt: skip
        """x [batch, *sizes, channels], kernel [*window, channels, outputs]."""
        y = tf.nn.convolution(
            _last(x, data_format), kernel, strides=_sizes(strides, rank), padding=padding.upper(),
            dilations=_sizes(dilation_rate, rank),
        )  # fmt: skip
        return _back(y, data_format)

    conv.__name__ = conv.__qualname__ = f"conv{rank}d"
    return conv


def _sizes(value: Any, rank: int) -> list[int]:
    return [value] * rank if isinstance(value, int) else list(value)


conv1d, conv2d, conv3d = map(_convolution, (1, 2, 3))


def conv2d_transpose(
    x: Any, kernel: Any, output_shape: Any, strides: Any = (1, 1), padding: str = "valid",
    data_format: str | None = None, dilation_rate: Any = (1, 1),
) -> Any:  # fmt: skip
    """kernel [height, width, outputs, channels]; ``output_shape`` with the batch."""
    shape = list(output_shape)
    if data_format == "channels_first":
        shape = [shape[0], *shape[2:], shape[1]]
    y = tf.nn.conv2d_transpose(
        _last(x, data_format), kernel, shape, _sizes(strides, 2), padding.upper(),
        dilations=_sizes(dilation_rate, 2),
    )  # fmt: skip
    return _back(y, data_format)


def depthwise_conv2d(
    x: Any, depthwise_kernel: Any, strides: Any = (1, 1), padding: str = "valid",
    data_format: str | None = None, dilation_rate: Any = (1, 1),
) -> Any:  # fmt: skip
    """depthwise_kernel [height, width, channels, multiplier]."""
    y = tf.nn.depthwise_conv2d(
        _last(x, data_format), depthwise_kernel, [1, *_sizes(strides, 2), 1], padding.upper(),
        dilations=_sizes(dilation_rate, 2),
    )  # fmt: skip
    return _back(y, data_format)


def separable_conv2d(
    x: Any, depthwise_kernel: Any, pointwise_kernel: Any, strides: Any = (1, 1),
    padding: str = "valid", data_format: str | None = None, dilation_rate: Any = (1, 1),
) -> Any:  # fmt: skip
    """A depthwise convolution, then one by a window of 1x1."""
    y = tf.nn.separable_conv2d(
        _last(x, data_format), depthwise_kernel, pointwise_kernel, [1, *_sizes(strides, 2), 1],
        padding.upper(), dilations=_sizes(dilation_rate, 2),
    )  # fmt: skip
    return _back(y, data_format)


def _pool(rank: int) -> Callable[..., Any]:
    def pool(
        x: Any, pool_size: Any, strides: Any = 1, padding: str = "valid",
        data_format: str | None = None, pool_mode: str = "max",
    ) -> Any:  # fmt: skip
        """The largest element ("max") or the mean ("avg") of each window."""
        kinds = {"max": "MAX", "avg": "AVG"}
        if pool_mode not in kinds:
            raise ValueError(f"Invalid pooling mode: {pool_mode}")
        y = tf.nn.pool(
            _last(x, data_format), _sizes(pool_size, rank), kinds[pool_mode],
            _sizes(strides, rank), padding.upper(),
        )  # fmt: skip
        return _back(y, data_format)

    pool.__name__ = pool.__qualname__ = f"pool{rank}d"
    return pool


pool2d, pool3d = map(_pool, (2, 3))


def resize_images(
    x: Any, height_factor: int, width_factor: int, data_format: str | None = None,
    interpolation: str = "nearest",
) -> Any:  # fmt: skip
    """Pictures that are whole times as high and wide."""
    y = _last(x, data_format)
    size = [tf.shape(y)[1] * height_factor, tf.shape(y)[2] * width_factor]
    return _back(tf.image.resize(y, tf.stack(size), interpolation), data_format)


def temporal_padding(x: Any, padding: Any = (1, 1)) -> Any:
    """Zeros before and after [batch, steps, features]."""
    return tf.pad(x, [[0, 0], list(padding), [0, 0]])


def spatial_2d_padding(
    x: Any, padding: Any = ((1, 1), (1, 1)), data_format: str | None = None
) -> Any:
    """Zeros around pictures."""
    y = tf.pad(_last(x, data_format), [[0, 0], *map(list, padding), [0, 0]])
    return _back(y, data_format)


spatial_3d_padding = spatial_2d_padding


def batch_dot(x: Any, y: Any, axes: Any = None) -> Any:
    """The product of each pair of samples over one axis each (by default the last of x and the last
    but one of y); vectors give [batch, 1]."""
    from graphc.keras.layers import Dot  # layers are made of the backend

    if axes is None:
        axes = (x.shape.rank - 1, max(y.shape.rank - 2, 1))
    return Dot(axes)([x, y])


def moving_average_update(x: tf.Variable, value: Any, momentum: float) -> tf.Variable:
    """x = momentum * x + (1 - momentum) * value"""
    return x.assign(x * momentum + value * (1.0 - momentum))


def random_normal_variable(
    shape: Any, mean: float, scale: float, dtype: Any = None, name: str | None = None,
    seed: int | None = None,
) -> tf.Variable:  # fmt: skip
    start = tf.random.normal(shape, mean, scale, tf.as_dtype(dtype or "float32"), seed)
    return tf.Variable(start, name=name)


def random_uniform_variable(
    shape: Any, low: float, high: float, dtype: Any = None, name: str | None = None,
    seed: int | None = None,
) -> tf.Variable:  # fmt: skip
    start = tf.random.uniform(shape, low, high, tf.as_dtype(dtype or "float32"), seed)
    return tf.Variable(start, name=name)
