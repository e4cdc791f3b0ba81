"""Layer: weights and a computation on tensors; what every layer and model derives from."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

import numpy as np

import graphc as tf
from graphc.keras import backend, constraints, initializers, regularizers
from graphc.keras.engine.context import call_of, calls, converted, init_scope, is_tracing
from graphc.keras.engine.input_spec import check_inputs
from graphc.keras.utils.layer_utils import assign_weights
from graphc.keras.utils.serialization import arguments_of
from graphc.module import Module, _leaves

_OPTIONS = frozenset((
    "autocast", "batch_input_shape", "batch_size", "implementation", "input_dim", "input_dtype",
    "input_shape", "quantization_config", "weights",
))  # fmt: skip


class Layer(Module):
    """A computation with weights (Keras 2: ``tf.keras.layers.Layer``).

    A subclass makes its weights in ``build(input_shape)`` with `add_weight` and computes in
    ``call(inputs)``, which may also take ``training`` and ``mask``.  Layers, Variables, and lists
    and dicts of them in attributes belong to it.
    """

    _untracked = frozenset(("_inbound_nodes", "_outbound_nodes", "_own_losses", "_own_metrics"))
    _renamed: tuple[str, ...] = ()  # arguments kept under other names; `get_config` adds them
    supports_masking = False
    input_spec: Any = None
    stateful = False

    def __init__(
        self,
        trainable: bool = True,
        name: str | None = None,
        dtype: Any = None,
        dynamic: bool = False,
        activity_regularizer: Any = None,
        **kwargs: Any,
    ) -> None:
        for unknown in kwargs.keys() - _OPTIONS:
            raise TypeError("Keyword argument not understood:", unknown)
        self._name = backend.unique_name(_keras_case(type(self).__name__)) if name is None else name
        self._trainable = trainable
        self._dtype, self._compute_dtype = _dtypes_of(dtype)
        self._dynamic = dynamic
        self._autocast = kwargs.get("autocast", True)
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self.built = False
        self._build_shape: Any = None
        self._added: list[tf.Variable] = []
        self._initial_weights = kwargs.get("weights")
        self._own_losses: list[Any] = []
        self._own_metrics: list[Any] = []
        self._inbound_nodes: list[Any] = []
        self._outbound_nodes: list[Any] = []
        shape = _batch_input_shape(kwargs)
        if shape is not None:
            self._batch_input_shape = shape

    # --- what it is ---

    @property
    def dtype(self) -> str | None:
        """The dtype of its weights."""
        return self._dtype

    @property
    def compute_dtype(self) -> str | None:
        """The dtype that floating inputs are cast to."""
        return self._compute_dtype

    variable_dtype = dtype

    @property
    def dynamic(self) -> bool:
        """Whether it, or a layer inside, must be run as Python."""
        return self._dynamic or any(layer._dynamic for layer in self._sublayers())

    @property
    def trainable(self) -> bool:
        """Whether its weights may be trained; setting it sets those of its layers."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        for layer in (self, *self._sublayers()):
            layer._trainable = bool(value)

    # --- weights ---

    def add_weight(
        self,
        name: Any = None,
        shape: Any = None,
        dtype: Any = None,
        initializer: Any = None,
        regularizer: Any = None,
        trainable: bool | None = None,
        constraint: Any = None,
        **options: Any,
    ) -> tf.Variable:
        """Make a Variable that belongs to this layer.

        Without an ``initializer`` floating weights begin as ``glorot_uniform``, others as zeros.
        Keras 3's order, shape first, is understood too.
        """
        if name is not None and not isinstance(name, str):
            name, shape = (shape if isinstance(shape, str) else None), name
        kind = tf.as_dtype(dtype or self.dtype or backend.floatx())
        if initializer is None:
            initializer = "glorot_uniform" if kind.is_floating else "zeros"
        dims = (shape,) if isinstance(shape, int) else tuple(shape or ())
        if None in dims:
            raise ValueError(f"weight {name!r} of layer {self.name!r} has no known shape: {dims}")
        with init_scope():
            made = tf.Variable(
                initializers.get(initializer)(dims, dtype=kind),
                trainable=trainable is not False,
                name=name,
                dtype=kind,
                constraint=constraints.get(constraint),
            )
        self._added.append(made)
        regularizer = regularizers.get(regularizer)
        if regularizer is not None:
            self.add_loss(lambda: regularizer(made))
        return made

    @property
    def trainable_weights(self) -> list[tf.Variable]:
        return [v for owner, v in self._owned() if owner and v.trainable]

    @property
    def non_trainable_weights(self) -> list[tf.Variable]:
        return [v for owner, v in self._owned() if not (owner and v.trainable)]

    @property
    def weights(self) -> list[tf.Variable]:
        """All Variables: those that are trained, then the others."""
        return self.trainable_weights + self.non_trainable_weights

    variables = weights  # type: ignore[assignment]
    trainable_variables = trainable_weights  # type: ignore[assignment]
    non_trainable_variables = non_trainable_weights  # type: ignore[assignment]

    def get_weights(self) -> list[np.ndarray]:
        return [v.numpy() for v in self.weights]

    def set_weights(self, weights: Any) -> None:
        """Give every weight a value, in the order of `weights`; all or none."""
        assign_weights(self.weights, weights, f'layer "{self.name}"', f"Layer {self.name}")

    def count_params(self) -> int:
        """How many numbers its weights hold."""
        if not self.built:
            raise ValueError(
                f"You tried to call `count_params` on layer {self.name}, but the layer isn't built."
                " You can build it manually via: `layer.build(batch_input_shape)`."
            )
        return sum(int(np.prod(v.shape)) for v in self.weights)

    def _owned(self) -> Iterator[tuple[bool, tf.Variable]]:
        """Its Variables, each once, and whether the layer that owns them is trainable."""
        seen: set[int] = set()
        for layer in (self, *self._sublayers()):
            for leaf in layer._attributes():
                if isinstance(leaf, Module) and not isinstance(leaf, Layer):
                    found: Iterable[Any] = leaf.variables
                else:
                    found = (leaf,) if isinstance(leaf, tf.Variable) else ()
                for variable in found:
                    if id(variable) not in seen:
                        seen.add(id(variable))
                        yield layer._trainable, variable

    # --- layers inside ---

    def _attributes(self) -> Iterator[Any]:
        """What its attributes hold, in the order they were set."""
        for name, value in list(vars(self).items()):
            if name not in self._untracked:
                yield from _leaves(value)

    def _children(self) -> list[Layer]:
        """The layers it owns directly."""
        found: dict[int, Layer] = {}
        for leaf in self._attributes():
            if isinstance(leaf, Layer) and not leaf._is_metric and leaf is not self:
                found.setdefault(id(leaf), leaf)
        return list(found.values())

    def _sublayers(self) -> list[Layer]:
        """All layers inside, at any depth."""
        found: dict[int, Layer] = {id(self): self}
        waiting = self._children()[::-1]
        while waiting:
            layer = waiting.pop()
            if id(layer) not in found:
                found[id(layer)] = layer
                waiting += layer._children()[::-1]
        return list(found.values())[1:]

    _is_metric = False

    # --- losses and metrics ---

    def add_loss(self, losses: Any, **kwargs: Any) -> None:
        """Add to what is minimised: tensors inside of ``call``, functions without arguments."""
        for loss in _leaves(losses):
            if loss is not None:
                self._own_losses.append(loss)

    @property
    def losses(self) -> list[tf.Tensor]:
        """Losses of the last call, and the regularizers' now."""
        found = []
        for layer in (self, *self._sublayers()):
            for loss in layer._own_losses:
                if callable(loss):
                    found.append(tf.convert_to_tensor(loss()))
                elif not tf.is_tensor(loss):
                    found.append(tf.constant(loss, backend.floatx()))
                elif is_tracing() or not tf.is_symbolic_tensor(loss):
                    found.append(loss)
        return found

    def _forget_losses(self) -> None:
        for layer in (self, *self._sublayers()):
            layer._own_losses = [loss for loss in layer._own_losses if callable(loss)]

    def add_metric(self, value: Any, name: str | None = None, **kwargs: Any) -> None:
        """Follow the mean of a tensor under a name."""
        from graphc.keras.metrics import Mean  # metrics are layers themselves

        if name is None:
            raise ValueError("Please provide a name for your metric like `add_metric(x, name='x')`")
        found = next((m for m in self._own_metrics if m.name == name), None)
        if found is None:
            with init_scope():
                found = Mean(name=name)
            self._own_metrics.append(found)
        found.update_state(value)

    @property
    def metrics(self) -> list[Any]:
        """Those of `add_metric`, and metrics in attributes, here and in its layers."""
        found: dict[int, Any] = {}
        for layer in (self, *self._sublayers()):
            held = (m for m in layer._attributes() if isinstance(m, Layer) and m._is_metric)
            for metric in (*layer._own_metrics, *held):
                found.setdefault(id(metric), metric)
        return list(found.values())

    # --- building and calling ---

    def build(self, input_shape: Any) -> None:
        """Make the weights; ``input_shape`` has None for the batch."""
        self._build_shape = input_shape
        self.built = True

    def call(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """The computation."""
        return inputs

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask of what it returns; raises ``TypeError`` for a mask it has no use for."""
        if not self.supports_masking and any(m is not None for m in _leaves(mask)):
            raise TypeError(
                f"Layer {self.name} does not support masking, but was passed an input_mask: {mask}"
            )
        return mask if self.supports_masking else None

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of what it returns, found by a trace of ``call``."""
        from graphc.keras.engine.keras_tensor import output_types, placeholder  # calls layers

        inputs = _map_shapes(lambda s: placeholder(s, self.compute_dtype or "float32"), input_shape)
        self._build_for(inputs)
        return tf.nest.map_structure(lambda t: t.shape, output_types(self, (inputs,), {}))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Build the layer if need be, and compute."""
        if "_own_losses" not in vars(self):
            raise RuntimeError(
                "It looks like you are subclassing `Layer` and you forgot to call"
                " `super().__init__()`. Always start with this line."
            )
        if not args and not kwargs:
            raise ValueError("The first argument to `Layer.call` must always be passed.")
        inputs, args, kwargs = self._split(args, kwargs)
        inputs = self._converted(inputs)
        if _any_symbolic((inputs, args, kwargs)):
            from graphc.keras.engine.keras_tensor import record  # calls layers

            return record(self, inputs, args, kwargs)
        if self.input_spec is not None:
            check_inputs(self.input_spec, inputs, self.name)
        if calls.depth == 0:
            self._forget_losses()
        training = self._phase(args, kwargs)
        self._build_for(inputs)
        with call_of(self.name, training):
            mask = self._given_mask(inputs, kwargs)
            outputs = self._run(inputs, args, kwargs)
            return self._finished(inputs, outputs, mask)

    def _split(self, args: Any, kwargs: Any) -> Any:
        """The inputs and the other arguments."""
        if args:
            return args[0], args[1:], dict(kwargs)
        kwargs = dict(kwargs)
        name = next(iter(_signature(type(self).call)), None)
        return kwargs.pop(name if name in kwargs else next(iter(kwargs))), (), kwargs

    def _converted(self, inputs: Any) -> Any:
        """Numbers and arrays as tensors, floating ones in the dtype it computes in."""
        want = self._compute_dtype if self._autocast else None

        def leaf(x: Any) -> Any:
            if isinstance(x, np.ndarray | np.generic | float | int) and not isinstance(x, bool):
                x = tf.convert_to_tensor(x)
            if want is not None and isinstance(x, tf.Tensor) and x.dtype.is_floating:
                return x if x.dtype.name == want else _with_mask(tf.cast(x, want), x)
            return x

        return leaf(inputs) if isinstance(inputs, tf.Tensor) else _map(leaf, inputs)

    def _phase(self, args: Any, kwargs: dict[str, Any]) -> Any:
        """Whether this call trains: as it was said here, around it, for all, or by default."""
        names = _signature(type(self).call)
        if "training" not in names and None not in names:
            return kwargs.pop("training", calls.training)
        place = list(names).index("training") - 1 if "training" in names else len(args)
        said = args[place] if 0 <= place < len(args) else kwargs.get("training")
        if said is None:
            said = calls.training
        if said is None:
            said = backend.phase_of_all()
        if said is None:
            return names.get("training")
        if place >= len(args) and "training" in names:
            kwargs["training"] = said
        return said

    def _given_mask(self, inputs: Any, kwargs: dict[str, Any]) -> Any:
        """The mask that comes with the inputs; ``call`` gets it if it takes one."""
        mask = kwargs.get("mask")
        if mask is None:
            masks = [getattr(x, "_keras_mask", None) for x in tf.nest.flatten(inputs)]
            if any(m is not None for m in masks):
                mask = tf.nest.pack_sequence_as(inputs, masks)
                if "mask" in _signature(type(self).call):
                    kwargs["mask"] = mask
        return mask

    def _build_for(self, inputs: Any) -> None:
        """Build for inputs of these shapes, if it is not built."""
        if self.built:
            return
        shapes = tf.nest.map_structure(lambda x: x.shape, inputs) if _is_tensors(inputs) else None
        with init_scope(), call_of(self.name, calls.training):
            first = next((x for x in tf.nest.flatten(inputs) if tf.is_tensor(x)), None)
            if self._dtype is None and first is not None and first.dtype.is_floating:
                self._dtype = self._compute_dtype = first.dtype.name
            self.build(shapes)
            Layer.build(self, shapes)  # a build of the user's need not call it
            if self._initial_weights is not None:
                self.set_weights(self._initial_weights)
                self._initial_weights = None

    def _run(self, inputs: Any, args: Any, kwargs: Any) -> Any:
        try:
            return converted(self.call)(inputs, *args, **kwargs)
        except Exception as error:
            if not any(_CALLING in note for note in getattr(error, "__notes__", ())):
                shapes = [tuple(getattr(x, "shape", ())) for x in tf.nest.flatten(inputs)]
                error.add_note(
                    f'{_CALLING} "{self.name}" (type {type(self).__name__}) on inputs of shape'
                    f" {', '.join(map(str, shapes))}"
                )
            raise

    def _finished(self, inputs: Any, outputs: Any, mask: Any) -> Any:
        """The outputs with their masks; penalties on them are noted."""
        if self.activity_regularizer is not None:
            for output in tf.nest.flatten(outputs):
                count = tf.cast(tf.shape(output)[0], output.dtype)
                self.add_loss(self.activity_regularizer(output) / count)
        if mask is None and type(self).compute_mask is Layer.compute_mask:
            return outputs
        flat = tf.nest.flatten(outputs)
        if not all(tf.is_tensor(y) for y in flat):
            return outputs
        given = {id(x) for x in tf.nest.flatten(inputs)}  # what came in keeps its own mask
        flat = [tf.identity(y) if id(y) in given else y for y in flat]
        masks = self.compute_mask(inputs, mask)
        masks = [masks] if len(flat) == 1 else tf.nest.flatten(masks)
        if len(masks) == len(flat):
            for output, m in zip(flat, masks, strict=True):
                output._keras_mask = m
        return tf.nest.pack_sequence_as(outputs, flat)

    # --- as plain data ---

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this layer again, read from its attributes."""
        config = {"name": self.name, "trainable": self.trainable, "dtype": self._dtype}
        if hasattr(self, "_batch_input_shape"):
            config["batch_input_shape"] = self._batch_input_shape
        ignored = ("name", "trainable", "dtype", "dynamic", *self._renamed)
        return config | arguments_of(self, ignored)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        return cls(**config)

    # --- in a functional model ---

    @property
    def inbound_nodes(self) -> list[Any]:
        return self._inbound_nodes

    @property
    def outbound_nodes(self) -> list[Any]:
        return self._outbound_nodes

    @property
    def input(self) -> Any:
        """The symbolic tensors of its only functional call; `AttributeError` if there are more."""
        return self.get_input_at(self._only_node("input"))

    @property
    def output(self) -> Any:
        return self.get_output_at(self._only_node("output"))

    def get_input_at(self, node_index: int) -> Any:
        return self._inbound_nodes[node_index].inputs

    def get_output_at(self, node_index: int) -> Any:
        return self._inbound_nodes[node_index].outputs

    def _only_node(self, what: str) -> int:
        if not self._inbound_nodes:
            raise AttributeError(f"Layer {self.name} has no inbound nodes: it has no {what}.")
        if len(self._inbound_nodes) > 1:
            raise AttributeError(
                f'The layer "{self.name}" has multiple inbound nodes, hence the notion of "layer'
                f' {what}" is ill-defined. Use `get_{what}_at(node_index)` instead.'
            )
        return 0

    @property
    def input_shape(self) -> Any:
        return self._only_shape("input", self.get_input_at)

    @property
    def output_shape(self) -> Any:
        """The shape that all its functional calls return; `AttributeError` if they differ."""
        return self._only_shape("output", self.get_output_at)

    def _only_shape(self, what: str, tensors_at: Any) -> Any:
        shapes = [
            tf.nest.map_structure(lambda t: tuple(t.shape), tensors_at(i))
            for i in range(len(self._inbound_nodes))
        ]
        if not shapes or any(shape != shapes[0] for shape in shapes):
            self._only_node(what)
        return shapes[0]

    def __repr__(self) -> str:
        return f"<{type(self).__module__}.{type(self).__qualname__} {self.name}>"


_CALLING = "Exception encountered when calling layer"

# --- details --------------------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def _signature(call: Any) -> dict[Any, Any]:
    """Parameters of a ``call`` but the first, with their defaults; None: it takes any."""
    parameters = list(inspect.signature(inspect.unwrap(call)).parameters.values())[1:]
    return {
        None if p.kind is p.VAR_KEYWORD else p.name: None if p.default is p.empty else p.default
        for p in parameters
    }


def _any_symbolic(structure: Any) -> bool:
    return any(hasattr(type(x), "__keras_tensor__") for x in tf.nest.flatten(structure))


def _is_tensors(inputs: Any) -> bool:
    return all(hasattr(x, "shape") for x in tf.nest.flatten(inputs))


def _map(fn: Any, structure: Any) -> Any:
    return tf.nest.map_structure(fn, structure)


def _map_shapes(fn: Any, shapes: Any) -> Any:
    """Apply to each shape in a structure of shapes."""
    if isinstance(shapes, dict):
        return {key: _map_shapes(fn, inner) for key, inner in shapes.items()}
    if all(isinstance(d, int | None) for d in shapes):
        return fn(tuple(shapes))
    return [_map_shapes(fn, inner) for inner in shapes]


def _with_mask(t: Any, source: Any) -> Any:
    if getattr(source, "_keras_mask", None) is not None:
        t._keras_mask = source._keras_mask
    return t


def _dtypes_of(dtype: Any) -> tuple[str | None, str | None]:
    """The dtypes of weights and of computation: those of a dtype or of a policy."""
    dtype = dtype or backend.floatx()
    if isinstance(dtype, dict):  # a policy as a config has it
        dtype = dtype["config"]["name"]
    name = dtype if isinstance(dtype, str) else getattr(dtype, "name", dtype)
    if isinstance(name, str) and name.startswith("mixed_"):
        return "float32", name.removeprefix("mixed_")
    name = tf.as_dtype(name).name
    return name, name


def _batch_input_shape(kwargs: dict[str, Any]) -> tuple[Any, ...] | None:
    if kwargs.get("batch_input_shape") is not None:
        return tuple(kwargs["batch_input_shape"])
    if kwargs.get("input_shape") is not None:
        shape = kwargs["input_shape"]
        shape = (shape,) if isinstance(shape, int) else tuple(shape)
        return (kwargs.get("batch_size"), *shape)
    if kwargs.get("input_dim") is not None:
        return (kwargs.get("batch_size"), kwargs["input_dim"])
    return None


def _keras_case(name: str) -> str:
    """``Conv2DTranspose`` -> ``conv2d_transpose``"""
    name = re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", name)
    name = re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
    return f"private{name}" if name.startswith("_") else name
