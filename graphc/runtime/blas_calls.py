"""Calls of BLAS from kernels: ``gemm`` at an address, in each calling convention that is about.

All mean C = op(A) op(B) + beta C on row-major matrices.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

from llvmlite import ir

from graphc.runtime.native import Native, llvm_type

# Calling conventions: C with 32- or 64-bit integers; Fortran, where everything is a pointer.
CONVENTIONS = ("c32", "c64", "fortran32")
_ROW_MAJOR, _PLAIN, _TRANSPOSED = 101, 111, 112  # of cblas.h
_I8, _I32, _I64 = (ir.IntType(n) for n in (8, 32, 64))
_BYTES = _I8.as_pointer()

# gemm transpose_a transpose_b m n k a lda b ldb beta c ldc


def _parameters(real: str) -> tuple[str, ...]:
    return (*("i64",) * 10, real, "i64", "i64")


def _c_call(real: str, width: int) -> Callable[..., None]:
    integer, element = ir.IntType(width), llvm_type(real)
    kind = ir.FunctionType(
        ir.VoidType(),
        [*[_I32] * 3, *[integer] * 3, element, _BYTES, integer, _BYTES, integer, element, _BYTES,
         integer],
    )  # fmt: skip

    def build(b: Any, gemm: Any, *args: Any) -> None:
        ta, tb, m, n, k, a, lda, p, ldb, beta, c, ldc = args

        def flag(transposed: Any) -> Any:
            yes = b.icmp_signed("!=", transposed, _I64(0))
            return b.select(yes, _I32(_TRANSPOSED), _I32(_PLAIN))

        def whole(v: Any) -> Any:
            return v if width == 64 else b.trunc(v, integer)

        def at(v: Any) -> Any:
            return b.inttoptr(v, _BYTES)

        b.call(b.inttoptr(gemm, kind.as_pointer()), [
            _I32(_ROW_MAJOR), flag(ta), flag(tb), whole(m), whole(n), whole(k), element(1.0), at(a),
            whole(lda), at(p), whole(ldb), beta, at(c), whole(ldc),
        ])  # fmt: skip

    return build


def _fortran_call(real: str) -> Callable[..., None]:
    """Row-major C = A B is column-major C' = B' A', so the operands change places."""
    element = llvm_type(real)
    kind = ir.FunctionType(ir.VoidType(), [_BYTES] * 13)

    def build(b: Any, gemm: Any, *args: Any) -> None:
        ta, tb, m, n, k, a, lda, p, ldb, beta, c, ldc = args

        def held(value: Any) -> Any:
            with b.goto_entry_block():
                place = b.alloca(value.type)
            b.store(value, place)
            return b.bitcast(place, _BYTES)

        def flag(transposed: Any) -> Any:
            yes = b.icmp_signed("!=", transposed, _I64(0))
            return held(b.select(yes, _I8(ord("T")), _I8(ord("N"))))

        def whole(v: Any) -> Any:
            return held(b.trunc(v, _I32))

        def at(v: Any) -> Any:
            return b.inttoptr(v, _BYTES)

        b.call(b.inttoptr(gemm, kind.as_pointer()), [
            flag(tb), flag(ta), whole(n), whole(m), whole(k), held(element(1.0)), at(p), whole(ldb),
            at(a), whole(lda), held(beta), at(c), whole(ldc),
        ])  # fmt: skip

    return build


# --- the same from Python -------------------------------------------------------------------------


def _python_call(real: str, convention: str) -> Callable[..., None]:
    integer = ctypes.c_int64 if convention == "c64" else ctypes.c_int32
    element = ctypes.c_float if real == "f32" else ctypes.c_double
    pointer, enum = ctypes.c_void_p, ctypes.c_int
    c = ctypes.CFUNCTYPE(None, *[enum] * 3, *[integer] * 3, element, pointer, integer, pointer,
                         integer, element, pointer, integer)  # fmt: skip
    fortran = ctypes.CFUNCTYPE(None, *[pointer] * 13)

    def call(gemm: int, *args: Any) -> None:
        ta, tb, m, n, k, a, lda, p, ldb, beta, out, ldc = (getattr(v, "item", lambda v=v: v)()
                                                           for v in args)  # fmt: skip
        if convention != "fortran32":
            flags = (_TRANSPOSED if t else _PLAIN for t in (ta, tb))
            return c(int(gemm))(_ROW_MAJOR, *flags, m, n, k, 1.0, a, lda, p, ldb, beta, out, ldc)
        flags = [ctypes.c_char(b"T" if t else b"N") for t in (tb, ta)]
        sizes = [integer(v) for v in (n, m, k)]
        one, rest, *leads = element(1.0), element(beta), *map(integer, (ldb, lda, ldc))
        at = ctypes.addressof
        return fortran(int(gemm))(*map(at, flags), *map(at, sizes), at(one), p, at(leads[0]), a,
                                  at(leads[1]), at(rest), out, at(leads[2]))  # fmt: skip

    return call


def _gemm(real: str, convention: str) -> Native:
    build = _fortran_call(real) if convention == "fortran32" else _c_call(real, int(convention[1:]))
    return Native(f"gemm_{real}_{convention}", {_parameters(real): ("void", build)},
                  _python_call(real, convention))  # fmt: skip


FUNCTIONS = {
    f.name: f for f in (_gemm(real, way) for real in ("f32", "f64") for way in CONVENTIONS)
}
