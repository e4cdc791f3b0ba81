"""The reverse sweep over recorded calls, for eager tapes and traced code alike."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from graphc.errors import GraphcError
from graphc.ops import OpDef, ops
from graphc.ops.opdef import GradContext
from graphc.trace.dispatch import convert_to_tensor
from graphc.trace.plans import vjp_of
from graphc.trace.state import current, located
from graphc.trace.tensor import EagerTensor, Tensor

if TYPE_CHECKING:
    from graphc.trace.tape import Entry

Grads = dict[int, Any]  # by id of the object the gradient belongs to

# Rules of the ops that own regions; gradient_regions.py fills it in.
REGION_RULES: dict[OpDef, Callable[..., Any]] = {}


def accumulate(grads: Grads, key: Any, g: Any) -> None:
    """Add a contribution to the gradient of ``key``."""
    at = id(key)
    grads[at] = ops.add(grads[at], g) if at in grads else g


def backward(
    entries: Sequence[Entry], grads: Grads, sources: Sequence[Any], needed: Container[int]
) -> list[Any]:
    """Walk the calls from last to first and hand each gradient to what it came from.

    ``needed`` has the ids of all that depends on a source.
    """
    kept = {id(s) for s in sources}
    for entry in reversed(entries):
        op, inputs, outputs, attrs, _, rule = entry
        given = []
        for out in outputs:  # a call gives its result once: the gradient is spent here
            at = id(out)
            given.append(grads.get(at) if at in kept else grads.pop(at, None))
        if all(g is None for g in given):
            continue
        if op is None and rule is None:  # a Variable was read
            accumulate(grads, inputs[0], given[0])
            continue
        wanted = [id(x) in needed for x in inputs]
        if True not in wanted:
            continue
        found = None
        if rule is None and not current.busy:
            found = _quickly(op, inputs, outputs, attrs, wanted, given)
        if found is None:
            found = _differentiate(entry, given, wanted)
        for x, g in zip(inputs, found, strict=True):
            if g is not None:
                accumulate(grads, x, g)
    return [grads.get(id(s)) for s in sources]


def _quickly(
    op: OpDef, inputs: Any, outputs: Any, attrs: Any, wanted: list[bool], given: list[Any]
) -> Sequence[Any] | None:
    """The gradients of an eager call's inputs without calling ops; None if that cannot be."""
    if len(given) > 1 and any(g is None for g in given):
        return None
    vjp = vjp_of(op, inputs, outputs, attrs, wanted)
    if vjp is None:
        return None
    try:
        return vjp(inputs, outputs, given)
    except (GraphcError, ValueError, IndexError, TypeError, np.linalg.LinAlgError):
        return None  # the rule itself will say what is wrong


def _differentiate(entry: Entry, given: list[Any], wanted: list[bool]) -> Sequence[Any]:
    """The gradients of a call's inputs, by its rule."""
    op, inputs, outputs, attrs, node, rule = entry
    by_region = rule or REGION_RULES.get(op)  # type: ignore[arg-type]
    if by_region is None:
        if op.grad is None:
            return [None] * len(
                inputs
            )  # the op's `no_grad` says why; TensorFlow gives None as well
        given = [zeros_like(o) if g is None else g for g, o in zip(given, outputs, strict=True)]
    context = GradContext(op, inputs, outputs, {**op.attrs, **attrs} if op else attrs, node, wanted)
    with located(node and node.loc):
        found = (by_region or op.grad)(context, *given)
    found = found if isinstance(found, tuple | list) else (found,)
    return [g if want else None for g, want in zip(found, wanted, strict=True)]


def ones_like(t: Any) -> Tensor:
    return fill_like(t, 1)


def zeros_like(t: Any) -> Tensor:
    return fill_like(t, 0)


def fill_like(t: Any, number: int) -> Tensor:
    """A tensor of ``t``'s dtype and shape."""
    if current.tracer is None:
        return EagerTensor((np.ones if number else np.zeros)(t.dims, t.dtype.np))
    one = convert_to_tensor(number, dtype=t.dtype)
    return ops.broadcast_to(one, shape=t.dims) if t.dims else one
