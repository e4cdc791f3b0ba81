"""Which ops can share one loop nest, and what that nest looks like.

Every dimension of a computed value is an *axis* of one iteration space; elementwise ops make axes
equal, reductions drop some, views of memory are strides over them.  `find_axes` finds the axes,
`arrange` (in `looporder`) splits them into outer and inner loops.  Both answer with a reason where
ops do not fit together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from graphc.ir import dims
from graphc.ir.dims import DimLike
from graphc.ir.dtypes import BOOLS, INTEGERS, DType, float32, float64
from graphc.ir.graph import Node, Value
from graphc.ops import control
from graphc.ops.combinators import normalize_axes
from graphc.ops.index import slice_bounds
from graphc.ops.opdef import Index, Library, Reduce, Scalar

KERNEL_DTYPES: frozenset[DType] = BOOLS | INTEGERS | {float32, float64}


class Unfit(Exception):
    """Why some ops cannot share a loop nest; never leaves this package's callers."""


# --- what a node is to a loop nest ----------------------------------------------------------------


def is_literal(node: Node) -> bool:
    """A constant of one element, which kernels write as a number."""
    return node.op is control.constant and node.attrs["value"].size == 1


def is_view(node: Node) -> bool:
    """An op that only says where elements lie."""
    return isinstance(getattr(node.op, "lower", None), Index)


def is_reduction(node: Node) -> bool:
    return isinstance(getattr(node.op, "lower", None), Reduce)


def is_gather(node: Node) -> bool:
    lower = getattr(node.op, "lower", None)
    return isinstance(lower, Library) and lower.name == "gather"


def is_computed(node: Node) -> bool:
    """An op that loop nests compute: one element at a time, or folded over axes."""
    lower = getattr(node.op, "lower", None)
    return isinstance(lower, Scalar | Reduce) or is_gather(node)


def unfit(node: Node) -> str:
    """Why a node cannot be in a kernel at all; empty if it can."""
    if not (is_computed(node) or is_view(node) or is_literal(node)):
        return f"{node.op.name} has no form for loop nests"
    for value in (*node.inputs, *node.outputs):
        if value.type.dtype not in KERNEL_DTYPES:
            return f"kernels do not compute in {value.type.dtype.name}"
    return ""


def can_stop(node: Node) -> bool:
    """Whether a kernel that computes the node may have to stop: bad indices, integer division."""
    if is_gather(node):
        return True
    integer = node.output.type.dtype.is_integer
    return integer and node.op.can_fail  # type: ignore[attr-defined]


# --- where elements of memory lie -----------------------------------------------------------------


@dataclass(frozen=True)
class Access:
    """A view of a root's memory: element (i, j, ...) lies at offset + i * strides[0] + ..."""

    root: Value
    shape: tuple[DimLike, ...]
    strides: tuple[DimLike, ...]
    offset: DimLike = 0


def contiguous(shape: Sequence[DimLike]) -> tuple[DimLike, ...]:
    """Strides in elements of a C-contiguous array."""
    strides: list[DimLike] = []
    step: DimLike = 1
    for d in reversed(shape):
        strides.append(step)
        step = step * d
    return tuple(reversed(strides))


def whole(root: Value) -> Access:
    return Access(root, root.type.shape, contiguous(root.type.shape))


def is_whole(access: Access) -> bool:
    """Whether a view shows all elements in their order (sizes of 1 do not matter)."""
    if access.offset != 0:
        return False
    pairs = zip(access.shape, access.strides, contiguous(access.shape), strict=True)
    return all(d == 1 or a == b for d, a, b in pairs)


def view(node: Node, source: Access) -> Access:
    """The access of a view node's result; `Unfit` if strides cannot express it."""
    shape = node.output.type.shape
    kind = node.op.lower.kind  # type: ignore[attr-defined]
    rule = _VIEWS.get(kind)
    if rule is None:
        raise Unfit(f"{node.op.name} is not a view that kernels know")
    return rule(node, source, shape)


def _identity(node: Node, source: Access, shape: Any) -> Access:
    return Access(source.root, shape, source.strides, source.offset)


def _reshape(node: Node, source: Access, shape: Any) -> Access:
    if is_whole(source):
        return Access(source.root, shape, contiguous(shape), source.offset)
    kept = match_dims(source.shape, shape)
    if kept is None:
        raise Unfit("a reshape of a strided view needs a copy")
    strides = tuple(0 if at is None else source.strides[at] for at in kept)
    return Access(source.root, shape, strides, source.offset)


