"""Kernels over short rows: vectors run across rows, the columns one after the other.

A row of ten columns fills part of a vector, and what is computed once for a row fills one lane.  So
rows are taken in blocks, and what the loops remember of a row is an array with an element for each
row of the block.  For each level there is a loop over the rows for what depends on them only, and
then one over the columns with one over the rows inside.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from graphc.ir.dims import DimLike
from graphc.ir.graph import Node, Value
from graphc.ops.looporder import FULL, ROW, resolve
from graphc.runtime.nesttext import ROWS, Block, KernelText, Writer, read, written
from graphc.runtime.scalars import is_float_sum, start, step

LANE = "l0"  # which row of the block


class Across(Writer):
    """Writes such a kernel; `row` is the body of the innermost loop that is being written."""

    together = ROWS

    def _number(self, dim: DimLike) -> str:
        """The columns are a number in the text: strides must not be unknown to vectorise."""
        (columns,) = self.loops.inner
        return str(dim) if dim == self.loops.sizes[columns] else super()._number(dim)

    def write(self) -> KernelText:
        return replace(super().write(), across=True)

    def _write_loops(self) -> None:
        self.lanes: dict[Node, str] = {}
        body = Block(self.prologue.depth + 1)
        _, until = self._bounds(self.loops.outer[0])
        body.add(f"w0 = min({ROWS}, {until} - m0)")
        for level in range(self.loops.levels):
            self._write_level(level, body)
        self._row_blocks(body)

    def _row_loop(self, block: Block, body: Block) -> None:
        block.extend(body)  # which has its own loops over rows

    def _write_level(self, level: int, body: Block) -> None:
        nodes = [n for n in self._nodes(ROW) if n in self.loops.folds or self._is_lane(n)]
        reductions = [
            n for n in nodes if self._is_row_reduction(n) and self.loops.level[n] == level + 1
        ]  # fmt: skip
        rows = self._start_rows(body.depth + 1)
        for node in nodes:
            if self.loops.level[node] == level:
                self._write_row(node, rows)
        for node in reductions:
            rows.add(f"{self._lane(node)} = {written(node.output, start(node))}", node)
        self._over_rows(body, rows)
        self._write_columns(level, reductions, body)

    def _write_columns(self, level: int, reductions: list[Node], body: Block) -> None:
        (axis,) = self.loops.inner
        folds = [
            n for n in self._nodes(FULL) if n in self.loops.folds and self.loops.level[n] == level
        ]  # fmt: skip
        columns = Block(body.depth + 1)
        for node in folds:
            columns.add(f"t{self.names[node.output]} = {start(node)}", node)
        rows = self._start_rows(columns.depth + 1)
        if not self._inner(level, reductions, rows):
            return
        self._over_rows(columns, rows)
        for node in folds:
            self._add_column(node, columns)
        body.add(f"for {self.index[axis]} in range({self.size(self.loops.sizes[axis])}):")
        body.extend(columns)

    def _add_column(self, node: Node, columns: Block) -> None:
        """Add what a block's rows make in one column to the total."""
        t = f"t{self.names[node.output]}"
        if self._in_memory(node):
            place = self._place(self.loops.store(node.output))
            place = f"{self.pointers[node.output]}[{place}]"
            text = step(node, read(node.output, place), t)
            columns.add(f"{place} = {written(node.output, text)}", node)
        else:
            total = self.total(node)
            text = f"{total} + f64({t})" if is_float_sum(node) else step(node, total, t)
            columns.add(f"{total} = {text}", node)

    def _start_rows(self, depth: int) -> Block:
        self.row = Block(depth)
        self.row.add(f"{self.index[self.loops.outer[0]]} = m0 + {LANE}")
        return self.row

    def _over_rows(self, block: Block, rows: Block) -> None:
        if len(rows.lines) > 1:
            block.add(f"for {LANE} in few(w0):")
            block.extend(rows)

    # --- what is remembered of a row ---

    def _is_lane(self, node: Node) -> bool:
        return self.loops.place[node] == ROW and node not in self.loops.folds

    def _lane(self, node: Node) -> str:
        if node not in self.lanes:
            dtype = node.output.type.dtype
            self.lanes[node] = self._own(dtype.short, ROWS * dtype.size)
        return f"{self.lanes[node]}[{LANE}]"

    def _write_row(self, node: Node, rows: Block) -> None:
        """Compute what depends on the row only, or end a reduction over it, and remember it."""
        if node in self.loops.folds:
            self._step(node, rows)
            return
        name, new = f"v{self.names[node.output]}", resolve(self.loops, node.output) is node
        if not self._is_row_reduction(node):
            self._compute(node, rows)
        else:
            text = self._finished(node)
            new = text != self.total(node)
            if new:
                rows.add(f"{name} = {text}", node)
        if new:
            rows.loaded["lane", node] = name
            rows.add(f"{self._lane(node)} = {written(node.output, name)}", node)
        self._store_row(node.output, rows)

    def name(self, value: Value) -> str:
        node = resolve(self.loops, value)
        if node is not None and self._is_lane(node) and ("lane", node) not in self.row.loaded:
            self.row.loaded["lane", node] = name = f"v{self.names[node.output]}"
            self.row.add(f"{name} = {read(node.output, self._lane(node))}")
        return super().name(value)

    def total(self, node: Node) -> str:
        if self._is_row_reduction(node):
            return read(node.output, self._lane(node))
        return super().total(node)

    def _step(self, node: Node, block: Block) -> None:
        if self.loops.place[node] == ROW and node in self.loops.folds:
            super()._step(node, block)
            return
        x = self._operand(self.nest.operands[node][0], block)
        if node in self.loops.folds:
            t = f"t{self.names[node.output]}"
            block.add(f"{t} = {step(node, t, x)}", node)
        else:
            text = written(node.output, step(node, self.total(node), x))
            block.add(f"{self._lane(node)} = {text}", node)

    def _flat(self, axes: Any) -> str:
        return f"{self.index[axes[0]]} * {ROWS} + {LANE}"
