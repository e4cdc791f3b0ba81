"""Everything a kernel's text may use: casts, typed pointers, vector and scalar maths.

Kernels are compiled by numba; nothing imports this module before the first compile.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from graphc.runtime import vecmath

f16, f32, f64 = np.float16, np.float32, np.float64
i8, i16, i32, i64 = np.int8, np.int16, np.int32, np.int64
u8, u16, u32, u64 = np.uint8, np.uint16, np.uint32, np.uint64
b1 = np.bool_

_NUMBA = {"f32": types.float32, "f64": types.float64, "b1": types.boolean} | {
    f"{k}{n}": getattr(types, f"{'u' if k == 'u' else ''}int{n}")
    for k in "iu" for n in (8, 16, 32, 64)
}  # fmt: skip


# --- pointers -----------------------------------------------------------------------------------------


def _pointer(short: str) -> Any:
    element = _NUMBA["u8" if short == "b1" else short]

    def pointer(context: Any, address: Any) -> Any:
        def build(target: Any, builder: Any, signature: Any, args: Any) -> Any:
            return builder.inttoptr(args[0], target.get_value_type(signature.return_type))

        return types.CPointer(element)(types.int64), build

    return intrinsic(pointer)


ptr_f32, ptr_f64 = _pointer("f32"), _pointer("f64")
ptr_i8, ptr_i16, ptr_i32, ptr_i64 = (_pointer(f"i{n}") for n in (8, 16, 32, 64))
ptr_u8, ptr_u16, ptr_u32, ptr_u64 = (_pointer(f"u{n}") for n in (8, 16, 32, 64))
ptr_b1 = _pointer("b1")


@intrinsic
def address_of(context: Any, pointer: Any) -> Any:
    """The address that a pointer holds."""

    def build(target: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.ptrtoint(args[0], ir.IntType(64))

    return types.int64(pointer), build


@intrinsic
def call_kernel(context: Any, address: Any, slots: Any, row: Any) -> Any:
    """Call ``int32 kernel(int64*, int64*)`` at an address."""

    def build(target: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = ir.IntType(64).as_pointer()
        kind = ir.FunctionType(ir.IntType(32), [pointer, pointer])
        callee = builder.inttoptr(args[0], kind.as_pointer())
        return builder.call(callee, [builder.inttoptr(a, pointer) for a in args[1:]])

    return types.int32(types.int64, types.int64, types.int64), build


@intrinsic
def move_bytes(context: Any, target: Any, source: Any, count: Any) -> Any:
    """memmove between addresses."""

    def build(cpu: Any, builder: Any, signature: Any, args: Any) -> Any:
        byte = ir.IntType(8).as_pointer()
        a, b = (builder.inttoptr(v, byte) for v in args[:2])
        memmove = builder.module.declare_intrinsic("llvm.memmove", [byte, byte, ir.IntType(64)])
        builder.call(memmove, [a, b, args[2], ir.Constant(ir.IntType(1), 0)])
        return cpu.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), build


# --- maths --------------------------------------------------------------------------------------------


def _vector(function: Any, element: Any) -> Any:
    def call(context: Any, x: Any) -> Any:
        def build(target: Any, builder: Any, signature: Any, args: Any) -> Any:
            return function(vecmath.V(builder, args[0])).v

        return element(element), build

    return intrinsic(call)


def _scalar(name: str, element: Any) -> Any:
    """A call of LLVM's intrinsic, or of the C library."""

    def call(context: Any, x: Any) -> Any:
        def build(target: Any, builder: Any, signature: Any, args: Any) -> Any:
            kind = args[0].type
            suffix = "f" if element is types.float32 else ""
            if name in ("sqrt", "floor", "ceil", "fabs", "trunc", "rint"):
                function = builder.module.declare_intrinsic(f"llvm.{name}", [kind])
            else:
                from numba.core import cgutils

                function = cgutils.get_or_insert_function(
                    builder.module, ir.FunctionType(kind, [kind]), name + suffix
                )
            return builder.call(function, args)

        return element(element), build

    return intrinsic(call)


def _scalar2(name: str, element: Any) -> Any:
    def call(context: Any, x: Any, y: Any) -> Any:
        def build(target: Any, builder: Any, signature: Any, args: Any) -> Any:
            from numba.core import cgutils

            kind = args[0].type
            suffix = "f" if element is types.float32 else ""
            function = cgutils.get_or_insert_function(
                builder.module, ir.FunctionType(kind, [kind, kind]), name + suffix
            )
            return builder.call(function, args)

        return element(element, element), build

    return intrinsic(call)


