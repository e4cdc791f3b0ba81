"""Pictures as bytes: PNG, JPEG, GIF and BMP, read and written by Pillow."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from graphc.errors import InvalidArgumentError
from graphc.formats.extras import extra
from graphc.io.steps import Spec, host, scalar, strings
from graphc.ir import dtypes
from graphc.trace.dispatch import convert_to_tensor
from graphc.trace.tensor import Tensor

MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}


def _pillow() -> Any:
    return extra("PIL.Image", "image", "reading and writing pictures needs Pillow")


def _opened(data: bytes, formats: tuple[str, ...]) -> Any:
    image = _pillow()
    try:
        found = image.open(io.BytesIO(data), formats=formats)
        found.load()
    except (OSError, SyntaxError, ValueError) as error:
        shown = ", ".join(formats)
        raise InvalidArgumentError(
            f"Unknown image file format, or a damaged file: expected {shown}, got {data[:8]!r}"
        ) from error
    return found


def _channels(given: Any) -> int:
    channels = 0 if given is None else int(given)
    if channels not in (0, 1, 3, 4):
        raise InvalidArgumentError(f"channels must be 0, 1, 3 or 4, got {channels}")
    return channels


def _pixels(picture: Any, channels: int) -> np.ndarray:
    """A picture as an array u8 (or u16, for PNG files that are so): [height, width, channels]."""
    deep = picture.mode.startswith("I;16") or picture.mode == "I"
    if deep and channels in (0, 1):
        return np.asarray(picture, np.uint16)[..., None]
    if not channels:
        plain = picture.mode in ("L", "LA", "RGB", "RGBA")
        grey = picture.mode in ("1", "I", "I;16", "F")
        mode = picture.mode if plain else "L" if grey else "RGB"
        if picture.mode == "P" and "transparency" in picture.info:
            mode = "RGBA"
    else:
        mode = MODES[channels]
    array = np.asarray(picture.convert(mode))
    return array[..., None] if array.ndim == 2 else array


def _as_dtype(array: np.ndarray, dtype: Any) -> np.ndarray:
    """Pixels in the range of a dtype: 0 to 1 for floats, all bits for integers."""
    if array.dtype == dtype.np:
        return array
    top = np.iinfo(array.dtype).max
    if dtype.is_floating:
        return (array.astype(np.float32) / top).astype(dtype.np)
    if dtype is dtypes.uint16:
        return array.astype(np.uint16) * 257
    return (array >> 8).astype(np.uint8)


def _decoded(contents: Any, channels: Any, dtype: Any, formats: tuple[str, ...]) -> Tensor:
    wanted, kind = _channels(channels), dtypes.as_dtype(dtype)

    def step(data: np.ndarray) -> list[np.ndarray]:
        return [_as_dtype(_pixels(_opened(data[()], formats), wanted), kind)]

    spec = Spec(kind, [None, None, wanted or None])
    return host(step, [scalar(contents, "contents")], spec)[0]


def decode_png(
    contents: Any, channels: Any = 0, dtype: Any = dtypes.uint8, name: str | None = None
) -> Tensor:
    """A PNG file's pixels: ``[height, width, channels]``; ``channels`` 0: as in the file."""
    return _decoded(contents, channels, dtype, ("PNG", "JPEG", "GIF", "BMP"))


def decode_jpeg(
    contents: Any, channels: Any = 0, ratio: int = 1, fancy_upscaling: bool = True,
    try_recover_truncated: bool = False, acceptable_fraction: float = 1,
    dct_method: str = "", name: str | None = None,
) -> Tensor:  # fmt: skip
    """A JPEG file's pixels u8: ``[height, width, channels]``.

    Other decoders differ from this one by one or two in a pixel.
    """
    found = _decoded(contents, channels, dtypes.uint8, ("JPEG", "PNG", "GIF", "BMP"))
    return found if ratio == 1 else found[::ratio, ::ratio]  # type: ignore[index]


def decode_bmp(contents: Any, channels: Any = 0, name: str | None = None) -> Tensor:
    """A BMP file's pixels u8: ``[height, width, channels]``."""
    return _decoded(contents, channels, dtypes.uint8, ("BMP",))


