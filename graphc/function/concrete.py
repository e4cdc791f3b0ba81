"""Tracing a Python function once, and the callable that comes of it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from graphc.function.graph_function import GraphFunction
from graphc.function.results import Output, Pack, collect, packer
from graphc.function.signature import Binding, Kept, objects_in
from graphc.function.spec import (
    TensorSpec,
    is_tensor_like,
    map_arguments,
    placeholder_type,
    show_leaf,
)
from graphc.ir.graph import Graph
from graphc.ir.types import TensorType
from graphc.trace import nest
from graphc.trace.control import OPERATORS
from graphc.trace.control_calls import implicit_calls
from graphc.trace.control_join import to_the_end
from graphc.trace.dispatch import convert_to_tensor
from graphc.trace.state import current, recording, tracing
from graphc.trace.tensor import SymbolicTensor, Tensor
from graphc.trace.tracer import Tracer
from graphc.trace.variable import Variable

Arguments = tuple[tuple[Any, ...], dict[str, Any]]
Observer = Callable[["ConcreteFunction", Sequence[Tensor]], None]


class ConcreteFunction:
    """One trace of a function: a graph for fixed argument types (TF: ``ConcreteFunction``).

    Called with all arguments of the Python function (its Python values must be those of the trace),
    or with the tensors alone, by position or by name.
    """

    key: Any = None  # where the function keeps it

    def __init__(
        self, name: str, graph: Graph, structure: Any, given: Arguments, binding: Binding
    ) -> None:
        self.name = name
        self.function = GraphFunction(graph)
        self._structure = structure
        self._single = type(structure) is Output
        self._pack: Pack = packer(structure)
        self._given = given
        self._binding = binding
        self.captures = any(isinstance(slot.key, SymbolicTensor) for slot in graph.state)

    # --- what it is ---

    @property
    def graph(self) -> Graph:
        return self.function.graph

    @property
    def variables(self) -> tuple[Variable, ...]:
        return tuple(s.key for s in self.graph.state if isinstance(s.key, Variable))

    @property
    def trainable_variables(self) -> tuple[Variable, ...]:
        return tuple(v for v in self.variables if v.trainable)

    @property
    def captured_inputs(self) -> tuple[Any, ...]:
        return tuple(s.key for s in self.graph.state)

    @property
    def inputs(self) -> list[TensorSpec]:
        return [_spec(v.type, v.name) for v in self.graph.inputs]

    @property
    def outputs(self) -> list[TensorSpec]:
        return [_spec(v.type, v.name) for v in self.graph.outputs]

    @property
    def structured_input_signature(self) -> Arguments:
        """The arguments of the Python function, with a TensorSpec for each tensor."""
        specs = iter(self.inputs)
        args, kwargs = self._given
        return (
            map_arguments(args, lambda _: next(specs), _value_of),
            map_arguments(kwargs, lambda _: next(specs), _value_of),
        )

    @property
    def structured_outputs(self) -> Any:
        return self._pack(self.outputs)

    def pretty_printed_signature(self, verbose: bool = True) -> str:
        """One line: ``f(x: f32[B1, 2], n=3) -> f32[B1, 2]``."""
        args, kwargs = self._given
        taken = [*zip(self._binding.labels(len(args)), args, strict=True), *kwargs.items()]
        types = iter(self.graph.inputs)
        parts = []
        for name, value in taken:
            if is_tensor_like(value):
                parts.append(f"{name}: {next(types).type}")
                continue
            shown = map_arguments(value, lambda _: _Text(next(types).type))
            joint = ": " if any(map(is_tensor_like, nest.flatten(value))) else "="
            parts.append(f"{name}{joint}{_shown(shown)}")
        given = self._pack([_Text(v.type) for v in self.graph.outputs])
        return f"{self.name}({', '.join(parts)}) -> {_shown(given)}"

    def __repr__(self) -> str:
        return f"<ConcreteFunction {self.pretty_printed_signature()}>"

    @property
    def is_stale(self) -> bool:
        """Whether it captured a tensor of an outer trace that is over."""
        return any(
            isinstance(s.key, SymbolicTensor) and not _is_open(s.key) for s in self.graph.state
        )

    # --- calls ---

    def call_flat(self, tensors: Sequence[Tensor]) -> Any:
        """Run on tensors of the traced types, in the order in which `scan` finds them."""
        results = self.function(tensors)
        return results[0] if self._single else self._pack(results)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.call_flat(self.tensors_of(args, kwargs))

    def tensors_of(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Tensor]:
        """The tensors among the arguments of a call, in the order of the graph's inputs.

        Raises ``TypeError`` if the arguments are not like those of the trace.
        """
        given: Arguments = (), {}
        with suppress(TypeError):  # it may be the tensors alone
            given = self._binding.canonical(args, kwargs)
        if len(given[0]) != len(self._given[0]) or given[1].keys() != self._given[1].keys():
            return self._flat(args, kwargs)
        tensors: list[Any] = []
        names = [*self._binding.labels(len(given[0])), *given[1]]
        traced = [*self._given[0], *self._given[1].values()]
        for name, value, known in zip(names, (*given[0], *given[1].values()), traced, strict=True):
            self._match(value, known, name, tensors)
        checked = zip(tensors, self.graph.inputs, strict=True)
        return [_checked(t, v.type, v.name) for t, v in checked]

    def _match(self, value: Any, known: Any, path: str, tensors: list[Any]) -> None:
        """Collect the tensors of an argument; the rest must be as it was traced."""
        if is_tensor_like(known):
            tensors.append(value)
        elif nest.is_nested(known):
            ours = dict(nest.children(value)) if nest.is_nested(value) else {}
            theirs = dict(known.items() if hasattr(known, "items") else nest.children(known))
            if ours.keys() != theirs.keys():
                raise TypeError(
                    f"{self.pretty_printed_signature()}: argument {path} is {value!r}, but the"
                    f" function was traced for {known!r}"
                )
            for step, part in theirs.items():
                self._match(ours[step], part, f"{path}[{step!r}]", tensors)
        elif not known.is_same(value):
            raise TypeError(
                f"{self.pretty_printed_signature()}: argument {path} is {show_leaf(value)}, but"
                f" the function was traced for {known.shown}"
            )

    def _flat(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Tensor]:
        """The tensors alone: by position, then by name."""
        slots = self.graph.inputs
        given = dict(zip(slots, nest.flatten(list(args)), strict=False))
        count = len(nest.flatten(list(args)))
        for slot in slots:
            if slot.name in kwargs and slot not in given:
                given[slot] = kwargs[slot.name]
        missing = [v.name for v in slots if v not in given]
        wrong = sorted(kwargs.keys() - {v.name for v in slots[count:]})
        what = self.pretty_printed_signature()
        if count > len(slots):
            raise TypeError(f"{what} takes {len(slots)} tensors, got {count}")
        if wrong:
            known = {v.name for v in slots[:count]}
            twice = [n for n in wrong if n in known]
            raise TypeError(
                f"{what} got two values for {twice[0]!r}" if twice
                else f"{what} got an unexpected keyword argument {wrong[0]!r}"
            )  # fmt: skip
        if missing:
            raise TypeError(f"{what} misses {', '.join(missing)}")
        return [_checked(given[v], v.type, v.name) for v in slots]


def observe(observer: Observer) -> Callable[[], None]:
    """Tell ``observer`` of every call of a trace, with its tensors, until the result is called.

    The method itself is exchanged meanwhile: calls pay for this only while somebody looks.
    """
    plain = ConcreteFunction.call_flat

    def call_flat(self: ConcreteFunction, tensors: Sequence[Tensor]) -> Any:
        observer(self, tensors)
        return plain(self, tensors)

    def end() -> None:
        ConcreteFunction.call_flat = plain  # type: ignore[method-assign]

    ConcreteFunction.call_flat = call_flat  # type: ignore[method-assign]
    return end


class _Text(str):
    """Shows as it is."""

    def __new__(cls, value: Any) -> _Text:
        return super().__new__(cls, str(value))

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def _shown(value: Any) -> str:
    """A part of a signature: objects by their class, never by an address."""
    plain = (_Text, Kept, int, float, complex, str, bytes)
    if nest.is_nested(value) or isinstance(value, plain):
        return repr(value)
    return "None" if value is None else f"<{type(value).__name__}>"


def _value_of(kept: Kept) -> Any:
    return kept.value


def _is_open(t: SymbolicTensor) -> bool:
    """Whether the trace that a tensor belongs to goes on, around this place."""
    tracer = current.tracer
    while tracer is not None:
        if tracer is t.tracer:
            return not tracer.finished
        tracer = tracer.parent or tracer.outer
    return False


def _spec(type: TensorType, name: str) -> TensorSpec:
    return TensorSpec([d if isinstance(d, int) else None for d in type.shape], type.dtype, name)


def _checked(value: Any, type: TensorType, name: str) -> Tensor:
    t = convert_to_tensor(value, dtype_hint=type.dtype)
    if not _spec(type, name).is_compatible_with(t):
        raise TypeError(f"argument {name} is {show_leaf(t)}, the function was traced for {type}")
    return t


# --- tracing --------------------------------------------------------------------------------------


def trace(
    name: str,
    body: Callable[..., Any],
    given: Arguments,
    binding: Binding,
    may_create: bool,
    owner: Any = None,
    host: Any = None,
) -> tuple[ConcreteFunction, bool]:
    """Run ``body`` on symbolic arguments; also tells whether it created Variables.

    ``owner`` is the object that ``body`` is a method of.
    """
    outer = current.tracer
    tracer = Tracer(name)
    tracer.outer, tracer.may_create, tracer.host = outer, may_create, host
    args, kwargs = given

    def placeholders(label: str, value: Any) -> Any:
        def leaf(known: Any) -> Any:
            type = placeholder_type(known, lambda: tracer.fresh_symbol("B"))
            own = known.name if isinstance(known, TensorSpec) else None
            return tracer.add_parameter(type, own or label)

        return map_arguments(value, leaf)

    calls = implicit_calls(OPERATORS, body, owner, args, kwargs)
    with tracing(tracer), recording(()), calls:
        own_args = [
            placeholders(n, a) for n, a in zip(binding.labels(len(args)), args, strict=True)
        ]
        own_kwargs = {k: placeholders(k, value) for k, value in kwargs.items()}
        names = [*binding.labels(len(args)), *kwargs]
        before = [map_arguments(a, _same) for a in (*own_args, *own_kwargs.values())]
        if host is not None:
            host.start(tracer, [owner, body, given], sys._getframe().f_code)
        result = to_the_end(lambda: body(*own_args, **own_kwargs))
        structure, tensors = collect(result, [owner, *objects_in(given)])
        if host is not None:
            host.finish()
        _check_unchanged(name, names, before, (*own_args, *own_kwargs.values()))
        graph = tracer.finish_function(tensors)
    kept = map_arguments(args, _as_spec, Kept), map_arguments(kwargs, _as_spec, Kept)
    made = ConcreteFunction(name, graph, structure, kept, binding)
    return made, bool(tracer.created)


def _same(leaf: Any) -> Any:
    return leaf


def _check_unchanged(
    name: str, labels: Sequence[str], before: Sequence[Any], after: Sequence[Any]
) -> None:
    """A change of a container would be seen while it is traced, and never again."""
    for label, old, new in zip(labels, before, after, strict=True):
        was, now = nest.flatten_with_paths(old), nest.flatten_with_paths(new)
        if [(p, id(leaf)) for p, leaf in was] != [(p, id(leaf)) for p, leaf in now]:
            raise ValueError(
                f"{name} changed its argument {label}, which would happen only while it is traced:"
                " change a copy, and return it"
            )


def _as_spec(leaf: Any) -> TensorSpec:
    """What is kept of an argument: not its value."""
    if isinstance(leaf, TensorSpec):
        return leaf
    array = leaf._array if hasattr(leaf, "_array") else leaf
    shape = leaf.shape if isinstance(leaf, Tensor) else np.shape(array)
    dtype = leaf.dtype if isinstance(leaf, Tensor) else placeholder_type(leaf, lambda: 0).dtype  # type: ignore[return-value,arg-type]
    return TensorSpec(shape, dtype)
