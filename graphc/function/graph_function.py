"""A graph that can be called on tensors: eagerly, inside another trace, and under a tape."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from graphc.function.differentiate import Derivative, differentiate
from graphc.ir.graph import Graph
from graphc.ir.substitute import own_symbols, sizes_of, substitute
from graphc.ops import control
from graphc.passes.base import Step, default_pipeline
from graphc.runtime.executable import Executable
from graphc.trace.dispatch import escaped, quiet, record
from graphc.trace.state import current
from graphc.trace.tensor import EagerTensor, SymbolicTensor, Tensor
from graphc.trace.variable import STATE_LOCK, Storage, Variable


class GraphFunction:
    """A traced graph with its optimised form and its executable, each made when first needed.

    ``graph.state`` keys are the Variables and captured tensors themselves.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.slots = graph.state
        self._updated = [slot.update is not None for slot in graph.state]
        self._stateful = bool(graph.state)
        self._version = -1
        self._arrays: list[np.ndarray] = []
        self._derivatives: dict[tuple[bool, ...], Recorded] = {}

    # --- stages ---

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """What each pass did."""
        return default_pipeline().run(self.graph)

    @property
    def optimized(self) -> Graph:
        return self.steps[-1].after if self.steps else self.graph

    @cached_property
    def executable(self) -> Executable:
        return Executable(self.optimized)

    # --- calls ---

    def __call__(self, tensors: Sequence[Any]) -> list[Tensor]:
        """Run on tensors; Variables are read and updated."""
        if current.busy:
            traced = current.tracer is not None
            return self._call_traced(tensors) if traced else self._call_recorded(tensors)
        try:
            arrays = [t._array for t in tensors]
        except AttributeError:
            raise _refused(tensors) from None
        return [EagerTensor(a) for a in self.run(arrays)]

    def run(self, arrays: list[np.ndarray]) -> list[np.ndarray]:
        """The native call: arrays in, arrays out, state updated in place."""
        if not self._stateful:
            return self.executable.run(arrays, [])
        if current.written is not None:
            for slot, updated in zip(self.slots, self._updated, strict=True):
                if updated:
                    slot.key.note_write()
        with STATE_LOCK:
            return self.executable.run(arrays, self._state())

    def _state(self) -> list[np.ndarray]:
        """The buffers of the state, free to be written where the graph writes them."""
        if self._version != Storage.version:
            for slot, updated in zip(self.slots, self._updated, strict=True):
                if updated:
                    slot.key.own()
            self._arrays = [slot.key._array for slot in self.slots]
            self._version = Storage.version
        return self._arrays

    def _call_traced(self, tensors: Sequence[Any]) -> list[Tensor]:
        """A `call` node; Variables become operands and results."""
        tracer = current.tracer
        assert tracer is not None
        fresh = {
            name: tracer.fresh_symbol(name.rstrip("0123456789")) for name in own_symbols(self.graph)
        }
        state = [_read(slot.key) for slot in self.slots]
        # Sizes are the caller's: two calls with other sizes must not share the callee's names.
        given = (t.dims for t in (*tensors, *state))
        graph = substitute(self.graph, fresh | sizes_of(self.graph.parameters, given))
        body = Graph(graph.name, graph.parameters, graph.nodes, graph.results)
        results = tracer.call(
            control.call, [*tensors, *state], {"name": graph.name}, {"body": body},
            [v.name for v in graph.results],
        )  # fmt: skip
        count = len(graph.outputs)
        written = [slot.key for slot in self.slots if slot.update is not None]
        for variable, value in zip(written, results[count:], strict=True):
            tracer.write(variable, value)
        return list(results[:count])

    # --- under a tape ---

    def _call_recorded(self, tensors: Sequence[Any]) -> list[Tensor]:
        inputs = list(tensors)
        operands = [*inputs, *(_read(slot.key) for slot in self.slots)]
        wanted = tuple(
            x.dtype.is_differentiable and any(t.depends_on(x) for t in current.tapes)
            for x in operands
        )
        if not any(wanted):
            return [EagerTensor(a) for a in self.run([_array(t) for t in inputs])]
        made = self._derivatives.get(wanted)
        if made is None:
            made = self._derivatives[wanted] = Recorded(differentiate(self.graph, wanted))
        return made.call(operands, len(inputs))


class Recorded:
    """A function as two graphs: forward, which also hands out what the backward one needs."""

    def __init__(self, derivative: Derivative) -> None:
        self.parts = derivative
        self.forward = GraphFunction(derivative.forward)
        self.backward = GraphFunction(derivative.backward)

    @cached_property
    def whole(self) -> GraphFunction:
        """The gradients from operands and seeds as they were traced, to differentiate again."""
        return GraphFunction(self.parts.whole)

    def call(self, operands: list[Tensor], inputs: int) -> list[Tensor]:
        """Run forward and let the tapes note the call as a whole."""
        found = self.forward.run([_array(t) for t in operands[:inputs]])
        results = [EagerTensor(a) for a in found]
        count = self.parts.outputs
        results, saved = results[:count], results[count:]

        def rule(c: Any, *grads: Any) -> list[Any]:
            seeds = [
                _zeros(results[i]) if grads[i] is None else grads[i] for i in self.parts.seeded
            ]
            if current.busy:
                each = iter(self.whole([*operands, *seeds]))
            else:
                each = iter(self.backward([*saved, *seeds]))
            return [next(each) if has else None for has in self.parts.connected]

        record(None, operands, results, {}, None, rule)
        return results


def _refused(tensors: Sequence[Any]) -> Exception:
    """The error for what cannot be an argument now: a tensor of a trace that is over, or a spec."""
    for t in tensors:
        if isinstance(t, SymbolicTensor):
            return escaped(t)
    odd = next(t for t in tensors if not isinstance(t, EagerTensor))
    return TypeError(f"a function cannot run on {odd!r}: use get_concrete_function")


def _zeros(t: Tensor) -> Tensor:
    with quiet():
        return EagerTensor(np.zeros_like(t._array))  # type: ignore[attr-defined]


def _array(t: Any) -> np.ndarray:
    return t._array if isinstance(t, EagerTensor) else np.asarray(t)


def _read(key: Any) -> Tensor:
    """The value of a piece of state: a Variable's now, or a captured tensor."""
    return key.read() if isinstance(key, Variable) else key
