"""Other names for the symbols of a graph.

Two calls of one function must not share the sizes that only running them tells.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from graphc.ir import dims
from graphc.ir.dims import Dim, DimLike
from graphc.ir.graph import Graph, Node, StateSlot, Value
from graphc.ir.types import Shape, TensorType


def substitute_dim(value: DimLike, symbols: Mapping[str, DimLike]) -> DimLike:
    """``value`` with symbols replaced by other dims."""
    if not isinstance(value, Dim) or not (value.symbols & symbols.keys()):
        return value
    total: DimLike = 0
    for monomial, factor in value.terms:
        term: DimLike = factor
        for atom in monomial:
            if atom.args:
                args = tuple(substitute_dim(a, symbols) for a in atom.args)
                term = term * dims.apply_function(atom.name, *args)
            else:
                term = term * symbols.get(atom.name, dims.symbol(atom.name))
        total = total + term
    return total


def substitute_type(type: TensorType, symbols: Mapping[str, DimLike]) -> TensorType:
    return type.with_shape(substitute_dim(d, symbols) for d in type.shape)


def _literal(value: Any, symbols: Mapping[str, DimLike]) -> Any:
    if isinstance(value, tuple):
        return tuple(_literal(v, symbols) for v in value)
    if isinstance(value, slice):
        return slice(*(_literal(v, symbols) for v in (value.start, value.stop, value.step)))
    return substitute_dim(value, symbols) if isinstance(value, Dim) else value


def substitute(graph: Graph, symbols: Mapping[str, DimLike]) -> Graph:
    """The same graph with symbols replaced in every type and attribute."""
    if not symbols:
        return graph
    values: dict[Value, Value] = {}

    def new(value: Value) -> Value:
        if value not in values:
            values[value] = Value(value.name, substitute_type(value.type, symbols))
        return values[value]

    nodes = tuple(
        Node(
            node.op,
            tuple(map(new, node.inputs)),
            tuple(map(new, node.outputs)),
            {k: _literal(v, symbols) for k, v in node.attrs.items()},
            {k: substitute(g, symbols) for k, g in node.regions.items()},
            node.loc,
        )
        for node in graph.nodes
    )
    state = tuple(
        StateSlot(new(s.value), None if s.update is None else new(s.update), s.key)
        for s in graph.state
    )
    return Graph(
        graph.name, tuple(map(new, graph.inputs)), nodes, tuple(map(new, graph.outputs)), state
    )


def own_symbols(graph: Graph) -> list[str]:
    """Symbols that the graph makes itself: sizes that depend on data."""
    given = frozenset().union(*(v.type.symbols for v in graph.parameters))
    found: dict[str, None] = {}
    for node in graph.walk():
        for value in node.outputs:
            found.update(dict.fromkeys(sorted(value.type.symbols - given)))
    return list(found)


def sizes_of(parameters: Iterable[Value], shapes: Iterable[Shape]) -> dict[str, DimLike]:
    """What the symbols of parameters are for operands of these shapes."""
    found: dict[str, DimLike] = {}
    for value, shape in zip(parameters, shapes, strict=True):
        for dim, size in zip(value.type.shape, shape, strict=True):
            if isinstance(dim, Dim) and dim == dims.symbol(str(dim)):
                found.setdefault(str(dim), size)
    return found
