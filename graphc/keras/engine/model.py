"""Model: layers that are trained and saved together."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import graphc as tf
from graphc.keras.engine import graph as graphs
from graphc.keras.engine.base_layer import Layer, _map_shapes
from graphc.keras.engine.keras_tensor import (
    Input,
    InputLayer,
    KerasTensor,
    output_types,
    placeholder,
)
from graphc.keras.engine.training import Trainer
from graphc.keras.utils.layer_utils import print_summary


class Model(Trainer, Layer):
    """Layers with training and saving (Keras 2: ``tf.keras.Model``).

    ``Model(inputs, outputs)`` of symbolic tensors is the graph between them; a subclass computes in
    ``call(inputs, training=None)``.
    """

    _untracked = Layer._untracked | Trainer._untracked | {"_graph"}
    _graph: graphs.Graph | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        inputs, outputs, kwargs = _symbolic_ends(args, kwargs)
        super().__init__(**kwargs)
        self._init_training()
        if outputs is not None:
            self._set_graph(inputs, outputs)

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Layer | tf.Variable) and "_own_losses" not in vars(self):
            raise RuntimeError(
                "It looks like you are subclassing `Model` and you forgot to call"
                " `super().__init__()`. Always start with this line."
            )
        super().__setattr__(name, value)

    def _set_graph(self, inputs: Any, outputs: Any) -> None:
        self._graph = graphs.Graph(inputs, outputs, type(self).__name__)
        self.input_spec = self._graph.input_spec()
        self.built = True
        self._build_shape = tf.nest.map_structure(lambda t: t.shape, inputs)

    # --- computing ---

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        """Replay the graph; a subclass without one says what to compute."""
        if self._graph is None:
            raise NotImplementedError(
                "Unimplemented `tf.keras.Model.call()`: if you intend to create a `Model` with the"
                " Functional API, please provide `inputs` and `outputs` arguments. Otherwise,"
                " subclass `Model` with an overridden `call()` method."
            )
        return self._graph(inputs)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return None

    def _finished(self, inputs: Any, outputs: Any, mask: Any) -> Any:
        return outputs  # its layers have put their masks on

    def build(self, input_shape: Any) -> None:
        """Make the weights by a call on tensors of these shapes that is thrown away.

        Raises ``ValueError`` if ``call`` cannot take them.
        """
        if self._graph is None and input_shape is not None:
            inputs = _map_shapes(lambda s: placeholder(s, self.compute_dtype), input_shape)
            self.built = True
            try:
                with tf.name_scope(""):  # that of the model is opened by its call
                    output_types(self, (inputs,), {})
            except BaseException:
                self.built = False
                raise
        super().build(input_shape)

    def _build_for(self, inputs: Any) -> None:
        if type(self).build is not Model.build:
            super()._build_for(inputs)
        self.built = True  # its layers are built when it runs

    def add_loss(self, losses: Any, **kwargs: Any) -> None:
        """Add to what is minimised; a symbolic tensor counts each time the graph runs."""
        for loss in tf.nest.flatten(losses):
            if isinstance(loss, KerasTensor):
                self._ends("graph").note(loss, super().add_loss)
            else:
                super().add_loss(loss)

    def add_metric(self, value: Any, name: str | None = None, **kwargs: Any) -> None:
        if isinstance(value, KerasTensor):
            add = super().add_metric
            self._ends("graph").note(value, lambda now: add(now, name))
        else:
            super().add_metric(value, name, **kwargs)

    # --- its layers ---

    def _children(self) -> list[Layer]:
        found = {id(layer): layer for layer in (self._graph.layers if self._graph else ())}
        for layer in super()._children():
            found.setdefault(id(layer), layer)
        return list(found.values())

    @property
    def layers(self) -> list[Layer]:
        return self._children()

    @property
    def weights(self) -> list[tf.Variable]:
        """All Variables, layer by layer."""
        found: dict[int, tf.Variable] = {}
        for layer in self._children():
            found |= {id(v): v for v in layer.weights if id(v) not in found}
        return [*found.values(), *(v for _, v in self._owned() if id(v) not in found)]

    variables = weights  # type: ignore[assignment]

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """A layer by its name or number; ``ValueError`` if there is none."""
        layers = self.layers
        if index is not None:
            if not -len(layers) <= index < len(layers):
                raise ValueError(
                    f"Was asked to retrieve layer at index {index} but model only has"
                    f" {len(layers)} layers."
                )
            return layers[index]
        if name is None:
            raise ValueError("Provide either a layer name or layer index at `get_layer`.")
        for layer in layers:
            if layer.name == name:
                return layer
        known = [layer.name for layer in layers]
        raise ValueError(f"No such layer: {name}. Existing layers are: {known}.")

    # --- the graph's ends ---

    def _ends(self, what: str) -> graphs.Graph:
        if self._graph is None:
            raise AttributeError(f"model {self.name} has no {what}: it was never called")
        return self._graph

    @property
    def inputs(self) -> list[KerasTensor] | None:
        return self._graph and self._graph.inputs

    @property
    def outputs(self) -> list[KerasTensor] | None:
        return self._graph and self._graph.outputs

    @property
    def input(self) -> Any:
        return self._ends("input").structure

    @property
    def output(self) -> Any:
        return self._ends("output").results

    def _only_shape(self, what: str, tensors_at: Any) -> Any:
        return tf.nest.map_structure(lambda t: tuple(t.shape), getattr(self, what))

    @property
    def input_names(self) -> list[str]:
        return self._ends("inputs").input_names

    @property
    def output_names(self) -> list[str] | None:
        """Names that losses and metrics of several outputs go by."""
        return self._graph and self._graph.output_names

    @property
    def state_updates(self) -> list[Any]:
        return []

    # --- showing and copying ---

    def summary(
        self,
        line_length: int | None = None,
        positions: Any = None,
        print_fn: Callable[[str], None] | None = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: Any = None,
    ) -> None:
        """Print layers, their output shapes and numbers of weights; ``ValueError`` if not built."""
        if not self.built:
            raise ValueError(
                "This model has not yet been built. Build the model first by calling `build()` or"
                " by calling the model on a batch of data."
            )
        print_summary(
            self, line_length, positions, print_fn, expand_nested, show_trainable, layer_range
        )

    def get_config(self) -> dict[str, Any]:
        if self._graph is None or type(self).__init__ is not Model.__init__:
            return super().get_config()
        return {"name": self.name, "trainable": self.trainable} | self._graph.get_config()

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        from graphc.keras.engine.saving import layer_classes  # layers know models

        if "layers" not in config or "input_layers" not in config:
            return cls(**config)
        with tf.keras.utils.custom_object_scope(custom_objects or {}):
            inputs, outputs = graphs.from_config(config, layer_classes())
        made = cls(inputs=inputs, outputs=outputs, name=config.get("name"))
        if not config.get("trainable", True):
            made._trainable = False
        return made

    def to_json(self, **kwargs: Any) -> str:
        """The architecture; `model_from_json` makes the model of it, with new weights."""
        from graphc.keras.engine.saving import model_config  # it knows models

        return json.dumps(model_config(self), **kwargs)

    def save(self, filepath: Any, overwrite: bool = True, **kwargs: Any) -> None:
        """Write architecture, weights, and how it was compiled; see `load_model`."""
        from graphc.keras.engine import saving  # it knows models

        saving.save_model(self, filepath, overwrite, **kwargs)

    def save_weights(self, filepath: Any, overwrite: bool = True, **kwargs: Any) -> None:
        from graphc.keras.engine import saving  # it knows models

        saving.save_weights(self, filepath, overwrite)

    def load_weights(self, filepath: Any, by_name: bool = False, **kwargs: Any) -> None:
        """Read what `save_weights` or `save` wrote; nothing changes unless all fits."""
        from graphc.keras.engine import saving  # it knows models

        saving.load_weights(self, filepath, by_name, kwargs.get("skip_mismatch", False))


def clone_model(
    model: Model, input_tensors: Any = None, clone_function: Callable[[Layer], Layer] | None = None
) -> Model:
    """The same architecture with new weights; ``clone_function`` makes each layer.

    Raises ``ValueError`` for subclassed models: what they are is in their code.
    """
    clone = clone_function or (lambda layer: type(layer).from_config(layer.get_config()))
    sequential = getattr(model, "_clone_with", None)
    if sequential is not None:
        return sequential(clone)
    if model._graph is None:
        raise ValueError("Expected `model` to be a functional or Sequential model, got a subclass")
    clones = {
        id(layer): layer if isinstance(layer, InputLayer) else clone(layer)
        for layer in model.layers
    }
    graph = model._graph
    inputs = input_tensors
    if inputs is None:
        fresh = [
            Input(batch_shape=tuple(t.shape), dtype=t.dtype, name=t.name) for t in graph.inputs
        ]
        inputs = tf.nest.pack_sequence_as(graph.structure, fresh)
    outputs = graph(inputs, lambda layer: clones[id(layer)])
    return type(model)(inputs=inputs, outputs=outputs, name=model.name)


def _symbolic_ends(args: Any, kwargs: dict[str, Any]) -> tuple[Any, Any, dict[str, Any]]:
    """The symbolic inputs and outputs among a model's arguments, and the other arguments."""
    names = ("inputs", "outputs", "name")
    if args and tf.nest.flatten(args[0]) and isinstance(tf.nest.flatten(args[0])[0], KerasTensor):
        kwargs = dict(zip(names, args, strict=False)) | kwargs
        args = ()
    if args:
        raise TypeError(f"Model takes symbolic inputs and outputs, got {args[0]!r}")
    inputs, outputs = kwargs.pop("inputs", None), kwargs.pop("outputs", None)
    if (inputs is None) is not (outputs is None):
        raise TypeError("a functional model needs both `inputs` and `outputs`")
    return inputs, outputs, kwargs
