"""Normalization: features with mean 0 and variance 1; Rescaling."""

from __future__ import annotations

from typing import Any

import numpy as np

import graphc as tf
from graphc.keras.backend import epsilon
from graphc.keras.engine.base_layer import Layer
from graphc.keras.layers.preprocessing.adapted import PreprocessingLayer


class Normalization(PreprocessingLayer):
    """(x - mean) / sqrt(variance), with figures for each index of ``axis`` (the last one).

    They are learnt by `adapt`, or given. ``invert`` goes back. With ``axis=None`` all elements
    share them. Weights, not trained: mean, variance, count.
    """

    def __init__(
        self, axis: Any = -1, mean: Any = None, variance: Any = None, invert: bool = False,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.axis = () if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
        if (mean is None) != (variance is None):
            raise ValueError(
                "When setting values directly, both `mean` and `variance` must be set. Got mean:"
                f" {mean} and variance: {variance}"
            )
        self.mean, self.variance = mean, variance  # from `build` on as tensors
        self.input_mean, self.input_variance, self.invert = mean, variance, invert

    def build(self, input_shape: Any) -> None:
        rank = len(input_shape)
        kept = sorted(axis % rank for axis in self.axis)
        if 0 in kept and self.input_mean is None and rank > 1 and input_shape[0] is None:
            raise ValueError("The argument 'axis' may not be 0.")
        shape = [input_shape[axis] for axis in kept]
        if None in shape:
            raise ValueError(
                f"All `axis` values to be kept must have known shape. Got axis: {self.axis}, input"
                f" shape: {list(input_shape)}, with unknown axis at index: {shape.index(None)}"
            )
        self._reduced = tuple(axis for axis in range(rank) if axis not in kept)
        self._broadcast = [input_shape[a] if a in kept else 1 for a in range(rank)]
        if self.input_mean is None:
            self.adapt_mean = self._weight("mean", shape, "zeros")
            self.adapt_variance = self._weight("variance", shape, "ones")
            self.count = self.add_weight("count", (), "int64", "zeros", trainable=False)
            self._show()
        else:
            self.mean = self._placed(self.input_mean)
            self.variance = self._placed(self.input_variance)
        super().build(input_shape)

    def _weight(self, name: str, shape: list[int], initializer: str) -> tf.Variable:
        return self.add_weight(name, shape, initializer=initializer, trainable=False)

    def _placed(self, figures: Any) -> Any:
        """Figures with the axes of the input."""
        shape = self._broadcast
        wanted = np.broadcast_to(np.asarray(figures, np.float32).ravel(), (int(np.prod(shape)),))
        return tf.constant(wanted.reshape(shape))

    def _show(self) -> None:
        self.mean = self._placed(self.adapt_mean.numpy())
        self.variance = self._placed(self.adapt_variance.numpy())

    def reset_state(self) -> None:
        if self.input_mean is not None:
            raise ValueError(
                "Cannot `adapt` a Normalization layer that is initialized with static `mean` and"
                f" `variance`, you passed mean {self.input_mean} and variance"
                f" {self.input_variance}."
            )
        self._total: Any = (0, 0.0, 0.0)  # count, mean, sum of squared distances from it

    def update_state(self, data: np.ndarray) -> None:
        """Chan's parallel variance: batches may come in any sizes."""
        values = np.asarray(data, np.float64)
        axes = tuple(a for a in self._reduced if a < values.ndim)
        count = int(np.prod([values.shape[a] for a in axes], dtype=np.int64))
        mean = values.mean(axes)
        spread = ((values - values.mean(axes, keepdims=True)) ** 2).sum(axes)
        before, old, squares = self._total
        both = before + count
        apart = mean - old
        squares = squares + spread + apart**2 * before * count / max(both, 1)
        self._total = (both, old + apart * count / max(both, 1), squares)

    def finalize_state(self) -> None:
        count, mean, squares = self._total
        if not count:
            return
        self.adapt_mean.assign(np.asarray(mean, np.float32))
        self.adapt_variance.assign(np.asarray(squares / count, np.float32))
        self.count.assign(count)
        self._show()

    def set_weights(self, weights: Any) -> None:
        super().set_weights(weights)
        if self.input_mean is None:
            self._show()

    def call(self, inputs: Any) -> Any:
        x = tf.cast(inputs, self.compute_dtype)
        mean, variance = tf.cast(self.mean, x.dtype), tf.cast(self.variance, x.dtype)
        deviation = tf.maximum(tf.sqrt(variance), epsilon())
        return mean + x * deviation if self.invert else (x - mean) / deviation

    def get_config(self) -> dict[str, Any]:
        axis = self.axis if len(self.axis) != 1 else self.axis[0]
        given = {"mean": self.input_mean, "variance": self.input_variance}
        figures = {k: None if v is None else np.asarray(v).tolist() for k, v in given.items()}
        return super().get_config() | figures | {"axis": axis or None, "invert": self.invert}


class Rescaling(Layer):
    """x * scale + offset"""

    def __init__(self, scale: Any, offset: Any = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale, self.offset = scale, offset

    def call(self, inputs: Any) -> Any:
        x = tf.cast(inputs, self.compute_dtype)
        return x * tf.cast(self.scale, x.dtype) + tf.cast(self.offset, x.dtype)