def match_dims(old: Sequence[DimLike], new: Sequence[DimLike]) -> list[int | None] | None:
    """For each new dim the old one it is, None for size 1; None if a reshape mixes dims."""
    left = [i for i, d in enumerate(old) if d != 1]
    found: list[int | None] = []
    for d in new:
        if d == 1:
            found.append(None)
        elif left and dims.same(old[left[0]], d):
            found.append(left.pop(0))
        else:
            return None
    return None if left else found


def _broadcast(node: Node, source: Access, shape: Any) -> Access:
    lead = len(shape) - len(source.shape)
    strides = [
        0 if i < lead or source.shape[i - lead] == 1 else source.strides[i - lead]
        for i in range(len(shape))
    ]
    return Access(source.root, shape, tuple(strides), source.offset)


def permutation(node: Node) -> tuple[int, ...]:
    """A transpose's order of axes."""
    rank, perm = node.inputs[0].type.rank, node.attrs.get("perm")
    return tuple(reversed(range(rank))) if perm is None else tuple(p % rank for p in perm)


def _transpose(node: Node, source: Access, shape: Any) -> Access:
    strides = tuple(source.strides[p] for p in permutation(node))
    return Access(source.root, shape, strides, source.offset)


def _reverse(node: Node, source: Access, shape: Any) -> Access:
    axes = {a % len(shape) for a in node.attrs["axis"]}
    offset = source.offset
    for a in axes:
        offset = offset + (shape[a] - 1) * source.strides[a]
    strides = tuple(-s if i in axes else s for i, s in enumerate(source.strides))
    return Access(source.root, shape, strides, offset)


def _slice(node: Node, source: Access, shape: Any) -> Access:
    offset, strides, at = source.offset, [], 0
    for part in node.attrs["index"]:
        if part is None:
            strides.append(0)
            continue
        size, step = source.shape[at], source.strides[at]
        if isinstance(part, slice):
            start, _, by = slice_bounds(part, size)
            offset = offset + start * step
            strides.append(step * by)
        else:
            offset = offset + position(part, size) * step
        at += 1
    return Access(source.root, shape, (*strides, *source.strides[at:]), offset)


def position(part: Any, size: DimLike) -> DimLike:
    """An index counted from the start; out of range is checked when sizes are bound."""
    return part + size if isinstance(part, int) and part < 0 else part


_VIEWS = {
    "identity": _identity, "reshape": _reshape, "broadcast": _broadcast,
    "transpose": _transpose, "reverse": _reverse, "slice": _slice,
}  # fmt: skip


def _is_read(node: Node, at: int) -> bool:
    """Whether an operand's elements matter, not just its shape (zeros_like)."""
    lower = node.op.lower  # type: ignore[attr-defined]
    if not isinstance(lower, Scalar) or "{" not in lower.text:
        return True
    return f"{{{node.op.operands[at]}}}" in lower.text  # type: ignore[attr-defined]


# --- the axes of a set of nodes -------------------------------------------------------------------


@dataclass(frozen=True)
class Load:
    """An operand that comes from memory: strides by axis."""

    root: Value
    offset: DimLike
    strides: tuple[tuple[int, DimLike], ...]  # (axis, stride), sorted by axis, no zero strides


@dataclass
class Nest:
    """Nodes that share one iteration space.

    ``axes`` of a value name the axis of each of its dims (None: size 1).  ``operands`` of a node
    are Loads, computed Values, or literal numbers.
    """

    nodes: list[Node]
    outputs: tuple[Value, ...]
    sizes: dict[int, DimLike] = field(default_factory=dict)
    axes: dict[Value, tuple[int | None, ...]] = field(default_factory=dict)
    operands: dict[Node, list[Any]] = field(default_factory=dict)
    spans: dict[Node, frozenset[int]] = field(default_factory=dict)  # axes a node runs over
    indexed: set[int] = field(default_factory=set)  # axes whose index an expression uses
    roots: list[Value] = field(default_factory=list)
    literals: dict[Value, np.generic] = field(default_factory=dict)
    steps: dict[Node, tuple[DimLike, DimLike]] = field(default_factory=dict)  # of gathers

    def axes_of(self, value: Value) -> frozenset[int]:
        return frozenset(a for a in self.axes[value] if a is not None)

    @property
    def computed(self) -> list[Node]:
        return [n for n in self.nodes if n in self.operands]


