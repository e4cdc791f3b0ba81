"""Elementwise arithmetic and the elementary functions."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from graphc.errors import InvalidArgumentError
from graphc.ir import dtypes
from graphc.ir.dtypes import DType
from graphc.ops.combinators import binary, ops, pairs, reals, rng, unary
from graphc.ops.opdef import Sample

FLOAT_LIKE = dtypes.FLOATS | dtypes.COMPLEXES


# --- arithmetic -------------------------------------------------------------------------------------

add = binary("add", np.add, "{x} + {y}", grad=lambda c, g: (g, g), commutative=True,
             types=dtypes.ANY - dtypes.BOOLS, samples=pairs(-3, 3), doc="x + y")  # fmt: skip
subtract = binary("subtract", np.subtract, "{x} - {y}", grad=lambda c, g: (g, -g),
                  samples=pairs(-3, 3), doc="x - y")  # fmt: skip


def _conj(x: Any) -> Any:
    return ops.conj(x) if x.dtype.is_complex else x


multiply = binary("multiply", np.multiply, "{x} * {y}", samples=pairs(-3, 3), commutative=True,
                  grad=lambda c, g: (g * _conj(c.y), g * _conj(c.x)), doc="x * y")  # fmt: skip


def _quotient_type(dtype: DType) -> DType:
    if not dtype.is_integer:
        return dtype
    return dtypes.float32 if dtype.size <= 2 else dtypes.float64


def _true_divide(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    kind = x.dtype
    if kind.kind in "iu":
        kind = np.dtype(np.float32 if kind.itemsize <= 2 else np.float64)
    return np.divide(x, y, dtype=kind)


def _divide_samples() -> Iterable[Sample]:
    g = rng()
    for shape in ((3, 4), (), (0, 2)):
        yield Sample(tuple(g.uniform(0.5, 3, shape).astype(np.float32) for _ in "xy"))
    yield Sample((np.array([7, -7, 0], np.int32), np.array([2, 2, 5], np.int32)), grad=False)


divide = binary("divide", _true_divide, "{T}({x}) / {T}({y})", result=_quotient_type,
                grad=lambda c, g: (g / c.y, -g * c.out / c.y), samples=_divide_samples,
                doc="x / y; integers give floats, as in TensorFlow.")  # fmt: skip


def _whole(fn: Callable[..., np.ndarray], who: str) -> Callable[..., np.ndarray]:
    """Integer division refuses zero, as TensorFlow does."""

    def divide_whole(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        if y.dtype.kind in "iu" and not np.all(y):
            raise InvalidArgumentError(f"{who}: integer division by zero")
        return fn(x, y)

    return divide_whole


def _truncated(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    if x.dtype.kind not in "iu":
        return np.trunc(x / y)
    return (np.abs(x) // np.abs(y) * np.sign(x) * np.sign(y)).astype(x.dtype)


_DIVISION = dict(types=dtypes.REALS, can_fail=True, samples=pairs(-9, 9, positive=True, grad=False))
floordiv = binary("floordiv", _whole(np.floor_divide, "floordiv"), "floordiv",
                  grad="a step function", doc="Quotient rounded down.", **_DIVISION)  # fmt: skip
floormod = binary("floormod", _whole(np.mod, "floormod"), "floormod",
                  grad=lambda c, g: (g, -g * ops.floor(c.x / c.y)),
                  doc="Remainder with the divisor's sign.", **_DIVISION)  # fmt: skip
truncatediv = binary("truncatediv", _whole(_truncated, "truncatediv"), "truncatediv",
                     grad="a step function", doc="Quotient rounded to zero.",
                     **_DIVISION)  # fmt: skip
truncatemod = binary("truncatemod", _whole(np.fmod, "truncatemod"), "truncatemod",
                     grad="a sawtooth", doc="Remainder with the dividend's sign.",
                     **_DIVISION)  # fmt: skip


def _power(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    if x.dtype.kind in "iu" and np.any(y < 0):
        raise InvalidArgumentError("pow: integers to negative powers are not integers")
    return np.power(x, y)


def _power_grad(c: Any, g: Any) -> tuple[Any, Any]:
    zero = ops.equal(c.x, 0)
    logarithm = ops.select(zero, ops.multiply(c.x, 0), ops.log(ops.select(zero, c.x + 1, c.x)))
    return g * c.y * ops.pow(c.x, c.y - 1), g * c.out * logarithm


def _power_samples() -> Iterable[Sample]:
    g = rng()
    yield Sample((g.uniform(0.5, 3, (3, 4)).astype("f4"), g.uniform(-2, 2, (4,)).astype("f4")))
    yield Sample((np.array([-2.0, 0.0, 3.0], "f4"), np.array([2.0, 0.0, 2.0], "f4")), grad=False)
    yield Sample((np.array([2, -3, 5], "i4"), np.array([3, 3, 0], "i4")), grad=False)


pow_ = binary("pow", _power, "pow", grad=_power_grad, samples=_power_samples, expensive=True,
              types=dtypes.NUMERIC, can_fail=True, doc="x to the power y.")  # fmt: skip


def _larger_grad(choose: str) -> Callable[..., tuple[Any, Any]]:
    def grad(c: Any, g: Any) -> tuple[Any, Any]:
        first = getattr(ops, choose)(c.x, c.y)
        zero = g * 0
        return ops.select(first, g, zero), ops.select(first, zero, g)

    return grad


maximum = binary("maximum", np.maximum, "{x} if {x} > {y} or {x} != {x} else {y}",
                 types=dtypes.REALS, grad=_larger_grad("greater_equal"), samples=pairs(-3, 3),
                 commutative=True, doc="The larger of both; NaN if either is.")  # fmt: skip
minimum = binary("minimum", np.minimum, "{x} if {x} < {y} or {x} != {x} else {y}",
                 types=dtypes.REALS, grad=_larger_grad("less_equal"), samples=pairs(-3, 3),
                 commutative=True, doc="The smaller of both; NaN if either is.")  # fmt: skip
squared_difference = binary(
    "squared_difference", lambda x, y: np.square(x - y), "({x} - {y}) * ({x} - {y})",
    grad=lambda c, g: (g * 2 * (c.x - c.y), g * -2 * (c.x - c.y)), samples=pairs(-3, 3),
    types=dtypes.REALS, doc="(x - y) squared.")  # fmt: skip


def _no_nan(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.where(y == 0, x.dtype.type(0), x / np.where(y == 0, y.dtype.type(1), y))


divide_no_nan = binary(
    "divide_no_nan", _no_nan, "{T}(0) if {y} == {T}(0) else {x} / {y}", types=dtypes.FLOATS,
    grad=lambda c, g: (ops.divide_no_nan(g, c.y), ops.divide_no_nan(-g * c.out, c.y)),
    samples=pairs(0.5, 3, "float32"), doc="x / y, and 0 where y is 0.")  # fmt: skip
atan2 = binary("atan2", np.arctan2, "atan2_{t}({x}, {y})", types=dtypes.FLOATS,
               grad=lambda c, g: (g * c.y / (c.x * c.x + c.y * c.y),
                                  -g * c.x / (c.x * c.x + c.y * c.y)),
               samples=pairs(0.5, 3, "float32"), expensive=True, doc="Angle of (y, x).")  # fmt: skip
xlogy = binary("xlogy", lambda x, y: np.where(x == 0, x.dtype.type(0), x * np.log(y)),
               "{T}(0) if {x} == {T}(0) else {x} * log_{t}({y})", types=dtypes.FLOATS,
               grad=lambda c, g: (g * ops.log(c.y), ops.divide_no_nan(g * c.x, c.y)),
               samples=pairs(0.5, 3, "float32"), expensive=True,
               doc="x log y, and 0 where x is 0.")  # fmt: skip

# --- signs and powers -------------------------------------------------------------------------------

negative = unary("negative", np.negative, "-{x}", types=dtypes.NUMERIC, grad=lambda c, g: -g,
                 samples=reals(-3, 3), doc="-x")  # fmt: skip
abs_ = unary("abs", np.abs, "abs({x})", types=dtypes.REALS | dtypes.COMPLEXES,
             result=lambda d: d.real_dtype, samples=reals(0.1, 3),
             grad=lambda c, g: g * ops.sign(c.x), doc="Absolute value.")  # fmt: skip
sign = unary("sign", np.sign, "{x} if {x} != {x} else {T}(({x} > {T}(0)) - ({x} < {T}(0)))",
             types=dtypes.NUMERIC, grad=lambda c, g: g * 0, samples=reals(-3, 3, grad=False),
             doc="-1, 0 or 1; NaN for NaN.")  # fmt: skip
square = unary("square", np.square, "{x} * {x}", types=dtypes.NUMERIC,
               grad=lambda c, g: g * (c.x * 2), samples=reals(-3, 3), doc="x * x")  # fmt: skip
reciprocal = unary("reciprocal", np.reciprocal, "{T}(1) / {x}", types=FLOAT_LIKE,
                   grad=lambda c, g: -g * c.out * c.out, samples=reals(0.5, 3),
                   doc="1 / x")  # fmt: skip
sqrt = unary("sqrt", np.sqrt, "sqrt_{t}({x})", types=FLOAT_LIKE,
             grad=lambda c, g: g * 0.5 / c.out, samples=reals(0.3, 3),
             doc="Square root.")  # fmt: skip
rsqrt = unary("rsqrt", lambda x: np.reciprocal(np.sqrt(x)), "{T}(1) / sqrt_{t}({x})",
              types=FLOAT_LIKE, grad=lambda c, g: g * -0.5 * c.out / c.x, samples=reals(0.3, 3),
              doc="1 / sqrt(x)")  # fmt: skip

# --- rounding -------------------------------------------------------------------------------------


def _rounding(name: str, fn: Any, scalar: str, doc: str) -> Any:
    def eager(x: np.ndarray) -> np.ndarray:
        return fn(x) if x.dtype.kind not in "iu" else x.copy()

    return unary(name, eager, scalar, types=dtypes.REALS, grad="a step function", doc=doc,
                 samples=reals(-3, 3, grad=False))  # fmt: skip


floor = _rounding("floor", np.floor, "floor_{t}({x})", "The next integer below.")
ceil = _rounding("ceil", np.ceil, "ceil_{t}({x})", "The next integer above.")
rint = _rounding("rint", np.rint, "rint_{t}({x})", "The nearest integer; halves to even.")
round_ = _rounding("round", np.rint, "rint_{t}({x})", "The nearest integer; halves to even.")

# --- exponentials and logarithms --------------------------------------------------------------------


def _smooth(name: str, fn: Any, grad: Any, low: float, high: float, doc: str, scalar: str = "") -> Any:
    """An expensive smooth function; its kernel form is ``name_f32`` or ``name_f64``."""
    types = FLOAT_LIKE if isinstance(fn, np.ufunc) and "F->F" in fn.types else dtypes.FLOATS
    text = scalar or name + "_{t}({x})"
    return unary(name, fn, text, grad=grad, samples=reals(low, high), types=types, doc=doc,
                 expensive=True)  # fmt: skip


exp = _smooth("exp", np.exp, lambda c, g: g * c.out, -4, 4, "e to the power x.")
expm1 = _smooth("expm1", np.expm1, lambda c, g: g * (c.out + 1), -2, 2, "exp(x) - 1")
log = _smooth("log", np.log, lambda c, g: g / c.x, 0.3, 4, "Natural logarithm.")
log1p = _smooth("log1p", np.log1p, lambda c, g: g / (c.x + 1), -0.5, 4, "log(1 + x)")


def _sigmoid(x: np.ndarray) -> np.ndarray:
    e = np.exp(-np.abs(x))
    positive = 1 / (1 + e)
    return np.where(x >= 0, positive, e * positive).astype(x.dtype)


def _softplus(x: np.ndarray) -> np.ndarray:
    return (np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))).astype(x.dtype)


sigmoid = _smooth("sigmoid", _sigmoid, lambda c, g: g * c.out * (1 - c.out), -4, 4,
                  "1 / (1 + exp(-x))")  # fmt: skip
softplus = _smooth("softplus", _softplus, lambda c, g: g * ops.sigmoid(c.x), -4, 4,
                   "log(1 + exp(x))")  # fmt: skip

# --- trigonometric and hyperbolic functions ---------------------------------------------------------

sin = _smooth("sin", np.sin, lambda c, g: g * ops.cos(c.x), -4, 4, "Sine.")
cos = _smooth("cos", np.cos, lambda c, g: -g * ops.sin(c.x), -4, 4, "Cosine.")
tan = _smooth("tan", np.tan, lambda c, g: g * (1 + c.out * c.out), -1, 1, "Tangent.")
asin = _smooth("asin", np.arcsin, lambda c, g: g * ops.rsqrt(1 - c.x * c.x), -0.8, 0.8, "Inverse sine.")
acos = _smooth("acos", np.arccos, lambda c, g: -g * ops.rsqrt(1 - c.x * c.x), -0.8, 0.8, "Inverse cosine.")
atan = _smooth("atan", np.arctan, lambda c, g: g / (1 + c.x * c.x), -3, 3, "Inverse tangent.")
sinh = _smooth("sinh", np.sinh, lambda c, g: g * ops.cosh(c.x), -2, 2, "Hyperbolic sine.")
cosh = _smooth("cosh", np.cosh, lambda c, g: g * ops.sinh(c.x), -2, 2, "Hyperbolic cosine.")
tanh = _smooth("tanh", np.tanh, lambda c, g: g * (1 - c.out * c.out), -4, 4, "Hyperbolic tangent.")
asinh = _smooth("asinh", np.arcsinh, lambda c, g: g * ops.rsqrt(c.x * c.x + 1), -3, 3, "Inverse sinh.")
acosh = _smooth("acosh", np.arccosh, lambda c, g: g * ops.rsqrt(c.x * c.x - 1), 1.2, 4, "Inverse cosh.")
atanh = _smooth("atanh", np.arctanh, lambda c, g: g / (1 - c.x * c.x), -0.8, 0.8, "Inverse tanh.")

# --- the error function -----------------------------------------------------------------------------


def _special(name: str) -> Callable[[np.ndarray], np.ndarray]:
    def call(x: np.ndarray) -> np.ndarray:
        import scipy.special  # lazy: start-up time

        return np.asarray(getattr(scipy.special, name)(x), x.dtype)

    return call


_TWO_BY_SQRT_PI = 2 / math.sqrt(math.pi)
erf = _smooth("erf", _special("erf"), lambda c, g: g * _TWO_BY_SQRT_PI * ops.exp(-c.x * c.x), -2, 2,
              "Gauss's error function.")  # fmt: skip
erfc = _smooth("erfc", _special("erfc"), lambda c, g: g * -_TWO_BY_SQRT_PI * ops.exp(-c.x * c.x), -2, 2,
               "1 - erf(x)")  # fmt: skip
lgamma = unary("lgamma", _special("gammaln"), "lgamma_{t}({x})", types=dtypes.FLOATS,
               grad=lambda c, g: g * ops.digamma(c.x), samples=reals(0.5, 4), expensive=True,
               doc="Logarithm of |gamma(x)|.")  # fmt: skip
digamma = unary("digamma", _special("digamma"), None, types=dtypes.FLOATS,
                grad="the trigamma function is not among the ops yet",
                samples=reals(0.5, 4, grad=False), doc="Derivative of lgamma.")  # fmt: skip

# --- activations ------------------------------------------------------------------------------------

relu = unary("relu", lambda x: np.maximum(x, x.dtype.type(0)),
             "{x} if {x} > {T}(0) or {x} != {x} else {T}(0)", types=dtypes.REALS,
             grad=lambda c, g: ops.select(ops.greater(c.out, 0), g, g * 0), samples=reals(0.1, 3),
             doc="max(x, 0)")  # fmt: skip
relu6 = unary("relu6", lambda x: np.clip(x, 0, 6).astype(x.dtype),
              "{x} if {x} != {x} else min(max({x}, {T}(0)), {T}(6))", types=dtypes.REALS,
              grad=lambda c, g: ops.select(ops.logical_and(ops.greater(c.x, 0), ops.less(c.x, 6)),
                                           g, g * 0),
              samples=reals(0.1, 5), doc="min(max(x, 0), 6)")  # fmt: skip

# --- tests of floats --------------------------------------------------------------------------------


def _test(name: str, fn: Any, scalar: str, doc: str) -> Any:
    def samples() -> Iterable[Sample]:
        yield Sample((np.array([1.0, np.nan, np.inf, -np.inf, 0.0], np.float32),), grad=False)

    return unary(name, fn, scalar, result=dtypes.bool_, samples=samples, doc=doc,
                 grad="a test is piecewise constant")  # fmt: skip


is_nan = _test("is_nan", np.isnan, "{x} != {x}", "Whether x is NaN.")
is_inf = _test("is_inf", np.isinf, "abs({x}) == {S}(np.inf)", "Whether x is infinite.")
is_finite = _test("is_finite", np.isfinite, "abs({x}) < {S}(np.inf)", "Whether x is a number.")

