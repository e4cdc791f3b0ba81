"""Counted loops over rows: what all iterations share is computed for all of them at once.

* ``x[i]`` of a whole axis is a row that the loop is given.
* A product of such a row and a matrix that does not change leaves the loop: one product for all.
* A loop that runs another one backwards takes products and other expensive values that it needs
  from stacks, rather than computing them again.
* A matrix that a product reads across its rows is turned once.
* Sums of products, as gradients of weights are, become one product of the stacked rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from graphc.ir import dims
from graphc.ir.dims import DimLike
from graphc.ir.graph import Graph, GraphBuilder, Node, Value
from graphc.ops import REGISTRY, control
from graphc.passes.base import PassLog
from graphc.passes.cse import sameness
from graphc.passes.edit import in_regions, names_of, read_from, rebuilt, resolved, with_parts

MOST_BYTES = 1 << 26  # of what a loop keeps for that
MOST_IN_A_ROW = 1 << 20  # the same in one iteration, if their number is not known
MOST_TIMES = 8  # what the loop reads in an iteration, if the size of that is not known either
TOO_MUCH = "its values of all iterations may need much memory"


def scans(graph: Graph, log: PassLog) -> Graph:
    """Take from counted loops, inner ones first, what can be done for all rows together."""
    nodes = [in_regions(n, lambda g: scans(g, log)) for n in graph.nodes]
    if not any(n.op is control.for_ for n in nodes):
        return rebuilt(graph, nodes, {})
    builder = GraphBuilder(graph.name, names_of(graph))
    replaced: dict[Value, Value] = {}
    producers = {v: n for n in nodes for v in n.outputs}
    loops = [_Loop(n, builder, producers, log) for n in nodes if n.op is control.for_]
    for at, loop in enumerate(loops):
        loop.find_rows()
        for earlier in loops[:at]:
            _reuse(earlier, loop)
    for loop in loops:
        loop.batch_products()
        loop.gather_sums(replaced)
        loop.turn_matrices()
    whole: list[Node] = []
    by_node = {loop.node: loop for loop in loops}
    for node in nodes:
        found = by_node.get(node)
        whole += [node] if found is None else [*found.before, found.finished(), *found.after]
    return rebuilt(graph, [read_from(n, replaced) for n in whole], replaced)


def trips(count: Value, producers: dict[Value, Node]) -> DimLike | None:
    """The number of iterations, where it is known before the program runs."""
    node = producers.get(count)
    if node is None:
        return None
    if node.op is control.constant:
        return max(int(node.attrs["value"]), 0)
    if node.op.name == "extent":
        return node.attrs["size"]
    if node.op.name == "maximum":  # of a size and 0
        known = [trips(v, producers) for v in node.inputs]
        rest = [d for d in known if d != 0]
        return rest[0] if len(rest) == 1 else None
    return trips(node.inputs[0], producers) if node.op.name == "cast" else None


class _Loop:
    """A `for` that is being changed."""

    def __init__(
        self, node: Node, outer: GraphBuilder, producers: dict[Value, Node], log: PassLog
    ) -> None:
        attrs, body = node.attrs, node.regions["body"]
        k, j = attrs["carried"], attrs["scanned"]
        self.node, self.outer, self.log = node, outer, log
        self.names = GraphBuilder("body", names_of(body))
        self.index = body.inputs[0]
        inputs, params = node.inputs[1:], body.inputs[1:]
        carried = zip(inputs[:k], params[:k], body.outputs[:k], node.outputs[:k], strict=True)
        self.carried = list(carried)
        self.scanned = list(zip(inputs[k : k + j], params[k : k + j], strict=True))
        self.fixed = list(zip(inputs[k + j :], params[k + j :], strict=True))
        self.stacked = list(zip(body.outputs[k:], node.outputs[k:], strict=True))
        self.nodes = list(body.nodes)
        self.producers = {v: n for n in self.nodes for v in n.outputs}
        self.replaced: dict[Value, Value] = {}
        self.trips = attrs["length"] or trips(node.inputs[0], producers)
        self.before: list[Node] = []
        self.after: list[Node] = []
        self.changed = False

    # --- the loop again ---

    def finished(self) -> Node:
        if not self.changed:
            return self.node
        nodes = [read_from(n, self.replaced) for n in self.nodes]
        rows = [resolved(v, self.replaced) for v, _ in self.stacked]
        body = self.node.regions["body"]
        parts: tuple[list[Any], ...] = (self.carried, self.scanned, self.fixed)
        body = body.replace(
            inputs=(self.index, *(entry[1] for part in parts for entry in part)),
            nodes=tuple(nodes),
            outputs=(*(resolved(c[2], self.replaced) for c in self.carried), *rows),
        )
        attrs = {
            **self.node.attrs, "carried": len(self.carried), "scanned": len(self.scanned),
            "stacked": len(rows), "length": self.trips if rows else None,
        }  # fmt: skip
        attrs |= {"saved": 0} if "saved" in attrs else {}
        return with_parts(
            self.node, attrs=attrs, regions={"body": body},
            inputs=(self.node.inputs[0], *(entry[0] for part in parts for entry in part)),
            outputs=(*(c[3] for c in self.carried), *(v for _, v in self.stacked)),
        )  # fmt: skip

    def scan(self, operand: Value, name: str) -> Value:
        """Row i of a tensor, as a parameter of the body."""
        for known, param in self.scanned:
            if known is operand:
                return param
        type = operand.type.with_shape(operand.type.shape[1:])
        self.scanned.append((operand, Value(self.names.unique(name), type)))
        self.changed = True
        return self.scanned[-1][1]

    def stack(self, value: Value) -> Value:
        """A value of the body in all iterations, as rows of a result."""
        for row, rows in self.stacked:
            if resolved(row, self.replaced) is value:
                return rows
        type = value.type.with_shape((self.trips, *value.type.shape))
        self.stacked.append((value, Value(self.outer.unique(f"{value.name}.rows"), type)))
        self.changed = True
        return self.stacked[-1][1]

    def emit(self, into: list[Node], name: str, *inputs: Value, **attrs: Any) -> Value:
        """A node beside the loop."""
        op: Any = REGISTRY[name]
        made = self.outer.emit(op, inputs, {**op.attrs, **attrs}, loc=self.node.loc)
        into.append(self.outer.nodes.pop())
        return made[0]

    def applied(self, node: Node, detail: str) -> None:
        self.changed = True
        self.log.applied("scans", node, detail)

    # --- x[i] ---

    def find_rows(self) -> None:
        """``gather(x, i)`` is a row of ``x``, if the loop goes over all of them."""
        fixed = {param: operand for operand, param in self.fixed}
        for node in list(self.nodes):
            if node.op.name != "gather" or node.attrs["axis"] or node.attrs["batch_dims"]:
                continue
            operand = fixed.get(node.inputs[0])
            if operand is None or not self._is_index(node.inputs[1]):
                continue
            if self._is_whole(operand):
                self.replaced[node.output] = self.scan(operand, node.output.name)
                self.nodes.remove(node)
                self.applied(node, "a row that the loop goes over")

    def _is_whole(self, operand: Value) -> bool:
        """Whether the loop goes over all rows of an operand."""
        return self.trips is not None and bool(dims.same(operand.type.shape[0], self.trips))

    def _is_index(self, value: Value) -> bool:
        """Whether a value is the iteration's number; that is never negative."""
        node = self.producers.get(value)
        if value is self.index or node is None:
            return value is self.index
        if node.op.name == "cast":
            return node.output.type.dtype.is_integer and self._is_index(node.inputs[0])
        if node.op.name != "select" or not self._is_index(node.inputs[2]):
            return False
        test = self.producers.get(node.inputs[0])
        return test is not None and test.op.name == "less" and self._is_below_zero(test)

    def _is_below_zero(self, test: Node) -> bool:
        limit = self.producers.get(test.inputs[1])
        is_zero = limit is not None and limit.op is control.constant and not limit.attrs["value"]
        return is_zero and self._is_index(test.inputs[0])

    # --- products that leave ---

    def batch_products(self) -> None:
        """Rows times a fixed matrix: all rows times the matrix, before the loop."""
        scanned = {param: operand for operand, param in self.scanned}
        fixed = {param: operand for operand, param in self.fixed}
        for node in list(self.nodes):
            if node.op.name != "matmul" or node.attrs["transpose_a"]:
                continue
            rows, matrix = (resolved(v, self.replaced) for v in node.inputs)
            if rows not in scanned or matrix not in fixed or matrix.type.rank != 2:
                continue
            operand, out = scanned[rows], node.output
            if not self._is_whole(operand) or rows.type.rank != 2:
                continue
            if not self.may_keep(out):
                self.log.declined("scans", node, TOO_MUCH)
                continue
            flat = self._flat(self.before, operand)
            product = self.emit(self.before, "matmul", flat, fixed[matrix], **node.attrs)
            all_rows = self.emit(
                self.before, "reshape", product, shape=(self.trips, *out.type.shape)
            )
            self.replaced[out] = self.scan(all_rows, out.name)
            self.nodes.remove(node)
            self.applied(node, "one product for all rows, before the loop")

    def _flat(self, into: list[Node], rows: Value) -> Value:
        *lead, last = rows.type.shape
        return self.emit(into, "reshape", rows, shape=(dims.product(tuple(lead)), last))

    def turn_matrices(self) -> None:
        """A fixed matrix that products read across its rows is turned once, before the loop."""
        fixed = {param: operand for operand, param in self.fixed}
        for at, node in enumerate(self.nodes):
            if node.op.name != "matmul" or not node.attrs["transpose_b"]:
                continue
            operand = fixed.get(resolved(node.inputs[1], self.replaced))
            if operand is None or operand.type.rank != 2 or node.inputs[0].type.rank != 2:
                continue
            turned = self.emit(self.before, "transpose", operand)
            param = Value(self.names.unique(node.inputs[1].name), turned.type)
            self.fixed.append((turned, param))
            attrs = {**node.attrs, "transpose_b": False}
            self.nodes[at] = with_parts(node, inputs=(node.inputs[0], param), attrs=attrs)
            self.applied(node, "its matrix is turned before the loop")

    # --- sums ---

    def gather_sums(self, replaced: dict[Value, Value]) -> None:
        """Carried sums of products or of rows: computed from the stacked rows after the loop."""
        if self.trips is None:
            return
        uses = _uses(self.nodes, [c[2] for c in self.carried] + [r for r, _ in self.stacked])
        found = [(entry, self._addend(entry, uses)) for entry in self.carried]
        products = [(e, n) for e, n in found if n is not None and n.op.name == "matmul"]
        for entry, node in products:
            self._sum(entry, node, replaced)
        kept = {resolved(row, self.replaced) for row, _ in self.stacked}
        for entry, node in found:
            if node is not None and node.op.name == "reduce_sum" and node.inputs[0] in kept:
                self._sum(entry, node, replaced)

    def _addend(self, entry: Any, uses: dict[Value, list[Node | None]]) -> Node | None:
        """The node that gives what is added to a carried value, if nothing else is done with it."""
        _, param, result, _ = entry
        add = self.producers.get(result)
        if add is None or add.op.name != "add" or add.inputs.count(param) != 1:
            return None
        if uses.get(param) != [add] or uses.get(result) != [None]:
            return None
        node = self.producers.get(next(v for v in add.inputs if v is not param))
        if node is None or node.output.type != param.type or uses.get(node.output) != [add]:
            return None
        if node.op.name == "reduce_sum" and not node.attrs["keepdims"]:
            return node
        flags = node.attrs.get("transpose_a"), node.attrs.get("transpose_b")
        ranks = {v.type.rank for v in node.inputs}
        return (
            node if node.op.name == "matmul" and flags == (True, False) and ranks == {2} else None
        )

    def _sum(self, entry: Any, node: Node, replaced: dict[Value, Value]) -> None:
        start, _, result, out = entry
        if not all(map(self.may_keep, node.inputs)):
            self.log.declined("scans", node, TOO_MUCH)
            return
        rows = [self._all_rows(resolved(v, self.replaced)) for v in node.inputs]
        if node.op.name == "matmul":
            flat = [self._flat(self.after, r) for r in rows]
            total = self.emit(self.after, "matmul", *flat, **node.attrs)
        else:
            axes = node.attrs["axis"]
            axes = range(node.inputs[0].type.rank) if axes is None else np.atleast_1d(axes)
            inner = (int(a) % node.inputs[0].type.rank + 1 for a in axes)
            total = self.emit(self.after, "reduce_sum", rows[0], axis=(0, *inner))
        replaced[out] = self.emit(self.after, "add", start, total)
        self.carried.remove(entry)
        self.nodes = [n for n in self.nodes if n is not node and n is not self.producers[result]]
        self.applied(node, "summed for all rows, after the loop")

    def may_keep(self, value: Value) -> bool:
        """Whether a value of each iteration takes a bearable amount of memory."""
        row = value.type.size * value.type.dtype.size
        if not isinstance(row, int):
            read = [p.type.size * p.type.dtype.size for o, p in self.scanned if self._is_whole(o)]
            return any(dims.at_most(row, size * MOST_TIMES) for size in read)
        known = isinstance(self.trips, int)
        return row * self.trips <= MOST_BYTES if known else row <= MOST_IN_A_ROW  # type: ignore[operator]

    def _all_rows(self, value: Value) -> Value:
        for operand, param in self.scanned:
            if param is value and self._is_whole(operand):
                return operand
        return self.stack(value)


