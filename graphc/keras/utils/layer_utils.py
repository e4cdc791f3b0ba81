"""`Model.summary`: a table of layers, as Keras 2 prints it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import graphc as tf


def print_summary(
    model: Any,
    line_length: int | None = None,
    positions: Any = None,
    print_fn: Callable[[str], None] | None = None,
    expand_nested: bool = False,
    show_trainable: bool = False,
    layer_range: Any = None,
) -> None:
    """Print the table; functional models with branches have a column for what a layer is fed by."""
    table = _Table(model, line_length, positions, print_fn or print, expand_nested, show_trainable)
    table.show(_in_range(model.layers, layer_range))


class _Table:
    def __init__(
        self, model: Any, length: Any, positions: Any, print_fn: Any, nested: bool, trainable: bool
    ) -> None:
        self.model, self.print, self.nested, self.trainable = model, print_fn, nested, trainable
        self.chain = _is_chain(model)
        self.length = length or (65 if self.chain else 98)
        ends = list(positions or ([0.45, 0.85, 1.0] if self.chain else [0.3, 0.6, 0.7, 1.0]))
        self.ends = ends if ends[-1] > 1 else [int(self.length * share) for share in ends]
        self.titles = ["Layer (type)", "Output Shape", "Param #"]
        if not self.chain:
            self.titles.append("Connected to")
        if trainable:
            self.titles.append("Trainable")
            self.length += 11
            self.ends.append(self.length)
        nodes = model._graph.nodes if model._graph is not None else ()
        self.nodes = {id(node) for node in nodes}

    def show(self, layers: list[Any]) -> None:
        self.print(f'Model: "{self.model.name}"')
        self.print("_" * self.length)
        self._row(self.titles, 0)
        self.print("=" * self.length)
        for layer in layers:
            self._layer(layer, 0, False)
        self.print("=" * self.length)
        trained = _count(self.model.trainable_weights)
        fixed = _count(self.model.non_trainable_weights)
        total = trained[0] + fixed[0], trained[1] + fixed[1]
        for label, (count, size) in (
            ("Total", total), ("Trainable", trained), ("Non-trainable", fixed),
        ):  # fmt: skip
            self.print(f"{label} params: {count} ({_memory(size)})")
        self.print("_" * self.length)

    def _layer(self, layer: Any, depth: int, last: bool) -> None:
        fields = [f"{layer.name} ({kind_of(layer)})", _shape(layer), _params(layer)]
        if not self.chain:
            fields.append(self._sources(layer))
        if self.trainable:
            fields.append("Y" if layer.trainable else "N")
        self._row(fields, depth)
        inner = getattr(layer, "layers", None) if self.nested else None
        if inner:
            self._line("¯", depth + 1, depth)
            for number, each in enumerate(inner):
                self._layer(each, depth + 1, number == len(inner) - 1)
            self._line("¯", depth, depth)
        if not last:
            self._line(" ", depth, depth)

    def _line(self, mark: str, bars: int, depth: int) -> None:
        length = self.length - 2 * bars
        self.print("|" * bars + mark * length + "|" * bars)

    def _sources(self, layer: Any) -> list[str]:
        """The calls that feed the layer in this model."""
        return [
            f"{t.name}[{t._keras_history.node_index}][{t._keras_history.tensor_index}]"
            for node in layer._inbound_nodes
            if id(node) in self.nodes
            for t in node.tensors()
        ]

    def _row(self, fields: list[Any], depth: int) -> None:
        """One row; what is too long for its column goes on in the next line."""
        left = [str(field) for field in fields]
        final = len(self.ends) - 1
        while any(left):
            line = ""
            for column, (begin, end) in enumerate(zip([0, *self.ends], self.ends, strict=False)):
                gap = 2 if column != final else 0
                room = end - begin - gap - (column != final) - depth * (column == 0)
                piece = left[column][:room]
                ends = [piece.find(mark) + len(mark) for mark in _ENDS if mark in piece]
                piece = piece[: min(ends, default=room)]
                left[column] = left[column][min(ends, default=room) :]
                line += ("|" * depth + " " if column == 0 else "") + piece + " " * gap
                line = line.ljust(end - depth * (column == final))
            self.print(line + "|" * depth)


_ENDS = ("),", "},", "],", "',")  # where a long field is broken


def _is_chain(model: Any) -> bool:
    """Whether each layer feeds the next one only."""
    if model._graph is None or hasattr(model, "_clone_with"):
        return True
    nodes = model._graph.nodes
    fed = [id(t.node) for node in nodes for t in node.tensors()]
    called = {id(node.layer) for node in nodes}
    alone = all(len(node.tensors()) <= 1 for node in nodes) and len(called) == len(nodes)
    return alone and len(set(fed)) == len(fed)


def kind_of(layer: Any) -> str:
    name = type(layer).__name__
    return "Functional" if name == "Model" and layer._graph is not None else name


def _shape(layer: Any) -> str:
    try:
        shape = layer.output_shape
    except AttributeError:
        return _said(getattr(layer, "_last_shape", None))
    return _said(shape, wrapped=type(layer).__name__ == "InputLayer")


def _said(shape: Any, wrapped: bool = False) -> str:
    if shape is None:
        return "multiple"
    if isinstance(shape, list) and len(shape) == 1:
        shape = shape[0]
    return f"[{shape}]" if wrapped else str(shape)


def _params(layer: Any) -> str:
    if not layer.built and not layer.weights:
        return "0 (unused)"
    return str(sum(int(np.prod(v.shape)) for v in layer.weights))


def _count(weights: Any) -> tuple[int, int]:
    """How many numbers, and how many bytes."""
    unique = {id(v): v for v in weights}.values()
    sizes = [int(np.prod(v.shape)) for v in unique]
    return sum(sizes), sum(n * v.dtype.size for n, v in zip(sizes, unique, strict=True))


def _memory(size: int) -> str:
    for unit in ("Byte", "KB", "MB", "GB"):
        if size < 1024 or unit == "GB":
            return f"{size:.2f} {unit}"
        size /= 1024  # type: ignore[assignment]
    return ""


def _in_range(layers: list[Any], pair: Any) -> list[Any]:
    """The layers from the first to the last name; both may be regular expressions."""
    if pair is None:
        return layers
    if len(pair) != 2:
        raise ValueError(f"layer_range must be a pair of names, got {pair}")
    begin, end = (
        [i for i, layer in enumerate(layers) if re.match(name, layer.name)] for name in pair
    )
    if not begin or not end:
        raise ValueError(f"Passed layer_names do not match the layers in the model: {pair}")
    return layers[min(begin) : max(end) + 1]


def assign_weights(variables: Sequence[tf.Variable], weights: Any, owner: str, title: str) -> None:
    """Give all Variables their values, or none; ``owner`` and ``title`` are for the messages.

    Raises ``ValueError`` for another number of weights, or another shape.
    """
    if len(variables) != len(weights):
        raise ValueError(
            f"You called `set_weights(weights)` on {owner} with a weight list of length"
            f" {len(weights)}, but the {owner.split()[0]} was expecting {len(variables)} weights."
        )
    for variable, value in zip(variables, weights, strict=True):
        if tuple(variable.shape) != np.shape(value):
            raise ValueError(
                f"{title} weight shape {tuple(variable.shape)} is not compatible with"
                f" provided weight shape {np.shape(value)}."
            )
    for variable, value in zip(variables, weights, strict=True):
        variable.assign(tf.cast(value, variable.dtype))


def count_params(weights: Any) -> int:
    """How many numbers these weights hold."""
    return _count(tf.nest.flatten(weights))[0]
