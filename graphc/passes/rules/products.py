"""Matrix products take transposes of their operands as flags."""

from __future__ import annotations

from graphc.ir.graph import Node, Value
from graphc.passes.rewrite import Site, rule
from graphc.passes.rules.shapes import permutation

Answer = Value | str | None


@rule("matmul")
def transposed_operand(node: Node, site: Site) -> Answer:
    """matmul(transpose(a), b) = matmul(a, b, transpose_a=True)."""
    operands, attrs = list(node.inputs), dict(node.attrs)
    reason: str | None = None
    for i, flag in enumerate(("transpose_a", "transpose_b")):
        inner = site.maker(operands[i], "transpose")
        if inner is None:
            continue
        rank = inner.output.type.rank
        if permutation(inner) != (*range(rank - 2), rank - 1, rank - 2):
            reason = f"%{inner.output.name} moves other axes than the last two"
            continue
        operands[i] = inner.inputs[0]
        attrs[flag] = not attrs.get(flag, False)
    if tuple(operands) == node.inputs:
        return reason
    return site.emit("matmul", *operands, **attrs)
