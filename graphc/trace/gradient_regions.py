"""Gradients of the ops that own regions.

A region's gradient replays the region under a tape, inside a region of its own: what the forward
pass computed outside of loops is shared again by common-subexpression elimination, what it
computed in loops is saved row by row.  Everything here is ordinary IR, so second order is the same
sweep again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from graphc.ir.dims import Dim
from graphc.ir.graph import Graph, Value
from graphc.ir.substitute import own_symbols, substitute
from graphc.ops import control, ops
from graphc.ops.opdef import GradContext
from graphc.trace import staging
from graphc.trace.gradient import REGION_RULES, zeros_like
from graphc.trace.replay import replay
from graphc.trace.state import current
from graphc.trace.tape import GradientTape
from graphc.trace.tensor import Tensor

Maybe = Any  # a tensor, or None where there is no gradient


def vjp(
    graph: Graph, inputs: Sequence[Tensor], grads: Sequence[Maybe], wanted: Sequence[bool]
) -> list[Maybe]:
    """Gradients of a region's results by the inputs that are ``wanted``, at ``inputs``.

    The inputs get identities of their own, so that one tensor passed twice is told apart.
    """
    own = [ops.identity(t) for t in inputs]
    with GradientTape(watch_accessed_variables=False) as tape:
        sources = [t for t, want in zip(own, wanted, strict=True) if want]
        tape.watch(sources)
        outputs = replay(graph, own)
    pairs = [(o, _shaped(g, o)) for o, g in zip(outputs, grads, strict=True) if g is not None]
    if not pairs:
        return [None] * len(inputs)
    targets, seeds = zip(*pairs, strict=True)
    found = iter(tape.gradient(list(targets), sources, list(seeds)))
    return [next(found) if want else None for want in wanted]


def _dense(grads: Sequence[Maybe], like: Sequence[Tensor]) -> list[Tensor]:
    return [zeros_like(t) if g is None else g for g, t in zip(grads, like, strict=True)]


def grad_call(c: GradContext, *grads: Maybe) -> list[Maybe]:
    """The body again, at this place; inlining and CSE merge it with the forward call."""
    custom = c.node.regions.get("vjp")
    if custom is not None:
        seeds = _dense(grads, c.outputs)
        return list(replay(custom, [*c.inputs, *seeds]))
    return vjp(c.node.regions["body"], c.inputs, grads, c.needed)


def grad_if(c: GradContext, *grads: Maybe) -> list[Maybe]:
    """An `if` whose branches are the gradients of the branches; they recompute the branch."""
    pred, *inputs = c.inputs
    wanted = c.needed[1:]
    found = {}
    made = {}
    for label in ("then", "else"):
        with staging.region(label) as r:
            inner = vjp(c.node.regions[label], inputs, grads, wanted)
            chosen = [t for t, want in zip(inputs, wanted, strict=True) if want]
            kept = [g for g, want in zip(inner, wanted, strict=True) if want]
            found[label], made[label] = _dense(kept, chosen), r
    results = iter(staging.emit_if(pred, made["then"], found["then"], made["else"], found["else"]))
    return [None] + [next(results) if want else None for want in wanted]


def grad_for(c: GradContext, *grads: Maybe) -> list[Maybe]:
    k, j = c.attrs["carried"], c.attrs["scanned"]
    inputs = list(c.inputs)
    parts = (inputs[1 : 1 + k], inputs[1 + k : 1 + k + j], inputs[1 + k + j :])
    reverse = not c.attrs["reverse"]
    return [None, *_ReverseLoop(c, grads, parts, c.needed[1:], indexed=True).emit(reverse)]


def grad_while(c: GradContext, *grads: Maybe) -> list[Maybe]:
    k = c.attrs["carried"]
    parts = (list(c.inputs[:k]), [], list(c.inputs[k:]))
    return _ReverseLoop(c, grads, parts, c.needed, indexed=False).emit(reverse=True)


class _ReverseLoop:
    """A counted loop that runs the iterations of another one backwards.

    It carries the gradients of the carried values and sums those of the captures; it reads the
    saved carried values, the scanned rows and the gradients of stacked rows; it stacks the
    gradients of scanned rows.  Carried values whose shape changes do not stack: if they are needed,
    each iteration finds its own by running the loop again from the start.
    """

    def __init__(
        self, c: GradContext, grads: Sequence[Maybe],
        parts: tuple[list[Tensor], list[Tensor], list[Tensor]], needed: Sequence[bool],
        indexed: bool,
    ) -> None:  # fmt: skip
        self.carried, self.scanned, self.fixed = parts
        k, j = len(self.carried), len(self.scanned)
        self.indexed, self.reversed = indexed, c.attrs.get("reverse", False)
        self.results = c.outputs[:k]
        self.smooth = [t.dtype.is_differentiable for t in self.carried]
        self.want_rows, self.want_fixed = list(needed[k : k + j]), list(needed[k + j :])
        self.rows = c.attrs["stacked"]
        self.g_carried, self.g_rows = grads[:k], grads[k : k + self.rows]
        self.saves, self.length, self.count = staging.with_saved_carries(c.outputs)
        self.tracer = c.outputs[0].tracer
        node = self.tracer.producers[c.outputs[0].value]
        self.stacks = set(staging.fixed_carries(node))
        body = node.regions["body"]
        self.body = body.replace(outputs=body.outputs[: k + self.rows])
        if len(self.stacks) < k:  # sizes of one iteration, told apart from those of another loop's
            first = 1 if indexed else 0
            changing = [v for i, v in enumerate(body.inputs[first:][:k]) if i not in self.stacks]
            self.body = _with_fresh_symbols(self.body, changing)

    def emit(self, reverse: bool) -> list[Maybe]:
        """Gradients of the carried values, the scanned tensors and the captures."""
        init = [
            zeros_like(t) if g is None else g
            for t, g in _chosen(zip(self.results, self.g_carried, strict=True), self.smooth)
        ]
        varying = [i not in self.stacks for i, s in enumerate(self.smooth) if s]
        init += map(zeros_like, _chosen(self.fixed, self.want_fixed))
        given = [g for g in self.g_rows if g is not None]
        over = [*self.saves, *self.scanned, *given]
        types = [staging.constant(0).value.type, *map(_type, init), *map(_row_type, over)]
        for i, changes in enumerate(varying, 1):
            types[i] = _with_fresh_shape(types[i]) if changes else types[i]
        with staging.region("body", types) as r:
            carried, rows = self._iteration(r.params, len(init))
        results = iter(
            staging.emit_for(
                self.count, init, r, carried, scanned=over, stacked=rows, reverse=reverse,
                length=self.length,
            )
        )  # fmt: skip
        by_carried = [
            _shaped(next(results), t) if s else None
            for s, t in zip(self.smooth, self.carried, strict=True)
        ]
        by_fixed = [next(results) if w else None for w in self.want_fixed]
        by_rows = [next(results) if w else None for w in self.want_rows]
        return [*by_carried, *by_rows, *by_fixed]

    def _iteration(self, params: list[Any], count: int) -> tuple[list[Tensor], list[Tensor]]:
        """One step back: the carried gradients of the step before, and rows of gradients."""
        k, j = len(self.carried), len(self.scanned)
        index, now, rest = params[0], params[1 : 1 + count], iter(params[1 + count :])
        again = self._again(index) if len(self.stacks) < k else []
        held = [next(rest) if i in self.stacks else again[i] for i in range(k)]
        held += [next(rest) for _ in range(j)]
        given = iter(now)
        seeds: list[Maybe] = [next(given) if s else None for s in self.smooth]
        seeds += [None if g is None else next(rest) for g in self.g_rows]
        own = [index] if self.indexed else []
        wanted = [*(False for _ in own), *self.smooth, *self.want_rows, *self.want_fixed]
        found = vjp(self.body, [*own, *held, *self.fixed], seeds, wanted)[len(own) :]
        before = _dense(_chosen(found[:k], self.smooth), _chosen(held[:k], self.smooth))
        totals = [
            sum_so_far if g is None else ops.add(sum_so_far, g)
            for sum_so_far, g in zip(given, _chosen(found[k + j :], self.want_fixed), strict=True)
        ]
        rows = _dense(_chosen(found[k : k + j], self.want_rows), _chosen(held[k:], self.want_rows))
        return [*before, *totals], rows

    def _again(self, index: Tensor) -> list[Tensor]:
        """The carried values at the start of an iteration, computed from the first one on."""
        last = ops.subtract(self.count, 1)
        before = ops.subtract(last, index) if self.reversed else index
        first = 1 if self.indexed else 0
        carried = self.body.inputs[first : first + len(self.carried)]
        types = [staging.constant(0).value.type, *(v.type for v in carried)]
        with staging.region("body", types) as r:
            step, *now = r.params
            at = ops.subtract(last, step) if self.reversed else step
            rows = [ops.gather(t, at, axis=0) for t in self.scanned]
            own = [at] if self.indexed else []
            found = replay(self.body, [*own, *now, *rows, *self.fixed])[: len(now)]
        return staging.emit_for(before, self.carried, r, found)


def _with_fresh_symbols(body: Graph, changing: Sequence[Value]) -> Graph:
    """The body with names of its own for sizes that differ between iterations."""
    found = {*own_symbols(body), *(s for v in changing for s in v.type.symbols)}
    return substitute(body, {s: current.tracer.fresh_symbol() for s in sorted(found)})  # type: ignore[union-attr]


def _with_fresh_shape(type: Any) -> Any:
    sizes = (current.tracer.fresh_symbol() if isinstance(d, Dim) else d for d in type.shape)  # type: ignore[union-attr]
    return type.with_shape(sizes)


def _shaped(t: Tensor, like: Tensor) -> Tensor:
    """A tensor known to have the shape of another."""
    return t if t.dims == like.dims else ops.forget_shape(t, shape=like.dims)


def _chosen(items: Iterable[Any], wanted: Sequence[bool]) -> list[Any]:
    return [x for x, want in zip(items, wanted, strict=True) if want]


def _type(t: Any) -> Any:
    return current.tracer.lift(t).value.type  # type: ignore[union-attr]


def _row_type(t: Any) -> Any:
    type = _type(t)
    return type.with_shape(type.shape[1:])


REGION_RULES.update(
    {
        control.if_: grad_if,
        control.while_: grad_while,
        control.for_: grad_for,
        control.call: grad_call,
    }
)
