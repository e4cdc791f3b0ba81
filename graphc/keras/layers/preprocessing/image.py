"""Layers that change pictures [batch, height, width, channels] or [height, width, channels].

The random ones do so while training only, for each picture on its own.
"""

from __future__ import annotations

import math
from typing import Any

import graphc as tf
from graphc.keras.engine.base_layer import Layer
from graphc.keras.layers.preprocessing.warp import warped
from graphc.keras.utils.pictures import middle

FILL_MODES = ("constant", "reflect", "wrap", "nearest")


class Pictures(Layer):
    """Casts to floats and gives single pictures a batch axis for the while."""

    def call(self, inputs: Any, training: Any = True) -> Any:
        x = tf.cast(inputs, self.compute_dtype)
        single = x.shape.rank == 3
        x = tf.expand_dims(x, 0) if single else x
        x = self.changed(x, training)
        return tf.squeeze(x, 0) if single else x

    def changed(self, x: Any, training: Any) -> Any:
        """The pictures of a batch, changed."""
        raise NotImplementedError


class Resizing(Pictures):
    """Pictures of another size; ``crop_to_aspect_ratio`` cuts off instead of stretching."""

    def __init__(
        self, height: int, width: int, interpolation: str = "bilinear",
        crop_to_aspect_ratio: bool = False, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.height, self.width, self.interpolation = height, width, interpolation
        self.crop_to_aspect_ratio = crop_to_aspect_ratio

    def changed(self, x: Any, training: Any) -> Any:
        if self.crop_to_aspect_ratio:
            x = _middle(x, self.height, self.width)
        return tf.cast(tf.image.resize(x, [self.height, self.width], self.interpolation), x.dtype)


def _middle(x: Any, height: int, width: int) -> Any:
    """The largest part in the middle that has the shape height : width."""
    rows, columns = x.shape[1], x.shape[2]
    if rows is None or columns is None:
        raise ValueError("cropping to an aspect ratio needs pictures of a known size")
    top, left, kept_rows, kept_columns = middle(rows, columns, height, width)
    return x[:, top : top + kept_rows, left : left + kept_columns]


class CenterCrop(Pictures):
    """The middle of pictures; smaller ones are first made as large."""

    def __init__(self, height: int, width: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.height, self.width = height, width

    def changed(self, x: Any, training: Any) -> Any:
        rows, columns = x.shape[1], x.shape[2]
        if rows >= self.height and columns >= self.width:
            top, left = (rows - self.height) // 2, (columns - self.width) // 2
            return x[:, top : top + self.height, left : left + self.width]
        resized = tf.image.resize(_middle(x, self.height, self.width), [self.height, self.width])
        return tf.cast(resized, x.dtype)


class RandomPictures(Pictures):
    """Changes pictures while training; ``seed`` makes the changes repeatable."""

    def __init__(self, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed = seed

    def changed(self, x: Any, training: Any) -> Any:
        if training is None or (isinstance(training, bool | int) and not training):
            return self.unchanged(x)
        if isinstance(training, bool | int):
            return self.at_random(x)
        return tf.cond(training, lambda: self.at_random(x), lambda: self.unchanged(x))

    def unchanged(self, x: Any) -> Any:
        return x

    def at_random(self, x: Any) -> Any:
        raise NotImplementedError

    def draw(self, x: Any, low: float, high: float, *sizes: int) -> Any:
        """A number for each picture, evenly between two."""
        shape = tf.stack([tf.shape(x)[0], *sizes])
        return tf.random.uniform(shape, low, high, seed=self.seed, dtype=x.dtype)


class RandomFlip(RandomPictures):
    """Every other picture turned over, left to right and ("horizontal_and_vertical") upside
    down."""

    def __init__(
        self, mode: str = "horizontal_and_vertical", seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(seed, **kwargs)
        if mode not in ("horizontal", "vertical", "horizontal_and_vertical"):
            raise ValueError(
                f"RandomFlip layer {self.name} received an unknown mode argument {mode}"
            )
        self.mode = mode

    def at_random(self, x: Any) -> Any:
        for axis, name in ((2, "horizontal"), (1, "vertical")):
            if name in self.mode:
                x = tf.where(self.draw(x, 0.0, 1.0, 1, 1, 1) < 0.5, tf.reverse(x, [axis]), x)
        return x


class RandomCrop(RandomPictures):
    """A part of each picture while training, its middle otherwise."""

    def __init__(self, height: int, width: int, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(seed, **kwargs)
        self.height, self.width = height, width

    def unchanged(self, x: Any) -> Any:
        return CenterCrop(self.height, self.width).changed(x, False)

    def at_random(self, x: Any) -> Any:
        down, right = x.shape[1] - self.height, x.shape[2] - self.width
        if down < 0 or right < 0:
            return self.unchanged(x)
        top = tf.cast(self.draw(x, 0.0, down + 1.0), tf.int32)
        left = tf.cast(self.draw(x, 0.0, right + 1.0), tf.int32)
        rows = top[:, None] + tf.range(self.height)
        columns = left[:, None] + tf.range(self.width)
        return tf.gather(tf.gather(x, rows, axis=1, batch_dims=1), columns, axis=2, batch_dims=1)


def bounds(factor: Any, name: str, least: float = -math.inf) -> tuple[float, float]:
    """The range that a factor stands for: a number f means from -f to f."""
    low, high = factor if isinstance(factor, list | tuple) else (-factor, factor)
    if high < low or low < least:
        raise ValueError(
            f"`{name}` argument cannot have an upper bound lesser than the lower bound, or one"
            f" below {least}. Received: {name}={factor}"
        )
    return float(low), float(high)


class RandomWarp(RandomPictures):
    """Moves, turns or zooms; what comes from outside follows ``fill_mode``."""

    def __init__(
        self, fill_mode: str = "reflect", interpolation: str = "bilinear",
        seed: int | None = None, fill_value: float = 0.0, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(seed, **kwargs)
        if fill_mode not in FILL_MODES:
            raise ValueError(
                f"Unknown `fill_mode` {fill_mode}. Only {', '.join(FILL_MODES)} are supported."
            )
        if interpolation not in ("nearest", "bilinear"):
            raise ValueError(
                f"Unknown `interpolation` {interpolation}. Only nearest and bilinear are supported."
            )
        self.fill_mode, self.interpolation, self.fill_value = fill_mode, interpolation, fill_value

    def warp(self, x: Any, matrix: Any) -> Any:
        """Pictures by where their places come from: rows (a, b, c, d, e, f) of y = a y' + b x' + c,
        x = d y' + e x' + f, with the middle at zero."""
        return warped(x, matrix, self.fill_mode, self.interpolation, self.fill_value)


class RandomTranslation(RandomWarp):
    """Moves by parts of the height and the width."""

    def __init__(
        self, height_factor: Any, width_factor: Any, fill_mode: str = "reflect",
        interpolation: str = "bilinear", seed: int | None = None, fill_value: float = 0.0,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(fill_mode, interpolation, seed, fill_value, **kwargs)
        self.height_factor, self.width_factor = height_factor, width_factor
        self._height = bounds(height_factor, "height_factor", -1.0)
        self._width = bounds(width_factor, "width_factor", -1.0)

    def at_random(self, x: Any) -> Any:
        down = self.draw(x, *self._height) * float(x.shape[1])
        right = self.draw(x, *self._width) * float(x.shape[2])
        one, zero = tf.ones_like(down), tf.zeros_like(down)
        return self.warp(x, tf.stack([one, zero, -down, zero, one, -right], axis=-1))


class RandomRotation(RandomWarp):
    """Turns by parts of a whole turn, against the clock."""

    def __init__(
        self, factor: Any, fill_mode: str = "reflect", interpolation: str = "bilinear",
        seed: int | None = None, fill_value: float = 0.0, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(fill_mode, interpolation, seed, fill_value, **kwargs)
        self.factor = factor
        self._range = bounds(factor, "factor")

    def at_random(self, x: Any) -> Any:
        angle = self.draw(x, *self._range) * (2 * math.pi)
        sin, cos, zero = tf.sin(angle), tf.cos(angle), tf.zeros_like(angle)
        return self.warp(x, tf.stack([cos, sin, zero, -sin, cos, zero], axis=-1))


class RandomZoom(RandomWarp):
    """Zooms out by parts of the size (in, where they are negative); width as height unless it has
    a factor of its own."""

    def __init__(
        self, height_factor: Any, width_factor: Any = None, fill_mode: str = "reflect",
        interpolation: str = "bilinear", seed: int | None = None, fill_value: float = 0.0,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(fill_mode, interpolation, seed, fill_value, **kwargs)
        self.height_factor, self.width_factor = height_factor, width_factor
        self._height = bounds(height_factor, "height_factor", -1.0)
        wide = width_factor is not None
        self._width = bounds(width_factor, "width_factor", -1.0) if wide else None

    def at_random(self, x: Any) -> Any:
        tall = 1.0 + self.draw(x, *self._height)
        wide = tall if self._width is None else 1.0 + self.draw(x, *self._width)
        zero = tf.zeros_like(tall)
        return self.warp(x, tf.stack([tall, zero, zero, zero, wide, zero], axis=-1))


class RandomContrast(RandomPictures):
    """(x - mean) * factor + mean for each channel, the factor between 1 - lower and 1 + upper."""

    def __init__(self, factor: Any, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(seed, **kwargs)
        self.factor = factor
        lower, upper = factor if isinstance(factor, list | tuple) else (factor, factor)
        if lower < 0 or upper < 0 or lower > 1:
            raise ValueError(
                "`factor` argument cannot have negative values or values greater than 1."
                f" Received: factor={factor}"
            )
        self.lower, self.upper = lower, upper

    def at_random(self, x: Any) -> Any:
        factor = self.draw(x, 1.0 - self.lower, 1.0 + self.upper, 1, 1, 1)
        mean = tf.reduce_mean(x, axis=[1, 2], keepdims=True)
        return tf.clip_by_value((x - mean) * factor + mean, 0.0, 255.0)


class RandomBrightness(RandomPictures):
    """Adds a part of the range of values to all, and clips to it."""

    def __init__(
        self, factor: Any, value_range: Any = (0, 255), seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(seed, **kwargs)
        self.factor, self.value_range = factor, value_range
        self._range = bounds(factor, "factor", -1.0)

    def at_random(self, x: Any) -> Any:
        low, high = map(float, self.value_range)
        moved = self.draw(x, *self._range, 1, 1, 1) * (high - low)
        return tf.clip_by_value(x + moved, low, high)


class RandomSide(RandomPictures):
    """Another size along one axis, the same for all pictures of a batch."""

    _axis = 0  # of height, width

    def __init__(
        self, factor: Any, interpolation: str = "bilinear", seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(seed, **kwargs)
        self.factor, self.interpolation = factor, interpolation
        self._range = bounds(factor, "factor", -1.0)

    def at_random(self, x: Any) -> Any:
        low, high = self._range
        grown = tf.random.uniform([], 1.0 + low, 1.0 + high, seed=self.seed)
        size = [tf.shape(x)[1], tf.shape(x)[2]]
        size[self._axis] = tf.cast(tf.cast(size[self._axis], tf.float32) * grown, tf.int32)
        return tf.cast(tf.image.resize(x, tf.stack(size), self.interpolation), x.dtype)


class RandomHeight(RandomSide):
    """Pictures with more or fewer rows, by a part of their height."""


class RandomWidth(RandomSide):
    """Pictures with more or fewer columns, by a part of their width."""

    _axis = 1
