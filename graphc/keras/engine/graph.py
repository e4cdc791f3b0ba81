"""The graph of a functional model: calls of layers between symbolic inputs and outputs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import graphc as tf
from graphc.keras.engine.base_layer import Layer
from graphc.keras.engine.input_spec import InputSpec
from graphc.keras.engine.keras_tensor import InputLayer, KerasTensor, Node
from graphc.keras.utils.serialization import (
    deserialize_keras_object,
    plain,
    serialize_keras_object,
)


class Graph:
    """Calls of layers in an order in which they can be replayed.

    Raises ``ValueError`` if an output does not come from the inputs alone.
    """

    def __init__(self, inputs: Any, outputs: Any, model: str) -> None:
        self.structure, self.results = inputs, outputs
        self.inputs: list[KerasTensor] = tf.nest.flatten(inputs)
        self.outputs: list[KerasTensor] = tf.nest.flatten(outputs)
        for what, tensors in (("Input", self.inputs), ("Output", self.outputs)):
            for t in tensors:
                if not isinstance(t, KerasTensor):
                    raise ValueError(
                        f"{what} tensors to a {model} must be the output of a `tf.keras.layers."
                        f"Layer` or `tf.keras.Input`. Received: {t!r}"
                    )
        self.noted: list[tuple[KerasTensor, Callable[[Any], Any]]] = []
        self.nodes, self.layers = self._ordered()
        self.input_names = [t.name for t in self.inputs]
        self.output_names = _output_names(self.outputs)

    def note(self, t: KerasTensor, tell: Callable[[Any], Any]) -> None:
        """Compute a symbolic tensor too, and tell its value at each run."""
        self.noted.append((t, tell))
        self.nodes, self.layers = self._ordered()

    def _ordered(self) -> tuple[list[Node], list[Layer]]:
        """Nodes and layers, those furthest from the outputs first, as Keras lists them."""
        finished, order = self._walked()
        depths: dict[int, int] = {}
        layer_depths: dict[int, int] = {}
        for node in reversed(finished):
            depth = max(depths.get(id(node), 0), layer_depths.get(id(node.layer), 0))
            depths[id(node)] = layer_depths[id(node.layer)] = depth
            for parent in self._parents(node):
                depths[id(parent)] = max(depth + 1, depths.get(id(parent), 0))
        layers = sorted(order.values(), key=lambda entry: -layer_depths[id(entry)])
        nodes = sorted(finished, key=lambda node: -depths[id(node)])
        return nodes, layers

    def _walked(self) -> tuple[list[Node], dict[int, Layer]]:
        """Nodes after what they need, and layers in the order they are met."""
        given = {id(t) for t in self.inputs}
        finished: dict[int, Node] = {}
        order: dict[int, Layer] = {}

        def walk(t: KerasTensor) -> None:
            stack: list[tuple[Node, Iterable[KerasTensor]]] = [self._enter(t, given, order)]
            while stack:
                node, rest = stack[-1]
                following = next(rest, None)  # type: ignore[call-overload]
                if following is None:
                    finished.setdefault(id(node), node)
                    stack.pop()
                elif id(following.node) not in finished:
                    stack.append(self._enter(following, given, order))

        for t in (*self.outputs, *(t for t, _ in self.noted), *self.inputs):
            walk(t)
        return list(finished.values()), order

    def _enter(self, t: KerasTensor, given: set[int], order: dict[int, Layer]) -> Any:
        """A node and an iterator over the symbolic tensors that it needs."""
        node = t.node
        if isinstance(node.layer, InputLayer) and id(t) not in given:
            raise ValueError(
                f'Graph disconnected: cannot obtain value for tensor {t} at layer "{t.name}". The'
                f" following previous layers were accessed without issue: {list(self.names(order))}"
            )
        order.setdefault(id(node.layer), node.layer)
        return node, iter(() if id(t) in given else node.tensors())

    @staticmethod
    def names(layers: Mapping[int, Layer]) -> list[str]:
        return [layer.name for layer in layers.values()]

    def _parents(self, node: Node) -> list[Node]:
        begins = any(t.node is node for t in self.inputs)
        return [] if begins else node.parents()

    # --- running ---

    def __call__(self, inputs: Any, layer_of: Callable[[Layer], Layer] | None = None) -> Any:
        """Replay the calls on these inputs, with other layers in the place of its own if given."""
        flat = self._matched(inputs)
        values: dict[int, Any] = {id(t): x for t, x in zip(self.inputs, flat, strict=True)}
        for node in self.nodes:
            made = tf.nest.flatten(node.outputs)
            if all(id(t) in values for t in made):
                continue
            layer = node.layer if layer_of is None else layer_of(node.layer)
            for t, y in zip(made, tf.nest.flatten(node.replay(values, layer)), strict=True):
                values[id(t)] = y
        for t, tell in self.noted if layer_of is None else ():
            tell(values[id(t)])
        return tf.nest.pack_sequence_as(self.results, [values[id(t)] for t in self.outputs])

    def _matched(self, inputs: Any) -> list[Any]:
        """The inputs in order, with ranks and dtypes as the symbolic ones have them."""
        if isinstance(inputs, Mapping):
            names = self.input_names
            if isinstance(self.structure, Mapping):
                names = sorted(self.structure)
            missing = [name for name in names if name not in inputs]
            if missing:
                raise ValueError(f"Missing data for input {missing[0]!r}. Got: {sorted(inputs)}")
            flat = [inputs[name] for name in names]
        else:
            flat = tf.nest.flatten(inputs)
        if len(flat) != len(self.inputs):
            raise ValueError(
                f"the model takes {len(self.inputs)} inputs ({', '.join(self.input_names)}), it got"
                f" {len(flat)}"
            )
        return [_fitted(x, t) for x, t in zip(flat, self.inputs, strict=True)]

    def input_spec(self) -> Any:
        specs = [
            InputSpec(shape=(None, *t.shape[1:]), allow_last_axis_squeeze=True) for t in self.inputs
        ]
        if isinstance(self.structure, Mapping):
            return dict(zip(sorted(self.structure), specs, strict=True))
        return specs

    # --- as plain data ---

    def get_config(self) -> dict[str, Any]:
        """Layers, and for each the calls that are part of this graph."""
        numbers: dict[int, int] = {}
        calls: dict[int, list[Node]] = {id(layer): [] for layer in self.layers}
        for node in self.nodes:
            numbers[id(node)] = len(calls[id(node.layer)])
            calls[id(node.layer)].append(node)

        def place(t: KerasTensor) -> list[Any]:
            return [t.name, numbers[id(t.node)], t._keras_history.tensor_index]

        def encoded(value: Any) -> Any:
            if isinstance(value, KerasTensor):
                told = {"shape": list(value.shape), "dtype": value.dtype.name}
                told["keras_history"] = place(value)
                return {"class_name": "__keras_tensor__", "config": told}
            if isinstance(value, list | tuple):
                return [encoded(v) for v in value]
            if isinstance(value, Mapping):
                return {k: encoded(v) for k, v in value.items()}
            return plain(value)

        return {
            "layers": [
                serialize_keras_object(layer)
                | {
                    "name": layer.name,
                    "inbound_nodes": [
                        {"args": encoded([n.inputs, *n.args]), "kwargs": encoded(n.kwargs)}
                        for n in calls[id(layer)]
                        if not isinstance(layer, InputLayer)
                    ],
                }
                for layer in self.layers
            ],
            "input_layers": tf.nest.map_structure(place, self.structure),
            "output_layers": tf.nest.map_structure(place, self.results),
        }


def from_config(config: Mapping[str, Any], known: Mapping[str, Any]) -> tuple[Any, Any]:
    """The symbolic inputs and outputs of a config; ``known`` has the classes of layers."""
    layers = {
        entry["name"]: deserialize_keras_object(entry, known, printable_module_name="layer")
        for entry in config["layers"]
    }
    made: dict[tuple[str, int], Any] = {}
    waiting = []
    for entry in config["layers"]:
        if isinstance(layers[entry["name"]], InputLayer):
            made[entry["name"], 0] = layers[entry["name"]].output
        calls = enumerate(entry.get("inbound_nodes", ()))
        waiting += [(entry["name"], number, call) for number, call in calls]

    def tensor(place: Any) -> Any:
        name, node, index = place
        return tf.nest.flatten(made[name, node])[index]

    def decoded(value: Any) -> Any:
        if isinstance(value, Mapping) and value.get("class_name") == "__keras_tensor__":
            return tensor(value["config"]["keras_history"])
        if isinstance(value, Mapping):
            return {k: decoded(v) for k, v in value.items()}
        return [decoded(v) for v in value] if isinstance(value, list | tuple) else value

    while waiting:
        later = []
        for name, number, call in waiting:
            try:
                args, kwargs = decoded(call["args"]), decoded(call["kwargs"])
            except KeyError:  # made by a call that comes later in the list
                later.append((name, number, call))
                continue
            made[name, number] = layers[name](*args, **kwargs)
        if len(later) == len(waiting):
            raise ValueError(f"the calls of {', '.join(n for n, *_ in later)} need each other")
        waiting = later
    return _places(tensor, config["input_layers"]), _places(tensor, config["output_layers"])


def _places(tensor: Callable[[Any], Any], structure: Any) -> Any:
    if isinstance(structure, Mapping):
        return {k: _places(tensor, v) for k, v in structure.items()}
    if len(structure) == 3 and isinstance(structure[0], str):
        return tensor(structure)
    return [_places(tensor, v) for v in structure]


def _fitted(x: Any, symbolic: KerasTensor) -> Any:
    """An input with the rank and dtype that the symbolic one has."""
    if not tf.is_tensor(x):
        x = tf.convert_to_tensor(x)
    if isinstance(x, KerasTensor):
        return x
    rank = len(symbolic.shape)
    if len(x.shape) == rank - 1 and symbolic.shape[-1] == 1:
        x = tf.expand_dims(x, -1)
    elif len(x.shape) == rank + 1 and x.shape[-1] == 1:
        x = tf.squeeze(x, -1)
    if x.dtype != symbolic.dtype:
        mask = getattr(x, "_keras_mask", None)
        x = tf.cast(x, symbolic.dtype)
        if mask is not None:
            x._keras_mask = mask
    return x


def _output_names(outputs: list[KerasTensor]) -> list[str]:
    """Names of the layers that make them; ``dense_1`` for the second one of ``dense``."""
    counts: dict[str, int] = {}
    names = []
    for t in outputs:
        count = counts[t.name] = counts.get(t.name, 0) + 1
        names.append(t.name if count == 1 else f"{t.name}_{count - 1}")
    return names
