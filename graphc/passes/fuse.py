"""Fusion: ops that one loop nest can compute become one `fused` node with a region.

Clusters grow greedily, consumers first: a value that only one cluster reads is never stored.  A
merge is legal if no path between the two clusters leads through a third, so the quotient graph
stays acyclic; it is done if `loops_of` finds loops for the union.  What is declined is logged with
its reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from graphc.ir.dims import Dim
from graphc.ir.graph import Graph, Node, Value
from graphc.ops import control
from graphc.ops.loopnest import (
    Access,
    Unfit,
    can_stop,
    is_computed,
    is_literal,
    is_view,
    is_whole,
    unfit,
    view,
    whole,
)
from graphc.ops.looporder import Loops, loops_of
from graphc.ops.opdef import Host, Library
from graphc.passes.quotient import Quotient

MAX_MEMORY = 32  # operands and results of one kernel
MAX_NODES = 256  # ops in one kernel: bounds its compile time
NEIGHBOURS = 8  # readers of the same memory that are tried with each other


def fuse(graph: Graph, log: Any = None) -> Graph:
    """Put ops that share a loop nest into `fused` nodes, in regions too."""
    graph = _in_regions(graph, log)
    clusters = _Clusters(graph, log)
    if not clusters.members:
        return graph
    clusters.grow()
    clusters.log_others()
    return clusters.rebuild()


def _in_regions(graph: Graph, log: Any) -> Graph:
    """The graph with the regions of its control flow fused."""

    def inner(node: Node) -> Node:
        if not node.regions or node.op is control.fused:
            return node
        regions = {label: fuse(region, log) for label, region in node.regions.items()}
        if all(regions[label] is region for label, region in node.regions.items()):
            return node
        return Node(node.op, node.inputs, node.outputs, node.attrs, regions, node.loc)

    nodes = tuple(map(inner, graph.nodes))
    changed = any(a is not b for a, b in zip(nodes, graph.nodes, strict=True))
    return graph.replace(nodes=nodes) if changed else graph


# --- views ----------------------------------------------------------------------------------------


class _Views:
    """Which views and constants are free: repeated in every kernel that reads them."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.copied: set[Node] = set()  # views that must be computed into memory
        self.plain: set[Node] = set()  # views that stay nodes of their own: planned without a copy
        self.accesses: dict[Value, Access] = {}
        results = set(graph.results)
        for node in graph.nodes:
            if is_view(node) and not unfit(node):
                self._see(node, results)

    def _see(self, node: Node, results: set[Value]) -> None:
        source = self.access(node.inputs[0])
        try:
            found = view(node, source)
        except Unfit:  # strides cannot express both views: the first one is copied
            maker = self.graph.producer[node.inputs[0]]
            self.plain.discard(maker)
            self.copied.add(maker)
            self.accesses[node.inputs[0]] = whole(node.inputs[0])
            found = view(node, whole(node.inputs[0]))
        self.accesses[node.output] = found
        users = self.graph.users.get(node.output, [])
        outside = [u for u in users if unfit(u)]
        if not outside and node.output not in results:
            return
        if is_whole(found):
            self.plain.add(node)
        else:
            self.copied.add(node)
            self.accesses[node.output] = whole(node.output)

    def access(self, value: Value) -> Access:
        return self.accesses.get(value) or whole(value)

    def is_free(self, node: Node) -> bool:
        return (is_view(node) and not unfit(node) and node not in self.copied) or is_literal(node)


# --- clusters -------------------------------------------------------------------------------------


