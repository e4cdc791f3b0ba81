"""What a node has to do: floating-point operations and bytes, from types alone."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

from graphc.ir import dims
from graphc.ir.graph import Node
from graphc.ir.types import TensorType
from graphc.ops.opdef import Reduce
from graphc.runtime.plan import Step

Sizes = Mapping[str, int]


def elements(type: TensorType, sizes: Sizes) -> int:
    """How many elements a value has; a size that is not known counts as 1."""
    known = (dims.evaluate(d, sizes) if dims.symbols(d) <= sizes.keys() else 1 for d in type.shape)
    return prod(known)


def flops(node: Node, sizes: Sizes) -> int:
    """Additions, multiplications and calls of elementary functions; a node with a loop counts its
    body once."""
    if node.regions:
        return sum(flops(n, sizes) for g in node.regions.values() for n in g.nodes)
    op: Any = node.op
    if not node.outputs or op.name == "constant":
        return 0
    made = elements(node.outputs[0].type, sizes)
    if op.name == "matmul":
        a, row = node.inputs[0].type, -2 if node.attrs.get("transpose_a") else -1
        return 2 * made * elements(TensorType(a.dtype, (a.shape[row],)), sizes)
    if op.name.startswith("conv"):
        return _convolution(node, sizes)
    if isinstance(op.lower, Reduce):
        return elements(node.inputs[0].type, sizes)
    return made if op.elementwise else 0


def _convolution(node: Node, sizes: Sizes) -> int:
    """Two for each element of the result and element of a filter that it sees, and the same for
    the gradients: they only add up in another order."""
    names = dict(zip(node.op.operands, node.inputs, strict=True))  # type: ignore[attr-defined]
    made = node.outputs[0]
    result, filters = names.get("g", made).type, names.get("filters", made).type
    channels = elements(TensorType(result.dtype, result.shape[-1:]), sizes)
    return 2 * elements(result, sizes) * elements(filters, sizes) // max(channels, 1)


def traffic(step: Step, sizes: Sizes) -> int:
    """Bytes that a step reads and writes if each of its buffers is moved once."""
    types = {buffer: value.type for value, buffer in (*step.inputs, *step.outputs)}
    return sum(elements(t, sizes) * t.dtype.size for t in types.values())
