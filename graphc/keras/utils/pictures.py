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
CHANNELS = {"grayscale": 1, "rgb": 3, "rgba": 4}


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
        box = None
        if keep_aspect_ratio:
            top, left, rows, columns = middle(picture.height, picture.width, height, width)
            box = (left, top, left + columns, top + rows)
        how = getattr(image.Resampling, interpolation.upper())
        picture = picture.resize((width, height), how, box=box)
    return picture


def middle(rows: int, columns: int, height: int, width: int) -> tuple[int, int, int, int]:
    """The largest part in the middle that has the shape height : width: its first row and column,
    its rows and columns."""
    kept_rows = min(rows, columns * height // width)
    kept_columns = min(columns, rows * width // height)
    return (rows - kept_rows) // 2, (columns - kept_columns) // 2, kept_rows, kept_columns


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
    _check_format(data_format)
    first, rank = data_format == "channels_first", len(x.shape)
    leading = list(range(rank - 3))
    last = tf.transpose(x, [*leading, rank - 2, rank - 1, rank - 3]) if first else x
    height, width = size
    top, left, rows, columns = middle(int(last.shape[-3]), int(last.shape[-2]), height, width)
    part = last[..., top : top + rows, left : left + columns, :]
    made = tf.image.resize(part, [height, width], interpolation)
    made = tf.transpose(made, [*leading, rank - 1, rank - 3, rank - 2]) if first else made
    return made.numpy() if isinstance(x, np.ndarray) else made
