"""The operations of ``keras.backend``: graphc's under Keras's names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import graphc as tf
from graphc.keras.backend.settings import epsilon, floatx, learning_phase

# --- those that differ in name only ---------------------------------------------------------------

abs, all, any = tf.abs, tf.reduce_all, tf.reduce_any
argmax, argmin = tf.argmax, tf.argmin
cos, sin, tanh, sigmoid = tf.cos, tf.sin, tf.tanh, tf.sigmoid
cumprod, cumsum = tf.math.cumprod, tf.cumsum
exp, log, sqrt, square, pow, round, sign = (
    tf.exp, tf.math.log, tf.sqrt, tf.square, tf.pow, tf.round, tf.sign,
)  # fmt: skip
equal, not_equal, greater, greater_equal, less, less_equal = (
    tf.equal, tf.not_equal, tf.greater, tf.greater_equal, tf.less, tf.less_equal,
)  # fmt: skip
max, min, maximum, minimum = tf.reduce_max, tf.reduce_min, tf.maximum, tf.minimum
prod, sum, logsumexp = tf.reduce_prod, tf.reduce_sum, tf.reduce_logsumexp
eye, ones_like, zeros_like, one_hot = tf.eye, tf.ones_like, tf.zeros_like, tf.one_hot
expand_dims, gather, reshape, reverse, shape = (
    tf.expand_dims, tf.gather, tf.reshape, tf.reverse, tf.shape,
)  # fmt: skip
squeeze, stack, stop_gradient, tile = tf.squeeze, tf.stack, tf.stop_gradient, tf.tile
transpose, permute_dimensions = tf.transpose, tf.transpose
softplus, softsign = tf.nn.softplus, tf.nn.softsign
cast = tf.cast


# --- values and what they are ---------------------------------------------------------------------


def get_value(x: Any) -> Any:
    """A Variable's or tensor's value as numpy has it."""
    return x.numpy() if hasattr(x, "numpy") else x


def set_value(x: tf.Variable, value: Any) -> None:
    x.assign(tf.cast(value, x.dtype))


def batch_get_value(tensors: Any) -> list[Any]:
    return [get_value(x) for x in tensors]


def batch_set_value(tuples: Any) -> None:
    for variable, value in tuples:
        set_value(variable, value)


eval = get_value


def update(x: tf.Variable, new_x: Any) -> Any:
    return x.assign(new_x)


def update_add(x: tf.Variable, increment: Any) -> Any:
    return x.assign_add(increment)


def update_sub(x: tf.Variable, decrement: Any) -> Any:
    return x.assign_sub(decrement)


def int_shape(x: Any) -> tuple[int | None, ...] | None:
    """The shape, None for sizes that are not known."""
    return tuple(x.shape) if hasattr(x, "shape") else None


def ndim(x: Any) -> int:
    return len(x.shape)


def dtype(x: Any) -> str:
    return x.dtype.name


def is_keras_tensor(x: Any) -> bool:
    """Whether it is a symbolic tensor of a functional model."""
    return hasattr(type(x), "__keras_tensor__")


def count_params(x: Any) -> int:
    return int(np.prod(x.shape))


def cast_to_floatx(x: Any) -> Any:
    if tf.is_tensor(x) or isinstance(x, tf.Variable):
        return tf.cast(x, floatx())
    return np.asarray(x, dtype=floatx())


# --- making tensors -------------------------------------------------------------------------------


def constant(value: Any, dtype: Any = None, shape: Any = None, name: str | None = None) -> Any:
    return tf.constant(value, dtype or floatx(), shape)


def variable(value: Any, dtype: Any = None, name: str | None = None, constraint: Any = None) -> Any:
    return tf.Variable(value, dtype=dtype or floatx(), name=name, constraint=constraint)


def zeros(shape: Any, dtype: Any = None, name: str | None = None) -> tf.Variable:
    return variable(tf.zeros(shape, dtype or floatx()), dtype, name)


def ones(shape: Any, dtype: Any = None, name: str | None = None) -> tf.Variable:
    return variable(tf.ones(shape, dtype or floatx()), dtype, name)


def arange(start: int, stop: int | None = None, step: int = 1, dtype: Any = "int32") -> Any:
    first, last = (0, start) if stop is None else (start, stop)
    return tf.cast(tf.range(first, last, step), dtype)


def random_normal(
    shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None
) -> Any:
    return tf.random.normal(shape, mean, stddev, dtype or floatx(), seed)


def random_uniform(
    shape: Any, minval: float = 0.0, maxval: float = 1.0, dtype: Any = None, seed: Any = None
) -> Any:
    return tf.random.uniform(shape, minval, maxval, dtype or floatx(), seed)


def truncated_normal(
    shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None
) -> Any:
    return tf.random.truncated_normal(shape, mean, stddev, dtype or floatx(), seed)


def random_bernoulli(shape: Any, p: float = 0.0, dtype: Any = None, seed: Any = None) -> Any:
    """1 with probability p."""
    return tf.cast(random_uniform(shape, seed=seed) <= p, dtype or floatx())


# --- what numpy does otherwise --------------------------------------------------------------------


def mean(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The mean; of truth values, how many are true."""
    x = tf.convert_to_tensor(x)
    return tf.reduce_mean(tf.cast(x, floatx()) if x.dtype.is_bool else x, axis, keepdims)


