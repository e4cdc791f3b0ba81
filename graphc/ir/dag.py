"""A graph as a networkx DiGraph: a view to think with, never the store."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from graphc.ir.graph import Graph, Node

if TYPE_CHECKING:
    import networkx as nx


def digraph(graph: Graph) -> nx.DiGraph:
    """Nodes, with ``kind="data"`` edges (``values``: what flows) and ``kind="order"`` edges.

    Order edges join nodes with effects, which stay in program order.
    """
    import networkx as nx  # lazy: start-up time

    dag = nx.DiGraph(name=graph.name)
    dag.add_nodes_from((node, {"op": node.op.name, "loc": node.loc}) for node in graph.nodes)
    for node in graph.nodes:
        for value in dict.fromkeys(node.inputs):
            source = graph.producer.get(value)
            if source is None:
                continue
            if dag.has_edge(source, node):
                dag[source][node]["values"] += (value,)
            else:
                dag.add_edge(source, node, kind="data", values=(value,))
    for before, after in order_edges(graph):
        if not dag.has_edge(before, after):
            dag.add_edge(before, after, kind="order", values=())
    return dag


def order_edges(graph: Graph) -> Iterator[tuple[Node, Node]]:
    """Neighbours in the chain of nodes with effects."""
    last: Node | None = None
    for node in graph.nodes:
        if node.effect:
            if last is not None:
                yield last, node
            last = node
