"""Loops and branches as one kernel: real Python ``while``, ``for`` and ``if`` text.

Scalars and the elements of small arrays are local variables, so an iteration costs what its
arithmetic costs.  Larger arrays may be read at indices and changed at indices, in place where
nothing needs the old values; what computes all their elements is left to the driver's program.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from graphc.ir.graph import Graph, Node, Value
from graphc.ops import control
from graphc.ops.loopnest import Access, Unfit
from graphc.runtime.loopops import places_of
from graphc.runtime.looptext import (
    LoopText,
    Place,
    as_place,
    is_free,
    is_same_memory,
    is_small,
    pointer_of,
)
from graphc.runtime.nesttext import KernelText

MAX_NODES = 400  # bounds the time to compile


def scalar_kernel(node: Node, known: frozenset[str]) -> KernelText:
    """The kernel of a region node; `Unfit` with the reason if it has none.

    ``known`` are the symbols whose sizes are known before it runs.
    """
    if sum(len(g.nodes) for g in node.regions.values()) > MAX_NODES:
        raise Unfit(f"more than {MAX_NODES} ops in a loop")
    return _Writer(node, known).write()


class _Writer(LoopText):
    """Writes one kernel; ``places`` of a region map its values to variables or memory.

    ``busy`` is the memory that a region may not change, because somebody reads it later.
    """

    def __init__(self, node: Node, known: frozenset[str]) -> None:
        super().__init__()
        self.node, self.known = node, known

    def write(self) -> KernelText:
        node = self.node
        given = {v: self.declare(v) for v in node.inputs}
        places = [given[v] if v.type.rank else self.load(given[v]) for v in node.inputs]
        homes = [self.declare(v) for v in node.outputs]
        if node.op is control.if_ and not all(is_small(v.type) for v in node.outputs):
            raise Unfit("an array is a result of a branch")  # jumps need not copy it
        busy = {p for p in map(pointer_of, places) if p is not None}
        results = self.emit(node, places, busy, homes)
        for home, place in zip(homes, results, strict=True):
            if not is_same_memory(place, home):
                self.copy(place, home)
        self.add("return 0")
        lines = [("def kernel(slots, row):", None), *((h, None) for h in self.head), *self.lines]
        text = "\n".join(line for line, _ in lines) + "\n"
        nodes = tuple(n for _, n in lines)
        changed = tuple(self.in_place)
        return KernelText(text, tuple(self.arguments), nodes, tuple(self.failures), changed)

    # --- nodes with regions ---

    def emit(
        self, node: Node, places: Sequence[Place], busy: set[str], homes: Sequence[Access] = ()
    ) -> list[Place]:
        """Write a region node; ``homes`` are where its results are wanted."""
        if node.op is control.if_:
            return self._if(node, places, busy)
        if node.op is control.while_:
            return self._while(node, places, busy, homes)
        if node.op is control.for_:
            return self._for(node, places, busy, homes)
        return self.region(node.regions["body"], places, busy)

    def _if(self, node: Node, places: Sequence[Place], busy: set[str]) -> list[Place]:
        results: list[Place | None] = [None] * len(node.outputs)
        for label, head in (("then", f"if {places[0]}:"), ("else", "else:")):
            self.add(head, node)
            self.depth += 1
            start = len(self.lines)
            found = self.region(node.regions[label], places[1:], busy)
            for i, (value, place) in enumerate(zip(node.outputs, found, strict=True)):
                results[i] = self._joined(value, place, results[i])
            if len(self.lines) == start:
                self.add("pass")
            self.depth -= 1
        return results  # type: ignore[return-value]

    def _joined(self, value: Value, place: Place, other: Place | None) -> Place:
        """The place of a branch's result, that of the other branch if there was one."""
        if is_small(value.type):
            return self._assign(value, place, other, "r")
        if other is not None and not is_same_memory(place, other):
            raise Unfit("branches give different arrays")
        return place

    def _assign(self, value: Value, place: Place, variables: Place | None, prefix: str) -> Place:
        """Set variables, new ones if there are none yet, to a small value."""
        if variables is None:
            names = np.empty(value.type.shape, object)  # type: ignore[arg-type]
            names.flat = [self.fresh(prefix) for _ in range(names.size)]
            variables = as_place(names)
        for name, text in zip(
            self.elements(variables).flat, self.elements(place).flat, strict=True
        ):
            self.add(f"{name} = {text}")
        return variables

    # --- loops ---

    def _start(
        self, params: Sequence[Value], places: Sequence[Place], busy: set[str],
        homes: Sequence[Access],
    ) -> list[Place]:  # fmt: skip
        """Variables and memory for carried values."""
        carried: list[Place] = []
        for i, (value, place) in enumerate(zip(params, places, strict=True)):
            if is_small(value.type):
                carried.append(self._assign(value, place, None, "c"))
            elif not homes and is_free(place, busy):
                carried.append(place)
            else:
                carried.append(homes[i] if homes else self.scratch(value.type))
                self.copy(place, carried[-1])  # type: ignore[arg-type]
        return carried

    def _next(self, carried: Sequence[Place], results: Sequence[Place]) -> None:
        """All carried values change at once."""
        homes = {pointer_of(c) for c in carried if isinstance(c, Access)}
        pairs: list[tuple[str, str]] = []
        copies: list[tuple[Place, Access]] = []
        for old, new in zip(carried, results, strict=True):
            if not isinstance(old, Access):
                pairs += zip(self.elements(old).flat, self.elements(new).flat, strict=True)
            elif not is_same_memory(old, new):
                copies.append((new, old))
        for i, (new, home) in enumerate(copies):
            if pointer_of(new) in homes:  # it is about to change
                held = self.scratch(home.root.type)  # type: ignore[attr-defined]
                self.copy(new, held)
                copies[i] = held, home
        for new, home in copies:
            self.copy(new, home)
        moved = [(c, r) for c, r in pairs if c != r]
        names = {c for c, _ in pairs}
        held = {r: self.fresh("h") for _, r in moved if r in names}
        for text, name in held.items():
            self.add(f"{name} = {text}")
        for c, r in moved:
            self.add(f"{c} = {held.get(r, r)}")

    def _while(
        self, node: Node, places: Sequence[Place], busy: set[str], homes: Sequence[Access]
    ) -> list[Place]:
        k = node.attrs["carried"]
        if node.attrs.get("stacked"):
            raise Unfit("a stack whose length only the loop tells")
        body, fixed = node.regions["body"], list(places[k:])
        carried = self._start(body.inputs[:k], places[:k], busy, homes)
        count = self.define("0", prefix="k") if node.attrs.get("count") else None
        self.add("while True:", node)
        self.depth += 1
        given = [*carried, *fixed]
        (holds,) = self.region(node.regions["cond"], given, busy | _pointers(given))
        self.add(f"if not {holds}:", node)
        self.add("    break")
        self._next(carried, self.region(body, given, busy | _pointers(fixed)))
        if count:
            self.add(f"{count} += 1")
        self.depth -= 1
        return [*carried, *([f"i32({count})"] if count else [])]

    def _for(
        self, node: Node, places: Sequence[Place], busy: set[str], homes: Sequence[Access]
    ) -> list[Place]:
        attrs, body = node.attrs, node.regions["body"]
        k, j = attrs["carried"], attrs["scanned"]
        carried = self._start(body.inputs[1 : 1 + k], places[1 : 1 + k], busy, homes)
        stacks = list(homes[k:]) or [self._stack(v) for v in node.outputs[k:]]
        count = self.define(f"i64({places[0]})", prefix="k")
        at, turn = self.fresh("i"), self.fresh("t")
        fixed = list(places[1 + k :])
        rows = [
            self._in_memory(p, v) for p, v in zip(fixed[:j], node.inputs[1 + k :], strict=False)
        ]
        self.add(f"for {turn} in range({count}):", node)
        self.depth += 1
        self.add(f"{at} = {count} - 1 - {turn}" if attrs["reverse"] else f"{at} = {turn}")
        scanned = [self._row(r, at) for r in rows]
        inner = [f"i32({at})", *carried, *scanned, *fixed[j:]]
        results = self.region(body, inner, busy | _pointers(fixed))
        for stack, result in zip(stacks, results[k:], strict=True):
            self.copy(result, self.part(stack, [at]), node)
        self._next(carried, results[:k])
        self.depth -= 1
        return [*carried, *stacks]

    def _stack(self, value: Value) -> Access:
        if not value.type.symbols <= self.known:
            raise Unfit("a stack inside a loop whose length only the loop tells")
        return self.scratch(value.type)

    def _in_memory(self, place: Place, value: Value) -> Access:
        if isinstance(place, Access):
            return place
        made = self.scratch(value.type)
        self.copy(place, made)
        return made

    def _row(self, place: Access, at: str) -> Place:
        """Row ``at`` of what a loop goes over."""
        row = self.part(place, [at])
        return row if row.shape else self.load(row)

    # --- regions ---

    def region(self, graph: Graph, given: Sequence[Place], busy: set[str]) -> list[Place]:
        """Write a region's nodes; returns the places of its results."""
        places: dict[Value, Place] = dict(zip(graph.inputs, given, strict=True))
        last = {v: i for i, n in enumerate(graph.nodes) for v in n.inputs}
        last |= dict.fromkeys(graph.outputs, len(graph.nodes))
        for i, node in enumerate(graph.nodes):
            sources = [places[v] for v in node.inputs]

            def needed(i: int = i, sources: Sequence[Place] = sources) -> set[str]:
                """The memory that must keep its values while this node is computed."""
                later = [p for v, p in places.items() if last.get(v, -1) > i]
                found = [p for p in map(pointer_of, sources) if p is not None]
                return busy | _pointers(later) | {p for p in found if found.count(p) > 1}

            if node.regions:
                made = self.emit(node, sources, needed())
            else:
                made = places_of(self, node, sources, needed)
            places.update(zip(node.outputs, made, strict=True))
        return [places[v] for v in graph.outputs]


def _pointers(places: Sequence[Place]) -> set[str]:
    return {p for p in map(pointer_of, places) if p is not None}
