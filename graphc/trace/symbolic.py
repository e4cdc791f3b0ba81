"""Gradients of graphs without a tape: ``tf.gradients`` and ``tf.hessians``.

Every node of the trace is a call that a tape might have noted; the sweep is the tapes' own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.errors import InvalidArgumentError
from graphc.ir.graph import Value
from graphc.ops import ops
from graphc.trace import nest
from graphc.trace.dispatch import convert_to_tensor
from graphc.trace.gradient import accumulate, backward, ones_like, zeros_like
from graphc.trace.state import current
from graphc.trace.tape import wants_zero
from graphc.trace.tensor import SymbolicTensor


def gradients(
    ys: Any, xs: Any, grad_ys: Any = None, name: str = "gradients", gate_gradients: bool = False,
    aggregation_method: Any = None, stop_gradients: Any = None, unconnected_gradients: Any = "none",
) -> list[Any]:  # fmt: skip
    """The derivatives of the sum of ``ys`` by each of ``xs`` (TF: ``tf.gradients``).

    Only while a graph is built; ``stop_gradients`` are taken as constants.  Raises
    ``RuntimeError`` in eager code, where `GradientTape` does this.
    """
    tracer = current.tracer
    if tracer is None:
        raise RuntimeError(
            "tf.gradients is not supported when eager execution is enabled. Use tf.GradientTape"
            " instead."
        )
    known: dict[Value, SymbolicTensor] = {}

    def tensor(value: Value) -> SymbolicTensor:
        return known.setdefault(value, SymbolicTensor(value, tracer))

    def place(t: Any) -> SymbolicTensor:
        """The one object that stands for a tensor, or for a Variable as it came in."""
        entry = tracer.entry_of(t) if hasattr(t, "key") else tracer.lift(convert_to_tensor(t))
        return tensor(entry.value)

    entries = [
        (n.op, tuple(map(tensor, n.inputs)), tuple(map(tensor, n.outputs)), n.attrs, n, None)
        for n in tracer.nodes
        if n.outputs
    ]
    targets, sources = nest.flatten(ys), nest.flatten(xs)
    stops = {id(place(t)) for t in nest.flatten([] if stop_gradients is None else stop_gradients)}
    given = [None] * len(targets) if grad_ys is None else nest.flatten(grad_ys)
    places = [place(x) for x in sources]
    seeds: dict[int, Any] = {}
    for y, g in zip(targets, given, strict=True):
        t = place(y)
        accumulate(seeds, t, ones_like(t) if g is None else convert_to_tensor(g, t.dtype))
    found = backward(entries, seeds, places, _needed(entries, places, stops))
    if wants_zero(unconnected_gradients):
        return [zeros_like(x) if g is None else g for x, g in zip(places, found, strict=True)]
    return found


def _needed(entries: Sequence[Any], sources: Sequence[Any], stops: set[int]) -> set[int]:
    """The ids of what depends on a source, not by way of what is constant."""
    needed = {id(s) for s in sources}
    for _, inputs, outputs, *_ in entries:
        if any(id(x) in needed for x in inputs):
            needed.update(id(o) for o in outputs if id(o) not in stops and _flows(o))
    return needed


def _flows(t: SymbolicTensor) -> bool:
    return t.dtype.is_differentiable


def hessians(
    ys: Any, xs: Any, gate_gradients: bool = False, aggregation_method: Any = None,
    name: str = "hessians",
) -> list[Any]:  # fmt: skip
    """The second derivatives of the sum of ``ys`` by each of ``xs``: [*x.shape, *x.shape]."""
    found = []
    for x in nest.flatten(xs):
        (slope,) = gradients(ys, x)
        if slope is None or not all(isinstance(d, int) for d in slope.dims):
            raise InvalidArgumentError("tf.hessians needs an x of known shape that ys depends on")
        rows = [ops.reshape(slope, shape=(-1,))[i] for i in range(slope.shape.num_elements())]
        columns = [gradients(row, x, unconnected_gradients="zero")[0] for row in rows]
        found.append(ops.reshape(ops.stack(*columns, axis=0), shape=(*slope.dims, *slope.dims)))
    return found
