"""Functions on pictures ``[height, width, channels]``, or batches of them with an axis in front."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from graphc.api.arguments import like
from graphc.api.draws import uniform
from graphc.api.elementwise import clip_by_value
from graphc.api.reductions import reduce_max, reduce_mean, reduce_min, reduce_sum
from graphc.api.shapes import cast, concat, pad, stack, transpose
from graphc.errors import InvalidArgumentError
from graphc.ir import dtypes
from graphc.ops import ops
from graphc.trace.dispatch import convert_to_tensor
from graphc.trace.tensor import Tensor


def _image(image: Any, ranks: Sequence[int] = (3, 4)) -> Tensor:
    t = convert_to_tensor(image)
    if len(t.dims) not in ranks:
        raise ValueError(
            f"'image' (shape {t.shape}) must have {' or '.join(map(str, ranks))} dimensions."
        )
    return t


def _grey_or(channels: int, t: Tensor) -> None:
    if not t.dims or t.dims[-1] != channels:
        raise ValueError(f"Input images must have {channels} channels, got shape {t.shape}")


def _top(dtype: Any) -> float:
    """The largest value of a pixel."""
    return 1.0 if dtype.is_floating else float(np.iinfo(dtype.np).max)


# --- dtypes ---------------------------------------------------------------------------------------


def convert_image_dtype(
    image: Any, dtype: Any, saturate: bool = False, name: str | None = None
) -> Tensor:
    """Pixels of another dtype: floats are from 0 to 1, integers from 0 to their largest."""
    t, kind = convert_to_tensor(image), dtypes.as_dtype(dtype)
    if t.dtype is kind:
        return t
    if t.dtype.is_integer and kind.is_integer:
        ratio = (int(_top(t.dtype)) + 1) // (int(_top(kind)) + 1)
        if ratio > 0:
            return cast(ops.floordiv(t, like(ratio, t)), kind)
        wide = cast(t, kind)
        return ops.multiply(wide, like((int(_top(kind)) + 1) // (int(_top(t.dtype)) + 1), wide))
    if t.dtype.is_floating and kind.is_floating:
        return cast(t, kind)
    if t.dtype.is_integer:
        wide = cast(t, kind)
        return ops.multiply(wide, like(1.0 / _top(t.dtype), wide))
    scaled = ops.multiply(t, like(_top(kind) + 0.5, t))
    if saturate:
        scaled = clip_by_value(scaled, float(np.iinfo(kind.np).min), _top(kind))
    return cast(scaled, kind)


def _in_floats(function: Callable[..., Tensor], image: Any, *args: Any) -> Tensor:
    """A function of pixels from 0 to 1, of any pixels."""
    t = convert_to_tensor(image)
    if t.dtype.is_floating:
        return function(t, *args)
    found = function(convert_image_dtype(t, dtypes.float32), *args)
    return convert_image_dtype(found, t.dtype, saturate=True)


# --- colours --------------------------------------------------------------------------------------

GREY = (0.2989, 0.587, 0.114)


def rgb_to_grayscale(images: Any, name: str | None = None) -> Tensor:
    """Brightness as the only channel, by the weights 0.2989, 0.587 and 0.114."""
    _grey_or(3, convert_to_tensor(images))

    def grey(t: Tensor) -> Tensor:
        return ops.expand_dims(
            ops.reduce_sum(ops.multiply(t, like(GREY, t)), axis=(len(t.dims) - 1,)),
            axis=len(t.dims) - 1,
        )

    return _in_floats(grey, images)


def grayscale_to_rgb(images: Any, name: str | None = None) -> Tensor:
    """The only channel three times."""
    t = convert_to_tensor(images)
    _grey_or(1, t)
    return concat([t, t, t], len(t.dims) - 1)


def rgb_to_hsv(images: Any, name: str | None = None) -> Tensor:
    """Hue, saturation and value, each from 0 to 1, of floats from 0 to 1."""
    t = convert_to_tensor(images)
    _grey_or(3, t)
    r, g, b = (t[..., i] for i in range(3))  # type: ignore[index]
    value, least = reduce_max(t, axis=-1), reduce_min(t, axis=-1)
    span = value - least
    flat = ops.equal(span, like(0.0, span))
    zero, one = like(0.0, span), like(1.0, span)
    step = ops.select(flat, zero, one / (6.0 * ops.select(flat, one, span)))
    blue = (r - g) * step + 4.0 / 6.0
    green = (b - r) * step + 2.0 / 6.0
    red = (g - b) * step
    hue = ops.select(ops.equal(r, value), red, ops.select(ops.equal(g, value), green, blue))
    hue = ops.select(flat, zero, ops.select(ops.less(hue, zero), hue + 1.0, hue))
    dark = ops.greater(value, zero)
    saturation = ops.select(dark, span / ops.select(dark, value, one), zero)
    return stack([hue, saturation, value], axis=-1)


def hsv_to_rgb(images: Any, name: str | None = None) -> Tensor:
    """The inverse of `rgb_to_hsv`."""
    t = convert_to_tensor(images)
    _grey_or(3, t)
    h, s, v = (t[..., i] for i in range(3))  # type: ignore[index]
    h6 = h * 6.0
    red = clip_by_value(ops.abs(h6 - 3.0) - 1.0, 0.0, 1.0)
    green = clip_by_value(2.0 - ops.abs(h6 - 2.0), 0.0, 1.0)
    blue = clip_by_value(2.0 - ops.abs(h6 - 4.0), 0.0, 1.0)
    return stack([((c - 1.0) * s + 1.0) * v for c in (red, green, blue)], axis=-1)


def adjust_brightness(image: Any, delta: Any) -> Tensor:
    """``delta`` added, to pixels counted from 0 to 1."""
    return _in_floats(lambda t: t + like(delta, t), image)


def adjust_contrast(images: Any, contrast_factor: Any) -> Tensor:
    """Distances from each channel's mean multiplied."""

    def change(t: Tensor) -> Tensor:
        mean = reduce_mean(t, axis=[-3, -2], keepdims=True)
        return (t - mean) * like(contrast_factor, t) + mean

    return _in_floats(change, _image(images))


