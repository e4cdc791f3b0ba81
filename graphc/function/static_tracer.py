"""Graphs of tf.compat.v1: built by calls, run in parts by sessions.

The same recording as a function's, with three differences: a Variable is read as it is before the
run, an assignment is a node that runs only if something asks for it, and nodes may wait for others.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphc.errors import FailedPreconditionError
from graphc.ir import dtypes
from graphc.ir.graph import Node, Value
from graphc.ops import ops
from graphc.trace import nest
from graphc.trace.dispatch import convert_to_tensor
from graphc.trace.shape import TensorShape
from graphc.trace.state import current, recording, tracing
from graphc.trace.tensor import SymbolicTensor
from graphc.trace.tracer import Tracer
from graphc.trace.variable import Variable


class Operation:
    """What a session can run for its effect only: its ``needs`` are values of the graph."""

    def __init__(self, name: str, graph: Any, needs: tuple[Value, ...], type: str = "NoOp") -> None:
        self.name, self.graph, self.needs, self.type = name, graph, needs, type

    def run(self, feed_dict: Any = None, session: Any = None) -> None:
        """Run it in a session, by default the one that is entered."""
        (session or self.graph.session()).run(self, feed_dict)

    def __repr__(self) -> str:
        return f"<tf.Operation '{self.name}' type={self.type}>"


@dataclass(frozen=True)
class Update:
    """When its value is computed, a session stores it in the Variable."""

    variable: Variable
    value: Value


class StaticVariable(Variable):
    """A Variable of a static graph: a name and a type here, a value in each session."""

    def __init__(self, initial_value: Any = None, trainable: Any = None, **kwargs: Any) -> None:
        tracer: StaticTracer = current.tracer.root  # type: ignore[assignment,union-attr]
        value = initial_value() if callable(initial_value) else initial_value
        if value is None:
            raise ValueError("a Variable needs an initial value")
        collections = kwargs.pop("collections", None)
        kwargs.pop("use_resource", None)
        want = kwargs.pop("dtype", None)
        made = convert_to_tensor(value, None if want is None else dtypes.as_dtype(want))
        initial = tracer.lift(made)
        if not all(isinstance(d, int) for d in initial.dims):
            raise ValueError(f"initial_value must have a shape specified: {initial!r}")
        stand_in = np.broadcast_to(np.zeros((), initial.dtype.np), initial.dims)
        super().__init__(stand_in, trainable, **kwargs)
        self._name = tracer.unique_name(self._name)
        self.graph = tracer.graph
        self.initial_value = initial
        tracer.declare(self, initial, collections)

    @property
    def op(self) -> Operation:
        return Operation(self._name, self.graph, (), "VarHandleOp")

    def numpy(self) -> Any:
        raise NotImplementedError("numpy() is only available when eager execution is enabled.")

    def _store(self, array: np.ndarray) -> None:
        raise RuntimeError(
            f"variable {self.name} belongs to a graph: assign it while that is built"
        )

    def read(self) -> Any:
        tracer = current.tracer
        if tracer is None or tracer.root is not self.graph.tracer:
            raise ValueError(f"variable {self.name} belongs to another graph than the one in use")
        return super().read()

    def initialized_value(self) -> Any:
        return self.initial_value

    def eval(self, session: Any = None) -> Any:
        """The value in a session, by default the one that is entered."""
        return (session or self.graph.session()).run(self)

    def load(self, value: Any, session: Any = None) -> None:
        """Set the value in a session."""
        held = (session or self.graph.session()).values
        held[self.key] = convert_array(value, self)

    def __repr__(self) -> str:
        return f"<tf.Variable '{self.name}' shape={self.shape} dtype={self.dtype.name}>"


def convert_array(value: Any, like: Any) -> np.ndarray:
    """What a session is fed: an array of a tensor's dtype and a shape that fits."""
    if isinstance(value, SymbolicTensor):
        raise TypeError(
            "The value of a feed cannot be a tf.Tensor object. Acceptable feed values include"
            " Python scalars, strings, lists, numpy ndarrays, or TensorHandles."
        )
    with tracing(None), recording(()):
        held = convert_to_tensor(value, dtype_hint=like.dtype)
        array = np.asarray(held._array)  # type: ignore[attr-defined]
    if held.dtype is not like.dtype:
        array = array.astype(like.dtype.np)  # TF: feeds are cast as numpy casts
    if not like.shape.is_compatible_with(TensorShape(array.shape)):
        raise ValueError(
            f"Cannot feed value of shape {array.shape} for Tensor {like.name},"
            f" which has shape {like.shape}"
        )
    return np.ascontiguousarray(array).reshape(array.shape)


