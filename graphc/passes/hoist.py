"""Loop-invariant code: what is the same in every iteration is computed once, before the loop."""

from __future__ import annotations

from graphc.ir.graph import Graph, GraphBuilder, Node, Value
from graphc.ops import control
from graphc.ops.opdef import Index
from graphc.passes.base import PassLog
from graphc.passes.edit import in_regions, names_of, rebuilt, symbols_of, with_parts


def hoist(graph: Graph, log: PassLog) -> Graph:
    """Move invariant nodes out of `while` and `for` bodies, inner loops first."""
    names: GraphBuilder | None = None
    nodes: list[Node] = []
    known = frozenset().union(*(v.type.symbols for v in graph.parameters))
    for node in graph.nodes:
        node = in_regions(node, lambda g: hoist(g, log))
        if node.op is control.while_ or node.op is control.for_:
            names = names or GraphBuilder(graph.name, names_of(graph))
            before, node = _Loop(node, names, known, log).hoisted()
            nodes += before
        nodes.append(node)
    return rebuilt(graph, nodes, {})


class _Loop:
    """One loop while its invariant nodes leave it."""

    def __init__(
        self, node: Node, names: GraphBuilder, known: frozenset[str], log: PassLog
    ) -> None:
        self.node, self.names, self.log = node, names, log
        attrs, body = node.attrs, node.regions["body"]
        # Operands and parameters of the body are parallel, but for a trip count (its index).
        self.fixed = attrs["carried"] + attrs.get("scanned", 0)
        self.fixed += 1 if node.op is control.for_ else 0
        self.outside = dict(zip(body.inputs[self.fixed :], node.inputs[self.fixed :], strict=True))
        self.known = known.union(*(v.type.symbols for v in node.inputs))
        self.before: list[Node] = []
        self.moved: list[Node] = []

    def hoisted(self) -> tuple[list[Node], Node]:
        """The nodes to put before the loop, and the loop without them."""
        body = self.node.regions["body"]
        for node in body.nodes:
            if all(v in self.outside for v in node.inputs) and self._may_move(node):
                self._move(node)
        gone = {n for n in self.moved if not _is_cheap(n)}
        if not gone:
            return [], self.node
        kept = [n for n in body.nodes if n not in gone]
        read = {v for n in kept for v in n.inputs} | set(body.outputs)
        crossing = [v for n in self.moved if n in gone for v in n.outputs if v in read]
        body = body.replace(inputs=(*body.inputs, *crossing), nodes=tuple(kept))
        return self._needed(crossing), self._with(body, crossing)

    def _needed(self, crossing: list[Value]) -> list[Node]:
        """The nodes before the loop, without the cheap ones that only the loop reads."""
        wanted = {self.outside[v] for v in crossing}
        found: list[Node] = []
        for node in reversed(self.before):
            if any(v in wanted for v in node.outputs):
                wanted.update(node.inputs)
                found.append(node)
        return found[::-1]

    def _may_move(self, node: Node) -> bool:
        reason = _obstacle(node)
        if not reason and not symbols_of(node) <= self.known:
            reason = "a size it depends on is known only inside of the loop"
        if reason:
            self.log.declined("hoist", node, reason)
        return not reason

    def _move(self, node: Node) -> None:
        outputs = tuple(Value(self.names.unique(v.name), v.type) for v in node.outputs)
        inputs = tuple(self.outside[v] for v in node.inputs)
        self.before.append(with_parts(node, inputs=inputs, outputs=outputs))
        self.outside.update(zip(node.outputs, outputs, strict=True))
        self.moved.append(node)
        if not _is_cheap(node):
            self.log.applied("hoist", node, f"out of {self.node.op.name}")

    def _with(self, body: Graph, added: list[Value]) -> Node:
        """The loop with more operands; its condition takes and ignores them."""
        regions = dict(self.node.regions) | {"body": body}
        if "cond" in regions:
            cond = regions["cond"]
            names = GraphBuilder("cond", names_of(cond))
            extra = tuple(Value(names.unique(v.name), v.type) for v in added)
            regions["cond"] = cond.replace(inputs=cond.inputs + extra)
        inputs = self.node.inputs + tuple(self.outside[v] for v in added)
        return with_parts(self.node, inputs=inputs, regions=regions)


def _is_cheap(node: Node) -> bool:
    """Whether a loop's kernels compute it for free: literals and views need no memory inside."""
    return not node.inputs or isinstance(getattr(node.op, "lower", None), Index)


def _obstacle(node: Node) -> str:
    """Why a node that does not change must stay in its loop; empty if it may leave."""
    if node.effect:
        return "it has an effect in every iteration"
    inner = [n for region in node.regions.values() for n in region.walk()]
    if any(n.op is control.while_ for n in (node, *inner)):
        return "while may not end, and the loop may run no iteration"
    failing = next((n for n in (node, *inner) if _can_fail(n)), None)
    if failing is not None:
        return f"{failing.op.name} may fail, and the loop may run no iteration"
    return ""


def _can_fail(node: Node) -> bool:
    """Whether the node itself may fail; those with regions fail only by what is inside."""
    return not node.regions and bool(getattr(node.op, "can_fail", False))