def var(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return tf.math.reduce_variance(x, axis, keepdims)


def std(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return tf.math.reduce_std(x, axis, keepdims)


def clip(x: Any, min_value: Any = None, max_value: Any = None) -> Any:
    low = -np.inf if min_value is None else min_value
    high = np.inf if max_value is None else max_value
    return tf.clip_by_value(x, low, np.maximum(low, high) if np.isscalar(high) else high)


def concatenate(tensors: Any, axis: int = -1) -> Any:
    return tf.concat(tensors, axis)


def flatten(x: Any) -> Any:
    """All elements in one row."""
    return tf.reshape(x, [-1])


def batch_flatten(x: Any) -> Any:
    """A matrix with one row for each element of the batch."""
    return tf.reshape(x, [-1, int(np.prod(x.shape[1:]))])


def dot(x: Any, y: Any) -> Any:
    """The last axis of x with the last but one of y: [a, b, c], [d, c, e] -> [a, b, d, e]"""
    if len(x.shape) <= 2 and len(y.shape) == 2:
        return tf.matmul(x, y)
    return tf.tensordot(x, y, [[len(x.shape) - 1], [len(y.shape) - 2 if len(y.shape) > 1 else 0]])


def repeat(x: Any, n: int) -> Any:
    """f32[B, d] -> f32[B, n, d]"""
    return tf.tile(tf.expand_dims(x, 1), [1, n, 1])


def repeat_elements(x: Any, rep: int, axis: int) -> Any:
    return tf.repeat(x, rep, axis)


def bias_add(x: Any, bias: Any, data_format: str | None = None) -> Any:
    first = data_format == "channels_first" and len(x.shape) > 2
    if first:
        bias = tf.reshape(bias, [1, -1] + [1] * (len(x.shape) - 2))
    return x + bias


def l2_normalize(x: Any, axis: Any = None) -> Any:
    return tf.nn.l2_normalize(x, axis)


def relu(x: Any, alpha: float = 0.0, max_value: Any = None, threshold: float = 0.0) -> Any:
    return tf.keras.activations.relu(x, alpha, max_value, threshold)


def elu(x: Any, alpha: float = 1.0) -> Any:
    return tf.keras.activations.elu(x, alpha)


def hard_sigmoid(x: Any) -> Any:
    return tf.keras.activations.hard_sigmoid(x)


def softmax(x: Any, axis: int = -1) -> Any:
    return tf.nn.softmax(x, axis)


def dropout(x: Any, level: float, noise_shape: Any = None, seed: Any = None) -> Any:
    return tf.nn.dropout(x, level, noise_shape, seed)


def in_train_phase(x: Any, alt: Any, training: Any = None) -> Any:
    """``x`` while training, ``alt`` otherwise; both may be functions."""
    return switch(learning_phase() if training is None else training, x, alt)


def in_test_phase(x: Any, alt: Any, training: Any = None) -> Any:
    return in_train_phase(alt, x, training)


def switch(condition: Any, then_expression: Any, else_expression: Any) -> Any:
    """One of two values, or of two functions' results."""

    def made(given: Any) -> Any:
        return given() if callable(given) else given

    if not tf.is_tensor(condition) and not isinstance(condition, tf.Variable):
        return made(then_expression if condition else else_expression)
    condition = tf.cast(condition, tf.bool)
    if len(condition.shape) == 0:
        return tf.cond(condition, lambda: made(then_expression), lambda: made(else_expression))
    x = made(then_expression)
    missing = [1] * (len(x.shape) - len(condition.shape))
    condition = tf.reshape(condition, tf.concat([tf.shape(condition), missing], 0))
    return tf.where(condition, x, made(else_expression))


# --- losses on tensors ----------------------------------------------------------------------------


def binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Any:
    """Of each element."""
    target = tf.cast(target, output.dtype)
    if from_logits:
        return tf.nn.sigmoid_cross_entropy_with_logits(labels=target, logits=output)
    p = tf.clip_by_value(output, epsilon(), 1.0 - epsilon())
    log = tf.math.log
    return -(target * log(p + epsilon()) + (1 - target) * log(1 - p + epsilon()))


def categorical_crossentropy(
    target: Any, output: Any, from_logits: bool = False, axis: int = -1
) -> Any:
    """Of each row."""
    return tf.keras.losses.categorical_crossentropy(target, output, from_logits, axis=axis)


def sparse_categorical_crossentropy(
    target: Any, output: Any, from_logits: bool = False, axis: int = -1
) -> Any:
    """Of each row, its target a class number."""
    return tf.keras.losses.sparse_categorical_crossentropy(target, output, from_logits, axis=axis)


# --- functions ------------------------------------------------------------------------------------


def function(inputs: Any, outputs: Any, updates: Any = None, name: str | None = None) -> Callable:
    """A compiled function from symbolic inputs to symbolic outputs; it returns arrays."""
    run = tf.function(tf.keras.Model(inputs, outputs))
    several = isinstance(inputs, list | tuple)

    def call(given: Any) -> Any:
        if several:
            given = [tf.convert_to_tensor(np.asarray(x)) for x in given]
        return tf.nest.map_structure(get_value, run(given))

    return call


def gradients(loss: Any, variables: Any) -> Any:
    """Raises ``RuntimeError``: gradients of values that exist already need a tape."""
    raise RuntimeError(
        "`tf.gradients` is not supported when eager execution is enabled. Use `tf.GradientTape`."
    )
