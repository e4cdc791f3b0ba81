"""Gradient rules as straight lines of numpy calls, for eager sweeps.

A rule is written with ops, and each op called costs more than a small array's arithmetic.  So a
rule that is used again and again with the same types is traced once; from then on a Python function
made of its trace calls the numpy rules of its ops, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from graphc.errors import GraphcError
from graphc.ir.graph import Graph, Node
from graphc.ops import OpDef, control
from graphc.ops.opdef import GradContext
from graphc.trace.dispatch import type_of
from graphc.trace.state import recording, tracing
from graphc.trace.tensor import EagerTensor
from graphc.trace.tracer import Tracer

# inputs, outputs, gradients of the outputs -> a gradient (or None) for each input
Vjp = Callable[[Sequence[Any], Sequence[Any], Sequence[Any]], Sequence[Any]]


def _trace(op: OpDef, c: GradContext) -> tuple[Graph, list[bool]]:
    """A rule's graph, from inputs, outputs and gradients, and which inputs get a gradient."""
    tracer = Tracer(op.name)
    with tracing(tracer), recording(()):
        x, y, g = (
            [tracer.add_parameter(type_of(t._array), name) for t in tensors]
            for name, tensors in (("x", c.inputs), ("y", c.outputs), ("g", c.outputs))
        )
        found = op.grad(GradContext(op, x, y, c.attrs, None, c.needed), *g)  # type: ignore[misc]
        found = found if isinstance(found, tuple | list) else (found,)
        grads = [t if want else None for t, want in zip(found, c.needed, strict=True)]
        results = [tracer.lift(t).value for t in grads if t is not None]
    if tracer.captures or tracer.variables:
        raise ValueError("the rule uses tensors of its own")
    return tracer.finish(results), [t is not None for t in grads]


def _live(graph: Graph) -> list[Node]:
    """The nodes that the results need; refuses those that are no numpy call on known shapes."""
    needed, nodes = set(graph.outputs), []
    for node in reversed(graph.nodes):
        if not any(v in needed for v in node.outputs) and not node.effect:
            continue
        if node.effect or node.regions or not all(v.type.is_static for v in node.outputs):
            raise ValueError(f"{node.op.name} is no numpy call on known shapes")
        nodes.append(node)
        needed.update(node.inputs)
    return nodes[::-1]


def make_vjp(op: OpDef, c: GradContext) -> Vjp:
    """A function that computes what ``op.grad`` does, for inputs of the same types."""
    graph, has = _trace(op, c)
    names = {}
    for letter, values in zip("xyg", _thirds(graph, len(c.inputs), len(c.outputs)), strict=True):
        names.update((v, f"{letter}[{i}]._array") for i, v in enumerate(values))
    held: dict[str, Any] = {"EagerTensor": EagerTensor, "asarray": np.asarray}
    lines = ["def vjp(x, y, g):"]
    for i, node in enumerate(_live(graph)):
        if node.op is control.constant:
            names[node.output], held[f"c{i}"] = f"c{i}", node.attrs["value"]
            continue
        names.update((v, f"t{i}_{j}") for j, v in enumerate(node.outputs))
        held[f"f{i}"], held[f"a{i}"] = node.op.eager, node.attrs  # type: ignore[attr-defined]
        listed = "".join(f"{names[v]}, " for v in node.inputs) + (f"**a{i}" if node.attrs else "")
        call = f"f{i}({listed})"
        if node.op.many:  # type: ignore[attr-defined]
            call = f"map(asarray, {call})"
        elif not (isinstance(node.op.eager, np.ufunc) and node.output.type.shape):  # type: ignore
            call = f"asarray({call})"
        lines.append(f"    {''.join(names[v] + ', ' for v in node.outputs)} = {call}"
                     if node.op.many else f"    {names[node.output]} = {call}")  # fmt: skip
    found = iter(graph.outputs)
    results = (f"EagerTensor({names[next(found)]})" if given else "None" for given in has)
    lines.append(f"    return {', '.join(results)},")
    exec(compile("\n".join(lines), f"<gradient of {op.name}>", "exec"), held)
    return held["vjp"]


def _thirds(graph: Graph, inputs: int, outputs: int) -> tuple[Any, Any, Any]:
    end = inputs + outputs
    return graph.inputs[:inputs], graph.inputs[inputs:end], graph.inputs[end:]


_USES = 3  # a rule is traced when it is used this often: tracing costs as much as 20 uses
_known: dict[Any, Any] = {}  # by call: how often it was used, its function, or None if it has none


def vjp_of(
    op: OpDef, inputs: Sequence[Any], outputs: Sequence[Any], attrs: Mapping[str, Any],
    wanted: Sequence[bool],
) -> Vjp | None:  # fmt: skip
    """The function for the gradient of an eager call, once such calls have been seen before."""
    parts: list[Any] = [op, *wanted]
    for t in inputs:
        array = t._array
        parts.append(array.dtype)
        parts.append(array.shape)
    if attrs:
        parts.extend(attrs.items())
    key = tuple(parts)
    try:
        found = _known.get(key, 0)
    except TypeError:  # slices and lists cannot be hashed
        try:
            key = _hashable(key)
            found = _known.get(key, 0)
        except TypeError:
            return None
    if type(found) is not int:
        return found
    if len(_known) > 20_000:  # a program whose shapes are always new
        _known.clear()
    _known[key] = found + 1
    if found < _USES:
        return None
    try:
        c = GradContext(op, inputs, outputs, {**op.attrs, **attrs}, None, wanted)
        _known[key] = make_vjp(op, c)
    except (GraphcError, ValueError, TypeError):  # the rule itself will say what is wrong
        _known[key] = None
    return _known[key]


def _hashable(value: Any) -> Any:
    if isinstance(value, slice):
        return slice, value.start, value.stop, value.step
    return tuple(map(_hashable, value)) if isinstance(value, tuple | list) else value
