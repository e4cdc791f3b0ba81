"""Kernels that are written by hand: products, copies between layouts, gathers, random numbers.

Each function takes a node and returns `Call`s: a kernel's text and what its row holds.  An entry of
a row is a value (its address), a dimension, or a plain number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from graphc.ir import dims
from graphc.ir.dims import DimLike
from graphc.ir.graph import Node, Value
from graphc.ops.combinators import normalize_axis
from graphc.ops.index import slice_bounds
from graphc.ops.opdef import Index, Library
from graphc.runtime import blas
from graphc.runtime.scalars import FALSE, NOT_FINITE, OUT_OF_RANGE, literal


@dataclass(frozen=True)
class Call:
    """One call of a kernel."""

    text: str
    row: tuple[Any, ...]
    can_fail: bool = False


@dataclass(frozen=True)
class Gemm:
    """A row entry: the address of BLAS for a type."""

    short: str


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
    row = (Gemm(short), a, b, node.output, count, m, n, k, int(ta), int(tb), step_a, step_b, m * n)
    return [Call(blas.gemm_text(short), row)]


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


# --- copies between layouts -----------------------------------------------------------------------


def strides(shape: Sequence[DimLike]) -> list[DimLike]:
    """Elements between neighbours along each axis of a contiguous array."""
    found: list[DimLike] = []
    step: DimLike = 1
    for d in reversed(shape):
        found.insert(0, step)
        step = step * d
    return found


def strided_copy(
    source: Value, target: Value, shape: Sequence[DimLike],
    from_: tuple[DimLike, Sequence[DimLike]], to: tuple[DimLike, Sequence[DimLike]],
) -> Call:  # fmt: skip
    """``target[to + index * steps] = source[from + index * steps]`` for every index of a shape."""
    rank = len(shape)
    lines = ["def kernel(slots, row):"]
    short = source.type.dtype.short
    lines += [f"    x = ptr_{short}(slots[row[0]])", f"    o = ptr_{short}(slots[row[1]])"]
    lines += ["    x0 = slots[row[2]]", "    o0 = slots[row[3]]"]
    for i in range(rank):
        lines.append(f"    n{i} = slots[row[{4 + 3 * i}]]")
        lines.append(f"    xs{i} = slots[row[{5 + 3 * i}]]")
        lines.append(f"    os{i} = slots[row[{6 + 3 * i}]]")
    pad = "    "
    for i in range(rank):
        lines.append(f"{pad}for i{i} in range(n{i}):")
        pad += "    "
        lines.append(f"{pad}x{i + 1} = x{i} + i{i} * xs{i}")
        lines.append(f"{pad}o{i + 1} = o{i} + i{i} * os{i}")
    lines += [f"{pad}o[o{rank}] = x[x{rank}]", "    return 0"]
    row: list[Any] = [source, target, from_[0], to[0]]
    for n, a, b in zip(shape, from_[1], to[1], strict=True):
        row += [n, a, b]
    return Call("\n".join(lines) + "\n", tuple(row))


def indexed(value: Value, index: Sequence[Any]) -> tuple[DimLike, list[DimLike], list[DimLike]]:
    """Start, steps and counts of ``value[index]``, in elements."""
    steps = strides(value.type.shape)
    start: DimLike = 0
    shape: list[DimLike] = []
    walk: list[DimLike] = []
    axis = 0
    for part in index:
        if part is None:
            shape.append(1)
            walk.append(0)
            continue
        size = value.type.shape[axis]
        if isinstance(part, slice):
            first, count, step = slice_bounds(part, size)
            shape.append(count)
            walk.append(steps[axis] * step)
        else:
            first = part + size if isinstance(part, int) and part < 0 else part
        start = start + steps[axis] * first
        axis += 1
    return start, [*walk, *steps[axis:]], [*shape, *value.type.shape[axis:]]


def _slice(node: Node) -> list[Call]:
    x = node.inputs[0]
    start, walk, shape = indexed(x, node.attrs["index"])
    return [strided_copy(x, node.output, shape, (start, walk), (0, strides(shape)))]


def _place(node: Node) -> list[Call]:
    """Zeros, or a copy, with a value written at an index."""
    out = node.output
    start, walk, shape = indexed(out, node.attrs["index"])
    if len(node.inputs) == 1:
        return [
            fill(out, 0),
            strided_copy(node.inputs[0], out, shape, (0, strides(shape)), (start, walk)),
        ]
    x, value = node.inputs
    own = strides(value.type.shape)
    offset = len(shape) - value.type.rank
    steps: list[DimLike] = [0] * offset + [
        0 if d == 1 else s for d, s in zip(value.type.shape, own, strict=True)
    ]
    return [copy(x, out), strided_copy(value, out, shape, (0, steps), (start, walk))]


def copy(source: Value, target: Value) -> Call:
    """All elements, in order."""
    size = source.type.size
    return strided_copy(source, target, (size,), (0, (1,)), (0, (1,)))


def fill(target: Value, number: Any) -> Call:
    dtype = target.type.dtype
    short = dtype.short
    value = literal(dtype.np.type(number)) if not dtype.is_bool else str(int(number))
    text = (
        f"def kernel(slots, row):\n    o = ptr_{short}(slots[row[0]])\n    n = slots[row[1]]\n"
        f"    for i in range(n):\n        o[i] = {value}\n    return 0\n"
    )
    return Call(text, (target, target.type.size))


def _concat(node: Node) -> list[Call]:
    out = node.output
    axis = normalize_axis(node.attrs["axis"], out.type.rank)
    steps = strides(out.type.shape)
    calls, start = [], 0
    for x in node.inputs:
        shape = x.type.shape
        calls.append(strided_copy(x, out, shape, (0, strides(shape)), (start * steps[axis], steps)))
        start = start + shape[axis]
    return calls


def _stack(node: Node) -> list[Call]:
    out = node.output
    axis = normalize_axis(node.attrs["axis"], out.type.rank)
    steps = strides(out.type.shape)
    rest = steps[:axis] + steps[axis + 1 :]
    return [
        strided_copy(x, out, x.type.shape, (0, strides(x.type.shape)), (i * steps[axis], rest))
        for i, x in enumerate(node.inputs)
    ]


def _split(node: Node) -> list[Call]:
    x = node.inputs[0]
    axis = normalize_axis(node.attrs["axis"], x.type.rank)
    steps, start, calls = strides(x.type.shape), 0, []
    for part in node.outputs:
        shape = part.type.shape
        calls.append(
            strided_copy(x, part, shape, (start * steps[axis], steps), (0, strides(shape)))
        )
        start = start + shape[axis]
    return calls


def _unstack(node: Node) -> list[Call]:
    x = node.inputs[0]
    axis = normalize_axis(node.attrs["axis"], x.type.rank)
    steps = strides(x.type.shape)
    rest = steps[:axis] + steps[axis + 1 :]
    return [
        strided_copy(
            x, part, part.type.shape, (i * steps[axis], rest), (0, strides(part.type.shape))
        )
        for i, part in enumerate(node.outputs)
    ]


def _pad(node: Node) -> list[Call]:
    x, out = node.inputs[0], node.output
    steps = strides(out.type.shape)
    start = sum((a * s for (a, _), s in zip(node.attrs["paddings"], steps, strict=True)), start=0)
    shape = x.type.shape
    inside = strided_copy(x, out, shape, (0, strides(shape)), (start, steps))
    return [fill(out, node.attrs["value"]), inside]


def _shape_of(node: Node) -> list[Call]:
    short = node.output.type.dtype.short
    sizes = node.inputs[0].type.shape
    lines = ["def kernel(slots, row):", f"    o = ptr_{short}(slots[row[0]])"]
    lines += [f"    o[{i}] = {short}(slots[row[{i + 1}]])" for i in range(len(sizes))]
    return [Call("\n".join([*lines, "    return 0"]) + "\n", (node.output, *sizes))]


# --- along an axis --------------------------------------------------------------------------------

_PLACE = """def kernel(slots, row):
    x = ptr_{t}(slots[row[0]])
    o = ptr_{i}(slots[row[1]])
    lead, size, inner = slots[row[2]], slots[row[3]], slots[row[4]]
    for a in range(lead):
        for b in range(inner):
            start = a * size * inner + b
            best = x[start]
            place = 0
            for j in range(1, size):
                v = x[start + j * inner]
                if v {sign} best or (v != v and best == best):
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