_C_LIBRARY = ("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "asinh", "acosh", "atanh",
              "lgamma", "tgamma", "erfc", "cbrt", "log2", "log10", "exp2")  # fmt: skip
_LLVM = ("sqrt", "floor", "ceil", "fabs", "trunc", "rint")

for _t, _element in (("f32", types.float32), ("f64", types.float64)):
    for _name, _function in vecmath.POLYNOMIALS.items():
        globals()[f"{_name}_{_t}"] = _vector(_function, _element)
    for _name in (*_C_LIBRARY, *_LLVM):
        globals()[f"{_name}_{_t}"] = _scalar(_name, _element)
    for _name in ("pow", "atan2", "fmod"):
        globals()[f"{_name}_{_t}"] = _scalar2(_name, _element)
erf_f32 = _vector(vecmath.erf, types.float32)
erf_f64 = _scalar("erf", types.float64)


# --- integers: Python's and TensorFlow's meaning, and no trap on division by zero -----------------------


@njit(forceinline=True)
def floor_divide(a: Any, b: Any) -> Any:
    """a // b; 0 for b = 0 (the kernel reports that separately), wraps for the lowest number / -1."""
    if b == 0:
        return a - a
    if b == -1:
        return -a
    return a // b


@njit(forceinline=True)
def floor_modulo(a: Any, b: Any) -> Any:
    if b == 0 or b == -1:
        return a - a
    return a % b


@njit(forceinline=True)
def truncate_divide(a: Any, b: Any) -> Any:
    if b == 0:
        return a - a
    if b == -1:
        return -a
    q = abs(a) // abs(b)
    return q if (a < 0) == (b < 0) else -q


# --- matrix products ----------------------------------------------------------------------------------


def _cblas(element: Any, bits: int) -> Any:
    """``cblas_?gemm`` on row-major matrices, at an address: C = op(A) op(B)."""

    def call(context: Any, gemm: Any, ta: Any, tb: Any, m: Any, n: Any, k: Any, a: Any, b: Any, c: Any):
        def build(target: Any, builder: Any, signature: Any, args: Any) -> Any:
            integer, enum = ir.IntType(bits), ir.IntType(32)
            real = target.get_value_type(element)
            byte = ir.IntType(8).as_pointer()
            kind = ir.FunctionType(
                ir.VoidType(), [enum] * 3 + [integer] * 3 + [real, byte, integer, byte, integer, real,
                                                           byte, integer])  # fmt: skip
            callee = builder.inttoptr(args[0], kind.as_pointer())
            zero = ir.Constant(ir.IntType(64), 0)
            ta, tb = (builder.icmp_signed("!=", v, zero) for v in args[1:3])
            m, n, k = args[3:6]

            def narrow(v: Any) -> Any:
                # BLAS refuses a leading dimension of 0, which empty matrices have
                one = ir.Constant(ir.IntType(64), 1)
                v = builder.select(builder.icmp_signed("<", v, one), one, v)
                return v if bits == 64 else builder.trunc(v, integer)

            def plain(v: Any) -> Any:
                return v if bits == 64 else builder.trunc(v, integer)

            def flag(t: Any) -> Any:
                return builder.select(t, ir.Constant(enum, 112), ir.Constant(enum, 111))

            lda, ldb = builder.select(ta, m, k), builder.select(tb, k, n)
            pointers = [builder.inttoptr(v, byte) for v in args[6:9]]
            builder.call(callee, [
                ir.Constant(enum, 101), flag(ta), flag(tb), plain(m), plain(n), plain(k),
                ir.Constant(real, 1.0), pointers[0], narrow(lda), pointers[1], narrow(ldb),
                ir.Constant(real, 0.0), pointers[2], narrow(n),
            ])  # fmt: skip
            return target.get_dummy_value()

        return types.void(*[types.int64] * 9), build

    return intrinsic(call)


cblas_gemm_f32, cblas_gemm_f64 = _cblas(types.float32, 32), _cblas(types.float64, 32)
cblas_gemm_f32_64, cblas_gemm_f64_64 = _cblas(types.float32, 64), _cblas(types.float64, 64)
