"""Comparisons and integer arithmetic with Python's, numpy's and TensorFlow's meaning.

No division traps: integers divided by 0 give 0 (a kernel that must report the error tests the
divisor), and the lowest integer divided by -1 wraps, as in numpy.  Shifts by the width or more give
what an infinite shift would.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from llvmlite import ir

from graphc.runtime.native import (
    FLOATS,
    INTEGERS,
    SIGNED,
    Build,
    Native,
    intrinsic,
    library,
)

_NUMBERS = FLOATS + INTEGERS


# --- larger and smaller ---------------------------------------------------------------------------


def _extreme(sign: str, short: str) -> Build:
    """The larger or smaller of two; NaN if either is NaN, as numpy has it."""
    relation = ">" if sign == "max" else "<"

    def of_floats(b: Any, x: Any, y: Any) -> Any:
        # three instructions that every vector unit has; LLVM's own llvm.maximum takes six on x86
        chosen = b.select(b.fcmp_ordered(relation, x, y), x, y)
        return b.select(b.fcmp_unordered("uno", x, x), x, chosen)

    def of_integers(b: Any, x: Any, y: Any) -> Any:
        compare = b.icmp_signed if short in SIGNED else b.icmp_unsigned
        return b.select(compare(relation, x, y), x, y)

    return of_floats if short in FLOATS else of_integers


def _pythons(sign: str, short: str) -> Build:
    """Python's ``max`` and ``min`` of two: the first unless the second is larger."""
    relation = ">" if sign == "max" else "<"

    def build(b: Any, x: Any, y: Any) -> Any:
        if short in FLOATS:
            return b.select(b.fcmp_ordered(relation, y, x), y, x)
        compare = b.icmp_signed if short in SIGNED else b.icmp_unsigned
        return b.select(compare(relation, y, x), y, x)

    return build


# --- division -------------------------------------------------------------------------------------


def _safe(b: Any, x: Any, y: Any, signed: bool) -> tuple[Any, Any]:
    """A divisor that cannot trap, and whether it was 0."""
    zero, one = y.type(0), y.type(1)
    is_zero = b.icmp_unsigned("==", y, zero)
    unsafe = is_zero
    if signed:
        lowest = x.type(-(1 << (x.type.width - 1)))
        overflow = b.and_(b.icmp_signed("==", x, lowest), b.icmp_signed("==", y, y.type(-1)))
        unsafe = b.or_(is_zero, overflow)  # the lowest number / 1 is itself: what wrapping gives
    return b.select(unsafe, one, y), is_zero


def _integer_division(short: str, what: str) -> Build:
    signed = short in SIGNED

    def build(b: Any, x: Any, y: Any) -> Any:
        divisor, is_zero = _safe(b, x, y, signed)
        quotient = (b.sdiv if signed else b.udiv)(x, divisor)
        remainder = (b.srem if signed else b.urem)(x, divisor)
        zero = x.type(0)
        if signed and what.startswith("floor"):
            differ = b.icmp_signed("<", b.xor(remainder, divisor), zero)
            down = b.and_(b.icmp_signed("!=", remainder, zero), differ)
            quotient = b.sub(quotient, b.zext(down, x.type))
            remainder = b.add(remainder, b.select(down, divisor, zero))
        return b.select(is_zero, zero, quotient if what.endswith("divide") else remainder)

    return build


def _float_division(what: str) -> Build:
    def build(b: Any, x: Any, y: Any) -> Any:
        if what == "truncate_divide":
            return intrinsic(b, "trunc", b.fdiv(x, y))
        remainder = library(b, "fmod", x, y)
        if what == "truncate_modulo":
            return remainder
        return _floored(b, x, y, remainder, what == "floor_divide")

    return build


def _floored(b: Any, x: Any, y: Any, remainder: Any, quotient_wanted: bool) -> Any:
    """numpy's ``floor_divide`` and ``mod`` of floats, by way of the exact remainder."""
    zero = x.type(0.0)
    some = b.fcmp_unordered("!=", remainder, zero)
    differ = b.xor(b.fcmp_ordered("<", y, zero), b.fcmp_ordered("<", remainder, zero))
    down = b.and_(some, differ)
    by_zero = b.fcmp_ordered("==", y, zero)
    if not quotient_wanted:
        adjusted = b.select(down, b.fadd(remainder, y), remainder)
        return b.select(
            some, adjusted, b.select(by_zero, remainder, intrinsic(b, "copysign", zero, y))
        )
    quotient = b.fdiv(b.fsub(x, remainder), y)
    quotient = b.select(down, b.fsub(quotient, x.type(1.0)), quotient)
    whole = intrinsic(b, "floor", quotient)
    whole = b.select(b.fcmp_ordered(">", b.fsub(quotient, whole), x.type(0.5)),
                     b.fadd(whole, x.type(1.0)), whole)  # fmt: skip
    exact = b.fdiv(x, y)
    whole = b.select(
        b.fcmp_ordered("==", quotient, zero), intrinsic(b, "copysign", zero, exact), whole
    )
    return b.select(by_zero, exact, whole)


