"""What a loop nest costs, and into how many pieces its work is cut for threads.

Costs are picoseconds of one core, for one element; measured, and rough.
"""

from __future__ import annotations

from graphc.ir import dims
from graphc.ir.dims import DimLike
from graphc.ops.loopnest import Load, can_stop
from graphc.ops.looporder import FULL, ROW, Loops

PICOSECONDS = {"access": 150, "op": 50, "expensive": 300}  # of memory, and of ops
PIECE = 50_000_000  # picoseconds: less is not worth waking a thread
MOST = 16  # pieces
USUAL = 64  # what an unknown size is taken for, to decide whether to cut at all
WIDEST = 1 << 16  # elements of a sum over rows, of which each piece has its own
NARROW = 16  # columns up to which vectors run across rows
FULL_VECTOR = 16  # rows below which they do not


def across(loops: Loops) -> bool:
    """Whether vectors should run across rows: these are short, and what they compute is dear.

    Columns are then a distance apart in memory, which is not worth it for sums and products alone;
    a check in the innermost loop would keep it from being a vector one.
    """
    if len(loops.outer) != 1 or len(loops.inner) != 1 or loops.levels == 1:
        return False
    rows, columns = (loops.sizes[a] for a in (*loops.outer, *loops.inner))
    if not isinstance(columns, int) or columns > NARROW:
        return False
    if isinstance(rows, int) and rows < FULL_VECTOR:
        return False
    nodes = [n for n in loops.nest.computed if loops.place[n] in (FULL, ROW)]
    if any(can_stop(n) for n in nodes if loops.place[n] == FULL):
        return False
    return any(n.op.expensive for n in nodes)  # type: ignore[attr-defined]


def element_cost(loops: Loops) -> int:
    """Picoseconds for one element of the innermost loops."""
    nest = loops.nest
    full = [n for n in nest.computed if loops.place[n] == FULL]
    dear = sum(bool(n.op.expensive) for n in full)  # type: ignore[attr-defined]
    inner = set(loops.inner)
    loads = {
        o for n in full for o in nest.operands[n]
        if isinstance(o, Load) and inner & set(loops.loop_strides(o))
    }  # fmt: skip
    stores = [v for v in nest.outputs if loops.place[loops.producer[v]] == FULL]
    accesses = len(loads) + len(stores)
    return (
        PICOSECONDS["access"] * accesses
        + PICOSECONDS["expensive"] * dear
        + PICOSECONDS["op"] * (len(full) - dear)
    )


def cut(loops: Loops) -> tuple[int | None, DimLike]:
    """The loop whose iterations are shared out, and among how many pieces; (None, 1) if not.

    The sizes alone decide, never the number of threads, so that results do not depend on it.
    """
    axes = loops.outer or (loops.inner if loops.levels == 1 else [])
    if not axes:
        return None, 1
    first = {a for a, loop in loops.merged.items() if loop == axes[0]}
    for value in loops.nest.outputs:
        kept = loops.nest.axes_of(value)
        if loops.producer[value] in loops.folds:
            size = value.type.size
            if first & kept or not isinstance(size, int) or size > WIDEST:
                return None, 1
        elif kept and not first <= kept:
            return None, 1
    size = dims.product(tuple(loops.sizes[a] for a in (*loops.outer, *loops.inner)))
    pieces = dims.maximum(dims.minimum(size * element_cost(loops) // PIECE, MOST), 1)
    usual = dims.evaluate(pieces, dict.fromkeys(dims.symbols(pieces), USUAL))
    return (axes[0], pieces) if usual > 1 else (None, 1)
