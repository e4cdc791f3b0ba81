"""Tensors as bytes: TensorFlow's ``TensorProto``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from graphc.errors import InvalidArgumentError
from graphc.formats.wire import fields, message, numbers
from graphc.ir import dtypes

# (TF: tensorflow/core/framework/types.proto)
NUMBERS = {
    "float32": 1, "float64": 2, "int32": 3, "uint8": 4, "int16": 5, "int8": 6, "string": 7,
    "complex64": 8, "int64": 9, "bool": 10, "bfloat16": 14, "uint16": 17, "complex128": 18,
    "float16": 19, "uint32": 22, "uint64": 23,
}  # fmt: skip
NAMES = {number: name for name, number in NUMBERS.items()}
# fields with the elements themselves, for protos that others have written
LISTS = {5: "<f4", 6: "<f8", 9: "<c8", 12: "<c16"}
INTEGERS = (7, 10, 11, 16, 17)
STRINGS, HALVES, CONTENT = 8, 13, 4


def serialize(array: np.ndarray) -> bytes:
    """An array as a ``TensorProto``."""
    dtype = dtypes.of_numpy(array.dtype)
    head = message((1, NUMBERS[dtype.name]), (2, shape_proto(array.shape)))
    if dtype is dtypes.string:
        return head + message(*((STRINGS, v) for v in array.ravel().tolist()))
    return head + message((CONTENT, np.ascontiguousarray(array).tobytes() or None))


def shape_proto(sizes: Iterable[int | None]) -> bytes:
    """A shape as a ``TensorShapeProto``; None is an unknown size."""
    return message(*((2, message((1, -1 if n is None else n or None))) for n in sizes))


def parse(data: bytes, dtype: Any) -> np.ndarray:
    """The array of a ``TensorProto``; raises ``InvalidArgumentError`` for another dtype."""
    found: dict[int, list[Any]] = {}
    try:
        for field, value in fields(data):
            found.setdefault(field, []).append(value)
    except ValueError as error:
        raise InvalidArgumentError(
            f"Could not parse `serialized` as TensorProto: {data[:40]!r}"
        ) from error
    name = NAMES.get(found.get(1, [0])[0])
    if name != dtype.name:
        raise InvalidArgumentError(
            f"Type mismatch between parsed tensor ({name}) and dtype ({dtype.name})"
        )
    shape = _shape(found.get(2, [b""])[0])
    if CONTENT in found:
        return np.frombuffer(found[CONTENT][0], dtype.np).reshape(shape).copy()
    values = _elements(found, dtype)
    if not values:
        return np.zeros(shape, dtype.np)
    if dtype is dtypes.string:
        made = np.empty(len(values), object)
        made[:] = values
        return made.reshape(shape)
    array = np.array(values).astype(dtype.np) if values else np.zeros(0, dtype.np)
    count = int(np.prod(shape, dtype=int))
    # elements that are left out are like the last one
    return np.pad(array, (0, count - len(array)), mode="edge").reshape(shape)


def _shape(data: bytes) -> tuple[int, ...]:
    sizes = [dict(fields(dim)) for field, dim in fields(data) if field == 2]  # type: ignore[arg-type]
    return tuple(int(size.get(1, 0)) for size in sizes)


def _elements(found: dict[int, list[Any]], dtype: Any) -> list[Any]:
    if STRINGS in found:
        return found[STRINGS]
    for field, kind in LISTS.items():
        if field in found:
            return np.frombuffer(b"".join(found[field]), kind).tolist()
    for field in INTEGERS:
        if field in found:
            return [n for value in found[field] for n in numbers(value)]
    if HALVES in found:
        bits = [n for value in found[HALVES] for n in numbers(value)]
        return np.array(bits, np.uint16).view(dtype.np).tolist()
    return []
