"""Kernels of convolution: columns in blocks that stay in the cache, times filters, by BLAS.

A row of the columns holds the channels of all places of one window.  Filters of one place are a
plain product; filters of one channel are direct loops.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc.ir import dims
from graphc.ir.dims import DimLike
from graphc.ir.graph import Node, Value
from graphc.ops.conv import conv_windows
from graphc.ops.window import Windows
from graphc.runtime import blas
from graphc.runtime.calls import Call, Gemm, Scratch
from graphc.runtime.windowing import indented, is_inside, layout, loops, numbers, walks

BLOCK = 1 << 17  # elements of the columns in one block: half of a usual second-level cache
ROWS = 512  # at most in a block: more is no quicker, with few columns
SHORT_RUN = 32  # runs up to this many elements are copied by code of their own

# --- columns --------------------------------------------------------------------------------------

# Row: gemm, x, filters, g (in the order of their roles), columns, outputs, groups, rows of a block.
_COLUMNS = """def kernel(slots, row):
    gemm = slots[row[0]]
    x = buf_{t}(slots[row[1]], 0)
    filters, g, columns = slots[row[2]], slots[row[3]], slots[row[4]]
    col = buf_{t}(columns, 1)
    outputs, groups, block = slots[row[5]], slots[row[6]], slots[row[7]]
{layout}
    windows = count0 * count1 * count2
    total = batch * windows
    taken = channels // groups
    share = outputs // groups
    width = kernel2 * taken
    depth = kernel0 * kernel1 * width
    {first}
    for group in range(groups):
        for start in range(0, total, block):
            rows = min(block, total - start)
            {before}
            n = start // windows
            c = start - n * windows
            a = c // (count1 * count2)
            c -= a * (count1 * count2)
            b = c // count2
            c -= b * count2
            m = 0
            while m < rows:  # windows along one line
                steps = min(count2 - c, rows - m)
                left = c * stride2 - before2
                for i in range(kernel0):
                    p = a * stride0 + i * dilation0 - before0
                    for j in range(kernel1):
                        q = b * stride1 + j * dilation1 - before1
                        line = ((n * size0 + p) * size1 + q) * size2
                        to = m * depth + (i * kernel1 + j) * width
                        {line}
                m += steps
                c = 0
                b += 1
                if b == count1:
                    b = 0
                    a += 1
                    if a == count0:
                        a = 0
                        n += 1
            {after}
    return 0
