"""Ragged tensors: rows of different length, as one tensor of all values and where each row begins.

What is there is what strings, datasets and embeddings need: making them, looking into them, and
making them dense.  For computing, use ``values`` (or ``flat_values``) and ``with_values``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphc.api.arguments import alike, data_size, known_size, like
from graphc.api.reductions import reduce_max
from graphc.api.shapes import cast
from graphc.errors import InvalidArgumentError
from graphc.ir import dtypes
from graphc.ir.dims import DimLike
from graphc.ir.dtypes import DType
from graphc.ops import ops
from graphc.trace.dispatch import convert_to_tensor
from graphc.trace.shape import TensorShape
from graphc.trace.tensor import EagerTensor, Tensor


@dataclass(frozen=True, eq=False, repr=False)
class RaggedTensor:
    """Rows ``values[row_splits[i]:row_splits[i + 1]]`` (TF: ``tf.RaggedTensor``).

    ``values`` is a tensor, or a RaggedTensor if the rows are of ragged rows themselves.
    """

    values: Any
    row_splits: Any

    # --- making ---

    @classmethod
    def from_row_splits(
        cls, values: Any, row_splits: Any, name: str | None = None, validate: bool = True
    ) -> RaggedTensor:
        """Of all values, and the places [n + 1] between which the rows lie."""
        return cls(_values(values), convert_to_tensor(row_splits, dtype_hint=dtypes.int64))

    @classmethod
    def from_row_lengths(
        cls, values: Any, row_lengths: Any, name: str | None = None, validate: bool = True
    ) -> RaggedTensor:
        """Of all values, and how many each row has."""
        lengths = convert_to_tensor(row_lengths, dtype_hint=dtypes.int64)
        ends = ops.cumsum(lengths, axis=0)
        return cls(_values(values), ops.concat(like([0], lengths), ends, axis=0))

    @classmethod
    def from_value_rowids(
        cls, values: Any, value_rowids: Any, nrows: Any = None, name: str | None = None,
        validate: bool = True,
    ) -> RaggedTensor:  # fmt: skip
        """Of all values, and the row of each; the rows are in order."""
        ids = convert_to_tensor(value_rowids, dtype_hint=dtypes.int64)
        if nrows is None:
            nrows = reduce_max(ops.concat(ids, like([-1], ids), axis=0)) + 1  # type: ignore[operator]
        count = known_size(nrows, "nrows")
        rows = ops.broadcast_to(like(0, ids), shape=(count,))
        ones = ops.broadcast_to(like(1, ids), shape=ids.dims)
        return cls.from_row_lengths(values, ops.scatter_add(rows, ids, ones, axis=0))

    @classmethod
    def from_tensor(
        cls, tensor: Any, lengths: Any = None, padding: Any = None, ragged_rank: int = 1,
        name: str | None = None, row_splits_dtype: Any = dtypes.int64,
    ) -> RaggedTensor:  # fmt: skip
        """The rows of a dense tensor [n, m, ...], each cut to its length."""
        if ragged_rank != 1 or padding is not None:
            raise InvalidArgumentError("from_tensor takes lengths, and makes one ragged axis")
        x = convert_to_tensor(tensor)
        n, m = x.dims[:2]
        full = ops.broadcast_to(ops.extent(size=m, dtype=dtypes.int64), shape=(n,))
        rows = full if lengths is None else cast(lengths, dtypes.int64)
        mask = ops.less(ops.iota(size=m, dtype=dtypes.int64), ops.expand_dims(rows, axis=1))
        return cls.from_row_lengths(ops.boolean_mask(x, mask, axis=0, size=data_size()), rows)

    # --- looking ---

    @property
    def dtype(self) -> DType:
        return self.values.dtype

    @property
    def ragged_rank(self) -> int:
        """How many axes are ragged."""
        return 1 + getattr(self.values, "ragged_rank", 0)

    @property
    def flat_values(self) -> Tensor:
        """The innermost values, without rows."""
        return getattr(self.values, "flat_values", self.values)

    @property
    def nested_row_splits(self) -> tuple[Tensor, ...]:
        """The row splits of all ragged axes, the outermost first."""
        return (self.row_splits, *getattr(self.values, "nested_row_splits", ()))

    @property
    def shape(self) -> TensorShape:
        rows = self.row_splits.shape[0]
        return TensorShape([None if rows is None else rows - 1, None, *list(self.values.shape)[1:]])

    def row_lengths(self, axis: int = 1, name: str | None = None) -> Tensor:
        """How many values each row has."""
        return ops.subtract(self.row_splits[1:], self.row_splits[:-1])

    def row_starts(self, name: str | None = None) -> Tensor:
        """Where each row begins."""
        return self.row_splits[:-1]

    def nrows(self, out_type: Any = None, name: str | None = None) -> Tensor:
        """The number of rows."""
        kind = self.row_splits.dtype if out_type is None else dtypes.as_dtype(out_type)
        return ops.extent(size=self.row_splits.dims[0] - 1, dtype=kind)

    def value_rowids(self, name: str | None = None) -> Tensor:
        """The row of each value."""
        places = ops.iota(size=_count(self.values), dtype=self.row_splits.dtype)
        return ops.searchsorted(
            self.row_splits[1:], places, side="right", out_type=self.row_splits.dtype
        )

    def with_values(self, new_values: Any) -> RaggedTensor:
        """The same rows of other values."""
        return RaggedTensor(_values(new_values), self.row_splits)

    def with_flat_values(self, new_values: Any) -> RaggedTensor:
        """The same rows of other innermost values."""
        inner = self.values
        made = inner.with_flat_values(new_values) if isinstance(inner, RaggedTensor) else new_values
        return self.with_values(made)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice) and index.step in (None, 1):
            start, stop, _ = index.indices(len(self))
            splits = self.row_splits[start : stop + 1]
            return RaggedTensor(self.values[int(splits[0]) : int(splits[-1])], splits - splits[0])
        if isinstance(index, tuple):
            first, *rest = index
            return self[first][tuple(rest)] if rest else self[first]
        at = int(index) % len(self) if isinstance(index, int) and index < 0 else index
        return self.values[self.row_splits[at] : self.row_splits[at + 1]]

    def __len__(self) -> int:
        return len(self.row_splits) - 1

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    # --- dense ---

    def to_tensor(
        self, default_value: Any = None, name: str | None = None, shape: Any = None
    ) -> Tensor:
        """The rows padded to one length, the longest or ``shape[1]``: [n, m, ...]."""
        x: Any = self.values
        if isinstance(x, RaggedTensor):
            x = x.to_tensor(default_value)
        widest = reduce_max(ops.concat(self.row_lengths(), like([0], self.row_splits), axis=0))
        wanted = None if shape is None else TensorShape(shape).as_list()
        size = known_size(widest if wanted is None or wanted[1] is None else wanted[1], "the width")
        empty = "" if x.dtype is dtypes.string else 0
        filler = like(empty if default_value is None else default_value, x)
        places = ops.iota(size=size, dtype=self.row_splits.dtype)
        rows = (self.row_starts(), self.row_lengths())
        starts, lengths = (ops.expand_dims(t, axis=1) for t in rows)
        inside = ops.less(places, lengths)
        padded = ops.concat(x, ops.broadcast_to(filler, shape=(1, *x.dims[1:])), axis=0)
        last = ops.extent(size=x.dims[0], dtype=self.row_splits.dtype)
        return ops.gather(padded, ops.select(inside, ops.add(starts, places), last), axis=0)

    def to_list(self) -> list[Any]:
        """Nested Python lists."""
        inner = self.values.to_list() if isinstance(self.values, RaggedTensor) else None
        rows = self.values.numpy().tolist() if inner is None else inner
        splits = self.row_splits.numpy().tolist()
        return [rows[a:b] for a, b in zip(splits[:-1], splits[1:], strict=True)]

    def numpy(self) -> Any:
        """An array of the rows: of objects, unless they have one length."""
        rows = [np.asarray(row.numpy()) for row in self]
        if len({row.shape for row in rows}) == 1:
            return np.stack(rows)
        held = np.empty(len(rows), object)
        held[:] = rows
        return held

    def __repr__(self) -> str:
        if isinstance(self.flat_values, EagerTensor):
            return f"<tf.RaggedTensor {self.to_list()}>"
        return f"tf.RaggedTensor(values={self.values}, row_splits={self.row_splits})"


def _count(values: Any) -> DimLike:
    """How many values there are."""
    return values.row_splits.dims[0] - 1 if isinstance(values, RaggedTensor) else values.dims[0]


def _values(values: Any) -> Any:
    return values if isinstance(values, RaggedTensor) else convert_to_tensor(values)


# --- functions ------------------------------------------------------------------------------------


def constant(
    pylist: Any, dtype: Any = None, ragged_rank: Any = None, inner_shape: Any = None,
    name: str | None = None, row_splits_dtype: Any = dtypes.int64,
) -> Any:  # fmt: skip
    """Make a RaggedTensor of nested lists (a Tensor if none of them is in another)."""
    if not isinstance(pylist, list | tuple):
        return convert_to_tensor(pylist, dtype)
    if not any(isinstance(row, list | tuple) for row in pylist):
        return convert_to_tensor(list(pylist), dtype)
    flat = constant([value for row in pylist for value in row], dtype)
    lengths = convert_to_tensor(
        np.array([len(row) for row in pylist], dtypes.as_dtype(row_splits_dtype).np)
    )
    return RaggedTensor.from_row_lengths(flat, lengths)


def stack(values: Any, axis: int = 0, name: str | None = None) -> RaggedTensor:
    """Make one RaggedTensor of tensors, which are its rows."""
    if axis != 0:
        raise InvalidArgumentError(f"ragged.stack: axis is 0, got {axis}")
    rows = alike(*values)
    lengths = ops.stack(*(ops.extent(size=r.dims[0], dtype=dtypes.int64) for r in rows), axis=0)
    return RaggedTensor.from_row_lengths(ops.concat(*rows, axis=0), lengths)


def map_flat_values(op: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call a function with the innermost values of the RaggedTensors among its arguments."""
    ragged = [a for a in (*args, *kwargs.values()) if isinstance(a, RaggedTensor)]
    if not ragged:
        return op(*args, **kwargs)

    def flat(a: Any) -> Any:
        return a.flat_values if isinstance(a, RaggedTensor) else a

    found = op(*map(flat, args), **{k: flat(v) for k, v in kwargs.items()})
    return ragged[0].with_flat_values(found)
