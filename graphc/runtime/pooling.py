"""Kernels of pooling: direct loops whose innermost one runs over the channels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc.ir.graph import Node, Value
from graphc.ops.pool import pool_windows
from graphc.runtime.calls import Call, Scratch
from graphc.runtime.windowing import layout, loops, numbers

_MAX = loops(
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
        best[m] = x[place + m]
        taken[m] = i32(tap)
    first = False
else:
    for m in range(channels):
        v = x[place + m]
        old = best[m]
        wins = v > old or (v != v and old == old)
        best[m] = v if wins else old
        taken[m] = i32(tap) if wins else taken[m]
"""
_SPREAD = loops(
    _FIND,
    """
for m in range(channels):
    o[place + m] = {t}(o[place + m] + (h[at + m] if taken[m] == tap else {t}(0)))
""",
    begin="first = True",
)
_PICK = loops(
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
_MEAN = loops(
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
_SHARE = loops(
    "inner += 1",
    """
for m in range(channels):
    o[place + m] = o[place + m] + x[at + m] / {t}(inner)
""",
    begin="inner = 0",
)
_CLEAR = """    for m in range(batch * size0 * size1 * size2 * channels):
        o[m] = {t}(0)
"""
_HEAD = """def kernel(slots, row):
    x = buf_{t}(slots[row[0]], 0)
    o = buf_{o}(slots[row[1]], 1)
"""
_PLACES = """    h = buf_{v}(slots[row[2]], 2)
    best = buf_{t}(slots[row[3]], 3)
    taken = buf_i32(slots[row[4]], 4)
"""


def _numbers(x: Any, node: Node) -> list[Any]:
    laid = pool_windows(node.op.name, x, node.attrs)
    return numbers(x[0], x[-1], laid)


def _plain(body: str, backward: bool = False) -> Callable[[Node], list[Call] | None]:
    """A kernel of one operand; ``backward`` goes from windows to places."""
    text = _HEAD + layout(2) + "\n" + (_CLEAR if backward else "") + body + "    return 0\n"

    def rule(node: Node) -> list[Call] | None:
        x, out = node.inputs[0], node.output
        short = x.type.dtype.short
        row = (x, out, *_numbers((out if backward else x).type.shape, node))
        return [Call(text.format(t=short, o=short), row)]

    return rule


def _placed(body: str, backward: bool = False) -> Callable[[Node], list[Call] | None]:
    """A kernel that first finds which place of a window wins, in each channel."""
    clear = _CLEAR if backward else ""
    text = _HEAD + _PLACES + layout(5) + "\n" + clear + body + "    return 0\n"

    def rule(node: Node) -> list[Call] | None:
        x, values = node.inputs
        short, held = x.type.dtype.short, _short(values)
        channels = x.type.shape[-1]
        scratch = Scratch(channels * x.type.dtype.size), Scratch(channels * 4)
        row = (x, node.output, values, *scratch, *_numbers(x.type.shape, node))
        return [Call(text.format(t=short, o=held, v=held), row)]

    return rule


def _short(value: Value) -> str:
    return value.type.dtype.short


POOLINGS: dict[str, Callable[[Node], list[Call] | None]] = {
    "max_pool": _plain(_MAX), "avg_pool": _plain(_MEAN),
    "avg_pool_spread": _plain(_SHARE, backward=True),
    "max_pool_spread": _placed(_SPREAD, backward=True), "max_pool_pick": _placed(_PICK),
}  # fmt: skip
