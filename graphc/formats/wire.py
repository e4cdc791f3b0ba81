"""Protocol buffers on the wire: enough to write messages field by field, and to read them back.

``message((1, 3.0), (2, b"name"))`` is the message whose field 1 is a double and whose field 2 is a
string; see https://protobuf.dev/programming-guides/encoding. The numbers of the fields are those of
the ``.proto`` files that whoever calls this names.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5


@dataclass(frozen=True, slots=True)
class Float:
    """A ``float`` field: four bytes (Python's floats are ``double`` fields)."""

    value: float


@dataclass(frozen=True, slots=True)
class Packed:
    """A repeated number field in its packed form: ``format`` is struct's letter, or "v" for
    varints."""

    values: Iterable[Any]
    format: str = "v"


def varint(value: int) -> bytes:
    """A whole number of 64 bits; negative ones are in two's complement."""
    value &= 0xFFFFFFFFFFFFFFFF
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def message(*fields: tuple[int, Any]) -> bytes:
    """The bytes of a message; fields that are None are left out."""
    return b"".join(_field(number, value) for number, value in fields if value is not None)


def _field(number: int, value: Any) -> bytes:
    if isinstance(value, bool | int):
        return varint(number << 3 | VARINT) + varint(int(value))
    if isinstance(value, float):
        return varint(number << 3 | FIXED64) + struct.pack("<d", value)
    if isinstance(value, Float):
        return varint(number << 3 | FIXED32) + struct.pack("<f", value.value)
    if isinstance(value, Packed):
        raw = _packed(value)
    else:
        raw = value.encode() if isinstance(value, str) else bytes(value)
    return varint(number << 3 | LENGTH) + varint(len(raw)) + raw


def _packed(field: Packed) -> bytes:
    values = list(field.values)
    if field.format == "v":
        return b"".join(map(varint, values))
    return struct.pack(f"<{len(values)}{field.format}", *values)


def fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a message: numbers as they are stored, the rest as bytes.

    Raises ``ValueError`` if the data is no message.
    """
    at = 0
    while at < len(data):
        key, at = read_varint(data, at)
        kind = key & 7
        if kind == VARINT:
            value, at = read_varint(data, at)
            yield key >> 3, value
            continue
        if kind == LENGTH:
            size, at = read_varint(data, at)
        elif kind in (FIXED32, FIXED64):
            size = 4 if kind == FIXED32 else 8
        else:
            raise ValueError(f"field {key >> 3} is of unknown kind {kind}")
        if at + size > len(data):
            raise ValueError(f"field {key >> 3} is cut off")
        yield key >> 3, data[at : at + size]
        at += size


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """The number at an offset, and the offset behind it."""
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise ValueError("a number is cut off")
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if not byte & 0x80:
            return value, at


def signed(value: int) -> int:
    """A stored number as a signed one of 64 bits."""
    return value - (1 << 64) if value >> 63 else value


def numbers(value: int | bytes) -> list[int]:
    """The signed numbers of a repeated field: a single one, or packed."""
    if isinstance(value, int):
        return [signed(value)]
    found, at = [], 0
    while at < len(value):
        number, at = read_varint(value, at)
        found.append(signed(number))
    return found


def floats(value: int | bytes) -> list[float]:
    """The numbers of a repeated ``float`` field: a single one, or packed."""
    assert isinstance(value, bytes)
    return list(struct.unpack(f"<{len(value) // 4}f", value))
