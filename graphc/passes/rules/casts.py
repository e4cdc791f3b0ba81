"""Casts that change nothing, and casts of casts."""

from __future__ import annotations

import numpy as np

from graphc.ir.dtypes import DType, bfloat16
from graphc.ir.graph import Node, Value
from graphc.passes.rewrite import Site, rule

Answer = Value | str | None


@rule("cast")
def same_dtype(node: Node, site: Site) -> Answer:
    """A cast to the dtype it has."""
    x = node.inputs[0]
    return x if x.type == node.output.type else None


@rule("cast")
def cast_cast(node: Node, site: Site) -> Answer:
    """cast(cast(x, a), b) = cast(x, b), if a loses nothing of x."""
    inner = site.maker(node.inputs[0], "cast")
    if inner is None:
        return None
    x, through, to = inner.inputs[0], node.inputs[0].type.dtype, node.output.type.dtype
    source = x.type.dtype
    if not holds(through, source):
        return f"{through.name} cannot hold every {source.name}"
    if source.is_integer and to.is_integer and not through.is_integer and not holds(to, source):
        return f"{through.name} to {to.name} does not wrap around as {source.name} does"
    return x if source is to else site.emit("cast", x, dtype=to)


def holds(wide: DType, narrow: DType) -> bool:
    """Whether every number of one dtype is a number of the other."""
    if wide is narrow or narrow.is_bool:
        return wide.kind != "s"
    if wide.is_bool or "s" in (wide.kind, narrow.kind):
        return False
    if wide.is_complex:
        return holds(wide.real_dtype, narrow.real_dtype)
    if narrow.is_complex or bfloat16 in (wide, narrow):
        return narrow is bfloat16 and wide.name in ("float32", "float64")
    return np.can_cast(narrow.np, wide.np, "safe") and not _rounds(wide, narrow)


def _rounds(wide: DType, narrow: DType) -> bool:
    """Integers of more bits than a float's mantissa (numpy calls int64 -> float64 safe)."""
    if not (wide.is_floating and narrow.is_integer):
        return False
    bits = narrow.size * 8 - (0 if narrow.is_unsigned else 1)
    return bits > np.finfo(wide.np).nmant + 1
