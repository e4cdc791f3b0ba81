"""Kernels that move elements: slices, joins, splits, padding, rolls, diagonals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from graphc.ir import dims
from graphc.ir.dims import DimLike
from graphc.ir.graph import Node, Value
from graphc.ops.combinators import normalize_axis
from graphc.ops.index import slice_bounds
from graphc.runtime.calls import Call
from graphc.runtime.scalars import literal


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


def around(x: Value, axis: int) -> tuple[DimLike, DimLike, DimLike]:
    """The number of elements before an axis, on it, and after it."""
    shape = x.type.shape
    return dims.product(shape[:axis]), shape[axis], dims.product(shape[axis + 1 :])


def _roll(node: Node) -> list[Call]:
    x, rank = node.inputs[0], node.inputs[0].type.rank
    shifts: list[DimLike] = [0] * rank
    for shift, axis in zip(node.attrs["shift"], node.attrs["axis"], strict=True):
        shifts[normalize_axis(axis, rank)] += shift
    lines = ["def kernel(slots, row):"]
    short = x.type.dtype.short
    lines += [f"    x = ptr_{short}(slots[row[0]])", f"    o = ptr_{short}(slots[row[1]])"]
    pad, place, source = "    ", "i64(0)", "i64(0)"
    for i in range(rank):
        lines += [f"    n{i} = slots[row[{2 + 2 * i}]]", f"    s{i} = slots[row[{3 + 2 * i}]]"]
    for i in range(rank):
        lines.append(f"{pad}for i{i} in range(n{i}):")
        pad += "    "
        source, place = f"({source} * n{i} + i{i})", f"({place} * n{i} + (i{i} + s{i}) % n{i})"
    lines += [f"{pad}o[{place}] = x[{source}]", "    return 0"]
    row = [n for pair in zip(x.type.shape, shifts, strict=True) for n in pair]
    return [Call("\n".join(lines) + "\n", (x, node.output, *row))]


def _diagonal(value: Value) -> list[DimLike]:
    """Steps along the diagonals of matrices."""
    steps = strides(value.type.shape)
    return [*steps[:-2], steps[-2] + 1]


def _diag(node: Node) -> list[Call]:
    x, out = node.inputs[0], node.output
    shape = x.type.shape
    return [fill(out, 0), strided_copy(x, out, shape, (0, strides(shape)), (0, _diagonal(out)))]


def _diag_part(node: Node) -> list[Call]:
    x, out = node.inputs[0], node.output
    shape = out.type.shape
    return [strided_copy(x, out, shape, (0, _diagonal(x)), (0, strides(shape)))]


COPIES: dict[str, Callable[[Node], list[Call] | None]] = {
    "slice": _slice, "place": _place, "concat": _concat, "stack": _stack, "split": _split,
    "unstack": _unstack, "pad": _pad, "roll": _roll, "diag": _diag, "diag_part": _diag_part,
    "shape_of": _shape_of,
}  # fmt: skip
