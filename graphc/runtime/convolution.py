"""Kernels of convolution: the filters times the windows where they lie, tile by tile.

The places of a window along a line lie together, so that a tile (see `tiles`) finds all places by a
table of offsets, and no columns are made.  Where windows reach out, an image is copied first, with
zeros around it.  Filters of one channel are direct loops, those of one place a plain product.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

from graphc.ir import dims
from graphc.ir.dims import DimLike
from graphc.ir.graph import Node, Value
from graphc.ops.conv import conv_windows
from graphc.ops.window import Windows
from graphc.runtime.calls import PIECE, PIECES, Call, Scratch
from graphc.runtime.products import product
from graphc.runtime.tiling import packed_columns, packed_row, packing, panel_columns, tiled
from graphc.runtime.windowing import layout, loops, named, numbers, put, walks

WORK = 1 << 22  # products from which on the batch is cut into pieces
BLOCK = 1 << 17  # elements of the images over whose windows a gradient is added up in one go
MANY_ROWS = 112  # windows whose columns are made in one go
WINDOWS = 1024  # and how many windows those may be

# --- images ---------------------------------------------------------------------------------------

# `held` has room for `images` padded ones, whose borders stay zero
_HOLD = """    plane = wide0 * wide1 * wide2 * channels * {size}
    held += slots[{piece}] * images * plane
    fill_bytes(held, 0, images * plane)
"""
_STAY = "    plane = size0 * size1 * size2 * channels * {size}\n"
_COPY = """for e in range(some):
    for y in range(size0):
        for z in range(size1):
            to = (((y + low0) * wide1 + z + low1) * wide2 + low2) * channels * {size}
            line = (((n + e) * size0 + y) * size1 + z) * size2 * channels * {size}
            move_bytes(held + e * plane + to, x + line, size2 * channels * {size})
image = held
"""

# --- a convolution --------------------------------------------------------------------------------

_PACK = """    old = buf_{t}(filters, 0)
    new = buf_{t}(packed, 1)
    to = i64(0)
    for group in range(groups):
        {packing}
    return 0
"""
_PACK_ROWS = """for k in range(kernel0 * kernel1 * kernel2 * taken):
    {row}
"""
_CONV = """    entry = ptr_i64(offsets)
    runs = i64(0)
    for i in range(kernel0):
        for j in range(kernel1):
            for k in range({taps}):
                place = (i * dilation0 * wide1 + j * dilation1) * wide2 + k * dilation2
                entry[runs] = place * channels * {size}
                runs += 1
    depth = runs * length
    some = i64(1)
    for n in range(first, until):
        image = x + n * plane
        {copy}
        for group in range(groups):
            b = filters + group * depth * wide * {size}
            for p in range(count0):
                for q in range(count1):
                    a = (p * stride0 * wide1 + q * stride1) * wide2 * channels
                    a = image + (a + group * taken) * {size}
                    c = ((n * count0 + p) * count1 + q) * count2 * outputs
                    c = g + (c + group * columns) * {size}
                    {tiles}
    return 0
"""

# --- its gradient by the input --------------------------------------------------------------------

# Results whose places are the same modulo the strides take the same places of the filters: a phase.
_PHASES = """    old = buf_{t}(filters, 0)
    new = buf_{t}(packed, 1)
    to = i64(0)
    for r0 in range(stride0):
        for r1 in range(stride1):
            for r2 in range(stride2):
                for group in range(groups):
                    {packing}
    return 0
"""
_PHASE_ROWS = """for i in range(kernel0 - 1, -1, -1):
    for j in range(kernel1 - 1, -1, -1):
        for k in range(kernel2 - 1, -1, -1):
            d0 = (r0 + before0 - i * dilation0) % stride0
            d1 = (r1 + before1 - j * dilation1) % stride1
            d2 = (r2 + before2 - k * dilation2) % stride2
            if d0 == 0 and d1 == 0 and d2 == 0:
                start = ((i * kernel1 + j) * kernel2 + k) * columns * channels + group * taken
                for o in range(taken):
                    {row}
