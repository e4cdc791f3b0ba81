"""Common subexpressions: what was computed before is not computed again."""

from __future__ import annotations

from collections.abc import Hashable

from graphc.ir.graph import Graph, Node, Value
from graphc.ir.literals import is_opaque
from graphc.ir.text import shown_attrs
from graphc.passes.base import PassLog
from graphc.passes.edit import in_regions, read_from, rebuilt


def cse(graph: Graph, log: PassLog) -> Graph:
    """Let equal nodes without effects share their results; regions are searched one by one."""
    first: dict[Hashable, Node] = {}
    replaced: dict[Value, Value] = {}
    nodes: list[Node] = []
    for node in graph.nodes:
        node = read_from(in_regions(node, lambda g: cse(g, log)), replaced)
        key = sameness(node)
        before = node if key is None else first.setdefault(key, node)
        if before is node:
            nodes.append(node)
            continue
        replaced.update(zip(node.outputs, before.outputs, strict=True))
        log.applied("cse", node, f"the same as %{before.output.name}")
    return rebuilt(graph, nodes, replaced)


def sameness(node: Node) -> Hashable | None:
    """What two nodes have in common if they compute the same; None if nothing may stand for it."""
    if node.effect or not node.outputs or _is_opaque(node):
        return None
    inputs: tuple[Value, ...] = node.inputs
    # Joining strings is an `add` too, and not commutative.
    if getattr(node.op, "commutative", False) and inputs[0].type.dtype.kind != "s":
        inputs = tuple(sorted(inputs, key=id))
    regions = tuple((label, region.fingerprint) for label, region in node.regions.items())
    # Types too: sizes that only running tells have a name of their own in each result.
    types = tuple(v.type for v in node.outputs)
    return node.op.name, inputs, _attrs(node), regions, types


def _attrs(node: Node) -> Hashable:
    if node.op.name == "constant":
        array = node.attrs["value"]
        data = tuple(array.reshape(-1)) if array.dtype == object else array.tobytes()
        return array.shape, data
    return tuple(shown_attrs(node).items())


def _is_opaque(node: Node) -> bool:
    nested = (n for region in node.regions.values() for n in region.walk())
    return any(is_opaque(v) for n in (node, *nested) for v in n.attrs.values())
