"""Layers that disturb what passes while training, and do nothing else."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import graphc as tf
from graphc.keras.engine.base_layer import Layer
from graphc.keras.engine.input_spec import InputSpec


class _Noise(Layer):
    """The inputs; ``_disturbed`` while training."""

    supports_masking = True

    def call(self, inputs: Any, training: Any = None) -> Any:
        return when_training(training, self._disturbed, inputs)

    def _disturbed(self, x: Any) -> Any:
        raise NotImplementedError


def when_training(training: Any, function: Callable[[Any], Any], x: Any) -> Any:
    """function(x) if it is said to train, a tensor may say it; else x."""
    if tf.is_tensor(training) or isinstance(training, tf.Variable):
        return tf.cond(tf.cast(training, tf.bool), lambda: function(x), lambda: tf.identity(x))
    return function(x) if training else x


def _rate(value: Any) -> Any:
    if isinstance(value, int | float) and not 0 <= value <= 1:
        raise ValueError(
            f"Invalid value {value} received for `rate`, expected a value between 0 and 1."
        )
    return value


class _Dropping(_Noise):
    """Noise that replaces elements with probability ``rate``; ``noise_shape`` has 1 where elements
    along an axis share their fate."""

    def __init__(
        self, rate: float, noise_shape: Any = None, seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.rate, self.noise_shape, self.seed = _rate(rate), noise_shape, seed


class Dropout(_Dropping):
    """Sets elements to 0 with probability ``rate``; others become x / (1 - rate).

    ``noise_shape`` has 1 where elements along an axis share their fate (Srivastava et al., 2014).
    """

    def _disturbed(self, x: Any) -> Any:
        if self.rate == 1:
            return tf.zeros_like(x)
        return tf.nn.dropout(x, self.rate, self._noise_shape(x), self.seed)

    def _noise_shape(self, x: Any) -> Any:
        return self.noise_shape


class _SpatialDropout(Dropout):
    _rank: int

    def __init__(
        self, rate: float, data_format: str | None = None, seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(rate, seed=seed, **kwargs)
        self.data_format = data_format or "channels_last"
        self.input_spec = InputSpec(ndim=self._rank + 2)

    def _noise_shape(self, x: Any) -> Any:
        batch, ones = tf.shape(x)[0], [1] * self._rank
        if self.data_format == "channels_first":
            return [batch, x.shape[1], *ones]
        return [batch, *ones, x.shape[-1]]


class SpatialDropout1D(_SpatialDropout):
    """`Dropout` of whole channels of [batch, steps, channels] (Tompson et al., 2015)."""

    _rank = 1

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(rate, seed=seed, **kwargs)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config.pop("data_format", None)
        return config


class SpatialDropout2D(_SpatialDropout):
    """`Dropout` of whole channels of images (Tompson et al., 2015)."""

    _rank = 2


class SpatialDropout3D(_SpatialDropout):
    """`Dropout` of whole channels of volumes (Tompson et al., 2015)."""

    _rank = 3


class GaussianNoise(_Noise):
    """x plus normal noise of a deviation."""

    def __init__(self, stddev: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.stddev, self.seed = stddev, seed

    def _disturbed(self, x: Any) -> Any:
        return x + tf.random.normal(tf.shape(x), 0.0, self.stddev, x.dtype, self.seed)


class GaussianDropout(_Noise):
    """x times normal noise of mean 1 and deviation sqrt(rate / (1 - rate))."""

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rate, self.seed = _rate(rate), seed

    def _disturbed(self, x: Any) -> Any:
        deviation = math.sqrt(self.rate / (1.0 - self.rate))
        return x * tf.random.normal(tf.shape(x), 1.0, deviation, x.dtype, self.seed)


class AlphaDropout(_Dropping):
    """Dropout that keeps mean and variance of what selu makes (Klambauer et al., 2017)."""

    def _disturbed(self, x: Any) -> Any:
        lowest = -1.7580993408473766  # selu(-infinity)
        shape = tf.shape(x) if self.noise_shape is None else self.noise_shape
        kept = tf.random.uniform(shape, dtype=x.dtype, seed=self.seed) >= self.rate
        a = ((1 - self.rate) * (1 + self.rate * lowest**2)) ** -0.5
        b = -a * lowest * self.rate
        return a * tf.where(kept, x, lowest) + b