def _uses(nodes: Iterable[Node], results: Iterable[Value]) -> dict[Value, list[Node | None]]:
    """Who reads each value; None stands for being a result."""
    found: dict[Value, list[Node | None]] = {}
    for node in nodes:
        for value in node.inputs:
            found.setdefault(value, []).append(node)
    for value in results:
        found.setdefault(value, []).append(None)
    return found


# --- what a loop computes again -------------------------------------------------------------------


def _reuse(first: _Loop, again: _Loop) -> None:
    """Let a loop take from an earlier one, through stacks, what both compute and is expensive."""
    if first.node.inputs[0] is not again.node.inputs[0] or first.trips is None:
        return
    same = _matched(first, again)
    results = [c[2] for c in again.carried] + [r for r, _ in again.stacked]
    uses = _uses(again.nodes, results)
    own = [v for n in again.nodes if same.keys().isdisjoint(n.outputs) for v in n.inputs]
    todo, seen = [*own, *results], set()
    while todo:
        value = resolved(todo.pop(), again.replaced)
        node = again.producers.get(value)
        if value in seen or value not in same or node is None:
            continue
        seen.add(value)
        if not node.op.expensive:  # type: ignore[attr-defined]
            todo += node.inputs
        elif first.may_keep(value):
            _keep(node, first, again, uses, same)
        else:
            again.log.declined("scans", node, TOO_MUCH)
            todo += node.inputs


