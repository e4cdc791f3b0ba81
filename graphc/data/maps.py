"""Plans that call the user's functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import graphc as tf
from graphc.data.calls import Call
from graphc.data.plans import From, Plan
from graphc.data.readers import Columns, Reader, Rows, Through, join
from graphc.data.structure import (
    DatasetSpec,
    Row,
    as_row,
    flatten,
    is_fixed,
    map_components,
    pack,
    packer,
    unbatched,
    widened,
)


class Mapped(From):
    """A function of each element."""

    title = "_MapDataset"

    def __init__(self, source: Plan, call: Call) -> None:
        super().__init__(source)
        self.call, self.spec = call, call.spec

    def reader(self) -> Reader:
        return Map(self.source.reader(), self.call)


class Map(Through):
    """A function of rows, or of blocks."""

    def __init__(self, upstream: Reader, call: Call) -> None:
        super().__init__(upstream)
        self.call = call

    @property
    def cuts(self) -> bool:  # type: ignore[override]
        return self.upstream.cuts and self.call.cuts

    @cuts.setter
    def cuts(self, value: bool) -> None:
        """Known when it is asked for: it takes a second trace."""

    def next(self) -> Row | None:
        row = self.upstream.next()
        return None if row is None else self.call(row)

    def take(self, n: int) -> Columns | None:
        if not self.cuts:
            return super().take(n)
        found = self.upstream.take(n)
        return None if found is None else self.call.block(found)


class Filtered(From):
    """The elements for which a function is true."""

    title = "_FilterDataset"

    def __init__(self, source: Plan, call: Call) -> None:
        super().__init__(source)
        check_predicate(call)
        self.call = call
        self.cardinality = -2

    def reader(self) -> Reader:
        return Filter(self.source.reader(), self.call)


def check_predicate(call: Call) -> None:
    spec = call.spec
    if not isinstance(spec, tf.TensorSpec) or spec.dtype is not tf.bool or spec.shape.rank:
        raise ValueError(
            "Invalid `predicate`. `predicate` must return a `tf.bool` scalar tensor, but its return"
            f" type is {spec}."
        )


class Filter(Map):
    """The rows for which a function is true."""

    def __init__(self, upstream: Reader, call: Call) -> None:
        super().__init__(upstream, call)
        self.held: Columns | None = None

    def next(self) -> Row | None:
        while (row := self.upstream.next()) is not None:
            if self.call(row)[0]:
                return row
        return None

    def take(self, n: int) -> Columns | None:
        if not self.cuts:
            return Reader.take(self, n)
        parts: list[Columns] = []
        while n:
            found = self.upstream.take(n)
            if found is None:
                break
            chosen = self.call.block(found)[0]
            parts.append([c[chosen] for c in found])
            n -= int(np.count_nonzero(chosen))
        whole = join(parts)
        return whole if whole is not None and len(whole[0]) else None


class TakenWhile(From):
    """The elements before the first for which a function is false."""

    title = "_TakeWhileDataset"

    def __init__(self, source: Plan, call: Call) -> None:
        super().__init__(source)
        check_predicate(call)
        self.call, self.cardinality = call, -2

    def reader(self) -> Reader:
        return TakeWhile(self.source.reader(), self.call)


class TakeWhile(Through):
    def __init__(self, upstream: Reader, call: Call) -> None:
        super().__init__(upstream)
        self.cuts, self.call, self.over = False, call, False

    def next(self) -> Row | None:
        row = None if self.over else self.upstream.next()
        self.over = row is None or not self.call(row)[0]
        return None if self.over else row


class Scanned(From):
    """A function of a state and each element, which gives the next state and an element."""

    title = "_ScanDataset"

    def __init__(self, source: Plan, state: Any, call: Call) -> None:
        super().__init__(source)
        self.state, self.call, self.spec = as_row(flatten(state)), call, call.spec[1]

    def reader(self) -> Reader:
        return Scan(self.source.reader(), self.call, self.state, len(self.state))


def after(spec: Any, given: Any, outputs: bool) -> Any:
    """The type of a state, from what it was and what a function gives; dtypes stay."""
    if outputs and (type(given) is not tuple or len(given) != 2):
        raise TypeError(
            "Invalid `scan_func`. `scan_func` should return a pair of the next state and the output"
        )
    state = given[0] if outputs else given
    before, now = flatten(spec), flatten(state)
    if len(before) != len(now):
        raise TypeError(f"The element structure of the state must stay {spec}, got {state}")
    for a, b in zip(before, now, strict=True):
        if a.dtype is not b.dtype:
            raise TypeError(
                f"The element types for the new state must match the initial state. Expected"
                f" {a.dtype!r}, got {b.dtype!r}."
            )
    return map_components(widened, spec, state)


class Scan(Through):
    def __init__(self, upstream: Reader, call: Call, state: Row, width: int) -> None:
        super().__init__(upstream)
        self.cuts, self.call, self.state, self.width = False, call, state, width

    def next(self) -> Row | None:
        row = self.upstream.next()
        if row is None:
            return None
        found = self.call([*self.state, *row])
        self.state = found[: self.width]
        return found[self.width :]


# --- datasets of datasets -------------------------------------------------------------------------


class Flattened(From):
    """All elements of the datasets that a function gives, one dataset after the other."""

    title = "_FlatMapDataset"

    def __init__(self, source: Plan, call: Call) -> None:
        super().__init__(source)
        if not isinstance(call.spec, DatasetSpec):
            raise TypeError(
                f"Invalid `map_func`. `map_func` must return a `Dataset` object. Got {call.spec!r}."
            )
        self.call, self.spec, self.cardinality = call, call.spec.element_spec, -2

    def opened(self, row: Row) -> Reader:
        return self.call(row)[0].plan.reader()

    def reader(self) -> Reader:
        return Interleave(self.source.reader(), self.opened, 1, 1)


class Interleaved(Flattened):
    """Elements of the datasets that a function gives, from several at a time in turn."""

    title = "_InterleaveDataset"

    def __init__(self, source: Plan, call: Call, cycle: int, block: int) -> None:
        super().__init__(source, call)
        if cycle < 1 or block < 1:
            raise tf.errors.InvalidArgumentError("`cycle_length` and `block_length` must be > 0")
        self.cycle, self.block = cycle, block

    def reader(self) -> Reader:
        return Interleave(self.source.reader(), self.opened, self.cycle, self.block)


class Interleave(Through):
    """``block`` rows of each of ``cycle`` open readers in turn; an ended one makes room."""

    def __init__(
        self, upstream: Reader, open_: Callable[[Row], Reader], cycle: int, block: int
    ) -> None:
        super().__init__(upstream)
        self.cuts, self.open, self.block = False, open_, block
        self.readers: list[Reader | None] = [None] * cycle
        self.at, self.done, self.ended = 0, 0, False

    def next(self) -> Row | None:
        while True:
            reader = self.readers[self.at]
            if reader is None and not self.ended:
                reader = self._refill()
            if reader is None:
                if self.ended and not any(self.readers):
                    return None
                self._turn()
                continue
            row = reader.next()
            if row is None:
                self.readers[self.at] = None
                self._turn()
                continue
            self.done += 1
            if self.done == self.block:
                self._turn()
            return row

    def _refill(self) -> Reader | None:
        row = self.upstream.next()
        self.ended = row is None
        reader = self.readers[self.at] = None if row is None else self.open(row)
        return reader

    def close(self) -> None:
        super().close()
        for reader in filter(None, self.readers):
            reader.close()

    def _turn(self) -> None:
        self.at, self.done = (self.at + 1) % len(self.readers), 0


class Windowed(From):
    """Datasets of so many elements that follow each other."""

    title = "_WindowDataset"

    def __init__(
        self, source: Plan, size: int, shift: int, stride: int, drop: bool,
        dataset: Callable[[Plan], Any],
    ) -> None:  # fmt: skip
        super().__init__(source)
        for name, value in (("size", size), ("shift", shift), ("stride", stride)):
            if value < 1:
                raise tf.errors.InvalidArgumentError(f"Window {name} must be greater than zero.")
        self.size, self.shift, self.stride, self.drop = size, shift, stride, drop
        self.dataset = dataset
        self.spec = pack(source.spec, [DatasetSpec(s) for s in flatten(source.spec)])
        if source.cardinality >= 0:
            rows = source.cardinality
            whole = (size - 1) * stride + 1
            last = rows - whole if drop else rows - 1
            self.cardinality = max(last // shift + 1, 0)

    def reader(self) -> Reader:
        return Window(self.source.reader(), self)


class Window(Through):
    def __init__(self, upstream: Reader, plan: Windowed) -> None:
        super().__init__(upstream)
        self.cuts, self.plan = False, plan
        self.held: list[Row] = []
        self.skip = 0

    def next(self) -> Row | None:
        plan = self.plan
        reach = (plan.size - 1) * plan.stride + 1
        self.upstream.rows(self.skip)
        self.held += self.upstream.rows(reach - len(self.held))
        if not self.held or (plan.drop and len(self.held) < reach):
            return None
        rows = self.held[:: plan.stride]
        self.skip = max(plan.shift - len(self.held), 0) if len(self.held) == reach else 0
        self.held = self.held[plan.shift :]
        specs = flatten(plan.source.spec)
        return [plan.dataset(Listed(s, [[r[i]] for r in rows])) for i, s in enumerate(specs)]


class Listed(Plan):
    """Rows that are there already."""

    title = "_VariantDataset"

    def __init__(self, spec: Any, rows: list[Row]) -> None:
        self.spec, self.rows, self.cardinality = spec, rows, len(rows)

    def reader(self) -> Reader:
        return Rows(self.rows)


class Unknown(Plan):
    """Stands for a dataset while a function of datasets is traced."""

    title = "_VariantDataset"

    def __init__(self, spec: Any) -> None:
        self.spec = spec


class Unbatched(From):
    """The rows of the elements."""

    title = "_UnbatchDataset"

    def __init__(self, source: Plan) -> None:
        super().__init__(source)
        specs = flatten(source.spec)
        for s in specs:
            if s.shape is not None and s.shape.rank == 0:
                raise ValueError("Cannot unbatch an input with scalar components.")
        self.spec = pack(source.spec, map(unbatched, specs))
        sizes = {s.shape[0] for s in specs if s.shape is not None and s.shape.rank}
        size = next((n for n in sizes if n is not None), None)
        self.cardinality = source.cardinality
        if source.cardinality > 0:
            self.cardinality = -2 if size is None else size * source.cardinality

    def reader(self) -> Reader:
        return Unbatch(self.source.reader(), is_fixed(self.spec))


class Unbatch(Reader):
    """Columns that come as rows; blocks are cut from them, across their ends."""

    def __init__(self, upstream: Reader, cuts: bool) -> None:
        self.upstream = upstream
        self.cuts = cuts
        self.block: Columns | None = None
        self.at = 0

    def _more(self) -> bool:
        while self.block is None or self.at == len(self.block[0]):
            self.block, self.at = self.upstream.next(), 0
            if self.block is None:
                return False
            sizes = [len(c) for c in self.block]
            if len(set(sizes)) > 1:
                raise tf.errors.InvalidArgumentError(
                    f"Input element must have the same batch size in each component. Component 0"
                    f" had size {sizes[0]} but another had size {max(sizes)}."
                )
        return True

    def next(self) -> Row | None:
        if not self._more():
            return None
        self.at += 1
        return [c[self.at - 1, ...] for c in self.block]  # type: ignore[union-attr]

    def take(self, n: int) -> Columns | None:
        if not self.cuts:
            return super().take(n)
        parts: list[Columns] = []
        while n and self._more():
            found = [c[self.at : self.at + n] for c in self.block]  # type: ignore[union-attr]
            parts.append(found)
            self.at += len(found[0])
            n -= len(found[0])
        return join(parts)

    def close(self) -> None:
        self.upstream.close()


def each(plan: Plan) -> Any:
    """The elements for the user."""
    make, reader = packer(plan.spec), plan.reader()
    while (row := reader.next()) is not None:
        yield make(row)


def reduced(plan: Plan, state: Sequence[Any], call: Call) -> Row:
    """The last state after all elements."""
    reader, held = plan.reader(), list(state)
    while (row := reader.next()) is not None:
        held = call([*held, *row])
    return held
