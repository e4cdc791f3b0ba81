"""`Native`: a function that kernels may call, as LLVM code and as Python.

The compiler puts its LLVM code in line; where kernels run as plain Python (``NUMBA_DISABLE_JIT=1``,
for breakpoints) its Python meaning is called.  Nothing here needs numba.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir

# The short names of types: elements as in `ir.dtypes`, "p_f32" a pointer to them.
FLOATS = ("f32", "f64")
SIGNED = ("i8", "i16", "i32", "i64")
UNSIGNED = ("u8", "u16", "u32", "u64")
INTEGERS = SIGNED + UNSIGNED
ELEMENTS = (*FLOATS, *INTEGERS, "b1", "c64", "c128")

# What the compiler may do with floats: fuse a product and a sum.  Never "arcp": it makes 1 / 0 a
# NaN (x86's reciprocal estimate); never "nnan" and "ninf", which break NaN and infinities, or
# "nsz", which loses -0.0.
FLAGS = ("contract",)

Build = Callable[..., Any]  # (builder, *values) -> value


@dataclass(frozen=True, eq=False)
class Native:
    """One function: ``cases`` maps parameter types to the result's type and its LLVM code."""

    name: str
    cases: dict[tuple[str, ...], tuple[str, Build]]
    python: Callable[..., Any]

    def __call__(self, *args: Any) -> Any:
        return self.python(*args)

    def __repr__(self) -> str:
        return f"<native {self.name}>"


@cache
def has_avx512() -> bool:
    """Whether vectors can be masked and scaled by powers of two in one instruction."""
    return bool(llvm.get_host_cpu_features().get("avx512f"))


def bits(short: str) -> int:
    """The width of an element in bits."""
    return 8 if short == "b1" else int(short[1:])


def llvm_type(short: str) -> ir.Type:
    """The LLVM type of a value; a bool is one bit as a value and a byte in memory."""
    if short.startswith("p_"):
        return memory_type(short[2:]).as_pointer()
    if short == "b1":
        return ir.IntType(1)
    return memory_type(short)


def memory_type(short: str) -> ir.Type:
    """The LLVM type of an element in memory."""
    if short in ("c64", "c128"):
        part = memory_type("f32" if short == "c64" else "f64")
        return ir.LiteralStructType([part, part])
    return {"f32": ir.FloatType(), "f64": ir.DoubleType()}.get(short) or ir.IntType(bits(short))


def constant(kind: ir.Type, value: float) -> ir.Constant:
    return ir.Constant(kind, value)


def intrinsic(b: Any, name: str, *args: Any) -> Any:
    """Call LLVM's intrinsic ``name``, overloaded on the types of its arguments."""
    kinds = [a.type for a in args]
    function = ir.FunctionType(kinds[0], kinds)
    overloaded = list(dict.fromkeys(kinds))
    return b.call(b.module.declare_intrinsic(f"llvm.{name}", overloaded, function), args)


def library(b: Any, name: str, *args: Any) -> Any:
    """Call a function of the C library; the name is the one for double."""
    kind = args[0].type
    symbol = name + "f" if isinstance(kind, ir.FloatType) else name
    function = b.module.globals.get(symbol)
    if function is None:
        function = ir.Function(b.module, ir.FunctionType(kind, [a.type for a in args]), symbol)
    return b.call(function, args)
