"""Parts of tensors as views: what reads them needs no copy."""

from __future__ import annotations

from typing import Any

from graphc.ir.graph import Graph, Node
from graphc.ops import REGISTRY
from graphc.ops.combinators import normalize_axis
from graphc.passes.base import PassLog
from graphc.passes.edit import in_regions, rebuilt


def parts(graph: Graph, log: PassLog) -> Graph:
    """Replace `split` and `unstack` by slices, which other kernels read in place."""
    nodes: list[Node] = []
    for node in graph.nodes:
        node = in_regions(node, lambda g: parts(g, log))
        if node.op.name not in ("split", "unstack"):
            nodes.append(node)
            continue
        nodes += _slices(node)
        log.applied("parts", node, "slices")
    return rebuilt(graph, nodes, {})


def _slices(node: Node) -> list[Node]:
    x, op = node.inputs[0], REGISTRY["strided_slice"]
    axis = normalize_axis(node.attrs["axis"], x.type.rank)
    lead, start, found = (slice(None),) * axis, 0, []
    for i, part in enumerate(node.outputs):
        at: Any = i
        if node.op.name == "split":
            end = start + part.type.shape[axis]
            at, start = slice(start, end), end
        found.append(Node(op, (x,), (part,), {"index": (*lead, at)}, {}, node.loc))
    return found
