"""Kernels for the tests: running one on numpy arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from graphc.runtime import loader
from graphc.runtime.memory import KERNEL

SHORT = {np.dtype(np.float32): "f32", np.dtype(np.float64): "f64"} | {
    np.dtype(f"{k}{n // 8}"): f"{k}{n}" for k in "iu" for n in (8, 16, 32, 64)
}


def slots_of(values: Sequence[np.ndarray | int]) -> np.ndarray:
    """Slots that hold the addresses of arrays, and integers."""
    return np.array([v.ctypes.data if isinstance(v, np.ndarray) else v for v in values], np.int64)


def run(text: str, *values: np.ndarray | int) -> int:
    """Run a kernel whose row is 0, 1, 2, ...; returns its status."""
    slots, row = slots_of(values), np.arange(max(1, len(values)))
    return KERNEL(loader.load([text])[0])(slots.ctypes.data, row.ctypes.data)


def loop(expression: str, operands: str, result: str) -> str:
    """The text of an elementwise kernel: `expression` of ``x[i]`` and ``y[i]``."""
    y = f"    y = ptr_{operands}(slots[row[3]])\n"
    return f"""def kernel(slots, row):
    x = ptr_{operands}(slots[row[0]])
    out = ptr_{result}(slots[row[1]])
{y if "y[i]" in expression else ""}    for i in range(slots[row[2]]):
        out[i] = {expression}
    return 0
"""


def elementwise(
    expression: str, x: np.ndarray, y: np.ndarray | None = None, result: str = ""
) -> np.ndarray:
    """The expression of ``x[i]`` and ``y[i]`` for every element, in a compiled kernel."""
    short = SHORT[x.dtype]
    kind = {"": x.dtype, "b1": np.dtype(np.bool_)}[result]
    out = np.zeros(len(x), kind)
    values: list[np.ndarray | int] = [x, out, len(x)] + ([] if y is None else [y])
    assert run(loop(expression, short, result or short), *values) == 0
    return out


ADD_ONE = """def kernel(slots, row):
    p = ptr_i64(slots[row[0]])
    p[0] += {n}
    return 0
"""