def _frames(data: bytes) -> np.ndarray:
    picture = _opened(data, ("GIF",))
    frames = []
    for i in range(getattr(picture, "n_frames", 1)):
        picture.seek(i)
        frames.append(np.asarray(picture.convert("RGB")))
    return np.stack(frames)


def decode_gif(contents: Any, name: str | None = None) -> Tensor:
    """A GIF file's frames u8: ``[frames, height, width, 3]``."""
    spec = Spec(dtypes.uint8, [None, None, None, 3])
    return host(lambda d: [_frames(d[()])], [scalar(contents, "contents")], spec)[0]


def decode_image(
    contents: Any, channels: Any = None, dtype: Any = dtypes.uint8, name: str | None = None,
    expand_animations: bool = True,
) -> Tensor:  # fmt: skip
    """The pixels of a PNG, JPEG, BMP or GIF file.

    A GIF has an axis of frames in front, unless ``expand_animations`` is False; in a graph that
    must be known, and the result has three axes.
    """
    t = scalar(contents, "contents")
    moving = expand_animations and hasattr(t, "_array") and t._array[()][:3] == b"GIF"
    if moving:
        found = decode_gif(t)
        kind = dtypes.as_dtype(dtype)
        return host(lambda a: [_as_dtype(a, kind)], [found], Spec(kind, [None] * 4))[0]
    return _decoded(t, channels, dtype, ("PNG", "JPEG", "GIF", "BMP"))


def is_jpeg(contents: Any, name: str | None = None) -> Tensor:
    """Whether bytes begin like a JPEG file."""
    step = lambda d: [np.array(d[()][:3] == b"\xff\xd8\xff")]  # noqa: E731
    return host(step, [scalar(contents, "contents")], Spec(dtypes.bool_))[0]


def extract_jpeg_shape(
    contents: Any, output_type: Any = dtypes.int32, name: str | None = None
) -> Tensor:
    """Height, width and channels of a JPEG file."""

    def step(data: np.ndarray) -> list[Any]:
        picture = _opened(data[()], ("JPEG",))
        return [np.array([picture.height, picture.width, len(picture.getbands())])]

    return host(step, [scalar(contents, "contents")], Spec(dtypes.as_dtype(output_type), [3]))[0]


# --- writing --------------------------------------------------------------------------------------


def _encoded(image: Any, kind: str, known: tuple[int, ...], **options: Any) -> Tensor:
    t = convert_to_tensor(image)
    if len(t.dims) != 3 or t.dims[2] not in known:
        raise InvalidArgumentError(
            f"image must be [height, width, channels] with {known} channels, got {t.shape}"
        )
    if t.dtype is not dtypes.uint8 and not (t.dtype is dtypes.uint16 and t.dims[2] == 1):
        raise InvalidArgumentError(f"image must be uint8, got {t.dtype.name}")

    def step(array: np.ndarray) -> list[np.ndarray]:
        flat = array[..., 0] if array.shape[2] == 1 else array
        out = io.BytesIO()
        _pillow().fromarray(np.ascontiguousarray(flat)).save(out, kind, **options)
        return [strings([out.getvalue()], ())]

    return host(step, [t], Spec(dtypes.string))[0]


def encode_png(image: Any, compression: int = -1, name: str | None = None) -> Tensor:
    """A PNG file of pixels u8 ``[height, width, channels]``, 1 to 4 channels."""
    level = {} if compression < 0 else {"compress_level": compression}
    return _encoded(image, "PNG", (1, 2, 3, 4), **level)


def encode_jpeg(
    image: Any, format: str = "", quality: int = 95, progressive: bool = False,
    optimize_size: bool = False, chroma_downsampling: bool = True, density_unit: str = "in",
    x_density: int = 300, y_density: int = 300, xmp_metadata: str = "", name: str | None = None,
) -> Tensor:  # fmt: skip
    """A JPEG file of pixels u8 ``[height, width, channels]``, 1 or 3 channels."""
    return _encoded(
        image, "JPEG", (1, 3), quality=quality, progressive=progressive, optimize=optimize_size,
        subsampling=2 if chroma_downsampling else 0, dpi=(x_density, y_density),
    )  # fmt: skip