def adjust_gamma(image: Any, gamma: Any = 1, gain: Any = 1) -> Tensor:
    """``gain * pixel ** gamma``, of pixels from 0 to 1."""
    if isinstance(gamma, int | float) and gamma < 0:
        raise ValueError("Gamma should be a non-negative real number.")
    return _in_floats(lambda t: ops.multiply(ops.pow(t, like(gamma, t)), like(gain, t)), image)


def adjust_saturation(image: Any, saturation_factor: Any, name: str | None = None) -> Tensor:
    """Saturations multiplied."""

    def change(t: Tensor) -> Tensor:
        hsv = rgb_to_hsv(t)
        more = clip_by_value(hsv[..., 1] * like(saturation_factor, t), 0.0, 1.0)  # type: ignore[index]
        return hsv_to_rgb(stack([hsv[..., 0], more, hsv[..., 2]], axis=-1))  # type: ignore[index]

    return _in_floats(change, image)


def adjust_hue(image: Any, delta: Any, name: str | None = None) -> Tensor:
    """Hues moved on by ``delta``, of a circle of 1."""

    def change(t: Tensor) -> Tensor:
        hsv = rgb_to_hsv(t)
        hue = ops.floormod(hsv[..., 0] + like(delta, t), like(1.0, t))  # type: ignore[index]
        return hsv_to_rgb(stack([hue, hsv[..., 1], hsv[..., 2]], axis=-1))  # type: ignore[index]

    return _in_floats(change, image)


def per_image_standardization(image: Any) -> Tensor:
    """Each picture with mean 0 and deviation 1 (at least ``1 / sqrt(pixels)`` is divided by)."""
    t = _image(image)
    x = t if t.dtype.is_floating else cast(t, dtypes.float32)
    axes = [-3, -2, -1]
    count = cast(ops.extent(size=x.dims[-1] * x.dims[-2] * x.dims[-3]), x.dtype)
    mean = reduce_mean(x, axis=axes, keepdims=True)
    variance = reduce_mean(ops.square(x - mean), axis=axes, keepdims=True)
    deviation = ops.maximum(ops.sqrt(variance), ops.rsqrt(count))
    return (x - mean) / deviation


