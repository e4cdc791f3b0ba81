"""Gradients of the ops that own regions.

A region's gradient replays the region under a tape, inside a region of its own: what the forward
pass computed outside of loops is shared again by common-subexpression elimination, what it
computed in loops is saved row by row.  Everything here is ordinary IR, so second order is the same
sweep again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.ir.graph import Graph
from graphc.ops import control, ops
from graphc.ops.opdef import GradContext
from graphc.trace import staging
from graphc.trace.gradient import REGION_RULES, zeros_like
from graphc.trace.replay import replay
from graphc.trace.state import current
from graphc.trace.tape import GradientTape
from graphc.trace.tensor import SymbolicTensor, Tensor

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
    pairs = [(o, g) for o, g in zip(outputs, grads, strict=True) if g is not None]
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
    attrs = c.node.attrs
    k, j = attrs["carried"], attrs["scanned"]
    inputs = list(c.inputs)
    return [None] + _grad_loop(
        c, grads, inputs[1 : 1 + k], inputs[1 + k : 1 + k + j], inputs[1 + k + j :], c.needed[1:],
        indexed=True, reverse=not attrs["reverse"],
    )  # fmt: skip


def grad_while(c: GradContext, *grads: Maybe) -> list[Maybe]:
    k = c.node.attrs["carried"]
    inputs = list(c.inputs)
    return _grad_loop(c, grads, inputs[:k], [], inputs[k:], c.needed, indexed=False, reverse=True)


def _grad_loop(
    c: GradContext, grads: Sequence[Maybe], carried: list[Tensor], scanned: list[Tensor],
    fixed: list[Tensor], needed: Sequence[bool], indexed: bool, reverse: bool,
) -> list[Maybe]:  # fmt: skip
    """A counted loop that runs the iterations backwards.

    It carries the gradients of the carried values and sums those of the captures; it reads the
    saved carried values, the scanned rows and the gradients of stacked rows; it stacks the
    gradients of scanned rows.
    """
    k, j = len(carried), len(scanned)
    tracer = c.outputs[0].tracer
    node = tracer.producers[c.outputs[0].value]
    body = node.regions["body"]
    user_rows = c.attrs["stacked"]
    saves, length, count = staging.with_saved_carries(node, tracer)
    smooth = [t.dtype.is_differentiable for t in carried]
    sums = list(needed[k + j :])
    g_rows = [g for g in grads[k : k + user_rows] if g is not None]
    init = [zeros_like(t) if g is None else g
            for t, g, s in zip(carried, grads[:k], smooth, strict=True) if s]  # fmt: skip
    init += [zeros_like(t) for t, want in zip(fixed, sums, strict=True) if want]
    over = [*saves, *scanned, *g_rows]
    types = [_type(count), *(_type(t) for t in init), *(_row(t, tracer) for t in over)]
    types[0] = staging.constant(0).value.type
    with staging.region("body", types) as r:
        index, rest = r.params[0], r.params[1:]
        g_now, rest = rest[: len(init)], rest[len(init) :]
        row, rest = rest[: k + j], rest[k + j :]
        inner = [*([index] if indexed else []), *row, *fixed]
        g_carry = iter(g_now)
        seeds: list[Maybe] = [next(g_carry) if s else None for s in smooth]
        g_given = iter(rest)
        seeds += [None if g is None else next(g_given) for g in grads[k : k + user_rows]]
        want = [*([False] if indexed else []), *smooth, *needed[k : k + j], *sums]
        plain = body.replace(outputs=body.outputs[: k + user_rows])
        found = vjp(plain, inner, seeds, want)[1 if indexed else 0 :]
        g_next = [zeros_like(t) if g is None else g
                  for t, g, s in zip(row[:k], found[:k], smooth, strict=True) if s]  # fmt: skip
        totals = [now if g is None else ops.add(now, g)
                  for now, g in zip(g_carry, [g for g, w in zip(found[k + j :], sums, strict=True)
                  if w],
                                    strict=True)]  # fmt: skip
        g_scanned = [
            (t, g)
            for t, g, w in zip(row[k:], found[k : k + j], needed[k : k + j], strict=True)
            if w
        ]
        rows_out = [zeros_like(t) if g is None else g for t, g in g_scanned]
    results = iter(staging.emit_for(count, init, r, [*g_next, *totals], scanned=over,
    stacked=rows_out,
                                    reverse=reverse, length=length))  # fmt: skip
    by_carry = [next(results) if s else None for s in smooth]
    by_fixed = [next(results) if w else None for w in sums]
    by_scanned = [next(results) if w else None for w in needed[k : k + j]]
    return [*by_carry, *by_scanned, *by_fixed]


def _type(t: Any) -> Any:
    return current.tracer.lift(t).value.type  # type: ignore[union-attr]


def _row(t: SymbolicTensor, tracer: Any) -> Any:
    type = t.value.type
    return type.with_shape(type.shape[1:])


REGION_RULES.update(
    {
        control.if_: grad_if,
        control.while_: grad_while,
        control.for_: grad_for,
        control.call: grad_call,
    }
)
