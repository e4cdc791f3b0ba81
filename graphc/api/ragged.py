"""Ragged tensors: rows of different length, as one tensor of all values and where each row begins.

Elementwise ops, reductions, `tf.concat` and `tf.gather` take them (see `ragged_ops`); what else an
op should do with rows it does with ``values`` (or ``flat_values``) and ``with_values``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from graphc.api.arguments import data_size, known_size, like
from graphc.api.reductions import reduce_max, reduce_sum
from graphc.api.shapes import cast
from graphc.api.sparse import SparseTensor
from graphc.errors import DTypeError, InvalidArgumentError
from graphc.ir import dims, dtypes
from graphc.ir.dims import DimLike
from graphc.ir.dtypes import DType
from graphc.ops import REGISTRY, ops
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

    # What ops do with ragged operands: `ragged_ops` sets it.
    rules: ClassVar[Callable[..., Any]]

    # --- making ---

    @classmethod
    def from_row_splits(
        cls, values: Any, row_splits: Any, name: str | None = None, validate: bool = True
    ) -> RaggedTensor:
        """Of all values, and the places [n + 1] between which the rows lie."""
        splits = convert_to_tensor(row_splits, dtype_hint=dtypes.int64)
        return _checked(cls(_values(values), splits), validate)

    @classmethod
    def from_row_lengths(
        cls, values: Any, row_lengths: Any, name: str | None = None, validate: bool = True
    ) -> RaggedTensor:
        """Of all values, and how many each row has."""
        lengths = convert_to_tensor(row_lengths, dtype_hint=dtypes.int64)
        ends = ops.cumsum(lengths, axis=0)
        made = cls(_values(values), ops.concat(like([0], lengths), ends, axis=0))
        return _checked(made, validate)

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
        """The rows of a dense tensor [n, m, ...]: whole, cut to ``lengths``, or without padding."""
        x = convert_to_tensor(tensor)
        if ragged_rank > 1:
            n, m, *rest = x.dims
            inner = cls.from_tensor(ops.reshape(x, shape=(n * m, *rest)), None, padding,
                                    ragged_rank - 1)  # fmt: skip
            return cls.from_uniform_row_length(inner, m)
        n, m = x.dims[:2]
        full = ops.broadcast_to(ops.extent(size=m, dtype=dtypes.int64), shape=(n,))
        rows = full if lengths is None else cast(lengths, dtypes.int64)
        places = ops.iota(size=m, dtype=dtypes.int64)
        if padding is not None:
            used = ops.not_equal(x, like(padding, x))
            used = ops.reduce_any(used, axis=tuple(range(2, x.ndim)), keepdims=False)
            rows = ops.reduce_max(ops.select(used, places + 1, like(0, places)), axis=(1,),
                                  keepdims=False)  # fmt: skip
        mask = ops.less(places, ops.expand_dims(rows, axis=1))
        return cls.from_row_lengths(
            ops.boolean_mask(x, mask, axis=0, size=data_size()), cast(rows, row_splits_dtype)
        )

    @classmethod
    def from_uniform_row_length(
        cls, values: Any, uniform_row_length: Any, nrows: Any = None, validate: bool = True,
        name: str | None = None,
    ) -> RaggedTensor:  # fmt: skip
        """Of all values, in rows of one length."""
        held = _values(values)
        length = known_size(uniform_row_length, "uniform_row_length")
        count = _count(held) // length if nrows is None else known_size(nrows, "nrows")
        each = ops.extent(size=length, dtype=dtypes.int64)
        return cls.from_row_lengths(held, ops.broadcast_to(each, shape=(count,)))

    @classmethod
    def from_row_starts(
        cls, values: Any, row_starts: Any, name: str | None = None, validate: bool = True
    ) -> RaggedTensor:
        """Of all values, and the place where each row begins."""
        held, starts = _values(values), convert_to_tensor(row_starts, dtype_hint=dtypes.int64)
        end = ops.reshape(ops.extent(size=_count(held), dtype=starts.dtype), shape=(1,))
        return cls(held, ops.concat(starts, end, axis=0))

    @classmethod
    def from_row_limits(
        cls, values: Any, row_limits: Any, name: str | None = None, validate: bool = True
    ) -> RaggedTensor:
        """Of all values, and the place where each row ends."""
        limits = convert_to_tensor(row_limits, dtype_hint=dtypes.int64)
        return cls(_values(values), ops.concat(like([0], limits), limits, axis=0))

    @classmethod
    def from_nested_row_splits(
        cls, flat_values: Any, nested_row_splits: Any, name: str | None = None,
        validate: bool = True,
    ) -> RaggedTensor:  # fmt: skip
        """Of the innermost values and the row splits of each axis, the outermost first."""
        made = flat_values
        for splits in reversed(list(nested_row_splits)):
            made = cls.from_row_splits(made, splits)
        return made

    @classmethod
    def from_nested_row_lengths(
        cls, flat_values: Any, nested_row_lengths: Any, name: str | None = None,
        validate: bool = True,
    ) -> RaggedTensor:  # fmt: skip
        """Of the innermost values and the row lengths of each axis, the outermost first."""
        made = flat_values
        for lengths in reversed(list(nested_row_lengths)):
            made = cls.from_row_lengths(made, lengths)
        return made

    @classmethod
    def from_sparse(
        cls, st_input: Any, name: str | None = None, row_splits_dtype: Any = dtypes.int64
    ) -> RaggedTensor:
        """The rows of a sparse matrix whose elements stand at the left of their rows."""
        rows = cast(st_input.indices[:, 0], row_splits_dtype)
        return cls.from_value_rowids(st_input.values, rows, st_input.sizes()[0])

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

    def nested_row_lengths(self, name: str | None = None) -> tuple[Tensor, ...]:
        """The row lengths of all ragged axes, the outermost first."""
        inner = self.values.nested_row_lengths() if isinstance(self.values, RaggedTensor) else ()
        return (self.row_lengths(), *inner)

    def nested_value_rowids(self, name: str | None = None) -> tuple[Tensor, ...]:
        """The rows of the values of all ragged axes, the outermost first."""
        inner = self.values.nested_value_rowids() if isinstance(self.values, RaggedTensor) else ()
        return (self.value_rowids(), *inner)

    def row_limits(self, name: str | None = None) -> Tensor:
        """Where each row ends."""
        return self.row_splits[1:]

    def get_shape(self) -> TensorShape:
        return self.shape

    @property
    def rank(self) -> int:
        """How many axes there are, ragged or not."""
        return self.ragged_rank + len(self.flat_values.dims)

    ndim = rank

    @property
    def dims(self) -> tuple[DimLike | None, ...]:
        """A size for each axis; None for the ragged ones."""
        inner = self.values.dims[1:]
        return (self.row_splits.dims[0] - 1, None, *inner)

    def bounding_shape(
        self, axis: Any = None, name: str | None = None, out_type: Any = None
    ) -> Any:
        """The shape of `to_tensor`, or one size of it."""
        kind = self.row_splits.dtype if out_type is None else dtypes.as_dtype(out_type)
        widest = (
            reduce_max(ops.concat(n, like([0], n), axis=0)) for n in self.nested_row_lengths()
        )
        inner = (ops.extent(size=d, dtype=dtypes.int64) for d in self.flat_values.dims[1:])
        sizes = [self.nrows(), *widest, *inner]
        found = ops.stack(*(cast(s, kind) for s in sizes), axis=0)
        return found if axis is None else found[axis]

    def merge_dims(self, outer_axis: int, inner_axis: int) -> Any:
        """The axes from one to another as one axis."""
        outer, inner = outer_axis % self.rank, inner_axis % self.rank
        if outer == inner:
            return self
        held = self.values
        if outer > 1:
            return self.with_values(held.merge_dims(outer - 1, inner - 1))
        if inner > 1:  # the values' own rows first
            if isinstance(held, RaggedTensor):
                held = held.merge_dims(0, inner - 1)
            else:
                held = ops.reshape(held, shape=(-1, *held.dims[inner:]))
        if outer == 0:
            return held
        return RaggedTensor(held, self._merged_splits(inner))

    def _merged_splits(self, inner: int) -> Any:
        """Where the rows begin among the values of axis ``inner``."""
        splits, held = self.row_splits, self.values
        for axis in range(1, inner):
            if isinstance(held, RaggedTensor):
                splits, held = ops.gather(held.row_splits, splits, axis=0), held.values
            else:
                rest = self.flat_values.dims[1 : inner - axis + 1]
                size = ops.extent(size=dims.product(rest), dtype=splits.dtype)
                return ops.multiply(splits, size)
        return splits

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
        """Rows by number or slice; of a slice of rows, slices of each row."""
        first, *rest = index if isinstance(index, tuple) else (index,)
        if not isinstance(first, slice):
            at = int(first) % len(self) if isinstance(first, int) and first < 0 else first
            row = self.values[self.row_splits[at] : self.row_splits[at + 1]]
            return row[tuple(rest)] if rest else row
        rows = self._sliced(first)
        if not rest:
            return rows
        inner, *more = rest
        if not isinstance(inner, slice) or inner.step not in (None, 1):
            raise ValueError("Cannot index into an inner ragged dimension: slice it with step 1")
        rows = rows._cut(inner)
        return rows.with_values(rows.values[(slice(None), *more)]) if more else rows

    def _sliced(self, index: slice) -> RaggedTensor:
        """Some of the rows."""
        start, stop, step = index.indices(len(self))
        if step != 1:
            chosen = np.arange(start, stop, step, dtype=np.int64)
            return REGISTRY["gather"](self, convert_to_tensor(chosen), axis=0, batch_dims=0)
        splits = self.row_splits[start : max(stop, start) + 1]
        return RaggedTensor(self.values[splits[0] : splits[-1]], splits - splits[0])

    def _cut(self, index: slice) -> RaggedTensor:
        """The same part of each row."""
        lengths = self.row_lengths()

        def bound(n: Any, default: Any) -> Any:
            if n is None:
                return default
            n = like(n, lengths)
            n = ops.select(ops.less(n, 0), n + lengths, n)
            return ops.minimum(ops.maximum(n, 0), lengths)

        first = bound(index.start, ops.zeros_like(lengths))
        count = ops.maximum(bound(index.stop, lengths) - first, 0)
        places = counted(count, self.row_starts() + first)
        taken = REGISTRY["gather"](self.values, places, axis=0, batch_dims=0)
        return RaggedTensor.from_row_lengths(taken, count)

    def __len__(self) -> int:
        return len(self.row_splits) - 1

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    # --- computing ---

    def __graphc_tensor__(self, dtype: Any = None, hint: Any = None) -> RaggedTensor:
        """Ops take it as it is, or refuse it."""
        if dtype is not None and dtype is not self.dtype:
            raise DTypeError(f"a RaggedTensor of {self.dtype.name} is no {dtype.name}; use tf.cast")
        return self

    def __graphc_apply__(self, op: Any, args: Any, attrs: Any) -> Any:
        return RaggedTensor.rules(op, args, attrs)

    # --- dense ---

    def to_sparse(self, name: str | None = None) -> Any:
        """The values at their rows and columns, as a SparseTensor."""
        if self.ragged_rank > 1 or len(self.values.dims) > 1:
            raise InvalidArgumentError("to_sparse takes one ragged axis and scalars in it")
        rows = self.value_rowids()
        columns = ops.iota(size=_count(self.values), dtype=rows.dtype)
        columns = columns - ops.gather(self.row_starts(), rows, axis=0)
        places = ops.stack(cast(rows, dtypes.int64), cast(columns, dtypes.int64), axis=1)
        return SparseTensor(places, self.values, cast(self.bounding_shape(), dtypes.int64))

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


def counted(lengths: Any, starts: Any, deltas: Any = 1) -> Tensor:
    """For each row ``start, start + delta, ...``, as many as its length; one after the other."""
    total = known_size(reduce_sum(lengths), "the number of values")
    ends = ops.cumsum(lengths, axis=0)
    places = ops.iota(size=total, dtype=lengths.dtype)
    ids = ops.searchsorted(ends, places, side="right", out_type=lengths.dtype)
    step = cast(places - ops.gather(ends - lengths, ids, axis=0), starts.dtype)
    each = ops.gather(deltas, ids, axis=0) if hasattr(deltas, "dims") else deltas
    return ops.gather(starts, ids, axis=0) + step * each


def _operator(name: str, swapped: bool = False) -> Callable[[Any, Any], Any]:
    def method(self: Any, other: Any) -> Any:
        return REGISTRY[name](*((other, self) if swapped else (self, other)))

    return method


for _method, _op in (
    ("add", "add"), ("sub", "subtract"), ("mul", "multiply"), ("truediv", "divide"),
    ("floordiv", "floordiv"), ("mod", "floormod"), ("pow", "pow"), ("and", "logical_and"),
    ("or", "logical_or"), ("xor", "logical_xor"),
):  # fmt: skip
    setattr(RaggedTensor, f"__{_method}__", _operator(_op))
    setattr(RaggedTensor, f"__r{_method}__", _operator(_op, swapped=True))
for _method, _op in (("lt", "less"), ("le", "less_equal"), ("gt", "greater"),
                     ("ge", "greater_equal"), ("eq", "equal"), ("ne", "not_equal")):  # fmt: skip
    setattr(RaggedTensor, f"__{_method}__", _operator(_op))
RaggedTensor.__neg__ = lambda self: ops.negative(self)  # type: ignore[attr-defined]
RaggedTensor.__abs__ = lambda self: ops.abs(self)  # type: ignore[attr-defined]
RaggedTensor.__invert__ = lambda self: ops.logical_not(self)  # type: ignore[attr-defined]
RaggedTensor.__hash__ = None  # type: ignore[assignment]


def _checked(made: RaggedTensor, validate: bool) -> RaggedTensor:
    """The tensor, if its rows are those of its values: in a graph only users can know."""
    splits = made.row_splits
    if not validate or not isinstance(splits, EagerTensor):
        return made
    places, count = splits._array, _count(made.values)
    right = len(places) and places[0] == 0 and (np.diff(places) >= 0).all()
    if not right or places[-1] != count:
        raise InvalidArgumentError(
            "Arguments do not form a valid RaggedTensor: row splits begin at 0, never fall, and end"
            f" at the number of values, {count}; got {places}"
        )
    return made


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
    if not all(isinstance(row, list | tuple) for row in pylist):
        raise ValueError("all scalar values must have the same nesting depth")
    flat = constant([value for row in pylist for value in row], dtype)
    lengths = convert_to_tensor(
        np.array([len(row) for row in pylist], dtypes.as_dtype(row_splits_dtype).np)
    )
    return RaggedTensor.from_row_lengths(flat, lengths)
