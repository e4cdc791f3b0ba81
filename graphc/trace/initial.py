"""Values of a trace that are wanted at once: initial values of Variables made while tracing."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.errors import InvalidArgumentError
from graphc.ir.graph import Node, Value
from graphc.trace.dispatch import quiet
from graphc.trace.tensor import SymbolicTensor


def value_now(t: SymbolicTensor) -> np.ndarray:
    """Compute a symbolic tensor from constants and the Variables of the moment.

    Raises ``InvalidArgumentError`` if it depends on an argument of the function.
    """
    tracer = t.tracer
    state = {h.entry.value: tracer.root.objects[k] for k, h in tracer.variables.items()}
    held: dict[Value, Any] = {}
    todo = [t.value]
    while todo:
        value = todo[-1]
        node = tracer.producers.get(value)
        if value in held:
            todo.pop()
        elif value in state:
            held[value] = np.array(state[value]._array)
        elif node is None or node.regions or node.effect:
            raise InvalidArgumentError(
                "a Variable created inside a @function needs an initial value that does not depend"
                f" on the function's arguments (%{value.name} does)"
            )
        else:
            missing = [v for v in node.inputs if v not in held]
            todo.extend(missing)
            if not missing:
                held.update(zip(node.outputs, _run(node, held), strict=True))
    return held[t.value]


def _run(node: Node, held: dict[Value, Any]) -> list[np.ndarray]:
    op: Any = node.op
    with quiet():
        results = op.eager(*(held[v] for v in node.inputs), **node.attrs)
    return [np.asarray(r) for r in (results if op.many else (results,))]
