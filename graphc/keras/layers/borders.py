"""Layers that change how long axes are: zeros around, borders cut off, values repeated."""

from __future__ import annotations

from typing import Any

import graphc as tf
from graphc.keras.engine.base_layer import Layer
from graphc.keras.engine.input_spec import InputSpec
from graphc.keras.layers.geometry import known_format, per_axis, spatial_axes


def _pairs(value: Any, rank: int, name: str) -> tuple[tuple[int, int], ...]:
    """Numbers before and after each axis: one for all, one for each axis, or both."""
    if isinstance(value, int):
        value = ((value, value),) if rank == 1 else (value,) * rank
    elif rank == 1 and len(value) == 2 and isinstance(value[0], int):
        value = (tuple(value),)
    if len(value) != rank:
        raise ValueError(f"`{name}` should have {rank} elements. Received: {value}.")
    return tuple((n, n) if isinstance(n, int) else (int(n[0]), int(n[1])) for n in value)


class _Bordered(Layer):
    _rank: int

    def _border(self, sizes: Any, name: str, data_format: Any) -> None:
        self._sizes = _pairs(sizes, self._rank, name)
        # as Keras writes it: a pair for one axis, pairs for more
        setattr(self, name, self._sizes[0] if self._rank == 1 else self._sizes)
        self.data_format = known_format(data_format)
        self.input_spec = InputSpec(ndim=self._rank + 2)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        if self._rank == 1:  # there is no such argument in Keras
            del config["data_format"]
        return config


class _ZeroPadding(_Bordered):
    """Zeros before and after."""

    def __init__(self, padding: Any = 1, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._border(padding, "padding", data_format)

    def call(self, inputs: Any) -> Any:
        pads = [(0, 0)] * inputs.ndim
        for axis, pair in zip(spatial_axes(self.data_format, self._rank), self._sizes, strict=True):
            pads[axis] = pair
        return tf.pad(inputs, [list(pair) for pair in pads])


class ZeroPadding1D(_ZeroPadding):
    """Zeros before and after the steps."""

    _rank = 1


class ZeroPadding2D(_ZeroPadding):
    """Zeros around images: one number, one for each axis, or ((top, bottom), (left, right))."""

    _rank = 2


class ZeroPadding3D(_ZeroPadding):
    """Zeros around volumes."""

    _rank = 3


class _Cropping(_Bordered):
    """The first and the last are cut off."""

    def __init__(self, cropping: Any = 1, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._border(cropping, "cropping", data_format)

    def call(self, inputs: Any) -> Any:
        index: list[Any] = [slice(None)] * inputs.ndim
        for axis, (low, high) in zip(
            spatial_axes(self.data_format, self._rank), self._sizes, strict=True
        ):
            size = inputs.shape[axis]
            if size is not None and low + high >= size:
                raise ValueError(
                    f"cropping {self._sizes} of layer {self.name} leaves nothing of the input shape"
                    f" {inputs.shape}"
                )
            index[axis] = slice(low, -high if high else None)
        return inputs[tuple(index)]


class Cropping1D(_Cropping):
    """Steps cut off at the start and at the end."""

    _rank = 1


class Cropping2D(_Cropping):
    """Pixels cut off: one number, one for each axis, or ((top, bottom), (left, right))."""

    _rank = 2

    def __init__(
        self, cropping: Any = ((0, 0), (0, 0)), data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(cropping, data_format, **kwargs)


class Cropping3D(_Cropping):
    """Voxels cut off on all sides."""

    _rank = 3


class _UpSampling(Layer):
    _rank: int

    def __init__(self, size: Any = 2, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size, self.data_format = per_axis(size, self._rank, "size"), known_format(data_format)
        self.input_spec = InputSpec(ndim=self._rank + 2)

    def call(self, inputs: Any) -> Any:
        for axis, count in zip(spatial_axes(self.data_format, self._rank), self.size, strict=True):
            inputs = tf.repeat(inputs, count, axis=axis)
        return inputs


class UpSampling1D(_UpSampling):
    """Each step ``size`` times."""

    _rank = 1

    def __init__(self, size: int = 2, **kwargs: Any) -> None:
        super().__init__(size, "channels_last", **kwargs)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config.pop("data_format", None)
        return config | {"size": self.size[0]}


class UpSampling2D(_UpSampling):
    """Rows and columns repeated, or ``interpolation="bilinear"``."""

    _rank = 2

    def __init__(
        self, size: Any = (2, 2), data_format: str | None = None, interpolation: str = "nearest",
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(size, data_format, **kwargs)
        if interpolation not in ("nearest", "bilinear"):
            raise ValueError(
                '`interpolation` argument should be one of `"nearest"` or `"bilinear"`. Received:'
                f' "{interpolation}".'
            )
        self.interpolation = interpolation

    def call(self, inputs: Any) -> Any:
        if self.interpolation == "nearest":
            return super().call(inputs)
        for axis, count in zip(spatial_axes(self.data_format, 2), self.size, strict=True):
            inputs = resized(inputs, axis, inputs.shape[axis] * count)
        return inputs


class UpSampling3D(_UpSampling):
    """Slices, rows and columns repeated."""

    _rank = 3


def resized(x: Any, axis: int, size: int) -> Any:
    """Linear interpolation along an axis whose size is known; centres of pixels stay in place."""
    count = x.shape[axis]
    place = (tf.range(float(size)) + 0.5) * (count / size) - 0.5
    place = tf.clip_by_value(place, 0.0, count - 1.0)
    low = tf.floor(place)
    share = tf.reshape(place - low, [-1 if i == axis else 1 for i in range(x.ndim)])
    below = tf.cast(low, tf.int32)
    above = tf.minimum(below + 1, count - 1)
    x = tf.cast(x, tf.float32) if not x.dtype.is_floating else x
    share = tf.cast(share, x.dtype)
    return tf.gather(x, below, axis=axis) * (1 - share) + tf.gather(x, above, axis=axis) * share
