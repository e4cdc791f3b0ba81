"""``tf.Graph`` and ``tf.compat.v1.Session``: static graphs and what runs them."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from graphc.errors import InvalidArgumentError
from graphc.function.graph_function import GraphFunction
from graphc.function.static_tracer import (
    Operation,
    StaticTracer,
    StaticVariable,
    convert_array,
    not_initialized,
    slice_nodes,
)
from graphc.ir import dtypes
from graphc.ir.graph import Graph as Program
from graphc.ir.graph import Value
from graphc.ir.types import TensorType
from graphc.trace import nest
from graphc.trace.dispatch import escaped
from graphc.trace.shape import TensorShape
from graphc.trace.state import current, recording
from graphc.trace.tensor import SymbolicTensor, Tensor


class _Entered(threading.local):
    def __init__(self) -> None:
        self.sessions: list[Session] = []
        self.default: Graph | None = None


_entered = _Entered()


class Graph:
    """A graph that is built by calls and run by sessions (TF: ``tf.Graph``).

    >>> g = Graph()
    >>> with g.as_default():
    ...     x = placeholder("float32", [None], name="x")
    ...     y = x * 2.0
    >>> Session(graph=g).run(y, {x: [1.0, 2.0]})
    array([2., 4.], dtype=float32)
    """

    def __init__(self) -> None:
        self.tracer = StaticTracer(self)
        self.seed: int | None = None
        self.finalized = False
        self._collections: dict[Any, list[Any]] = {}
        self.scope: Any = None  # what variable_scope keeps here

    @contextmanager
    def as_default(self) -> Iterator[Graph]:
        """Build this graph inside."""
        before, scope = current.tracer, current.scope
        current.scope = ""
        current.enter(self.tracer, current.tapes)
        try:
            with recording(()):
                yield self
        finally:
            current.enter(before, current.tapes)
            current.scope = scope

    def session(self) -> Session:
        """The session that is entered; raises ``ValueError`` if there is none."""
        found = get_default_session()
        if found is None:
            raise ValueError(
                "Cannot execute operation using `run()` or `eval()`: No default session is"
                " registered. Use `with sess.as_default()` or pass an explicit session"
            )
        return found

    # --- collections ---

    def add_to_collection(self, name: Any, value: Any) -> None:
        self._collections.setdefault(name, []).append(value)

    def add_to_collections(self, names: Any, value: Any) -> None:
        for name in [names] if isinstance(names, str) else names:
            self.add_to_collection(name, value)

    def get_collection(self, name: Any, scope: str | None = None) -> list[Any]:
        """What was added under a name; of a scope only what has a name that begins so."""
        found = self._collections.get(name, [])
        if not scope:
            return list(found)
        return [v for v in found if getattr(v, "name", "").startswith(scope)]

    def get_collection_ref(self, name: Any) -> list[Any]:
        return self._collections.setdefault(name, [])

    def get_all_collection_keys(self) -> list[Any]:
        return [k for k, v in self._collections.items() if v]

    def clear_collection(self, name: Any) -> None:
        self._collections.pop(name, None)

    # --- parts ---

    def _values(self) -> Iterator[Value]:
        yield from self.tracer.inputs
        for node in self.tracer.nodes:
            yield from node.outputs

    def get_tensor_by_name(self, name: str) -> SymbolicTensor:
        """The tensor ``name``, as in ``x:0``.  Raises ``KeyError`` if there is none."""
        base, _, index = name.partition(":")
        if not index:
            raise ValueError(f"a tensor's name looks like '<op_name>:<output_index>', got {name!r}")
        for value in self._values():
            if value.name == base:
                return SymbolicTensor(value, self.tracer)
        raise KeyError(f"The name {name!r} refers to a Tensor which does not exist in the graph.")

    def get_operation_by_name(self, name: str) -> Operation:
        found = next((op for op in self.get_operations() if op.name == name), None)
        if found is None:
            raise KeyError(f"The name {name!r} refers to an Operation not in the graph.")
        return found

    def get_operations(self) -> list[Operation]:
        """The ops in the order in which they were made, with graphc's names for them."""
        made = [Operation(v.name, self, (v,), "Placeholder") for v in self.tracer.inputs]
        for node in self.tracer.nodes:
            if node.outputs:
                kind = "Const" if node.op.name == "constant" else node.op.name
                made.append(Operation(node.output.name, self, node.outputs, kind))
        return made

    def as_graph_element(
        self, obj: Any, allow_tensor: bool = True, allow_operation: bool = True
    ) -> Any:
        """What a name stands for: a tensor (``x:0``) or an operation (``x``)."""
        if not isinstance(obj, str):
            return obj
        return self.get_tensor_by_name(obj) if ":" in obj else self.get_operation_by_name(obj)

    def unique_name(self, name: str, mark_as_used: bool = True) -> str:
        return self.tracer.unique_name(name)

    def finalize(self) -> None:
        """Note that the graph is complete; adding to it is not refused."""
        self.finalized = True

    def control_dependencies(self, control_inputs: Any) -> Any:
        return self.tracer.after(control_inputs)


