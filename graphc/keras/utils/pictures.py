"""Pictures as arrays, from files and into files, by Pillow (the extra ``graphc[image]``)."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np

import graphc as tf
from graphc.formats.extras import extra

INTERPOLATION = ("nearest", "bilinear", "bicubic", "hamming", "box", "lanczos")
MODES = {"grayscale": "L", "rgba": "RGBA", "rgb": "RGB"}


def pillow() -> Any:
    """Pillow's ``Image`` module; ``ImportError`` names the extra."""
    return extra("PIL.Image", "image", "pictures need Pillow")


def img_to_array(img: Any, data_format: str | None = None, dtype: Any = None) -> np.ndarray:
    """A picture of Pillow's, or an array, as an array [height, width, channels] (float32)."""
    array = np.asarray(img, dtype or np.float32)
    if array.ndim == 2:
        array = array[:, :, None]
    if array.ndim != 3:
        raise ValueError(f"Unsupported image shape: {array.shape}")
    _check_format(data_format)
    return array.transpose(2, 0, 1) if data_format == "channels_first" else array


def array_to_img(
    x: Any, data_format: str | None = None, scale: bool = True, dtype: Any = None
) -> Any:
    """A picture of Pillow's from [height, width, channels]; ``scale`` spreads it over 0 to 255."""
    array = np.asarray(x, dtype or np.float32)
    if array.ndim != 3:
        raise ValueError(
            "Expected image array to have rank 3 (single image). Got array with shape:"
            f" {array.shape}"
        )
    _check_format(data_format)
    if data_format == "channels_first":
        array = array.transpose(1, 2, 0)
    if scale:
        array = array - array.min()
        array = array / (array.max() or 1) * 255
    channels = array.shape[2]
    if channels not in (1, 3, 4):
        raise ValueError(f"Unsupported channel number: {channels}")
    made = array.astype(np.int32 if array.max() > 255 and channels == 1 else np.uint8)
    return pillow().fromarray(made[:, :, 0] if channels == 1 else made)


def load_img(
    path: Any, grayscale: bool = False, color_mode: str = "rgb", target_size: Any = None,
    interpolation: str = "nearest", keep_aspect_ratio: bool = False,
) -> Any:  # fmt: skip
    """A picture of Pillow's from a file, in a colour mode and of a size (height, width)."""
    image = pillow()
    mode = "grayscale" if grayscale else color_mode
    if mode not in MODES:
        raise ValueError('color_mode must be "grayscale", "rgb", or "rgba"')
    if interpolation not in INTERPOLATION:
        raise ValueError(
            f"Invalid interpolation method {interpolation} specified. Supported methods are"
            f" {', '.join(INTERPOLATION)}"
        )
    source = path if isinstance(path, io.IOBase) else io.BytesIO(Path(path).read_bytes())
    with image.open(source) as opened:
        keep = mode == "grayscale" and opened.mode in ("I;16", "I", "L")
        keep = keep or opened.mode == MODES[mode]
        picture = opened.copy() if keep else opened.convert(MODES[mode])
    if target_size is not None and (picture.height, picture.width) != tuple(target_size):
        height, width = target_size
        box = _middle(picture, height / width) if keep_aspect_ratio else None
        how = getattr(image.Resampling, interpolation.upper())
        picture = picture.resize((width, height), how, box=box)
    return picture


def _middle(picture: Any, shape: float) -> tuple[float, float, float, float]:
    """The largest part in the middle that is ``shape`` times as high as wide."""
    height = min(picture.height, int(picture.width * shape))
    width = min(picture.width, int(picture.height / shape))
    left, top = (picture.width - width) // 2, (picture.height - height) // 2
    return (left, top, left + width, top + height)


def save_img(
    path: Any, x: Any, data_format: str | None = None, file_format: str | None = None,
    scale: bool = True, **kwargs: Any,
) -> None:  # fmt: skip
    """Write an array [height, width, channels] as a picture file."""
    picture = array_to_img(x, data_format, scale)
    if picture.mode == "RGBA" and file_format in ("jpg", "jpeg"):
        picture = picture.convert("RGB")
    picture.save(path, format="jpeg" if file_format == "jpg" else file_format, **kwargs)


def _check_format(data_format: str | None) -> None:
    if data_format not in (None, "channels_first", "channels_last"):
        raise ValueError(f"Invalid data_format: {data_format}")


def smart_resize(
    x: Any, size: Any, interpolation: str = "bilinear", data_format: str = "channels_last",
    backend_module: Any = None,
) -> Any:  # fmt: skip
    """Pictures [..., height, width, channels] of a size, cut to its shape first so that nothing is
    stretched; numpy arrays give numpy arrays."""
    rows, columns = (int(n) for n in x.shape[-3:-1])
    height, width = size
    kept_rows = min(rows, int(columns * height / width))
    kept_columns = min(columns, int(rows * width / height))
    top, left = (rows - kept_rows) // 2, (columns - kept_columns) // 2
    part = x[..., top : top + kept_rows, left : left + kept_columns, :]
    made = tf.image.resize(part, [height, width], interpolation)
    return made.numpy() if isinstance(x, np.ndarray) else made