class _Clusters:
    """A partition of the nodes; a cluster's number is the position of one of its nodes."""

    def __init__(self, graph: Graph, log: Any) -> None:
        self.graph, self.log = graph, log
        self.views = _Views(graph)
        self.position = {node: i for i, node in enumerate(graph.nodes)}
        self.members: dict[int, list[Node]] = {}
        self.of: dict[Node, int] = {}  # every node but free ones
        self.results = set(graph.results)
        for i, node in enumerate(graph.nodes):
            if self.views.is_free(node):
                continue
            self.of[node] = i
            if (is_computed(node) or node in self.views.copied) and not unfit(node):
                self.members[i] = [node]
        self.readers = {v: tuple(self._readers(v)) for n in graph.nodes for v in n.outputs}
        shapes = {i: self._uniform_shape(nodes[0]) for i, nodes in self.members.items()}
        self.uniform = {i: shape for i, shape in shapes.items() if shape is not None}
        self._declined: set[tuple[Node, Node, str]] = set()
        self.quotient = Quotient(self.of.values(), self._edges())

    def _readers(self, value: Value) -> Iterator[Node]:
        """The nodes that read a value, seen through free views."""
        for user in self.graph.users.get(value, ()):
            if user in self.views.plain:
                yield user
            if self.views.is_free(user):
                yield from self._readers(user.output)
            else:
                yield user

    def sources(self, node: Node) -> Iterator[Node]:
        """The nodes whose results a node reads, seen through free views."""
        for value in node.inputs:
            maker = self.graph.producer.get(value)
            if maker is None:
                continue
            if self.views.is_free(maker):
                yield from self.sources(maker)
            else:
                yield maker

    def _edges(self) -> Iterator[tuple[int, int]]:
        order = _order_edges(self.graph)
        for node, i in self.of.items():
            for source in (*self.sources(node), *order.get(node, ())):
                if source in self.of:
                    yield self.of[source], i

    # growing

    def grow(self) -> None:
        order = sorted(self.members, reverse=True)
        for only in (True, False):
            for i in order:
                if i in self.members:
                    self._merge_into_readers(i, only)
        self._merge_siblings(order)

    def _merge_into_readers(self, i: int, only: bool) -> None:
        """Merge a cluster with those that read it; ``only``: if nobody else does."""
        while True:
            outside = self._outside(i)
            ids = sorted({self.of[n] for n in outside if n in self.of} & self.members.keys())
            alone = len(ids) == 1 and all(n in self.of and self.of[n] == ids[0] for n in outside)
            if only and not (alone and not self._is_result(i)):
                return
            merged = next((j for j in ids if self._try(i, j, alone)), None)
            if merged is None:
                return
            i = merged

    def _outside(self, i: int) -> list[Node]:
        inside = set(self.members[i])
        found = dict.fromkeys(
            r for n in self.members[i] for v in n.outputs for r in self.readers[v]
        )
        return [n for n in found if n not in inside]

    def _is_result(self, i: int) -> bool:
        return any(v in self.results for n in self.members[i] for v in n.outputs)

    def _merge_siblings(self, order: list[int]) -> None:
        """Clusters that read the same memory in the same loops need to read it only once."""
        by_root: dict[Value, list[int]] = {}
        for i in order:
            if i in self.members and not any(map(can_stop, self.members[i])):
                for root in self._roots(i):
                    if root.type.rank:
                        by_root.setdefault(root, []).append(i)
        for siblings in by_root.values():
            for at, i in enumerate(siblings):
                for j in siblings[at + 1 : at + 1 + NEIGHBOURS]:
                    if i in self.members and j in self.members and i != j:
                        self._try(j, i, False)

    def _roots(self, i: int) -> list[Value]:
        inside = {v for n in self.members[i] for v in n.outputs}
        found: dict[Value, None] = {}
        for node in self.members[i]:
            for value in node.inputs:
                root = self.views.access(value).root
                if root not in inside:
                    found[root] = None
        return list(found)

    # merging two clusters

    def _try(self, i: int, j: int, alone: bool) -> int | None:
        """Merge cluster i (the producer, or a sibling) into j; None and a logged reason if not."""
        reason = self._obstacle(i, j, alone)
        if reason:
            self._decline(self.members[i][-1], self.members[j][0], reason)
            return None
        self._merge(i, j)
        return j

    def _obstacle(self, i: int, j: int, alone: bool) -> str:
        between = self.quotient.between(i, j)
        if between is not None:
            name = self.graph.nodes[between].op.name
            return f"the path through {name!r} would become a circle"
        nodes = self._sorted(self.members[i] + self.members[j])
        if len(nodes) > MAX_NODES:
            return f"more than {MAX_NODES} ops"
        if not alone and self._is_scalar(i) != self._is_scalar(j):
            return "scalars that others read too are computed once, in a kernel of their own"
        shape = self.uniform.get(i)
        if shape is None or shape != self.uniform.get(j):
            self.uniform.pop(j, None)
            try:
                self.loops(nodes)
            except Unfit as why:
                return str(why)
        made = {v for n in self.closed(nodes) for v in n.outputs}
        operands = {self.views.access(v).root for n in nodes for v in n.inputs} - made
        if len(operands) + len(self.outputs(nodes)) > MAX_MEMORY:
            return f"more than {MAX_MEMORY} operands"
        return ""

    def _uniform_shape(self, node: Node) -> Any:
        """The shape of a node whose operands all have it, or are scalars; else None.

        Any number of such nodes is one loop, which need not be tried.
        """
        lower = node.op.lower  # type: ignore[attr-defined]
        if not node.op.elementwise or "{" not in getattr(lower, "text", ""):  # type: ignore
            return None
        shape = node.output.type.shape
        for value in node.inputs:
            maker = self.graph.producer.get(value)
            if maker is not None and is_view(maker):
                return None
            if value.type.rank and value.type.shape != shape:
                return None
        return shape

    def _is_scalar(self, i: int) -> bool:
        return all(v.type.rank == 0 for n in self.members[i] for v in (*n.inputs, *n.outputs))

    def _merge(self, i: int, j: int) -> None:
        self.quotient.merge(i, j)
        for node in self.members[i]:
            self.of[node] = j
        self.members[j] = self._sorted(self.members.pop(i) + self.members[j])

    def _sorted(self, nodes: Iterable[Node]) -> list[Node]:
        return sorted(nodes, key=self.position.__getitem__)

    def log_others(self) -> None:
        """Say of the nodes that no kernel of loops computes why that is."""
        if self.log is None:
            return
        for node in self.graph.nodes:
            if node in self.of and self.of[node] not in self.members and node.outputs:
                self.log.declined("fuse", node, _why_alone(node))

    # regions

    def closed(self, nodes: list[Node]) -> list[Node]:
        """The nodes with the free views and constants they need."""
        inside: dict[Node, None] = dict.fromkeys(nodes)
        todo = list(nodes)
        while todo:
            for value in todo.pop().inputs:
                maker = self.graph.producer.get(value)
                if maker is not None and maker not in inside and self.views.is_free(maker):
                    inside[maker] = None
                    todo.append(maker)
        return self._sorted(inside)

    def outputs(self, nodes: list[Node]) -> list[Value]:
        """What the nodes compute that something else reads."""
        inside = set(nodes)
        return [
            v
            for n in nodes
            for v in n.outputs
            if v in self.results or any(r not in inside for r in self.readers[v])
        ]

    def loops(self, nodes: list[Node]) -> Loops:
        return loops_of(self.closed(nodes), self.outputs(nodes))

    def rebuild(self) -> Graph:
        """The graph with a `fused` node for each cluster, in an order its quotient allows."""
        made: dict[int, Node] = {}
        for i, nodes in list(self.members.items()):
            if not self.outputs(nodes):  # nobody reads it: it goes
                continue
            try:
                made[i] = self._fused(nodes)
            except Unfit as why:
                self._decline(nodes[0], nodes[-1], str(why))
        used = _used_plain(self, made)
        placed: dict[int, list[Node]] = {}
        for node in self.graph.nodes:
            if node in used or (node in self.of and self.stays(node, made)):
                placed.setdefault(self.position[node], []).append(node)
        for i, node in made.items():
            placed[max(self.position[n] for n in self.members[i])] = [node]
        nodes = [n for at in sorted(placed) for n in placed[at]]
        return self.graph.replace(nodes=tuple(_scheduled(self.graph, nodes)))

    def stays(self, node: Node, made: dict[int, Node]) -> bool:
        """Whether a node that could not be fused is still read (or has an effect)."""
        i = self.of[node]
        return i not in made and (i not in self.members or bool(self.outputs(self.members[i])))

    def _fused(self, nodes: list[Node]) -> Node:
        loops = self.loops(nodes)
        region = _region(loops)
        results = loops.nest.outputs
        if self.log is not None:
            self.log.applied("fuse", nodes[-1], f"{len(nodes)} ops in one kernel")
        loc = next((n.loc for n in reversed(nodes) if n.loc is not None), None)
        attrs = {"kind": _kind(loops)}
        return Node(control.fused, tuple(loops.nest.roots), results, attrs, {"body": region}, loc)

    def _decline(self, node: Node, other: Node, reason: str) -> None:
        if self.log is not None and (node, other, reason) not in self._declined:
            self._declined.add((node, other, reason))
            self.log.declined("fuse", node, f"with {other!r}: {reason}")


