"""TFRecord files: records with masked CRC-32C checksums, as TensorFlow and TensorBoard read them.

A record is its length (u64), the checksum of the length (u32), the data, the checksum of the data
(u32), all little-endian.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from functools import cache
from typing import BinaryIO

import numpy as np

from graphc.errors import DataLossError

POLYNOMIAL = 0x82F63B78  # Castagnoli, reflected
LANES = 1024  # parts of long data that are summed side by side
BLOCK, WIDE = 256, 4096  # records whose sums are computed together; not beyond so many bytes each
HEAD = struct.Struct("<QI")
TAIL = struct.Struct("<I")


@cache
def _table() -> tuple[int, ...]:
    def entry(value: int) -> int:
        for _ in range(8):
            value = (value >> 1) ^ (POLYNOMIAL if value & 1 else 0)
        return value

    return tuple(map(entry, range(256)))


def crc32c(data: bytes) -> int:
    """The CRC-32C (Castagnoli) of some bytes."""
    length = len(data) // LANES
    if length < 16:
        return _crc(data, 0xFFFFFFFF) ^ 0xFFFFFFFF
    # The lanes are summed in one go. A checksum is linear: what comes before a lane counts as its
    # sum moved on by the lane's length.
    lanes = np.frombuffer(data, np.uint8, LANES * length).reshape(LANES, length)
    sums = np.zeros(LANES, np.uint32)
    sums[0] = 0xFFFFFFFF
    table = np.array(_table(), np.uint32)
    for column in lanes.T:
        sums = table[(sums ^ column) & 0xFF] ^ (sums >> 8)
    moved = _moved(length)
    crc = 0
    for own in sums.tolist():
        crc = (
            moved[0][crc & 255] ^ moved[1][crc >> 8 & 255] ^ moved[2][crc >> 16 & 255]
            ^ moved[3][crc >> 24] ^ own
        )  # fmt: skip
    return _crc(data[LANES * length :], crc) ^ 0xFFFFFFFF


def _crc(data: bytes, crc: int) -> int:
    table = _table()
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc


@cache
def _moved(length: int) -> list[list[int]]:
    """For each of the four bytes of a sum: what it becomes when ``length`` zero bytes follow."""
    bits = [_after_zeros(1 << i, length) for i in range(32)]
    tables = []
    for byte in range(4):
        own = bits[8 * byte : 8 * byte + 8]
        table = [0] * 256
        for value in range(1, 256):
            low = value & -value
            table[value] = table[value ^ low] ^ own[low.bit_length() - 1]
        tables.append(table)
    return tables


def _after_zeros(crc: int, count: int) -> int:
    table = _table()
    for _ in range(count):
        crc = table[crc & 0xFF] ^ (crc >> 8)
    return crc


def masked_crc32c(data: bytes) -> int:
    """The checksum as it is stored: rotated and shifted, for data that holds checksums itself."""
    return _masked(crc32c(data))


def _masked(crc: int) -> int:
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def framed(data: bytes) -> bytes:
    """A record with its length and checksums."""
    length = struct.pack("<Q", len(data))
    return HEAD.pack(len(data), masked_crc32c(length)) + data + TAIL.pack(masked_crc32c(data))


def read_records(file: BinaryIO, name: str) -> Iterator[bytes]:
    """The data of each record; ``DataLossError`` if the file is cut off or damaged.

    Records are read some hundred at a time, whose checksums are computed side by side.
    """
    offset, ended = 0, False
    while not ended:
        block: list[bytes] = []
        checks: list[int] = []
        broken = ""
        while len(block) < BLOCK and not ended:
            data, check, broken = _next(file)
            ended = data is None
            if data is not None:
                block.append(data)
                checks.append(check)
        for data, check, crc in zip(block, checks, _crcs(block), strict=True):
            if _masked(crc) != check:
                raise DataLossError(
                    f"{name}: corrupted record at {offset}: its data has been changed"
                )
            yield data
            offset += HEAD.size + len(data) + TAIL.size
        if broken:
            raise DataLossError(f"{name}: {broken.format(offset)}")


def _next(file: BinaryIO) -> tuple[bytes | None, int, str]:
    """A record and the checksum it should have; or None, and what is wrong, if something is."""
    head = file.read(HEAD.size)
    if not head:
        return None, 0, ""
    if len(head) < HEAD.size:
        return None, 0, "truncated record at {}"
    length, check = HEAD.unpack(head)
    if _masked(_crc(head[:8], 0xFFFFFFFF) ^ 0xFFFFFFFF) != check:
        return None, 0, "corrupted record at {}: its length has been changed"
    data, tail = file.read(length), file.read(TAIL.size)
    if len(data) < length or len(tail) < TAIL.size:
        return None, 0, "truncated record at {}"
    return data, TAIL.unpack(tail)[0], ""


def _crcs(parts: Sequence[bytes]) -> list[int]:
    """The checksums of several records: byte by byte, but all of them in one go."""
    longest = max(map(len, parts), default=0)
    if len(parts) < 8 or longest > WIDE:
        return [crc32c(part) for part in parts]
    order = sorted(range(len(parts)), key=lambda i: -len(parts[i]))
    padded = b"".join(parts[i].ljust(longest, b"\0") for i in order)
    columns = np.frombuffer(padded, np.uint8).reshape(len(parts), longest).T
    lengths = np.array([len(parts[i]) for i in order])
    left = np.searchsorted(-lengths, -np.arange(longest), side="left")  # records longer than that
    sums = np.full(len(parts), 0xFFFFFFFF, np.uint32)
    table = np.array(_table(), np.uint32)
    for column, count in zip(columns, left.tolist(), strict=True):
        now = sums[:count]
        sums[:count] = table[(now ^ column[:count]) & 0xFF] ^ (now >> 8)
    found = [0] * len(parts)
    for i, crc in zip(order, (sums ^ np.uint32(0xFFFFFFFF)).tolist(), strict=True):
        found[i] = crc
    return found
