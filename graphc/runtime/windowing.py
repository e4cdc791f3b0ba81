"""Loops over windows as kernel text: what kernels of convolution and pooling share.

All have three inner axes; those that are missing have size 1.  `numbers` are the entries of a row
that `LAYOUT` reads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

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


_LOOPS = """    for n in range({images}):
        for a in range(count0):
            for b in range(count1):
                for c in range(count2):
                    at = (((n * count0 + a) * count1 + b) * count2 + c) * {width}
                    {body}
"""
_CORNER = """p = a * stride0 - before0
q = b * stride1 - before1
r = c * stride2 - before2
place0 = (((n * size0 + p) * size1 + q) * size2 + r) * channels
"""
_INSIDE = """last0 = p + (kernel0 - 1) * dilation0
last1 = q + (kernel1 - 1) * dilation1
last2 = r + (kernel2 - 1) * dilation2
if p >= 0 and q >= 0 and r >= 0 and last0 < size0 and last1 < size1 and last2 < size2:
    {whole}
else:
    {rest}
"""
# the places of one window that lie inside of x
_WALK = """for i in range(kernel0):
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
UNROLLED = 9  # places of windows that have code of their own


def loops(body: str, width: str = "channels", images: str = "batch") -> str:
    """Every window of some images; its result begins at ``at``."""
    return _LOOPS.format(width=width, images=images, body=indented(body, 5))


def walks(*each: str, begin: str = "", end: str = "") -> str:
    """All places of one window that lie inside, once for each text in ``each``.

    The place in x is ``place``, its number ``tap``.  ``begin`` and ``end`` are lines before and
    after.
    """
    parts = [begin, *(_WALK.format(each=indented(text, 4)) for text in each), end]
    return "\n".join(part.strip("\n") for part in parts if part)


def unrolled(laid: Windows) -> int:
    """How many places windows have that are few enough to be written out; else 0."""
    return laid.taps if isinstance(laid.taps, int) and laid.taps <= UNROLLED else 0


def whole_loops(laid: Windows, whole: str, rest: str, images: str) -> str:
    """Every window of some images: ``whole`` for those inside of x, whose places are place0,
    place1...; the others by ``rest``."""
    lines = [_CORNER]
    for tap, (i, j, k) in enumerate(np.ndindex(*_three(laid.kernel))):
        if tap:
            step = f"({i} * dilation0 * size1 + {j} * dilation1) * size2 + {k} * dilation2"
            lines.append(f"place{tap} = place0 + ({step}) * channels\n")
    inner = "".join(lines[1:]) + whole.strip("\n")
    if is_inside(laid):
        body = _CORNER + inner
    else:
        body = _CORNER + _INSIDE.format(whole=indented(inner, 1), rest=indented(rest, 1))
    return loops(body, images=images)


def is_apart(laid: Windows) -> bool:
    """Whether windows lie side by side, from the first element on: none overlap or reach out."""
    return is_inside(laid) and laid.kernel == laid.strides and set(laid.dilations) <= {1}


def is_inside(laid: Windows) -> bool:
    """Whether no window reaches out."""
    return all(pair == (0, 0) for pair in laid.widths)


def _three(kernel: Sequence[DimLike]) -> tuple[int, ...]:
    return (*(1,) * (3 - len(kernel)), *map(int, kernel))  # type: ignore[arg-type]


def indented(text: str, depth: int) -> str:
    """Lines of a text, to be put into another at some depth."""
    return text.strip("\n").replace("\n", "\n" + "    " * depth)


def named(fields: Mapping[str, Any]) -> str:
    """The lines that give the entries of a row their names."""
    return "".join(f"    {name} = slots[row[{i}]]\n" for i, name in enumerate(fields))


def put(text: str, name: str, part: str) -> str:
    """A text with lines in the place of ``{name}``, at its depth."""
    place = f"{{{name}}}"
    lines = []
    for line in text.splitlines():
        depth = line[: line.find(place)] if line.strip() == place else None
        lines += [line] if depth is None else [depth + each for each in part.splitlines()]
    return "\n".join(lines) + "\n"
