"""TFRecord files: records with their lengths and checksums."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator
from typing import Any

from graphc.errors import InvalidArgumentError, NotFoundError
from graphc.formats import records

OPEN: dict[str, Any] = {"": open, "ZLIB": open, "GZIP": gzip.open}


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
        data = records.framed(record)
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
        yield from records.read_records(file, path)
    finally:
        file.close()
