"""Kernels of random numbers: ops/random.py in scalar form."""

from __future__ import annotations

from collections.abc import Callable

from graphc.ir.graph import Node
from graphc.runtime.calls import Call
from graphc.runtime.scalars import FALSE

_PHILOX = """def kernel(slots, row):
    key = buf_u64(slots[row[0]], 0)
    o = buf_{t}(slots[row[1]], 1)
    n = slots[row[2]]
    seed = key[0]
    counter = key[1]
    low = u64(4294967295)
    w = u64(32)
{before}    for i in range(n):
        c0 = u64(i) & low
        c1 = u64(i) >> w
        c2 = counter & low
        c3 = counter >> w
        k0 = seed & low
        k1 = seed >> w
        for _ in range(10):
            p0 = u64(3528531795) * c0
            p1 = u64(3449720151) * c2
            c0 = (p1 >> w) ^ c1 ^ k0
            c1 = p1 & low
            c2 = (p0 >> w) ^ c3 ^ k1
            c3 = p0 & low
            k0 = (k0 + u64(2654435769)) & low
            k1 = (k1 + u64(3144134277)) & low
        o[i] = {value}
    return 0
"""
# A uniform number in [0, 1) of the first two words, or the last two.
_UNIT = {
    "f32": "f32({0} >> u64(8)) * f32(5.9604644775390625e-08)",
    "f64": "f64(({0} << u64(21)) | ({1} >> u64(11))) * f64(1.1102230246251565e-16)",
}
_NORMAL = "sqrt_{t}({t}(-2) * log_{t}({t}(1) - {u})) * cos_{t}({t}(6.283185307179586) * ({v}))"
_BITS = "((c0 << w) | c1)"
_BOUNDS = f"""    first = ptr_{{t}}(slots[row[3]])[0]
    last = ptr_{{t}}(slots[row[4]])[0]
    if first >= last:
        return {FALSE}
    span = u64(last) - u64(first)
"""


def _draw(node: Node, value: str, before: str = "") -> list[Call]:
    out = node.output
    short = out.type.dtype.short
    text = _PHILOX.format(t=short, value=value, before=before.format(t=short))
    row = (node.inputs[0], out, out.type.size, *node.inputs[1:])
    return [Call(text, row, can_fail=bool(before))]


def _uniform(node: Node) -> list[Call] | None:
    unit = _UNIT.get(node.output.type.dtype.short)
    return unit and _draw(node, unit.format("c0", "c1"))  # type: ignore[return-value]


def _normal(node: Node) -> list[Call] | None:
    short = node.output.type.dtype.short
    unit = _UNIT.get(short)
    if unit is None:
        return None
    u, v = unit.format("c0", "c1"), unit.format("c2", "c3")
    return _draw(node, _NORMAL.format(t=short, u=u, v=v))


def _integers(node: Node) -> list[Call] | None:
    if any(bound.type.rank for bound in node.inputs[1:]):
        return None
    short = node.output.type.dtype.short
    return _draw(node, f"{short}(u64(first) + {_BITS} % span)", _BOUNDS)


def _bits(node: Node) -> list[Call]:
    return _draw(node, f"{node.output.type.dtype.short}{_BITS}")


DRAWS: dict[str, Callable[[Node], list[Call] | None]] = {
    "random_uniform": _uniform, "random_normal": _normal, "random_integers": _integers,
    "random_bits": _bits,
}  # fmt: skip
