"""Kernels of pooling: direct loops whose innermost one runs over the channels.

Where windows have few places and lie inside, one loop does all places at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from graphc.ir import dims
from graphc.ir.dims import DimLike
from graphc.ir.graph import Node
from graphc.ops.pool import pool_windows
from graphc.ops.window import Windows
from graphc.runtime.calls import PIECE, PIECES, Call, Scratch
from graphc.runtime.windowing import (
    indented,
    is_apart,
    layout,
    loops,
    numbers,
    unrolled,
    walks,
    whole_loops,
)

# --- place by place -------------------------------------------------------------------------------

_MAX = walks(
    """
if first:
    for m in range(channels):
        o[at + m] = x[place + m]
    first = False
else:
    for m in range(channels):
        v = x[place + m]
        best = o[at + m]
        o[at + m] = v if v > best or v != v else best
""",
    begin="first = True",
)
_FIND = """
if first:
    for m in range(channels):
        most[m] = x[place + m]
        taken[m] = i32(tap)
    first = False
else:
    for m in range(channels):
        v = x[place + m]
        best = most[m]
        wins = v > best or (v != v and best == best)
        most[m] = v if wins else best
        taken[m] = i32(tap) if wins else taken[m]
"""
_SPREAD = walks(
    _FIND,
    """
for m in range(channels):
    o[place + m] = {t}(o[place + m] + (h[at + m] if taken[m] == tap else {t}(0)))
""",
    begin="first = True",
)
_PICK = walks(
    _FIND,
    """
for m in range(channels):
    o[at + m] = h[place + m] if taken[m] == tap else o[at + m]
""",
    begin="""
first = True
for m in range(channels):
    o[at + m] = {v}(0)
""",
)
_MEAN = walks(
    """
inner += 1
for m in range(channels):
    o[at + m] = o[at + m] + x[place + m]
""",
    begin="""
inner = 0
for m in range(channels):
    o[at + m] = {t}(0)
""",
    end="""
for m in range(channels):
    o[at + m] = o[at + m] / {t}(inner)
""",
)
_SHARE = walks(
    "inner += 1",
    """
for m in range(channels):
    o[place + m] = o[place + m] + x[at + m] / {t}(inner)
""",
    begin="inner = 0",
)

# --- all places at once ---------------------------------------------------------------------------


def _at_once(first: str, each: str, last: str) -> Callable[[int], str]:
    """One loop over the channels: lines for place 0, for each other place {p}, and at the end."""

    def body(taps: int) -> str:
        lines = [first, *(each.replace("{p}", str(p)) for p in range(1, taps)), last]
        inner = "\n".join(line.strip("\n") for line in lines)
        return "for m in range(channels):\n    " + indented(inner, 1).replace("{taps}", str(taps))

    return body


def _one_by_one(find: Callable[[int], str] | None, each: str) -> Callable[[int], str]:
    """A loop for each place {p}: only then does LLVM know that what it writes does not overlap."""

    def body(taps: int) -> str:
        loops = [f"for m in range(channels):\n    {each}".replace("{p}", str(p))
                 for p in range(taps)]  # fmt: skip
        return "\n".join([*([find(taps)] if find else []), *loops]).replace("{taps}", str(taps))

    return body


_LARGER = "v = x[place{p} + m]\nbest = v if v > best or v != v else best"
_WINNER = """
v = x[place{p} + m]
wins = v > best or (v != v and best == best)
best = v if wins else best
"""
_ALL_MAX = _at_once("best = x[place0 + m]", _LARGER, "o[at + m] = best")
_ALL_SPREAD = _one_by_one(
    _at_once("best = x[place0 + m]\nwon = i32(0)", _WINNER + "won = i32({p}) if wins else won",
             "taken[m] = won"),
    "o[place{p} + m] = {t}(o[place{p} + m] + (h[at + m] if taken[m] == {p} else {t}(0)))",
)  # fmt: skip
_APART_SPREAD = _one_by_one(
    _at_once("best = x[place0 + m]\nwon = i32(0)", _WINNER + "won = i32({p}) if wins else won",
             "taken[m] = won"),
    "o[place{p} + m] = h[at + m] if taken[m] == {p} else {t}(0)",
)  # fmt: skip
_ALL_PICK = _at_once(
    "best = x[place0 + m]\npicked = h[place0 + m]",
    "w = h[place{p} + m]" + _WINNER + "picked = w if wins else picked", "o[at + m] = picked",
)  # fmt: skip
_ALL_MEAN = _at_once(
    "total = x[place0 + m]", "total = total + x[place{p} + m]", "o[at + m] = total / {t}({taps})"
)
_ALL_SHARE = _one_by_one(None, "o[place{p} + m] = o[place{p} + m] + x[at + m] / {t}({taps})")
_APART_SHARE = _one_by_one(None, "o[place{p} + m] = x[at + m] / {t}({taps})")
WORK = 1 << 17  # elements that are worth a piece of their own

# --- kernels --------------------------------------------------------------------------------------

_HEAD = """def kernel(slots, row):
    x = buf_{t}(slots[row[0]], 0)
    o = buf_{v}(slots[row[1]], 1)