"""
# where a whole window's places along the line lie next to each other, and inside
_ALL = "begin, end = 0, steps\n"
_SOME = """there = p >= 0 and p < size0 and q >= 0 and q < size1
begin = min(max(-(left // stride2), 0), steps) if there else 0
end = max(min((size2 - kernel2 - left) // stride2 + 1, steps), begin) if there else 0
"""
_NONE = """there = p >= 0 and p < size0 and q >= 0 and q < size1
begin, end = 0, 0
"""
_RUNS = """for s in range(begin, end):
    source = (line + left + s * stride2) * channels
    for e in range({width}):
        {run}
"""
# the others, place by place
_PLACES = """for w in range(begin + steps - end):
    s = w if w < begin else w - begin + end
    for k in range(kernel2):
        r = left + s * stride2 + k * dilation2
        source = (line + r) * channels + group * taken
        place = to + s * depth + k * taken
        if there and r >= 0 and r < size2:
            for e in range(taken):
                {single}
        else:
            {outside}
"""
_FILL = {
    "run": "col[to + s * depth + e] = x[source + e]",
    "single": "col[place + e] = x[source + e]",
    "outside": "for e in range(taken):\n                col[place + e] = {t}(0)",
}
_ADD = {
    "run": "x[source + e] = x[source + e] + col[to + s * depth + e]",
    "single": "x[source + e] = x[source + e] + col[place + e]",
    "outside": "pass",
}
_CALL = "gemm_{t}_{way}(gemm, %s)"
_G = "g + (start * outputs + group * share) * {size}, outputs"
_FILTERS = "filters + group * share * {size}, outputs"
# each product: transposed?, sizes, both operands, what remains of the result, the result
_PARTS: dict[str, dict[str, Any]] = {
    "conv": {
        "move": _FILL,
        "after": _CALL
        % f"0, 0, rows, share, depth, columns, depth, {_FILTERS}, {{t}}(0), {_G}",
    },
    "conv_by_input": {
        "move": _ADD,
        "first": "fill_bytes(slots[row[1]], 0, batch * size0 * size1 * size2 * channels"
        " * {size})",
        "before": _CALL
        % f"0, 1, rows, depth, share, {_G}, {_FILTERS}, {{t}}(0), columns, depth",
    },
    "conv_by_filters": {
        "move": _FILL,
        "first": "fill_bytes(filters, 0, depth * outputs * {size})",
        "after": _CALL
        % f"1, 0, depth, share, rows, columns, depth, {_G}, {{t}}(1), {_FILTERS}",
    },
}  # fmt: skip


def _columns_text(name: str, short: str, width: DimLike, runs: bool, borders: bool) -> str:
    """The kernel of an op: ``runs`` if places of a window are neighbours, ``borders`` if some lie
    outside; ``width`` is how many elements are."""
    parts = _PARTS[name]
    line = (_SOME if borders else _ALL) + _RUNS if runs else _NONE
    line += _PLACES if borders or not runs else ""
    line = line.format(width=width if _is_short(width) else "width", **parts["move"])
    words = {"t": short, "size": 4 if short == "f32" else 8, "way": blas.gemm(short).convention}
    text = _COLUMNS.replace("{layout}", layout(8)).replace("{line}", indented(line, 6))
    for at in ("first", "before", "after"):
        text = text.replace(f"{{{at}}}", parts.get(at, "pass"))
    return text.format(**words)


def _is_short(width: DimLike) -> bool:
    return isinstance(width, int) and width <= SHORT_RUN


# --- filters of one channel -----------------------------------------------------------------------

# Row: x, filters, g, outputs, how many outputs a channel has.
_DIRECT = """def kernel(slots, row):
    x = buf_{t}(slots[row[0]], 0)
    filters = buf_{t}(slots[row[1]], 1)
    g = buf_{t}(slots[row[2]], 2)
    outputs, share = slots[row[3]], slots[row[4]]
"""
_CLEAR = "    for e in range({count}):\n        {name}[e] = {{t}}(0)\n"
_COUNTS = {
    "x": "batch * size0 * size1 * size2 * channels", "g": "batch * count0 * count1 * count2 *"
    " outputs", "filters": "kernel0 * kernel1 * kernel2 * outputs",
}  # fmt: skip
_STEPS = {
    "g": "g[at + {o}] = g[at + {o}] + x[place + {c}] * filters[tap * outputs + {o}]",
    "x": "x[place + {c}] = x[place + {c}] + g[at + {o}] * filters[tap * outputs + {o}]",
    "filters": "filters[tap * outputs + {o}] = filters[tap * outputs + {o}]"
    " + x[place + {c}] * g[at + {o}]",
}


def _direct_text(short: str, target: str, single: bool) -> str:
    step = _STEPS[target]
    if single:  # as many outputs as channels: the loop runs over both at once
        each = "for m in range(channels):\n    " + step.format(o="m", c="m")
    else:
        each = "for m in range(channels):\n    for e in range(share):\n        " + step.format(
            o="m * share + e", c="m"
        )
    clear = _CLEAR.format(count=_COUNTS[target], name=target)
    body = layout(5) + "\n" + clear + loops(walks(each), width="outputs") + "    return 0\n"
    return (_DIRECT + body).format(t=short)


# --- rules ----------------------------------------------------------------------------------------


def _roles(node: Node) -> dict[str, Value]:
    """x, filters and g, whichever of them is the result."""
    names = {
        "conv": "x filters g",
        "conv_by_input": "g filters x",
        "conv_by_filters": "x g filters",
    }
    return dict(zip(names[node.op.name].split(), (*node.inputs, node.output), strict=True))


def _rule(node: Node) -> list[Call] | None:
    roles = _roles(node)
    x, filters, g = roles["x"], roles["filters"], roles["g"]
    short = x.type.dtype.short
    if short not in ("f32", "f64"):
        return None
    laid = conv_windows(node.op.name, x.type.shape, filters.type.shape[:-2], node.attrs)
    groups, channels = node.attrs["groups"], x.type.shape[-1]
    if groups == 1 and _is_pointwise(laid):
        return [_product(node, short, x, filters, g)]
    common = numbers(x.type.shape[0], channels, laid)
    outputs = g.type.shape[-1]
    if groups != 1 and filters.type.shape[-2] == 1:
        target = next(name for name, value in roles.items() if value is node.output)
        share = outputs // groups
        text = _direct_text(short, target, single=share == 1)
        return [Call(text, (x, filters, g, outputs, share, *common))]
    depth = dims.maximum(laid.taps * filters.type.shape[-2], 1)
    block = _block(depth)
    scratch = Scratch(block * depth * x.type.dtype.size)
    row = (Gemm(short), x, filters, g, scratch, outputs, groups, block, *common)
    runs = groups == 1 and laid.dilations[-1] == 1
    width = laid.kernel[-1] * channels
    text = _columns_text(node.op.name, short, width, runs, borders=not is_inside(laid))
    return [Call(text, row)]


def _block(depth: DimLike) -> DimLike:
    """Rows of a block: a multiple of 16, which suits the registers of BLAS."""
    return dims.maximum(dims.minimum(BLOCK // (depth * 16), ROWS // 16), 1) * 16


def _is_pointwise(laid: Windows) -> bool:
    """Whether windows are single places, one for each element."""
    ones = (1,) * len(laid.sizes)
    return laid.kernel == ones == laid.strides and laid.counts == laid.sizes


def _product(node: Node, short: str, x: Value, filters: Value, g: Value) -> Call:
    channels, outputs = filters.type.shape[-2:]
    count = dims.product(x.type.shape[:-1])
    row: dict[str, tuple[Any, ...]] = {
        "conv": (x, filters, g, 1, count, outputs, channels, 0, 0),
        "conv_by_input": (g, filters, x, 1, count, channels, outputs, 0, 1),
        "conv_by_filters": (x, g, filters, 1, channels, outputs, count, 1, 0),
    }
    return Call(blas.gemm_text(short), (Gemm(short), *row[node.op.name], 0, 0, 0))


CONVOLUTIONS: dict[str, Callable[[Node], list[Call] | None]] = dict.fromkeys(_PARTS, _rule)
