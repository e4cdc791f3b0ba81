"""A graph as a picture: SVG with presentation attributes only.

So it looks the same in a notebook, on GitHub and in a browser, on light and on dark pages.
Constants are folded into their users, regions are nested boxes, each fused kernel has one tint, and
above `COLLAPSE` nodes the nodes of one source line become one box.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

from graphc.inspect.layout import Layout, layered
from graphc.ir.graph import Graph, Node, Value

COLLAPSE = 150  # nodes; above it, one box for each line of the user's source
CHAR, LINE, PAD = 6.7, 15.0, 8.0  # width of a letter, height of a line, inner margin
LINE_COLOUR = "#8a94a6"
TINTS = ("#4c8dd6", "#d6804c", "#4cae6e", "#a86fd0", "#c9a227", "#4bb3b3", "#d65c8a", "#7f8fa6")
PLAIN, INPUT, STATE = "#8a94a6", "#3c9a5f", "#b0803a"


@dataclass
class Box:
    """One vertex of the picture: lines of text, or an inner picture."""

    lines: list[str]
    colour: str = PLAIN
    tooltip: str = ""
    inner: list[tuple[str, Picture]] = field(default_factory=list)
    rounded: bool = False

    @property
    def title_height(self) -> float:
        return LINE * len(self.lines) + PAD

    @property
    def size(self) -> tuple[float, float]:
        width = max((len(line) for line in self.lines), default=0) * CHAR + 2 * PAD
        height = self.title_height
        if self.inner:
            width = max(width, sum(p.width + PAD for _, p in self.inner) + PAD)
            height += max(p.height for _, p in self.inner) + LINE + PAD
        return width, height


@dataclass
class Picture:
    """Boxes with their places."""

    boxes: dict[Any, Box]
    layout: Layout

    @property
    def width(self) -> float:
        return self.layout.width

    @property
    def height(self) -> float:
        return self.layout.height


def to_svg(graph: Graph, collapse: bool | None = None) -> str:
    """Draw a graph; ``collapse`` groups nodes by source line (default: for large graphs)."""
    count = sum(1 for _ in graph.walk())
    grouped = count > COLLAPSE if collapse is None else collapse
    note = f"<!-- {count} nodes, one box a source line -->" if grouped else ""
    return document(_by_line(graph) if grouped else _picture(graph, top=True), note)


def document(picture: Picture, note: str = "") -> str:
    """A picture as an SVG file."""
    width, height = picture.width + 2 * PAD, picture.height + 2 * PAD
    body = "".join(_draw(picture, PAD, PAD))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}"'
        f' viewBox="0 0 {width:.0f} {height:.0f}" font-family="monospace" font-size="11">'
        f"{note}{body}</svg>"
    )


# --- what is drawn ------------------------------------------------------------------------------


def _picture(graph: Graph, top: bool = False) -> Picture:
    """Boxes for the parameters, the nodes and the results of a graph."""
    boxes: dict[Any, Box] = {}
    edges: list[tuple[Any, Any]] = []
    constants = {v: n for n in graph.nodes if n.op.name == "constant" for v in n.outputs}
    state = {slot.value for slot in graph.state}
    used = {v for n in graph.nodes for v in n.inputs} | set(graph.results)
    for value in graph.parameters:
        if value in used or top:
            colour = STATE if value in state else INPUT
            text = [f"%{value.name}", str(value.type)]
            boxes[value] = Box(text, colour, str(value), rounded=True)
    fused = 0
    for node in graph.nodes:
        if node.op.name in ("constant", "guard"):
            continue
        tint = TINTS[fused % len(TINTS)] if node.op.name == "fused" else PLAIN
        fused += node.op.name == "fused"
        boxes[node] = _node_box(node, constants, tint)
        edges += [(_source(graph, v), node) for v in node.inputs if v not in constants]
    results = [v for v in graph.results if v not in constants]
    if results:
        updates = [f"%{s.value.name} = %{s.update.name}" for s in graph.state if s.update]
        returned = "return " + ", ".join(f"%{v.name}" for v in graph.outputs)
        lines = _clip([returned if top else returned.replace("return", "yield"), *updates])
        boxes["results"] = Box(lines, INPUT, "results", rounded=True)
        edges += [(_source(graph, v), "results") for v in results]
    sizes = {key: box.size for key, box in boxes.items()}
    return Picture(boxes, layered(sizes, [e for e in edges if e[0] in boxes]))


def _source(graph: Graph, value: Value) -> Any:
    return graph.producer.get(value, value)


def _node_box(node: Node, constants: dict[Value, Node], tint: str) -> Box:
    """Text and tooltip of a node; regions become inner pictures, a fused kernel lists its ops."""
    names = ", ".join(f"%{v.name}" for v in node.outputs)
    literals = [_literal(constants[v]) for v in node.inputs if v in constants]
    where = f"  {node.loc}" if node.loc else ""
    tooltip = f"{names} = {node.op.name}{where}\n" + "\n".join(map(repr, node.outputs))
    if node.op.name == "fused":
        ops = [n.op.name for n in node.regions["body"].nodes if n.op.name != "constant"]
        lines = ["fused kernel", *_wrapped(ops), names]
        return Box(_clip(lines), tint, tooltip)
    inner = [(label, _picture(region)) for label, region in node.regions.items()]
    head = " ".join([node.op.name, *literals])
    types = ", ".join(str(v.type) for v in node.outputs)
    return Box(_clip([head, f"{names}: {types}" if names else ""]), tint, tooltip, inner)


def _literal(node: Node) -> str:
    value = node.attrs["value"]
    return f"{value[()]:.4g}" if value.size == 1 and value.dtype.kind in "iuf" and not value.ndim \
        else f"const{list(value.shape)}"  # fmt: skip


def _wrapped(words: Sequence[str], width: int = 34) -> list[str]:
    lines, line = [], ""
    for word in words:
        if line and len(line) + len(word) + 1 > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    return [*lines, line]


def _clip(lines: Sequence[str], width: int = 44, count: int = 8) -> list[str]:
    kept = [s if len(s) <= width else s[: width - 1] + "…" for s in lines if s]
    return kept if len(kept) <= count else [*kept[: count - 1], f"… {len(kept) - count + 1} more"]


def _by_line(graph: Graph) -> Picture:
    """One box for each source line, in program order; what would make a cycle stays apart."""
    group: dict[Node, Any] = {}
    seen: dict[Any, int] = {}
    last: Any = None
    for node in graph.nodes:
        place = str(node.loc) if node.loc else None
        # only neighbours in program order are merged: the picture stays free of cycles
        if place != last:
            seen[place] = seen.get(place, -1) + 1
        last = place
        group[node] = (place, seen[place])
    members: dict[Any, list[Node]] = {}
    for node, key in group.items():
        members.setdefault(key, []).append(node)
    boxes: dict[Any, Box] = {}
    for key, nodes in members.items():
        place = key[0]
        ops = [n.op.name for n in nodes if n.op.name != "constant"]
        title = place or "no line"
        boxes[key] = Box(_clip([title, f"{len(ops)} ops", *_wrapped(list(dict.fromkeys(ops)))]))
    edges = []
    for node, key in group.items():
        for value in node.inputs:
            source = graph.producer.get(value)
            if source is not None and group[source] != key:
                edges.append((group[source], key))
    sizes = {key: box.size for key, box in boxes.items()}
    return Picture(boxes, layered(sizes, edges))


# --- drawing ------------------------------------------------------------------------------------


def _draw(picture: Picture, x: float, y: float) -> Iterator[str]:
    """Edges first, boxes over them."""
    for points in picture.layout.routes.values():
        yield _edge([(px + x, py + y) for px, py in points])
    for key, box in picture.boxes.items():
        cx, cy = picture.layout.centres[key]
        yield from _draw_box(box, cx + x, cy + y)


def _edge(points: Sequence[tuple[float, float]]) -> str:
    (x, y), *rest = points
    path = f"M{x:.0f} {y:.0f}"
    for at, (nx, ny) in enumerate(rest):
        if at % 2 == 0:  # between two layers: a curve; along a layer: straight
            middle = (y + ny) / 2
            path += f"C{x:.0f} {middle:.0f} {nx:.0f} {middle:.0f} {nx:.0f} {ny:.0f}"
        else:
            path += f"L{nx:.0f} {ny:.0f}"
        x, y = nx, ny
    tip = f"M{x - 3:.1f} {y - 5:.1f}L{x:.1f} {y:.1f}L{x + 3:.1f} {y - 5:.1f}"
    return f'<path d="{path}{tip}" fill="none" stroke="{LINE_COLOUR}" stroke-width="1"/>'


def _draw_box(box: Box, cx: float, cy: float) -> Iterator[str]:
    width, height = box.size
    left, top = cx - width / 2, cy - height / 2
    yield (
        f'<g><title>{escape(box.tooltip)}</title><rect x="{left:.1f}" y="{top:.1f}"'
        f' width="{width:.1f}" height="{height:.1f}" rx="{9 if box.rounded else 4}"'
        f' fill="{box.colour}" fill-opacity="{0.06 if box.inner else 0.18}"'
        f' stroke="{box.colour}"/>'
    )
    for i, line in enumerate(box.lines):
        weight = ' font-weight="bold"' if i == 0 else ""
        yield (
            f'<text x="{cx:.1f}" y="{top + PAD / 2 + LINE * (i + 0.78):.1f}" text-anchor="middle"'
            f' fill="currentColor"{weight}>{escape(line)}</text>'
        )
    yield "</g>"
    x = left + PAD
    for label, inner in box.inner:
        y = top + box.title_height
        yield f'<text x="{x:.1f}" y="{y + LINE * 0.7:.1f}" fill="currentColor" font-style="italic">'
        yield f"{escape(label)}</text>"
        yield from _draw(inner, x, y + LINE)
        x += inner.width + PAD
