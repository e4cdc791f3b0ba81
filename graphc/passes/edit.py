"""Changing graphs: replaced values, nodes with other operands, names kept apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from graphc.ir.dims import Dim
from graphc.ir.graph import Graph, Node, StateSlot, Value
from graphc.ir.types import TensorType
from graphc.ops import control


def resolved(value: Value, replaced: Mapping[Value, Value]) -> Value:
    """What stands for a value after (repeated) replacement."""
    while value in replaced:
        value = replaced[value]
    return value


def with_parts(node: Node, **changes: Any) -> Node:
    """The node with some parts exchanged."""
    parts = dict(
        op=node.op, inputs=node.inputs, outputs=node.outputs, attrs=node.attrs,
        regions=node.regions, loc=node.loc,
    )  # fmt: skip
    return Node(**(parts | changes))


def read_from(node: Node, replaced: Mapping[Value, Value]) -> Node:
    """The node with its operands replaced; the same node if none is."""
    inputs = tuple(resolved(v, replaced) for v in node.inputs)
    return node if inputs == node.inputs else with_parts(node, inputs=inputs)


def rebuilt(graph: Graph, nodes: Iterable[Node], replaced: Mapping[Value, Value]) -> Graph:
    """The graph of new nodes, with results replaced; the same graph if nothing changed."""
    nodes = tuple(nodes)
    outputs = tuple(resolved(v, replaced) for v in graph.outputs)
    state = tuple(
        StateSlot(s.value, None if s.update is None else resolved(s.update, replaced), s.key)
        for s in graph.state
    )
    same = len(nodes) == len(graph.nodes) and all(map(_same, nodes, graph.nodes))
    if same and all(map(_same, graph.results, _results(outputs, state))):
        return graph
    return graph.replace(nodes=nodes, outputs=outputs, state=state)


def _same(a: object, b: object) -> bool:
    return a is b


def _results(outputs: tuple[Value, ...], state: tuple[StateSlot, ...]) -> tuple[Value, ...]:
    return outputs + tuple(s.update for s in state if s.update is not None)


def in_regions(node: Node, change: Callable[[Graph], Graph]) -> Node:
    """The node with its regions changed; the same node if none is."""
    if not node.regions:
        return node
    return with_regions(node, {label: change(g) for label, g in node.regions.items()})


def with_regions(node: Node, regions: Mapping[str, Graph]) -> Node:
    """The node with these regions; the same node if it has them."""
    if all(regions[label] is region for label, region in node.regions.items()):
        return node
    return with_parts(node, regions=regions)


def names_of(graph: Graph) -> dict[str, int]:
    """The names a graph uses, in the form that `GraphBuilder` keeps them apart with."""
    values = (*graph.parameters, *(v for n in graph.nodes for v in n.outputs))
    return dict.fromkeys((v.name for v in values), 0)


def control_captures(node: Node) -> int | None:
    """The position of a control flow node's first captured operand; None for other nodes."""
    if node.op is control.if_:
        return 1
    if node.op is control.while_:
        return node.attrs["carried"]
    if node.op is control.for_:
        return 1 + node.attrs["carried"] + node.attrs.get("scanned", 0)
    return None


# --- symbols --------------------------------------------------------------------------------------


def leaves(value: Any) -> Iterator[Any]:
    """The parts of an attribute that are no tuples, lists or slices."""
    if isinstance(value, tuple | list):
        for part in value:
            yield from leaves(part)
    elif isinstance(value, slice):
        yield from (value.start, value.stop, value.step)
    else:
        yield value


def attr_symbols(node: Node) -> frozenset[str]:
    """Symbols in a node's attributes."""
    if not node.attrs:
        return frozenset()
    dims = (v for v in leaves(tuple(node.attrs.values())) if isinstance(v, Dim))
    return frozenset().union(*(d.symbols for d in dims))


def symbols_of(node: Node) -> frozenset[str]:
    """Every symbol that a node, or one in its regions, mentions."""
    inner = (symbols_of(n) for region in node.regions.values() for n in region.nodes)
    return attr_symbols(node).union(*(v.type.symbols for v in node.outputs), *inner)


def bound_by(type: TensorType) -> frozenset[str]:
    """Symbols whose size can be read off a shape: the dims that are nothing but a symbol."""
    return frozenset(name for d in type.shape if isinstance(d, Dim) for name in _plain(d))


def _plain(dim: Dim) -> tuple[str, ...]:
    """The symbol, if a dim is one and nothing else."""
    monomial, factor = dim.terms[0]
    plain = len(dim.terms) == 1 and factor == 1 and len(monomial) == 1 and not monomial[0].args
    return (monomial[0].name,) if plain else ()