def _extreme_place(sign: str) -> Callable[[Node], list[Call]]:
    def rule(node: Node) -> list[Call]:
        x, out = node.inputs[0], node.output
        around = _around(x, normalize_axis(node.attrs["axis"], x.type.rank))
        text = _PLACE.format(t=x.type.dtype.short, i=out.type.dtype.short, sign=sign)
        return [Call(text, (x, out, *around))]

    return rule


def _cumulative(sign: str, start: int) -> Callable[[Node], list[Call]]:
    def rule(node: Node) -> list[Call]:
        x, short = node.inputs[0], node.inputs[0].type.dtype.short
        step, store = f"total = {short}(total {sign} x[at])", "o[at] = total"
        first, second = (store, step) if node.attrs["exclusive"] else (step, store)
        text = _CUMULATIVE.format(
            t=short, start=start, index="size - 1 - k" if node.attrs["reverse"] else "k",
            lines=f"{first}\n                {second}",
        )  # fmt: skip
        around = _around(x, normalize_axis(node.attrs["axis"], x.type.rank))
        return [Call(text, (x, node.output, *around))]

    return rule


# --- gather and scatter ---------------------------------------------------------------------------

_GATHER = """def kernel(slots, row):
    x = ptr_{t}(slots[row[0]])
    index = ptr_{i}(slots[row[1]])
    o = ptr_{t}(slots[row[2]])
    lead, size, count, inner = slots[row[3]], slots[row[4]], slots[row[5]], slots[row[6]]
    for k in range(count):
        j = i64(index[k])
        if j < 0 or j >= size:
            slots[0], slots[1] = j, size
            return {code}
    for a in range(lead):
        for k in range(count):
            j = i64(index[k])
            for b in range(inner):
                {body}
    return 0
"""


