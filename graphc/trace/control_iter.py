"""Things a staged `for` goes through: `range`, `enumerate` and `zip` of tensors, and tensors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from graphc.errors import SymbolicValueError
from graphc.ir import dtypes
from graphc.ops import ops
from graphc.trace import staging
from graphc.trace.dispatch import convert_to_tensor
from graphc.trace.state import current
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

    def __iter__(self) -> Iterator[Any]:
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
        return scaled if _is_zero(self.start) else scaled + self.start

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
        return number, self.items.item(i, rows)


class TensorZip(Sequence_):
    """``zip`` with one of these among its arguments; ends with the shortest."""

    def __init__(self, parts: Sequence[Any]) -> None:
        self.parts = [_items(p) for p in parts]
        sizes = {p.tensor.dims[0] for p in self.parts if isinstance(p, TensorRows)}
        self.even = len(sizes) == 1 and all(isinstance(p, TensorRows) for p in self.parts)

    def length(self) -> Any:
        counts = [ops.cast(p.length(), dtype=dtypes.int32) for p in self.parts]
        shortest = counts[0]
        for count in counts[1:] if not self.even else ():
            shortest = ops.minimum(shortest, count)
        return shortest

    def scanned(self) -> list[Any]:
        return [t for p in self.parts for t in p.scanned()] if self.even else []

    def item(self, i: Any, rows: list[Any]) -> Any:
        return tuple(p.item(i, rows) for p in self.parts)


def _items(part: Any) -> Sequence_:
    """What a part of a zip goes through; the items of a Python sequence must fit one tensor."""
    staged = staged_items(part)
    if staged is not None:
        return staged
    return TensorRows(convert_to_tensor(list(part) if not isinstance(part, Operators) else part))


def staged_items(items: Any) -> Sequence_ | None:
    """What to loop over in the graph, or None for a Python iterable."""
    if isinstance(items, Sequence_):
        return items
    if isinstance(items, Variable) and current.tracer is not None:
        items = items.value()
    if not isinstance(items, SymbolicTensor):
        return None
    return _range_behind(items) or TensorRows(items)


def _range_behind(items: SymbolicTensor) -> Sequence_ | None:
    """The range whose numbers a tensor holds: it need not be built."""
    node = items.tracer.producers.get(items.value)
    if node is None or node.op.name != "range" or not items.dtype.is_integer:
        return None
    bounds = []
    for value in node.inputs:
        tensor = SymbolicTensor(value, items.tracer)
        known = items.tracer.static_value(tensor)
        bounds.append(known if isinstance(known, int) else tensor)
    return TensorRange(*bounds, dtype=items.dtype)
