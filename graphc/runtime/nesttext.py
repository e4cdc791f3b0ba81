"""Loop nests as kernel text: explicit loops over rows and columns, one line for each op.

The text has canonical names only, so that equal structures are one kernel whatever the graph, the
variable or the shape.  Which node and which user's line a text line stands for is kept beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from graphc.ir import dims
from graphc.ir.dims import DimLike
from graphc.ir.graph import Node, Value
from graphc.ops.loopnest import Load, is_gather, is_view
from graphc.ops.looporder import EPILOGUE, FULL, PROLOGUE, ROW, Loops, folded_axes, resolve
from graphc.runtime.scalars import (
    KINDS,
    OUT_OF_RANGE,
    Surroundings,
    expression,
    finish,
    is_float_sum,
    literal,
    start,
    step,
)

BLOCK = 1024  # elements that one partial sum adds up (in vector lanes)
FEW = 256  # columns below which the last vector of a row counts
ROWS = 256  # rows that partial column sums add up, one after the other


@dataclass(frozen=True)
class Argument:
    """What a place of a kernel's row stands for: memory of a value, scratch bytes, or a size."""

    kind: str  # value, scratch, size
    value: Value | None = None
    size: DimLike = 0
    key: Any = None  # of scratch bytes that two kernels of one node share


@dataclass(frozen=True)
class KernelText:
    """A kernel before it is compiled."""

    text: str
    arguments: tuple[Argument, ...]
    lines: tuple[Node | None, ...] = ()  # what each line of the text computes
    failures: tuple[Node, ...] = ()  # the nodes that can stop the kernel
    in_place: tuple[Node, ...] = ()  # the nodes that change an array in place
    pieces: DimLike = 1  # into how many its work is cut
    after: KernelText | None = None  # what makes one result of the pieces'
    across: bool = False  # whether its vectors run across short rows

    @property
    def annotated(self) -> str:
        """The text with the node and the user's line behind each line."""
        listed = zip(self.text.splitlines(), self.lines, strict=False)
        return "\n".join(_annotate(line, node) for line, node in listed) + "\n"


def _annotate(line: str, node: Node | None) -> str:
    if node is None:
        return line
    names = ", ".join(f"%{v.name}" for v in node.outputs)
    return f"{line:<60}  # {names}  {node.loc or ''}".rstrip()


@dataclass
class Block:
    """Lines of one scope, and the loads that are already in it."""

    depth: int
    lines: list[tuple[str, Node | None]] = field(default_factory=list)
    loaded: dict[Any, str] = field(default_factory=dict)

    def add(self, text: str, node: Node | None = None) -> None:
        self.lines.append(("    " * self.depth + text, node))

    def extend(self, other: Block) -> None:
        self.lines.extend(other.lines)


