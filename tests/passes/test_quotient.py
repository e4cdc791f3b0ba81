"""The graph of clusters: which merges make a circle, and that none is ever made."""

from __future__ import annotations

import networkx as nx
from hypothesis import given
from hypothesis import strategies as st

from graphc.passes.quotient import Quotient

SIZE = 12
edges = st.sets(st.tuples(st.integers(0, SIZE - 1), st.integers(0, SIZE - 1)), max_size=30).map(
    lambda pairs: sorted((min(p), max(p)) for p in pairs if p[0] != p[1])
)
merges = st.lists(st.tuples(st.integers(0, SIZE - 1), st.integers(0, SIZE - 1)), max_size=20)


def would_be_a_circle(dag: nx.DiGraph, i: int, j: int) -> bool:
    contracted = nx.contracted_nodes(dag, j, i, self_loops=False)
    return not nx.is_directed_acyclic_graph(contracted)


@given(edges, merges)
def test_a_merge_is_refused_exactly_where_it_would_make_a_circle(
    edges: list[tuple[int, int]], merges: list[tuple[int, int]]
) -> None:
    quotient = Quotient(range(SIZE), edges)
    for i, j in merges:
        if i == j or i not in quotient.dag or j not in quotient.dag:
            continue
        between = quotient.between(i, j)
        assert (between is not None) == would_be_a_circle(quotient.dag, i, j)
        if between is None:
            quotient.merge(i, j)
            assert i not in quotient.dag
        else:
            path = nx.descendants(quotient.dag, between) | nx.ancestors(quotient.dag, between)
            assert {i, j} <= path
    assert all(quotient.rank[a] < quotient.rank[b] for a, b in quotient.dag.edges)
    assert len(set(quotient.rank.values())) == len(quotient.dag)


def test_a_search_stays_between_two_ranks() -> None:
    quotient = Quotient(range(1000), [(i, i + 1) for i in range(999)])
    looked_at: list[int] = []
    reached = quotient._reached

    def counted(*args):  # type: ignore[no-untyped-def]
        for found in reached(*args):
            looked_at.append(found)
            yield found

    quotient._reached = counted  # type: ignore[method-assign]
    for i in range(998, 0, -1):
        assert quotient.between(i, i - 1) is None
        quotient.merge(i, i - 1)
    assert len(looked_at) == 0
