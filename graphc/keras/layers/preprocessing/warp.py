"""Pictures whose places come from other places, by affine maps and interpolation."""

from __future__ import annotations

from typing import Any

import graphc as tf


def warped(x: Any, matrix: Any, fill_mode: str, interpolation: str, fill_value: float) -> Any:
    """Pictures [n, h, w, c]; row (a, b, p, d, e, q) of ``matrix`` [n, 6] says that the place (y, x)
    comes from (a y + b x + p, d y + e x + q), with the middle of the picture at (0, 0)."""
    shape = tf.shape(x)
    height, width = shape[1], shape[2]
    middle_y = (tf.cast(height, x.dtype) - 1.0) / 2.0
    middle_x = (tf.cast(width, x.dtype) - 1.0) / 2.0
    ys = tf.cast(tf.range(height), x.dtype)[None, :, None] - middle_y
    xs = tf.cast(tf.range(width), x.dtype)[None, None, :] - middle_x
    a, b, p, d, e, q = (matrix[:, i][:, None, None] for i in range(6))
    from_y = a * ys + b * xs + p + middle_y
    from_x = d * ys + e * xs + q + middle_x
    if interpolation == "nearest":
        return _taken(x, tf.round(from_y), tf.round(from_x), fill_mode, fill_value)
    y0, x0 = tf.floor(from_y), tf.floor(from_x)
    down, right = (from_y - y0)[..., None], (from_x - x0)[..., None]
    upper = _taken(x, y0, x0, fill_mode, fill_value) * (1.0 - right)
    upper += _taken(x, y0, x0 + 1.0, fill_mode, fill_value) * right
    lower = _taken(x, y0 + 1.0, x0, fill_mode, fill_value) * (1.0 - right)
    lower += _taken(x, y0 + 1.0, x0 + 1.0, fill_mode, fill_value) * right
    return upper * (1.0 - down) + lower * down


def _taken(x: Any, ys: Any, xs: Any, fill_mode: str, fill_value: float) -> Any:
    """The elements at places, which may lie outside."""
    shape = tf.shape(x)
    height, width = shape[1], shape[2]
    rows, columns = tf.cast(ys, tf.int32), tf.cast(xs, tf.int32)
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    at = _inside(rows, height, fill_mode) * width + _inside(columns, width, fill_mode)
    flat = tf.reshape(x, tf.stack([shape[0], height * width, shape[3]]))
    found = tf.gather(flat, tf.reshape(at, tf.stack([shape[0], -1])), batch_dims=1)
    found = tf.reshape(found, shape)
    if fill_mode == "constant":
        found = tf.where(inside[..., None], found, tf.cast(fill_value, x.dtype))
    return found


def _inside(index: Any, size: Any, fill_mode: str) -> Any:
    """An index for each one that lies outside."""
    if fill_mode == "wrap":
        return index % size
    if fill_mode == "reflect":  # d c b a | a b c d | d c b a
        index = index % (2 * size)
        return tf.where(index >= size, 2 * size - 1 - index, index)
    return tf.clip_by_value(index, 0, size - 1)
