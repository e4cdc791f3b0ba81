"""Sequential: one layer after another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import graphc as tf
from graphc.keras.engine.base_layer import Layer, _is_tensors
from graphc.keras.engine.context import init_scope
from graphc.keras.engine.keras_tensor import InputLayer, KerasTensor
from graphc.keras.engine.model import Model
from graphc.keras.utils.serialization import deserialize_keras_object, serialize_keras_object


class Sequential(Model):
    """Layers in a row (Keras 2: ``tf.keras.Sequential``).

    It is built when the shape of its input is known: from an ``Input`` or ``input_shape=`` of the
    first layer, by `build`, or by the first call.
    """

    def __init__(self, layers: Any = None, name: str | None = None, **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self._row: list[Layer] = []
        layers = [layers] if isinstance(layers, Layer) else layers or []
        for layer in layers:
            self.add(layer)

    def add(self, layer: Any) -> None:
        """Append a layer; ``TypeError`` for what is none."""
        if isinstance(layer, KerasTensor):
            layer = layer.node.layer
        if isinstance(layer, tf.Module) and not isinstance(layer, Layer) and callable(layer):
            layer = ModuleWrapper(layer)
        if not isinstance(layer, Layer):
            raise TypeError(
                "The added layer must be an instance of class Layer. Received:"
                f" layer={layer} of type {type(layer)}."
            )
        if any(other.name == layer.name for other in self._row):
            raise ValueError(
                "All layers added to a Sequential model should have unique names. Name"
                f' "{layer.name}" is already the name of a layer in this model. Update the `name`'
                " argument to pass a unique name."
            )
        if not self._row and not isinstance(layer, InputLayer):
            shape = _input_shape(layer)
            if shape is not None:
                dtype = layer.compute_dtype if layer._autocast else None
                dtype = getattr(layer, "_input_dtype", dtype)
                begin = InputLayer(batch_input_shape=shape, dtype=dtype, name=f"{layer.name}_input")
                self._row.append(begin)
        self._row.append(layer)
        if isinstance(self._row[0], InputLayer):
            first = self._row[0].output
            self._connect(first, self._graph.results if self._graph else first, [layer])
        elif self._graph is not None:  # it was built for data: build it anew when called
            self._forget_graph()

    def _connect(self, first: Any, last: Any, layers: Any) -> None:
        """Call layers one after another, and take the graph from ``first`` to the end."""
        for layer in layers:
            if not isinstance(layer, InputLayer):
                last = layer(last)
                if len(tf.nest.flatten(last)) != 1:
                    raise ValueError(
                        "All layers in a Sequential model should have a single output tensor. For"
                        " multi-output layers, use the functional API."
                    )
        self._set_graph(first, last)
        if first is last:  # nothing but an input yet
            self.built = False

    def pop(self) -> None:
        """Remove the last layer."""
        if not self.layers:
            raise TypeError("There are no layers in the model.")
        self._row.pop()
        self._forget_graph()
        if self._row and isinstance(self._row[0], InputLayer):
            begin = self._row[0].output
            self._connect(begin, begin, self._row)

    def _forget_graph(self) -> None:
        gone = {id(node) for node in self._graph.nodes} if self._graph else set()
        for layer in self.layers:
            layer._inbound_nodes = [n for n in layer._inbound_nodes if id(n) not in gone]
        self._graph, self.built, self.input_spec = None, False, None

    @property
    def layers(self) -> list[Layer]:
        return [layer for layer in self._row if not isinstance(layer, InputLayer)]

    def _children(self) -> list[Layer]:
        held = [layer for layer in super(Model, self)._children() if layer not in self._row]
        return [*self.layers, *held]

    def build(self, input_shape: Any = None) -> None:
        """Make the weights for an input of this shape, with None for the batch."""
        if self._graph is None:
            if input_shape is None:
                raise ValueError("You must provide an `input_shape` argument.")
            self._begin((None, *tuple(input_shape)[1:]), self.compute_dtype)
        self.built = True

    def _begin(self, shape: Any, dtype: Any) -> None:
        begin = InputLayer(batch_input_shape=shape, dtype=dtype).output
        self._connect(begin, begin, self._row)

    def _build_for(self, inputs: Any) -> None:
        single = _is_tensors(inputs) and len(tf.nest.flatten(inputs)) == 1
        if not self.built and self._row and single and tf.is_tensor(inputs):
            shape = (None, *inputs.shape[1:]) if inputs.shape else ()
            try:
                with init_scope():
                    self._begin(shape, inputs.dtype)
            except Exception:  # a layer that needs values: they are called one after another
                self._forget_graph()
        self.built = True

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        if self._graph is not None:
            return self._graph(inputs)
        for layer in self.layers:
            inputs = layer(inputs)
        return inputs

    def get_config(self) -> dict[str, Any]:
        row = [serialize_keras_object(layer) for layer in self._row]
        config: dict[str, Any] = {"name": self.name, "layers": row}
        if self._graph is not None and not isinstance(self._row[0], InputLayer):
            config["build_input_shape"] = list(self._graph.inputs[0].shape)
        return config

    @classmethod
    def from_config(cls, config: Any, custom_objects: Any = None) -> Any:
        from graphc.keras.engine.saving import layer_classes  # layers know models

        entries = config["layers"] if isinstance(config, dict) else config
        model = cls(name=config.get("name") if isinstance(config, dict) else None)
        for entry in entries:
            model.add(deserialize_keras_object(entry, layer_classes(), custom_objects, "layer"))
        shape = config.get("build_input_shape") if isinstance(config, dict) else None
        if shape is not None and not model.built:
            model.build(shape)
        return model

    def _clone_with(self, clone: Callable[[Layer], Layer]) -> Sequential:
        row = [clone(layer) for layer in self._row]
        made = Sequential(row, name=self.name)
        if self._graph is not None and made._graph is None:
            made.build(self._graph.inputs[0].shape)
        return made


class ModuleWrapper(Layer):
    """A `tf.Module` with ``__call__`` as a layer."""

    def __init__(self, module: tf.Module, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.module = module

    def call(self, inputs: Any) -> Any:
        return self.module(inputs)  # type: ignore[operator]


def _input_shape(layer: Layer) -> Any:
    """The shape of the input that a first layer, or the first one inside of it, was given."""
    if isinstance(layer, Model):
        if layer._graph is not None:
            return tuple(layer._graph.inputs[0].shape)
        return _input_shape(layer.layers[0]) if layer.layers else None
    return getattr(layer, "_batch_input_shape", None)