def total_variation(images: Any, name: str | None = None) -> Tensor:
    """The sum of differences of neighbouring pixels, for each picture."""
    t = _image(images)
    down = ops.abs(t[..., 1:, :, :] - t[..., :-1, :, :])  # type: ignore[index]
    right = ops.abs(t[..., 1:, :] - t[..., :-1, :])  # type: ignore[index]
    axes = [-3, -2, -1]
    return reduce_sum(down, axis=axes) + reduce_sum(right, axis=axes)


# --- places ---------------------------------------------------------------------------------------


def flip_left_right(image: Any) -> Tensor:
    """Columns in reverse."""
    t = _image(image)
    return ops.reverse(t, axis=(len(t.dims) - 2,))


def flip_up_down(image: Any) -> Tensor:
    """Rows in reverse."""
    t = _image(image)
    return ops.reverse(t, axis=(len(t.dims) - 3,))


def transpose_(image: Any, name: str | None = None) -> Tensor:
    """Rows and columns exchanged."""
    t = _image(image)
    return transpose(t, [0, 2, 1, 3] if len(t.dims) == 4 else [1, 0, 2])


def rot90(image: Any, k: int = 1, name: str | None = None) -> Tensor:
    """Turned ``k`` times by a right angle, against the clock."""
    t = _image(image)
    turns = int(k) % 4
    if turns == 1:
        return flip_up_down(transpose_(t))
    if turns == 2:
        return flip_up_down(flip_left_right(t))
    return flip_left_right(transpose_(t)) if turns else t


def crop_to_bounding_box(
    image: Any, offset_height: int, offset_width: int, target_height: int, target_width: int
) -> Tensor:
    """The part of ``target_height`` times ``target_width`` pixels from an offset on.

    Raises ``ValueError`` if it is not inside.
    """
    t = _image(image)
    height, width = t.dims[-3:-1]
    for name, offset, size, whole in (
        ("height", offset_height, target_height, height),
        ("width", offset_width, target_width, width),
    ):
        if offset < 0 or size <= 0:
            raise ValueError(f"offset_{name} must be >= 0 and target_{name} > 0.")
        if isinstance(whole, int) and offset + size > whole:
            raise ValueError(f"{name} must be >= target + offset.")
    rows = slice(offset_height, offset_height + target_height)
    columns = slice(offset_width, offset_width + target_width)
    return t[..., rows, columns, :]  # type: ignore[index]


def pad_to_bounding_box(
    image: Any, offset_height: int, offset_width: int, target_height: int, target_width: int
) -> Tensor:
    """The picture at an offset in one of zeros, ``target_height`` times ``target_width``."""
    t = _image(image)
    height, width = t.dims[-3:-1]
    after = target_height - offset_height - height, target_width - offset_width - width
    if offset_height < 0 or offset_width < 0:
        raise ValueError("offset_height and offset_width must be >= 0")
    if any(isinstance(n, int) and n < 0 for n in after):
        raise ValueError("height and width must be <= target - offset")
    edges = [[offset_height, after[0]], [offset_width, after[1]], [0, 0]]
    return pad(t, [[0, 0], *edges] if len(t.dims) == 4 else edges)


def central_crop(image: Any, central_fraction: float) -> Tensor:
    """The middle of a picture, so much of each side."""
    t = _image(image)
    if not 0.0 < central_fraction <= 1.0:
        raise ValueError("central_fraction must be within (0, 1]")
    if central_fraction == 1.0:
        return t
    height, width = t.dims[-3:-1]
    top, left = (int((n - n * central_fraction) / 2) for n in (height, width))
    return t[..., top : height - top, left : width - left, :]  # type: ignore[index]


