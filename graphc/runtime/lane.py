"""`Lane`: a float inside a kernel, with operators that write LLVM code.

The functions of `vecmath` are written once on lanes and work for f32 and f64.  They have no
branches and call nothing, so LLVM can run many lanes side by side in one vector register.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llvmlite import ir

from graphc.runtime.native import FLAGS, has_avx512, intrinsic

F32, F64 = ir.FloatType(), ir.DoubleType()
I1, I32, I64 = ir.IntType(1), ir.IntType(32), ir.IntType(64)

Number = "Lane | float"


class Lane:
    """A float being computed."""

    __slots__ = ("b", "v")

    def __init__(self, builder: Any, value: Any) -> None:
        self.b, self.v = builder, value

    @property
    def single(self) -> bool:
        """Whether this is an f32."""
        return self.v.type == F32

    def of(self, number: float) -> Lane:
        """A constant of the same type."""
        return Lane(self.b, ir.Constant(self.v.type, float(number)))

    def _pair(self, other: Number) -> tuple[Any, Any]:
        return self.v, (other if isinstance(other, Lane) else self.of(other)).v

    # --- arithmetic: a product and a sum may become one fused operation, nothing else is rearranged

    def __add__(self, other: Number) -> Lane:
        return Lane(self.b, self.b.fadd(*self._pair(other), flags=FLAGS))

    def __sub__(self, other: Number) -> Lane:
        return Lane(self.b, self.b.fsub(*self._pair(other), flags=FLAGS))

    def __mul__(self, other: Number) -> Lane:
        return Lane(self.b, self.b.fmul(*self._pair(other), flags=FLAGS))

    def __truediv__(self, other: Number) -> Lane:
        return Lane(self.b, self.b.fdiv(*self._pair(other), flags=FLAGS))

    def __radd__(self, other: float) -> Lane:
        return self.of(other) + self

    def __rsub__(self, other: float) -> Lane:
        return self.of(other) - self

    def __rmul__(self, other: float) -> Lane:
        return self.of(other) * self

    def __rtruediv__(self, other: float) -> Lane:
        return self.of(other) / self

    def __neg__(self) -> Lane:
        return Lane(self.b, self.b.fneg(self.v))

    def __abs__(self) -> Lane:
        return Lane(self.b, intrinsic(self.b, "fabs", self.v))

    def sqrt(self) -> Lane:
        return Lane(self.b, intrinsic(self.b, "sqrt", self.v))

    def exactly_minus(self, other: Number) -> Lane:
        """A difference that is never fused: for computing what a rounding lost."""
        return Lane(self.b, self.b.fsub(*self._pair(other)))

    # --- choices; a comparison is false where either side is NaN

    def __lt__(self, other: Number) -> Any:
        return self.b.fcmp_ordered("<", *self._pair(other))

    def __le__(self, other: Number) -> Any:
        return self.b.fcmp_ordered("<=", *self._pair(other))

    def __gt__(self, other: Number) -> Any:
        return self.b.fcmp_ordered(">", *self._pair(other))

    def __ge__(self, other: Number) -> Any:
        return self.b.fcmp_ordered(">=", *self._pair(other))

    def equals(self, other: Number) -> Any:
        return self.b.fcmp_ordered("==", *self._pair(other))

    def is_nan(self) -> Any:
        return self.b.fcmp_unordered("uno", self.v, self.v)

    def where(self, condition: Any, other: Number) -> Lane:
        """This where the condition holds, else the other."""
        return Lane(self.b, self.b.select(condition, *self._pair(other)))

    def clamp(self, low: float, high: float) -> Lane:
        """Between two numbers; NaN stays NaN."""
        return self.of(low).where(self < low, self.of(high).where(self > high, self))

    def with_sign_of(self, other: Lane) -> Lane:
        return Lane(self.b, intrinsic(self.b, "copysign", self.v, other.v))

    # --- bits

    @property
    def word(self) -> ir.IntType:
        """The integer type of the same width."""
        return I32 if self.single else I64

    @property
    def mantissa(self) -> int:
        return 23 if self.single else 52

    @property
    def bias(self) -> int:
        return 127 if self.single else 1023

    def bits(self) -> Any:
        return self.b.bitcast(self.v, self.word)

    def from_bits(self, bits: Any) -> Lane:
        return Lane(self.b, self.b.bitcast(bits, self.v.type))

    def nearest(self) -> tuple[Lane, Any]:
        """The nearest whole number as a float and as an integer, for |x| < 2**22.

        Adding 1.5 * 2**mantissa leaves the whole number in the low bits: cheaper than a conversion,
        there in every instruction set, and harmless for NaN.
        """
        magic = self.of(1.5 * 2.0**self.mantissa)
        shifted = Lane(self.b, self.b.fadd(self.v, magic.v))
        return shifted.exactly_minus(magic), self.b.sub(shifted.bits(), magic.bits())

    def from_small_int(self, value: Any) -> Lane:
        """An integer below 2**22 in size as a float; the inverse of `nearest`."""
        magic = self.of(1.5 * 2.0**self.mantissa)
        return self.from_bits(self.b.add(value, magic.bits())).exactly_minus(magic)

    def power_of_two(self, exponent: Any) -> Lane:
        """2**exponent for an exponent in the normal range."""
        biased = self.b.add(exponent, self.word(self.bias))
        return self.from_bits(self.b.shl(biased, self.word(self.mantissa)))

    def times_power_of_two(self, exponent: Any) -> Lane:
        """self * 2**exponent, so that denormal results are rounded once, and right."""
        if has_avx512():  # elsewhere LLVM would call the C library
            exponent = exponent if self.single else self.b.trunc(exponent, I32)
            return Lane(self.b, intrinsic(self.b, "ldexp", self.v, exponent))
        half = self.b.ashr(exponent, self.word(1))
        return (self * self.power_of_two(half)) * self.power_of_two(self.b.sub(exponent, half))

    def widened(self) -> Lane:
        """The same number as f64."""
        return Lane(self.b, self.b.fpext(self.v, F64)) if self.single else self

    def narrowed(self) -> Lane:
        """An f64 rounded to f32."""
        return Lane(self.b, self.b.fptrunc(self.v, F32))


def polynomial(x: Lane, coefficients: Sequence[float]) -> Lane:
    """Horner's scheme, highest power first."""
    total = x.of(coefficients[0])
    for c in coefficients[1:]:
        total = total * x + c
    return total