class Writer:
    """Writes one kernel: a block for the prologue, one for the row, one for each inner loop."""

    together = 1  # rows whose kept values are in memory at a time

    def __init__(self, loops: Loops, shared: Mapping[Value, Value]) -> None:
        self.loops, self.nest, self.shared = loops, loops.nest, shared
        self.arguments: list[Argument] = []
        self.pointers: dict[Value, str] = {}
        self.scratch: dict[Value, str] = {}
        self.sizes: dict[Any, str] = {}  # dim -> name
        self.head = Block(1)
        self.prologue = Block(1)
        self.wide: dict[Node, str] = {}  # column sums over many rows: their totals in f64
        many_rows = len(loops.outer) == 1 and self._is_long(loops.outer)
        self.row = self.prologue if not loops.outer else Block(1 + len(loops.outer))
        self.tail = Block(1)
        self.index = {a: f"r{i}" for i, a in enumerate(loops.outer)}
        self.index |= {a: f"c{i}" for i, a in enumerate(loops.inner)}
        self.names = {n.output: i for i, n in enumerate(self.nest.computed)}
        self.failures: list[Node] = []
        self.partial: set[Node] = set()  # sums whose addends go to a partial sum just now
        self.count = 0
        if many_rows:
            self._declare_wide()

    # --- the whole ---

    def write(self) -> KernelText:
        self._declare_memory()
        for node in self._nodes(PROLOGUE):
            self._compute(node, self.prologue)
        self._start_folds()
        self._write_loops()
        self._write_end()
        self.tail.add("return 0")
        lines = [("def kernel(slots, row):", None)]
        for block in (self.head, self.prologue, self.tail):
            lines.extend(block.lines)
        text = "\n".join(line for line, _ in lines) + "\n"
        return KernelText(
            text, tuple(self.arguments), tuple(n for _, n in lines), tuple(self.failures)
        )

    def _write_loops(self) -> None:
        body = self.row if self.loops.outer else self.prologue
        for level in range(self.loops.levels):
            self._write_level(level, body)
        if self.wide:
            self._row_blocks(body)
        elif self.loops.outer:
            self._nest(self.prologue, self.loops.outer, body)

    def _write_end(self) -> None:
        self._finish_folds()
        for node in self._nodes(EPILOGUE):
            self._compute(node, self.tail)
        self._store_scalars()

    def _nodes(self, place: str) -> list[Node]:
        return [n for n in self.nest.computed if self.loops.place[n] == place]

    def _declare_memory(self) -> None:
        outputs = [v for v in self.nest.outputs if v not in self.shared]
        for value in (*self.nest.roots, *outputs):
            self._pointer(value)
        for value, root in self.shared.items():
            self.pointers[value] = self.pointers[root]
        for value in self.loops.kept:
            if value in self.nest.outputs:
                continue
            columns = dims.product(tuple(self.loops.sizes[a] for a in self.loops.inner))
            short, bytes = value.type.dtype.short, columns * self.together * value.type.dtype.size
            self.scratch[value] = self._own(short, bytes)
        for node in self.wide:
            self.wide[node] = self._own("f64", node.output.type.size * 8, node.output)
        for axis in (*self.loops.outer, *self.loops.inner):
            self.size(self.loops.sizes[axis])

    def _pointer(self, value: Value) -> None:
        short = value.type.dtype.short
        self.pointers[value] = self._buffer(Argument("value", value), short)

    def _own(self, short: str, bytes: DimLike, key: Any = None) -> str:
        """Memory for the kernel's own use."""
        return self._buffer(Argument("scratch", None, bytes), short)

    def _buffer(self, argument: Argument, short: str, offset: str = "") -> str:
        at = len(self.arguments)
        self.arguments.append(argument)
        self.head.add(f"p{at} = buf_{short}(slots[row[{at}]]{offset}, {at})")
        return f"p{at}"

    def size(self, dim: DimLike) -> str:
        """The name of a size that the kernel is given."""
        key = ("int", dim) if isinstance(dim, int) else dim
        if key not in self.sizes:
            at = len(self.arguments)
            self.arguments.append(Argument("size", None, dim))
            self.sizes[key] = f"n{len(self.sizes)}"
            self.head.add(f"{self.sizes[key]} = slots[row[{at}]]")
        return self.sizes[key]

    def _nest(self, into: Block, axes: Sequence[int], body: Block) -> None:
        for i, axis in enumerate(axes):
            loop = f"for {self.index[axis]} in {self._range(axis)}:"
            into.lines.append(("    " * (body.depth - len(axes) + i) + loop, None))
        into.extend(body)

    def _range(self, axis: int) -> str:
        """``few`` where what is left of a row after its whole vectors takes much of the time."""
        size = self.loops.sizes[axis]
        first, until = self._bounds(axis)
        if first != "0":
            return f"range({first}, {until})"
        short = axis in self.loops.inner and isinstance(size, int) and size < FEW
        dear = any(n.op.expensive for n in self._nodes(FULL))  # type: ignore[attr-defined]
        return f"{'few' if short and dear and self.loops.outer else 'range'}({until})"

    def _bounds(self, axis: int) -> tuple[str, str]:
        """The first index of a loop, and the one after the last."""
        return "0", self.size(self.loops.sizes[axis])

    # --- one level of a row ---

    def _write_level(self, level: int, body: Block) -> None:
        loops = self.loops
        for node in self._nodes(ROW):
            if loops.level[node] == level and not self._is_row_reduction(node):
                if node in loops.folds:
                    self._step(node, body)
                else:
                    self._compute(node, body)
                    self._store_row(node.output, body)
        reductions = [
            n for n in self._nodes(ROW)
            if self._is_row_reduction(n) and loops.level[n] == level + 1
        ]  # fmt: skip
        folds = [n for n in self._nodes(FULL) if n in loops.folds and loops.level[n] == level]
        sums = [n for n in (*reductions, *folds) if is_float_sum(n) and not self._in_memory(n)]
        blocked = bool(sums) and self._is_long(loops.inner)
        self.partial = {n for n in sums if blocked or n in folds}
        for node in reductions:
            body.add(f"{self.total(node)} = {self._first(node)}", node)
        inner = Block(body.depth + len(loops.inner) + blocked)
        some = self._inner(level, reductions, inner)
        if blocked:
            self._blocks(body, inner)
        elif some:
            self._start_partial(body)
            self._nest(body, loops.inner, inner)
            self._add_partial(body)
        for node in reductions:
            body.add(f"{self.name(node.output)} = {self._finished(node)}", node)
            self._store_row(node.output, body)

    # --- sums of many: partial ones in the elements' type, their total in f64 ---

    def _is_long(self, inner: Sequence[int]) -> bool:
        if len(inner) != 1:
            return False
        size = self.loops.sizes[inner[0]]
        return not isinstance(size, int) or size > BLOCK

    def _in_memory(self, node: Node) -> bool:
        """Whether a fold adds to an array rather than to a variable."""
        return node in self.loops.folds and bool(self.nest.axes_of(node.output))

    def _is_wide(self, node: Node) -> bool:
        return is_float_sum(node) and (node in self.partial or node in self.loops.folds)

    def _first(self, node: Node) -> str:
        return "f64(0)" if self._is_wide(node) else start(node)

    def _start_partial(self, block: Block) -> None:
        for node in sorted(self.partial, key=lambda n: self.names[n.output]):
            block.add(f"t{self.names[node.output]} = {start(node)}", node)

    def _add_partial(self, block: Block) -> None:
        for node in sorted(self.partial, key=lambda n: self.names[n.output]):
            total = self.total(node)
            block.add(f"{total} = {total} + f64(t{self.names[node.output]})", node)

    def _blocks(self, body: Block, inner: Block) -> None:
        """The loop over the columns in blocks, with a partial sum for each."""
        (first, until), index = self._bounds(self.loops.inner[0]), self.index
        body.add(f"for k0 in range({first}, {until}, {BLOCK}):")
        outer = Block(body.depth + 1)
        self._start_partial(outer)
        outer.add(f"for {index[self.loops.inner[0]]} in range(k0, min(k0 + {BLOCK}, {until})):")
        outer.extend(inner)
        self._add_partial(outer)
        body.extend(outer)

    def _declare_wide(self) -> None:
        sums = [n for n in self.nest.computed if self._in_memory(n) and is_float_sum(n)]
        narrow = [n for n in sums if n.output.type.dtype.size < 8]
        self.wide = dict.fromkeys(narrow, "")
        if self.wide:
            self.row.depth += 1

    def _row_blocks(self, body: Block) -> None:
        """The loop over the rows in blocks; after each the column sums go to their f64 totals."""
        first, until = self._bounds(self.loops.outer[0])
        self.prologue.add(f"for m0 in range({first}, {until}, {ROWS}):")
        block = Block(self.prologue.depth + 1)
        for node in self.wide:
            self._each(node, block, f"{self.pointers[node.output]}[k] = {start(node)}")
        self._row_loop(block, body)
        for node, total in self.wide.items():
            place = f"{self.pointers[node.output]}[k]"
            self._each(node, block, f"{total}[k] = {total}[k] + f64({place})")
        self.prologue.extend(block)

    def _row_loop(self, block: Block, body: Block) -> None:
        """The loop over the rows of a block."""
        _, until = self._bounds(self.loops.outer[0])
        index = self.index[self.loops.outer[0]]
        block.add(f"for {index} in range(m0, min(m0 + {ROWS}, {until})):")
        block.extend(body)

    def _each(self, node: Node, block: Block, text: str) -> None:
        """A line for each element of a fold's result."""
        block.add(f"for k in range({self.size(node.output.type.size)}):", node)
        block.add(f"    {text}", node)

    def _is_row_reduction(self, node: Node) -> bool:
        return bool(folded_axes(self.nest, node)) and node not in self.loops.folds

    def _inner(self, level: int, reductions: list[Node], block: Block) -> bool:
        """Write the body of the loop over the columns at a level, if there is one."""
        loops = self.loops
        full = [n for n in self._nodes(FULL) if loops.level[n] == level]
        folds = [n for n in full if n in loops.folds]
        kept = [n for n in full if n.output in loops.kept or n.output in self.nest.outputs]
        done: set[Node] = set()
        for node in (*reductions, *folds):
            for operand in self.nest.operands[node]:
                self._demand(operand, level, block, done)
            self._step(node, block)
        kept = [n for n in kept if n not in loops.folds]
        for node in kept:
            self._demand(node.output, level, block, done)
        for node in kept:
            self._store_full(node.output, block)
        return bool(kept or reductions or folds)

    def _demand(self, operand: Any, level: int, block: Block, done: set[Node]) -> None:
        """Write what computes an operand in this loop, unless it is there."""
        if not isinstance(operand, Value):
            return
        node = self.loops.producer[operand]
        if self.loops.place[node] != FULL or node in done:
            return
        done.add(node)
        if node.output in self.loops.kept and self.loops.level[node] < level:
            block.add(f"{self.name(node.output)} = {self._kept(node.output)}", node)
            return
        for source in self.nest.operands[node]:
            self._demand(source, level, block, done)
        self._compute(node, block)

    def _kept(self, value: Value) -> str:
        if value in self.scratch:
            at = self._flat(self.loops.inner)
            return read(value, f"{self.scratch[value]}[{at}]")
        place = self._place(self.loops.store(value))
        return read(value, f"{self.pointers[value]}[{place}]")

    def _flat(self, axes: Sequence[int]) -> str:
        text = ""
        for axis in axes:
            name = self.index[axis]
            text = f"({text}) * {self.size(self.loops.sizes[axis])} + {name}" if text else name
        return text or "0"

    # --- computing and storing ---

    def name(self, value: Value) -> str:
        """The variable of a computed value."""
        node = resolve(self.loops, value)
        assert node is not None
        return f"v{self.names[node.output]}"

    def total(self, node: Node) -> str:
        return f"a{self.names[node.output]}"

    def _compute(self, node: Node, block: Block) -> None:
        if is_view(node) and isinstance(self.nest.operands[node][0], Value):
            return  # another name of the same variable
        if is_gather(node):
            self._gather(node, block)
            return
        operands = [self._operand(o, block) for o in self.nest.operands[node]]
        indices = [None if a is None else self.index.get(a) for a in self.nest.axes[node.output]]
        around = Surroundings(indices, self._failure(node, block), self._number)
        text = expression(node, operands, around)
        block.add(f"v{self.names[node.output]} = {text}", node)

    def _failure(self, node: Node, block: Block) -> Any:
        def check(kind: int, condition: str, *details: str) -> None:
            if node not in self.failures:
                self.failures.append(node)
            code = kind + KINDS * self.failures.index(node)
            block.add(f"if {condition}:", node)
            for line in self._stopping(code, details):
                block.add(f"    {line}")

        return check

    def _stopping(self, code: int, details: Sequence[str]) -> list[str]:
        """What the kernel does when it has to stop."""
        return [*(f"slots[{i}] = {x}" for i, x in enumerate(details)), f"return {code}"]

    def _operand(self, operand: Any, block: Block) -> str:
        if isinstance(operand, Load):
            return self._load(operand, block)
        if isinstance(operand, Value):
            return self.name(operand)
        return literal(operand)

    def _load(self, load: Load, block: Block) -> str:
        """A variable with an element of memory, loaded in the outermost scope it is fixed in."""
        strides = self.loops.loop_strides(load)
        if not any(a in strides for a in self.loops.inner):
            block = self.row if strides else self.prologue
            if block is self.row and not self.loops.outer:
                block = self.prologue
        key = (load.root, self._place(load))
        if key not in block.loaded:
            block.loaded[key] = name = f"x{self.count}"
            self.count += 1
            block.add(f"{name} = {read(load.root, f'{self.pointers[load.root]}[{key[1]}]')}")
        return block.loaded[key]

    def _place(self, load: Load) -> str:
        """The index of an access: what is fixed in a row is computed once for the row."""
        strides = self.loops.loop_strides(load)
        fixed = [self._times(self.index[a], strides[a]) for a in self.loops.outer if a in strides]
        if load.offset != 0:
            fixed.insert(0, self._number(load.offset))
        parts = [self._times(self.index[a], strides[a]) for a in self.loops.inner if a in strides]
        if fixed:
            base = self._base(" + ".join(fixed), any(a in strides for a in self.loops.outer))
            parts.insert(0, base)
        return " + ".join(parts) or "0"

    def _base(self, text: str, in_row: bool) -> str:
        if text.isidentifier() or text.isdigit():
            return text
        block = self.row if in_row and self.loops.outer else self.prologue
        if ("base", text) not in block.loaded:
            block.loaded["base", text] = name = f"b{self.count}"
            self.count += 1
            block.add(f"{name} = {text}")
        return block.loaded["base", text]

    def _times(self, index: str, stride: DimLike) -> str:
        if isinstance(stride, int) and stride == 1:
            return index
        return f"{index} * {self._number(stride)}"

    def _number(self, dim: DimLike) -> str:
        """A stride in terms of the loops' sizes where it is a product of some, else given."""
        if isinstance(dim, int) and -16 <= dim < 2:
            return f"({dim})" if dim < 0 else str(dim)
        axes = [*self.loops.outer, *self.loops.inner]
        runs = [axes[i:j] for j in range(len(axes), 0, -1) for i in range(j - 1, -1, -1)]
        for run in (*runs, *combinations(axes, 2)):
            if dims.product(tuple(self.loops.sizes[a] for a in run)) == dim:
                return " * ".join(self.size(self.loops.sizes[a]) for a in run)
        return self.size(dim)

    def _gather(self, node: Node, block: Block) -> None:
        """One element of a gather: the index is checked, then it moves the place."""
        where, index = self.nest.operands[node]
        at = self._operand(index, block)
        stride, size = self.nest.steps[node]
        name = self.names[node.output]
        block.add(f"g{name} = i64({at})", node)
        check = self._failure(node, block)
        limit = self._number(size)
        check(OUT_OF_RANGE, f"g{name} < 0 or g{name} >= {limit}", f"g{name}", limit)
        place = self._place(where)
        place = f"{place} + {self._times(f'g{name}', stride)}" if place != "0" else (
            self._times(f"g{name}", stride))  # fmt: skip
        block.add(f"v{name} = {read(where.root, f'{self.pointers[where.root]}[{place}]')}", node)

    def _store_full(self, value: Value, block: Block) -> None:
        if value in self.scratch:
            self._store(value, f"{self.scratch[value]}[{self._flat(self.loops.inner)}]", block)
        if value in self.nest.outputs:
            place = self._place(self.loops.store(value))
            self._store(value, f"{self.pointers[value]}[{place}]", block)

    def _store_row(self, value: Value, block: Block) -> None:
        if value in self.nest.outputs and self.nest.axes_of(value):
            place = self._place(self.loops.store(value))
            self._store(value, f"{self.pointers[value]}[{place}]", block)

    def _store(self, value: Value, target: str, block: Block) -> None:
        block.add(f"{target} = {written(value, self.name(value))}", self.loops.producer[value])

    def _store_scalars(self) -> None:
        for value in self.nest.outputs:
            if not self.nest.axes_of(value):
                self._store(value, f"{self.pointers[value]}[0]", self.tail)

    # --- reductions ---

    def _step(self, node: Node, block: Block) -> None:
        x = self._operand(self.nest.operands[node][0], block)
        if node in self.loops.folds and self.nest.axes_of(node.output):
            place = self._place(self.loops.store(node.output))
            target = f"{self.pointers[node.output]}[{place}]"
            text = step(node, read(node.output, target), x)
            block.add(f"{target} = {written(node.output, text)}", node)
        else:
            total = f"t{self.names[node.output]}" if node in self.partial else self.total(node)
            text = f"{total} + f64({x})" if total == self.total(node) and self._is_wide(node) else (
                step(node, total, x))  # fmt: skip
            block.add(f"{total} = {text}", node)

    def _finished(self, node: Node) -> str:
        count = dims.product(tuple(self.nest.sizes[a] for a in folded_axes(self.nest, node)))
        total = self.total(node)
        if self._is_wide(node):
            total = f"{node.output.type.dtype.short}({total})"
        return finish(node, total, lambda: self._number(count))

    def _start_folds(self) -> None:
        for node in self.nest.computed:
            if node not in self.loops.folds:
                continue
            if node in self.wide:
                self._each(node, self.prologue, f"{self.wide[node]}[k] = f64(0)")
            elif self.nest.axes_of(node.output):
                first = written(node.output, start(node))
                self._each(node, self.prologue, f"{self.pointers[node.output]}[k] = {first}")
            else:
                self.prologue.add(f"{self.total(node)} = {self._first(node)}", node)

    def _finish_folds(self) -> None:
        for node, total in self.wide.items():
            place, short = f"{self.pointers[node.output]}[k]", node.output.type.dtype.short
            self._each(node, self.tail, f"{place} = {short}({total}[k])")
        for node in self.nest.computed:
            if node not in self.loops.folds:
                continue
            if not self.nest.axes_of(node.output):
                self.tail.add(f"{self.name(node.output)} = {self._finished(node)}", node)
                continue
            place = f"{self.pointers[node.output]}[k]"
            count = dims.product(tuple(self.nest.sizes[a] for a in folded_axes(self.nest, node)))
            text = finish(node, place, lambda count=count: self._number(count))
            if text != place:
                self._each(node, self.tail, f"{place} = {written(node.output, text)}")


def read(value: Value, place: str) -> str:
    return f"({place} != 0)" if value.type.dtype.is_bool else place


def written(value: Value, text: str) -> str:
    return f"u8({text})" if value.type.dtype.is_bool else text
