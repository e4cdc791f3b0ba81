"""Kernels that are written by hand, by the name of their op; here: matrix products and checks.

Each function takes a node and returns `Call`s: a kernel's text and what its row holds.
"""

from __future__ import annotations

from collections.abc import Callable

from graphc.ir import dims
from graphc.ir.dims import DimLike
from graphc.ir.graph import Node, Value
from graphc.ops.opdef import Index, Library
from graphc.runtime.calls import Call
from graphc.runtime.convolution import CONVOLUTIONS
from graphc.runtime.copies import COPIES, copy
from graphc.runtime.draws import DRAWS
from graphc.runtime.places import PLACES, SCATTERS
from graphc.runtime.pooling import POOLINGS
from graphc.runtime.products import product
from graphc.runtime.scalars import FALSE, NOT_FINITE


def calls_of(node: Node) -> list[Call] | None:
    """The calls that compute a node, or None if it has no kernel of its own."""
    lower = node.op.lower  # type: ignore[attr-defined]
    name = lower.name if isinstance(lower, Library) else node.op.name
    if isinstance(lower, Index) and lower.kind == "slice":
        name = "slice"
    rule = _RULES.get(name)
    plain = not any(v.type.dtype.storage_only or v.type.dtype.kind in "cs"
                    for v in (*node.inputs, *node.outputs))  # fmt: skip
    return rule(node) if rule is not None and plain else None


def changes_first(node: Node) -> bool:
    """Whether the first call copies the first operand, and the others change some of its places."""
    name = getattr(node.op.lower, "name", node.op.name)  # type: ignore[attr-defined]
    if name == "place":
        return len(node.inputs) == 2
    return name in ("scatter_add", "set_row") or name in SCATTERS


# --- matrix products ------------------------------------------------------------------------------


def _gemm(node: Node) -> list[Call] | None:
    a, b = node.inputs
    short = a.type.dtype.short
    if short not in ("f32", "f64"):
        return None
    batch = _batch(a, b, node.output)
    if batch is None:
        return None
    count, step_a, step_b = batch
    m, n = node.output.type.shape[-2:]
    ta, tb = bool(node.attrs["transpose_a"]), bool(node.attrs["transpose_b"])
    k = a.type.shape[-2 if ta else -1]
    if step_b == 0 and step_a != 0 and not ta:  # many matrices times one: one tall matrix
        m, count, step_a = m * count, 1, 0
    return product(a, b, node.output, (count, m, n, k), (ta, tb), (step_a, step_b))


def _batch(a: Value, b: Value, out: Value) -> tuple[DimLike, DimLike, DimLike] | None:
    """How often, and how far each operand moves; None if both broadcast in different axes."""
    lead = out.type.shape[:-2]
    count = dims.product(lead)
    steps: list[DimLike] = []
    for v in (a, b):
        own = v.type.shape[:-2]
        if dims.product(own) == 1:
            steps.append(0)
        elif own == lead:
            steps.append(v.type.shape[-2] * v.type.shape[-1])
        else:
            return None
    return count, steps[0], steps[1]


# --- checks ---------------------------------------------------------------------------------------


def _raise_unless(node: Node) -> list[Call]:
    ok = node.inputs[0]
    text = (
        "def kernel(slots, row):\n    ok = ptr_b1(slots[row[0]])\n    n = slots[row[1]]\n"
        "    for i in range(n):\n        if ok[i] == 0:\n"
        f"            return {FALSE}\n    return 0\n"
    )
    return [Call(text, (ok, ok.type.size), can_fail=True)]


def _check_numerics(node: Node) -> list[Call]:
    x, short = node.inputs[0], node.inputs[0].type.dtype.short
    text = (
        f"def kernel(slots, row):\n    x = ptr_{short}(slots[row[0]])\n    n = slots[row[1]]\n"
        f"    for i in range(n):\n        if not (fabs_{short}(x[i]) < {short}(np.inf)):\n"
        f"            return {NOT_FINITE}\n"
        "    return 0\n"
    )
    return [Call(text, (x, x.type.size), can_fail=True), copy(x, node.output)]


_RULES: dict[str, Callable[[Node], list[Call] | None]] = {
    "gemm": _gemm, "raise_unless": _raise_unless, "check_numerics": _check_numerics, **COPIES,
    **PLACES, **DRAWS, **CONVOLUTIONS, **POOLINGS,
}  # fmt: skip
