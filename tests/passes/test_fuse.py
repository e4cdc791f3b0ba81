"""Fusion: what becomes one kernel, what does not and why, and that the meaning stays."""

from __future__ import annotations

import networkx as nx
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from graphc.ir import dims
from graphc.ir.graph import Graph
from graphc.passes.base import PassLog
from graphc.passes.fuse import fuse
from graphc.runtime.interpreter import evaluate
from tests.runtime.graphs import Build
from tests.runtime.programs import random_inputs, random_program

B = dims.symbol("B")


def kernels(graph: Graph) -> list[list[str]]:
    """Names of the ops in each `fused` node."""
    return [
        [n.op.name for n in node.regions["body"].nodes if n.op.name != "constant"]
        for node in fuse(graph).nodes
        if node.op.name == "fused"
    ]


def test_softmax_is_one_kernel() -> None:
    g = Build()
    x = g.input(B, 10)
    e = g.exp(g.subtract(x, g.reduce_max(x, axis=(1,), keepdims=True)))
    graph = g.done(g.divide(e, g.reduce_sum(e, axis=(1,), keepdims=True)))
    assert kernels(graph) == [["reduce_max", "subtract", "exp", "reduce_sum", "divide"]]


def test_bias_activation_and_a_column_sum_of_the_result_are_one_kernel() -> None:
    g = Build()
    x, b = g.input(B, 10), g.input(10, name="b")
    h = g.relu(g.add(x, b))
    assert len(kernels(g.done(h, g.reduce_sum(h, axis=(0,))))) == 1


def test_a_column_mean_is_not_used_in_the_kernel_that_computes_it() -> None:
    g = Build()
    x = g.input(B, 10)
    log = PassLog()
    graph = g.done(g.subtract(x, g.reduce_mean(x, axis=(0,), keepdims=True)))
    assert len([n for n in fuse(graph, log).nodes if n.op.name == "fused"]) == 2
    assert any("must see all rows" in d.reason for d in log.refusals)


def test_an_expensive_op_is_not_repeated_for_each_row() -> None:
    g = Build()
    x, b = g.input(B, 10), g.input(10, name="b")
    log = PassLog()
    fuse(g.done(g.multiply(x, g.exp(b))), log)
    assert any("would repeat exp" in d.reason for d in log.refusals)


def test_products_split_clusters_and_no_circle_arises() -> None:
    g = Build()
    x = g.input(4, 4)
    h = g.tanh(x)
    m = g.matmul(h, h)
    graph = g.done(g.add(g.multiply(h, h), m))
    fused = fuse(graph)
    assert [n.op.name for n in fused.nodes] == ["fused", "matmul", "fused"]


def test_views_are_read_in_place_and_copied_only_for_others() -> None:
    g = Build()
    x = g.input(4, 5)
    t = g.transpose(x, perm=(1, 0))
    assert kernels(g.done(g.add(t, t))) == [["transpose", "add"]]
    g = Build()
    x = g.input(4, 5)
    assert kernels(g.done(g.matmul(x, g.transpose(g.negative(x), perm=(1, 0)))))[-1] == [
        "negative", "transpose",
    ]  # fmt: skip


def test_a_value_read_by_row_and_by_column_is_computed_first() -> None:
    g = Build()
    y = g.tanh(g.input(B))
    graph = g.done(g.subtract(g.reshape(y, shape=(B, 1)), g.reshape(y, shape=(1, B))))
    assert kernels(graph)[0] == ["tanh"]


def test_results_keep_their_names_and_fused_graphs_stay_closed() -> None:
    g = Build()
    x = g.input(3)
    graph = fuse(g.done(g.add(g.tanh(x), x)))
    (node,) = graph.nodes
    assert graph.outputs == node.outputs
    assert [v.name for v in node.regions["body"].inputs] == [v.name for v in node.inputs]


def is_acyclic(graph: Graph) -> bool:
    dag = nx.DiGraph()
    for node in graph.nodes:
        dag.add_edges_from((graph.producer[v], node) for v in node.inputs if v in graph.producer)
    return nx.is_directed_acyclic_graph(dag)


@given(st.integers(0, 10**9))
def test_fused_programs_mean_the_same(seed: int) -> None:
    graph = random_program(seed)
    fused = fuse(graph)
    assert is_acyclic(fused)
    arrays = random_inputs(graph, seed)
    for want, got in zip(evaluate(graph, arrays), evaluate(fused, arrays), strict=True):
        np.testing.assert_array_equal(got, want)
