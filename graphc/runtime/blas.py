"""Matrix products: one kernel for each floating type, which calls BLAS.

The address of BLAS goes in at run time, in a slot, so that compiled code can be kept on disk.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Gemm:
    """A matrix product: its address, how to call it (see `blas_calls`), its library."""

    address: int
    convention: str
    library: str


@cache
def gemm(short: str) -> Gemm:
    """The product of ``f32`` or ``f64``: numpy's OpenBLAS, which is loaded already, or scipy's."""
    letter = "s" if short == "f32" else "d"
    return _numpys(letter) or _scipys(letter)


# numpy's wheels rename the functions; the suffix 64_ says that integers have 64 bits
_NAMES = ("scipy_cblas_{}gemm64_", "cblas_{}gemm64_", "scipy_cblas_{}gemm", "cblas_{}gemm")


def _numpys(letter: str) -> Gemm | None:
    for path in _numpy_libraries():
        try:
            library = ctypes.CDLL(str(path))
        except OSError:
            continue
        for name in _NAMES:
            found = getattr(library, name.format(letter), None)
            if found is not None:
                address = ctypes.cast(found, ctypes.c_void_p).value or 0
                return Gemm(address, "c64" if name.endswith("64_") else "c32", str(path))
    return None


def _numpy_libraries() -> Iterator[Path]:
    root = Path(np.__file__).parent
    for folder in (root.parent / "numpy.libs", root / ".dylibs"):
        if folder.is_dir():
            yield from sorted(folder.glob("*openblas*"))


def _scipys(letter: str) -> Gemm:
    from scipy.linalg import cython_blas  # lazy: 0.2 s, and only where numpy brings no OpenBLAS

    api = ctypes.pythonapi
    api.PyCapsule_GetName.restype, api.PyCapsule_GetName.argtypes = (
        ctypes.c_char_p,
        [ctypes.py_object],
    )
    get = api.PyCapsule_GetPointer
    get.restype, get.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    capsule = cython_blas.__pyx_capi__[f"{letter}gemm"]
    address = get(capsule, api.PyCapsule_GetName(capsule))
    return Gemm(int(address), "fortran32", cython_blas.__file__)


# A kernel of the usual form.  Row: gemm's address, a, b, c, batch, m, n, k, transpose_a,
# transpose_b, and how many elements a, b and c move from batch to batch (0: the same matrix).
# There is no loop for small matrices: measured from 2 x 2 x 2 up, OpenBLAS is as quick as any loop,
# and four times as quick from 16 x 16 x 16.
_GEMM = '''"""c = {before}op(a) @ op(b), {t}, batch by batch."""


def kernel(slots, row):
    gemm = slots[row[0]]
    a, b, c = slots[row[1]], slots[row[2]], slots[row[3]]
    batch, m, n, k = slots[row[4]], slots[row[5]], slots[row[6]], slots[row[7]]
    ta, tb = slots[row[8]], slots[row[9]]
    step_a, step_b, step_c = slots[row[10]], slots[row[11]], slots[row[12]]
    if m == 0 or n == 0:
        return 0
    lda = max(i64(1), m if ta else k)
    ldb = max(i64(1), k if tb else n)
    for i in range(batch):
        gemm_{t}_{convention}(gemm, ta, tb, m, n, k, a, lda, b, ldb, {t}({beta}), c, n)
        a += step_a * {size}
        b += step_b * {size}
        c += step_c * {size}
    return 0
'''


def gemm_text(short: str, accumulate: bool = False) -> str:
    """The kernel for ``f32`` or ``f64``; with ``accumulate`` it adds to c."""
    return _GEMM.format(
        t=short, convention=gemm(short).convention, size=4 if short == "f32" else 8,
        before="c + " if accumulate else "", beta=int(accumulate),
    )  # fmt: skip


def gemm_slot_value(short: str) -> int:
    """What the first slot of the row must hold."""
    return gemm(short).address