class _Finder:
    """Walks the nodes and makes axes equal where ops do."""

    def __init__(self, nodes: Sequence[Node], outputs: Sequence[Value]) -> None:
        self.nest = Nest(list(nodes), tuple(outputs))
        self.parent: list[int] = []
        self.size: list[DimLike] = []
        self.accesses: dict[Value, Access] = {}
        self.used: list[tuple[Node, int, Access, tuple[int | None, ...]]] = []
        self.read: dict[Access, tuple[int | None, ...]] = {}

    # axes

    def fresh(self, size: DimLike) -> int | None:
        if isinstance(size, int) and size == 1:
            return None
        self.parent.append(len(self.parent))
        self.size.append(size)
        return len(self.parent) - 1

    def find(self, a: int) -> int:
        while self.parent[a] != a:
            a = self.parent[a]
        return a

    def alike(self, a: int | None, b: int | None) -> bool:
        return None not in (a, b) and self.size[self.find(a)] == self.size[self.find(b)]

    def join(self, a: int | None, b: int | None) -> None:
        if a is None or b is None:
            return
        a, b = self.find(a), self.find(b)
        if a == b:
            return
        low, high = min(a, b), max(a, b)
        self.parent[high] = low
        if isinstance(self.size[high], int):
            self.size[low] = self.size[high]

    # nodes

    def run(self) -> Nest:
        for node in self.nest.nodes:
            if is_literal(node):
                self.nest.literals[node.output] = node.attrs["value"].reshape(())[()]
            elif is_view(node):
                self.see_view(node)
            elif is_gather(node):
                self.see_gather(node)
            elif is_reduction(node):
                self.see_reduction(node)
            elif is_computed(node):
                self.see_elementwise(node)
            else:
                raise Unfit(f"{node.op.name} has no form for loop nests")
        return self.settle()

    def see_view(self, node: Node) -> None:
        source = node.inputs[0]
        if node.output in self.nest.outputs and source not in self.nest.axes:
            self.see_copy(node, source)
        elif source in self.nest.literals:
            self.nest.literals[node.output] = self.nest.literals[source]
        elif source in self.nest.axes:
            self.nest.axes[node.output] = self.view_of_computed(node, self.nest.axes[source])
            self.nest.operands[node] = [source]
        else:
            self.accesses[node.output] = view(node, self.access(source))

    def see_copy(self, node: Node, source: Value) -> None:
        """A view of memory, or of a number, that is itself a result: its elements are copied."""
        axes = tuple(map(self.fresh, node.output.type.shape))
        self.nest.axes[node.output] = axes
        self.nest.operands[node] = [self.nest.literals.get(source)]
        if source not in self.nest.literals:
            self.used.append((node, 0, view(node, self.access(source)), axes))

    def view_of_computed(self, node: Node, axes: tuple[int | None, ...]) -> tuple[int | None, ...]:
        kind, shape = node.op.lower.kind, node.output.type.shape  # type: ignore[attr-defined]
        if kind == "identity":
            return axes
        if kind == "transpose":
            return tuple(axes[p] for p in permutation(node))
        if kind == "broadcast":
            lead = len(shape) - len(axes)
            old = (None,) * lead + axes
            return tuple(self.fresh(d) if a is None else a for a, d in zip(old, shape, strict=True))
        if kind == "reshape":
            kept = match_dims(node.inputs[0].type.shape, shape)
            if kept is not None:
                return tuple(None if at is None else axes[at] for at in kept)
        raise Unfit(f"{node.op.name} of a computed value moves elements between iterations")

    def access(self, value: Value) -> Access:
        if value not in self.accesses:
            self.nest.roots.append(value)
            self.accesses[value] = whole(value)
        return self.accesses[value]

    def see_elementwise(self, node: Node) -> None:
        shape = node.output.type.shape
        axes = tuple(map(self.fresh, shape))
        self.nest.axes[node.output] = axes
        skipped = self.own_axis(node)
        taken = axes if skipped is None else axes[:skipped] + axes[skipped + 1 :]
        self.nest.operands[node] = [self.operand(node, i, taken) for i in range(len(node.inputs))]

    def own_axis(self, node: Node) -> int | None:
        """The result's dim that no operand has: the index runs over it (one_hot, iota)."""
        name = node.op.lower.text  # type: ignore[attr-defined]
        if name not in ("one_hot", "iota"):
            return None
        axis = node.attrs.get("axis", -1) % node.output.type.rank if name == "one_hot" else 0
        own = self.nest.axes[node.output][axis]
        if own is not None:
            self.nest.indexed.add(own)
        return axis

    def operand(self, node: Node, at: int, axes: tuple[int | None, ...]) -> Any:
        """An operand broadcast against ``axes`` from the right."""
        value = node.inputs[at]
        if not _is_read(node, at):
            if value not in self.nest.literals and value not in self.nest.axes:
                self.access(value)  # an operand of the kernel all the same
            return value.type.dtype.np.type(0)
        if value in self.nest.literals:
            return self.nest.literals[value]
        if value in self.nest.axes:
            own = self.nest.axes[value]
            for a, b in zip(reversed(own), reversed(axes), strict=False):
                self.join(a, b)
            return value
        access = self.access(value)
        lead = len(axes) - len(access.shape)
        self.used.append((node, at, access, axes[lead:]))
        # memory that is read twice in the same way is best read in the same iteration
        first = self.read.setdefault(access, axes[lead:])
        for a, b, size in zip(first, axes[lead:], access.shape, strict=True):
            if size != 1 or self.alike(a, b):  # what has one column serves loops of any size
                self.join(a, b)
        return None  # a Load, once the axes are settled

    def see_reduction(self, node: Node) -> None:
        source = node.inputs[0]
        shape = source.type.shape
        axes = self.nest.axes.get(source) or tuple(map(self.fresh, shape))
        if source in self.nest.literals:
            raise Unfit(f"{node.op.name} of a constant")
        self.nest.operands[node] = [self.operand(node, 0, axes)]
        folded = set(normalize_axes(node.attrs.get("axis"), len(shape)))
        kept: list[int | None] = []
        for i, a in enumerate(axes):
            if i not in folded:
                kept.append(a)
            elif node.attrs.get("keepdims", False):
                kept.append(None)
        self.nest.axes[node.output] = tuple(kept)
        self.nest.spans[node] = frozenset(a for a in axes if a is not None)

    def see_gather(self, node: Node) -> None:
        """x[..., indices, ...]: x lies in memory, indices may be computed."""
        x, indices = node.inputs
        if x in self.nest.axes or x in self.nest.literals:
            raise Unfit("gather reads memory, its operand is computed in the same loops")
        axes = tuple(map(self.fresh, node.output.type.shape))
        self.nest.axes[node.output] = axes
        axis, batch = node.attrs["axis"] % x.type.rank, node.attrs.get("batch_dims", 0)
        tail = indices.type.rank - batch
        by_index = axes[:batch] + axes[axis : axis + tail]
        by_x = (*axes[:axis], None, *axes[axis + tail :])
        source = self.access(x)
        self.used.append((node, 0, source, by_x))
        self.nest.steps[node] = (source.strides[axis], source.shape[axis])
        self.nest.operands[node] = [None, self.operand(node, 1, by_index)]

    # the end

    def settle(self) -> Nest:
        nest = self.nest
        for value, axes in nest.axes.items():
            nest.axes[value] = found = tuple(None if a is None else self.find(a) for a in axes)
            real = [a for a in found if a is not None]
            if len(set(real)) != len(real):
                raise Unfit("a value would be read by row and by column in the same loops")
        for node, at, access, axes in self.used:
            nest.operands[node][at] = self.load(access, axes)
        nest.indexed = {self.find(a) for a in nest.indexed}
        for node in nest.operands:
            span = nest.spans.get(node)
            nest.spans[node] = (
                nest.axes_of(node.output) if span is None else frozenset(map(self.find, span))
            )
        alive = frozenset().union(*nest.spans.values()) if nest.spans else frozenset()
        nest.sizes = {a: self.size[a] for a in sorted(alive)}
        for value in nest.outputs:
            if value not in nest.axes:
                raise Unfit(f"%{value.name} is a view or a constant, not computed")
        return nest

    def load(self, access: Access, axes: Sequence[int | None]) -> Load:
        strides: dict[int, DimLike] = {}
        for a, d, s in zip(axes, access.shape, access.strides, strict=True):
            if a is None or (isinstance(d, int) and d == 1) or (isinstance(s, int) and s == 0):
                continue
            a = self.find(a)
            strides[a] = strides.get(a, 0) + s
        return Load(access.root, access.offset, tuple(sorted(strides.items())))


def find_axes(nodes: Sequence[Node], outputs: Sequence[Value]) -> Nest:
    """The common iteration space of nodes; raises `Unfit` with the reason if there is none."""
    return _Finder(nodes, outputs).run()
