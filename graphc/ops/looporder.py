"""How a nest's axes become loops: rows outside, columns inside, and what is computed where.

A kernel runs over rows; in each row it may run over the columns several times (*levels*): a value
that needs a reduction over the row belongs to a later level than what is reduced.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphc.ir import dims
from graphc.ir.dims import DimLike
from graphc.ir.graph import Node, Value
from graphc.ops.loopnest import (
    Load,
    Nest,
    Unfit,
    contiguous,
    find_axes,
    is_gather,
    is_reduction,
    is_view,
)

PROLOGUE, ROW, FULL, EPILOGUE = "prologue", "row", "full", "epilogue"
RECOMPUTED = 6  # ops up to which a value is computed again rather than kept for a later level


@dataclass
class Loops:
    """An arranged nest; axes that lie together in all memory are one loop, named by the last."""

    nest: Nest
    outer: list[int] = field(default_factory=list)
    inner: list[int] = field(default_factory=list)
    sizes: dict[int, DimLike] = field(default_factory=dict)  # of loops
    merged: dict[int, int] = field(default_factory=dict)  # axis -> its loop
    place: dict[Node, str] = field(default_factory=dict)
    level: dict[Node, int] = field(default_factory=dict)
    folds: set[Node] = field(default_factory=set)  # reductions that end after the last row
    producer: dict[Value, Node] = field(default_factory=dict)
    kept: list[Value] = field(default_factory=list)  # full values that a later level reads

    @property
    def levels(self) -> int:
        return max(self.level.values(), default=0) + 1

    def store(self, value: Value) -> Load:
        """Where an output's elements lie, by axis."""
        return store_of(self.nest, value)

    def loop_strides(self, load: Load) -> dict[int, DimLike]:
        """Strides by loop: those of the last axis in each."""
        return {a: s for a, s in load.strides if a in self.sizes}


def store_of(nest: Nest, value: Value) -> Load:
    strides = contiguous(value.type.shape)
    pairs = zip(nest.axes[value], strides, strict=True)
    return Load(value, 0, tuple(sorted((a, s) for a, s in pairs if a is not None)))


def folded_axes(nest: Nest, node: Node) -> frozenset[int]:
    """The axes a reduction folds; empty where there is nothing to fold."""
    return nest.spans[node] - nest.axes_of(node.output) if is_reduction(node) else frozenset()


def arrange(nest: Nest) -> Loops:
    """Choose loops for a nest; raises `Unfit` with the reason where one pass cannot do it."""
    loops = Loops(nest, producer={n.output: n for n in nest.computed})
    order = _order(nest)
    needed = _needed_in_rows(nest)
    if needed is None:
        groups = _merge(nest, order)
        loops.inner, loops.outer = groups[-1:], groups[:-1]
        loops.outer, loops.inner = [g[-1] for g in loops.outer], [g[-1] for g in loops.inner]
        _note_groups(loops, groups)
    else:
        _check_last(nest, order, needed)
        rows, columns = (
            _merge(nest, [a for a in order if (a in needed) is inside]) for inside in (False, True)
        )
        loops.outer, loops.inner = [g[-1] for g in rows], [g[-1] for g in columns]
        _note_groups(loops, rows + columns)
    _place_all(loops, in_rows=needed is not None or bool(loops.outer))
    _check_outputs(loops)
    _keep_values(loops)
    return loops


def loops_of(nodes: Sequence[Node], outputs: Sequence[Value]) -> Loops:
    """The loops for nodes in one kernel, or `Unfit`."""
    return arrange(find_axes(nodes, outputs))


# --- choosing loops -------------------------------------------------------------------------------


def _order(nest: Nest) -> list[int]:
    """Axes from outermost to innermost, as the widest value has them."""
    listed = [[a for a in axes if a is not None] for axes in nest.axes.values()]
    listed += [sorted(span) for span in nest.spans.values()]
    widest = max(listed, key=len, default=[])
    return [a for a in nest.sizes if a not in widest] + widest


