"""Dead code: what nobody reads and what has no effect is dropped, in control flow too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from graphc.ir import dims
from graphc.ir.graph import Graph, Node, Value
from graphc.ops import control
from graphc.passes.base import PassLog
from graphc.passes.edit import bound_by, in_regions, rebuilt, symbols_of, with_parts, with_regions


def dce(graph: Graph, log: PassLog) -> Graph:
    """Keep what results, effects and sizes need."""
    live = _Live(graph)
    live.want(graph.results)
    live.want_symbols(frozenset().union(*(v.type.symbols for v in graph.results)))
    kept: list[Node] = []
    for node in reversed(graph.nodes):
        if not live.needs(node):
            if node.op is not control.constant:
                log.applied("dce", node)
            continue
        slim = _slim(node, live, log)
        live.add(slim)
        kept.append(slim)
    return rebuilt(graph, reversed(kept), {})


class _Live:
    """What is needed of a graph, from its end to its start."""

    def __init__(self, graph: Graph) -> None:
        self.values: set[Value] = set()
        self.nodes: set[Node] = set()  # that tell a size which something needs
        self.known = frozenset().union(*(v.type.symbols for v in graph.parameters))
        self.teller: dict[str, Node] = {}
        for node in graph.nodes:
            for value in node.outputs:
                for symbol in bound_by(value.type) - self.known:
                    self.teller.setdefault(symbol, node)

    def needs(self, node: Node) -> bool:
        if node.op is control.guard and dims.same(node.attrs["a"], node.attrs["b"]):
            return False
        return node.effect or node in self.nodes or any(v in self.values for v in node.outputs)

    def reads(self, node: Node, value: Value) -> bool:
        """Whether something needs this result, or the size that it tells."""
        if value in self.values:
            return True
        return node in self.nodes and bool(bound_by(value.type) - self.known)

    def want(self, values: Iterable[Value]) -> None:
        self.values.update(values)

    def want_symbols(self, symbols: frozenset[str]) -> None:
        self.nodes.update(self.teller[s] for s in symbols if s in self.teller)

    def add(self, node: Node) -> None:
        """Its operands are needed, and who tells the sizes that they do not."""
        self.want(node.inputs)
        self.want_symbols(symbols_of(node).difference(*(bound_by(v.type) for v in node.inputs)))


def _slim(node: Node, live: _Live, log: PassLog) -> Node:
    """A node with regions without the results, operands and inner nodes that nobody needs."""
    if node.op is control.if_:
        return _slim_if(node, live, log)
    if node.op is control.while_ or node.op is control.for_:
        return _slim_loop(node, live, log)
    if node.op is control.fused:  # its kernel computes all of it anyway
        return node
    return in_regions(node, lambda g: dce(g, log))


def _chosen(items: Sequence, keep: Sequence[int]) -> tuple:
    return tuple(items[i] for i in keep)


def _read(region: Graph) -> set[Value]:
    return {v for node in region.nodes for v in node.inputs} | set(region.outputs)


# --- if -------------------------------------------------------------------------------------------


def _slim_if(node: Node, live: _Live, log: PassLog) -> Node:
    keep = [i for i, v in enumerate(node.outputs) if live.reads(node, v)]
    regions = {label: dce(_narrowed(region, keep), log) for label, region in node.regions.items()}
    read = [_read(region) for region in regions.values()]
    parameters = list(zip(*(region.inputs for region in regions.values()), strict=True))
    used = [
        i
        for i, pair in enumerate(parameters)
        if any(v in r for v, r in zip(pair, read, strict=True))
    ]
    if len(keep) == len(node.outputs) and len(used) == len(parameters):
        return with_regions(node, regions)
    place = {old: new for new, old in enumerate(keep)}
    joined = tuple(
        ((place[at], axis), dim) for (at, axis), dim in node.attrs.get("joined", ()) if at in place
    )
    log.applied("dce", node, _dropped(len(node.outputs) - len(keep), len(parameters) - len(used)))
    return with_parts(
        node,
        inputs=(node.inputs[0], *_chosen(node.inputs[1:], used)),
        outputs=_chosen(node.outputs, keep),
        attrs={**node.attrs, "joined": joined},
        regions={k: r.replace(inputs=_chosen(r.inputs, used)) for k, r in regions.items()},
    )


def _narrowed(region: Graph, keep: Sequence[int]) -> Graph:
    """A region with some of its outputs."""
    if len(keep) == len(region.outputs):
        return region
    return region.replace(outputs=_chosen(region.outputs, keep))


def _dropped(results: int, operands: int) -> str:
    return f"{results} results and {operands} operands fewer"


# --- loops ----------------------------------------------------------------------------------------


def _slim_loop(node: Node, live: _Live, log: PassLog) -> Node:
    """A loop without unused rows, carried, scanned and captured values."""
    attrs, k, s = node.attrs, node.attrs["carried"], node.attrs.get("stacked", 0)
    first = 1 if node.op is control.for_ else 0  # the trip count and the index come first
    rows = [i for i in range(k, k + s) if live.reads(node, node.outputs[i])]
    count = bool(attrs.get("count")) and live.reads(node, node.outputs[-1])
    carried = _needed(node, live, rows, first)
    outputs = [*carried, *rows]
    regions = dict(node.regions)
    regions["body"] = dce(_narrowed(regions["body"], outputs), log)
    if "cond" in regions:
        regions["cond"] = dce(regions["cond"], log)
    kept_inputs = _kept_inputs(node, regions, carried, first)
    if count:
        outputs.append(len(node.outputs) - 1)
    if len(outputs) == len(node.outputs) and len(kept_inputs) == len(node.inputs):
        return with_regions(node, regions)
    lost = len(node.outputs) - len(outputs), len(node.inputs) - len(kept_inputs)
    log.applied("dce", node, _dropped(*lost))
    changed = {"carried": len(carried), "stacked": len(rows)}
    if "count" in attrs:
        changed["count"] = count
    if "scanned" in attrs:
        scanned = range(first + k, first + k + attrs["scanned"])
        changed["scanned"] = sum(i in scanned for i in kept_inputs)
    if not rows:
        changed["length"] = None  # type: ignore[assignment]
    if attrs.get("saved"):  # the last rows are the carried values, if all are still there
        last = range(k + s - attrs["saved"], k + s)
        changed["saved"] = attrs["saved"] if len(carried) == k and set(last) <= set(rows) else 0
    return with_parts(
        node,
        inputs=_chosen(node.inputs, kept_inputs),
        outputs=_chosen(node.outputs, outputs),
        attrs={**attrs, **changed},
        regions={
            label: region.replace(inputs=_chosen(region.inputs, kept_inputs))
            for label, region in regions.items()
        },
    )


def _needed(node: Node, live: _Live, rows: Sequence[int], first: int) -> list[int]:
    """The carried values that are needed: by results, the condition, rows, effects, each other."""
    body, k = node.regions["body"], node.attrs["carried"]
    needed = {i for i in range(k) if live.reads(node, node.outputs[i])}
    needed |= _varying(node, first)
    if "cond" in node.regions:
        read = _read(dce(node.regions["cond"], PassLog()))
        needed |= {i for i in range(k) if node.regions["cond"].inputs[i] in read}
    while True:
        keep = [*sorted(needed), *rows]
        read = _read(dce(_narrowed(body, keep), PassLog()))
        found = needed | {i for i in range(k) if body.inputs[first + i] in read}
        if found == needed:
            return sorted(needed)
        needed = found


def _varying(node: Node, first: int) -> set[int]:
    """Carried values whose size changes and is mentioned in the loop, or told to the outside."""
    body, found = node.regions["body"], set()
    for i in range(node.attrs["carried"]):
        own = body.inputs[first + i].type.symbols - node.inputs[first + i].type.symbols
        if own:
            found.add(i)
    return found


def _kept_inputs(
    node: Node, regions: Mapping[str, Graph], carried: Sequence[int], first: int
) -> list[int]:
    """The operands of a loop that stay; the parameters of its regions are parallel to them."""
    k = node.attrs["carried"]
    kept = [*range(first), *(first + i for i in carried)]
    read = {label: _read(region) for label, region in regions.items()}
    for i in range(first + k, len(node.inputs)):
        if any(region.inputs[i] in read[label] for label, region in regions.items()):
            kept.append(i)
    return kept
