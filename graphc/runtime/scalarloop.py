"""Loops and branches on scalars as one kernel: real Python ``while``, ``for`` and ``if`` text.

Values of rank 0 are local variables, so an iteration costs what its arithmetic costs.  Arrays may
be read at an index; everything else, above all arrays that change, is left to the driver's program.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.ir.dims import DimLike
from graphc.ir.graph import Graph, Node, Value
from graphc.ops import control
from graphc.ops.loopnest import (
    KERNEL_DTYPES,
    Access,
    Unfit,
    is_computed,
    is_gather,
    is_literal,
    is_view,
    view,
    whole,
)
from graphc.ops.opdef import Scalar
from graphc.runtime.codegen import Argument, KernelText
from graphc.runtime.scalars import KINDS, OUT_OF_RANGE, Surroundings, expression, literal

MAX_NODES = 400  # bounds the time to compile
Place = str | Access  # a variable, or memory


_CASTS = frozenset(d.short for d in KERNEL_DTYPES)  # no variable is called i64


def scalar_kernel(node: Node) -> KernelText:
    """The kernel of a region node; `Unfit` with the reason if not all of it is on scalars."""
    if sum(len(g.nodes) for g in node.regions.values()) > MAX_NODES:
        raise Unfit(f"more than {MAX_NODES} ops in a loop")
    return _Writer(node).write()


class _Writer:
    """Writes one kernel; ``places`` of a region map its values to variables or memory."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.arguments: list[Argument] = []
        self.pointers: dict[Value, str] = {}
        self.sizes: dict[Any, str] = {}
        self.head: list[str] = []
        self.lines: list[tuple[str, Node | None]] = []
        self.failures: list[Node] = []
        self.count = 0
        self.depth = 1

    def write(self) -> KernelText:
        places: list[Place] = []
        for value in dict.fromkeys(self.node.inputs):
            self.declare(value)
        for value in self.node.inputs:
            places.append(self.read(value) if value.type.rank == 0 else whole(value))
        stacked = [v for v in self.node.outputs if v.type.rank]
        if stacked and self.node.op is not control.for_:
            raise Unfit("a stack whose length only the loop tells")
        for value in self.node.outputs:
            self.declare(value)
        results = self.emit(self.node, places, self.node.outputs)
        for value, name in zip(self.node.outputs, results, strict=True):
            if name is not None:
                self.add(f"{self.pointers[value]}[0] = {_stored(value, name)}")
        self.add("return 0")
        lines = [("def kernel(slots, row):", None), *((h, None) for h in self.head), *self.lines]
        text = "\n".join(line for line, _ in lines) + "\n"
        nodes = tuple(n for _, n in lines)
        return KernelText(text, tuple(self.arguments), nodes, tuple(self.failures))

    # --- lines ---

    def add(self, text: str, node: Node | None = None) -> None:
        self.lines.append(("    " * self.depth + text, node))

    def fresh(self, prefix: str = "v") -> str:
        self.count += 1
        name = f"{prefix}{self.count - 1}"
        return self.fresh(prefix) if name in _CASTS else name

    def declare(self, value: Value) -> None:
        """Give a value of the node a pointer."""
        if value.type.dtype not in KERNEL_DTYPES:
            raise Unfit(f"kernels do not compute in {value.type.dtype.name}")
        at = len(self.arguments)
        self.arguments.append(Argument("value", value))
        self.pointers[value] = f"p{at}"
        self.head.append(f"    p{at} = buf_{value.type.dtype.short}(slots[row[{at}]], {at})")

    def read(self, value: Value) -> str:
        name = self.fresh("x")
        self.add(f"{name} = {_loaded(value, f'{self.pointers[value]}[0]')}")
        return name

    def size(self, dim: DimLike) -> str:
        """A number that the kernel is given."""
        if isinstance(dim, int) and 0 <= dim < 2:
            return str(dim)
        key = ("int", dim) if isinstance(dim, int) else dim
        if key not in self.sizes:
            at = len(self.arguments)
            self.arguments.append(Argument("size", None, dim))
            self.sizes[key] = f"n{at}"
            self.head.append(f"    n{at} = slots[row[{at}]]")
        return self.sizes[key]

    # --- nodes with regions ---

    def emit(
        self, node: Node, places: Sequence[Place], outputs: Sequence[Value] = ()
    ) -> list[str | None]:
        """Write a region node; returns the variables of its results (None: stored already)."""
        if node.op is control.if_:
            return self._if(node, places)
        if node.op is control.while_:
            return self._while(node, places)
        if node.op is control.for_:
            return self._for(node, places, outputs)
        return list(self.region(node.regions["body"], places))

    def _if(self, node: Node, places: Sequence[Place]) -> list[str | None]:
        results = [self.fresh("r") for _ in node.outputs]
        for label, head in (("then", f"if {places[0]}:"), ("else", "else:")):
            self.add(head, node)
            self.depth += 1
            found = self.region(node.regions[label], places[1:])
            for name, value in zip(results, found, strict=True):
                self.add(f"{name} = {value}")
            if not results:
                self.add("pass")
            self.depth -= 1
        return list(results)

    def _start(self, places: Sequence[Place]) -> list[str]:
        """Variables for carried values."""
        carried = [self.fresh("c") for _ in places]
        for name, place in zip(carried, places, strict=True):
            if isinstance(place, Access):
                raise Unfit("an array changes from one iteration to the next")
            self.add(f"{name} = {place}")
        return carried

    def _next(self, carried: Sequence[str], results: Sequence[str]) -> None:
        """All carried values change at once."""
        moved = [(c, r) for c, r in zip(carried, results, strict=True) if c != r]
        held = {r: self.fresh("h") for _, r in moved if r in carried}
        for old, name in held.items():
            self.add(f"{name} = {old}")
        for c, r in moved:
            self.add(f"{c} = {held.get(r, r)}")

    def _while(self, node: Node, places: Sequence[Place]) -> list[str | None]:
        k, fixed = node.attrs["carried"], list(places[node.attrs["carried"] :])
        if node.attrs.get("stacked"):
            raise Unfit("a stack whose length only the loop tells")
        carried = self._start(places[:k])
        count = self.fresh("k") if node.attrs.get("count") else None
        if count:
            self.add(f"{count} = 0")
        self.add("while True:", node)
        self.depth += 1
        (holds,) = self.region(node.regions["cond"], [*carried, *fixed])
        self.add(f"if not {holds}:", node)
        self.add("    break")
        self._next(carried, self.region(node.regions["body"], [*carried, *fixed]))
        if count:
            self.add(f"{count} += 1")
        self.depth -= 1
        return [*carried, *([f"i32({count})"] if count else [])]

    def _for(
        self, node: Node, places: Sequence[Place], outputs: Sequence[Value]
    ) -> list[str | None]:
        attrs, body = node.attrs, node.regions["body"]
        k, j, rows = attrs["carried"], attrs["scanned"], attrs["stacked"]
        if rows and not outputs:
            raise Unfit("a stack inside a loop")
        carried = self._start(places[1 : 1 + k])
        count, at, turn = self.fresh("k"), self.fresh("i"), self.fresh("t")
        self.add(f"{count} = i64({places[0]})")
        self.add(f"for {turn} in range({count}):", node)
        self.depth += 1
        self.add(f"{at} = {count} - 1 - {turn}" if attrs["reverse"] else f"{at} = {turn}")
        scanned = [self._element(p, at) for p in places[1 + k : 1 + k + j]]
        inner = [f"i32({at})", *carried, *scanned, *places[1 + k + j :]]
        results = self.region(body, inner)
        for value, result in zip(outputs[k:], results[k:], strict=False):
            self.add(f"{self.pointers[value]}[{at}] = {_stored(value, result)}", node)
        self._next(carried, results[:k])
        self.depth -= 1
        return [*carried, *([None] * rows)]

    def _element(self, place: Place, index: str) -> Place:
        if isinstance(place, str) or len(place.shape) != 1:
            raise Unfit("rows of an array are arrays")
        return self._load(place, f"{index} * {self.size(place.strides[0])}")

    def _load(self, access: Access, index: str = "") -> str:
        parts = [] if access.offset == 0 else [self.size(access.offset)]
        at = " + ".join([*parts, *([index] if index else [])]) or "0"
        name = self.fresh("x")
        self.add(f"{name} = {_loaded(access.root, f'{self.pointers[access.root]}[{at}]')}")
        return name

    # --- regions ---

    def region(self, graph: Graph, given: Sequence[Place]) -> list[str]:
        """Write a region's nodes; returns the variables of its results."""
        places: dict[Value, Place] = dict(zip(graph.inputs, given, strict=True))
        for node in graph.nodes:
            if node.regions:
                found = self.emit(node, [places[v] for v in node.inputs])
                places.update(zip(node.outputs, found, strict=True))  # type: ignore[arg-type]
            else:
                places[node.output] = self._node(node, places)
        results = [places[v] for v in graph.outputs]
        if not all(isinstance(r, str) for r in results):
            raise Unfit("an array is a result of a region")
        return results  # type: ignore[return-value]

    def _node(self, node: Node, places: dict[Value, Place]) -> Place:
        if is_literal(node) and node.output.type.rank == 0:
            return literal(node.attrs["value"].reshape(())[()])
        if len(node.outputs) != 1 or node.op.effect:
            raise Unfit(f"{node.op.name} has no form in scalar loops")
        sources = [places[v] for v in node.inputs]
        if is_view(node):
            return self._view(node, sources[0])
        if node.output.type.rank or not is_computed(node):
            raise Unfit(f"{node.op.name} gives {node.output.type}")
        if any(v.type.dtype not in KERNEL_DTYPES for v in (*node.inputs, node.output)):
            raise Unfit("kernels do not compute in these types")
        if is_gather(node):
            return self._gather(node, sources)
        if not all(isinstance(s, str) for s in sources):
            raise Unfit(f"{node.op.name} reads an array")
        if node.op.lower in (Scalar("one_hot"), Scalar("iota")):  # type: ignore[attr-defined]
            raise Unfit(f"{node.op.name} gives an array")
        around = Surroundings((), self._failure(node), self.size)
        name = self.fresh()
        text = expression(node, sources, around)  # type: ignore[arg-type]
        self.add(f"{name} = {text}", node)
        return name

    def _view(self, node: Node, source: Place) -> Place:
        if isinstance(source, str):
            if node.output.type.rank:
                raise Unfit(f"{node.op.name} of a scalar gives an array")
            return source
        access = view(node, source)
        return access if node.output.type.rank else self._load(access)

    def _gather(self, node: Node, sources: Sequence[Place]) -> str:
        array, index = sources
        if isinstance(array, str) or isinstance(index, Access) or len(array.shape) != 1:
            raise Unfit("gather of more than one element")
        at = self.fresh("g")
        self.add(f"{at} = i64({index})", node)
        limit = self.size(array.shape[0])
        self._failure(node)(OUT_OF_RANGE, f"{at} < 0 or {at} >= {limit}", at, limit)
        return self._load(array, f"{at} * {self.size(array.strides[0])}")

    def _failure(self, node: Node) -> Any:
        def check(kind: int, condition: str, *details: str) -> None:
            if node not in self.failures:
                self.failures.append(node)
            self.add(f"if {condition}:", node)
            for i, detail in enumerate(details):
                self.add(f"    slots[{i}] = {detail}")
            self.add(f"    return {kind + KINDS * self.failures.index(node)}")

        return check


def _loaded(value: Value, place: str) -> str:
    return f"({place} != 0)" if value.type.dtype.is_bool else place


def _stored(value: Value, text: str) -> str:
    return f"u8({text})" if value.type.dtype.is_bool else text
