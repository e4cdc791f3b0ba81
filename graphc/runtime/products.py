"""Kernels of matrix products, by tiles.

B is used where it lies if it is small, and packed a block of rows at a time otherwise, or if it is
transposed; a block of it then stays in the cache while the rows of A pass by.
"""

from __future__ import annotations

import math
from typing import Any

from graphc.ir import dims
from graphc.ir.dims import DimLike
from graphc.ir.graph import Value
from graphc.runtime.calls import PIECE, PIECES, Call, Scratch
from graphc.runtime.tiling import (
    lanes,
    packed_columns,
    packed_row,
    packing,
    panel_columns,
    tiled,
)
from graphc.runtime.windowing import named, put

DEPTH = 256  # rows of B that are packed at a time
SMALL = 1 << 19  # bytes of B up to which it is used where it lies
FEW, LINE = 16, 64  # rows of A; bytes that the cache moves at once
PAGE = 4096  # rows of A that are a multiple of this apart drive one another out of the cache
WORK = 1 << 21  # products that are worth a piece of their own

# The work is cut by batches, or by rows if there is one batch only.
_HEAD = """    first, until = i64(0), batch
    start, end = i64(0), m
    if batch > 1:
        first = batch * slots[{piece}] // slots[{pieces}]
        until = batch * (slots[{piece}] + 1) // slots[{pieces}]
    else:
        start = m * slots[{piece}] // slots[{pieces}]
        end = m * (slots[{piece}] + 1) // slots[{pieces}]
    rows, columns, runs, cm = end - start, n, i64(1), n * {size}
    offsets += slots[{piece}] * 8
    ptr_i64(offsets)[0] = 0
    a += (start if ta != 0 else start * k) * {size} + first * step_a * {size}
    b += first * step_b * {size}
    c += start * n * {size} + first * step_c * {size}
    am, ak = ({size} if ta != 0 else k * {size}), (m * {size} if ta != 0 else i64({size}))
"""
_DIRECT = """    bk, from_a, from_b = n * {size}, a, b
    for i in range(first, until):
        for low in range(0, max(k, i64(1)), {depth}):
            length, more = min(k - low, i64({depth})), i64(low > 0)
            a, b = from_a + low * ak, from_b + low * bk
            {tiles}
        from_a += step_a * {size}
        from_b += step_b * {size}
        c += step_c * {size}
    return 0
"""
# The panels of B, block by block.
_PACK = """    new = buf_{t}(packed, 0)
    old = buf_{t}(b, 1)
    columns = n
    blocks = (k + {depth} - 1) // {depth}
    parts = count * blocks
    for part in range(parts * slots[{piece}] // slots[{pieces}],
                      parts * (slots[{piece}] + 1) // slots[{pieces}]):
        low = (part % blocks) * {depth}
        length = min(k - low, i64({depth}))
        from_b = (part // blocks) * k * n
        to = ((part // blocks) * k + low) * span
        {packing}
    return 0
"""
# B is packed.  If lines of A drive one another out of the cache, a block of A is copied as well.
_PACKED = """    conflict = columns > 16 and (m if ta != 0 else k) * {size} % {page} == 0
    from_a, from_b, from_m, from_k, bk = a, b, am, ak, i64(0)
    lines += slots[{piece}] * room * ({depth} + 16) * {size}
    if conflict:
        am = {size} if ta != 0 else i64(({depth} + 16) * {size})
        ak = room * {size} if ta != 0 else i64({size})
    for i in range(first, until):
        for low in range(0, max(k, i64(1)), {depth}):
            length, more = min(k - low, i64({depth})), i64(low > 0)
            depth = length
            a, b = from_a + low * from_k, from_b + low * span * {size}
            if conflict:
                if ta != 0:
                    for r in range(length):
                        move_bytes(lines + r * ak, a + r * from_k, rows * {size})
                else:
                    for r in range(rows):
                        move_bytes(lines + r * am, a + r * from_m, length * {size})
                a = lines
            {tiles}
        from_a += step_a * {size}
        from_b += step_b * {size}
        c += step_c * {size}
    return 0
"""
_ROWS = "for r in range(length):\n    {row}"
_ELEMENT = "old[from_b + (low + r) * n + tj + e]"
_TURNED = """for e in range(0, wide, {lanes}):
    for r in range(0, length, {lanes}):
        turn_{t}(b + (from_b + (tj + e) * k + low + r) * {size}, k * {size}, filled - e,
                 packed + (to + r * wide + e) * {size}, wide * {size}, length - r)
to += length * wide
"""


