"""The maths of the kernels: ``exp_f32``, ``log_f64``, ``pow_f32``, ``maximum_f64``, ...

numba has no vector library, and a call of libm for each element costs 5 to 30 times as much as it
has to.  The functions of `vecmath_exp` and `vecmath_trig` are code that LLVM vectorises; `LIBM`
lists those that still call the C library, right but one element at a time.  All are right for
infinities, NaN and denormals.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from llvmlite import ir

from graphc.runtime import vecmath_exp, vecmath_trig
from graphc.runtime.lane import Lane
from graphc.runtime.native import FLOATS, Build, Native, intrinsic, library

NUMPY = {"f32": np.float32, "f64": np.float64}

# name -> where it is vectorised, and its meaning in numpy (for kernels that run as Python)
_LANES: dict[str, tuple[tuple[str, ...], Callable[..., Lane], Callable[..., Any]]] = {
    "exp": (FLOATS, vecmath_exp.exp, np.exp),
    "expm1": (FLOATS, vecmath_exp.expm1, np.expm1),
    "log": (FLOATS, vecmath_exp.log, np.log),
    "log1p": (FLOATS, vecmath_exp.log1p, np.log1p),
    "tanh": (FLOATS, vecmath_exp.tanh, np.tanh),
    "sinh": (FLOATS, vecmath_exp.sinh, np.sinh),
    "cosh": (FLOATS, vecmath_exp.cosh, np.cosh),
    "asinh": (FLOATS, vecmath_exp.asinh, np.arcsinh),
    "acosh": (FLOATS, vecmath_exp.acosh, np.arccosh),
    "atanh": (FLOATS, vecmath_exp.atanh, np.arctanh),
    "sigmoid": (FLOATS, vecmath_exp.sigmoid, lambda x: 1 / (1 + np.exp(-x))),
    "softplus": (FLOATS, vecmath_exp.softplus, lambda x: np.logaddexp(x, x.dtype.type(0))),
    "erf": (FLOATS, vecmath_trig.erf, lambda x: math.erf(x)),
    "sin": (("f32",), vecmath_trig.sin_f32, np.sin),
    "cos": (("f32",), vecmath_trig.cos_f32, np.cos),
    "tan": (("f32",), vecmath_trig.tan_f32, np.tan),
    "pow": (("f32",), vecmath_trig.pow_f32, np.power),
}
# calls of the C library: name -> meaning in numpy
LIBM: dict[str, Callable[..., Any]] = {
    "sin": np.sin, "cos": np.cos, "tan": np.tan, "asin": np.arcsin, "acos": np.arccos,
    "atan": np.arctan, "log2": np.log2, "log10": np.log10, "exp2": np.exp2, "cbrt": np.cbrt,
    "erfc": math.erfc, "lgamma": math.lgamma, "tgamma": math.gamma,
    "pow": np.power, "atan2": np.arctan2, "fmod": np.fmod, "hypot": np.hypot,
    "nextafter": np.nextafter,
}  # fmt: skip
_BINARY = ("pow", "atan2", "fmod", "hypot", "nextafter")
# single instructions: name -> LLVM's intrinsic and the meaning in numpy
_INSTRUCTIONS: dict[str, tuple[str, Callable[..., Any]]] = {
    "sqrt": ("sqrt", np.sqrt), "floor": ("floor", np.floor), "ceil": ("ceil", np.ceil),
    "trunc": ("trunc", np.trunc), "rint": ("rint", np.rint), "fabs": ("fabs", np.abs),
    "copysign": ("copysign", np.copysign),
}  # fmt: skip


def _typed(short: str, python: Callable[..., Any]) -> Callable[..., Any]:
    """The numpy meaning on scalars of one type."""
    kind = NUMPY[short]

    def call(*args: Any) -> Any:
        with np.errstate(all="ignore"):
            return kind(python(*map(kind, args)))

    return call


def _lanes(function: Callable[..., Lane]) -> Build:
    return lambda b, *args: function(*(Lane(b, v) for v in args)).v


def _native(name: str, short: str, operands: int, build: Build, python: Any) -> Native:
    return Native(f"{name}_{short}", {(short,) * operands: (short, build)}, _typed(short, python))


def _libm(name: str) -> Build:
    return lambda b, *args: library(b, name, *args)


def _instruction(name: str) -> Build:
    return lambda b, *args: intrinsic(b, name, *args)


def _functions(short: str) -> Iterator[Native]:
    for name, python in LIBM.items():
        yield _native(name, short, 2 if name in _BINARY else 1, _libm(name), python)
    for name, (llvm, python) in _INSTRUCTIONS.items():
        operands = 2 if name == "copysign" else 1
        yield _native(name, short, operands, _instruction(llvm), python)
    for name, (where, function, python) in _LANES.items():
        if short in where:  # replaces the C library's
            operands = 2 if name in _BINARY else 1
            yield _native(name, short, operands, _lanes(function), python)
    yield _native("rsqrt", short, 1, _lanes(lambda x: 1.0 / x.sqrt()), lambda x: 1 / np.sqrt(x))
    yield _native("radd", short, 2, _reassociable, np.add)
    yield _native("rmul", short, 2, _reassociable_product, np.multiply)
    # as steps of a reduction LLVM makes vectors of these only, not of comparisons and selections
    yield _native("rmax", short, 2, lambda b, x, y: intrinsic(b, "maximum", x, y), np.maximum)
    yield _native("rmin", short, 2, lambda b, x, y: intrinsic(b, "minimum", x, y), np.minimum)


_FREE = ("reassoc", "contract", "nsz")


def _reassociable(b: Any, x: Any, y: Any) -> Any:
    """A sum whose order does not matter: loops over it become vector sums."""
    return b.fadd(x, y, flags=_FREE)


def _reassociable_product(b: Any, x: Any, y: Any) -> Any:
    return b.fmul(x, y, flags=_FREE)


# --- conversions of storage formats ---------------------------------------------------------------

_HALF = ir.HalfType()


def _from_f16(b: Any, bits: Any) -> Any:
    return b.fpext(b.bitcast(bits, _HALF), ir.FloatType())


def _to_f16(b: Any, value: Any) -> Any:
    return b.bitcast(b.fptrunc(value, _HALF), ir.IntType(16))


def _from_bf16(b: Any, bits: Any) -> Any:
    i32 = ir.IntType(32)
    return b.bitcast(b.shl(b.zext(bits, i32), i32(16)), ir.FloatType())


def _to_bf16(b: Any, value: Any) -> Any:
    """Rounds to nearest, halves to even; NaN stays a NaN."""
    i32 = ir.IntType(32)
    bits = b.bitcast(value, i32)
    odd = b.and_(b.lshr(bits, i32(16)), i32(1))
    rounded = b.add(bits, b.add(odd, i32(0x7FFF)))
    quiet = b.or_(bits, i32(0x400000))
    kept = b.select(b.fcmp_unordered("uno", value, value), quiet, rounded)
    return b.trunc(b.lshr(kept, i32(16)), ir.IntType(16))


def _storage() -> Iterator[Native]:
    def half(x: Any) -> Any:
        return np.float16(x).view(np.uint16)

    def brain(x: Any) -> Any:
        import ml_dtypes  # lazy: start-up time

        return np.asarray(x, ml_dtypes.bfloat16).view(np.uint16)[()]

    def from_brain(u: Any) -> Any:
        return (np.uint32(u) << np.uint32(16)).view(np.float32)

    yield Native("f32_from_f16", {("u16",): ("f32", _from_f16)},
                 lambda u: np.float32(np.uint16(u).view(np.float16)))  # fmt: skip
    yield Native("f16_from_f32", {("f32",): ("u16", _to_f16)}, half)
    yield Native("f32_from_bf16", {("u16",): ("f32", _from_bf16)}, from_brain)
    yield Native("bf16_from_f32", {("f32",): ("u16", _to_bf16)}, brain)


FUNCTIONS = {f.name: f for short in FLOATS for f in _functions(short)} | {
    f.name: f for f in _storage()
}
