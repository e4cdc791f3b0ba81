"""Turning, moving and zooming pictures (Keras 2: ``keras.preprocessing.image``).

Pictures are arrays with rows, columns and channels on three axes, in any order.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray


def apply_affine_transform(
    x: Array, theta: float = 0, tx: float = 0, ty: float = 0, shear: float = 0, zx: float = 1,
    zy: float = 1, row_axis: int = 1, col_axis: int = 2, channel_axis: int = 0,
    fill_mode: str = "nearest", cval: float = 0.0, order: int = 1,
) -> Array:  # fmt: skip
    """Turn by ``theta`` degrees, move by ``tx`` columns and ``ty`` rows, shear by degrees, zoom.

    What comes from outside follows ``fill_mode``: "constant" (``cval``), "nearest", "reflect" or
    "wrap". ``order`` is that of the interpolation.
    """
    if {row_axis, col_axis, channel_axis} != {0, 1, 2}:
        raise ValueError(f"the axes are 0, 1 and 2, got {row_axis}, {col_axis}, {channel_axis}")
    matrix = _matrix(theta, tx, ty, shear, zx, zy)
    if np.array_equal(matrix, np.eye(3)):
        return x
    from scipy import ndimage  # lazy: start-up time

    planes = np.moveaxis(x, (channel_axis, row_axis, col_axis), (0, 1, 2))
    middle = np.array(planes.shape[1:]) / 2 - 0.5
    linear, moved = matrix[:2, :2], matrix[:2, 2]
    offset = middle + moved - linear @ middle
    if col_axis > row_axis:  # Keras takes the first coordinate for that of columns
        linear, offset = linear[::-1, ::-1], offset[::-1]
    made = [
        ndimage.affine_transform(p, linear, offset, order=order, mode=fill_mode, cval=cval)
        for p in planes
    ]
    return np.moveaxis(np.stack(made), (0, 1, 2), (channel_axis, row_axis, col_axis))


def _matrix(theta: float, tx: float, ty: float, shear: float, zx: float, zy: float) -> Array:
    """Where a place of the result comes from, with the middle of the picture at zero."""
    turn, lean = np.deg2rad(theta), np.deg2rad(shear)
    rotation = [[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]]
    shift = [[1, 0, tx], [0, 1, ty], [0, 0, 1]]
    sheared = [[1, -np.sin(lean), 0], [0, np.cos(lean), 0], [0, 0, 1]]
    zoom = np.diag([zx, zy, 1.0])
    return np.array(rotation) @ np.array(shift) @ np.array(sheared) @ zoom


def random_rotation(x: Array, rg: float, *axes: int, **options: Any) -> Array:
    """Turn by an angle between ``-rg`` and ``rg`` degrees."""
    return apply_affine_transform(x, np.random.uniform(-rg, rg), **_named(axes, options))


def random_shift(x: Array, wrg: float, hrg: float, *axes: int, **options: Any) -> Array:
    """Move by at most a part ``hrg`` of the height and ``wrg`` of the width."""
    named = _named(axes, options)
    height, width = x.shape[named["row_axis"]], x.shape[named["col_axis"]]
    tx, ty = np.random.uniform(-hrg, hrg) * height, np.random.uniform(-wrg, wrg) * width
    return apply_affine_transform(x, tx=tx, ty=ty, **named)


def random_shear(x: Array, intensity: float, *axes: int, **options: Any) -> Array:
    """Shear by an angle between ``-intensity`` and ``intensity`` degrees."""
    angle = np.random.uniform(-intensity, intensity)
    return apply_affine_transform(x, shear=angle, **_named(axes, options))


def random_zoom(x: Array, zoom_range: tuple[float, float], *axes: int, **options: Any) -> Array:
    """Zoom rows and columns by factors in a range."""
    if len(zoom_range) != 2:
        raise ValueError(f"`zoom_range` should be a tuple or list of two floats. Got: {zoom_range}")
    zx, zy = np.random.uniform(*zoom_range, 2) if tuple(zoom_range) != (1, 1) else (1, 1)
    return apply_affine_transform(x, zx=zx, zy=zy, **_named(axes, options))


def _named(axes: tuple[int, ...], options: dict[str, Any]) -> dict[str, Any]:
    names = ("row_axis", "col_axis", "channel_axis", "fill_mode", "cval", "interpolation_order")
    named = dict(zip(names, axes, strict=False)) | options
    if "interpolation_order" in named:
        named["order"] = named.pop("interpolation_order")
    return {"row_axis": 1, "col_axis": 2, "channel_axis": 0} | named


def apply_channel_shift(x: Array, intensity: float, channel_axis: int = 0) -> Array:
    """Add a number to all channels, within the range that each has."""
    channels = np.moveaxis(x, channel_axis, 0)
    low, high = x.min(), x.max()
    made = np.stack([np.clip(c + intensity, low, high) for c in channels])
    return np.moveaxis(made, 0, channel_axis)


def random_channel_shift(x: Array, intensity_range: float, channel_axis: int = 0) -> Array:
    """Add a number between ``-intensity_range`` and ``intensity_range``."""
    intensity = np.random.uniform(-intensity_range, intensity_range)
    return apply_channel_shift(x, intensity, channel_axis)


def apply_brightness_shift(x: Array, brightness: float, scale: bool = True) -> Array:
    """Multiply the brightness, over the picture's own range from 0 to 255."""
    low, high = (x.min(), x.max()) if scale else (0.0, 255.0)
    spread = (high - low) / 255 or 1.0
    made = np.clip(np.floor((x - low) / spread) * brightness, 0, 255)
    return (np.floor(made) * spread + low).astype(x.dtype)


def random_brightness(x: Array, brightness_range: tuple[float, float], scale: bool = True) -> Array:
    """Multiply the brightness by a factor in a range."""
    if len(brightness_range) != 2:
        raise ValueError(
            f"`brightness_range should be tuple or list of two floats. Received: {brightness_range}"
        )
    return apply_brightness_shift(x, np.random.uniform(*brightness_range), scale)