def _around(x: Value, axis: int) -> tuple[DimLike, DimLike, DimLike]:
    shape = x.type.shape
    return dims.product(shape[:axis]), shape[axis], dims.product(shape[axis + 1 :])


def _gather(node: Node) -> list[Call] | None:
    x, indices = node.inputs
    if node.attrs.get("batch_dims"):
        return None
    axis = normalize_axis(node.attrs["axis"], x.type.rank)
    lead, size, inner = _around(x, axis)
    text = _GATHER.format(
        t=x.type.dtype.short, i=indices.type.dtype.short, code=OUT_OF_RANGE,
        body="o[(a * count + k) * inner + b] = x[(a * size + j) * inner + b]",
    )  # fmt: skip
    row = (x, indices, node.output, lead, size, indices.type.size, inner)
    return [Call(text, row, can_fail=True)]


def _scatter_add(node: Node) -> list[Call]:
    x, indices, updates = node.inputs
    axis = normalize_axis(node.attrs["axis"], x.type.rank)
    lead, size, inner = _around(x, axis)
    short = x.type.dtype.short
    text = _GATHER.format(
        t=short, i=indices.type.dtype.short, code=OUT_OF_RANGE,
        body=f"p = (a * size + j) * inner + b\n                "
        f"o[p] = {short}(o[p] + x[(a * count + k) * inner + b])",
    )  # fmt: skip
    row = (updates, indices, node.output, lead, size, indices.type.size, inner)
    return [copy(x, node.output), Call(text, row, can_fail=True)]


# --- random numbers: ops/random.py in scalar form -------------------------------------------------

_RANDOM = """def kernel(slots, row):
    key = buf_u64(slots[row[0]], 0)
    o = buf_{t}(slots[row[1]], 1)
    n = slots[row[2]]
    seed = key[0]
    counter = key[1]
    low = u64(4294967295)
    w = u64(32)
    for i in range(n):
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
_UNIFORM = {
    "f32": "f32(c0 >> u64(8)) * f32(5.9604644775390625e-08)",
    "f64": "f64((c0 << u64(21)) | (c1 >> u64(11))) * f64(1.1102230246251565e-16)",
}


def _uniform(node: Node) -> list[Call] | None:
    short = node.output.type.dtype.short
    if short not in _UNIFORM:
        return None
    text = _RANDOM.format(t=short, value=_UNIFORM[short])
    return [Call(text, (node.inputs[0], node.output, node.output.type.size))]


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
    "gemm": _gemm, "slice": _slice, "place": _place, "concat": _concat, "stack": _stack,
    "split": _split, "unstack": _unstack, "pad": _pad, "gather": _gather, "shape_of": _shape_of,
    "argmax": _extreme_place(">"), "argmin": _extreme_place("<"),
    "cumsum": _cumulative("+", 0), "cumprod": _cumulative("*", 1), "scatter_add": _scatter_add,
    "random_uniform": _uniform, "raise_unless": _raise_unless, "check_numerics": _check_numerics,
}  # fmt: skip
