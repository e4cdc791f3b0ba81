"""Sine, cosine and tangent of f32, the error function, and powers of f32, on lanes.

f32 results are computed in f64 where that buys the full range, at half the number of lanes.
"""

from __future__ import annotations

import math
from typing import Any

from graphc.runtime.lane import F64, I1, I32, I64, Lane, polynomial
from graphc.runtime.native import intrinsic
from graphc.runtime.vecmath_exp import exp, log

# --- sine and cosine ------------------------------------------------------------------------------

# On [-pi/4, pi/4]: (sin(r) - r) / r**3 and (cos(r) - 1 + r**2 / 2) / r**4, in r**2
_SIN = (2.71760680370511e-06, -0.0001983926202877453, 0.00833332916530516, -0.16666666639813937)
_COS = (-2.7204898571028586e-07, 2.4799459058887516e-05, -0.0013888883541876243,
        0.041666666620707685)  # fmt: skip
# pi/2 in two parts of an f64; the first has 33 bits, so multiples by 20 bits are exact
_HALF_PI = (1.57079632673412561417e00, 6.07710050650619224932e-11)
# 8 zero bits, then the first 248 bits of 2/pi
_TWO_BY_PI = 0xA2F9836E4E441529FC2757D1F534DDC0DB6295993C439041FE5163ABDEBBC5
_WORDS = tuple((_TWO_BY_PI >> (192 - 64 * i)) & (2**64 - 1) for i in range(4))
_SMALL = 2.0**19  # up to here pi/2 in two parts suffices


def _quadrant(x: Lane) -> tuple[Lane, Any]:
    """r and n with x = n pi/2 + r, r in f64, of an f32; right over the full range."""
    wide = x.widened()
    near = wide.clamp(-_SMALL, _SMALL)
    whole, n = (near * (2.0 / math.pi)).nearest()
    r = (near - whole * _HALF_PI[0]) - whole * _HALF_PI[1]
    far, far_n = _quadrant_of_large(x)
    large = abs(x) > _SMALL
    return far.where(large, r), x.b.select(large, far_n, n)


def _quadrant_of_large(x: Lane) -> tuple[Lane, Any]:
    """Payne and Hanek's reduction, for |x| > 2**13: |x| 2/pi modulo 4 in fixed point."""
    b = x.b
    bits = b.and_(x.bits(), I32(0x7FFFFFFF))
    mantissa = b.zext(b.or_(b.and_(bits, I32(0x7FFFFF)), I32(0x800000)), I64)
    # |x| = mantissa * 2**(exponent - 150); bits of 2/pi before `start` give multiples of 4
    start = b.sub(b.zext(b.lshr(bits, I32(23)), I64), I64(150 + 2 - 8))
    high, low = _window(b, start)
    total = b.add(b.mul(mantissa, high), b.lshr(b.mul(mantissa, b.lshr(low, I64(32))), I64(32)))
    n = b.lshr(b.add(total, I64(1 << 61)), I64(62))
    rest = b.sub(total, b.shl(n, I64(62)))
    r = Lane(b, b.sitofp(rest, F64)) * (math.pi / 2.0**63)
    negative = x < 0.0
    return (-r).where(negative, r), b.select(negative, b.neg(n), n)


def _window(b: Any, start: Any) -> tuple[Any, Any]:
    """128 bits of 2/pi from bit ``start`` < 128 on; shifts, since a table would need gathers."""
    skip = b.icmp_unsigned(">=", start, I64(64))
    words = [b.select(skip, I64(_WORDS[i + 1]), I64(_WORDS[i])) for i in range(3)]
    shift = b.and_(start, I64(63))
    back = b.sub(I64(63), shift)

    def joined(first: Any, second: Any) -> Any:
        return b.or_(b.shl(first, shift), b.lshr(b.lshr(second, I64(1)), back))

    return joined(words[0], words[1]), joined(words[1], words[2])


def _waves(x: Lane) -> tuple[Lane, Lane, Any]:
    """Sine and cosine of r in [-pi/4, pi/4], and the quadrant n."""
    r, n = _quadrant(x)
    square = r * r
    sine = r + r * square * polynomial(square, _SIN)
    cosine = (1.0 - square * 0.5) + square * square * polynomial(square, _COS)
    return sine, cosine, n


def _wave(x: Lane, ahead: int) -> Lane:
    """sin(x + ahead pi/2)."""
    b = x.b
    sine, cosine, n = _waves(x)
    n = b.add(n, I64(ahead))
    value = cosine.where(b.trunc(n, I1), sine)
    value = (-value).where(b.trunc(b.lshr(n, I64(1)), I1), value)
    return value.narrowed().where(abs(x) < math.inf, math.nan)


