"""``tf.compat.v1.layers``: the functions of TensorFlow 1 that make a layer and call it."""

from __future__ import annotations

from typing import Any

import graphc as tf
from graphc.compat.v1 import variables


def _scope(name: str | None, default: str, reuse: Any) -> Any:
    return variables.variable_scope(name, default, reuse=reuse)


def _weights(shape: Any, dtype: Any, use_bias: bool, kernel: Any, bias: Any, regularizer: Any,
             trainable: bool) -> tuple[Any, Any]:  # fmt: skip
    get = variables.get_variable
    w = get("kernel", shape, dtype, kernel, regularizer, trainable)
    if not use_bias:
        return w, None
    return w, get("bias", shape[-1:], dtype, bias or tf.zeros_initializer(), None, trainable)


def dense(
    inputs: Any, units: int, activation: Any = None, use_bias: bool = True,
    kernel_initializer: Any = None, bias_initializer: Any = None, kernel_regularizer: Any = None,
    trainable: bool = True, name: str | None = None, reuse: Any = None,
) -> Any:  # fmt: skip
    """``activation(inputs @ kernel + bias)`` over the last axis."""
    x = tf.convert_to_tensor(inputs)
    with _scope(name, "dense", reuse):
        w, b = _weights([x.shape[-1], units], x.dtype, use_bias, kernel_initializer,
                        bias_initializer, kernel_regularizer, trainable)  # fmt: skip
    y = tf.matmul(x, w) if x.ndim == 2 else tf.tensordot(x, w, [[x.ndim - 1], [0]])
    y = y if b is None else y + b
    return y if activation is None else activation(y)


def conv2d(
    inputs: Any, filters: int, kernel_size: Any, strides: Any = (1, 1), padding: str = "valid",
    data_format: str = "channels_last", dilation_rate: Any = (1, 1), activation: Any = None,
    use_bias: bool = True, kernel_initializer: Any = None, bias_initializer: Any = None,
    kernel_regularizer: Any = None, trainable: bool = True, name: str | None = None,
    reuse: Any = None,
) -> Any:  # fmt: skip
    """A convolution of images [n, height, width, channels]."""
    x = tf.convert_to_tensor(inputs)
    if data_format != "channels_last":
        raise ValueError(f"layers.conv2d: data_format is 'channels_last', got {data_format!r}")
    size = [kernel_size] * 2 if isinstance(kernel_size, int) else list(kernel_size)
    with _scope(name, "conv2d", reuse):
        w, b = _weights([*size, x.shape[-1], filters], x.dtype, use_bias, kernel_initializer,
                        bias_initializer, kernel_regularizer, trainable)  # fmt: skip
    y = tf.nn.conv2d(x, w, strides, padding.upper(), dilations=dilation_rate)
    y = y if b is None else y + b
    return y if activation is None else activation(y)


def max_pooling2d(
    inputs: Any, pool_size: Any, strides: Any, padding: str = "valid",
    data_format: str = "channels_last", name: str | None = None,
) -> Any:  # fmt: skip
    return tf.nn.max_pool2d(inputs, pool_size, strides, padding.upper())


def average_pooling2d(
    inputs: Any, pool_size: Any, strides: Any, padding: str = "valid",
    data_format: str = "channels_last", name: str | None = None,
) -> Any:  # fmt: skip
    return tf.nn.avg_pool2d(inputs, pool_size, strides, padding.upper())


def flatten(inputs: Any, name: str | None = None, data_format: str = "channels_last") -> Any:
    """All axes but the first as one."""
    x = tf.convert_to_tensor(inputs)
    sizes = x.shape.as_list()[1:]
    width = -1
    if None not in sizes:
        width = 1
        for s in sizes:
            width *= s
    return tf.reshape(x, [tf.shape(x)[0], width])


def dropout(
    inputs: Any, rate: float = 0.5, noise_shape: Any = None, seed: Any = None,
    training: Any = False, name: str | None = None,
) -> Any:  # fmt: skip
    """In training, zeros at random and the rest scaled up; ``training`` may be a tensor."""
    x = tf.convert_to_tensor(inputs)
    if isinstance(training, bool | int):
        return tf.nn.dropout(x, rate, noise_shape, seed) if training else x
    return tf.cond(training, lambda: tf.nn.dropout(x, rate, noise_shape, seed), lambda: x)
