"""Images as PNG, by the standard library alone (https://www.w3.org/TR/png)."""

from __future__ import annotations

import struct
import zlib

import numpy as np

COLOUR = {1: 0, 2: 4, 3: 2, 4: 6}  # colour type by number of channels


def png(image: np.ndarray) -> bytes:
    """The file of a uint8 image [height, width, channels], with 1 to 4 channels."""
    height, width, channels = image.shape
    head = struct.pack(">IIBBBBB", width, height, 8, COLOUR[channels], 0, 0, 0)
    rows = np.zeros((height, 1 + width * channels), np.uint8)  # each begins with its filter: none
    rows[:, 1:] = image.reshape(height, -1)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(rows.tobytes())), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*part) for part in parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    checked = kind + data
    return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))
