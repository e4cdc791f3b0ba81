"""Tracing a Python function once, and the callable that comes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from graphc.errors import VariableCreationError
from graphc.function.graph_function import GraphFunction
from graphc.function.signature import TensorSpec, is_tensor_like, placeholder_type, show_leaf
from graphc.ir.graph import Graph
from graphc.ir.types import TensorType
from graphc.trace import nest
from graphc.trace.dispatch import convert_to_tensor
from graphc.trace.state import recording, tracing
from graphc.trace.tensor import Operators, Tensor
from graphc.trace.tracer import Tracer
from graphc.trace.variable import Variable

CONVERTIBLE = (int, float, complex, bool, str, bytes, np.ndarray, np.generic)


class ConcreteFunction:
    """One trace of a function: a graph for fixed argument types (TF: ``ConcreteFunction``)."""

    def __init__(
        self, name: str, graph: Graph, structure: Any, args: Sequence[Any], kwargs: Mapping[str,
        Any],
    ) -> None:  # fmt: skip
        self.name = name
        self.function = GraphFunction(graph)
        self._structure = (
            structure  # of the result, with LEAF-less leaves: index of output or a constant
        )
        self._single = isinstance(structure, _Output)
        leaves = [*nest.flatten(list(args)), *nest.flatten(dict(kwargs))]
        self._tensor_at = [i for i, leaf in enumerate(leaves) if is_tensor_like(leaf)]
        self._all_tensors = len(self._tensor_at) == len(leaves) and not kwargs
        self._described = [show_leaf(leaf) for leaf in leaves]

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
    def structured_outputs(self) -> Any:
        return _map_outputs(self._structure, self.outputs)

    def pretty_printed_signature(self, verbose: bool = True) -> str:
        taken = ", ".join(f"{v.name}: {v.type}" for v in self.graph.inputs)
        given = ", ".join(str(v.type) for v in self.graph.outputs)
        return f"{self.name}({taken}) -> {given or 'None'}"

    def __repr__(self) -> str:
        return f"<ConcreteFunction {self.pretty_printed_signature()}>"

    # --- calls ---

    def call_canonical(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Run with arguments already bound as they were traced."""
        if self._all_tensors and len(args) == len(self._tensor_at):
            tensors: Any = args
        else:
            leaves = [*nest.flatten(list(args)), *nest.flatten(dict(kwargs))]
            tensors = [leaves[i] for i in self._tensor_at]
        results = self.function(tensors)
        return results[0] if self._single else _map_outputs(self._structure, results)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run; tensors by position in the order of the traced ones, or by argument name."""
        leaves = [*nest.flatten(list(args))]
        by_name = dict(kwargs)
        for value in self.graph.inputs[len(leaves) :]:
            if value.name in by_name:
                leaves.append(by_name.pop(value.name))
        tensors = [leaf for leaf in leaves if not isinstance(leaf, str) and leaf is not None]
        if len(tensors) > len(self.graph.inputs):  # Python values that the trace was made with
            tensors = [
                leaf for leaf in tensors if is_tensor_like(leaf) or isinstance(leaf, Operators)
            ]
        if by_name or len(tensors) != len(self.graph.inputs):
            raise TypeError(
                f"{self.pretty_printed_signature()} takes {len(self.graph.inputs)} tensors, got"
                f" {len(tensors)}" + (f" and unknown names {sorted(by_name)}" if by_name else "")
            )
        pairs = zip(tensors, self.graph.inputs, strict=True)
        given = [_checked(t, v.type, v.name) for t, v in pairs]
        results = self.function(given)
        return _map_outputs(self._structure, results)


def _spec(type: TensorType, name: str) -> TensorSpec:
    return TensorSpec([d if isinstance(d, int) else None for d in type.shape], type.dtype, name)


def _checked(value: Any, type: TensorType, name: str) -> Tensor:
    t = convert_to_tensor(value, dtype_hint=type.dtype)
    spec = _spec(type, name)
    if t.dtype is not type.dtype or not spec.shape.is_compatible_with(t.shape):  # type: ignore
        raise TypeError(f"argument {name} is {show_leaf(t)}, the function was traced for {type}")
    return t


# --- results --------------------------------------------------------------------------------------


class _Output(int):
    """The place of an output in a result structure."""


def _map_outputs(structure: Any, results: Sequence[Any]) -> Any:
    leaves = nest.flatten(structure)
    return nest.pack_sequence_as(
        structure, [results[leaf] if isinstance(leaf, _Output) else leaf for leaf in leaves]
    )


def _collect(result: Any) -> tuple[Any, list[Tensor]]:
    """A result's structure, with tensors replaced by their places; numbers become tensors."""
    tensors: list[Tensor] = []

    def place(leaf: Any) -> Any:
        if not isinstance(leaf, (Operators, *CONVERTIBLE)):
            return leaf
        tensors.append(convert_to_tensor(leaf))
        return _Output(len(tensors) - 1)

    leaves = [place(leaf) for leaf in nest.flatten(result)]
    return nest.pack_sequence_as(result, leaves), tensors


# --- tracing --------------------------------------------------------------------------------------


def trace(
    name: str,
    body: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    argument_names: Sequence[str],
    may_create: bool,
) -> tuple[ConcreteFunction, bool]:
    """Run ``body`` on symbolic arguments; also tells whether it created Variables."""
    tracer = Tracer(name)

    def placeholders(label: str, structure: Any) -> Any:
        leaves = []
        for leaf in nest.flatten(structure):
            if is_tensor_like(leaf):
                type = placeholder_type(leaf, lambda: tracer.fresh_symbol("B"))
                leaf = tracer.add_parameter(type, getattr(leaf, "name", None) or label)
            leaves.append(leaf)
        return nest.pack_sequence_as(structure, leaves)

    labels = [
        *argument_names[: len(args)],
        *(f"arg{i}" for i in range(len(argument_names), len(args))),
    ]
    with tracing(tracer), recording(()):
        own_args = [placeholders(n, a) for n, a in zip(labels, args, strict=True)]
        own_kwargs = {k: placeholders(k, kwargs[k]) for k in sorted(kwargs)}
        result = body(*own_args, **own_kwargs)
        if tracer.created and not may_create:
            raise VariableCreationError(
                f"{name} created {tracer.created[0].name!r} on a call that was not its first: a"
                " @function"
                " may create Variables only once. Make it outside, or only if it does not exist yet"
                " (`if self.v is None: self.v = tf.Variable(...)`)"
            )
        structure, tensors = _collect(result)
        graph = tracer.finish_function(tensors)
    return ConcreteFunction(name, graph, structure, args, kwargs), bool(tracer.created)
