"""Inlining: a `call` becomes the nodes of the function it calls."""

from __future__ import annotations

from collections.abc import Mapping

from graphc.ir import dims
from graphc.ir.dims import Dim, DimLike
from graphc.ir.graph import Graph, GraphBuilder, Node, Value
from graphc.ir.substitute import substitute
from graphc.ops import control
from graphc.passes.base import PassLog
from graphc.passes.edit import in_regions, names_of, read_from, rebuilt, resolved, with_parts


def inline(graph: Graph, log: PassLog) -> Graph:
    """Splice in the bodies of all calls, those inside regions and bodies too."""
    if not any(node.op is control.call for node in graph.walk()):
        return graph
    names = GraphBuilder(graph.name, names_of(graph))
    replaced: dict[Value, Value] = {}
    sizes: dict[str, DimLike] = {}
    nodes: list[Node] = []
    spliced: set[Value] = set()
    for node in graph.nodes:
        node = read_from(in_regions(node, lambda g: inline(g, log)), replaced)
        if node.op is not control.call:
            nodes.append(node)
            continue
        symbols = _sizes(node)
        sizes |= symbols
        body = substitute(node.regions["body"], symbols)
        inner = dict(zip(body.inputs, node.inputs, strict=True))
        found = _spliced(body, inner, names, node)
        spliced.update(v for n in found for v in n.outputs)
        nodes += found
        replaced.update((o, inner[v]) for o, v in zip(node.outputs, body.outputs, strict=True))
        name = node.attrs.get("name") or "body"
        log.applied("inline", node, f"{len(body.nodes)} nodes of @{name}")
    graph = _named(rebuilt(graph, nodes, replaced), replaced, spliced)
    # What reads a call's results knows the sizes by the names they had inside of it.
    own = frozenset().union(*(v.type.symbols for v in graph.parameters))
    return substitute(graph, {name: dim for name, dim in sizes.items() if name not in own})


def _sizes(call: Node) -> dict[str, DimLike]:
    """What the symbols of a body's parameters are for the operands of this call."""
    found: dict[str, DimLike] = {}
    for given, value in zip(call.inputs, call.regions["body"].inputs, strict=True):
        for dim, size in zip(value.type.shape, given.type.shape, strict=True):
            if isinstance(dim, Dim) and dim == dims.symbol(str(dim)):
                found.setdefault(str(dim), size)
    return {name: size for name, size in found.items() if size != dims.symbol(name)}


def _spliced(body: Graph, inner: dict[Value, Value], names: GraphBuilder, call: Node) -> list[Node]:
    """The body's nodes on the call's operands; ``inner`` learns what the body's values became."""
    found = []
    for node in body.nodes:
        outputs = tuple(Value(names.unique(v.name.partition(".")[0]), v.type) for v in node.outputs)
        inner.update(zip(node.outputs, outputs, strict=True))
        inputs = tuple(inner[v] for v in node.inputs)
        loc = node.loc or call.loc
        found.append(with_parts(node, inputs=inputs, outputs=outputs, loc=loc))
    return found


def _named(graph: Graph, replaced: Mapping[Value, Value], spliced: set[Value]) -> Graph:
    """The graph whose spliced results carry the names the user gave the calls' results."""
    new: dict[Value, Value] = {}
    for old in replaced:
        value = resolved(old, replaced)
        if value in spliced and value not in new:
            new[value] = Value(old.name, value.type)
    if not new:
        return graph

    def renamed(node: Node) -> Node:
        outputs = tuple(new.get(v, v) for v in node.outputs)
        inputs = tuple(new.get(v, v) for v in node.inputs)
        if outputs == node.outputs and inputs == node.inputs:
            return node
        return with_parts(node, inputs=inputs, outputs=outputs)

    return rebuilt(graph, map(renamed, graph.nodes), new)
