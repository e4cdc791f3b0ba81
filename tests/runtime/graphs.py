"""Graphs for the tests of the runtime, written as calls: ``g.add(x, y)``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from graphc.ir import dtypes
from graphc.ir.graph import Graph, GraphBuilder, Loc, StateSlot, Value
from graphc.ir.types import TensorType
from graphc.ops import REGISTRY, control
from graphc.passes.fuse import fuse
from graphc.runtime.executable import Executable
from graphc.runtime.interpreter import evaluate


class Build(GraphBuilder):
    """A builder with a method for each op; each call stands on a line of its own of ``user.py``."""

    def __init__(self, name: str = "g") -> None:
        super().__init__(name)
        self.line = 0
        self.state: list[tuple[Value, Value | None]] = []

    def input(self, *shape: Any, dtype: Any = "float32", name: str = "x") -> Value:
        return self.parameter(TensorType(dtypes.as_dtype(dtype), shape), name)

    def variable(self, *shape: Any, dtype: Any = "float32", name: str = "w") -> Value:
        value = self.input(*shape, dtype=dtype, name=name)
        self.state.append((value, None))
        return value

    def assign(self, variable: Value, update: Value) -> None:
        self.state = [(v, update if v is variable else u) for v, u in self.state]

    def constant(self, value: Any, dtype: Any = "float32") -> Value:
        array = np.asarray(value, dtypes.as_dtype(dtype).np)
        return self.emit(control.constant, (), {"value": array})[0]

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("__"):
            raise AttributeError(name)
        op = REGISTRY[name]

        def call(*values: Value, **attrs: Any) -> Any:
            self.line += 1
            found = self.emit(op, values, {**op.attrs, **attrs}, loc=Loc("user.py", self.line))
            return found if op.many else found[0]

        return call

    def done(self, *outputs: Value) -> Graph:
        held = {v for v, _ in self.state}
        self.inputs = [v for v in self.inputs if v not in held]
        return self.finish(outputs, [StateSlot(v, u, v.name) for v, u in self.state])


def region(name: str, types: Sequence[TensorType], body: Callable[..., Sequence[Value]]) -> Graph:
    """A region whose body is a function of its builder and parameters."""
    inner = Build(name)
    params = [inner.parameter(t, "p") for t in types]
    return inner.finish(body(inner, *params))


def run_both(
    graph: Graph, arrays: Sequence[np.ndarray], state: Sequence[np.ndarray] = ()
) -> tuple[list[np.ndarray], list[np.ndarray], Executable]:
    """Results of the interpreter and of the compiled program (outputs, then state updates)."""
    expected = evaluate(graph, [*arrays, *state])
    executable = Executable(fuse(graph))
    held = [np.array(s) for s in state]
    outputs = executable.run(list(arrays), held)
    updated = [s for s, slot in zip(held, graph.state, strict=True) if slot.update is not None]
    return expected, [*outputs, *updated], executable


def check(
    graph: Graph, arrays: Sequence[np.ndarray], state: Sequence[np.ndarray] = (), tol: float = 1e-5
) -> Executable:
    """Assert that compiled and interpreted results are equal; returns the executable."""
    expected, found, executable = run_both(graph, arrays, state)
    assert len(expected) == len(found)
    for want, got in zip(expected, found, strict=True):
        assert got.dtype == want.dtype and got.shape == want.shape
        np.testing.assert_allclose(got, want, rtol=tol, atol=tol)
    return executable
