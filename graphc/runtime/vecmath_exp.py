"""Exponentials, logarithms and hyperbolic functions on lanes.

Each name gives the largest error in units in the last place as the tests bound it: (f32, f64).
Polynomials are minimax fits of our own unless a source is named.
"""

from __future__ import annotations

import math

from graphc.runtime.lane import Lane, polynomial

# --- exponentials ---------------------------------------------------------------------------------

LOG2_E = 1.0 / math.log(2.0)
# ln 2 in two parts; the first has few bits, so that multiples by whole exponents are exact
LN2_F32 = (0.693359375, -2.12194440e-4)
LN2_F64 = (6.93147180369123816490e-01, 1.90821492927058770002e-10)

# (exp(r) - 1 - r) / r**2 for |r| <= ln(2) / 2
_EXP_F32 = (1.992141466791497e-4, 1.3948371574713128e-3, 8.333258840098058e-3,
            4.166623746054007e-2, 0.16666666884398257, 0.500000008764378)  # fmt: skip
_EXP_F64 = (2.092883817101129e-09, 2.5114657842985258e-08, 2.755722677739115e-07,
            2.755722726809634e-06, 2.4801587382160145e-05, 0.00019841269904056783,
            0.001388888888885364, 0.008333333333313908, 0.041666666666666734,
            0.16666666666666688, 0.5)  # fmt: skip


def _reduce(x: Lane) -> tuple[Lane, object]:
    """r and n with x = n ln(2) + r and |r| <= ln(2) / 2."""
    whole, n = (x * LOG2_E).nearest()
    high, low = LN2_F32 if x.single else LN2_F64
    return (x - whole * high) - whole * low, n


def _expm1_reduced(r: Lane) -> Lane:
    return polynomial(r, _EXP_F32 if r.single else _EXP_F64) * (r * r) + r


def exp(x: Lane) -> Lane:
    """e**x.  Error <= (1.1, 1.1)."""
    x = x.clamp(-104.0, 89.0) if x.single else x.clamp(-746.0, 710.0)
    r, n = _reduce(x)
    return (_expm1_reduced(r) + 1.0).times_power_of_two(n)


def expm1(x: Lane) -> Lane:
    """e**x - 1 without cancellation near 0.  Error <= (2, 2)."""
    small = x
    x = x.clamp(-20.0, 89.0) if x.single else x.clamp(-40.0, 710.0)
    r, n = _reduce(x)
    part = _expm1_reduced(r)
    # 2**n (part + 1) - 1, with the halves of 2**n so that only a result out of range overflows
    half = x.b.ashr(n, x.word(1))
    a, c = x.power_of_two(half), x.power_of_two(x.b.sub(n, half))
    scale = a * c
    result = part * scale + (scale - 1.0)
    result = ((part + 1.0) * a * c).where(x > 40.0, result)
    return small.where(abs(small) < 2.0**-60, result)  # keeps -0.0 and denormals


def sigmoid(x: Lane) -> Lane:
    """1 / (1 + e**-x).  Error <= (3, 3)."""
    e = exp(-abs(x))
    positive = 1.0 / (e + 1.0)
    return positive.where(x >= 0.0, e * positive)


# Cephes' tanhf: (tanh(x) - x) / x**3 in x**2, for |x| < 0.625
_TANH_F32 = (-5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1,
             -3.33332819422e-1)  # fmt: skip


def _tanh_f32(x: Lane) -> Lane:
    a = abs(x)
    r, n = _reduce(a.of(20.0).where(a > 10.0, a * 2.0))
    far = 1.0 - 2.0 / ((_expm1_reduced(r) + 1.0).times_power_of_two(n) + 1.0)
    square = a * a
    near = a + a * square * polynomial(square, _TANH_F32)
    return near.where(a < 0.625, far).with_sign_of(x)


def tanh(x: Lane) -> Lane:
    """Hyperbolic tangent.  Error <= (3, 3)."""
    if x.single:
        return _tanh_f32(x)
    t = expm1(abs(x).clamp(0.0, 22.0) * 2.0)
    result = (t / (t + 2.0)).with_sign_of(x)
    return x.where(abs(x) < 2.0**-30, result)


def sinh(x: Lane) -> Lane:
    """Hyperbolic sine.  Error <= (3, 3)."""
    a = abs(x)
    t = expm1(a)
    usual = (t + t / (t + 1.0)) * 0.5
    half = exp(a * 0.5)  # for results near the end of the range, which exp(a) overshoots
    result = (half * 0.5 * half).where(a > (88.0 if x.single else 709.0), usual)
    return result.with_sign_of(x)


