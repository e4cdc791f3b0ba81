"""The vector maths of the kernels: exp, log, tanh, ... as polynomials that LLVM vectorises.

numba has no vector library, and a call of libm for each element costs 5-30 times as much.  Each function is
written once on `V`, a value with operators, which is LLVM code while a kernel is compiled.  All are right over
the full range, for infinities, NaN and denormals.  Sources: Cephes Mathematical Library (S. Moshier).

Largest errors in units in the last place, as the tests measure them: see `ULPS`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir

FLAGS = ("contract", "nsz", "arcp")
F32, F64, I32, I64 = ir.FloatType(), ir.DoubleType(), ir.IntType(32), ir.IntType(64)

# name -> (f32, f64); None: a call of the C library for each element, correct but not vectorised
ULPS: dict[str, tuple[float | None, float | None]] = {}


class V:
    """A floating point value being computed."""

    __slots__ = ("b", "v")

    def __init__(self, builder: Any, value: Any) -> None:
        self.b, self.v = builder, value

    @property
    def is_f32(self) -> bool:
        return self.v.type == F32

    def of(self, number: float) -> V:
        return V(self.b, ir.Constant(self.v.type, float(number)))

    def _other(self, other: V | float) -> Any:
        return other.v if isinstance(other, V) else self.of(other).v

    def __add__(self, other: V | float) -> V:
        return V(self.b, self.b.fadd(self.v, self._other(other), flags=FLAGS))

    def __sub__(self, other: V | float) -> V:
        return V(self.b, self.b.fsub(self.v, self._other(other), flags=FLAGS))

    def __mul__(self, other: V | float) -> V:
        return V(self.b, self.b.fmul(self.v, self._other(other), flags=FLAGS))

    def __truediv__(self, other: V | float) -> V:
        return V(self.b, self.b.fdiv(self.v, self._other(other), flags=FLAGS))

    def __radd__(self, other: float) -> V:
        return self.of(other) + self

    def __rsub__(self, other: float) -> V:
        return self.of(other) - self

    def __rmul__(self, other: float) -> V:
        return self.of(other) * self

    def __rtruediv__(self, other: float) -> V:
        return self.of(other) / self

    def __neg__(self) -> V:
        return V(self.b, self.b.fneg(self.v))

    def compare(self, relation: str, other: V | float) -> Any:
        """A condition for `where`; false if either is NaN."""
        return self.b.fcmp_ordered(relation, self.v, self._other(other))

    def where(self, condition: Any, other: V | float) -> V:
        """This value where the condition holds, else the other."""
        return V(self.b, self.b.select(condition, self.v, self._other(other)))

    def below(self, limit: float) -> V:
        return V(self.b, self.of(limit).v).where(self.compare(">", limit), self)

    def above(self, limit: float) -> V:
        return V(self.b, self.of(limit).v).where(self.compare("<", limit), self)

    def call(self, intrinsic: str) -> V:
        function = self.b.module.declare_intrinsic(f"llvm.{intrinsic}", [self.v.type])
        return V(self.b, self.b.call(function, [self.v]))

    def floor(self) -> V:
        return self.call("floor")

    def abs(self) -> V:
        return self.call("fabs")

    def sqrt(self) -> V:
        return self.call("sqrt")

    def copysign(self, other: V) -> V:
        kind = ir.FunctionType(self.v.type, [self.v.type, self.v.type])
        function = self.b.module.declare_intrinsic("llvm.copysign", [self.v.type], kind)
        return V(self.b, self.b.call(function, [self.v, other.v]))

    @property
    def bits_type(self) -> Any:
        return I32 if self.is_f32 else I64

    def to_int(self) -> Any:
        return self.b.fptosi(self.v, self.bits_type)

    def bits(self) -> Any:
        return self.b.bitcast(self.v, self.bits_type)

    def power_of_two(self, exponent: Any) -> V:
        """2**exponent for an exponent in the normal range."""
        mantissa, bias = (23, 127) if self.is_f32 else (52, 1023)
        kind = self.bits_type
        biased = self.b.add(exponent, ir.Constant(kind, bias))
        return V(self.b, self.b.bitcast(self.b.shl(biased, ir.Constant(kind, mantissa)), self.v.type))


def polynomial(x: V, coefficients: Sequence[float]) -> V:
    """Horner's scheme, highest power first."""
    total = x.of(coefficients[0])
    for c in coefficients[1:]:
        total = total * x + c
    return total