def _needed_in_rows(nest: Nest) -> frozenset[int] | None:
    """The axes that must be inner loops because their sums are used in the same row."""
    users: dict[Value, list[Node]] = {}
    for node, operands in nest.operands.items():
        for operand in operands:
            if isinstance(operand, Value):
                users.setdefault(operand, []).append(node)
    found: frozenset[int] | None = None
    for node in nest.computed:
        folded = folded_axes(nest, node)
        if not folded or not _used_in_loops(nest, users, node.output):
            continue
        if found is not None and found != folded:
            raise Unfit("the reductions run over different axes")
        found = folded
    return found


def _used_in_loops(nest: Nest, users: dict[Value, list[Node]], value: Value) -> bool:
    return any(nest.spans[u] or _used_in_loops(nest, users, u.output) for u in users.get(value, ()))


def _check_last(nest: Nest, order: list[int], needed: frozenset[int]) -> None:
    """Reductions that are needed at once must run along memory, not across it."""
    if order and order[-1] not in needed:
        raise Unfit("a reduction over rows must see all rows before its result can be used")


def _merge(nest: Nest, order: list[int]) -> list[list[int]]:
    """Neighbouring axes as one loop where all memory and all nodes treat them alike."""
    loads = [*_loads(nest), *(store_of(nest, v) for v in nest.outputs)]
    groups: list[list[int]] = []
    for axis in order:
        if groups and _alike(nest, loads, groups[-1][-1], axis):
            groups[-1].append(axis)
        else:
            groups.append([axis])
    return groups


def _alike(nest: Nest, loads: list[Load], a: int, b: int) -> bool:
    if a in nest.indexed or b in nest.indexed:
        return False
    for node, span in nest.spans.items():
        folded = folded_axes(nest, node)
        if (a in span) != (b in span) or (a in folded) != (b in folded):
            return False
    for load in loads:
        strides = dict(load.strides)
        if strides.get(a, 0) != strides.get(b, 0) * nest.sizes[b]:
            return False
    return True


def _loads(nest: Nest) -> Iterable[Load]:
    for operands in nest.operands.values():
        yield from (o for o in operands if isinstance(o, Load))


def _note_groups(loops: Loops, groups: list[list[int]]) -> None:
    for group in groups:
        loops.sizes[group[-1]] = dims.product(tuple(loops.nest.sizes[a] for a in group))
        loops.merged.update(dict.fromkeys(group, group[-1]))


# --- what is computed where -----------------------------------------------------------------------


def _place_all(loops: Loops, in_rows: bool) -> None:
    nest = loops.nest
    outer = frozenset(a for a, g in loops.merged.items() if g in loops.outer)
    inner = frozenset(nest.sizes) - outer
    for node in nest.computed:
        before = [loops.producer[o] for o in nest.operands[node] if isinstance(o, Value)]
        span, folded = nest.spans[node], folded_axes(nest, node)
        level = max((loops.level[p] for p in before), default=0)
        late = any(p in loops.folds or loops.place[p] == EPILOGUE for p in before)
        if late and span:
            raise Unfit("a reduction over rows must see all rows before its result can be used")
        if folded:
            _place_reduction(loops, node, outer, inner, level if in_rows else None)
            continue
        loops.level[node] = level
        if late:
            loops.place[node] = EPILOGUE
        elif span & inner:
            loops.place[node] = FULL
        elif span or any(loops.place[p] == ROW for p in before):
            loops.place[node] = ROW
        else:
            loops.place[node] = PROLOGUE
        _check_repeated(loops, node, outer, inner)


def _place_reduction(
    loops: Loops, node: Node, outer: frozenset[int], inner: frozenset[int], level: int | None
) -> None:
    """Place a reduction that the row of a level can end; without one it ends after all loops."""
    nest = loops.nest
    span, folded = nest.spans[node], folded_axes(nest, node)
    if folded & inner and folded & inner != span & inner:
        raise Unfit(f"{node.op.name} folds only some of the inner axes")
    if not outer <= span:
        raise Unfit(f"{node.op.name} would be repeated for every row")
    if folded <= inner and level is not None:
        loops.place[node], loops.level[node] = ROW, level + 1
        return
    loops.place[node], loops.level[node] = (FULL if span & inner else ROW), level or 0
    loops.folds.add(node)
    if nest.axes_of(node.output) and node.output not in nest.outputs:
        raise Unfit("a reduction over rows must see all rows before its result can be used")


