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
from graphc.trace.dispatch import quiet, record
from graphc.trace.state import current
from graphc.trace.tape import GradientTape
from graphc.trace.tensor import EagerTensor, Tensor
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
        """Run on tensors (or arrays, when eager); Variables are read and updated."""
        if current.tracer is not None:
            return self._call_traced(tensors)
        if current.tapes:
            return self._call_recorded(tensors)
        arrays = [t._array if type(t) is EagerTensor else _array(t) for t in tensors]
        return [EagerTensor(a) for a in self.run(arrays)]

    def run(self, arrays: list[np.ndarray]) -> list[np.ndarray]:
        """The native call: arrays in, arrays out, state updated in place."""
        if not self._stateful:
            return self.executable.run(arrays, [])
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
        inputs = [t if isinstance(t, Tensor) else EagerTensor(np.asarray(t)) for t in tensors]
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
    def pure(self) -> GraphFunction:
        """The forward graph with state as arguments and without updates, to differentiate again."""
        graph = self.parts.forward
        return GraphFunction(graph.replace(inputs=graph.parameters, state=()))

    def call(self, operands: list[Tensor], inputs: int) -> list[Tensor]:
        """Run forward and let the tapes note the call as a whole.

        The saved values count as results: higher orders differentiate by them.
        """
        found = self.forward.run([_array(t) for t in operands[:inputs]])
        results = [EagerTensor(a) for a in found]
        count = self.parts.outputs
        saved = results[count:]

        def rule(c: Any, *grads: Any) -> list[Any]:
            if any(g is not None for g in grads[count:]):
                return self._higher(operands, grads)
            seeds = [
                _zeros(results[i]) if grads[i] is None else grads[i] for i in self.parts.seeded
            ]
            each = iter(self.backward([*saved, *seeds]))
            return [next(each) if has else None for has in self.parts.connected]

        record(None, operands, results, {}, None, rule)
        return list(results[:count])

    def _higher(self, operands: list[Tensor], grads: Sequence[Any]) -> list[Any]:
        """Gradients by results and saved values: the pure forward graph is differentiated."""
        smooth = [t for t in operands if t.dtype.is_differentiable]
        with GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(smooth)
            results = self.pure(operands)
        pairs = [(r, g) for r, g in zip(results, grads, strict=True) if g is not None]
        found = iter(tape.gradient([r for r, _ in pairs], smooth, [g for _, g in pairs]))
        return [next(found) if t.dtype.is_differentiable else None for t in operands]


def _zeros(t: Tensor) -> Tensor:
    with quiet():
        return EagerTensor(np.zeros_like(t._array))  # type: ignore[attr-defined]


def _array(t: Any) -> np.ndarray:
    return t._array if isinstance(t, EagerTensor) else np.asarray(t)


def _read(key: Any) -> Tensor:
    """The value of a piece of state: a Variable's now, or a captured tensor."""
    return key.read() if isinstance(key, Variable) else key
