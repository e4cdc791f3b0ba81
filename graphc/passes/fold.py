"""Constant folding: what can be computed now is computed now, by the op's own numpy rule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from graphc.ir.graph import Graph, GraphBuilder, Node, Value
from graphc.ops import control
from graphc.passes.base import PassLog
from graphc.passes.edit import (
    attr_symbols,
    control_captures,
    in_regions,
    names_of,
    read_from,
    rebuilt,
)

LIMIT = 1024  # elements of a folded result: larger ones cost more to keep than to compute
LITERAL = 64  # elements of a result that is larger than all operands: it reads worse than its op


def fold(graph: Graph, log: PassLog) -> Graph:
    """Replace nodes whose operands are all constants by constants, in regions too."""
    known: dict[Value, np.ndarray] = {}
    nodes: list[Node] = []
    for node in graph.nodes:
        node = in_regions(_with_literals(node, known), lambda g: fold(g, log))
        nodes.append(node)
        if node.op is control.constant:
            known[node.output] = node.attrs["value"]
            continue
        results = _computed(node, known, log)
        if results is None:
            continue
        known.update(zip(node.outputs, results, strict=True))
        nodes[-1:] = [_constant(v, r, node) for v, r in zip(node.outputs, results, strict=True)]
        log.applied("fold", node)
    return rebuilt(graph, nodes, {})


def _constant(value: Value, array: np.ndarray, origin: Node) -> Node:
    return Node(control.constant, (), (value,), {"value": array}, {}, origin.loc)


def _with_literals(node: Node, known: Mapping[Value, np.ndarray]) -> Node:
    """Control flow whose regions have the constants they capture inside, where they fold."""
    first = control_captures(node)
    if first is None:
        return node
    skip = {control.if_: 1}.get(node.op, 0)  # type: ignore[call-overload]
    found = {
        i - skip: known[v]
        for i, v in enumerate(node.inputs)
        if i >= first and v in known and v.type.size <= LITERAL  # type: ignore[operator]
    }
    if not found:
        return node
    return in_regions(node, lambda region: _literal_inside(region, found, node))


def _literal_inside(region: Graph, found: Mapping[int, np.ndarray], owner: Node) -> Graph:
    """A region in which constants stand for some of its parameters, where these are read."""
    read = {v for n in region.nodes for v in n.inputs} | set(region.outputs)
    names = GraphBuilder(region.name, names_of(region))
    replaced: dict[Value, Value] = {}
    nodes = []
    for i, array in found.items():
        value = region.inputs[i]
        if value in read:
            replaced[value] = Value(names.unique(value.name), value.type)
            nodes.append(_constant(replaced[value], array, owner))
    if not nodes:
        return region
    nodes += [read_from(n, replaced) for n in region.nodes]
    return rebuilt(region, nodes, replaced)


def _computed(
    node: Node, known: Mapping[Value, np.ndarray], log: PassLog
) -> list[np.ndarray] | None:
    """The node's results, or None (and a logged reason where it may surprise)."""
    op: Any = node.op
    if op.name == "shape_of":
        return _shape(node)
    if node.effect or node.regions or op.host_only or op.name.startswith("random_"):
        return None
    if not node.outputs or any(v not in known for v in node.inputs):
        return None
    if attr_symbols(node) or not all(v.type.is_static for v in node.outputs):
        return None
    if reason := _too_large(node):
        log.declined("fold", node, reason)
        return None
    try:
        with np.errstate(all="ignore"):
            found = op.eager(*(known[v] for v in node.inputs), **{**op.attrs, **node.attrs})
    except Exception as error:  # the program must fail as it would have, when it runs
        log.declined("fold", node, f"it raises {type(error).__name__}: {error}")
        return None
    results = found if op.many else (found,)
    return [_exactly(r, v) for r, v in zip(results, node.outputs, strict=True)]


def _shape(node: Node) -> list[np.ndarray] | None:
    type = node.inputs[0].type
    return [np.array(type.shape, node.output.type.dtype.np)] if type.is_static else None


def _exactly(result: Any, value: Value) -> np.ndarray:
    """An array of its own with the inferred dtype (views and scalars come from numpy too)."""
    return np.array(result, value.type.dtype.np, order="C")


def _too_large(node: Node) -> str:
    size = max(int(v.type.size) for v in node.outputs)
    largest = max((int(v.type.size) for v in node.inputs), default=1)
    if size > LIMIT:
        return f"{size} elements are too many for a constant"
    if size > LITERAL and size > largest:
        return f"it grows from {largest} to {size} elements"
    return ""
