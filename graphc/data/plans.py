"""Plans: what a dataset does, apart from the methods that users call.

A plan has a ``spec`` (the types of an element), a ``cardinality``, and makes readers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import graphc as tf
from graphc.data import readers
from graphc.data.order import Seed, Shuffle
from graphc.data.readers import Columns, Gather, Numbers, Reader, Rows, Through, reorder
from graphc.data.structure import (
    Row,
    as_row,
    batched,
    component,
    flatten,
    is_fixed,
    map_components,
    spec_of,
    widened,
)

INFINITE = -1
UNKNOWN = -2


class Plan:
    """What a dataset does; ``title`` is the name of the dataset's kind in TensorFlow."""

    title = "Dataset"
    spec: Any
    cardinality: int = UNKNOWN
    waits = False  # for files: worth a thread of its own

    def reader(self) -> Reader:
        """A new pass."""
        raise NotImplementedError


class From(Plan):
    """A plan with one input, whose elements it keeps unless it says otherwise."""

    def __init__(self, source: Plan) -> None:
        self.source = source
        self.spec = source.spec
        self.cardinality = source.cardinality
        self.waits = source.waits


# --- from memory ----------------------------------------------------------------------------------


class Tensors(Plan):
    """One element."""

    title = "_TensorDataset"
    cardinality = 1

    def __init__(self, structure: Any) -> None:
        tensors = map_components(component, structure)
        self.spec = map_components(spec_of, tensors)
        self.row = as_row(flatten(tensors))

    def reader(self) -> Reader:
        return Rows([self.row])


class Slices(Plan):
    """The rows of tensors."""

    title = "_TensorSliceDataset"

    def __init__(self, structure: Any) -> None:
        tensors = map_components(component, structure)
        leaves = [t for t in flatten(tensors) if t is not None]
        if not leaves:
            raise ValueError("Invalid `tensors`: there are no components to slice")
        for t in leaves:
            if not len(t.shape):
                raise ValueError("Unbatching a tensor is only supported for rank >= 1")
        self.spec = map_components(_row_spec, tensors)
        self.columns: Columns = [_rows_of(t) for t in as_row(leaves)]
        sizes = [t.shape[0] for t in leaves]
        known = {size for size in sizes if size is not None}
        if len(known) > 1:
            raise ValueError(
                f"Dimensions {sizes[0]} and {next(s for s in sizes if s != sizes[0])} are not"
                " compatible: all components must have the same number of rows"
            )
        self.cardinality = known.pop() if len(known) else UNKNOWN

    def reader(self) -> Reader:
        numbers = Numbers(len(self.columns[0]))
        if all(isinstance(c, np.ndarray) for c in self.columns):
            return Gather(self.columns, numbers)
        return Pick(self.columns, numbers)


class Pick(Reader):
    """Rows of arrays, or of lists of arrays of different lengths."""

    def __init__(self, columns: Sequence[Any], order: Numbers) -> None:
        self.columns, self.order = columns, order

    def next(self) -> Row | None:
        found = self.order.next()
        if found is None:
            return None
        at = int(found[0])
        return [c[at, ...] if isinstance(c, np.ndarray) else c[at] for c in self.columns]


def _rows_of(column: Any) -> Any:
    """A column, that of a ragged tensor as a list of arrays."""
    if not isinstance(column, tf.RaggedTensor):
        return column
    if column.ragged_rank > 1:
        raise tf.errors.UnimplementedError("slices of a RaggedTensor with one ragged axis only")
    return [np.asarray(row) for row in column]


def _row_spec(t: Any) -> Any:
    whole = spec_of(t)
    return whole if t is None else tf.TensorSpec(whole.shape[1:], whole.dtype)


class Range(Plan):
    """Whole numbers."""

    title = "_RangeDataset"

    def __init__(self, start: int, stop: int, step: int, dtype: Any) -> None:
        if step == 0:
            raise tf.errors.InvalidArgumentError("step must be a non-zero integer.")
        self.start, self.step, self.dtype = start, step, tf.as_dtype(dtype)
        self.cardinality = len(range(start, stop, step))
        self.spec = tf.TensorSpec([], self.dtype)

    def reader(self) -> Reader:
        return Numbers(self.cardinality, self.start, self.step, self.dtype.as_numpy_dtype)


