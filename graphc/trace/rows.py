"""Tensors that fill up row by row: what lists and TensorArrays are while a graph is traced."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from graphc.errors import InvalidArgumentError
from graphc.ir import dtypes
from graphc.ir.types import TensorType
from graphc.ops import ops
from graphc.trace import staging
from graphc.trace.dispatch import convert_to_tensor, static_value
from graphc.trace.state import current
from graphc.trace.tensor import SymbolicTensor, Tensor


class Tracked:
    """Something that staged code changes in place; `control_watch` puts its contents back.

    ``reads`` counts the looks at what it held before.
    """

    reads = 0

    def held(self) -> Any:
        """A copy of the contents: a nested structure of tensors."""
        raise NotImplementedError

    def hold(self, held: Any) -> None:
        """Take over such contents."""
        raise NotImplementedError

    def enter(self) -> bool:
        """Hold the contents in a form that a loop can carry; whether that is another form."""
        return False

    def leave(self) -> None:
        """Hold them in the form they had before."""


class Later:
    """``count`` rows: ``start``, then zeros; without ``start`` the first row that is written tells
    what rows are.
    """

    def __init__(self, count: Any, dtype: Any = None, start: Any = None) -> None:
        self.count, self.dtype, self.start = count, dtype, start

    def make(self, dtype: Any, row: Any) -> Tensor:
        """The rows; ``row`` is the shape of one."""
        more = self.count if self.start is None else self.count - self.start.dims[0]
        zeros = ops.broadcast_to(convert_to_tensor(np.zeros((), dtype.np)), shape=(more, *row))
        return zeros if self.start is None else ops.concat(self.start, zeros, axis=0)

    def typed(self, type: TensorType) -> Tensor:
        """The rows, of a type that has their axis in front."""
        return self.make(type.dtype, type.shape[1:])

    @property
    def type(self) -> TensorType | None:
        """The type of the rows, if it is known."""
        start = self.start
        return None if start is None else TensorType(start.dtype, (self.count, *start.dims[1:]))


class Room:
    """What a counted loop may add at most to rows, found while its body is traced."""

    def __init__(self, index: Any) -> None:
        self.index = index
        self.pushes: Any = 0  # in one iteration
        self.indexed = False  # a row is written at the loop's index
        self.enough = True


class Growable(Tracked):
    """Rows with a count, of which there may be more than are counted.

    Before a counted loop room is made for what it adds: a program with sizes that do not change is
    a fast one, and can be differentiated.
    """

    rows: Any = None
    rooms: tuple[Room, ...] = ()  # of the counted loops around, the innermost last
    room: Any = None  # the symbol of the reserved number, and the rows without them
    unreserved: Any = None
    roomless = False  # a loop around adds a number that is not known before it

    def reserve(self) -> None:
        """Let the rows be followed by as many as the loop that begins will say."""
        self.release()
        if self.rooms or self.roomless:
            return
        tracer = current.tracer
        assert tracer is not None
        self.unreserved, self.room = self.rows, tracer.fresh_symbol("r")
        start = None if isinstance(self.rows, Later) else self.rows
        have = self.rows.count if start is None else start.dims[0]
        self.rows = Later(have + self.room, self.rows.dtype, start)

    def release(self) -> None:
        """Take that back."""
        if self.room is not None and not self.rooms:
            self.rows, self.room = self.unreserved, None

    @contextmanager
    def adding(self, room: Room | None) -> Iterator[None]:
        """In the body of a loop: ``room`` notes what it adds, None where that is not counted."""
        before = self.rooms
        if before and room is None:
            before[-1].enough = False
        self.rooms = () if room is None or self.roomless else (*before, room)
        try:
            yield
        finally:
            self.rooms = before

    def pushed(self, at: Any = None) -> bool:
        """Note that a row is added, or written at ``at``; whether there is room for it."""
        if not self.rooms:
            return False
        room = self.rooms[-1]
        if at is None:
            room.pushes = room.pushes + 1
        elif isinstance(at, SymbolicTensor) and at.value is room.index.value:
            room.indexed = True
        else:
            room.enough = False
        return True

    def settle(self, room: Room, trips: Any) -> bool:
        """Say how many rows a loop adds at most; False if there cannot be room for them."""
        if self.rooms:  # the loop around has made the room
            outer, known = self.rooms[-1], static_value(trips)
            outer.enough &= room.enough and known is not None and not room.indexed
            outer.pushes = outer.pushes + room.pushes * (known or 0)
            return True
        if self.room is None:
            return True
        if not room.enough:
            self.roomless = True
            return False
        total = ops.multiply(_as_tensor(room.pushes), trips)
        told(self.room, ops.maximum(total, trips) if room.indexed else total)
        self.room = None
        return True


def _as_tensor(dim: Any) -> Any:
    if isinstance(dim, int):
        return convert_to_tensor(dim)
    return length(Later(dim).make(dtypes.bool_, ()))


def dimension(count: Any) -> Any:
    """An integer tensor as a dim; one that only running tells becomes a symbol."""
    if not isinstance(count, SymbolicTensor):
        return int(count)
    known = count.tracer.static_value(count)
    if known is not None:
        return known
    tracer = current.tracer
    assert tracer is not None
    symbol = tracer.fresh_symbol("n")
    told(symbol, count)
    return symbol


def told(symbol: Any, count: Any) -> None:
    """Let the program learn a size from a tensor."""
    zero, one = convert_to_tensor(0), convert_to_tensor(1)
    ops.range(zero, ops.cast(count, dtype=dtypes.int32), one, size=symbol)


def length(rows: Any) -> Any:
    """The number of rows: an int, or a tensor while it is not known."""
    size = rows.count if isinstance(rows, Later) else rows.dims[0]
    if isinstance(size, int):
        return size
    if isinstance(rows, Later):
        rows = Later(size).make(dtypes.bool_, ())
    return ops.strided_slice(ops.shape_of(rows), index=(0,))


def written(rows: Any, index: Any, value: Tensor, what: str) -> Tensor:
    """The rows with one of them changed."""
    if isinstance(rows, Later):
        rows = rows.make(value.dtype, value.dims)
    if tuple(rows.dims[1:]) != tuple(value.dims) and _differ(rows.dims[1:], value.dims):
        raise InvalidArgumentError(
            f"{what}: its elements have shape {_shown(rows.dims[1:])}, the new one has"
            f" {_shown(value.dims)}; elements of staged code must have one shape"
        )
    return ops.set_row(rows, convert_to_tensor(index, dtype_hint=dtypes.int32), value, what=what)


def _differ(a: Any, b: Any) -> bool:
    if len(a) != len(b):
        return True
    return any(isinstance(x, int) and isinstance(y, int) and x != y for x, y in zip(a, b))  # noqa: B905


def _shown(shape: Any) -> str:
    return "(" + ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"


def roomy(rows: Any, needed: Any, value: Tensor) -> Tensor:
    """The rows, made at least twice as many if there are fewer than ``needed``."""
    if isinstance(rows, Later):
        rows = rows.make(value.dtype, value.dims)
    have, known = length(rows), static_value(needed)
    if isinstance(have, int) and isinstance(known, int):
        if known <= have:
            return rows
        zeros = Later(max(known - have, have)).make(rows.dtype, rows.dims[1:])
        return ops.concat(rows, zeros, axis=0)
    have = convert_to_tensor(have)
    with staging.region("then") as then_r:
        added = ops.maximum(ops.subtract(needed, have), have)
        zeros = Later(dimension(added)).make(rows.dtype, rows.dims[1:])
        longer = ops.concat(rows, zeros, axis=0)
    with staging.region("else") as else_r:
        same = ops.identity(rows)
    full = ops.greater(needed, have)
    return staging.emit_if(full, then_r, [longer], else_r, [same], ["rows"])[0]


def first(rows: Any, count: Any) -> Tensor:
    """The first ``count`` rows."""
    if count is None or (isinstance(count, int) and count == rows.dims[0]):
        return rows
    return rows[:count]