def _check_repeated(loops: Loops, node: Node, outer: frozenset[int], inner: frozenset[int]) -> None:
    where, span = loops.place[node], loops.nest.spans[node]
    wanted = {FULL: outer | inner, ROW: outer}.get(where, frozenset())
    if (node.op.expensive or is_gather(node)) and not wanted <= span:  # type: ignore[attr-defined]
        raise Unfit(f"would repeat {node.op.name} for every row")


def _check_outputs(loops: Loops) -> None:
    nest = loops.nest
    everything = frozenset(nest.sizes)
    outer = frozenset(a for a, g in loops.merged.items() if g in loops.outer)
    for value in nest.outputs:
        axes = nest.axes_of(value)
        if loops.producer[value] not in loops.folds and axes not in (
            everything,
            outer,
            frozenset(),
        ):
            raise Unfit(f"%{value.name} is smaller than the loops that would compute it")


# --- values that outlive a level ------------------------------------------------------------------


def _keep_values(loops: Loops) -> None:
    """Full values that a later level reads and that are dear to compute again."""
    nest = loops.nest
    for node in nest.computed:
        if is_view(node):
            continue
        level = loops.level[node] - (1 if _is_row_reduction(loops, node) else 0)
        for operand in nest.operands[node]:
            source = resolve(loops, operand)
            if source is None or loops.place[source] != FULL or loops.level[source] >= level:
                continue
            if source.output not in loops.kept and _dear(loops, source):
                loops.kept.append(source.output)


def _is_row_reduction(loops: Loops, node: Node) -> bool:
    return bool(folded_axes(loops.nest, node)) and node not in loops.folds


def resolve(loops: Loops, operand: Any) -> Node | None:
    """The node that computes an operand, seen through views; None for loads and numbers."""
    if not isinstance(operand, Value):
        return None
    node = loops.producer[operand]
    while is_view(node) and isinstance(loops.nest.operands[node][0], Value):
        node = loops.producer[loops.nest.operands[node][0]]
    return node


def _dear(loops: Loops, node: Node) -> bool:
    seen: set[Node] = set()
    todo = [node]
    while todo:
        at = todo.pop()
        if at in seen or loops.place[at] != FULL or (at is not node and at.output in loops.kept):
            continue
        seen.add(at)
        if at.op.expensive:  # type: ignore[attr-defined]
            return True
        found = (resolve(loops, o) for o in loops.nest.operands[at])
        todo.extend(n for n in found if n is not None)
    return len(seen) > RECOMPUTED


def can_share_memory(loops: Loops, root: Value, output: Value) -> bool:
    """Whether an output may overwrite a root: each element is read before it is written."""
    made = loops.producer[output]
    if root.type != output.type or output in loops.kept:
        return False
    if not loops.nest.axes_of(output):  # numbers are stored when all loops have ended
        return True
    if made in loops.folds:
        return False
    where, last = loops.store(output).strides, _last_levels(loops)
    for node, operands in loops.nest.operands.items():
        if is_gather(node) and any(isinstance(o, Load) and o.root is root for o in operands[:1]):
            return False
        for operand in operands:
            if not isinstance(operand, Load) or operand.root is not root:
                continue
            if operand.offset != 0 or operand.strides != where:
                return False
            if last[node] > loops.level[made] or loops.place[node] != loops.place[made]:
                return False
    return True


def _last_levels(loops: Loops) -> dict[Node, int]:
    """For each node the last level that computes it, again or for the first time."""
    last = dict(loops.level)
    for node in reversed(loops.nest.computed):
        level = loops.level[node] - 1 if _is_row_reduction(loops, node) else last[node]
        for operand in loops.nest.operands[node]:
            source = loops.producer[operand] if isinstance(operand, Value) else None
            if source is None or loops.place[source] != FULL or source.output in loops.kept:
                continue
            last[source] = max(last[source], level)
    return last