class Counter(Plan):
    """Whole numbers without end."""

    title = "_CounterDataset"
    cardinality = INFINITE

    def __init__(self, start: int, step: int, dtype: Any) -> None:
        self.start, self.step, self.dtype = start, step, tf.as_dtype(dtype)
        self.spec = tf.TensorSpec([], self.dtype)

    def reader(self) -> Reader:
        return Numbers(2**62, self.start, self.step, self.dtype.as_numpy_dtype)


class Random(Plan):
    """Random whole numbers below 2**32, without end."""

    title = "_RandomDataset"
    cardinality = INFINITE
    spec = tf.TensorSpec([], tf.int64)

    def __init__(self, seed: Any, rerandomize: bool | None) -> None:
        self.seed = Seed(seed, fixed=not rerandomize)

    def reader(self) -> Reader:
        return _RandomReader(self.seed.generator())


class _RandomReader(Reader):
    cuts = True

    def __init__(self, random: np.random.Generator) -> None:
        self.random = random

    def next(self) -> Row | None:
        return [np.array(self.random.integers(2**32), np.int64)]

    def take(self, n: int) -> Columns | None:
        return [self.random.integers(2**32, size=n, dtype=np.int64)]


# --- which elements, and in which order -----------------------------------------------------------


class Shuffled(From):
    """Random order."""

    title = "_ShuffleDataset"

    def __init__(self, source: Plan, size: int, seed: Seed) -> None:
        super().__init__(source)
        self.size, self.seed = size, seed

    def reader(self) -> Reader:
        random = self.seed.generator()
        return reorder(self.source.reader(), lambda order: Shuffle(order, self.size, random))


class Taken(From):
    """The first elements."""

    title = "_TakeDataset"

    def __init__(self, source: Plan, count: int) -> None:
        super().__init__(source)
        self.count = count
        if count >= 0 and source.cardinality != UNKNOWN:
            endless = source.cardinality == INFINITE
            self.cardinality = count if endless else min(count, source.cardinality)

    def reader(self) -> Reader:
        upstream = self.source.reader()
        if self.count < 0:
            return upstream
        return reorder(upstream, lambda order: readers.Take(order, self.count))


class Skipped(From):
    """All elements but the first."""

    title = "_SkipDataset"

    def __init__(self, source: Plan, count: int) -> None:
        super().__init__(source)
        self.count = count
        if count < 0:
            self.cardinality = 0
        elif source.cardinality >= 0:
            self.cardinality = max(source.cardinality - count, 0)

    def reader(self) -> Reader:
        upstream = self.source.reader()
        if self.count < 0:
            return readers.Take(upstream, 0)
        return reorder(upstream, lambda order: readers.Skip(order, self.count))


class Sharded(From):
    """Every so many elements one."""

    title = "_ShardDataset"

    def __init__(self, source: Plan, count: int, index: int) -> None:
        super().__init__(source)
        if count < 1:
            raise tf.errors.InvalidArgumentError(
                f"Number of shards must be greater than zero (currently num_shards = {count})."
            )
        if not 0 <= index < count:
            raise tf.errors.InvalidArgumentError(
                f"Index must be between 0 and {count - 1} (currently index = {index})."
            )
        self.count, self.index = count, index
        if source.cardinality >= 0:
            self.cardinality = len(range(index, source.cardinality, count))

    def reader(self) -> Reader:
        upstream = self.source.reader()
        return reorder(upstream, lambda order: readers.Shard(order, self.count, self.index))


class Repeated(From):
    """All elements again and again."""

    title = "_RepeatDataset"

    def __init__(self, source: Plan, count: int) -> None:
        super().__init__(source)
        self.count = count
        if source.cardinality == 0 or count == 0:
            self.cardinality = 0
        elif count < 0:
            self.cardinality = INFINITE
        elif source.cardinality > 0:
            self.cardinality = source.cardinality * count

    def reader(self) -> Reader:
        return readers.repeat(self.source.reader, self.count)


