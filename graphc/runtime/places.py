"""Kernels along an axis and at places that data tells: extremes, running sums, gather, scatter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from graphc.ir import dims
from graphc.ir.dims import DimLike
from graphc.ir.graph import Node, Value
from graphc.ops.combinators import normalize_axis
from graphc.runtime.calls import Call
from graphc.runtime.copies import around, copy, fill
from graphc.runtime.scalars import OUT_OF_RANGE

# --- along an axis --------------------------------------------------------------------------------

_PLACE = """def kernel(slots, row):
    x = ptr_{t}(slots[row[0]])
    o = ptr_{i}(slots[row[1]])
    lead, size, inner = slots[row[2]], slots[row[3]], slots[row[4]]
    for a in range(lead):
        for b in range(inner):
            start = a * size * inner + b
            best = {first}
            place = 0
            for j in range(size):
                v = x[start + j * inner]
                if v {sign} best:
                    best = v
                    place = j
            o[a * inner + b] = {i}(place)
    return 0
"""
_CUMULATIVE = """def kernel(slots, row):
    x = ptr_{t}(slots[row[0]])
    o = ptr_{t}(slots[row[1]])
    lead, size, inner = slots[row[2]], slots[row[3]], slots[row[4]]
    for a in range(lead):
        for b in range(inner):
            total = {t}({start})
            for k in range(size):
                at = (a * size + {index}) * inner + b
                {lines}
    return 0
"""


def _around(node: Node) -> tuple[DimLike, DimLike, DimLike]:
    x = node.inputs[0]
    return around(x, normalize_axis(node.attrs["axis"], x.type.rank))


def _extreme_place(sign: str) -> Callable[[Node], list[Call]]:
    def rule(node: Node) -> list[Call]:
        x, out = node.inputs[0], node.output
        short = x.type.dtype.short
        worst = f"{short}({'-' if sign == '>' else ''}np.inf)"  # NaN is no extreme
        text = _PLACE.format(
            t=short, i=out.type.dtype.short, sign=sign,
            first=worst if x.type.dtype.is_floating else "x[start]",
        )  # fmt: skip
        return [Call(text, (x, out, *_around(node)))]

    return rule


_LOG_SUM = (
    "x[at] + {t}(0.6931471805599453) if total == x[at] else (total if total > x[at] else x[at])"
    " + log1p_{t}(exp_{t}(-fabs_{t}(total - x[at])))"
)


def _cumulative(total: str, start: str) -> Callable[[Node], list[Call]]:
    def rule(node: Node) -> list[Call]:
        x, short = node.inputs[0], node.inputs[0].type.dtype.short
        step, store = f"total = {short}({total.replace('{t}', short)})", "o[at] = total"
        first, second = (store, step) if node.attrs["exclusive"] else (step, store)
        text = _CUMULATIVE.format(
            t=short, start=start, index="size - 1 - k" if node.attrs["reverse"] else "k",
            lines=f"{first}\n                {second}",
        )  # fmt: skip
        return [Call(text, (x, node.output, *_around(node)))]

    return rule


# --- at indices along an axis ---------------------------------------------------------------------

# All indices are checked before anything is written: a step that fails has changed nothing.
_ALONG = """def kernel(slots, row):
    x = ptr_{t}(slots[row[0]])
    index = ptr_{i}(slots[row[1]])
    o = ptr_{t}(slots[row[2]])
    batch, lead, size = slots[row[3]], slots[row[4]], slots[row[5]]
    count, inner = slots[row[6]], slots[row[7]]
    for k in range(batch * count):
        j = i64(index[k])
        if j < 0 or j >= size:
            slots[0], slots[1] = j, size
            return {code}
    for c in range(batch):
        for a in range(c * lead, (c + 1) * lead):
            for k in range(count):
                whole = (a * size + i64(index[c * count + k])) * inner
                part = (a * count + k) * inner
                for b in range(inner):
                    {body}
    return 0
"""


def _along(
    indices: Value, source: Value, target: Value, whole: Value, attrs: Any, body: str
) -> Call:
    """A kernel over the slices of ``whole`` at indices; the other array holds them in order."""
    axis, batch = normalize_axis(attrs["axis"], whole.type.rank), attrs.get("batch_dims", 0)
    shape = whole.type.shape
    short = source.type.dtype.short
    text = _ALONG.format(t=short, i=indices.type.dtype.short, code=OUT_OF_RANGE, body=body)
    row = (
        source, indices, target, dims.product(shape[:batch]), dims.product(shape[batch:axis]),
        shape[axis], dims.product(indices.type.shape[batch:]), dims.product(shape[axis + 1 :]),
    )  # fmt: skip
    return Call(text, row, can_fail=True)


def _add_to(short: str) -> str:
    return f"o[whole + b] = {short}(o[whole + b] + x[part + b])"


def _gather(node: Node) -> list[Call]:
    x, indices = node.inputs
    return [_along(indices, x, node.output, x, node.attrs, "o[part + b] = x[whole + b]")]


def _gather_grad(node: Node) -> list[Call]:
    (g, indices), out = node.inputs, node.output
    body = _add_to(g.type.dtype.short)
    return [fill(out, 0), _along(indices, g, out, out, node.attrs, body)]


def _scatter_add(node: Node) -> list[Call]:
    x, indices, updates = node.inputs
    body = _add_to(x.type.dtype.short)
    return [copy(x, node.output), _along(indices, updates, node.output, x, node.attrs, body)]


_SET_ROW = """def kernel(slots, row):
    j = i64(ptr_{i}(slots[row[1]])[0])
    size, inner = slots[row[3]], slots[row[4]]
    if j < 0 or j >= size:
        slots[0], slots[1] = j, size
        return {code}
    o = ptr_{t}(slots[row[2]])
    value = ptr_{t}(slots[row[0]])
    for b in range(inner):
        o[j * inner + b] = value[b]
    return 0