def product(
    a: Value, b: Value, c: Value, sizes: tuple[DimLike, DimLike, DimLike, DimLike],
    transposed: tuple[bool, bool], steps: tuple[DimLike, DimLike],
) -> list[Call]:  # fmt: skip
    """The calls for c = op(a) @ op(b), batch by batch; sizes are those of the batch, m, n and k.

    ``steps`` are how many elements a and b move from batch to batch (0: the same matrix).
    """
    batch, m, n, k = sizes
    short, size = c.type.dtype.short, c.type.dtype.size
    pieces, most = _pieces(batch, m, n, k)
    rows = m // most if batch == 1 and isinstance(m, int) else m
    words = dict(t=short, size=size, piece=PIECE, pieces=PIECES, page=PAGE, depth=DEPTH,
                 lanes=lanes(short))  # fmt: skip
    fields: dict[str, Any] = {
        "a": a, "b": b, "c": c, "batch": batch, "m": m, "n": n, "k": k, "ta": int(transposed[0]),
        "step_a": steps[0], "step_b": steps[1], "step_c": m * n, "offsets": Scratch(pieces * 8),
    }  # fmt: skip

    def call(fields: dict[str, Any], body: str, pieces: DimLike) -> Call:
        text = "def kernel(slots, row):\n" + named(fields) + body.format(**words)
        return Call(text, tuple(fields.values()), pieces=pieces)

    if _is_direct(m, n, k, size, transposed):
        return [call(fields, put(_HEAD + _DIRECT, "tiles", tiled(short, rows, n)), pieces)]
    span, count = packed_columns(short, n), batch if steps[1] != 0 else 1
    packed = Scratch(count * k * span * size)
    lines = _TURNED if transposed[1] else put(_ROWS, "row", packed_row(short, _ELEMENT))
    pack = put(_PACK, "packing", packing(short, lines))
    filling = {"b": b, "packed": packed, "count": count, "n": n, "k": k, "span": span,
               "panel": panel_columns(short, rows, n)}  # fmt: skip
    room = m if batch != 1 else m // pieces + 1
    room += 16 if transposed[0] else 0  # so that lines lie apart
    far = m if transposed[0] else k
    fits = isinstance(far, int) and far * size % PAGE
    fields |= {
        "b": packed, "step_b": k * span if steps[1] != 0 else 0, "span": span, "room": room,
        "lines": Scratch(0 if fits else pieces * room * (DEPTH + 16) * size),
    }  # fmt: skip
    body = put(_HEAD + _PACKED, "tiles", tiled(short, rows, n, packed=True))
    return [call(filling, pack, 1), call(fields, body, pieces)]


def _pieces(batch: DimLike, m: DimLike, n: DimLike, k: DimLike) -> tuple[DimLike, int]:
    """Into how many pieces a product is cut, and the number if it is known."""
    sizes = (batch, m, n, k)
    if not all(isinstance(d, int) for d in sizes):
        return dims.maximum(
            dims.minimum(dims.product(sizes) // WORK, dims.minimum(batch * m, 8)), 1
        ), 8
    most = max(min(math.prod(sizes) // WORK, 8, batch if batch > 1 else m // 8), 1)
    return most, most


def _is_direct(
    m: DimLike, n: DimLike, k: DimLike, size: int, transposed: tuple[bool, bool]
) -> bool:
    """Whether B is used where it lies: it is small, or too few rows or columns make it worth it."""
    if transposed[1] or not all(isinstance(d, int) for d in (m, n, k)):
        return False
    if m <= FEW or n * size <= 4 * LINE:
        return True
    far = not transposed[0] and k * size % PAGE == 0
    return k * n * size <= SMALL and not far
