"""``tf.io.parse_example``: serialised Examples as tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from graphc.api.arguments import like
from graphc.api.ragged import RaggedTensor
from graphc.api.reductions import reduce_max
from graphc.api.sparse import SparseTensor
from graphc.errors import InvalidArgumentError
from graphc.formats.wire import fields, numbers
from graphc.io.features import SequenceExample
from graphc.io.steps import Spec, constant, host, scalar, strings, text
from graphc.ir import dtypes
from graphc.ops import ops
from graphc.trace.tensor import Tensor


class FixedLenFeature(NamedTuple):
    """A feature with so many values in each record; needed, unless there is a default."""

    shape: Any
    dtype: Any
    default_value: Any = None


class FixedLenSequenceFeature(NamedTuple):
    """A feature whose number of rows of ``shape`` may differ; short ones are filled up."""

    shape: Any
    dtype: Any
    allow_missing: bool = False
    default_value: Any = None


class RaggedFeature(NamedTuple):
    """A feature with any number of values, as a RaggedTensor."""

    dtype: Any
    value_key: str | None = None


class VarLenFeature(NamedTuple):
    """A feature with any number of values, as a SparseTensor."""

    dtype: Any


# the lists that a Feature may hold, in the order of their fields, and how a part of one is read
KINDS: dict[str, Callable[[Any], Sequence[Any]]] = {
    "string": lambda part: [part], "float32": lambda part: np.frombuffer(part, "<f4"),
    "int64": numbers
}  # fmt: skip


class _Column:
    """One feature of many records: what each gives, and the arrays that come of it."""

    def __init__(self, key: str, feature: Any) -> None:
        self.key, self.feature = key, feature
        self.dtype = dtypes.as_dtype(feature.dtype)
        if self.dtype.name not in KINDS:
            raise ValueError(
                f"Unsupported dtype {self.dtype.name} of feature {key}: int64, float32 and string"
                " are what an Example can hold"
            )
        self.shape = tuple(int(n) for n in getattr(feature, "shape", ()) or ())
        self.fixed = isinstance(feature, FixedLenFeature)
        self.default = self._default(getattr(feature, "default_value", None))

    def _default(self, value: Any) -> Any:
        if value is None:
            return None
        array = constant(value, self.dtype)
        return np.broadcast_to(array, self.shape) if self.fixed else array

    def values(self, features: Mapping[str, bytes]) -> Any:
        """The values in a record; None if it has none."""
        name = getattr(self.feature, "value_key", None) or self.key
        lists = list(fields(features.get(name, b"")))
        if not lists:
            return None
        number, data = lists[-1]
        kind = list(KINDS)[number - 1]
        if kind != self.dtype.name:
            raise InvalidArgumentError(
                f"Key: {self.key}.  Data types don't match. Data type: {kind} but expected type:"
                f" {self.dtype.name}"
            )
        read = KINDS[kind]
        parts = [read(part) for field, part in fields(data) if field == 1]  # type: ignore[arg-type]
        return parts[0] if len(parts) == 1 else [value for part in parts for value in part]

    def array(self, values: Sequence[Any]) -> np.ndarray:
        return strings(values) if self.dtype is dtypes.string else np.array(values, self.dtype.np)

    def fixed_row(self, values: Any, record: int) -> np.ndarray:
        if values is None and self.default is not None:
            return self.default
        if values is None:
            raise InvalidArgumentError(
                f"Example {record}: Feature: {self.key} (data type: {self.dtype.name}) is required"
                " but could not be found."
            )
        if len(values) != int(np.prod(self.shape, dtype=int)):
            raise InvalidArgumentError(
                f"Key: {self.key}, Index: {record}.  Number of {self.dtype.name} values !="
                f" expected.  Values size: {len(values)} but output shape: {list(self.shape)}"
            )
        return self.array(values).reshape(self.shape)

    def rows(self, records: Sequence[Any]) -> list[np.ndarray]:
        """The arrays of this column of all records."""
        found = [self.values(features) for features in records]
        if self.fixed:
            made = [self.fixed_row(v, i) for i, v in enumerate(found)]
            empty = np.zeros((0, *self.shape), self.dtype.np)
            return [np.stack(made) if made else empty]
        lists = [[] if v is None else v for v in found]
        if isinstance(self.feature, FixedLenSequenceFeature):
            return [self._filled(lists)]
        flat = self.array([x for v in lists for x in v])
        lengths = np.array([len(v) for v in lists], np.int64)
        return [flat, lengths]

    def _filled(self, lists: list[Any]) -> np.ndarray:
        """Sequences in one array, filled up to the longest."""
        size = int(np.prod(self.shape, dtype=int))
        steps = max((len(v) // size for v in lists), default=0)
        plain = b"" if self.dtype is dtypes.string else 0
        fill = plain if self.default is None else self.default
        made = np.full((len(lists), steps * size), fill, self.dtype.np)
        for i, values in enumerate(lists):
            made[i, : len(values)] = values
        return made.reshape(len(lists), steps, *self.shape)

    def specs(self, count: int | None) -> list[Spec]:
        if self.fixed:
            return [Spec(self.dtype, [count, *self.shape])]
        if isinstance(self.feature, FixedLenSequenceFeature):
            return [Spec(self.dtype, [count, None, *self.shape])]
        return [Spec(self.dtype, [None]), Spec(dtypes.int64, [count])]

    def packed(self, parts: list[Tensor]) -> Any:
        """What the user gets."""
        if len(parts) == 1:
            return parts[0]
        ragged = RaggedTensor.from_row_lengths(*parts)
        return ragged if isinstance(self.feature, RaggedFeature) else _sparse(ragged)


def _sparse(ragged: RaggedTensor) -> SparseTensor:
    """The values of rows of different length, at (row, place in the row)."""
    rows, count = ragged.value_rowids(), ragged.values.dims[0]
    places = ops.iota(size=count, dtype=dtypes.int64) - ops.gather(
        ragged.row_starts(), rows, axis=0
    )
    widest = reduce_max(ops.concat(ragged.row_lengths(), like([0], rows), axis=0))
    shape = ops.stack(ragged.nrows(dtypes.int64), widest, axis=0)
    return SparseTensor(ops.stack(rows, places, axis=1), ragged.values, shape)


def parse_example(
    serialized: Any, features: Mapping[str, Any], example_names: Any = None,
    name: str | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Serialised Examples [n] as a dict of tensors, one for each of ``features``.

    Raises ``InvalidArgumentError`` for a record that is no Example, lacks a feature that is needed
    or has another dtype or number of values.
    """
    t = text(serialized, "serialized")
    if len(t.dims) != 1:
        raise InvalidArgumentError(f"serialized must be a vector, got shape {t.shape}")
    count = t.dims[0] if isinstance(t.dims[0], int) else None
    return _parsed(t, features, count)


