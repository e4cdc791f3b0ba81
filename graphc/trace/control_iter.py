"""Things a staged `for` goes through: `range`, `enumerate` and `zip` of tensors, and tensors."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from graphc.errors import StagingError, SymbolicValueError
from graphc.ir import dtypes
from graphc.ops import ops
from graphc.trace import nest, staging
from graphc.trace.dispatch import convert_to_tensor
from graphc.trace.growing import GrowingList
from graphc.trace.host_value import HostValue
from graphc.trace.state import current
from graphc.trace.streams import Stream
from graphc.trace.tensor import Operators, SymbolicTensor
from graphc.trace.variable import Variable


class Sequence_:
    """Something with a length and items that is known when the program runs."""

    def length(self) -> Any:
        raise NotImplementedError

    def scanned(self) -> list[Any]:
        """Tensors whose rows the items are made of."""
        return []

    def item(self, i: Any, rows: list[Any]) -> Any:
        """The i-th item; takes its rows from the front of ``rows``."""
        raise NotImplementedError

    def known(self) -> Iterable[Any] | None:
        """The items for Python to go through, if their number is known."""
        return None

    def __iter__(self) -> Iterator[Any]:
        items = self.known()
        if items is not None:
            return iter(items)
        raise SymbolicValueError(
            f"{type(self).__name__} of tensors can be used in a `for` statement that AutoGraph"
            " converts; here Python asks for its items"
        )


class TensorRange(Sequence_):
    """``range`` with a tensor among its arguments."""

    def __init__(self, start: Any, stop: Any = None, step: Any = 1, dtype: Any = None) -> None:
        if stop is None:
            start, stop = 0, start
        given = [v for v in (start, stop, step) if isinstance(v, Operators)]
        self.dtype = dtype or (given[0].dtype if given else dtypes.int32)
        self.start, self.stop, self.step = start, stop, step
        self.weak = dtype is None  # Python's `range` gives Python's ints

    def length(self) -> Any:
        if not isinstance(self.step, Operators):
            if self.step == 0:
                raise ValueError("range() arg 3 must not be zero")
            if self.step == 1:
                span = self.stop if _is_zero(self.start) else self.stop - self.start
                return ops.maximum(self._tensor(span), self._tensor(0))
        start, stop, step = map(self._tensor, (self.start, self.stop, self.step))
        count = ops.floordiv(stop - start + step - ops.sign(step), step)
        return ops.maximum(count, self._tensor(0))

    def _tensor(self, value: Any) -> Any:
        return convert_to_tensor(value, dtype_hint=self.dtype)

    def item(self, i: Any, rows: list[Any]) -> Any:
        if i.dtype is not self.dtype:
            i = ops.cast(i, dtype=self.dtype)
        scaled = i if _is_one(self.step) else i * self.step
        number = scaled if _is_zero(self.start) else scaled + self.start
        number.weak = self.weak
        return number

    def reversed(self) -> TensorRange:
        last = self.start + (self.length() - 1) * self.step
        return TensorRange(last, self.start - self.step, 0 - self.step, self.dtype)

    def __bool__(self) -> bool:
        return True

    def __len__(self) -> int:
        raise SymbolicValueError("the length of a range over a tensor is not known while tracing")


def _is_zero(value: Any) -> bool:
    return not isinstance(value, Operators) and value == 0


def _is_one(value: Any) -> bool:
    return not isinstance(value, Operators) and value == 1


class TensorRows(Sequence_):
    """The rows of a tensor."""

    def __init__(self, tensor: Any) -> None:
        if not tensor.dims:
            raise TypeError("cannot iterate over a scalar tensor")
        self.tensor = tensor

    def length(self) -> Any:
        size = self.tensor.dims[0]
        if isinstance(size, int):
            return staging.constant(size, dtypes.int32)
        return ops.strided_slice(ops.shape_of(self.tensor), index=(0,))

    def scanned(self) -> list[Any]:
        return [self.tensor]

    def item(self, i: Any, rows: list[Any]) -> Any:
        return rows.pop(0) if rows else self.tensor[i]

    def known(self) -> Iterable[Any] | None:
        return self.tensor if isinstance(self.tensor.dims[0], int) else None


class ListItems(Sequence_):
    """The elements of a list of unknown length."""

    def __init__(self, elements: GrowingList) -> None:
        self.rows = elements.dense().rows
        self.parts = [TensorRows(t) for t in nest.flatten(self.rows)]

    def length(self) -> Any:
        return self.parts[0].length()

    def scanned(self) -> list[Any]:
        return [p.tensor for p in self.parts]

    def item(self, i: Any, rows: list[Any]) -> Any:
        return nest.pack_sequence_as(self.rows, [p.item(i, rows) for p in self.parts])


class HostItems(Sequence_):
    """The items of something that only Python knows."""

    def __init__(self, items: HostValue) -> None:
        host = current.tracer.root.host  # type: ignore[union-attr]
        self.items = host.call(list, (items,))
        self.count = host.call(len, (self.items,)).as_int()

    def length(self) -> Any:
        return self.count

    def item(self, i: Any, rows: list[Any]) -> Any:
        i.weak = True
        return self.items[i]


class Count(Sequence_):
    """``itertools.count``"""

    def __init__(self, start: Any, step: Any = 1) -> None:
        self.start, self.step = start, step

    def length(self) -> Any:
        return staging.constant(2**31 - 1, dtypes.int32)

    def item(self, i: Any, rows: list[Any]) -> Any:
        number = i * self.step + self.start
        number.weak = True
        return number

    def known(self) -> Iterable[Any] | None:
        return itertools.count(self.start, self.step)


class TensorEnumerate(Sequence_):
    """``enumerate`` of one of these."""

    def __init__(self, items: Sequence_, start: Any = 0) -> None:
        self.items, self.start = items, start

    def length(self) -> Any:
        return self.items.length()

    def scanned(self) -> list[Any]:
        return self.items.scanned()

    def item(self, i: Any, rows: list[Any]) -> Any:
        number = i if _is_zero(self.start) else i + self.start
        number.weak = True
        return number, self.items.item(i, rows)

    def known(self) -> Iterable[Any] | None:
        items = self.items.known()
        if items is None or isinstance(self.start, Operators):
            return None
        return enumerate(items, self.start)


class TensorZip(Sequence_):
    """``zip`` with one of these among its arguments; ends with the shortest."""

    def __init__(self, parts: Sequence[Any], strict: bool = False) -> None:
        sizes = [len(p) for p in parts if _is_sized(p)]
        self.parts = [_items(p, min(sizes, default=None)) for p in parts]
        known = {p.tensor.dims[0] for p in self.parts if isinstance(p, TensorRows)}
        self.even = len(known) == 1 and all(isinstance(p, TensorRows) for p in self.parts)
        self.strict = strict and not self.even

    def length(self) -> Any:
        counts = [ops.cast(p.length(), dtype=dtypes.int32) for p in self.parts]
        shortest = counts[0]
        for i, count in enumerate(counts[1:] if not self.even else (), 2):
            if self.strict:
                same = ops.equal(count, counts[0])
                text = f"zip() argument {i} is shorter or longer than argument{'s 1-' * (i > 2)}"
                staging.emit_assert(same, ValueError, [f"{text} {i - 1}"])
            shortest = ops.minimum(shortest, count)
        return shortest

    def scanned(self) -> list[Any]:
        return [t for p in self.parts for t in p.scanned()] if self.even else []

    def item(self, i: Any, rows: list[Any]) -> Any:
        return tuple(p.item(i, rows) for p in self.parts)

    def known(self) -> Iterable[Any] | None:
        parts = [p.known() for p in self.parts]
        found = [p for p in parts if p is not None]
        return zip(*found, strict=self.strict) if len(found) == len(parts) else None


def _is_sized(part: Any) -> bool:
    if isinstance(part, SymbolicTensor):
        return bool(part.dims) and isinstance(part.dims[0], int)
    return hasattr(part, "__len__") and not isinstance(part, Sequence_ | Operators)


def _items(part: Any, longest: int | None) -> Sequence_:
    """What a part of a zip goes through; the items of a Python sequence must fit one tensor."""
    staged = staged_items(part)
    if staged is not None:
        return staged
    if isinstance(part, Operators):
        return TensorRows(convert_to_tensor(part))
    if isinstance(part, itertools.count):
        return Count(*part.__reduce__()[1])
    if not _is_sized(part) and longest is None:
        raise StagingError(
            f"this zip ends when a tensor does, whose length is known only when the program runs;"
            f" a {type(part).__name__} beside it must have a length: make it a list"
        )
    return TensorRows(convert_to_tensor(list(itertools.islice(part, longest))))


def is_numeric(values: Any) -> bool:
    """Whether an iterable is of numbers and tensors, all alike, so that one tensor can hold it."""
    if isinstance(values, range | np.ndarray | itertools.count):
        return True
    if not isinstance(values, list | tuple):
        return False
    plain = {type(v) for v in values}
    return plain <= {int} or plain <= {float} or all(isinstance(v, Operators) for v in values)


def staged_items(items: Any) -> Sequence_ | Stream | None:
    """What to loop over in the graph, or None for a Python iterable."""
    if isinstance(items, Sequence_):
        return items
    if isinstance(items, HostValue):
        return HostItems(items)
    if current.tracer is not None and hasattr(type(items), "__graphc_stream__"):
        return Stream(items.__graphc_stream__())
    if isinstance(items, GrowingList) and not items.is_known:
        return ListItems(items)
    if isinstance(items, Variable) and current.tracer is not None:
        items = items.value()
    if not isinstance(items, SymbolicTensor):
        return None
    return _range_behind(items) or TensorRows(items)


def _range_behind(items: SymbolicTensor) -> Sequence_ | None:
    """The range whose numbers a tensor holds: it need not be built."""
    node = items.tracer.producers.get(items.value)
    if node is None or not items.dtype.is_integer:
        return None
    if node.op.name == "iota":
        return TensorRange(0, TensorRows(items).length(), dtype=items.dtype)
    if node.op.name != "range":
        return None
    bounds = []
    for value in node.inputs:
        tensor = SymbolicTensor(value, items.tracer)
        known = items.tracer.static_value(tensor)
        bounds.append(known if isinstance(known, int) else tensor)
    return TensorRange(*bounds, dtype=items.dtype)