def keep_nan(result: V, x: V) -> V:
    """NaN where x is NaN."""
    return x.where(x.b.fcmp_unordered("uno", x.v, x.v), result)


# --- exponentials -----------------------------------------------------------------------------------

_EXP_P = (1.26177193074810590878e-4, 3.02994407707441961300e-2, 9.99999999999999999910e-1)
_EXP_Q = (3.00198505138664455042e-6, 2.52448340349684104192e-3, 2.27265548208155028766e-1, 2.0)
_EXPF = (1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1,
         5.0000001201e-1)  # fmt: skip


def _reduce(x: V) -> tuple[V, V]:
    """x = n ln2 + r with |r| <= ln2/2."""
    n = (x * 1.44269504088896341 + 0.5).floor()
    if x.is_f32:
        return n, (x - n * 0.693359375) - n * -2.12194440e-4
    return n, (x - n * 6.93145751953125e-1) - n * 1.42860682030941723212e-6


def _expm1_reduced(r: V) -> V:
    """exp(r) - 1 for |r| <= ln2/2."""
    if r.is_f32:
        return polynomial(r, _EXPF) * r * r + r
    square = r * r
    p = r * polynomial(square, _EXP_P)
    return 2.0 * (p / (polynomial(square, _EXP_Q) - p))


def _scale(value: V, n: V) -> V:
    """value * 2**n in two steps, so that denormal results are right."""
    whole = n.to_int()
    half = value.b.ashr(whole, ir.Constant(value.bits_type, 1))
    return value * value.power_of_two(half) * value.power_of_two(value.b.sub(whole, half))


def exp(x: V) -> V:
    low, high = (-110.0, 89.0) if x.is_f32 else (-750.0, 710.0)
    clamped = x.above(low).below(high)
    safe = clamped.where(clamped.b.fcmp_ordered("ord", x.v, x.v), 0.0)
    n, r = _reduce(safe)
    return keep_nan(_scale(_expm1_reduced(r) + 1.0, n), x)


def expm1(x: V) -> V:
    low, high = (-20.0, 89.0) if x.is_f32 else (-40.0, 710.0)
    clamped = x.above(low).below(high)
    safe = clamped.where(clamped.b.fcmp_ordered("ord", x.v, x.v), 0.0)
    n, r = _reduce(safe)
    tiny = _expm1_reduced(r)
    # 2^n (1 + tiny) - 1 without cancellation; the last power may overflow only where the result does
    whole = n.to_int()
    half = x.b.ashr(whole, ir.Constant(x.bits_type, 1))
    a, b = x.power_of_two(half), x.power_of_two(x.b.sub(whole, half))
    scaled = a * b
    small = scaled * tiny + (scaled - 1.0)
    large = (tiny + 1.0) * a * b
    result = small.where(n.compare("<", 120.0), large)
    result = x.where(x.abs().compare("<", 1e-20), result)
    return keep_nan(result, x)


def sigmoid(x: V) -> V:
    e = exp(-x.abs())
    positive = 1.0 / (1.0 + e)
    return keep_nan(positive.where(x.compare(">=", 0.0), e * positive), x)


# --- logarithms -------------------------------------------------------------------------------------

_LOGF = (7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
         -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1)  # fmt: skip
_LOG_P = (1.01875663804580931796e-4, 4.97494994976747001425e-1, 4.70579119878881725854,
          1.44989225341610930846e1, 1.79368678507819816313e1, 7.70838733755885391666)  # fmt: skip
_LOG_Q = (1.0, 1.12873587189167450590e1, 4.52279145837532221105e1, 8.29875266912776603211e1,
          7.11544750618563894466e1, 2.31251620126765340583e1)  # fmt: skip