def _python_truncate(x: Any, y: Any) -> Any:
    if isinstance(x, np.floating):
        return np.trunc(x / y)
    return type(x)((int(x) - int(np.fmod(x, y))) // int(y)) if y else type(x)(0)


_DIVISIONS: dict[str, Callable[..., Any]] = {
    "floor_divide": np.floor_divide, "floor_modulo": np.mod, "truncate_divide": _python_truncate,
    "truncate_modulo": np.fmod,
}  # fmt: skip


# --- the rest -------------------------------------------------------------------------------------


def _shift(short: str, left: bool) -> Build:
    def build(b: Any, x: Any, y: Any) -> Any:
        width = x.type.width
        wide = b.icmp_unsigned(">=", y, y.type(width))
        amount = b.select(wide, y.type(width - 1), y)
        if not left and short in SIGNED:
            return b.ashr(x, amount)
        shifted = b.shl(x, amount) if left else b.lshr(x, amount)
        return b.select(wide, x.type(0), shifted)

    return build


def _sign(short: str) -> Build:
    def of_float(b: Any, x: Any) -> Any:
        zero = x.type(0.0)
        one = intrinsic(b, "copysign", x.type(1.0), x)
        return b.select(b.fcmp_unordered("!=", x, zero), b.select(_is_nan(b, x), x, one), zero)

    def of_integer(b: Any, x: Any) -> Any:
        zero = x.type(0)
        above = b.zext(b.icmp_unsigned("!=", x, zero), x.type)
        if short not in SIGNED:
            return above
        return b.select(b.icmp_signed("<", x, zero), x.type(-1), above)

    return of_float if short in FLOATS else of_integer


def _is_nan(b: Any, x: Any) -> Any:
    return b.fcmp_unordered("uno", x, x)


def _truth(b: Any, x: Any) -> Any:
    if isinstance(x.type, ir.IntType):
        return b.icmp_unsigned("!=", x, x.type(0))
    return b.fcmp_unordered("!=", x, x.type(0.0))


def _is_inf(b: Any, x: Any) -> Any:
    return b.fcmp_ordered("==", intrinsic(b, "fabs", x), x.type(float("inf")))


def _is_finite(b: Any, x: Any) -> Any:
    return b.fcmp_ordered("<", intrinsic(b, "fabs", x), x.type(float("inf")))


def _integer_power(short: str) -> Build:
    """Repeated squaring, wrapping; the exponent must not be negative (then: 0)."""

    def build(b: Any, x: Any, y: Any) -> Any:
        kind = x.type
        start = b.block
        loop, done = (b.append_basic_block(name) for name in ("power", "power.done"))
        b.branch(loop)
        b.position_at_end(loop)
        result, base, rest = (b.phi(kind) for _ in range(3))
        times = b.select(b.trunc(rest, b.icmp_signed("==", rest, rest).type), base, kind(1))
        product, squared = b.mul(result, times), b.mul(base, base)
        left = b.lshr(rest, kind(1))
        b.cbranch(b.icmp_unsigned("!=", left, kind(0)), loop, done)
        for phi, first, following in (
            (result, kind(1), product),
            (base, x, squared),
            (rest, y, left),
        ):
            phi.add_incoming(first, start)
            phi.add_incoming(following, loop)
        b.position_at_end(done)
        if short in SIGNED:
            return b.select(b.icmp_signed("<", y, kind(0)), kind(0), product)
        return product

    return build


def _cases(shorts: tuple[str, ...], build: Callable[[str], Build], operands: int = 2) -> dict:
    return {(s,) * operands: (s, build(s)) for s in shorts}


def _of_floats(name: str, python: Callable[..., Any]) -> Native:
    def build(b: Any, x: Any) -> Any:
        return intrinsic(b, name, x)

    return Native(name, _cases(FLOATS, lambda short: build, 1), python)


def _quiet(python: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any) -> Any:
        with np.errstate(all="ignore"):
            return python(*args)

    return call


def _power_python(x: Any, y: Any) -> Any:
    return np.power(x, y) if y >= 0 else type(x)(0)


def _functions() -> Iterator[Native]:
    for name, sign, python in (("maximum", "max", np.maximum), ("minimum", "min", np.minimum)):
        cases = _cases(_NUMBERS, lambda s, sign=sign: _extreme(sign, s))
        yield Native(name, cases, python)
        for short in _NUMBERS:
            yield Native(f"{name}_{short}", {(short, short): cases[short, short]}, python)
    for name, python in _DIVISIONS.items():
        cases = _cases(INTEGERS, lambda s, name=name: _integer_division(s, name))
        cases |= _cases(FLOATS, lambda s, name=name: _float_division(name))
        yield Native(name, cases, _quiet(python))
    for name, left, python in (("shift_left", True, np.left_shift),
                               ("shift_right", False, np.right_shift)):  # fmt: skip
        yield Native(name, _cases(INTEGERS, lambda s, left=left: _shift(s, left)), python)
    yield Native("sign", _cases(_NUMBERS, _sign, 1), np.sign)
    yield Native("power", _cases(INTEGERS, _integer_power), _quiet(_power_python))
    for name, build, python in (("isnan", _is_nan, np.isnan), ("isinf", _is_inf, np.isinf),
                                ("isfinite", _is_finite, np.isfinite)):  # fmt: skip
        cases = {(s,): ("b1", build) for s in FLOATS}
        yield Native(name, cases, python)


# Python's own functions that kernels may call, with the meaning they have
PYTHONS: dict[Callable[..., Any], Native] = {
    max: Native("max", _cases(_NUMBERS, lambda s: _pythons("max", s)), max),
    min: Native("min", _cases(_NUMBERS, lambda s: _pythons("min", s)), min),
    math.fabs: _of_floats("fabs", math.fabs),  # numba's abs(), // and % of floats ask for these two
    math.floor: _of_floats("floor", math.floor),
    bool: Native("bool", {(s,): ("b1", _truth) for s in (*_NUMBERS, "b1")}, bool),
}
FUNCTIONS = {function.name: function for function in _functions()}