def _why_alone(node: Node) -> str:
    lower = getattr(node.op, "lower", None)
    if node.regions:
        return f"{node.op.name} is control flow; its regions are fused by themselves"
    if isinstance(lower, Library):
        return f"{node.op.name} is a library kernel"
    return lower.reason if isinstance(lower, Host) else unfit(node)


def _kind(loops: Loops) -> str:
    if not loops.nest.sizes:
        return "scalar"
    if loops.folds:
        return "fold"
    return "map" if loops.levels == 1 and not loops.outer else "rows"


def _region(loops: Loops) -> Graph:
    """The nest's nodes as a closed graph of new values with the old names."""
    nest = loops.nest
    new = {v: Value(v.name, v.type) for v in nest.roots}
    inputs = tuple(new.values())
    nodes = []
    for node in nest.nodes:
        new.update((v, Value(v.name, v.type)) for v in node.outputs)
        operands, results = (tuple(new[v] for v in vs) for vs in (node.inputs, node.outputs))
        nodes.append(Node(node.op, operands, results, node.attrs, {}, node.loc))
    return Graph("fused", inputs, tuple(nodes), tuple(new[v] for v in nest.outputs))


def _used_plain(clusters: _Clusters, made: dict[int, Node]) -> set[Node]:
    """Free nodes that something outside of kernels still reads."""
    graph, found = clusters.graph, set()
    wanted = {v for node in made.values() for v in node.inputs} | set(graph.results)
    for node in reversed(graph.nodes):
        kept = node not in clusters.of and any(v in wanted for v in node.outputs)
        if kept:
            found.add(node)
        if kept or (node in clusters.of and clusters.stays(node, made)):
            wanted.update(node.inputs)
    return found