"""


def _set_row(node: Node) -> list[Call]:
    x, index, value = node.inputs
    text = _SET_ROW.format(
        t=x.type.dtype.short, i=index.type.dtype.short, code=OUT_OF_RANGE
    )  # fmt: skip
    row = (value, index, node.output, x.type.shape[0], dims.product(x.type.shape[1:]))
    return [copy(x, node.output), Call(text, row, can_fail=True)]


# --- at positions ---------------------------------------------------------------------------------

_AT = """def kernel(slots, row):
    x = ptr_{t}(slots[row[0]])
    index = ptr_{i}(slots[row[1]])
    o = ptr_{t}(slots[row[2]])
    count, inner = slots[row[3]], slots[row[4]]
{sizes}
    for k in range(count):
{checks}
    for k in range(count):
        whole = {offset}
        part = k * inner
        for b in range(inner):
            {body}
    return 0
"""
_CHECK = """        j = i64(index[k * {depth} + {d}])
        if j < 0 or j >= n{d}:
            slots[0], slots[1] = j, n{d}
            return {code}"""


def _at(
    indices: Value, source: Value, target: Value, shape: Sequence[DimLike], body: str
) -> Call | None:
    """A kernel over the slices of an array of a shape at the positions in ``indices``."""
    depth = indices.type.shape[-1]
    if not isinstance(depth, int) or not depth:
        return None
    offset, places = "i64(0)", range(depth)
    for d in places:
        offset = f"({offset} * n{d} + i64(index[k * {depth} + {d}]))"
    text = _AT.format(
        t=source.type.dtype.short, i=indices.type.dtype.short, body=body,
        offset=f"{offset} * inner",
        sizes="\n".join(f"    n{d} = slots[row[{5 + d}]]" for d in places),
        checks="\n".join(_CHECK.format(depth=depth, d=d, code=OUT_OF_RANGE) for d in places),
    )  # fmt: skip
    count, inner = dims.product(indices.type.shape[:-1]), dims.product(tuple(shape[depth:]))
    return Call(text, (source, indices, target, count, inner, *shape[:depth]), can_fail=True)


def _gather_nd(node: Node) -> list[Call] | None:
    x, indices = node.inputs
    call = _at(indices, x, node.output, x.type.shape, "o[part + b] = x[whole + b]")
    return None if call is None else [call]


def _scatter_nd(node: Node) -> list[Call] | None:
    (indices, updates), out = node.inputs, node.output
    call = _at(indices, updates, out, out.type.shape, _add_to(out.type.dtype.short))
    return None if call is None else [fill(out, 0), call]


def _scatter_at(combined: str) -> Callable[[Node], list[Call] | None]:
    """``combined`` is made of the old element ``{o}`` and the update ``{v}``."""

    def rule(node: Node) -> list[Call] | None:
        x, indices, updates = node.inputs
        body = combined.format(o="o[whole + b]", v="x[part + b]")
        body = f"o[whole + b] = {x.type.dtype.short}({body})"
        call = _at(indices, updates, node.output, x.type.shape, body)
        return None if call is None else [copy(x, node.output), call]

    return rule


# How a new element comes from the old one {o} and an update {v}.
COMBINED = {
    "tensor_scatter_update": "{v}", "tensor_scatter_add": "{o} + {v}",
    "tensor_scatter_sub": "{o} - {v}", "tensor_scatter_mul": "{o} * {v}",
    "tensor_scatter_max": "{v} if {v} > {o} or {v} != {v} else {o}",
    "tensor_scatter_min": "{v} if {v} < {o} or {v} != {v} else {o}",
}  # fmt: skip
SCATTERS = {name: _scatter_at(combined) for name, combined in COMBINED.items()}
PLACES: dict[str, Callable[[Node], list[Call] | None]] = {
    "argmax": _extreme_place(">"), "argmin": _extreme_place("<"),
    "cumsum": _cumulative("total + x[at]", "0"), "cumprod": _cumulative("total * x[at]", "1"),
    "cumulative_logsumexp": _cumulative(_LOG_SUM, "-np.inf"), "gather": _gather,
    "gather_grad": _gather_grad, "scatter_add": _scatter_add, "set_row": _set_row,
    "gather_nd": _gather_nd, "scatter_nd": _scatter_nd, **SCATTERS,
}  # fmt: skip
