"""Graphs: ordered, immutable, typed SSA lists with closed sub-graphs, and their builder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

from graphc.ir import dims
from graphc.ir.types import TensorType


@dataclass(frozen=True, slots=True)
class Loc:
    """A place in the user's source: 1-based line, 0-based column; the name scopes around it."""

    file: str
    line: int
    col: int = 0
    scope: str = ""  # as "model/dense/"
    cell: str = ""  # of a notebook, as "In[3]"

    def __str__(self) -> str:
        return f"{self.cell or self.file.rsplit('/', 1)[-1]}:{self.line}"


class Op(Protocol):
    """What a graph needs to know of an operation; the registry's ``OpDef`` satisfies it."""

    name: str
    effect: bool

    def infer(
        self,
        types: Sequence[TensorType],
        attrs: Mapping[str, Any],
        regions: Mapping[str, Graph],
    ) -> tuple[TensorType, ...]: ...


@dataclass(frozen=True, eq=False, slots=True)
class Value:
    """One result of a node or one input of a graph; its identity is the object."""

    name: str
    type: TensorType

    def __repr__(self) -> str:
        return f"%{self.name}: {self.type}"


@dataclass(frozen=True, eq=False, slots=True)
class Node:
    """One operation applied to values."""

    op: Op
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    attrs: Mapping[str, Any] = field(default_factory=dict)
    regions: Mapping[str, Graph] = field(default_factory=dict)
    loc: Loc | None = None

    @property
    def output(self) -> Value:
        return self.outputs[0]

    @property
    def effect(self) -> bool:
        """Whether it must run, in program order, even if nobody reads its results."""
        return self.op.effect or any(g.effect for g in self.regions.values())

    def __repr__(self) -> str:
        outputs = ", ".join(f"%{v.name}" for v in self.outputs)
        return f"<{outputs} = {self.op.name} {', '.join('%' + v.name for v in self.inputs)}>"


@dataclass(frozen=True, eq=False, slots=True)
class StateSlot:
    """A variable that a graph reads (``value``) and, if ``update`` is given, writes at its end."""

    value: Value
    update: Value | None = None
    key: Any = None  # opaque here: only function.py knows that it is a Variable


@dataclass(frozen=True, eq=False)
class Graph:
    """``graph @name(inputs) state(...) { nodes return outputs }``; regions are graphs too."""

    name: str
    inputs: tuple[Value, ...]
    nodes: tuple[Node, ...]
    outputs: tuple[Value, ...]
    state: tuple[StateSlot, ...] = ()

    @cached_property
    def producer(self) -> dict[Value, Node]:
        return {v: node for node in self.nodes for v in node.outputs}

    @cached_property
    def users(self) -> dict[Value, list[Node]]:
        """The nodes that read a value, in order, once each."""
        found: dict[Value, list[Node]] = {}
        for node in self.nodes:
            for value in dict.fromkeys(node.inputs):
                found.setdefault(value, []).append(node)
        return found

    @cached_property
    def effect(self) -> bool:
        return any(node.effect for node in self.nodes)

    @property
    def parameters(self) -> tuple[Value, ...]:
        """Every value the graph is given: inputs, then state."""
        return self.inputs + tuple(slot.value for slot in self.state)

    @property
    def results(self) -> tuple[Value, ...]:
        """Every value the graph hands out: outputs, then updates of state."""
        return self.outputs + tuple(s.update for s in self.state if s.update is not None)

    @cached_property
    def fingerprint(self) -> str:
        """A hash of what it computes, whatever its values are called and where they come from."""
        from graphc.ir.text import fingerprint  # text.py describes graphs, so it imports this file

        return fingerprint(self)

    def text(self, locs: bool = False) -> str:
        """The graph in graphc's IR; ``locs`` adds the user's lines. `ir.parse` reads it."""
        from graphc.ir.text import to_text

        return to_text(self, locs)

    def digraph(self) -> Any:
        """The graph as a ``networkx.DiGraph`` of its nodes, for networkx's own tools.

        Nodes have ``op`` and ``loc``; edges ``kind`` "data" with the ``values`` that flow, or
        "order" between nodes with effects.
        """
        from graphc.ir.dag import digraph  # dag.py describes graphs, so it imports this file

        return digraph(self)

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<graph @{self.name}: {len(self.nodes)} nodes>"

    def replace(self, **changes: Any) -> Graph:
        """The same graph with some parts exchanged."""
        parts = dict(
            name=self.name, inputs=self.inputs, nodes=self.nodes, outputs=self.outputs,
            state=self.state,
        )  # fmt: skip
        return Graph(**(parts | changes))

    def walk(self) -> Iterator[Node]:
        """Every node, with those inside regions."""
        for node in self.nodes:
            yield node
            for region in node.regions.values():
                yield from region.walk()

    def at(self, place: str) -> list[Node]:
        """The nodes that a line of the user's source made, as in ``graph.at("step.py:6")``."""
        return [node for node in self.walk() if node.loc is not None and str(node.loc) == place]


class GraphBuilder:
    """Builds a graph node by node; types come from the operations, names are made unique."""

    def __init__(self, name: str, names: dict[str, int] | None = None) -> None:
        self.name = name
        self.inputs: list[Value] = []
        self.nodes: list[Node] = []
        self._taken: dict[str, int] = {} if names is None else names

    def unique(self, base: str) -> str:
        """``base``, or ``base.1``, ``base.2``... if it is taken."""
        base = base or "v"
        count = self._taken.get(base)
        if count is None:
            self._taken[base] = 0
            return base
        while True:
            count += 1
            candidate = f"{base}.{count}"
            if candidate not in self._taken:
                self._taken[base] = count
                self._taken[candidate] = 0
                return candidate

    def parameter(self, type: TensorType, name: str = "x") -> Value:
        """Add an input."""
        value = Value(self.unique(name), type)
        self.inputs.append(value)
        return value

    def emit(
        self,
        op: Op,
        inputs: Iterable[Value],
        attrs: Mapping[str, Any] | None = None,
        regions: Mapping[str, Graph] | None = None,
        loc: Loc | None = None,
        names: Sequence[str] = (),
    ) -> tuple[Value, ...]:
        """Append a node; its output types are inferred, never given."""
        inputs, attrs, regions = tuple(inputs), attrs or {}, regions or {}
        with dims.collecting() as assumed:
            types = op.infer([v.type for v in inputs], attrs, regions)
        hint = names or [""] * len(types)
        outputs = tuple(
            Value(self.unique(n or _default_name(op.name)), t)
            for n, t in zip(hint, types, strict=True)
        )
        for left, right in assumed:
            self.guard(left, right, loc)
        self.nodes.append(Node(op, inputs, outputs, attrs, regions, loc))
        return outputs

    def guard(self, left: dims.DimLike, right: dims.DimLike, loc: Loc | None) -> None:
        """Note that two dims were assumed equal (overridden by tracers that emit guard nodes)."""

    def finish(self, outputs: Iterable[Value], state: Iterable[StateSlot] = ()) -> Graph:
        return Graph(self.name, tuple(self.inputs), tuple(self.nodes), tuple(outputs), tuple(state))


def _default_name(op: str) -> str:
    return op.rsplit(".", 1)[-1]


def rename(value: Value, name: str) -> None:
    """Give a value of a graph under construction its user's name (only the tracer does this)."""
    object.__setattr__(value, "name", name)