class Concatenated(From):
    """The elements of one after those of the other."""

    title = "_ConcatenateDataset"

    def __init__(self, source: Plan, other: Plan) -> None:
        super().__init__(source)
        self.other = other
        try:
            self.spec = map_components(widened, source.spec, other.spec)
        except (TypeError, ValueError):
            raise TypeError(
                f"Incompatible dataset elements:\n  {source.spec} vs.   {other.spec}"
            ) from None
        sizes = source.cardinality, other.cardinality
        self.cardinality = (
            INFINITE if INFINITE in sizes else UNKNOWN if UNKNOWN in sizes else sum(sizes)
        )

    def reader(self) -> Reader:
        parts = iter([self.other])

        def following(any_rows: bool) -> Reader | None:
            rest = next(parts, None)
            return None if rest is None else rest.reader()

        chain = readers.Chain(self.source.reader(), following)
        chain.cuts = chain.cuts and is_fixed(self.spec)
        return chain


# --- side by side ---------------------------------------------------------------------------------


class Zipped(Plan):
    """Elements side by side, until the shortest ends."""

    title = "_ZipDataset"

    def __init__(self, structure: Any) -> None:
        self.parts: Sequence[Plan] = flatten(structure)
        self.waits = any(p.waits for p in self.parts)
        self.spec = map_components(lambda plan: plan.spec, structure)
        sizes = [p.cardinality for p in self.parts]
        finite = [n for n in sizes if n >= 0]
        self.cardinality = (
            UNKNOWN if UNKNOWN in sizes else min(finite) if finite else INFINITE
        )  # fmt: skip

    def reader(self) -> Reader:
        parts = [p.reader() for p in self.parts]
        if all(isinstance(p, Gather) and p.in_place for p in parts):
            columns = [c for p in parts for c in p.columns]  # type: ignore[attr-defined]
            return Gather(columns, Numbers(min(p.order.count for p in parts)))  # type: ignore[attr-defined]
        return Zip(parts)


class Zip(Reader):
    """Rows side by side."""

    def __init__(self, parts: Sequence[Reader]) -> None:
        self.parts = parts
        self.cuts = all(p.cuts for p in parts)

    def next(self) -> Row | None:
        rows = []
        for part in self.parts:
            row = part.next()
            if row is None:
                return None
            rows += row
        return rows

    def take(self, n: int) -> Columns | None:
        if not self.cuts:
            return super().take(n)
        blocks = [p.take(n) for p in self.parts]
        if None in blocks:
            return None
        count = min(len(b[0]) for b in blocks)  # type: ignore[index]
        return [c[:count] for b in blocks for c in b]  # type: ignore[union-attr]

    def close(self) -> None:
        for part in self.parts:
            part.close()


# --- batches --------------------------------------------------------------------------------------


class Batched(From):
    """So many elements as one, stacked."""

    title = "_BatchDataset"

    def __init__(self, source: Plan, size: int, drop_remainder: bool) -> None:
        super().__init__(source)
        if size < 1:
            raise tf.errors.InvalidArgumentError("Batch size must be greater than zero.")
        self.size, self.drop = size, drop_remainder
        self.spec = map_components(
            lambda s: batched(s, size if drop_remainder else None), source.spec
        )
        self.cardinality = batches(source.cardinality, size, drop_remainder)

    def reader(self) -> Reader:
        return Batch(self.source.reader(), self.size, self.drop)


def batches(rows: int, size: int, drop_remainder: bool) -> int:
    """How many batches rows give."""
    if rows < 0:
        return rows
    return rows // size if drop_remainder else -(-rows // size)


class Batch(Through):
    """Blocks as rows."""

    def __init__(self, upstream: Reader, size: int, drop: bool) -> None:
        super().__init__(upstream)
        self.cuts = False
        self.size, self.drop = size, drop

    def next(self) -> Row | None:
        block = self.upstream.take(self.size)
        if block is None or (self.drop and len(block[0]) < self.size):
            return None
        return block