def cosh(x: Lane) -> Lane:
    """Hyperbolic cosine.  Error <= (3, 3)."""
    a = abs(x)
    e = exp(a)
    half = exp(a * 0.5)
    usual = e * 0.5 + 0.5 / e
    return (half * 0.5 * half).where(a > (88.0 if x.single else 709.0), usual)


# --- logarithms -----------------------------------------------------------------------------------

# Cephes' logf: (log(1 + f) - f + f**2 / 2) / f**3; fdlibm's log: a series in f / (2 + f)
_LOG_F32 = (7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1,
            1.4249322787e-1, -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1,
            3.3333331174e-1)  # fmt: skip
_LOG_F64 = (1.479819860511658591e-01, 1.531383769920937332e-01, 1.818357216161805012e-01,
            2.222219843214978396e-01, 2.857142874366239149e-01, 3.999999999940941908e-01,
            6.666666666666735130e-01)  # fmt: skip
_SQRT_HALF = {True: 0x3F3504F3, False: 0x3FE6A09E667F3BCD}


def _split(x: Lane) -> tuple[Lane, Lane]:
    """k and f with x = 2**k (1 + f) and 1 + f between sqrt(1/2) and sqrt(2), for x > 0."""
    b = x.b
    denormal = x < 2.0 ** (1 - x.bias)
    bits = (x * 2.0 ** (x.mantissa + 1)).where(denormal, x).bits()
    offset = b.sub(bits, x.word(_SQRT_HALF[x.single]))
    exponent = b.ashr(offset, x.word(x.mantissa))
    fraction = x.from_bits(b.sub(bits, b.shl(exponent, x.word(x.mantissa))))
    lowered = b.select(denormal, x.word(x.mantissa + 1), x.word(0))
    return x.from_small_int(b.sub(exponent, lowered)), fraction - 1.0


def _log_finite(x: Lane) -> Lane:
    k, f = _split(x)
    square = f * f
    high, low = LN2_F32 if x.single else LN2_F64
    if x.single:
        rest = f * square * polynomial(f, _LOG_F32)
        return f + (k * low + rest - square * 0.5) + k * high
    s = f / (f + 2.0)
    half = square * 0.5
    series = s * s * polynomial(s * s, _LOG_F64)
    return k * high - ((half - (s * (half + series) + k * low)) - f)


def _log_ends(x: Lane, result: Lane) -> Lane:
    """The logarithm's values at 0, below 0, at infinity and NaN."""
    result = x.where(x.equals(math.inf), result)
    result = x.of(-math.inf).where(x.equals(0.0), result)
    return x.where(x.is_nan(), x.of(math.nan).where(x < 0.0, result))


def log(x: Lane) -> Lane:
    """Natural logarithm.  Error <= (1.2, 1.1)."""
    return _log_ends(x, _log_finite(x))


def log1p(x: Lane) -> Lane:
    """log(1 + x) without cancellation near 0.  Error <= (2, 2)."""
    u = x + 1.0
    lost = x.exactly_minus(
        u.exactly_minus(1.0)
    )  # what rounding to u lost; x > u / 2 makes it exact
    lost = lost.where(x < 2.0 ** (x.mantissa + 1), 0.0)
    result = _log_ends(u, _log_finite(u) + lost / u)
    return x.where(abs(x) < 2.0 ** -(x.mantissa + 2), result)


def softplus(x: Lane) -> Lane:
    """log(1 + e**x).  Error <= (2.5, 2.5)."""
    zero = x.of(0.0)
    result = zero.where(x < 0.0, x) + log1p(exp(-abs(x)))
    return x.where(x.is_nan(), result)


def asinh(x: Lane) -> Lane:
    """Inverse hyperbolic sine.  Error <= (2.2, 2.2)."""
    a = abs(x)
    square = a * a
    usual = log1p(a + square / ((square + 1.0).sqrt() + 1.0))
    large = log(a) + math.log(2.0)
    result = large.where(a > 2.0**28, usual).with_sign_of(x)
    return x.where(a < 2.0**-28, result)


def acosh(x: Lane) -> Lane:
    """Inverse hyperbolic cosine; NaN below 1.  Error <= (2.2, 2.2)."""
    t = x - 1.0
    usual = log1p(t + (t * 2.0 + t * t).sqrt())
    result = (log(x) + math.log(2.0)).where(x > 2.0**28, usual)
    return result.of(math.nan).where(x < 1.0, result)


def atanh(x: Lane) -> Lane:
    """Inverse hyperbolic tangent; NaN beyond 1.  Error <= (3, 3)."""
    a = abs(x)
    result = (log1p(a * 2.0 / (1.0 - a)) * 0.5).with_sign_of(x)
    return x.where(a < 2.0**-28, result)
