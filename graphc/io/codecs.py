"""Bytes and text as tensors: raw numbers, base64, compression, serialised tensors, CSV lines."""

from __future__ import annotations

import base64
import csv
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc.errors import DataLossError, InvalidArgumentError
from graphc.io import tensors
from graphc.io.steps import Spec, constant, each, host, scalar, strings, text
from graphc.ir import dtypes
from graphc.trace.dispatch import convert_to_tensor
from graphc.trace.tensor import Tensor


def _sizes(t: Tensor) -> list[int | None]:
    return [d if isinstance(d, int) else None for d in t.dims]


def decode_raw(
    input_bytes: Any, out_type: Any, little_endian: bool = True, fixed_length: Any = None,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """The bytes of each string as numbers; the strings have one length.

    Raises ``InvalidArgumentError`` for different lengths, or one that numbers do not fill.
    """
    dtype = dtypes.as_dtype(out_type)
    order = dtype.np.newbyteorder("<" if little_endian else ">")

    def step(array: np.ndarray) -> list[np.ndarray]:
        items = array.ravel().tolist()
        if fixed_length is not None:
            items = [s[:fixed_length].ljust(int(fixed_length), b"\0") for s in items]
        lengths = {len(s) for s in items}
        if len(lengths) > 1:
            raise InvalidArgumentError(
                "DecodeRaw requires input strings to all be the same size, but there are sizes"
                f" {sorted(lengths)}"
            )
        size = lengths.pop() if lengths else 0
        if size % dtype.size:
            raise InvalidArgumentError(
                f"Input to DecodeRaw has length {size} that is not a multiple of {dtype.size}, the"
                f" size of {dtype.name}"
            )
        numbers = np.frombuffer(b"".join(items), order).astype(dtype.np)
        return [numbers.reshape(*array.shape, size // dtype.size)]

    t = text(input_bytes, "input_bytes")
    return host(step, [t], Spec(dtype, [*_sizes(t), None]))[0]


def encode_base64(input: Any, pad: bool = False, name: str | None = None) -> Tensor:
    """Base64 of each string, with the web-safe letters."""

    def encode(data: bytes) -> bytes:
        made = base64.urlsafe_b64encode(data)
        return made if pad else made.rstrip(b"=")

    return each(encode, text(input, "input"))


def decode_base64(input: Any, name: str | None = None) -> Tensor:
    """What web-safe base64 strings stand for."""

    def decode(data: bytes) -> bytes:
        try:
            return base64.b64decode(data + b"=" * (-len(data) % 4), altchars=b"-_", validate=True)
        except ValueError as error:
            raise InvalidArgumentError(f"invalid base64: {error}") from error

    return each(decode, text(input, "input"))


def decode_compressed(bytes: Any, compression_type: str = "", name: str | None = None) -> Tensor:
    """Strings decompressed: GZIP, ZLIB, or as they are."""
    bits = {"": 0, "GZIP": 31, "ZLIB": 15}
    if compression_type not in bits:
        raise InvalidArgumentError(
            f"compression_type is '', 'GZIP' or 'ZLIB', got {compression_type!r}"
        )

    def decode(data: Any) -> Any:
        try:
            return zlib.decompress(data, bits[compression_type]) if compression_type else data
        except zlib.error as error:
            raise DataLossError(f"cannot decompress: {error}") from error

    return each(decode, text(bytes, "bytes"))


def serialize_tensor(tensor: Any, name: str | None = None) -> Tensor:
    """A tensor as a string: TensorFlow's ``TensorProto``."""

    def step(array: np.ndarray) -> list[np.ndarray]:
        return [strings([tensors.serialize(array)], ())]

    return host(step, [convert_to_tensor(tensor)], Spec(dtypes.string))[0]


def parse_tensor(serialized: Any, out_type: Any, name: str | None = None) -> Tensor:
    """The tensor of a string from `serialize_tensor`.

    Raises ``InvalidArgumentError`` for another dtype.  In a graph it needs a place where the rank
    may be unknown, so it runs as Python.
    """
    dtype = dtypes.as_dtype(out_type)

    def step(data: np.ndarray) -> list[np.ndarray]:
        return [tensors.parse(data[()], dtype)]

    return host(step, [scalar(serialized, "serialized")], Spec(dtype, None))[0]


# --- CSV ------------------------------------------------------------------------------------------


class Column:
    """How fields become a column: a dtype, and a default unless a field is due."""

    def __init__(self, given: Any) -> None:
        if isinstance(given, dtypes.DType | np.dtype | type):
            self.dtype, self.default = dtypes.as_dtype(given), None
            return
        array = np.ravel(constant(given))
        if array.size > 1:
            raise InvalidArgumentError(f"record_defaults holds one default a column, got {given!r}")
        self.dtype = dtypes.of_numpy(array.dtype)
        self.default = array[0] if array.size else None

    def convert(self, fields: Sequence[str], number: int, na: str) -> np.ndarray:
        """The fields of column ``number`` as an array."""
        missing = [f == "" or f == na for f in fields]
        if any(missing):
            if self.default is None:
                raise InvalidArgumentError(
                    f"Field {number} is required but missing in record {missing.index(True)}!"
                )
            fields = ["" if gone else f for f, gone in zip(fields, missing, strict=True)]
        if self.dtype is dtypes.string:
            empty = bytes(self.default) if any(missing) else b""
            found = [f.encode("utf-8", "surrogateescape") or empty for f in fields]
            return strings([f if f is not None else b"" for f in found])
        if any(missing):
            fill = str(self.default)
            fields = [fill if gone else f for f, gone in zip(fields, missing, strict=True)]
        return self._numbers(fields, number)

    def _numbers(self, fields: Sequence[str], number: int) -> np.ndarray:
        try:
            return np.array(fields, str).astype(self.dtype.np)
        except (ValueError, OverflowError):
            for i, field in enumerate(fields):
                try:
                    np.array(field).astype(self.dtype.np)
                except (ValueError, OverflowError):
                    raise InvalidArgumentError(
                        f"Field {number} in record {i} is not a valid {self.dtype.name}: {field}"
                    ) from None
            raise


def split_lines(lines: Any, delimiter: str, quotes: bool) -> Any:
    """The fields of CSV lines (RFC 4180)."""
    style = csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE
    return csv.reader(lines, delimiter=delimiter, quoting=style, strict=True)


def decode_csv(
    records: Any, record_defaults: Any, field_delim: str = ",", use_quote_delim: bool = True,
    na_value: str = "", select_cols: Sequence[int] | None = None, name: str | None = None,
) -> list[Tensor]:  # fmt: skip
    """CSV lines as columns, one tensor shaped like ``records`` for each default.

    A default is a scalar or ``[scalar]``; ``[]`` of a dtype (or a dtype) says that a field is due.
    Raises ``InvalidArgumentError`` for a line with another number of fields, a field that is no
    number, or one that is due and missing.
    """
    columns = [Column(d) for d in record_defaults]
    if select_cols is not None and len(select_cols) != len(columns):
        raise ValueError("select_cols should match record_defaults in length.")

    def step(array: np.ndarray) -> list[np.ndarray]:
        lines = [s.decode("utf-8", "surrogateescape") for s in array.ravel().tolist()]
        rows = [_fields(line, i, field_delim, use_quote_delim) for i, line in enumerate(lines)]
        if select_cols is not None:
            rows = [_selected(row, i, select_cols) for i, row in enumerate(rows)]
        for i, row in enumerate(rows):
            if len(row) != len(columns):
                raise InvalidArgumentError(
                    f"Expect {len(columns)} fields but have {len(row)} in record {i}"
                )
        parts = zip(*rows, strict=True) if rows else [()] * len(columns)
        return [
            column.convert(fields, i, na_value).reshape(array.shape)
            for i, (column, fields) in enumerate(zip(columns, parts, strict=True))
        ]

    t = text(records, "records")
    return host(step, [t], *(Spec(c.dtype, _sizes(t)) for c in columns))


def _fields(line: str, number: int, delimiter: str, quotes: bool) -> list[str]:
    try:
        found = list(split_lines([line], delimiter, quotes))
    except csv.Error as error:
        raise InvalidArgumentError(
            f"Quoted field has to end with quote followed by delim or end: record {number}: {error}"
        ) from error
    return found[0] if found else [""]


def _selected(row: list[str], number: int, chosen: Sequence[int]) -> list[str]:
    if max(chosen, default=-1) >= len(row):
        raise InvalidArgumentError(
            f"Expect at least {max(chosen) + 1} fields but have {len(row)} in record {number}"
        )
    return [row[i] for i in chosen]
