"""Everything a kernel's text may use: casts, typed pointers, scalar and vector maths.

Each name is a `Native`, so it has a meaning in Python as well: a kernel's file can be imported,
stepped through and run under ``NUMBA_DISABLE_JIT=1``.  A suffix names the element type:
``exp_f32``, ``ptr_u8``.
"""

from __future__ import annotations

import numpy as np

from graphc.runtime import intmath, locks, memory, tiles, vecmath
from graphc.runtime.native import Native

f32, f64 = np.float32, np.float64
i8, i16, i32, i64 = np.int8, np.int16, np.int32, np.int64
u8, u16, u32, u64 = np.uint8, np.uint16, np.uint32, np.uint64
b1, c64, c128 = np.bool_, np.complex64, np.complex128
inf, nan = np.inf, np.nan
few = range  # of less than a few vectors: the compiler computes the last, partial one as a vector


def _all(*families: dict[str, Native]) -> dict[str, Native]:
    return {name: function for family in families for name, function in family.items()}


globals().update(
    _all(
        memory.FUNCTIONS, vecmath.FUNCTIONS, intmath.FUNCTIONS, tiles.FUNCTIONS,
        locks.FUNCTIONS,
    )
)  # fmt: skip
