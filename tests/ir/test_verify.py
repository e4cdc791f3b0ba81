"""Graphs that break a rule are refused, with the message below the node."""

from __future__ import annotations

import networkx as nx
import pytest

from graphc.errors import VerifyError
from graphc.ir.graph import Graph, Node, StateSlot, Value
from graphc.ir.parse import parse
from graphc.ir.types import TensorType
from graphc.ir.verify import verify
from graphc.ops import REGISTRY

GOOD = """\
graph @f(%x: f32[B, 3]) {
  %a: f32[B, 3] = tanh %x
  print {template=(None,)} %a
  %b: f32[B, 3] = add %a, %a
  print {template=(None,)} %b
  %p: b1[] = constant {value=b1(True)}
  %c: f32[B, 3] = if %p, %x, %b {
    then(%x: f32[B, 3], %b: f32[B, 3]) {
      yield %x
    }
    else(%x: f32[B, 3], %b: f32[B, 3]) {
      %n: f32[B, 3] = negative %b
      yield %n
    }
  }
  return %c
}"""


def test_a_good_graph_passes() -> None:
    graph = parse(GOOD, REGISTRY)
    assert verify(graph) is graph


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("%a: f32[B, 3] = tanh", "%a: f32[B, 4] = tanh", "tanh gives f32[B, 3], not f32[B, 4]"),
        ("%n: f32[B, 3] = neg", "%n: f64[B, 3] = neg", "negative gives f32[B, 3], not f64"),
        ("%p: b1[] = constant {value=b1(True)}", "%p: f32[] = constant {value=f32(1.0)}",
         "the condition must be b1[]"),
    ],
)  # fmt: skip
def test_wrong_types_are_shown_below_the_node(before: str, after: str, message: str) -> None:
    with pytest.raises(VerifyError) as caught:
        verify(parse(GOOD.replace(before, after), REGISTRY))
    shown = str(caught.value).splitlines()
    assert message in shown[0]
    (place,) = (i for i, line in enumerate(shown) if line.lstrip().startswith("^"))
    assert message in shown[place]
    assert "=" in shown[place - 1]


def test_order_names_and_closed_regions() -> None:
    graph = parse(GOOD, REGISTRY)
    with pytest.raises(VerifyError, match="%a is not defined before"):
        verify(graph.replace(nodes=graph.nodes[1:]))
    with pytest.raises(VerifyError, match="hands out %c"):
        verify(graph.replace(nodes=graph.nodes[:-1]))
    branch = graph.nodes[-1]
    open_region = branch.regions["then"].replace(outputs=(graph.nodes[0].output,))
    bad = Node(branch.op, branch.inputs, branch.outputs, branch.attrs,
               {**branch.regions, "then": open_region})  # fmt: skip
    with pytest.raises(VerifyError, match="hands out %a"):
        verify(graph.replace(nodes=(*graph.nodes[:-1], bad)))
    twin = Value("x", graph.inputs[0].type)
    with pytest.raises(VerifyError, match="two values %x"):
        verify(graph.replace(inputs=(*graph.inputs, twin)))


def test_updates_have_the_type_of_the_state() -> None:
    w = Value("w", TensorType(REGISTRY["iota"].attrs["dtype"], (2,)))
    x = Value("x", w.type.with_shape((3,)))
    with pytest.raises(VerifyError, match="its update"):
        verify(Graph("f", (x,), (), (), (StateSlot(w, x),)))


def test_the_view_has_data_and_order_edges() -> None:
    graph = parse(GOOD, REGISTRY)
    dag = graph.digraph()
    assert nx.is_directed_acyclic_graph(dag)
    kinds = {(a.op.name, b.op.name): d["kind"] for a, b, d in dag.edges(data=True)}
    assert kinds["tanh", "add"] == "data"
    assert kinds["print", "print"] == "order"
    assert len(dag) == len(graph.nodes)
