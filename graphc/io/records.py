"""TFRecord files: records with their lengths and checksums."""

from __future__ import annotations

import gzip
import os
import struct
import zlib
from collections.abc import Iterator
from functools import cache
from typing import Any

from graphc.errors import DataLossError, InvalidArgumentError, NotFoundError
from graphc.io.wire import u32, u64

OPEN: dict[str, Any] = {"": open, "ZLIB": open, "GZIP": gzip.open}
MASK_DELTA = 0xA282EAD8


@cache
def _table() -> list[int]:
    """CRC-32C of each byte, with the Castagnoli polynomial."""
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


@cache
def _native() -> Any:
    """The checksum as a library computes it, some 500 times faster; None without it."""
    try:
        from google_crc32c import value
    except ImportError:
        return None
    return value


def crc32c(data: bytes) -> int:
    """The checksum of bytes: CRC-32C (RFC 3720)."""
    native = _native()
    if native is not None:
        return native(data)
    crc, table = 0xFFFFFFFF, _table()
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def masked(data: bytes) -> int:
    """The checksum as TFRecord files hold it: turned, so that checksums can be checked again."""
    crc = crc32c(data)
    return (crc >> 15 | crc << 17) + MASK_DELTA & 0xFFFFFFFF


def framed(record: bytes) -> bytes:
    """A record with length and checksums."""
    size = struct.pack("<Q", len(record))
    head = size + struct.pack("<I", masked(size))
    return head + record + struct.pack("<I", masked(record))


class TFRecordOptions:
    """How a file of records is compressed (TF: ``tf.io.TFRecordOptions``)."""

    def __init__(self, compression_type: Any = None, **settings: Any) -> None:
        self.compression_type = "" if compression_type is None else compression_type
        self.settings = settings


def compression(name: Any) -> str:
    """The name of a compression, checked."""
    if isinstance(name, TFRecordOptions):
        name = name.compression_type
    name = "" if name is None else name.decode() if isinstance(name, bytes) else str(name)
    if name not in ("", "GZIP", "ZLIB"):
        raise InvalidArgumentError(f"compression_type is '', 'GZIP' or 'ZLIB', got {name!r}")
    return name


class TFRecordWriter:
    """Writes a file of records (TF: ``tf.io.TFRecordWriter``); a context manager.

    The file is complete after ``close()``.
    """

    def __init__(self, path: Any, options: Any = None) -> None:
        kind = compression(options)
        path = os.fspath(path)
        try:
            self._file: Any = OPEN[kind](path, "wb")
        except FileNotFoundError as error:
            raise NotFoundError(f"{path}; No such file or directory") from error
        self._zlib = zlib.compressobj() if kind == "ZLIB" else None

    def write(self, record: bytes) -> None:
        """Append a record."""
        if not isinstance(record, bytes):
            raise TypeError(f"a record is bytes, got {type(record).__name__}")
        data = framed(record)
        self._file.write(self._zlib.compress(data) if self._zlib else data)

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        if self._file is not None:
            if self._zlib:
                self._file.write(self._zlib.flush())
            self._file.close()
            self._file = None

    def __enter__(self) -> TFRecordWriter:
        return self

    def __exit__(self, *exception: Any) -> None:
        self.close()


def open_file(path: str, kind: str = "") -> Any:
    """A file to read bytes from, decompressed; raises ``NotFoundError``."""
    try:
        file = OPEN[kind](path, "rb")
        return _Inflated(file) if kind == "ZLIB" else file
    except FileNotFoundError as error:
        raise NotFoundError(f"{path}; No such file or directory") from error


class _Inflated:
    """A file of zlib's format."""

    def __init__(self, file: Any) -> None:
        self.file, self.inflate, self.held = file, zlib.decompressobj(), b""

    def read(self, size: int = -1) -> bytes:
        while size < 0 or len(self.held) < size:
            data = self.file.read(65536)
            if not data:
                break
            self.held += self.inflate.decompress(data)
        end = len(self.held) if size < 0 else size
        found, self.held = self.held[:end], self.held[end:]
        return found

    def readline(self) -> bytes:
        while b"\n" not in self.held:
            before = len(self.held)
            self.held = self.read(before + 65536)
            if len(self.held) == before:
                break
        end = self.held.find(b"\n") + 1 or len(self.held)
        return self.read(end)

    def close(self) -> None:
        self.file.close()


def read_records(path: str, kind: str = "") -> Iterator[bytes]:
    """The records of a file; raises ``DataLossError`` where it is damaged."""
    file = open_file(path, kind)
    try:
        at = 0
        while head := file.read(12):
            if len(head) < 12 or masked(head[:8]) != u32(head[8:]):
                raise DataLossError(f"corrupted record at {at} in {path}")
            size = u64(head[:8])
            data = file.read(size + 4)
            if len(data) < size + 4:
                raise DataLossError(f"truncated record at {at} in {path}")
            if masked(data[:size]) != u32(data[size:]):
                raise DataLossError(f"corrupted record at {at} in {path}")
            yield data[:size]
            at += 12 + len(data)
    finally:
        file.close()
