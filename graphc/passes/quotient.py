"""The graph of clusters: a networkx DiGraph that every merge leaves acyclic.

A merge is legal if no path between the two leads through a third.  Each cluster has a rank in a
topological order, so that a search for such a path stays between two ranks; a merge moves only what
it has to between them (Pearce and Kelly, "A dynamic topological sort algorithm for directed acyclic
graphs", 2006).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import networkx as nx


class Quotient:
    """Clusters by number, and which reads which; ``rank`` orders them."""

    def __init__(self, clusters: Iterable[int], edges: Iterable[tuple[int, int]]) -> None:
        """Start with clusters in an order in which all edges lead forward."""
        import networkx as nx  # lazy: start-up time

        self.dag: nx.DiGraph = nx.DiGraph()
        self.dag.add_nodes_from(clusters)
        self.dag.add_edges_from(edges)
        self.rank = {cluster: i for i, cluster in enumerate(self.dag)}

    def between(self, i: int, j: int) -> int | None:
        """A third cluster on a path from one to the other; None if a merge makes no circle."""
        first, last = self._in_order(i, j)
        both = zip(self._after(first, last), self._before(last, first), strict=False)
        for ahead, behind in both:  # the smaller of the two searches decides
            if self.dag.has_edge(ahead, last):
                return ahead
            if self.dag.has_edge(first, behind):
                return behind
        return None

    def merge(self, i: int, j: int) -> None:
        """Make cluster ``i`` part of ``j``; there must be nothing between them."""
        first, last = self._in_order(i, j)
        after = sorted(self._after(first, last), key=self.rank.__getitem__)
        before = sorted(self._before(last, first), key=self.rank.__getitem__)
        moved = (*before, i, j, *after)
        ranks = sorted(self.rank[k] for k in moved)
        self.rank.update(zip(moved, ranks, strict=True))
        del self.rank[i]
        self.dag.add_edges_from((k, j) for k in list(self.dag.predecessors(i)) if k != j)
        self.dag.add_edges_from((j, k) for k in list(self.dag.successors(i)) if k != j)
        self.dag.remove_node(i)

    def _in_order(self, i: int, j: int) -> tuple[int, int]:
        return (i, j) if self.rank[i] < self.rank[j] else (j, i)

    def _after(self, first: int, last: int) -> Iterator[int]:
        return self._reached(first, self.dag.succ, self.rank[first], self.rank[last])

    def _before(self, last: int, first: int) -> Iterator[int]:
        return self._reached(last, self.dag.pred, self.rank[first], self.rank[last])

    def _reached(self, start: int, edges: Mapping[int, Any], low: int, high: int) -> Iterator[int]:
        """The clusters that edges lead to from ``start``, of ranks between two others."""
        seen: set[int] = set()
        todo = [start]
        while todo:
            for k in edges[todo.pop()]:
                if k not in seen and low < self.rank[k] < high:
                    seen.add(k)
                    todo.append(k)
                    yield k