def get_default_graph() -> Graph:
    """The graph that is being built; in eager code one that waits to be built."""
    tracer = current.tracer
    if tracer is not None and tracer.root.static:
        return tracer.root.graph  # type: ignore[attr-defined]
    if _entered.default is None:
        _entered.default = Graph()
    return _entered.default


def reset_default_graph() -> None:
    """Begin a new default graph."""
    building = _is_global()
    _entered.default = Graph()
    if building:
        current.enter(_entered.default.tracer, current.tapes)


def _is_global() -> bool:
    """Whether the default graph is being built because eager execution is switched off."""
    return _entered.default is not None and current.tracer is _entered.default.tracer


def disable_eager_execution() -> None:
    """From here on calls build the default graph, in this thread."""
    if current.tracer is None:
        current.enter(get_default_graph().tracer, ())


def enable_eager_execution(
    config: Any = None, device_policy: Any = None, execution_mode: Any = None
) -> None:
    """From here on calls run at once, as they do unless `disable_eager_execution` was called."""
    if _is_global():
        current.enter(None, ())


def placeholder(dtype: Any, shape: Any = None, name: str | None = None) -> SymbolicTensor:
    """A tensor whose value each run is given (TF: ``tf.compat.v1.placeholder``).

    Raises ``RuntimeError`` in eager code, ``ValueError`` for a shape of unknown rank, which graphc
    has not.
    """
    tracer = current.tracer
    if tracer is None or not tracer.root.static:
        raise RuntimeError("tf.placeholder() is not compatible with eager execution.")
    if shape is None:
        raise ValueError(
            "a placeholder of graphc needs a shape (its sizes may be None): ops need the rank"
        )
    sizes = TensorShape(shape).as_list()
    dims = tuple(tracer.fresh_symbol() if d is None else d for d in sizes)
    label = tracer.root.unique_name(current.scope + (name or "Placeholder"))
    kind = TensorType(dtypes.as_dtype(dtype), dims)
    return SymbolicTensor(tracer.root.add_parameter(kind, label).value, tracer.root)


# --- sessions -------------------------------------------------------------------------------------