# --- order ----------------------------------------------------------------------------------------


def _order_edges(graph: Graph) -> dict[Node, list[Node]]:
    """What must come before a node besides its operands: effects, and who tells its sizes."""
    found: dict[Node, list[Node]] = {}
    known = frozenset().union(*(v.type.symbols for v in graph.parameters))
    binder: dict[str, Node] = {}
    last_effect: Node | None = None
    for node in graph.nodes:
        needs = [binder[s] for s in sorted(_symbols(node)) if s in binder]
        if node.effect and last_effect is not None:
            needs.append(last_effect)
        if needs:
            found[node] = [n for n in needs if n is not node]
        if node.effect:
            last_effect = node
        for value in node.outputs:
            for symbol in value.type.symbols - known:
                binder.setdefault(symbol, node)
    return found


def _symbols(node: Node) -> frozenset[str]:
    found = frozenset().union(*(v.type.symbols for v in node.outputs))
    return found.union(*(_attr_symbols(v) for v in node.attrs.values()))


def _attr_symbols(value: Any) -> frozenset[str]:
    if isinstance(value, Dim):
        return value.symbols
    if isinstance(value, tuple):
        return frozenset().union(*map(_attr_symbols, value))
    return frozenset()


def _scheduled(graph: Graph, nodes: list[Node]) -> list[Node]:
    """A topological order that stays as close to the given one as it can."""
    import networkx as nx  # lazy: start-up time

    changed = graph.replace(nodes=tuple(nodes))
    order = _order_edges(changed)
    dag = nx.DiGraph()
    dag.add_nodes_from(range(len(nodes)))
    at = {node: i for i, node in enumerate(nodes)}
    for i, node in enumerate(nodes):
        sources = [changed.producer[v] for v in node.inputs if v in changed.producer]
        dag.add_edges_from((at[s], i) for s in (*sources, *order.get(node, ())) if s is not node)
    return [nodes[i] for i in nx.lexicographical_topological_sort(dag)]