class StaticTracer(Tracer):
    """The recording of a static graph; it is never finished."""

    static = True
    variable_class = StaticVariable

    def __init__(self, graph: Any) -> None:
        super().__init__("graph")
        self.graph = graph
        self.updates: dict[Value, Update] = {}
        self.after_value: dict[Value, tuple[Value, ...]] = {}  # what must run before a value
        self.initial: dict[Any, tuple[Variable, Operation]] = {}
        self._before: tuple[Any, ...] = ()
        self._names: dict[str, Iterator[int]] = {}

    def unique_name(self, name: str) -> str:
        """``name``, or ``name_1``, ``name_2``... if it is taken."""
        count = next(self._names.setdefault(name, itertools.count()))
        return f"{name}_{count}" if count else name

    # --- waiting ---

    @contextmanager
    def after(self, inputs: Sequence[Any] | None) -> Iterator[None]:
        """What is made inside runs after ``inputs``; None takes all such orders back."""
        before = self._before
        found = () if inputs is None else (*before, *values_of(inputs, self))
        self._before = tuple(dict.fromkeys(found))
        try:
            yield
        finally:
            self._before = before

    def emit(self, op: Any, inputs: Any, *args: Any, **more: Any) -> tuple[Value, ...]:
        values = super().emit(op, inputs, *args, **more)
        if self._before:
            self.after_value.update(dict.fromkeys(values, self._before))
        return values

    def operation(self, inputs: Iterable[Any], name: str, type: str = "NoOp") -> Operation:
        """An operation that runs tensors, Variables and operations."""
        needs = (*values_of(inputs, self), *self._before)
        return Operation(self.unique_name(current.scope + name), self.graph, needs, type)

    # --- Variables ---

    def declare(self, variable: StaticVariable, initial: Any, collections: Any) -> None:
        """A Variable was made: its initializer, and the collections that hold it."""
        marked = ops.identity(initial).value
        self.updates[marked] = Update(variable, marked)
        name = f"{variable.name.removesuffix(':0')}/Assign"
        variable.initializer = Operation(name, self.graph, (marked,), "AssignVariableOp")
        names = list(collections or ["variables"])
        if variable.trainable and "trainable_variables" not in names:
            names.append("trainable_variables")
        for each in names:
            self.graph.add_to_collection(each, variable)

    def note_created(self, variable: Any) -> None:
        """Static graphs may always have more Variables."""

    def read(self, variable: Any) -> SymbolicTensor:
        """The value before the run, or after the assignments that it waits for.

        Eager Variables, like the state of random numbers, change from call to call.
        """
        if not isinstance(variable, StaticVariable):
            return super().read(variable)
        held = self._held(variable)
        for value in reversed(self._closure()):
            update = self.updates.get(value)
            if update is not None and update.variable is variable:
                return SymbolicTensor(value, self)
        return held.entry

    def _closure(self) -> list[Value]:
        """All values that what is made now waits for."""
        found = dict.fromkeys(self._before)
        for value in found.copy():
            found.update(dict.fromkeys(self.after_value.get(value, ())))
        return list(found)

    def write(self, variable: Any, value: SymbolicTensor) -> Any:
        """An assignment: the tensor of the new value, which stores it when it is run."""
        if not isinstance(variable, StaticVariable):
            return super().write(variable, value)
        self._held(variable)
        marked = ops.identity(value)
        self.updates[marked.value] = Update(variable, marked.value)
        node = self.producers.get(value.value)
        if node is not None and node.regions:  # assigned in a branch or a loop: runs with it
            for out in node.outputs:
                self.after_value[out] = (*self.after_value.get(out, ()), marked.value)
        return marked

    def eager_updates(self, needed: set[Value]) -> list[Update]:
        """What eager Variables that are read become by the whole graph."""
        return [
            Update(self.objects[key], h.now.value)
            for key, h in self.variables.items()
            if h.written and h.entry.value in needed
        ]

    def variable_of(self, value: Value) -> Any:
        """The Variable that comes in as a value; None if it is none."""
        return next(
            (self.objects[key] for key, h in self.variables.items() if h.entry.value is value), None
        )

    def captured(self, value: Value) -> Any:
        """The eager tensor that comes in as a value; None if it is none."""
        return next((t for t, inner in self.captures.values() if inner.value is value), None)


def values_of(items: Any, tracer: StaticTracer) -> tuple[Value, ...]:
    """What running tensors, Variables and operations needs."""
    found: list[Value] = []
    for item in nest.flatten(list(items)):
        if item is None:
            continue
        if isinstance(item, Operation):
            found.extend(item.needs)
        elif isinstance(item, StaticVariable):
            found.append(tracer.entry_of(item).value)
        else:
            found.append(tracer.lift(convert_to_tensor(item)).value)
    return tuple(found)


def not_initialized(variable: Any) -> FailedPreconditionError:
    return FailedPreconditionError(
        f"Attempting to use uninitialized value {variable.name.removesuffix(':0')}: run"
        " tf.compat.v1.global_variables_initializer() in this session first"
    )


def slice_nodes(
    tracer: StaticTracer, wanted: Iterable[Value], fed: frozenset[Value]
) -> tuple[list[Node], set[Value]]:
    """The nodes that compute values, in order, and every value that is needed."""
    from graphc.passes.edit import bound_by, symbols_of  # lazy: only sessions need passes

    teller: dict[str, Value] = {}
    for value in (*tracer.inputs, *(v for n in tracer.nodes for v in n.outputs)):
        for symbol in bound_by(value.type):
            teller.setdefault(symbol, value)
    needed, todo, nodes = set(fed), [*wanted], set()
    while todo:
        value = todo.pop()
        if value in needed and value not in fed:
            continue
        needed.add(value)
        node = None if value in fed else tracer.producers.get(value)
        todo.extend(v for v in tracer.after_value.get(value, ()) if v not in needed)
        symbols = value.type.symbols
        if node is not None and node not in nodes:
            nodes.add(node)
            todo.extend(v for v in node.inputs if v not in needed)
            symbols = symbols | symbols_of(node)
        todo.extend(teller[s] for s in symbols if s in teller and teller[s] not in needed)
    guards = [n for n in tracer.nodes if not n.outputs and _is_told(n, needed)]
    kept = nodes | set(guards)
    return [n for n in tracer.nodes if n in kept], needed


def _is_told(guard: Node, needed: set[Value]) -> bool:
    """Whether both sizes that a guard compares are known in this run."""
    from graphc.passes.edit import bound_by, symbols_of  # lazy: see above

    known = frozenset().union(*(bound_by(v.type) for v in needed)) if needed else frozenset()
    return symbols_of(guard) <= known
