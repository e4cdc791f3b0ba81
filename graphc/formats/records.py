"""TFRecord files: records with masked CRC-32C checksums, as TensorFlow and TensorBoard read them.

A record is its length (u64), the checksum of the length (u32), the data, the checksum of the data
(u32), all little-endian.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import cache
from typing import BinaryIO

import numpy as np

from graphc.errors import DataLossError

POLYNOMIAL = 0x82F63B78  # Castagnoli, reflected
LANES = 1024  # parts of long data that are summed side by side
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
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def framed(data: bytes) -> bytes:
    """A record with its length and checksums."""
    length = struct.pack("<Q", len(data))
    return HEAD.pack(len(data), masked_crc32c(length)) + data + TAIL.pack(masked_crc32c(data))


def read_records(file: BinaryIO, name: str) -> Iterator[bytes]:
    """The data of each record; ``DataLossError`` if the file is cut off or damaged."""
    offset = 0
    while head := file.read(HEAD.size):
        if len(head) < HEAD.size:
            raise DataLossError(f"{name}: truncated record at {offset}")
        length, check = HEAD.unpack(head)
        if masked_crc32c(head[:8]) != check:
            raise DataLossError(
                f"{name}: corrupted record at {offset}: its length has been changed"
            )
        data, tail = file.read(length), file.read(TAIL.size)
        if len(data) < length or len(tail) < TAIL.size:
            raise DataLossError(f"{name}: truncated record at {offset}")
        if masked_crc32c(data) != TAIL.unpack(tail)[0]:
            raise DataLossError(f"{name}: corrupted record at {offset}: its data has been changed")
        offset += HEAD.size + length + TAIL.size
        yield data
