"""Elementwise arithmetic and the elementary functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from graphc.errors import InvalidArgumentError
from graphc.ir import dtypes
from graphc.ir.dtypes import DType
from graphc.ops.combinators import (
    Rule,
    binary,
    ops,
    pairs,
    reals,
    rng,
    unary,
    zero_of,
)
from graphc.ops.opdef import Sample

FLOAT_LIKE = dtypes.FLOATS | dtypes.COMPLEXES

# --- arithmetic -----------------------------------------------------------------------------------

add = binary("add", np.add, "{x} + {y}", grad=(lambda c, g: g, lambda c, g: g), commutative=True,
             types=dtypes.ANY - dtypes.BOOLS, samples=pairs(-3, 3), doc="x + y")  # fmt: skip
subtract = binary("subtract", np.subtract, "{x} - {y}", grad=(lambda c, g: g, lambda c, g: -g),
                  samples=pairs(-3, 3), doc="x - y")  # fmt: skip
multiply = binary("multiply", np.multiply, "{x} * {y}", commutative=True, samples=pairs(-3, 3),
                  grad=(lambda c, g: g * c.y, lambda c, g: g * c.x), doc="x * y")  # fmt: skip


def _quotient_type(dtype: DType) -> DType:
    if not dtype.is_integer:
        return dtype
    return dtypes.float32 if dtype.size <= 2 else dtypes.float64


def _true_divide(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    if x.dtype.kind not in "iu":
        return np.divide(x, y)
    return np.divide(x, y, dtype=np.float32 if x.dtype.itemsize <= 2 else np.float64)


divide = binary("divide", _true_divide, "{T}({x}) / {T}({y})", result=_quotient_type,
                grad=(lambda c, g: g / c.y, lambda c, g: -g * c.out / c.y),
                samples=pairs(0.5, 3, "float32", "int32", "uint8", positive=True),
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
    down = np.floor_divide(x, y)
    return down + ((down < 0) & (down * y != x)).astype(x.dtype)


def _floored(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Of floats the quotient, rounded: TensorFlow's, which is not always Python's."""
    return np.floor_divide(x, y) if x.dtype.kind in "iu" else np.floor(x / y)


_DIVISION = dict(types=dtypes.REALS, can_fail=True, samples=pairs(-9, 9, positive=True, grad=False))
_STEP = "a step function"
floordiv = binary("floordiv", _whole(_floored, "floordiv"), "floordiv", grad=_STEP,
                  doc="Quotient rounded down.", **_DIVISION)  # fmt: skip
floormod = binary("floormod", _whole(np.mod, "floormod"), "floormod",
                  grad=(lambda c, g: g, lambda c, g: -g * ops.floordiv(c.x, c.y)),
                  doc="Remainder with the divisor's sign.", **_DIVISION)  # fmt: skip
truncatediv = binary("truncatediv", _whole(_truncated, "truncatediv"), "truncatediv", grad=_STEP,
                     doc="Quotient rounded to zero.", **_DIVISION)  # fmt: skip
truncatemod = binary("truncatemod", _whole(np.fmod, "truncatemod"), "truncatemod",
                     grad=(lambda c, g: g, lambda c, g: -g * ops.truncatediv(c.x, c.y)),
                     doc="Remainder with the dividend's sign.", **_DIVISION)  # fmt: skip


