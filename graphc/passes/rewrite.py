"""Rewriting: local rules, each exact to the bit, applied in program order until none applies.

A rule is a function ``(node, site) -> Value | str | None``: what stands for the node's result, why
the rule does not hold here (which the log keeps), or nothing if the node is not of its form.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any

import numpy as np

from graphc.ir import dims
from graphc.ir.graph import Graph, GraphBuilder, Node, Value
from graphc.ops import REGISTRY, OpDef, control
from graphc.passes.base import PassLog
from graphc.passes.edit import in_regions, names_of, read_from, rebuilt, with_parts

FAMILIES = ("arithmetic", "casts", "shapes", "products")
ROUNDS = 4  # over the whole graph: a rewrite can make another possible further up
STEPS = 16  # rewrites of one node: more are rules that undo each other
UNIFORM_SIZE = 1024  # elements of a constant that are compared

Rule = Callable[[Node, "Site"], "Value | str | None"]
RULES: dict[str, list[Rule]] = {}


def rule(*ops: str) -> Callable[[Rule], Rule]:
    """Enter a rule for nodes of these ops."""

    def enter(function: Rule) -> Rule:
        for name in ops:
            if name not in REGISTRY:
                raise ValueError(f"rule {function.__name__}: there is no op {name!r}")
            RULES.setdefault(name, []).append(function)
        return function

    return enter


class Site:
    """The graph around a node as rules see it, and where they put new nodes."""

    def __init__(self, graph: Graph) -> None:
        self.producer: dict[Value, Node] = {}
        self.names = GraphBuilder(graph.name, names_of(graph))
        self.made: list[Node] = []
        self.node: Node | None = None

    def maker(self, value: Value, *ops: str) -> Node | None:
        """The node that made a value, if it is of one of these ops."""
        node = self.producer.get(value)
        return node if node is not None and node.op.name in ops else None

    def uniform(self, value: Value) -> Any:
        """The number that all elements of a value are, as a numpy scalar; None if not known."""
        node = self.producer.get(value)
        while node is not None and node.op.name in ("broadcast_to", "reshape", "expand_dims"):
            node = self.producer.get(node.inputs[0])
        if node is None or node.op is not control.constant:
            return None
        array = node.attrs["value"]
        if array.dtype == object or not 0 < array.size <= UNIFORM_SIZE:
            return None
        first = array.reshape(-1)[:1]
        return first[0] if array.tobytes() == first.tobytes() * array.size else None

    def emit(self, op: str | OpDef, *inputs: Value, **attrs: Any) -> Value:
        """A new node in the place of the one that is looked at."""
        assert self.node is not None
        found = REGISTRY[op] if isinstance(op, str) else op
        attrs = {**found.attrs, **attrs}
        with dims.collecting():
            (type,) = found.infer([v.type for v in inputs], attrs, {})
        name = self.node.output.name.partition(".")[0]
        output = Value(self.names.unique(name), type)
        node = Node(found, inputs, (output,), attrs, {}, self.node.loc)
        self.made.append(node)
        self.producer[output] = node
        return output

    def constant(self, array: np.ndarray) -> Value:
        return self.emit(control.constant, value=array)


def algebra(graph: Graph, log: PassLog) -> Graph:
    """Apply all rules to a graph and its regions."""
    for family in FAMILIES:  # here, so that the families can use `rule` of this module
        import_module(f"graphc.passes.rules.{family}")
    declined: set[tuple[str, str]] = set()
    for _ in range(ROUNDS):
        after = _round(graph, log, declined)
        if after is graph:
            break
        graph = after
    return graph


def _round(graph: Graph, log: PassLog, declined: set[tuple[str, str]]) -> Graph:
    site = Site(graph)
    replaced: dict[Value, Value] = {}
    nodes: list[Node] = []
    for node in graph.nodes:
        todo = [read_from(in_regions(node, lambda g: algebra(g, log)), replaced)]
        steps = 0
        while todo:
            current = todo.pop(0)
            found = _rewritten(current, site, log, declined) if steps < STEPS else None
            if found is None:
                nodes.append(current)
                site.producer.update(dict.fromkeys(current.outputs, current))
                continue
            steps += 1
            value, made = found
            if value is not current.output:
                replaced[current.output] = value
            todo = made + [read_from(n, replaced) for n in todo]
    return rebuilt(graph, nodes, replaced)


def _rewritten(
    node: Node, site: Site, log: PassLog, declined: set[tuple[str, str]]
) -> tuple[Value, list[Node]] | None:
    """The value that stands for the node's, and the nodes that make it."""
    for function in (*RULES.get(node.op.name, ()), *_general(node)):
        site.node, site.made = node, []
        answer = function(node, site)
        name = function.__name__
        if isinstance(answer, Value) and answer.type != node.output.type:
            answer = f"it would be {answer.type}, not {node.output.type}"
        if isinstance(answer, Value):
            log.applied(name, node)
            return _as_named(answer, node, site.made)
        if answer is not None and (name, node.output.name) not in declined:
            declined.add((name, node.output.name))
            log.declined(name, node, answer)
    return None


def _general(node: Node) -> Iterable[Rule]:
    """Rules for every elementwise op."""
    return RULES.get("", ()) if getattr(node.op, "elementwise", False) else ()


def elementwise_rule(function: Rule) -> Rule:
    """Enter a rule for nodes of all elementwise ops."""
    RULES.setdefault("", []).append(function)
    return function


def _as_named(value: Value, node: Node, made: list[Node]) -> tuple[Value, list[Node]]:
    """A new result takes the place, and so the name, of the old one."""
    if not made or made[-1].output is not value:
        return value, made
    return node.output, [*made[:-1], with_parts(made[-1], outputs=node.outputs)]