def log(x: V) -> V:
    b, kind = x.b, x.bits_type
    mantissa, bias = (23, 127) if x.is_f32 else (52, 1023)
    smallest = 2.0 ** (1 - bias)
    denormal = x.compare("<", smallest)
    scaled = (x * 2.0 ** (mantissa + 1)).where(denormal, x)
    bits = scaled.bits()
    raw = b.and_(b.lshr(bits, ir.Constant(kind, mantissa)), ir.Constant(kind, 2 * bias + 1))
    exponent = V(b, b.sitofp(b.sub(raw, ir.Constant(kind, bias - 1)), x.v.type))
    exponent = (exponent - float(mantissa + 1)).where(denormal, exponent)
    fraction_bits = b.and_(bits, ir.Constant(kind, (1 << mantissa) - 1))
    half = ir.Constant(kind, (bias - 1) << mantissa)
    m = V(b, b.bitcast(b.or_(fraction_bits, half), x.v.type))  # in [0.5, 1)
    low = m.compare("<", 0.707106781186547524)
    exponent = (exponent - 1.0).where(low, exponent)
    f = (m + m - 1.0).where(low, m - 1.0)
    z = f * f
    if x.is_f32:
        y = f * z * polynomial(f, _LOGF)
    else:
        y = f * (z * polynomial(f, _LOG_P) / polynomial(f, _LOG_Q))
    y = y + exponent * -2.121944400546905827679e-4 - 0.5 * z
    result = f + y + exponent * 0.693359375
    result = x.where(x.compare("==", float("inf")), result)
    result = result.of(float("-inf")).where(x.compare("==", 0.0), result)
    result = result.of(float("nan")).where(x.compare("<", 0.0), result)
    return keep_nan(result, x)


def log1p(x: V) -> V:
    u = x + 1.0
    rest = V(x.b, x.b.fsub(x.v, x.b.fsub(u.v, u.of(1.0).v)))  # no flags: exactly what rounding lost
    result = log(u) + rest / u
    result = x.where(u.compare("==", 1.0), result)
    result = x.where(x.compare("==", float("inf")), result)
    return log(u).where(u.compare("<=", 0.0), result)


def softplus(x: V) -> V:
    return keep_nan(x.above(0.0) + log1p(exp(-x.abs())), x)


# --- hyperbolic and error functions -----------------------------------------------------------------

_TANHF = (-5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1,
          -3.33332819422e-1)  # fmt: skip
_TANH_P = (-9.64399179425052238628e-1, -9.92877231001918586564e1, -1.61468768441708447952e3)
_TANH_Q = (1.0, 1.12811678491632931402e2, 2.23548839060100448583e3, 4.84406305325125486048e3)


def tanh(x: V) -> V:
    z = x * x
    if x.is_f32:
        near = polynomial(z, _TANHF) * z * x + x
    else:
        near = x + x * z * (polynomial(z, _TANH_P) / polynomial(z, _TANH_Q))
    a = x.abs().below(50.0)
    far = (1.0 - 2.0 / (exp(a + a) + 1.0)).copysign(x)
    return keep_nan(near.where(x.abs().compare("<", 0.625), far), x)


_ERFF = (7.853861353153693e-5, -8.010193625184903e-4, 5.188327685732524e-3, -2.685381193529856e-2,
         1.128358514861418e-1, -3.761262582423300e-1, 1.128379165726710)  # fmt: skip
_ERFCF_P = (2.326819970068386e-2, -1.387039388740657e-1, 3.687424674597105e-1,
            -5.824733027278666e-1, 6.210004621745983e-1, -4.944515323274145e-1,
            3.404879937665872e-1, -2.741127028184656e-1, 5.638259427472472e-1)  # fmt: skip


def erf(x: V) -> V:
    """f32 only; erfc's polynomial is good to |x| = 2, beyond that erf is 1 but for 0.5 %."""
    near = x * polynomial(x * x, _ERFF)
    a = x.abs().above(1.0).below(4.0)
    q = 1.0 / a
    square = q * q
    far = (1.0 - exp(-(a * a)) * q * polynomial(square, _ERFCF_P)).copysign(x)
    large = (1.0 - exp(-(a * a)) * q * polynomial(square, _ERFCF_R)).copysign(x)
    far = far.where(x.abs().compare("<", 2.0), large)
    return keep_nan(near.where(x.abs().compare("<", 1.0), far), x)


_ERFCF_R = (-1.047766399936249e1, 1.297719955372516e1, -7.495518717768503, 2.921019019210786,
            -1.015265279202700, 4.218463458204948e-1, -2.820767439740514e-1,
            5.641895067754075e-1)  # fmt: skip

POLYNOMIALS: dict[str, Callable[[V], V]] = {
    "exp": exp, "expm1": expm1, "log": log, "log1p": log1p, "tanh": tanh, "sigmoid": sigmoid,
    "softplus": softplus,
}  # fmt: skip
ONLY_F32: dict[str, Callable[[V], V]] = {"erf": erf}