def _power(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    if x.dtype.kind in "iu" and np.any(y < 0):
        raise InvalidArgumentError("pow: integers to negative powers are not integers")
    return np.power(x, y)


def _by_base(c: Any, g: Any) -> Any:
    """y x^(y-1), and 0 rather than 0 * infinity where y is 0."""
    return g * (c.y * ops.pow(c.x, ops.select(ops.equal(c.y, 0), c.y, c.y - 1)))


def _by_exponent(c: Any, g: Any) -> Any:
    """x^y log x; 0 where real numbers have no logarithm, as in TensorFlow."""
    known = ops.not_equal(c.x, 0) if c.x.dtype.is_complex else ops.greater(c.x, 0)
    log = ops.log(ops.select(known, c.x, ops.ones_like(c.x)))  # log(1) = 0
    return g * (c.out * log)


def _power_samples() -> Iterable[Sample]:
    g = rng()
    yield Sample((g.uniform(0.5, 3, (3, 4)).astype("f4"), g.uniform(-2, 2, (4,)).astype("f4")))
    yield Sample((np.array([-2.0, 0.0, 3.0], "f4"), np.array([2.0, 0.0, 2.0], "f4")), grad=False)
    yield Sample((np.array([2, -3, 5], "i4"), np.array([3, 3, 0], "i4")), grad=False)


pow_ = binary("pow", _power, "pow", grad=(_by_base, _by_exponent), samples=_power_samples,
              expensive=True, can_fail=True, doc="x to the power y.")  # fmt: skip


def _chosen(choose: str, first: bool) -> Rule:
    """The gradient goes to the operand that was taken, to the first if they are equal."""

    def rule(c: Any, g: Any) -> Any:
        taken, zero = getattr(ops, choose)(c.x, c.y), zero_of(g)
        return ops.select(taken, g, zero) if first else ops.select(taken, zero, g)

    return rule


def _larger(name: str, fn: np.ufunc, sign: str, choose: str, doc: str) -> Any:
    # not commutative to the bit: of 0 and -0 the one that comes first may be taken
    return binary(name, fn, f"{{x}} if {{x}} {sign} {{y}} or {{x}} != {{x}} else {{y}}",
                  types=dtypes.REALS, grad=(_chosen(choose, True), _chosen(choose, False)),
                  samples=pairs(-3, 3), doc=doc)  # fmt: skip


maximum = _larger("maximum", np.maximum, ">", "greater_equal", "The larger; NaN if either is.")
minimum = _larger("minimum", np.minimum, "<", "less_equal", "The smaller; NaN if either is.")


def _square_of_difference(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    d = np.asarray(x - y)
    return np.multiply(d, d, out=d)


squared_difference = binary(
    "squared_difference", _square_of_difference, "({x} - {y}) * ({x} - {y})",
    grad=(lambda c, g: g * 2 * (c.x - c.y), lambda c, g: g * 2 * (c.y - c.x)),
    samples=pairs(-3, 3), types=dtypes.REALS, commutative=True, doc="(x - y) squared.",
)  # fmt: skip


def _no_nan(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    quotient = np.asarray(x / y)
    if not y.all():
        quotient[np.broadcast_to(y == 0, quotient.shape)] = 0
    return quotient


_POSITIVE = dict(types=dtypes.FLOATS, samples=pairs(0.5, 3, "float32"))
divide_no_nan = binary(
    "divide_no_nan", _no_nan, "{T}(0) if {y} == {T}(0) else {x} / {y}",
    grad=(lambda c, g: ops.divide_no_nan(g, c.y), lambda c, g: ops.divide_no_nan(-g * c.out, c.y)),
    doc="x / y, and 0 where y is 0.", **_POSITIVE,
)  # fmt: skip
atan2 = binary(
    "atan2", np.arctan2, "atan2_{t}({x}, {y})", expensive=True, doc="Angle of the point (y, x).",
    grad=(lambda c, g: g * c.y / (c.x * c.x + c.y * c.y),
          lambda c, g: -g * c.x / (c.x * c.x + c.y * c.y)), **_POSITIVE,
)  # fmt: skip
xlogy = binary(
    "xlogy", lambda x, y: np.where(x == 0, np.zeros_like(x), x * np.log(y)),
    "{T}(0) if {x} == {T}(0) else {x} * log_{t}({y})", expensive=True,
    grad=(lambda c, g: g * ops.xlogy(ops.cast(ops.not_equal(c.x, 0), dtype=c.x.dtype), c.y),
          lambda c, g: g * ops.divide_no_nan(c.x, c.y)),
    doc="x log y, and 0 where x is 0.", **_POSITIVE,
)  # fmt: skip

# --- signs and powers -----------------------------------------------------------------------------

negative = unary("negative", np.negative, "-{x}", types=dtypes.NUMERIC, grad=lambda c, g: -g,
                 samples=reals(-3, 3), doc="-x")  # fmt: skip
sign = unary("sign", np.sign, "{x} if {x} != {x} else {T}(({x} > {T}(0)) - ({x} < {T}(0)))",
             types=dtypes.NUMERIC, grad=lambda c, g: ops.zeros_like(g), doc="-1, 0 or 1.",
             samples=reals(-3, 3, grad=False))  # fmt: skip
abs_ = unary("abs", np.abs, "abs({x})", types=dtypes.NUMERIC, result=lambda d: d.real_dtype,
             grad=lambda c, g: ops.cast(g, dtype=c.x.dtype) * ops.sign(c.x), samples=reals(0.1, 3),
             doc="Absolute value; real for complex numbers.")  # fmt: skip
square = unary("square", np.square, "{x} * {x}", types=dtypes.NUMERIC, samples=reals(-3, 3),
               grad=lambda c, g: g * (c.x * 2), doc="x * x")  # fmt: skip
reciprocal = unary("reciprocal", np.reciprocal, "{T}(1) / {x}", types=FLOAT_LIKE,
                   grad=lambda c, g: -g * c.out * c.out, samples=reals(0.5, 3),
                   doc="1 / x")  # fmt: skip


def _unless_zero(g: Any, found: Any) -> Any:
    """No gradient where none comes, even if the slope is infinite, as in TensorFlow."""
    return ops.select(ops.equal(g, 0), g, found)


sqrt = unary("sqrt", np.sqrt, "sqrt_{t}({x})", types=FLOAT_LIKE, samples=reals(0.3, 3),
             grad=lambda c, g: _unless_zero(g, g * 0.5 / c.out), doc="Square root.")  # fmt: skip
rsqrt = unary("rsqrt", lambda x: np.reciprocal(np.sqrt(x)), "{T}(1) / sqrt_{t}({x})",
              types=FLOAT_LIKE, grad=lambda c, g: g * -0.5 * c.out / c.x, samples=reals(0.3, 3),
              doc="1 / sqrt(x)")  # fmt: skip

# --- rounding -------------------------------------------------------------------------------------


def _rounding(name: str, fn: np.ufunc, scalar: str, doc: str) -> Any:
    return unary(name, fn, scalar, grad=_STEP, doc=doc, samples=reals(-3, 3, grad=False))


floor = _rounding("floor", np.floor, "floor_{t}({x})", "The next integer below.")
ceil = _rounding("ceil", np.ceil, "ceil_{t}({x})", "The next integer above.")
rint = _rounding("rint", np.rint, "rint_{t}({x})", "The nearest integer; halves to even.")

# --- exponentials and logarithms ------------------------------------------------------------------


def smooth(name: str, fn: Any, grad: Rule | str, low: float, high: float, doc: str) -> Any:
    """An expensive smooth function; its kernel form is ``name_f32`` or ``name_f64``."""
    types = FLOAT_LIKE if isinstance(fn, np.ufunc) and "F->F" in fn.types else dtypes.FLOATS
    return unary(name, fn, name + "_{t}({x})", grad=grad, samples=reals(low, high), types=types,
                 doc=doc, expensive=True)  # fmt: skip


exp = smooth("exp", np.exp, lambda c, g: g * c.out, -4, 4, "e to the power x.")
expm1 = smooth("expm1", np.expm1, lambda c, g: g * (c.out + 1), -2, 2, "exp(x) - 1")
log = smooth("log", np.log, lambda c, g: g / c.x, 0.3, 4, "Natural logarithm.")
log1p = smooth("log1p", np.log1p, lambda c, g: g / (c.x + 1), -0.5, 4, "log(1 + x)")


def _sigmoid(x: np.ndarray) -> np.ndarray:
    e = np.exp(-np.abs(x))  # never overflows
    below = e + x.dtype.type(1)
    return np.divide(np.where(x >= 0, x.dtype.type(1), e), below)


def _softplus(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, np.zeros_like(x)) + np.log1p(np.exp(-np.abs(x)))


sigmoid = smooth("sigmoid", _sigmoid, lambda c, g: g * (c.out * (1 - c.out)), -4, 4,
                  "1 / (1 + exp(-x))")  # fmt: skip
softplus = smooth("softplus", _softplus, lambda c, g: g * ops.sigmoid(c.x), -4, 4,
                   "log(1 + exp(x))")  # fmt: skip

# --- trigonometric and hyperbolic functions -------------------------------------------------------

sin = smooth("sin", np.sin, lambda c, g: g * ops.cos(c.x), -4, 4, "Sine.")
cos = smooth("cos", np.cos, lambda c, g: -g * ops.sin(c.x), -4, 4, "Cosine.")
tan = smooth("tan", np.tan, lambda c, g: g * (1 + c.out * c.out), -1, 1, "Tangent.")
asin = smooth("asin", np.arcsin, lambda c, g: g * ops.rsqrt(1 - c.x * c.x), -0.8, 0.8,
               "Inverse sine.")  # fmt: skip
acos = smooth("acos", np.arccos, lambda c, g: -g * ops.rsqrt(1 - c.x * c.x), -0.8, 0.8,
               "Inverse cosine.")  # fmt: skip
atan = smooth("atan", np.arctan, lambda c, g: g / (1 + c.x * c.x), -3, 3, "Inverse tangent.")
sinh = smooth("sinh", np.sinh, lambda c, g: g * ops.cosh(c.x), -2, 2, "Hyperbolic sine.")
cosh = smooth("cosh", np.cosh, lambda c, g: g * ops.sinh(c.x), -2, 2, "Hyperbolic cosine.")
tanh = smooth("tanh", np.tanh, lambda c, g: g * (1 - c.out * c.out), -4, 4, "Hyperbolic tangent.")
asinh = smooth("asinh", np.arcsinh, lambda c, g: g * ops.rsqrt(c.x * c.x + 1), -3, 3,
                "Inverse hyperbolic sine.")  # fmt: skip
acosh = smooth("acosh", np.arccosh, lambda c, g: g * ops.rsqrt(c.x * c.x - 1), 1.2, 4,
                "Inverse hyperbolic cosine.")  # fmt: skip
atanh = smooth("atanh", np.arctanh, lambda c, g: g / (1 - c.x * c.x), -0.8, 0.8,
                "Inverse hyperbolic tangent.")  # fmt: skip

# --- rectifiers -----------------------------------------------------------------------------------


def _between_0_and_6(x: np.ndarray) -> np.ndarray:
    return np.minimum(np.maximum(x, x.dtype.type(0)), x.dtype.type(6))


def _inside(c: Any, g: Any) -> Any:
    kept = ops.logical_and(ops.greater(c.x, 0), ops.less(c.x, 6))
    return ops.select(kept, g, zero_of(g))


relu = unary("relu", lambda x: np.maximum(x, x.dtype.type(0)), types=dtypes.REALS,
             scalar="{x} if {x} > {T}(0) or {x} != {x} else {T}(0)", samples=reals(0.1, 3),
             grad=lambda c, g: ops.select(ops.greater(c.out, 0), g, zero_of(g)),
             doc="max(x, 0)")  # fmt: skip
relu6 = unary("relu6", _between_0_and_6, grad=_inside,
              scalar="{x} if {x} != {x} else min(max({x}, {T}(0)), {T}(6))", types=dtypes.REALS,
              samples=reals(0.1, 5), doc="min(max(x, 0), 6)")  # fmt: skip

# --- tests of floats ------------------------------------------------------------------------------


def _test(name: str, fn: np.ufunc, scalar: str, doc: str) -> Any:
    def samples() -> Iterable[Sample]:
        yield Sample((np.array([1.0, np.nan, np.inf, -np.inf, 0.0], np.float32),), grad=False)

    return unary(name, fn, scalar, result=dtypes.bool_, samples=samples, doc=doc,
                 grad="a test is piecewise constant")  # fmt: skip


is_nan = _test("is_nan", np.isnan, "{x} != {x}", "Whether x is NaN.")
is_inf = _test("is_inf", np.isinf, "abs({x}) == {S}(np.inf)", "Whether x is infinite.")
is_finite = _test("is_finite", np.isfinite, "abs({x}) < {S}(np.inf)", "Whether x is a number.")
