"""Matrix products: one kernel for each floating type that calls BLAS, or a loop where the matrices are tiny.

The address of BLAS is passed at run time, in a slot, so that compiled code can be cached on disk.
"""

from __future__ import annotations

import ctypes
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

# numpy's own OpenBLAS is loaded already; scipy's costs an import of 0.2 s
_NUMPY_SYMBOLS = ("scipy_cblas_{t}gemm64_", "cblas_{t}gemm64_", "scipy_cblas_{t}gemm", "cblas_{t}gemm")


@cache
def gemm_address(letter: str) -> tuple[int, bool]:
    """The address of ``cblas_sgemm`` or ``cblas_dgemm`` and whether its integers have 64 bits."""
    for path in _numpy_libraries():
        library = ctypes.CDLL(str(path))
        for pattern in _NUMPY_SYMBOLS:
            found = getattr(library, pattern.format(t=letter), None)
            if found is not None:
                address = ctypes.cast(found, ctypes.c_void_p).value or 0
                return address, pattern.endswith("64_")
    return _scipy_gemm(letter), False


def _numpy_libraries() -> list[Path]:
    folder = Path(np.__file__).parent.parent / "numpy.libs"
    return sorted(folder.glob("*openblas*")) if folder.is_dir() else []


def _scipy_gemm(letter: str) -> int:
    """Fortran BLAS through scipy's Cython interface, behind a C function with cblas's arguments."""
    from scipy.linalg import cython_blas  # lazy: 0.2 s, and only where numpy brings no OpenBLAS

    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.restype, get.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    name = ctypes.pythonapi.PyCapsule_GetName
    name.restype, name.argtypes = ctypes.c_char_p, [ctypes.py_object]
    capsule = cython_blas.__pyx_capi__[f"{letter}gemm"]
    address = get(capsule, name(capsule))
    return _adapt(letter, address)


_kept: list[Any] = []  # callbacks must outlive their use


def _adapt(letter: str, address: int) -> int:
    real = ctypes.c_float if letter == "s" else ctypes.c_double
    integer, pointer = ctypes.c_int, ctypes.c_void_p
    fortran = ctypes.CFUNCTYPE(None, *[pointer] * 13)(address)

    def cblas(order, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc):  # noqa: E741
        # row-major C = A B is column-major C^T = B^T A^T
        flags = [ctypes.c_char(b"T" if t == 112 else b"N") for t in (tb, ta)]
        sizes = [integer(v) for v in (n, m, k)]
        reals = [real(alpha), real(beta)]
        leads = [integer(v) for v in (ldb, lda, ldc)]
        fortran(
            ctypes.addressof(flags[0]), ctypes.addressof(flags[1]), *map(ctypes.addressof, sizes),
            ctypes.addressof(reals[0]), b, ctypes.addressof(leads[0]), a, ctypes.addressof(leads[1]),
            ctypes.addressof(reals[1]), c, ctypes.addressof(leads[2]),
        )  # fmt: skip

    kind = ctypes.CFUNCTYPE(
        None, *[integer] * 6, real, pointer, integer, pointer, integer, real, pointer, integer
    )
    made = kind(cblas)
    _kept.append(made)
    return ctypes.cast(made, ctypes.c_void_p).value or 0


# A kernel of the usual form.  Row: address of gemm, a, b, c, batch, m, n, k, transpose_a, transpose_b,
# strides of a, b and c between batches in elements (0: shared).
_GEMM = """def kernel(slots, row):
    gemm = slots[row[0]]
    a, b, c = slots[row[1]], slots[row[2]], slots[row[3]]
    batch, m, n, k = slots[row[4]], slots[row[5]], slots[row[6]], slots[row[7]]
    ta, tb = slots[row[8]], slots[row[9]]
    step_a, step_b, step_c = slots[row[10]], slots[row[11]], slots[row[12]]
    for i in range(batch):
        if m * n * k <= {small}:
            x, y, z = ptr_{t}(a), ptr_{t}(b), ptr_{t}(c)
            x_row, x_step = (1, m) if ta else (k, 1)
            y_step, y_column = (1, k) if tb else (n, 1)
            for r in range(m):
                for s in range(n):
                    total = {t}(0)
                    for p in range(k):
                        total += x[r * x_row + p * x_step] * y[p * y_step + s * y_column]
                    z[r * n + s] = total
        else:
            cblas_gemm_{t}{wide}(gemm, ta, tb, m, n, k, a, b, c)
        a += step_a * {bytes}
        b += step_b * {bytes}
        c += step_c * {bytes}
    return 0
"""
SMALL = 512  # multiplications up to which a loop beats the call


def gemm_text(short: str) -> str:
    """The kernel for ``f32`` or ``f64``."""
    wide = "_64" if gemm_address("s" if short == "f32" else "d")[1] else ""
    return _GEMM.format(t=short, wide=wide, small=SMALL, bytes=4 if short == "f32" else 8)


def gemm_slot_value(short: str) -> int:
    return gemm_address("s" if short == "f32" else "d")[0]
