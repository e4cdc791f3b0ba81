"""The reverse sweep over recorded calls, for eager tapes and traced code alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from graphc.ops import OpDef, ops
from graphc.ops.opdef import GradContext
from graphc.trace.dispatch import convert_to_tensor
from graphc.trace.state import current, located
from graphc.trace.tensor import EagerTensor, Tensor

if TYPE_CHECKING:
    from graphc.trace.tape import Entry

Grads = dict[int, Any]  # by id of the object the gradient belongs to

# Rules of the ops that own regions; gradient_regions.py fills it in.
REGION_RULES: dict[OpDef, Callable[..., Any]] = {}


def accumulate(grads: Grads, key: Any, g: Any) -> None:
    """Add a contribution to the gradient of ``key``."""
    before = grads.get(id(key))
    grads[id(key)] = g if before is None else ops.add(before, g)


def backward(entries: Sequence[Entry], grads: Grads, sources: Sequence[Any]) -> list[Any]:
    """Walk the calls from last to first and hand each gradient to what it came from."""
    needed = _needed(entries, sources)
    kept = {id(s) for s in sources}
    for entry in reversed(entries):
        given = [grads.get(id(out)) for out in entry.outputs]
        if all(g is None for g in given):
            continue
        for out in entry.outputs:  # a call gives its result once: the gradient is spent here
            if id(out) not in kept:
                grads.pop(id(out), None)
        wanted = [id(x) in needed and x.dtype.is_differentiable for x in entry.inputs]
        if any(wanted):
            _differentiate(entry, given, wanted, grads)
    return [grads.get(id(s)) for s in sources]


def _needed(entries: Sequence[Entry], sources: Sequence[Any]) -> set[int]:
    """What depends on a source: the only things whose gradients matter."""
    needed = {id(s) for s in sources}
    for entry in entries:
        if any(id(x) in needed for x in entry.inputs):
            needed.update(id(out) for out in entry.outputs)
    return needed


def _differentiate(entry: Entry, given: list[Any], wanted: list[bool], grads: Grads) -> None:
    op = entry.op
    rule = entry.rule or REGION_RULES.get(op) or op.grad  # type: ignore[arg-type, union-attr]
    if rule is None:
        return  # the op's `no_grad` says why; TensorFlow gives None as well
    context = GradContext(op, entry.inputs, entry.outputs, entry.attrs, entry.node, wanted)
    if len(given) > 1 and not (entry.rule or op in REGION_RULES):
        given = [
            zeros_like(out) if g is None else g for g, out in zip(given, entry.outputs, strict=True)
        ]
    if entry.node is None:
        found = rule(context, *given)
    else:
        with located(entry.node.loc):
            found = rule(context, *given)
    if not isinstance(found, tuple | list):
        found = (found,)
    for x, g, want in zip(entry.inputs, found, wanted, strict=True):
        if want and g is not None:
            accumulate(grads, x, g)


def ones_like(t: Any) -> Tensor:
    return fill_like(t, 1)


def zeros_like(t: Any) -> Tensor:
    return fill_like(t, 0)


def fill_like(t: Any, number: int) -> Tensor:
    """A tensor of ``t``'s dtype and shape."""
    if current.tracer is None:
        return EagerTensor(np.full(t.dims, number, t.dtype.np))
    one = convert_to_tensor(number, dtype=t.dtype)
    return ops.broadcast_to(one, shape=t.dims) if t.dims else one
