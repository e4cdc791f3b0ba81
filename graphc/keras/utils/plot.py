"""`plot_model`: the graph of a model as a picture, without any external program."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from graphc.formats.extras import extra
from graphc.inspect.layout import layered
from graphc.inspect.svg import INPUT, PLAIN, TINTS, Box, Picture, document
from graphc.keras.utils.layer_utils import kind_of


def plot_model(
    model: Any,
    to_file: Any = "model.png",
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = True,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 96,
    layer_range: Any = None,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
) -> Any:
    """Draw the layers and what they feed; a notebook shows what is returned.

    ``.svg`` files need nothing, ``.png`` files resvg (``pip install graphc[viz]``).  Raises
    ``ValueError`` if the model is not built.
    """
    if not model.built:
        raise ValueError(
            "This model has not yet been built. Build the model first by calling `build()` or by"
            " calling the model on a batch of data."
        )
    show = _Shown(show_shapes, show_dtype, show_layer_names, show_layer_activations, expand_nested)
    svg = document(show.picture(model))
    if to_file is None:
        return _Drawn(svg)
    path = Path(to_file)
    if path.suffix == ".svg":
        path.write_text(svg, encoding="utf-8")
    elif path.suffix == ".png":
        path.write_bytes(_png(svg, dpi))
    else:
        raise ValueError(f"plot_model writes .svg and .png files, not {path.name!r}")
    return _Drawn(svg)


def model_to_dot(model: Any, **options: Any) -> Any:
    """What `plot_model` draws; the name is Keras's, no dot is needed."""
    return plot_model(model, to_file=None, **options)


class _Drawn:
    """A picture that notebooks show."""

    def __init__(self, svg: str) -> None:
        self.data = svg

    def _repr_svg_(self) -> str:
        return self.data


def _png(svg: str, dpi: int) -> bytes:
    resvg = extra("resvg_py", "viz", "plot_model needs resvg for .png files, not for .svg")
    drawn = resvg.svg_to_bytes(
        svg_string=svg,
        background="white",
        zoom=max(1, dpi // 48),
        monospace_family="DejaVu Sans Mono",
    )
    return bytes(drawn)


class _Shown:
    """What is told of each layer."""

    def __init__(
        self, shapes: bool, dtype: bool, names: bool, activations: bool, nested: bool
    ) -> None:
        self.shapes, self.dtype, self.names = shapes, dtype, names
        self.activations, self.nested = activations, nested

    def picture(self, model: Any) -> Picture:
        boxes = {layer.name: self.box(layer) for layer in _drawn_layers(model)}
        edges = [edge for edge in _edges(model) if edge[0] in boxes and edge[1] in boxes]
        return Picture(boxes, layered({key: box.size for key, box in boxes.items()}, edges))

    def box(self, layer: Any) -> Box:
        kind = kind_of(layer)
        lines = [f"{layer.name} ({kind})" if self.names else kind]
        activation = getattr(layer, "activation", None)
        if self.activations and activation is not None:
            lines.append(getattr(activation, "__name__", str(activation)))
        if self.dtype:
            lines.append(str(layer.dtype))
        if self.shapes and layer._inbound_nodes:
            lines += [f"input: {layer.input_shape}", f"output: {layer.output_shape}"]
        inner = []
        if self.nested and getattr(layer, "layers", None):
            inner = [("", self.picture(layer))]
        colour = INPUT if kind == "InputLayer" else TINTS[0] if layer.weights else PLAIN
        count = sum(v.shape.num_elements() for v in layer.weights)
        return Box(lines, colour, f"{layer.name}: {count} parameters", inner)


def _drawn_layers(model: Any) -> list[Any]:
    return model._graph.layers if model._graph is not None else model.layers


def _edges(model: Any) -> list[tuple[str, str]]:
    if model._graph is None:
        names = [layer.name for layer in model.layers]
        return list(zip(names, names[1:], strict=False))
    return [(t.name, node.layer.name) for node in model._graph.nodes for t in node.tensors()]
