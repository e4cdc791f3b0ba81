"""Symbolic tensors of functional models: each call of a layer on them is noted, to be replayed.

What a call returns is found by tracing the layer once on values of the same types; so layers need
no shape rule of their own for this.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import graphc as tf
from graphc.ir import dims
from graphc.ir.dims import Dim
from graphc.ir.graph import Value
from graphc.ir.types import TensorType
from graphc.keras import backend
from graphc.keras.engine.base_layer import Layer
from graphc.ops import REGISTRY
from graphc.trace.state import recording, tracing
from graphc.trace.tensor import SymbolicTensor
from graphc.trace.tracer import Tracer

BATCH = dims.symbol("B")
_sizes = itertools.count(1)


class History(NamedTuple):
    """The call that made a symbolic tensor, by number among those of its layer."""

    layer: Layer
    node_index: int
    tensor_index: int


class KerasTensor(SymbolicTensor):
    """What a layer would return: shape and dtype, and the call that makes it."""

    __slots__ = ("_keras_history", "node", "__dict__")
    __keras_tensor__ = True

    def __graphc_apply__(self, op: Any, args: Sequence[Any], attrs: Mapping[str, Any]) -> Any:
        return TFOpLambda(op.name, dict(attrs))(list(args))

    @property
    def name(self) -> str:
        return self._keras_history.layer.name

    def _refuse(self, use: str) -> Any:
        raise TypeError(
            f"{use} needs a value, but this is a symbolic Keras input/output, which has none. If"
            " you are trying to pass it to a function that does not register dispatching, put the"
            " operation in a custom Keras layer's `call` and call that layer on this symbolic"
            " input/output."
        )

    def __repr__(self) -> str:
        return (
            f"<KerasTensor: shape={tuple(self.shape)} dtype={self.dtype.name}"
            f" (created by layer '{self.name}')>"
        )

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __hash__(self) -> int:
        return id(self)


class Node:
    """One call of a layer on symbolic tensors."""

    def __init__(self, layer: Layer, inputs: Any, args: Any, kwargs: dict[str, Any]) -> None:
        self.layer, self.inputs, self.args, self.kwargs = layer, inputs, args, kwargs
        self.index = len(layer._inbound_nodes)
        self.outputs: Any = None
        layer._inbound_nodes.append(self)
        for source in self.parents():
            source.layer._outbound_nodes.append(self)

    def tensors(self) -> list[KerasTensor]:
        """The symbolic tensors that it was called on."""
        found = tf.nest.flatten((self.inputs, self.args, self.kwargs))
        return [t for t in found if isinstance(t, KerasTensor)]

    def parents(self) -> list[Node]:
        return [t.node for t in self.tensors()]

    def replay(self, values: Mapping[int, Any], layer: Layer) -> Any:
        """Call the layer, or one like it, on what stands for its symbolic tensors."""

        def now(leaf: Any) -> Any:
            return values[id(leaf)] if isinstance(leaf, KerasTensor) else leaf

        given = tf.nest.map_structure(now, (self.inputs, self.args, self.kwargs))
        return layer(given[0], *given[1], **given[2])

    def finish(self, outputs: Any, tracer: Tracer | None = None) -> Any:
        """Make the symbolic results out of those of a trace."""
        index = itertools.count()
        made = []
        for t in tf.nest.flatten(outputs):
            out = t
            if isinstance(t, SymbolicTensor):
                out = KerasTensor(t.value, tracer or Tracer("keras"))
                out.node = self
                out._keras_history = History(self.layer, self.index, next(index))
                mask = getattr(t, "_keras_mask", None)
                if mask is not None:
                    out._keras_mask = mask
            made.append(out)
        self.outputs = tf.nest.pack_sequence_as(outputs, made)
        return self.outputs


def placeholder(shape: Sequence[int | None], dtype: Any, name: str = "input") -> SymbolicTensor:
    """A tensor of a type, outside of any trace."""
    sizes: list[Any] = [dims.symbol(f"n{next(_sizes)}") if d is None else d for d in shape]
    if shape and shape[0] is None:
        sizes[0] = BATCH
    return SymbolicTensor(Value(name, TensorType(tf.as_dtype(dtype), tuple(sizes))), Tracer(name))


def _as_traced(structure: Any, tracer: Tracer) -> Any:
    """Symbolic tensors as values of this trace."""

    def leaf(t: Any) -> Any:
        if not isinstance(t, SymbolicTensor):
            return t
        made = SymbolicTensor(t.value, tracer)
        mask = getattr(t, "_keras_mask", None)
        if mask is not None:
            made._keras_mask = SymbolicTensor(mask.value, tracer)
        return made

    return tf.nest.map_structure(leaf, structure)


def output_types(layer: Any, args: Any, kwargs: Any, tracer: Tracer | None = None) -> Any:
    """What a call on tensors of these types returns, by a trace that is thrown away."""
    tracer = tracer or Tracer(layer.name)
    args, kwargs = _as_traced((args, kwargs), tracer)
    with tracing(tracer), recording(()):
        return layer(*args, **kwargs)


def record(layer: Layer, inputs: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """Note a call on symbolic tensors, and return symbolic results."""
    layer._build_for(inputs)
    tracer = Tracer("keras")
    operation = isinstance(layer, TFOpLambda)
    if operation:  # what is known of sizes is known after it too
        for t in tf.nest.flatten((inputs, args, kwargs)):
            tracer.producers.update(t.tracer.producers if isinstance(t, KerasTensor) else {})
    outputs = output_types(layer, (inputs, *args), kwargs, tracer)
    layer._forget_losses()
    return Node(layer, inputs, args, kwargs).finish(outputs, tracer if operation else None)


# --- where symbolic tensors come from -------------------------------------------------------------


class InputLayer(Layer):
    """Where data enters a model (Keras: ``InputLayer``)."""

    def __init__(
        self,
        input_shape: Any = None,
        batch_size: int | None = None,
        dtype: Any = None,
        input_tensor: Any = None,
        sparse: bool | None = None,
        name: str | None = None,
        ragged: bool | None = None,
        batch_input_shape: Any = None,
        **kwargs: Any,
    ) -> None:
        if sparse or ragged:
            raise NotImplementedError("inputs of Keras models are dense tensors")
        kwargs.pop("optional", None)
        batch_input_shape = kwargs.pop("batch_shape", batch_input_shape)
        if batch_input_shape is None:
            input_shape = (input_shape,) if isinstance(input_shape, int) else input_shape
            batch_input_shape = (batch_size, *input_shape)
        name = name or f"input_{backend.get_uid('input')}"
        super().__init__(name=name, dtype=dtype, **kwargs)
        self._batch_input_shape = tuple(batch_input_shape)
        self.built = True
        Node(self, (), (), {}).finish(placeholder(batch_input_shape, self.dtype, name))

    def get_input_at(self, node_index: int) -> Any:
        return self.get_output_at(node_index)

    def get_config(self) -> dict[str, Any]:
        shape = self._batch_input_shape
        return {"name": self.name, "dtype": self.dtype, "batch_input_shape": shape}


def Input(
    shape: Any = None,
    batch_size: int | None = None,
    name: str | None = None,
    dtype: Any = None,
    sparse: bool | None = None,
    tensor: Any = None,
    ragged: bool | None = None,
    batch_shape: Any = None,
    **kwargs: Any,
) -> KerasTensor:
    """A symbolic tensor to begin a functional model with; ``shape`` leaves the batch out.

    Raises ``ValueError`` without a shape.
    """
    whole = kwargs.pop("batch_input_shape", None) or batch_shape
    if shape is None and whole is None:
        raise ValueError(
            "Please provide to Input either a `shape` or a `tensor` or a `type_spec` argument."
            " Note that `shape` does not include the batch dimension."
        )
    layer = InputLayer(shape, batch_size, dtype, None, sparse, name, ragged, whole)
    return layer.output


# --- operations between layers --------------------------------------------------------------------


class TFOpLambda(Layer):
    """An operation of graphc's on symbolic tensors."""

    def __init__(self, function: str, attrs: dict[str, Any], **kwargs: Any) -> None:
        kwargs.setdefault("name", backend.unique_name(f"tf.{function}"))
        super().__init__(autocast=False, **kwargs)
        self.function, self.attrs = function, attrs
        self.built = True
        self._recorded: list[Any] = []

    def _converted(self, inputs: Any) -> Any:
        return inputs

    def call(self, inputs: Any) -> Any:
        shapes = [getattr(x, "dims", ()) for x in inputs]
        if not self._recorded:
            self._recorded = shapes
        known = dict(self._sizes(shapes))
        return REGISTRY[self.function](*inputs, **_resolved(self.attrs, known))

    def get_input_at(self, node_index: int) -> Any:
        tensors = self._inbound_nodes[node_index].tensors()
        return tensors[0] if len(tensors) == 1 else tensors

    def _sizes(self, shapes: Any) -> Iterator[tuple[str, Any]]:
        """The sizes that symbols of the recorded call have now."""
        for before, now in zip(self._recorded, shapes, strict=True):
            for dim, size in zip(before, now, strict=True):
                if isinstance(dim, Dim) and str(dim).isidentifier():
                    yield str(dim), size

    def get_config(self) -> dict[str, Any]:
        if _has_dims(self.attrs):
            raise NotImplementedError(
                f"{self.name} depends on sizes of its inputs: put it in a Lambda or a custom layer"
            )
        return {"name": self.name, "function": self.function, "attrs": self.attrs}


def _resolved(attrs: Any, known: Mapping[str, Any]) -> Any:
    if isinstance(attrs, dict):
        return {key: _resolved(value, known) for key, value in attrs.items()}
    if isinstance(attrs, list | tuple):
        return type(attrs)(_resolved(value, known) for value in attrs)
    return dims.evaluate(attrs, known) if isinstance(attrs, Dim) else attrs


def _has_dims(attrs: Any) -> bool:
    return any(isinstance(leaf, Dim) for leaf in tf.nest.flatten(attrs))