def _keep(
    node: Node, first: _Loop, again: _Loop, uses: dict[Value, list[Node | None]],
    same: dict[Value, Value],
) -> None:  # fmt: skip
    """Stack a value in the first loop; the later one reads it."""
    value = _further(node.output, uses, same)
    stack = first.stack(resolved(same[value], first.replaced))
    again.replaced[value] = again.scan(stack, value.name)
    again.nodes = [n for n in again.nodes if value not in n.outputs]
    again.applied(node, "kept from the loop before")


def _matched(first: _Loop, again: _Loop) -> dict[Value, Value]:
    """The values of the later loop that the first one computes, too, in the same iteration."""
    rows = {out: resolved(row, first.replaced) for row, out in first.stacked}
    rows |= dict(first.scanned)
    fixed = dict(first.fixed)
    same = {again.index: first.index}
    same |= {p: rows[o] for o, p in again.scanned if o in rows}
    same |= {p: fixed[o] for o, p in again.fixed if o in fixed}
    table = {}
    for node in first.nodes:
        table[sameness(read_from(node, first.replaced))] = node
    for node in again.nodes:
        inputs = [resolved(v, again.replaced) for v in node.inputs]
        if not all(v in same for v in inputs):
            continue
        mapped = sameness(with_parts(node, inputs=tuple(same[v] for v in inputs)))
        found = table.get(mapped) if mapped is not None else None
        if found is not None:
            same.update(zip(node.outputs, found.outputs, strict=True))
    return same


def _further(value: Value, uses: dict[Value, list[Node | None]], same: dict[Value, Value]) -> Value:
    """What is made of a product alone, step by step, as long as it stays one tensor of its size."""
    while True:
        users = uses.get(value, [])
        user = users[0] if len(users) == 1 else None
        if user is None or not user.op.elementwise or user.op.expensive:  # type: ignore[attr-defined]
            return value
        if user.output not in same or user.output.type != value.type:
            return value
        value = user.output
