"""A graph that can be called on tensors: eagerly, inside another trace, and under a tape."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from graphc.passes.base import Step, default_pipeline
from graphc.runtime.executable import Executable

from graphc.function.differentiate import Derivative, differentiate
from graphc.ir.graph import Graph
from graphc.ir.substitute import own_symbols, substitute
from graphc.ops import control
from graphc.trace.dispatch import quiet
from graphc.trace.state import current
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
        self._derivatives: dict[tuple[bool, ...], Derivative] = {}

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
        graph = substitute(self.graph, fresh)
        keys = list(tensors) + [slot.key for slot in self.slots]
        state = [_read_in_trace(tracer, slot.key) for slot in self.slots]
        body = Graph(graph.name, graph.parameters, graph.nodes, graph.results)
        results = tracer.call(
            control.call, [*tensors, *state], keys, {"name": graph.name}, {"body": body},
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
        keys = [*inputs, *(slot.key for slot in self.slots)]
        for tape in current.tapes:
            for slot in self.slots:
                if isinstance(slot.key, Variable):
                    tape.notice(slot.key)
        wanted = tuple(
            k.dtype.is_differentiable and any(t.depends_on(k) for t in current.tapes) for k in keys
        )
        if not any(wanted):
            return [EagerTensor(a) for a in self.run([t._array for t in inputs])]  # type: ignore
        return self._derivative(wanted).call(inputs, keys)

    def _derivative(self, wanted: tuple[bool, ...]) -> Recorded:
        made = self._derivatives.get(wanted)
        if made is None:
            made = self._derivatives[wanted] = Recorded(differentiate(self.graph, wanted))
        return made  # type: ignore[return-value]


class Recorded:
    """A function as two graphs: forward, which also hands out what the backward one needs."""

    def __init__(self, derivative: Derivative) -> None:
        self.parts = derivative
        self.forward = GraphFunction(derivative.forward)
        self.backward = GraphFunction(derivative.backward)

    def call(self, inputs: list[Tensor], keys: list[Any]) -> list[Tensor]:
        """Run forward and let the tapes note the call as a whole."""
        results = [EagerTensor(a) for a in self.forward.run([t._array for t in inputs])]  # type:
        ignore count = self.parts.outputs outputs, saved = results[:count], results[count:]

        def rule(c: Any, *grads: Any) -> list[Any]:
            seeds = [
                _zeros(outputs[i]) if grads[i] is None else grads[i] for i in self.parts.seeded
            ]
            found = iter(self.backward([*saved, *seeds]))
            return [next(found) if has else None for has in self.parts.connected]

        operands = [*inputs, *(_value(k) for k in keys[len(inputs) :])]
        for tape in current.tapes:
            if tape.tracer is None and not tape.paused:
                tape.note(None, operands, keys, outputs, {}, None, rule)
        return list(outputs)


def _value(key: Any) -> Tensor:
    return EagerTensor(key._array) if isinstance(key, Variable) else key


def _zeros(t: Tensor) -> Tensor:
    with quiet():
        return EagerTensor(np.zeros_like(t._array))  # type: ignore[attr-defined]


def _array(t: Any) -> np.ndarray:
    return t._array if isinstance(t, EagerTensor) else np.asarray(t)


def _read_in_trace(tracer: Any, key: Any) -> Tensor:
    return tracer.read(key) if isinstance(key, Variable) else tracer.lift(key)
