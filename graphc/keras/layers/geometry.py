"""How windows go over the axes between batch and channels."""

from __future__ import annotations

from typing import Any

from graphc.keras.backend import image_data_format

_FORMATS = {1: ("NWC", "NCW"), 2: ("NHWC", "NCHW"), 3: ("NDHWC", "NCDHW")}


def per_axis(value: Any, rank: int, name: str, least: int = 1) -> tuple[int, ...]:
    """One number for each axis; one alone is for all."""
    found = (value,) * rank if isinstance(value, int) else tuple(value)
    if len(found) != rank or any(not isinstance(n, int) or n < least for n in found):
        raise ValueError(
            f"The `{name}` argument must be an integer or a tuple of {rank} integers, at least"
            f" {least}. Received: {value}"
        )
    return found


def known_padding(value: str, allowed: tuple[str, ...] = ("valid", "same")) -> str:
    found = value.lower()
    if found not in allowed:
        raise ValueError(
            f"The `padding` argument must be one of {', '.join(map(repr, allowed))}."
            f" Received: {value}"
        )
    return found


def known_format(value: str | None) -> str:
    """``"channels_last"`` or ``"channels_first"``"""
    found = image_data_format() if value is None else value.lower()
    if found not in ("channels_last", "channels_first"):
        raise ValueError(
            'The `data_format` argument must be one of "channels_first", "channels_last".'
            f" Received: {value}"
        )
    return found


def tensorflow_format(data_format: str, rank: int) -> str:
    """``"NHWC"``"""
    return _FORMATS[rank][data_format == "channels_first"]


def channel_axis(data_format: str) -> int:
    return 1 if data_format == "channels_first" else -1


def spatial_axes(data_format: str, rank: int) -> range:
    return range(2, rank + 2) if data_format == "channels_first" else range(1, rank + 1)