def resize_with_crop_or_pad(image: Any, target_height: int, target_width: int) -> Tensor:
    """Cropped or padded with zeros on both sides."""
    t = _image(image)
    height, width = t.dims[-3:-1]
    down, across = target_height - height, target_width - width
    t = crop_to_bounding_box(
        t, max(-down // 2, 0), max(-across // 2, 0),
        min(target_height, height), min(target_width, width),
    )  # fmt: skip
    return pad_to_bounding_box(
        t, max(down // 2, 0), max(across // 2, 0), target_height, target_width
    )


# --- sizes ----------------------------------------------------------------------------------------


class ResizeMethod:
    """How pixels of another size are found (TF: ``tf.image.ResizeMethod``)."""

    BILINEAR = "bilinear"
    NEAREST_NEIGHBOR = "nearest"
    BICUBIC = "bicubic"


def resize(
    images: Any, size: Any, method: str = ResizeMethod.BILINEAR,
    preserve_aspect_ratio: bool = False, antialias: bool = False, name: str | None = None,
) -> Tensor:  # fmt: skip
    """Pictures of another height and width; floats, unless ``method`` is "nearest".

    Raises ``ValueError`` for another method, ``UnimplementedError`` for antialias.
    """
    t = _image(images)
    height, width = (int(n) for n in np.asarray(size).tolist())
    old = t.dims[-3], t.dims[-2]
    if preserve_aspect_ratio:
        scale = min(height / old[0], width / old[1])
        height, width = (int(np.rint(n * scale)) for n in old)
    if method not in _WEIGHTS and method != ResizeMethod.NEAREST_NEIGHBOR:
        raise ValueError(f"Resize method is not implemented: {method}")
    if antialias and (height < old[0] or width < old[1]):
        method = f"{method}+"
    if (height, width) == old:
        return t if method.startswith("nearest") else _float(t)
    rank = len(t.dims)
    if method.startswith("nearest"):
        for axis, (n, m) in ((rank - 3, (height, old[0])), (rank - 2, (width, old[1]))):
            places = np.minimum(((np.arange(n) + 0.5) * (m / n)).astype(np.int32), m - 1)
            t = ops.gather(t, places, axis=axis)
        return t
    x = _float(t)
    for axis, (n, m) in ((rank - 3, (height, old[0])), (rank - 2, (width, old[1]))):
        x = _weighted(x, axis, *_taps(n, m, method))
    return x


def _float(t: Tensor) -> Tensor:
    return cast(t, dtypes.float32)


def _linear(x: np.ndarray) -> np.ndarray:
    return np.maximum(0.0, 1.0 - np.abs(x))


def _cubic(x: np.ndarray) -> np.ndarray:
    """Keys' kernel with a = -0.5."""
    x = np.abs(x)
    near = ((1.5 * x - 2.5) * x) * x + 1.0
    far = ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    return np.where(x >= 2.0, 0.0, np.where(x >= 1.0, far, near))


_WEIGHTS = {"bilinear": (_linear, 1), "bicubic": (_cubic, 2)}


def _taps(n: int, m: int, method: str) -> tuple[np.ndarray, np.ndarray]:
    """For each of n new pixels the old ones it is made of, of m, and their weights: [taps, n].

    (TF: ``ScaleAndTranslate``: pixels have half a pixel around them; weights are normalised.)
    """
    kernel, radius = _WEIGHTS[method.removesuffix("+")]
    stretch = max(m / n, 1.0) if method.endswith("+") else 1.0
    centre = (np.arange(n) + 0.5) * (m / n) - 0.5
    reach = int(np.ceil(radius * stretch))
    places = np.floor(centre)[None] + np.arange(-reach + 1, reach + 1)[:, None]
    weights = kernel((places - centre) / stretch)
    weights = np.where((places < 0) | (places >= m), 0.0, weights)
    weights /= weights.sum(axis=0)
    return np.clip(places, 0, m - 1).astype(np.int32), weights.astype(np.float32)


def _weighted(x: Tensor, axis: int, places: np.ndarray, weights: np.ndarray) -> Tensor:
    form = tuple(-1 if i == axis else 1 for i in range(len(x.dims)))
    total: Any = None
    for at, weight in zip(places, weights, strict=True):
        part = ops.multiply(ops.gather(x, at, axis=axis), weight.reshape(form))
        total = part if total is None else ops.add(total, part)
    return total


# --- by chance ------------------------------------------------------------------------------------


def _chance(image: Any, seed: Any, change: Callable[[Tensor], Tensor]) -> Tensor:
    """Each picture changed, or not."""
    t = _image(image)
    shape = (t.dims[0], 1, 1, 1) if len(t.dims) == 4 else ()
    return ops.select(ops.less(uniform(shape, seed=seed), np.float32(0.5)), change(t), t)


def random_flip_left_right(image: Any, seed: Any = None) -> Tensor:
    """`flip_left_right`, or not."""
    return _chance(image, seed, flip_left_right)


def random_flip_up_down(image: Any, seed: Any = None) -> Tensor:
    """`flip_up_down`, or not."""
    return _chance(image, seed, flip_up_down)


def random_brightness(image: Any, max_delta: float, seed: Any = None) -> Tensor:
    """`adjust_brightness` by at most ``max_delta``."""
    if max_delta < 0:
        raise ValueError("max_delta must be non-negative.")
    return adjust_brightness(image, uniform((), -max_delta, max_delta, seed=seed))


def _between(lower: float, upper: float, seed: Any) -> Tensor:
    if upper <= lower:
        raise ValueError("upper must be > lower.")
    if lower < 0:
        raise ValueError("lower must be non-negative.")
    return uniform((), lower, upper, seed=seed)


def random_contrast(image: Any, lower: float, upper: float, seed: Any = None) -> Tensor:
    """`adjust_contrast` by a factor between two."""
    return adjust_contrast(image, _between(lower, upper, seed))


def random_saturation(image: Any, lower: float, upper: float, seed: Any = None) -> Tensor:
    """`adjust_saturation` by a factor between two."""
    return adjust_saturation(image, _between(lower, upper, seed))


def random_hue(image: Any, max_delta: float, seed: Any = None) -> Tensor:
    """`adjust_hue` by at most ``max_delta``."""
    if not 0 <= max_delta <= 0.5:
        raise ValueError("max_delta must be in [0, 0.5].")
    return adjust_hue(image, uniform((), -max_delta, max_delta, seed=seed))


def random_crop(value: Any, size: Any, seed: Any = None, name: str | None = None) -> Tensor:
    """A part of ``size`` of a tensor, at random.

    Raises ``InvalidArgumentError`` if the tensor is smaller.
    """
    t = convert_to_tensor(value)
    sizes = [int(n) for n in np.asarray(size).tolist()]
    if len(sizes) != len(t.dims) or any(
        isinstance(d, int) and n > d for n, d in zip(sizes, t.dims, strict=True)
    ):
        raise InvalidArgumentError(f"Need value.shape >= size, got {t.shape} and {sizes}")
    starts = []
    for d, n in zip(t.dims, sizes, strict=True):
        room = ops.extent(size=d, dtype=dtypes.int32) - (n - 1)
        drawn = ops.floor(uniform((), seed=seed) * cast(room, dtypes.float32))
        starts.append(ops.minimum(cast(drawn, dtypes.int32), room - 1))
    for axis, (start, n) in enumerate(zip(starts, sizes, strict=True)):
        t = ops.gather(t, start + np.arange(n, dtype=np.int32), axis=axis)
    return t


# --- differences ----------------------------------------------------------------------------------


def psnr(a: Any, b: Any, max_val: Any, name: str | None = None) -> Tensor:
    """The ratio of signal to noise of two pictures, in decibels."""
    x, y = (convert_image_dtype(t, dtypes.float32) for t in (a, b))
    top = convert_image_dtype(like(max_val, convert_to_tensor(a)), dtypes.float32)
    error = reduce_mean(ops.square(x - y), axis=[-3, -2, -1])
    scale = np.float32(10.0 / np.log(10.0))
    return ops.multiply(ops.log(ops.square(top)) - ops.log(error), scale)


def image_gradients(image: Any) -> tuple[Tensor, Tensor]:
    """Differences to the next row and to the next column, zero at the end."""
    t = _image(image, (4,))
    down = pad(t[:, 1:] - t[:, :-1], [[0, 0], [0, 1], [0, 0], [0, 0]])  # type: ignore[index]
    right = pad(t[:, :, 1:] - t[:, :, :-1], [[0, 0], [0, 0], [0, 1], [0, 0]])  # type: ignore[index]
    return down, right