"""
_FOUND = """    h = buf_{v}(slots[row[2]], 2)
    most = buf_{t}(slots[row[3]] + slots[{piece}] * slots[row[5]] * {size}, 3)
    taken = buf_i32(slots[row[4]] + slots[{piece}] * slots[row[5]] * 4, 4)
"""
# Before places are added to, or where no window is.
_CLEAR = """    plane = size0 * size1 * size2 * channels
    for m in range(first * plane, until * plane):
        o[m] = {t}(0)
"""
_CLEAR_REST = """    for n in range(first, until):
        for p in range(size0):
            for q in range(size1):
                r = count2 * stride2 if p < count0 * stride0 and q < count1 * stride1 else i64(0)
                line = ((n * size0 + p) * size1 + q) * size2
                for m in range((line + r) * channels, (line + size2) * channels):
                    o[m] = {t}(0)
"""
_IMAGES = """    first = batch * slots[{piece}] // slots[{pieces}]
    until = batch * (slots[{piece}] + 1) // slots[{pieces}]
"""


@dataclass(frozen=True)
class _Kernel:
    """How an op is computed; ``backward``: from windows to places; ``finds``: by the winners;
    ``apart``: ``whole`` where windows lie side by side."""

    rest: str
    whole: Callable[[int], str]
    backward: bool = False
    finds: bool = False
    apart: Callable[[int], str] | None = None

    def text(self, laid: Windows, short: str, held: str, size: int) -> str:
        taps, images = unrolled(laid), "first, until"
        apart = self.apart if taps and is_apart(laid) else None
        whole = apart or self.whole
        body = (
            whole_loops(laid, whole(taps), self.rest, images)
            if taps else loops(self.rest, images=images)
        )  # fmt: skip
        found, first = (_FOUND, 6) if self.finds else ("", 2)
        clear = (_CLEAR_REST if apart else _CLEAR) if self.backward else ""
        text = f"{_HEAD}{found}{layout(first)}\n{_IMAGES}{clear}{body}    return 0\n"
        return text.format(t=short, v=held, size=size, piece=PIECE, pieces=PIECES)

    def __call__(self, node: Node) -> list[Call]:
        x, values = node.inputs[0], node.inputs[-1]
        shape = node.output.type.shape if self.backward else x.type.shape
        laid = pool_windows(node.op.name, shape, node.attrs)
        channels, pieces = shape[-1], _pieces(shape)
        row: list[Any] = [x, node.output]
        size = x.type.dtype.size
        if self.finds:
            row += [values, Scratch(pieces * channels * size), Scratch(pieces * channels * 4)]
            row.append(channels)
        text = self.text(laid, x.type.dtype.short, values.type.dtype.short, size)
        return [Call(text, (*row, *numbers(shape[0], channels, laid)), pieces=pieces)]


def _pieces(shape: Sequence[DimLike]) -> DimLike:
    """Into how many pieces the batch is cut."""
    size = dims.product(tuple(shape))
    if isinstance(size, int):
        return max(min(size // WORK, shape[0], 8), 1)  # type: ignore[type-var]
    return dims.maximum(dims.minimum(shape[0], 8), 1)


POOLINGS: dict[str, Callable[[Node], list[Call] | None]] = {
    "max_pool": _Kernel(_MAX, _ALL_MAX), "avg_pool": _Kernel(_MEAN, _ALL_MEAN),
    "avg_pool_spread": _Kernel(_SHARE, _ALL_SHARE, backward=True, apart=_APART_SHARE),
    "max_pool_spread": _Kernel(
        _SPREAD, _ALL_SPREAD, backward=True, finds=True, apart=_APART_SPREAD
    ),
    "max_pool_pick": _Kernel(_PICK, _ALL_PICK, finds=True),
}  # fmt: skip
