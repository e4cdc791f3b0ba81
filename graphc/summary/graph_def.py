"""A graph as TensorBoard's graph tab reads it: ``GraphDef``, and the times of its nodes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from graphc.formats.wire import message
from graphc.io.tensors import NUMBERS, shape_proto
from graphc.ir.graph import Graph, Node, Value

PRODUCER = 22  # of ``VersionDef``: a graph that old needs no function library
DEVICE = "/device:CPU:0"


class GraphDef:
    """The messages of a graph, with the names its nodes have there.

    Names are those of the user's values under the name scopes they were made in; what belongs to a
    branch or a loop lies in a scope of its own.
    """

    def __init__(self, graph: Graph, prefix: str = "") -> None:
        self.names: dict[Node, str] = {}
        self._taken: set[str] = set()
        self.nodes = list(self._graph(graph, prefix, "", {s.value for s in graph.state}))

    @property
    def data(self) -> bytes:
        """The serialized ``GraphDef``."""
        return message(*((1, node) for node in self.nodes), (4, message((1, PRODUCER))))

    def _graph(self, graph: Graph, prefix: str, outer: str, state: set[Value]) -> Iterator[bytes]:
        """The nodes of a graph or a region; ``outer`` are the scopes that the prefix tells."""
        at: dict[Value, str] = {}
        for value in graph.parameters:
            op = "VarHandleOp" if value in state else "Placeholder"
            name = at[value] = self._name(prefix + value.name)
            yield _node_def(name, op, [], [value])
        for node in graph.nodes:
            scope = node.loc.scope if node.loc is not None else ""
            own = node.outputs[0].name if node.outputs else node.op.name
            name = self.names[node] = self._name(prefix + scope.removeprefix(outer) + own)
            for i, value in enumerate(node.outputs):
                at[value] = f"{name}:{i}" if i else name
            yield _node_def(name, _camel(node.op.name), [at[v] for v in node.inputs],
                            node.outputs, str(node.loc or ""))  # fmt: skip
            for label, region in node.regions.items():
                yield from self._graph(region, f"{name}/{label}/", scope, set())

    def _name(self, wanted: str) -> str:
        """A name that TensorBoard takes, and that no other node has."""
        name = base = re.sub(r"[^A-Za-z0-9_.\-/]", "_", wanted).lstrip("_-/") or "node"
        number = 0
        while name in self._taken:
            number += 1
            name = f"{base}_{number}"
        self._taken.add(name)
        return name


def _node_def(name: str, op: str, inputs: Any, values: Any, line: str = "") -> bytes:
    """A ``NodeDef``; the sizes of its results are shown on edges."""
    attributes = {}
    if values:
        shapes = ((7, shape_proto([_size(d) for d in v.type.shape])) for v in values)
        attributes["_output_shapes"] = message((1, message(*shapes)))
        number = NUMBERS.get(values[0].type.dtype.name)
        attributes["dtype"] = message((6, number))
    if line:
        attributes["line"] = message((2, line))
    entries = ((5, message((1, key), (2, value))) for key, value in attributes.items())
    return message((1, name), (2, op), *((3, i) for i in inputs), (4, DEVICE), *entries)


def _size(dim: Any) -> int | None:
    return dim if isinstance(dim, int) else None


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in re.split(r"[._]", name))


def step_stats(seconds: Mapping[str, tuple[float, float]]) -> bytes:
    """``StepStats`` of (start, duration) in seconds for each node name."""
    nodes = []
    for name, (start, duration) in seconds.items():
        micros, nanos = round(duration * 1e6), round(duration * 1e9)
        nodes.append(message(
            (1, name), (2, round(start * 1e6)), (3, 0), (4, micros), (5, micros),
            (13, round(start * 1e9)), (14, 0), (15, nanos), (16, nanos),
        ))  # fmt: skip
    return message((1, message((1, DEVICE), *((2, node) for node in nodes))))
