"""Views of views, and views that change nothing."""

from __future__ import annotations

import numpy as np

from graphc.errors import GraphcError
from graphc.ir import dims
from graphc.ir.graph import Node, Value
from graphc.ops.combinators import normalize_axes
from graphc.passes.rewrite import Site, elementwise_rule, rule

Answer = Value | str | None
RESHAPES = ("reshape", "expand_dims", "squeeze")


def permutation(node: Node) -> tuple[int, ...]:
    """The axes of a transpose, none negative."""
    rank, perm = node.output.type.rank, node.attrs.get("perm")
    return tuple(reversed(range(rank))) if perm is None else tuple(p % rank for p in perm)


@rule("identity", "stop_gradient", "ensure_shape")
def pass_through(node: Node, site: Site) -> Answer:
    """The same value; what these say to gradients and types has been heard."""
    return node.inputs[0]


@rule("assigned")
def new_value(node: Node, site: Site) -> Answer:
    """What was assigned; gradients have been told whose they are."""
    return node.inputs[1]


@rule("reshape", "expand_dims", "squeeze", "broadcast_to")
def same_shape(node: Node, site: Site) -> Answer:
    """A view in the shape that the value has."""
    x = node.inputs[0]
    return x if x.type == node.output.type else None


@rule("reshape", "expand_dims", "squeeze")
def reshape_reshape(node: Node, site: Site) -> Answer:
    """Of several reshapes the last one counts."""
    inner = site.maker(node.inputs[0], *RESHAPES)
    if inner is None:
        return None
    x = inner.inputs[0]
    if x.type == node.output.type:
        return x
    return site.emit("reshape", x, shape=node.output.type.shape)


@rule("broadcast_to")
def broadcast_broadcast(node: Node, site: Site) -> Answer:
    """Of several broadcasts the last one counts."""
    inner = site.maker(node.inputs[0], "broadcast_to")
    if inner is None:
        return None
    return site.emit("broadcast_to", inner.inputs[0], shape=node.output.type.shape)


@rule("transpose")
def same_axes(node: Node, site: Site) -> Answer:
    """A transpose that keeps all axes in place."""
    return node.inputs[0] if permutation(node) == tuple(range(node.output.type.rank)) else None


@rule("transpose")
def transpose_transpose(node: Node, site: Site) -> Answer:
    """Two transposes are one."""
    inner = site.maker(node.inputs[0], "transpose")
    if inner is None:
        return None
    first = permutation(inner)
    return site.emit("transpose", inner.inputs[0], perm=tuple(first[p] for p in permutation(node)))


@rule("strided_slice")
def whole_slice(node: Node, site: Site) -> Answer:
    """x[:, :] = x."""
    whole = all(part == slice(None) for part in node.attrs["index"])
    return node.inputs[0] if whole and node.inputs[0].type == node.output.type else None


@rule("concat")
def concat_one(node: Node, site: Site) -> Answer:
    """A single tensor, joined with nothing."""
    return node.inputs[0] if len(node.inputs) == 1 else None


@rule("reduce_sum", "reduce_mean", "reduce_prod", "reduce_max", "reduce_min", "reduce_any",
      "reduce_all")  # fmt: skip
def reduce_nothing(node: Node, site: Site) -> Answer:
    """Folding axes of size 1 only changes the shape."""
    x = node.inputs[0]
    axes = normalize_axes(node.attrs.get("axis"), x.type.rank)
    if any(x.type.shape[a] != 1 for a in axes):
        return None
    if node.op.name in ("reduce_sum", "reduce_mean") and not x.type.dtype.is_integer:
        return "the sum of -0.0 alone is 0.0"
    if x.type == node.output.type:
        return x
    return site.emit("reshape", x, shape=node.output.type.shape)


@rule("zeros_like", "ones_like")
def filled(node: Node, site: Site) -> Answer:
    """A scalar, broadcast: so nothing has to compute the value whose shape is asked for."""
    type = node.output.type
    scalar = site.constant(np.asarray(node.op.name == "ones_like").astype(type.dtype.np))
    return site.emit("broadcast_to", scalar, shape=type.shape) if type.rank else scalar


# --- broadcasts and elementwise ops ---------------------------------------------------------------


@elementwise_rule
def implied_broadcast(node: Node, site: Site) -> Answer:
    """An elementwise op broadcasts, and adds axes, by itself: it takes the operand as it was."""
    inputs = list(node.inputs)
    for i, value in enumerate(node.inputs):
        inner = site.maker(value, "broadcast_to", *RESHAPES)
        if inner is not None and len(inputs) > 1 and _adds_axes(inner):
            trial = [*inputs[:i], inner.inputs[0], *inputs[i + 1 :]]
            if _gives_same(node, trial):
                inputs = trial
    if tuple(inputs) == node.inputs:
        return None
    if reason := _may_fail_on_nothing(node):
        return reason
    return site.emit(node.op, *inputs, **node.attrs)  # type: ignore[arg-type]


def _adds_axes(node: Node) -> bool:
    """Whether a view only does what an elementwise op does to its operands: leading axes of 1."""
    if node.op.name == "broadcast_to":
        return True
    old, new = node.inputs[0].type.shape, node.output.type.shape
    added = len(new) - len(old)
    return added >= 0 and new == (1,) * added + old


def _gives_same(node: Node, inputs: list[Value]) -> bool:
    """Whether the op surely gives the same type on these operands."""
    with dims.collecting() as assumed:
        try:
            found = node.op.infer([v.type for v in inputs], node.attrs, {})
        except GraphcError:
            return False
    return not assumed and found == (node.output.type,)


def _may_fail_on_nothing(node: Node) -> str:
    """Why a failing op must see the broadcast: of no elements none is wrong, as in x[:0] // 0."""
    shape = node.output.type.shape
    if not node.op.can_fail or all(isinstance(d, int) and d > 0 for d in shape):  # type: ignore[attr-defined]
        return ""
    return f"{node.op.name} may fail, and there may be no elements"


@elementwise_rule
def broadcast_last(node: Node, site: Site) -> Answer:
    """f(broadcast(x)) = broadcast(f(x)), which computes fewer elements."""
    if len(node.inputs) != 1:
        return None
    inner = site.maker(node.inputs[0], "broadcast_to")
    if inner is None:
        return None
    if reason := _may_fail_on_nothing(node):
        return reason
    small = site.emit(node.op, inner.inputs[0], **node.attrs)  # type: ignore[arg-type]
    return site.emit("broadcast_to", small, shape=node.output.type.shape)
