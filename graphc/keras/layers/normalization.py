"""Layers that give what passes a mean of 0 and a variance of 1."""

from __future__ import annotations

from typing import Any

import graphc as tf
from graphc.keras.engine.base_layer import Layer
from graphc.keras.layers.weighted import Weighted


class _Scaled(Weighted):
    """A layer that ends in x * gamma + beta."""

    _weights = {"beta": "zeros", "gamma": "ones"}
    supports_masking = True

    def __init__(self, center: bool = True, scale: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.center, self.scale = center, scale

    def make_scale(self, shape: Any) -> None:
        self.gamma = self.make("gamma", shape) if self.scale else None
        self.beta = self.make("beta", shape) if self.center else None


def _axes(axis: Any, rank: int) -> list[int]:
    listed = list(axis) if isinstance(axis, list | tuple) else [axis]
    wrong = [a for a in listed if not -rank <= a < rank]
    if wrong:
        raise ValueError(f"Invalid axis {wrong}: the inputs have {rank} axes")
    return sorted(a % rank for a in listed)


class BatchNormalization(_Scaled):
    """gamma * (x - mean) / sqrt(variance + epsilon) + beta for each channel (Ioffe, Szegedy, 2015).

    Training takes mean and variance of the batch, and moves the averages: moving = momentum *
    moving + (1 - momentum) * batch; else those averages are taken.  Not ``trainable`` it never
    trains.  Weights: gamma, beta, moving_mean, moving_variance [channels].

    The average is of the unbiased variance for 4-axis inputs, as Keras 2 has it (Keras 3: biased).
    """

    _weights = {
        "beta": "zeros", "gamma": "ones", "moving_mean": "zeros", "moving_variance": "ones",
    }  # fmt: skip
    _fixed = (
        "moving_mean_regularizer", "moving_mean_constraint", "moving_variance_regularizer",
        "moving_variance_constraint",
    )  # fmt: skip

    def __init__(
        self, axis: Any = -1, momentum: float = 0.99, epsilon: float = 1e-3, center: bool = True,
        scale: bool = True, **kwargs: Any,
    ) -> None:  # fmt: skip
        for ignored in ("fused", "synchronized", "renorm", "virtual_batch_size"):
            if kwargs.pop(ignored, None) and ignored in ("renorm", "virtual_batch_size"):
                raise ValueError(f"BatchNormalization does not implement `{ignored}`")
        super().__init__(center=center, scale=scale, **kwargs)
        self.axis, self.momentum, self.epsilon = axis, momentum, epsilon

    def build(self, input_shape: Any) -> None:
        rank = len(input_shape)
        self._channels = _axes(self.axis, rank)
        sizes = [input_shape[a] for a in self._channels]
        if None in sizes:
            raise ValueError(
                f"Axis {self.axis} of the input of BatchNormalization layer {self.name} must have a"
                f" known size, got shape {tuple(input_shape)}"
            )
        self._reduced = [i for i in range(rank) if i not in self._channels]
        last = self._channels == [rank - 1]
        self._shape = None if last else [
            input_shape[i] if i in self._channels else 1 for i in range(rank)
        ]  # fmt: skip
        self.make_scale(sizes)
        self.moving_mean = self.make("moving_mean", sizes, trainable=False)
        self.moving_variance = self.make("moving_variance", sizes, trainable=False)

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        training = training if self.trainable else False
        if tf.is_tensor(training):
            return tf.cond(
                tf.cast(training, tf.bool),
                lambda: self._of_batch(inputs, mask),
                lambda: self._normalized(inputs, self.moving_mean, self.moving_variance),
            )
        if training:
            return self._of_batch(inputs, mask)
        return self._normalized(inputs, self.moving_mean, self.moving_variance)

    def _of_batch(self, inputs: Any, mask: Any) -> Any:
        x = tf.cast(inputs, self.dtype)
        if mask is None:
            mean, variance = tf.nn.moments(x, self._reduced)
        else:
            shown = tf.cast(mask, x.dtype)
            while shown.ndim < x.ndim:
                shown = tf.expand_dims(shown, -1)
            mean, variance = tf.nn.weighted_moments(x, self._reduced, shown)
        outputs = self._normalized(inputs, mean, variance)
        if x.ndim == 4 and mask is None and len(self._channels) == 1:
            count = tf.cast(tf.size(x), x.dtype) / x.shape[self._channels[0]]
            variance = variance * (count / tf.maximum(count - 1.0, 1.0))
        for moving, now in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign_sub((moving - now) * (1.0 - self.momentum))
        return outputs

    def _normalized(self, inputs: Any, mean: Any, variance: Any) -> Any:
        parts = [mean, variance, self.beta, self.gamma]
        if self._shape is not None:
            parts = [None if p is None else tf.reshape(p, self._shape) for p in parts]
        x = tf.cast(inputs, self.dtype)
        outputs = tf.nn.batch_normalization(x, *parts, self.epsilon)
        return tf.cast(outputs, self.compute_dtype)


class LayerNormalization(_Scaled):
    """gamma * (x - mean) / sqrt(variance + epsilon) + beta along ``axis`` (Ba et al., 2016).

    Weights: gamma, beta of the sizes of the axes.
    """

    def __init__(
        self, axis: Any = -1, epsilon: float = 1e-3, center: bool = True, scale: bool = True,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(center=center, scale=scale, **kwargs)
        self.axis, self.epsilon = axis, epsilon

    def build(self, input_shape: Any) -> None:
        rank = len(input_shape)
        self._places = _axes(self.axis, rank)
        self.make_scale([input_shape[a] for a in self._places])
        last = self._places == list(range(rank - len(self._places), rank))
        self._shape = None if last else [
            input_shape[i] if i in self._places else 1 for i in range(rank)
        ]  # fmt: skip

    def call(self, inputs: Any) -> Any:
        x = tf.cast(inputs, self.dtype)
        mean, variance = tf.nn.moments(x, self._places, keepdims=True)
        parts = [self.beta, self.gamma]
        if self._shape is not None:
            parts = [None if p is None else tf.reshape(p, self._shape) for p in parts]
        outputs = tf.nn.batch_normalization(x, mean, variance, *parts, self.epsilon)
        return tf.cast(outputs, self.compute_dtype)


class GroupNormalization(_Scaled):
    """`LayerNormalization` of the channels in ``groups``, scaled channel by channel.

    Source: Wu and He, 2018.  Weights: gamma, beta [channels].
    """

    def __init__(
        self, groups: int = 32, axis: int = -1, epsilon: float = 1e-3, center: bool = True,
        scale: bool = True, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(center=center, scale=scale, **kwargs)
        self.groups, self.axis, self.epsilon = groups, axis, epsilon

    def build(self, input_shape: Any) -> None:
        channels = input_shape[self.axis]
        self._count = channels if self.groups == -1 else self.groups
        if channels is None or channels % self._count:
            raise ValueError(
                f"Number of groups ({self.groups}) must be a divisor of the number of channels"
                f" ({channels})."
            )
        self.make_scale([channels])

    def call(self, inputs: Any) -> Any:
        x = tf.cast(inputs, self.dtype)
        axis = self.axis % x.ndim
        order = [i for i in range(x.ndim) if i != axis] + [axis]
        last = x if axis == x.ndim - 1 else tf.transpose(x, order)
        shape = tf.shape(last)
        groups = [*tf.unstack(shape)[:-1], self._count, last.shape[-1] // self._count]
        grouped = tf.reshape(last, groups)
        mean, variance = tf.nn.moments(grouped, [*range(1, x.ndim - 1), x.ndim], keepdims=True)
        normal = (grouped - mean) / tf.sqrt(variance + self.epsilon)
        y = tf.reshape(normal, shape)
        y = y if self.gamma is None else y * self.gamma
        y = y if self.beta is None else y + self.beta
        y = y if axis == x.ndim - 1 else tf.transpose(y, [order.index(i) for i in range(x.ndim)])
        return tf.cast(y, self.compute_dtype)


class UnitNormalization(Layer):
    """x over its norm along ``axis``"""

    supports_masking = True

    def __init__(self, axis: Any = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis

    def call(self, inputs: Any) -> Any:
        return tf.math.l2_normalize(inputs, axis=self.axis)