class Session:
    """Runs parts of a graph; each session has its own values of the Variables.

    (TF: ``tf.compat.v1.Session``)
    """

    def __init__(self, target: str = "", graph: Graph | None = None, config: Any = None) -> None:
        if target:
            raise ValueError(f"graphc runs in this process only, not in {target!r}")
        self.graph = graph or get_default_graph()
        self.values: dict[Any, np.ndarray] = {}
        self._compiled: dict[Any, Any] = {}
        self._closed = False
        self._contexts: list[Any] = []

    def __enter__(self) -> Session:
        context = self.as_default()
        self._contexts.append(context)
        return context.__enter__()

    def __exit__(self, *exc: Any) -> None:
        self._contexts.pop().__exit__(*exc)
        self.close()

    @contextmanager
    def as_default(self) -> Iterator[Session]:
        """Let ``eval`` and ``run`` use this session, and calls build its graph."""
        _entered.sessions.append(self)
        try:
            with self.graph.as_default():
                yield self
        finally:
            _entered.sessions.remove(self)

    def close(self) -> None:
        self._closed = True

    def run(
        self, fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None
    ) -> Any:
        """The values of tensors, Variables and operations (None), nested as ``fetches`` are.

        Only what they need runs; assignments store their values when everything is computed.
        """
        if self._closed:
            raise RuntimeError("Attempted to use a closed Session.")
        leaves = [self._leaf(f) for f in nest.flatten(fetches)]
        feeds = self._feeds(feed_dict or {})
        wanted = [v for leaf in leaves for v in leaf[1]]
        found = self._compute(tuple(dict.fromkeys(wanted)), feeds)
        results = [found[values[0]] if is_tensor else None for is_tensor, values in leaves]
        return nest.pack_sequence_as(fetches, results)

    def _leaf(self, fetch: Any) -> tuple[bool, tuple[Value, ...]]:
        """Whether a fetch has a value, and what it needs."""
        item = self.graph.as_graph_element(fetch) if isinstance(fetch, str) else fetch
        if isinstance(item, Operation):
            return False, item.needs
        if isinstance(item, StaticVariable):
            return True, (self.graph.tracer.entry_of(item).value,)
        if not isinstance(item, SymbolicTensor):
            raise TypeError(
                f"Fetch argument {fetch!r} has invalid type {type(fetch).__name__}, must be a"
                " string or Tensor."
            )
        if item.tracer is not self.graph.tracer:
            raise ValueError(f"Tensor {item!r} is not an element of this graph.")
        return True, (item.value,)

    def _feeds(self, feed_dict: Mapping[Any, Any]) -> dict[Value, np.ndarray]:
        found = {}
        for key, value in feed_dict.items():
            item = self.graph.as_graph_element(key)
            if isinstance(item, StaticVariable):
                found[self.graph.tracer.entry_of(item).value] = convert_array(value, item)
                continue
            if not isinstance(item, Tensor):
                raise TypeError(f"Cannot interpret feed_dict key as Tensor: {key!r}")
            if item.tracer is not self.graph.tracer:  # type: ignore[attr-defined]
                raise escaped(item)  # type: ignore[arg-type]
            found[item.value] = convert_array(value, item)  # type: ignore[attr-defined]
        return found

    def _compute(
        self, wanted: tuple[Value, ...], feeds: dict[Value, np.ndarray]
    ) -> dict[Value, np.ndarray]:
        key = wanted, frozenset(feeds), len(self.graph.tracer.nodes)
        if key not in self._compiled:
            self._compiled[key] = _Part(self.graph.tracer, wanted, frozenset(feeds))
        part = self._compiled[key]
        arrays = [feeds[v] if v in feeds else self._given(v) for v in part.inputs]
        found = dict(zip(part.outputs, part.program.run(arrays), strict=True))
        for update in part.updates:
            array = np.array(found[update.value], order="C")
            if isinstance(update.variable, StaticVariable):
                self.values[update.variable.key] = array
            else:
                update.variable._store(array)
        return {v: _result(found[v]) for v in wanted}

    def _given(self, value: Value) -> np.ndarray:
        """What an input of the graph is that was not fed."""
        tracer = self.graph.tracer
        variable = tracer.variable_of(value)
        if variable is not None and not isinstance(variable, StaticVariable):
            return variable._array.copy()
        if variable is not None:
            if variable.key not in self.values:
                raise not_initialized(variable)
            return self.values[variable.key]
        held = tracer.captured(value)
        if held is None:
            t = SymbolicTensor(value, tracer)
            raise InvalidArgumentError(
                f"You must feed a value for placeholder tensor '{value.name}' with dtype"
                f" {t.dtype.name} and shape {t.shape}"
            )
        return held._array


class _Part:
    """The program that computes some values of a graph, given others."""

    def __init__(
        self, tracer: StaticTracer, wanted: tuple[Value, ...], fed: frozenset[Value]
    ) -> None:
        _, needed = slice_nodes(tracer, wanted, fed)
        eager = tracer.eager_updates(needed)
        nodes, needed = slice_nodes(tracer, (*wanted, *(u.value for u in eager)), fed)
        self.updates = [u for v, u in tracer.updates.items() if v in needed and v not in fed]
        self.updates += eager
        made = {v for n in nodes for v in n.outputs}
        inputs = [v for v in (*tracer.inputs, *fed) if v in needed and v not in made - fed]
        self.inputs = tuple(dict.fromkeys(inputs))
        self.outputs = tuple(dict.fromkeys((*wanted, *(u.value for u in self.updates))))
        kept = [n for n in nodes if not (n.outputs and fed.issuperset(n.outputs))]
        program = Program("session", self.inputs, tuple(kept), self.outputs)
        self.program = GraphFunction(program)


def _result(array: np.ndarray) -> Any:
    """What a session hands out: an array of its own, or a numpy scalar."""
    return np.array(array) if array.ndim else array[()]


class InteractiveSession(Session):
    """A session that is entered as soon as it is made, until it is closed."""

    def __init__(self, target: str = "", graph: Graph | None = None, config: Any = None) -> None:
        super().__init__(target, graph, config)
        self.__enter__()

    def close(self) -> None:
        if self._contexts:
            self._contexts.pop().__exit__(None, None, None)
        super().close()


def get_default_session() -> Session | None:
    """The session that is entered, if any."""
    return _entered.sessions[-1] if _entered.sessions else None