def _parsed(t: Tensor, features: Mapping[str, Any], count: int | None) -> dict[str, Any]:
    if not features:
        raise ValueError("Missing features.")
    columns = [_Column(key, features[key]) for key in sorted(features)]

    def step(array: np.ndarray) -> list[np.ndarray]:
        records = [_features(data, i) for i, data in enumerate(array.tolist())]
        return [part for column in columns for part in column.rows(records)]

    specs = [c.specs(count) for c in columns]
    parts = iter(host(step, [t], *(s for group in specs for s in group)))
    found = [
        c.packed([next(parts) for _ in group]) for c, group in zip(columns, specs, strict=True)
    ]
    return {column.key: value for column, value in zip(columns, found, strict=True)}


def _features(data: bytes, record: int) -> dict[str, bytes]:
    """The features of a serialised Example, each still serialised: most are not asked for."""
    try:
        features = b"".join(part for field, part in fields(data) if field == 1)  # type: ignore[misc]
        return _entries(features)
    except (ValueError, AttributeError, TypeError) as error:
        raise InvalidArgumentError(
            f"Could not parse example input, record {record}: {data[:40]!r}"
        ) from error


def _entries(data: bytes) -> dict[str, bytes]:
    """A map of messages by name."""
    found = {}
    for field, entry in fields(data):
        if field == 1:
            parts: dict[int, Any] = dict(fields(entry))  # type: ignore[arg-type]
            found[parts.get(1, b"").decode()] = parts.get(2, b"")
    return found


def parse_single_example(
    serialized: Any, features: Mapping[str, Any], example_names: Any = None,
    name: str | None = None,
) -> dict[str, Any]:  # fmt: skip
    """One serialised Example as a dict of tensors; see `parse_example`."""
    t = scalar(serialized, "serialized")
    found = _parsed(t[None], features, 1)  # type: ignore[index]
    return {key: _single(value, features[key]) for key, value in found.items()}


def _single(value: Any, feature: Any) -> Any:
    if isinstance(value, RaggedTensor):
        return value.values
    if isinstance(feature, VarLenFeature):
        return type(value)(value.indices[:, 1:], value.values, value.dense_shape[1:])
    return value[0]


def parse_single_sequence_example(
    serialized: Any, context_features: Mapping[str, Any] | None = None,
    sequence_features: Mapping[str, Any] | None = None, example_name: Any = None,
    name: str | None = None,
) -> tuple[dict[str, Any], dict[str, Any]]:  # fmt: skip
    """One serialised SequenceExample: a dict of the context's tensors, one of the steps'."""
    contexts = [_Column(k, f) for k, f in sorted((context_features or {}).items())]
    sequences = [_Column(k, f) for k, f in sorted((sequence_features or {}).items())]

    def step(data: np.ndarray) -> list[np.ndarray]:
        record = SequenceExample.FromString(data[()])
        lists = record.feature_lists.feature_list
        context = _entries(record.context.SerializeToString())
        found = [c.rows([context])[0][0] for c in contexts]
        for column in sequences:
            steps = lists[column.key].feature if column.key in lists else []
            shape = (len(steps), *column.shape)
            each = (column.values({column.key: f.SerializeToString()}) for f in steps)
            values = [v or [] for v in each]
            found.append(column.array([x for v in values for x in v]).reshape(shape))
        return found

    specs = [Spec(c.dtype, c.shape) for c in contexts]
    specs += [Spec(c.dtype, [None, *c.shape]) for c in sequences]
    parts = host(step, [scalar(serialized, "serialized")], *specs)
    named = {c.key: t for c, t in zip([*contexts, *sequences], parts, strict=True)}
    return {c.key: named[c.key] for c in contexts}, {c.key: named[c.key] for c in sequences}
