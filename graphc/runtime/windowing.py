"""Loops over windows as kernel text: what kernels of convolution and pooling share.

All have three inner axes; those that are missing have size 1.  `numbers` are the entries of a row
that `LAYOUT` reads.
"""

from __future__ import annotations

from typing import Any

from graphc.ir.dims import DimLike
from graphc.ops.window import Windows

_FIELDS = ("sizes", "kernel", "strides", "dilations", "before", "counts")
_MISSING = {"before": 0}


def numbers(batch: DimLike, channels: DimLike, laid: Windows) -> list[Any]:
    """The batch, the channels, then three numbers for each field."""
    found: list[Any] = [batch, channels]
    for name in _FIELDS:
        own = getattr(laid, name)
        found += [_MISSING.get(name, 1)] * (3 - len(own)) + list(own)
    return found


def layout(first: int) -> str:
    """The lines that read `numbers` from place ``first`` of the row."""
    lines = [f"    batch, channels = slots[row[{first}]], slots[row[{first + 1}]]"]
    for i, name in enumerate(("size", "kernel", "stride", "dilation", "before", "count")):
        at = first + 2 + 3 * i
        places = ", ".join(f"slots[row[{at + k}]]" for k in range(3))
        lines.append(f"    {name}0, {name}1, {name}2 = {places}")
    return "\n".join(lines)


_LOOPS = """    for n in range(batch):
        for a in range(count0):
            for b in range(count1):
                for c in range(count2):
                    at = (((n * count0 + a) * count1 + b) * count2 + c) * {width}
                    {begin}
{walk}                    {end}
"""
# the places of one window that lie inside of x
_WALK = """                    for i in range(kernel0):
                        p = a * stride0 + i * dilation0 - before0
                        for j in range(kernel1):
                            q = b * stride1 + j * dilation1 - before1
                            for k in range(kernel2):
                                r = c * stride2 + k * dilation2 - before2
                                inside = p >= 0 and p < size0 and q >= 0 and q < size1
                                if inside and r >= 0 and r < size2:
                                    place = (((n * size0 + p) * size1 + q) * size2 + r) * channels
                                    tap = (i * kernel1 + j) * kernel2 + k
                                    {each}
"""


def loops(*each: str, begin: str = "", end: str = "", width: str = "channels") -> str:
    """Every window, and every place of it once for each text in ``each``.

    The window's result begins at ``at``, the place in x at ``place``, its number is ``tap``.
    ``begin`` and ``end`` are lines before and after.
    """
    walks = "".join(_WALK.format(each=_indent(text, 9)) for text in each)
    return _LOOPS.format(
        width=width, begin=_indent(begin or "pass", 5), end=_indent(end or "pass", 5), walk=walks
    )


def _indent(text: str, depth: int) -> str:
    return text.strip("\n").replace("\n", "\n" + "    " * depth)
