"""The kernels of an arranged loop nest: one, or one that computes a piece and one that adds up.

Pieces run at the same time (see `threads`), so each adds up in memory of its own; a kernel after
them makes one sum of theirs, always in the same order, and finishes what depends on it.  A piece
that has to stop says so in its memory, too, and the kernel after stops for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from graphc.ir.dims import DimLike
from graphc.ir.graph import Node, Value
from graphc.ops.loopcost import across, cut
from graphc.ops.loopnest import can_stop
from graphc.ops.looporder import Loops
from graphc.runtime.across import Across
from graphc.runtime.calls import PIECE, PIECES
from graphc.runtime.nesttext import Argument, Block, KernelText, Writer, read, written
from graphc.runtime.scalars import start, step

NOTE = 3  # numbers with which a piece says that it stopped: the code and two details


def loop_kernel(loops: Loops, shared: Mapping[Value, Value] | None = None) -> KernelText:
    """The kernel of an arranged nest; ``shared`` outputs overwrite the root they are mapped to."""
    axis, pieces = cut(loops)
    vectors = across(loops)
    if axis is None:
        return (Across if vectors else Writer)(loops, shared or {}).write()
    writer = (_PieceAcross if vectors else _Piece)(loops, shared or {}, axis, pieces)
    kernel = replace(writer.write(), pieces=pieces, failures=())
    numbers = any(not loops.nest.axes_of(v) for v in loops.nest.outputs)  # no piece stores them
    if loops.folds or numbers or writer.stops:
        after = _Total(loops, shared or {}, pieces, writer.failures).write()
        return replace(kernel, after=after)
    return kernel


class _Piece(Writer):
    """Writes the kernel of one piece: its part of the loop ``axis``."""

    def __init__(
        self, loops: Loops, shared: Mapping[Value, Value], axis: int, pieces: DimLike
    ) -> None:
        super().__init__(loops, shared)
        self.axis, self.pieces = axis, pieces
        self.stops = any(map(can_stop, self.nest.computed))
        self.sums: dict[Node, str] = {}  # folds to a variable: where the pieces' totals are

    def _declare_memory(self) -> None:
        super()._declare_memory()
        for node in scalar_folds(self):
            self.sums[node] = self._buffer(*totals(self, node, self.pieces))
        if self.stops:
            self.note = self._own("i64", NOTE * 8, "stopped")
            self.head.add(f"{self.note}[0] = 0")

    def _pointer(self, value: Value) -> None:
        node = self.loops.producer.get(value)
        if node is None or not self._in_memory(node):
            super()._pointer(value)
            return
        key = None if node in self.wide else value  # wide ones are added up in their f64 totals
        dtype = value.type.dtype
        self.pointers[value] = self._own(dtype.short, value.type.size * dtype.size, key)

    def _own(self, short: str, bytes: DimLike, key: Any = None) -> str:
        argument = Argument("scratch", None, bytes * self.pieces, key)
        return self._buffer(argument, short, f" + slots[{PIECE}] * {self.size(bytes)}")

    def _bounds(self, axis: int) -> tuple[str, str]:
        if axis != self.axis:
            return super()._bounds(axis)
        size, piece, pieces = self.size(self.loops.sizes[axis]), f"slots[{PIECE}]", PIECES
        return f"{size} * {piece} // slots[{pieces}]", f"{size} * ({piece} + 1) // slots[{pieces}]"

    def _stopping(self, code: int, details: Sequence[str]) -> list[str]:
        said = [f"{self.note}[{i}] = {x}" for i, x in enumerate((code, *details))]
        return [*said, "return 0"]

    def _write_end(self) -> None:
        for node, place in self.sums.items():
            total = written(node.output, self.total(node))
            self.tail.add(f"{place}[slots[{PIECE}]] = {total}", node)


class _PieceAcross(_Piece, Across):
    """Writes the kernel of a piece of short rows."""


class _Total(Writer):
    """Writes the kernel after the pieces."""

    def __init__(
        self, loops: Loops, shared: Mapping[Value, Value], pieces: DimLike, failures: list[Node]
    ) -> None:
        super().__init__(loops, shared)
        self.narrow = set(self.wide)
        self.pieces, self.failures, self.wide = pieces, list(failures), {}

    def _write_loops(self) -> None:
        if any(map(can_stop, self.nest.computed)):
            self._stop()

    def _stop(self) -> None:
        """Stop where a piece did."""
        bytes = NOTE * 8 * self.pieces
        note = self._buffer(Argument("scratch", None, bytes, "stopped"), "i64")
        self.prologue.add(f"for j in range({self.size(self.pieces)}):")
        self.prologue.add(f"    if {note}[{NOTE} * j] != 0:")
        for i in (0, 1):
            self.prologue.add(f"        slots[{i}] = {note}[{NOTE} * j + {i + 1}]")
        self.prologue.add(f"        return {note}[{NOTE} * j]")

    def _start_folds(self) -> None:
        for node in scalar_folds(self):
            place = self._buffer(*totals(self, node, self.pieces))
            self._add_up(node, self.prologue, self.total(node), f"{place}[j]")
        for node in filter(self._in_memory, self.nest.computed):
            value, dtype = node.output, node.output.type.dtype
            short, bytes = ("f64", 8) if node in self.narrow else (dtype.short, dtype.size)
            argument = Argument("scratch", None, value.type.size * bytes * self.pieces, value)
            place, size = self._buffer(argument, short), self.size(value.type.size)
            self.prologue.add(f"for k in range({size}):", node)
            block = Block(2)
            self._add_up(node, block, "t", f"{place}[j * {size} + k]")
            block.add(f"{self.pointers[value]}[k] = {written(value, f'{dtype.short}(t)')}", node)
            self.prologue.extend(block)

    def _add_up(self, node: Node, block: Block, total: str, x: str) -> None:
        wide = self._is_wide(node) and (node in self.narrow or not self._in_memory(node))
        block.add(f"{total} = {'f64(0)' if wide else start(node)}", node)
        block.add(f"for j in range({self.size(self.pieces)}):", node)
        x = read(node.output, x)
        block.add(f"    {total} = {f'{total} + {x}' if wide else step(node, total, x)}", node)


def scalar_folds(writer: Writer) -> list[Node]:
    """The folds of a nest whose results are numbers."""
    return [n for n in writer.nest.computed if n in writer.loops.folds and not writer._in_memory(n)]


def totals(writer: Writer, node: Node, pieces: DimLike) -> tuple[Argument, str]:
    """Memory for a number of each piece."""
    dtype = node.output.type.dtype
    short, bytes = ("f64", 8) if writer._is_wide(node) else (dtype.short, dtype.size)
    return Argument("scratch", None, pieces * bytes, node.output), short