"""
_BY_INPUT = """    entry = ptr_i64(offsets)
    some = i64(1)
    for n in range(first, until):
        image = x + n * plane
        {copy}
        part = filters
        for r0 in range(stride0):
            for r1 in range(stride1):
                for r2 in range(stride2):
                    runs = i64(0)
                    for i in range(kernel0 - 1, -1, -1):
                        d0 = r0 + before0 - i * dilation0
                        for j in range(kernel1 - 1, -1, -1):
                            d1 = r1 + before1 - j * dilation1
                            for k in range(kernel2 - 1, kernel2 - 1 - {taps}, -1):
                                d2 = r2 + before2 - k * dilation2
                                if d0 % stride0 == 0 and d1 % stride1 == 0 and d2 % stride2 == 0:
                                    place = (d0 // stride0 + low0) * wide1 + d1 // stride1 + low1
                                    place = place * wide2 + d2 // stride2 + low2
                                    entry[runs] = place * channels * {size}
                                    runs += 1
                    depth = runs * length
                    rows = (count2 - r2 + stride2 - 1) // stride2
                    for group in range(groups):
                        b = part + group * depth * wide * {size}
                        for p in range(r0, count0, stride0):
                            for q in range(r1, count1, stride1):
                                a = ((p // stride0) * wide1 + q // stride1) * wide2 * channels
                                a = image + (a + group * taken) * {size}
                                c = ((n * count0 + p) * count1 + q) * count2 + r2
                                c = g + (c * outputs + group * columns) * {size}
                                {tiles}
                    part += groups * depth * wide * {size}
    return 0
"""

# The other way: columns of some windows, g times the filters, are added where they belong.  Nothing
# is multiplied by zeros outside, and the columns of a tile are all places of a window.
_TRANSPOSED_ROWS = """for o in range(taken):
    {row}
"""
_SCATTER = """    share = outputs // groups
    windows = size0 * size1 * size2
    depth = taken
    whole = count0 * count1 * count2 * outputs * {size}
    runs = i64(1)
    ptr_i64(offsets)[0] = 0
    held += slots[{piece}] * block * columns * {size}
    o = buf_{t}(g, 0)
    col = buf_{t}(held, 1)
    for n in range(first, until):
        fill_bytes(g + n * whole, 0, whole)
        for start in range(0, windows, block):
            rows = min(block, windows - start)
            for group in range(groups):
                a = x + ((n * windows + start) * channels + group * taken) * {size}
                b = filters + group * depth * wide * {size}
                c = held
                {tiles}
                for w in range(rows):
                    p = (start + w) // (size1 * size2)
                    q = (start + w) // size2 - p * size1
                    left = (start + w - (p * size1 + q) * size2) * stride2 - before2
                    for i in range(kernel0):
                        y = p * stride0 + i * dilation0 - before0
                        for j in range(kernel1):
                            z = q * stride1 + j * dilation1 - before1
                            if y >= 0 and y < count0 and z >= 0 and z < count1:
                                place = ((n * count0 + y) * count1 + z) * count2
                                tap = w * columns + (i * kernel1 + j) * kernel2 * share
                                {add}
    return 0
"""
_ADD_LINE = """begin = max(-left, i64(0))
until2 = min(kernel2, count2 - left)
place = (place + left + begin) * outputs
tap += begin * outputs
for e in range((until2 - begin) * outputs):
    o[place + e] = o[place + e] + col[tap + e]
"""
_ADD_PLACES = """for k in range(kernel2):
    r = left + k * dilation2
    if r >= 0 and r < count2:
        at = (place + r) * outputs + group * share
        for e in range(share):
            o[at + e] = o[at + e] + col[tap + k * share + e]
"""

# --- its gradient by the filters ------------------------------------------------------------------

# Rows are the elements of a run, columns the outputs; k goes over the windows of some images.
_BY_FILTERS = """    entry = ptr_i64(offsets)
    total = kernel0 * kernel1 * kernel2 * taken * outputs * {size}
    filters += slots[{piece}] * total
    if until <= first:
        fill_bytes(filters, 0, total)
    for n in range(first, until, images):
        more = i64(n > first)
        some = min(images, until - n)
        image = x + n * plane
        {copy}
        runs = i64(0)
        for e in range(some):
            for p in range(count0):
                for q in range(count1):
                    place = (p * stride0 * wide1 + q * stride1) * wide2 * channels
                    entry[runs] = e * plane + place * {size}
                    runs += 1
        for group in range(groups):
            b = g + (n * count0 * count1 * count2 * outputs + group * columns) * {size}
            for i in range(kernel0):
                for j in range(kernel1):
                    for k in range({taps}):
                        a = (i * dilation0 * wide1 + j * dilation1) * wide2 + k * dilation2
                        a = image + (a * channels + group * taken) * {size}
                        c = ((i * kernel1 + j) * kernel2 + k) * taken * outputs
                        c = filters + (c + group * columns) * {size}
                        {tiles}
    return 0
"""
_SUM = """def kernel(slots, row):
    parts = buf_{t}(slots[row[0]], 0)
    o = buf_{t}(slots[row[1]], 1)
    total, pieces = slots[row[2]], slots[row[3]]
    for e in range(total):
        o[e] = parts[e]
    for p in range(1, pieces):
        for e in range(total):
            o[e] = o[e] + parts[p * total + e]
    return 0
"""

# What kernels make of their arguments; many names are those of `tiled`.
_NAMES = """    taken = channels // groups
    columns = {columns}
    offsets += slots[{piece}] * table
    first = batch * slots[{piece}] // slots[{pieces}]
    until = batch * (slots[{piece}] + 1) // slots[{pieces}]
    more = i64(0)
    length, rows = {length}, {rows}
    am, ak = {am} * {size}, {ak} * {size}
    bk, cm = {bk} * {size}, {cm} * {size}
"""


class _Frame:
    """What the kernels of a node have in common.

    Places of [batch, *sizes, channels] are read, through windows; [batch, *counts, outputs] lie
    where the windows are.
    """

    def __init__(
        self, places: Value, others: Value, laid: Windows, groups: int,
        low: Sequence[DimLike], high: Sequence[DimLike],
    ) -> None:  # fmt: skip
        self.short, self.size = places.type.dtype.short, places.type.dtype.size
        self.batch, *self.sizes, self.channels = places.type.shape
        _, *self.counts, self.outputs = others.type.shape
        self.laid, self.groups, self.low = laid, groups, low
        self.wide = [n + a + b for n, a, b in zip(self.sizes, low, high, strict=True)]
        self.reaches_out = any(w != n for w, n in zip(self.wide, self.sizes, strict=True))
        self.plane = dims.product((*self.wide, self.channels))
        self.images: DimLike = 1  # that are read in one go

    def pieces(self, most: int) -> DimLike:
        """Into how many pieces the batch is cut, which may be computed at the same time."""
        work = dims.product((self.batch, *self.counts, self.outputs, *self.laid.kernel))
        work = work * (self.channels // self.groups)
        if isinstance(work, int) and work < WORK:
            return 1
        return dims.maximum(dims.minimum(self.batch, most), 1)

    def packed(
        self, packs: tuple[str, str, str], body: str, values: tuple[Value, ...],
        m: DimLike | None, n: DimLike, words: dict[str, str], **more: Any,
    ) -> list[Call]:  # fmt: skip
        """Two calls: one packs the filters in the way of ``packs``, one computes with them."""
        (text, lines, element), (x, filters, g) = packs, values
        wide, pieces = packed_columns(self.short, n), self.pieces(8)
        depth = filters.type.size // (self.groups * n)
        filled = Scratch(self.groups * depth * wide * self.size)
        lines = put(lines, "row", packed_row(self.short, element))
        text = put(text, "packing", packing(self.short, lines))
        tiles = tiled(self.short, m, n, packed=True)
        panel = panel_columns(self.short, m, n)
        filling = {"filters": filters, "packed": filled, "panel": panel}
        given = {"x": x, "filters": filled, "g": g, "wide": wide, **more}
        return [
            self.call(text, filling, 0, 1, "", **words),
            self.call(body, given, self.laid.taps, pieces, tiles, **words),
        ]

    def call(
        self, body: str, values: dict[str, Any], table: DimLike, pieces: DimLike, tiles: str,
        **words: str,
    ) -> Call:  # fmt: skip
        """A call; ``values`` are what it computes with, ``table`` the most runs of a tile."""
        fields = {**values, "offsets": Scratch(pieces * table * 8), "table": table * 8,
                  "images": self.images, **self._sizes()}  # fmt: skip
        reads = "{copy}" in body  # images
        if reads and self.reaches_out:
            fields["held"] = Scratch(pieces * self.images * self.plane * self.size)
        plane = _HOLD if self.reaches_out else _STAY
        text = _NAMES + (plane if reads else "") + body
        text = put(text, "copy", _COPY if self.reaches_out else "pass")
        text = put(text, "tiles", tiles)
        words = {"columns": "outputs // groups", **words}
        text = text.format(t=self.short, size=self.size, piece=PIECE, pieces=PIECES, **words)
        used = set(re.findall(r"\w+", text))  # each name takes a while to compile
        fields = {name: value for name, value in fields.items() if name in used}
        head = "def kernel(slots, row):\n" + named(fields)
        return Call(head + text, tuple(fields.values()), pieces=pieces)

    def _sizes(self) -> dict[str, Any]:
        found: dict[str, Any] = {"batch": self.batch, "channels": self.channels,
                                 "outputs": self.outputs, "groups": self.groups}  # fmt: skip
        laid = self.laid
        for name, own, missing in (
            ("size", self.sizes, 1), ("kernel", laid.kernel, 1), ("stride", laid.strides, 1),
            ("dilation", laid.dilations, 1), ("before", laid.before, 0), ("count", self.counts, 1),
            ("low", self.low, 0), ("wide", self.wide, 1),
        ):  # fmt: skip
            for i, value in enumerate([missing] * (3 - len(own)) + list(own)):
                found[f"{name}{i}"] = value
        return found


# --- rules ----------------------------------------------------------------------------------------


def _conv(x: Value, filters: Value, g: Value, laid: Windows, groups: int) -> list[Call]:
    frame = _Frame(x, g, laid, groups, laid.before, [high for _, high in laid.widths])
    together = groups == 1 and laid.dilations[-1] == 1
    words = dict(
        taps="1" if together else "kernel2", rows="count2",
        length="kernel2 * channels" if together else "taken",
        am="stride2 * channels", ak="1", bk="outputs", cm="outputs",
    )  # fmt: skip
    element = "old[k * outputs + group * columns + tj + e]"
    packs = (_PACK, _PACK_ROWS, element)
    n = frame.outputs // groups
    return frame.packed(packs, _CONV, (x, filters, g), laid.counts[-1], n, words)


def _by_input(x: Value, filters: Value, g: Value, laid: Windows, groups: int) -> list[Call]:
    """As a convolution of g: what is read are g's places."""
    if _scatters(laid, x, g, groups):
        return _by_scatter(x, filters, g, laid, groups)
    axes = list(zip(laid.sizes, laid.kernel, laid.strides, laid.dilations, laid.before,
                    laid.counts, strict=True))  # fmt: skip
    low = [dims.maximum(-((low - (k - 1) * d) // s), 0) for _, k, s, d, low, _ in axes]
    high = [dims.maximum((n - 1 + low) // s + 1 - count, 0) for n, _, s, _, low, count in axes]
    frame = _Frame(g, x, laid, groups, low, high)
    one = laid.strides[-1] == 1
    together = groups == 1 and one and laid.dilations[-1] == 1
    words = dict(
        taps="1" if together else "kernel2", rows="i64(0)",
        length="kernel2 * channels" if together else "taken",
        am="channels", ak="1", bk="columns", cm="stride2 * outputs",
    )  # fmt: skip
    packs = (_PHASES, _PHASE_ROWS, "old[start + (tj + e) * channels + o]")
    m = laid.sizes[-1] if one else None  # phases have rows of their own
    n = frame.outputs // groups
    return frame.packed(packs, _BY_INPUT, (g, filters, x), m, n, words)


def _scatters(laid: Windows, x: Value, g: Value, groups: int) -> bool:
    """Whether columns are the quicker way to the gradient by the input.

    Each of their elements costs about as much as three products; the other way multiplies by zeros
    outside, and in the columns that fill up a vector.
    """
    short = x.type.dtype.short
    inner, outer = (v.type.shape[-1] // groups for v in (x, g))
    places, windows = dims.product(laid.sizes), dims.product(laid.counts)
    if not all(isinstance(d, int) and d for d in (inner, outer, places, windows, laid.taps)):
        return False
    phases = math.prod(laid.strides)
    wide = packed_columns(short, inner) / inner * places / (windows * phases)
    width = laid.taps * inner
    return packed_columns(short, width) / width * (1 + 3 / outer) < wide


def _by_scatter(x: Value, filters: Value, g: Value, laid: Windows, groups: int) -> list[Call]:
    none = [0] * len(laid.sizes)
    frame = _Frame(g, x, laid, groups, none, none)
    together = groups == 1 and laid.dilations[-1] == 1
    width, windows = laid.taps * (frame.outputs // groups), dims.product(laid.counts)
    few = windows <= MANY_ROWS
    words = dict(
        rows="i64(0)", length="taken", am="channels", ak="1", bk="columns", cm="columns",
        columns="kernel0 * kernel1 * kernel2 * (outputs // groups)",
    )  # fmt: skip
    block, body = windows if few else MANY_ROWS, _SCATTER
    body = put(body, "add", _ADD_LINE if together else _ADD_PLACES)
    packs = (_TRANSPOSED_ROWS, "old[(tj + e) * channels + group * taken + o]")
    held = Scratch(frame.pieces(8) * block * width * frame.size)
    return frame.packed((_PACK, *packs), body, (g, filters, x), windows if few else None, width,
                        words, held=held, block=block)  # fmt: skip


def _by_filters(x: Value, filters: Value, g: Value, laid: Windows, groups: int) -> list[Call]:
    frame = _Frame(x, g, laid, groups, laid.before, [high for _, high in laid.widths])
    together = groups == 1 and laid.dilations[-1] == 1
    windows = dims.product(laid.counts)
    fit = dims.minimum(BLOCK // dims.maximum(frame.plane, 1), WINDOWS // dims.maximum(windows, 1))
    frame.images = dims.maximum(dims.minimum(fit, frame.batch), 1)
    pieces, total = frame.pieces(4), filters.type.size
    sums = filters if pieces == 1 else Scratch(total * frame.size * pieces)
    m = filters.type.shape[-2] * (laid.kernel[-1] if together else 1)
    call = frame.call(
        _BY_FILTERS, {"x": x, "filters": sums, "g": g},
        frame.images * dims.product(laid.counts[:-1]), pieces,
        tiled(frame.short, m, frame.outputs // groups), taps="1" if together else "kernel2",
        rows="kernel2 * channels" if together else "taken", length="count2",
        am="1", ak="stride2 * channels", bk="outputs", cm="outputs",
    )  # fmt: skip
    if sums is filters:
        return [call]
    return [call, Call(_SUM.format(t=frame.short), (sums, filters, total, pieces))]


_TILED = {"conv": _conv, "conv_by_input": _by_input, "conv_by_filters": _by_filters}


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
    groups = node.attrs["groups"]
    if groups == 1 and _is_pointwise(laid):
        return _product(x, filters, g, node.op.name)
    if groups != 1 and filters.type.shape[-2] == 1:
        target = next(name for name, value in roles.items() if value is node.output)
        return [_direct(short, target, x, filters, g, laid, groups)]
    return _TILED[node.op.name](x, filters, g, laid, groups)


def _is_pointwise(laid: Windows) -> bool:
    """Whether windows are single places, one for each element."""
    ones = (1,) * len(laid.sizes)
    return laid.kernel == ones == laid.strides and laid.counts == laid.sizes


def _product(x: Value, filters: Value, g: Value, name: str) -> list[Call]:
    channels, outputs = filters.type.shape[-2:]
    count = dims.product(x.type.shape[:-1])
    if name == "conv":
        return product(x, filters, g, (1, count, outputs, channels), (False, False), (0, 0))
    if name == "conv_by_input":
        return product(g, filters, x, (1, count, channels, outputs), (False, True), (0, 0))
    return product(x, g, filters, (1, channels, outputs, count), (True, False), (0, 0))


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


def _direct(
    short: str, target: str, x: Value, filters: Value, g: Value, laid: Windows, groups: int
) -> Call:
    outputs = g.type.shape[-1]
    share, step = outputs // groups, _STEPS[target]
    if share == 1:  # as many outputs as channels: the loop runs over both at once
        each = "for m in range(channels):\n    " + step.format(o="m", c="m")
    else:
        each = "for m in range(channels):\n    for e in range(share):\n        " + step.format(
            o="m * share + e", c="m"
        )
    clear = _CLEAR.format(count=_COUNTS[target], name=target)
    body = layout(5) + "\n" + clear + loops(walks(each), width="outputs") + "    return 0\n"
    common = numbers(x.type.shape[0], x.type.shape[-1], laid)
    return Call((_DIRECT + body).format(t=short), (x, filters, g, outputs, share, *common))


CONVOLUTIONS: dict[str, Callable[[Node], list[Call] | None]] = dict.fromkeys(_TILED, _rule)