def sin_f32(x: Lane) -> Lane:
    """Sine.  Error <= 0.6."""
    return x.where(abs(x) < 2.0**-13, _wave(x, 0))


def cos_f32(x: Lane) -> Lane:
    """Cosine.  Error <= 0.6."""
    return _wave(x, 1)


def tan_f32(x: Lane) -> Lane:
    """Tangent.  Error <= 0.6."""
    sine, cosine, n = _waves(x)
    odd = x.b.trunc(n, I1)
    value = cosine.where(odd, sine) / (-sine).where(odd, cosine)
    result = value.narrowed().where(abs(x) < math.inf, math.nan)
    return x.where(abs(x) < 2.0**-13, result)


# --- the error function ---------------------------------------------------------------------------

# erf(x) / x - 1 in x**2 for |x| < 0.9; log(erfc(x)) beyond
_ERF_NEAR_F32 = (-5.96761703e-4, 4.99119423e-3, -2.67681349e-2, 1.12819925e-1, -3.76125336e-1,
                 1.28379166e-1)  # fmt: skip
_ERF_FAR_F32 = (-1.72853470e-5, 3.83197126e-4, -3.88396438e-3, 2.42546219e-2, -1.06777877e-1,
                -6.34846687e-1, -1.28717512e-1)  # fmt: skip
_ERF_NEAR_F64 = (
    -8.497784570653758e-10, 1.4053169754433033e-08, -1.627685134848843e-07, 1.6455364049441195e-06,
    -1.4925309919225939e-05, 0.00012055321485879823, -0.0008548326767346997, 0.005223977621820401,
    -0.0268661706448288, 0.1128379167095382, -0.3761263890318373, 0.1283791670955126,
)  # fmt: skip
_ERF_FAR_F64 = (
    1.631549018224395e-14, -9.597631816073258e-13, 2.646533313023854e-11, -4.557460021594518e-10,
    5.504148636557678e-09, -4.958169406967371e-08, 3.453686948665841e-07, -1.89874367377382e-06,
    8.301360049374603e-06, -2.8622513758696188e-05, 7.487417283231977e-05, -0.00012998472826691306,
    5.167757902305787e-05, 0.000515249340479133, -0.0016377518122884787, 0.00017284667821907215,
    0.01914602401959631, -0.10277897095321623, -0.6366181475147195, -1.1283794273458807,
    1.9667431318633332e-08,
)  # fmt: skip


def erf(x: Lane) -> Lane:
    """Gauss's error function.  Error <= (1.2, 1.2)."""
    a = abs(x)
    near = x + x * polynomial(x * x, _ERF_NEAR_F32 if x.single else _ERF_NEAR_F64)
    bounded = a.clamp(0.0, 4.0 if x.single else 6.0)
    if x.single:
        logarithm = polynomial(bounded, _ERF_FAR_F32) * bounded - bounded
    else:
        logarithm = polynomial(bounded, _ERF_FAR_F64)
    far = (1.0 - exp(logarithm)).with_sign_of(x)
    result = near.where(a < (0.927734375 if x.single else 0.9), far)
    return x.where(x.is_nan(), result)


# --- powers ---------------------------------------------------------------------------------------


def pow_f32(x: Lane, y: Lane) -> Lane:
    """x**y with all of IEEE 754's special cases.  Error <= 0.6."""
    b = x.b
    a, p = abs(x).widened(), y.widened()
    log_a = log(a)
    result = exp((p * log_a).clamp(-746.0, 710.0))
    whole = _is_whole(p)
    odd = b.and_(whole, b.not_(_is_whole(p * 0.5)))
    negative = b.icmp_signed("<", x.bits(), I32(0))
    result = (-result).where(b.and_(negative, odd), result)
    # log(|x|) is asked instead of `x < 0 and x > -inf`, which LLVM turns into a call it cannot
    # vectorise
    no_root = b.and_(b.and_(log_a < 1e3, x < 0.0), b.not_(whole))
    result = result.of(math.nan).where(no_root, result)
    one = b.or_(y.equals(0.0), x.equals(1.0))
    one = b.or_(one, b.and_(a.equals(1.0), abs(p).equals(math.inf)))
    return x.of(1.0).where(one, result.narrowed())


def _is_whole(p: Lane) -> Any:
    """Whether an f64 is a whole number or infinite."""
    return p.equals(Lane(p.b, intrinsic(p.b, "floor", p.v)))
