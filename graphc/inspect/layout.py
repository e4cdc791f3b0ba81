"""A layered layout of a directed acyclic graph, without any external program.

Sugiyama's method: layers by longest path, dummy vertices where an edge crosses a layer (so that
edges go between boxes, not through them), crossings reduced by barycentre sweeps, then positions
that pull each vertex towards its neighbours.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field

Vertex = Hashable
Point = tuple[float, float]

GAP_X, GAP_Y = 18.0, 30.0
SWEEPS = 6


@dataclass
class Layout:
    """Centres of the vertices, the points each edge goes through, and the size of the whole."""

    centres: dict[Vertex, Point] = field(default_factory=dict)
    routes: dict[tuple[Vertex, Vertex], list[Point]] = field(default_factory=dict)
    width: float = 0.0
    height: float = 0.0


class _Dummy:
    """Where a long edge crosses a layer."""

    __slots__ = ()


def layered(sizes: Mapping[Vertex, Point], edges: Iterable[tuple[Vertex, Vertex]]) -> Layout:
    """Lay out vertices of the given (width, height); ``edges`` go from earlier to later ones."""
    links = list(dict.fromkeys(edges))
    layer = _layers(sizes, links)
    chains = {link: _chain(link, layer) for link in links}
    rows: list[list[Vertex]] = [[] for _ in range(max(layer.values(), default=-1) + 1)]
    for vertex in [*sizes, *(d for chain in chains.values() for d in chain[1:-1])]:
        rows[layer[vertex]].append(vertex)
    above, below = defaultdict(list), defaultdict(list)
    for chain in chains.values():
        for a, b in zip(chain, chain[1:], strict=False):
            below[a].append(b)
            above[b].append(a)
    _order(rows, above, below)
    widths = {v: sizes[v][0] if v in sizes else 0.0 for row in rows for v in row}
    xs = _positions(rows, above, below, widths)
    return _assemble(rows, xs, sizes, chains)


def _layers(sizes: Mapping[Vertex, Point], edges: list[tuple[Vertex, Vertex]]) -> dict[Vertex, int]:
    """Each vertex one below its lowest predecessor; sources just above their first user."""
    after, count = defaultdict(list), dict.fromkeys(sizes, 0)
    for a, b in edges:
        after[a].append(b)
        count[b] += 1
    layer = dict.fromkeys(sizes, 0)
    sources = [v for v, n in count.items() if n == 0]
    ready = list(sources)
    while ready:
        vertex = ready.pop()
        for user in after[vertex]:
            layer[user] = max(layer[user], layer[vertex] + 1)
            count[user] -= 1
            if count[user] == 0:
                ready.append(user)
    for vertex in sources:
        if after[vertex]:
            layer[vertex] = max(0, min(layer[u] for u in after[vertex]) - 1)
    return layer


def _chain(edge: tuple[Vertex, Vertex], layer: dict[Vertex, int]) -> list[Vertex]:
    """The edge as steps from layer to layer."""
    a, b = edge
    middle: list[Vertex] = []
    for at in range(layer[a] + 1, layer[b]):
        dummy = _Dummy()
        layer[dummy] = at
        middle.append(dummy)
    return [a, *middle, b]


def _order(rows: list[list[Vertex]], above: Mapping, below: Mapping) -> None:
    """Sort each layer by the mean place of its neighbours, sweeping down and up."""
    place = {v: float(i) for row in rows for i, v in enumerate(row)}
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        sequence = rows[1:] if down else rows[-2::-1]
        neighbours = above if down else below
        for row in sequence:
            wish = {v: _mean([place[n] for n in neighbours[v]], place[v]) for v in row}
            row.sort(key=wish.__getitem__)
            place.update((v, float(i)) for i, v in enumerate(row))


def _mean(values: list[float], default: float) -> float:
    return sum(values) / len(values) if values else default


def _positions(
    rows: list[list[Vertex]], above: Mapping, below: Mapping, widths: Mapping[Vertex, float]
) -> dict[Vertex, float]:
    """x of each vertex: pulled to its neighbours, kept apart, in the order of its layer."""
    xs: dict[Vertex, float] = {}
    for row in rows:
        x = 0.0
        for v in row:
            xs[v] = x + widths[v] / 2
            x += widths[v] + GAP_X
    for sweep in range(SWEEPS + 2):
        down = sweep % 2 == 0
        for row in rows if down else rows[::-1]:
            near = above if down else below
            wish = {v: _mean([xs[n] for n in near[v]] or [xs[n] for n in below[v]], xs[v])
                    for v in row}  # fmt: skip
            _spread(row, wish, xs, widths)
    left = min((xs[v] - widths[v] / 2 for v in xs), default=0.0)
    return {v: x - left for v, x in xs.items()}


def _spread(row: list[Vertex], wish: Mapping, xs: dict, widths: Mapping[Vertex, float]) -> None:
    """Place a layer as near to the wishes as its widths allow: merge blocks that would overlap."""
    blocks: list[list] = []  # [sum of wished left ends, count, width, members]
    for v in row:
        block = [wish[v] - widths[v] / 2, 1, widths[v] + GAP_X, [v]]
        blocks.append(block)
        while len(blocks) > 1 and _left(blocks[-2]) + blocks[-2][2] > _left(blocks[-1]):
            last, before = blocks.pop(), blocks[-1]
            before[0] += last[0] - last[1] * before[2]
            before[1] += last[1]
            before[2] += last[2]
            before[3] += last[3]
    for block in blocks:
        x = _left(block)
        for v in block[3]:
            xs[v] = x + widths[v] / 2
            x += widths[v] + GAP_X


def _left(block: list) -> float:
    return block[0] / block[1]


def _assemble(
    rows: list[list[Vertex]], xs: Mapping[Vertex, float], sizes: Mapping[Vertex, Point],
    chains: Mapping[tuple[Vertex, Vertex], list[Vertex]],
) -> Layout:  # fmt: skip
    made = Layout()
    top = 0.0
    ends: dict[Vertex, tuple[float, float]] = {}  # top and bottom of each vertex
    for row in rows:
        height = max((sizes[v][1] for v in row if v in sizes), default=0.0)
        for v in row:
            own = sizes[v][1] if v in sizes else height
            ends[v] = (top + (height - own) / 2, top + (height + own) / 2)
            if v in sizes:
                made.centres[v] = (xs[v], top + height / 2)
                made.width = max(made.width, xs[v] + sizes[v][0] / 2)
            else:
                made.width = max(made.width, xs[v])
        top += height + GAP_Y
    made.height = max(top - GAP_Y, 0.0)
    for edge, chain in chains.items():
        points = [(xs[chain[0]], ends[chain[0]][1])]
        for v in chain[1:-1]:
            points += [(xs[v], ends[v][0]), (xs[v], ends[v][1])]
        made.routes[edge] = [*points, (xs[chain[-1]], ends[chain[-1]][0])]
    return made
