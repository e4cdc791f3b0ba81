"""Protocol buffers' wire format: numbered fields, each a number or bytes."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

import numpy as np

from graphc.errors import DataLossError

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


def varint(n: int) -> bytes:
    """A number, seven bits a byte; negative ones as 64 bits."""
    n &= 0xFFFFFFFFFFFFFFFF
    out = bytearray()
    while n > 0x7F:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def number(field: int, value: int) -> bytes:
    """A field that is a number."""
    return varint(field << 3 | VARINT) + varint(value)


def block(field: int, data: bytes) -> bytes:
    """A field that is bytes, text or a message."""
    return varint(field << 3 | BYTES) + varint(len(data)) + data


def packed(field: int, values: Iterable[int]) -> bytes:
    """A repeated field of numbers."""
    data = b"".join(map(varint, values))
    return block(field, data) if data else b""


def fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a message in their order: (number, value)."""
    at = 0
    try:
        while at < len(data):
            tag, at = read_varint(data, at)
            kind = tag & 7
            if kind == VARINT:
                value, at = read_varint(data, at)
                yield tag >> 3, value
            else:
                size, at = _size(kind, data, at)
                if at + size > len(data):
                    raise IndexError
                yield tag >> 3, data[at : at + size]
                at += size
    except IndexError:
        raise DataLossError("a message ends in the middle of a field") from None


def _size(kind: int, data: bytes, at: int) -> tuple[int, int]:
    if kind == BYTES:
        return read_varint(data, at)
    if kind in (FIXED64, FIXED32):
        return (8 if kind == FIXED64 else 4), at
    raise DataLossError(f"a message has a field of unknown kind {kind}")


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """The number at a place, and where it ends."""
    shift = n = 0
    while True:
        byte = data[at]
        at += 1
        n |= (byte & 0x7F) << shift
        if byte < 0x80:
            return n & 0xFFFFFFFFFFFFFFFF, at
        shift += 7
        if shift > 63:
            raise DataLossError("a number has more than 64 bits")


def signed(n: int) -> int:
    """A number of 64 bits as a signed one."""
    return n - (1 << 64) if n >> 63 else n


def numbers(value: int | bytes) -> list[int]:
    """The signed numbers of a repeated field, packed or single."""
    if isinstance(value, int):
        return [signed(value)]
    found, at = [], 0
    while at < len(value):
        n, at = read_varint(value, at)
        found.append(signed(n))
    return found


def floats(value: int | bytes) -> list[float]:
    """The floats of a repeated field, packed or single."""
    return np.frombuffer(value, "<f4").tolist()  # type: ignore[arg-type]


def pack_floats(field: int, values: Iterable[float]) -> bytes:
    data = np.asarray(list(values), "<f4").tobytes()
    return block(field, data) if data else b""


def u32(data: bytes) -> int:
    return struct.unpack("<I", data)[0]


def u64(data: bytes) -> int:
    return struct.unpack("<Q", data)[0]
