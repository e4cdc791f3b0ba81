"""A graph of one row as a graph of many: each value that depends on the row gets a first axis.

It is done op by op, where that is the same computation for each row by the definition of the op.
Everything else is a loop over the rows, in the graph.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import graphc as tf
from graphc.function.graph_function import GraphFunction
from graphc.ir.graph import Graph, Node, Value
from graphc.ops.opdef import Reduce
from graphc.trace.state import located

Env = dict[Value, Any]


def lifted(graph: Graph) -> GraphFunction | None:
    """The function of columns; None if calls of it could be told from calls row by row."""
    if not graph.inputs or graph.state or not _is_pure(graph):
        return None
    specs = [tf.TensorSpec([None, *v.type.shape], v.type.dtype) for v in graph.inputs]
    body = _each if _varying(graph) is None else _lift
    single = GraphFunction(graph)

    def columns(*tensors: Any) -> list[Any]:
        return body(graph, single, tensors)

    tf.autograph.experimental.do_not_convert(columns)
    columns.__name__ = columns.__qualname__ = f"{graph.name} of a block"
    return tf.function(columns).get_concrete_function(*specs).function


def _is_pure(graph: Graph) -> bool:
    nodes = [*_all_nodes(graph)]
    return not any(n.effect or n.op.name == "py_call" for n in nodes)  # type: ignore[attr-defined]


def _all_nodes(graph: Graph) -> Iterator[Node]:
    for node in graph.nodes:
        yield node
        for region in node.regions.values():
            yield from _all_nodes(region)


def _varying(graph: Graph) -> set[Value] | None:
    """The values that depend on the row; None if an op has no rule for one more axis."""
    varying = set(graph.inputs)
    for node in graph.nodes:
        if varying.isdisjoint(node.inputs):
            continue
        if not (_is_reduction(node) or _is_elementwise(node, varying)):
            return None
        varying.update(node.outputs)
    return varying


def _is_reduction(node: Node) -> bool:
    op: Any = node.op
    return isinstance(op.lower, Reduce) and "axis" in node.attrs and len(node.inputs) == 1


def _is_elementwise(node: Node, varying: set[Value]) -> bool:
    """Whether one more axis in front meets no other one: broadcasting counts from the last."""
    op: Any = node.op
    rank = len(node.output.type.shape)
    return op.elementwise and all(len(v.type.shape) == rank for v in node.inputs if v in varying)


def _lift(graph: Graph, single: GraphFunction, columns: Any) -> list[Any]:
    varying = _varying(graph) or set()
    env: Env = dict(zip(graph.inputs, columns, strict=True))
    for node in graph.nodes:
        attrs = dict(node.attrs)
        if _is_reduction(node) and node.inputs[0] in varying:
            attrs["axis"] = tuple(a + 1 for a in attrs["axis"])
        with located(node.loc):
            op: Any = node.op
            found = op(*(env[v] for v in node.inputs), **attrs)
        env.update(zip(node.outputs, found if op.many else (found,), strict=True))
    count = tf.shape(columns[0])[:1]
    return [env[v] if v in varying else _repeated(env[v], count) for v in graph.outputs]


def _repeated(t: Any, count: Any) -> Any:
    return tf.broadcast_to(t, tf.concat([count, tf.shape(t)], 0))


def _each(graph: Graph, single: GraphFunction, columns: Any) -> list[Any]:
    return list(tf.map_fn(lambda row: tuple(single(list(row))), tuple(columns)))
