"""Running the nodes of a finished graph again, into the trace (or the eager code) of the moment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.ir.graph import Graph, Value
from graphc.ops import control
from graphc.trace.state import current, located
from graphc.trace.tensor import Tensor


def replay(graph: Graph, arguments: Sequence[Tensor], effects: bool = False) -> list[Tensor]:
    """Call each op of ``graph`` on ``arguments`` (inputs, then state); returns ``graph.results``.

    Nodes without results (print, assert) are left out unless ``effects``: a gradient that
    recomputes a region must not print again.
    """
    tracer = current.tracer
    assert tracer is not None
    held: dict[Value, Tensor] = dict(zip(graph.parameters, arguments, strict=True))
    for node in graph.nodes:
        if not node.outputs and not effects and node.op is not control.guard:
            continue
        inputs = [held[v] for v in node.inputs]
        names = [v.name for v in node.outputs]
        with located(node.loc):
            if node.op is control.guard:
                tracer.guard(node.attrs["a"], node.attrs["b"], node.loc)
                continue
            op: Any = node.op
            outputs = tracer.call(op, inputs, node.attrs, node.regions, names)
        held.update(zip(node.outputs, outputs if op.many else (outputs,), strict=True))
    return [held[v] for v in graph.results]
