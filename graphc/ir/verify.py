"""The rules every graph keeps; a graph that breaks one is shown with the message at the place."""

from __future__ import annotations

from collections.abc import Sequence

from graphc.errors import VerifyError
from graphc.ir import dims, text
from graphc.ir.dtypes import DType
from graphc.ir.graph import Graph, Node, Value
from graphc.ir.types import TensorType


class _Broken(Exception):
    """A rule is broken: the message, and the node if it is one's fault."""

    def __init__(self, message: str, node: Node | None = None) -> None:
        super().__init__(message)
        self.node = node


def verify(graph: Graph) -> Graph:
    """Return the graph if it keeps the rules; ``VerifyError`` otherwise.

    Values have names of their own and are made before they are used, regions are closed, types are
    those the operations infer, updates of state have the state's type.
    """
    try:
        _check(graph)
    except _Broken as broken:
        raise VerifyError(_shown(graph, str(broken), broken.node)) from None
    return graph


def _check(graph: Graph) -> None:
    made: set[Value] = set()
    names: set[str] = set()
    for value in graph.parameters:
        _define(value, made, names, None)
    for node in graph.nodes:
        for value in node.inputs:
            if value not in made:
                raise _Broken(f"%{value.name} is not defined before it is used", node)
        for region in node.regions.values():
            if region.state:
                raise _Broken("a region has no state of its own", node)
            _check(region)
        _check_types(node)
        for value in node.outputs:
            _define(value, made, names, node)
    for value in graph.results:
        if value not in made:
            raise _Broken(f"@{graph.name} hands out %{value.name}, which is not defined in it")
    for slot in graph.state:
        if slot.update is not None and not _fits(slot.update.type, slot.value.type):
            raise _Broken(f"%{slot.value.name} is {slot.value.type}, its update {slot.update!r}")


def _define(value: Value, made: set[Value], names: set[str], node: Node | None) -> None:
    if value in made or value.name in names:
        raise _Broken(f"there are two values %{value.name}", node)
    made.add(value)
    names.add(value.name)


def _check_types(node: Node) -> None:
    with dims.collecting():
        try:
            inferred = node.op.infer([v.type for v in node.inputs], node.attrs, node.regions)
        except Exception as error:  # type rules meet anything that somebody can write
            raise _Broken(f"{type(error).__name__}: {error}", node) from error
    if any(not isinstance(t.dtype, DType) for t in inferred):
        raise _Broken(f"{node.op.name} gives a value of no dtype", node)
    declared = [v.type for v in node.outputs]
    if len(inferred) != len(declared) or not all(map(_fits, inferred, declared)):
        raise _Broken(f"{node.op.name} gives {_listed(inferred)}, not {_listed(declared)}", node)


def _fits(a: TensorType, b: TensorType) -> bool:
    """Equal, or different only in dims that may be equal (a guard says so)."""
    if a.dtype is not b.dtype or a.rank != b.rank:
        return False
    return all(dims.same(x, y) is not False for x, y in zip(a.shape, b.shape, strict=True))


def _listed(types: Sequence[TensorType]) -> str:
    return ", ".join(map(str, types)) or "nothing"


def _shown(graph: Graph, message: str, culprit: Node | None) -> str:
    """The graph's text with the message below the node."""
    shown = [message]
    for line, node in text.lines(graph):
        shown.append(line)
        if node is not None and node is culprit:
            indent = len(line) - len(line.lstrip())
            shown.append(f"{' ' * indent}^ {message}")
    return "\n".join(shown)
