"""Activations as layers."""

from __future__ import annotations

from typing import Any

import graphc as tf
from graphc.keras import activations
from graphc.keras.engine.base_layer import Layer
from graphc.keras.layers.weighted import Weighted


class ReLU(Layer):
    """x within [threshold, max_value], negative_slope * (x - threshold) below."""

    supports_masking = True

    def __init__(
        self, max_value: float | None = None, negative_slope: float = 0.0, threshold: float = 0.0,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        if max_value is not None and max_value < 0:
            raise ValueError(f"max_value of a ReLU layer cannot be negative, received {max_value}")
        if negative_slope is None or negative_slope < 0 or threshold is None or threshold < 0:
            raise ValueError(
                "negative_slope and threshold of a ReLU layer cannot be None or negative, received"
                f" {negative_slope} and {threshold}"
            )
        self.max_value, self.negative_slope, self.threshold = max_value, negative_slope, threshold

    def call(self, inputs: Any) -> Any:
        return activations.relu(inputs, self.negative_slope, self.max_value, self.threshold)


class LeakyReLU(Layer):
    """x for positive x, alpha * x for others (Keras 3: ``negative_slope``)."""

    supports_masking = True

    def __init__(self, alpha: float = 0.3, **kwargs: Any) -> None:
        alpha = kwargs.pop("negative_slope", alpha)
        super().__init__(**kwargs)
        if alpha is None:
            raise ValueError("The alpha value of a Leaky ReLU layer cannot be None.")
        self.alpha = float(alpha)

    def call(self, inputs: Any) -> Any:
        return tf.nn.leaky_relu(inputs, self.alpha)


class PReLU(Weighted):
    """x for positive x, alpha * x for others, alpha a weight for each element.

    ``shared_axes`` have one alpha (He et al., 2015).
    """

    _weights = {"alpha": "zeros"}
    supports_masking = True

    def __init__(self, shared_axes: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        axes = shared_axes if isinstance(shared_axes, list | tuple | None) else [shared_axes]
        self.shared_axes = None if axes is None else list(axes)

    def build(self, input_shape: Any) -> None:
        shape = list(input_shape)[1:]
        for axis in self.shared_axes or ():
            shape[axis - 1] = 1
        self.alpha = self.make("alpha", shape)

    def call(self, inputs: Any) -> Any:
        return tf.nn.relu(inputs) - self.alpha * tf.nn.relu(-inputs)


class ELU(Layer):
    """x for positive x, alpha * (exp(x) - 1) for others."""

    supports_masking = True

    def __init__(self, alpha: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.alpha = float(alpha)

    def call(self, inputs: Any) -> Any:
        return activations.elu(inputs, self.alpha)


class ThresholdedReLU(Layer):
    """x above theta, 0 elsewhere."""

    supports_masking = True

    def __init__(self, theta: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.theta = float(theta)

    def call(self, inputs: Any) -> Any:
        return inputs * tf.cast(inputs > self.theta, inputs.dtype)


class Softmax(Layer):
    """exp(x) / sum(exp(x)) along an axis, or several; 0 where ``mask`` is False."""

    supports_masking = True

    def __init__(self, axis: Any = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis

    def call(self, inputs: Any, mask: Any = None) -> Any:
        if mask is not None:
            lowest = -1e9 if inputs.dtype != tf.float16 else -3e4
            inputs += (1.0 - tf.cast(mask, inputs.dtype)) * lowest
        return activations.softmax(inputs, self.axis)
