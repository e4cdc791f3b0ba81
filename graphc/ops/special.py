"""Special functions: error, gamma, beta, zeta and Bessel functions, and integrals of their kind.

Their numpy meaning is scipy's.  Gradients are the textbook formulas; where TensorFlow has none by
an operand (an order, say), neither has graphc.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from graphc.errors import UnimplementedError
from graphc.ir import dtypes
from graphc.ops.combinators import Rule, Samples, ops, pointwise, reals, rng, unary
from graphc.ops.elementwise import smooth
from graphc.ops.opdef import Sample


def special(name: str) -> Callable[..., np.ndarray]:
    """A function of scipy; the short floats are computed in float32."""

    def call(*xs: np.ndarray) -> np.ndarray:
        import scipy.special  # lazy: start-up time

        kind = xs[0].dtype
        wide = xs if kind in (np.float32, np.float64) else [x.astype(np.float32) for x in xs]
        return np.asarray(getattr(scipy.special, name)(*wide), kind)

    return call


def _unary(name: str, grad: Rule, low: float, high: float, doc: str, scipy: str = "") -> Any:
    """A function of one number that has no kernel of its own."""
    return unary(name, special(scipy or name), None, grad=grad, samples=reals(low, high), doc=doc,
                 expensive=True)  # fmt: skip


def _points(*ranges: tuple[float, float]) -> Samples:
    """Operands drawn from ranges, in shapes that broadcast."""

    def samples() -> Iterable[Sample]:
        g = rng()
        for shapes in (((3, 4),) * 3, ((2, 1), (3,), ()), ((0,), (1,), ())):
            args = (g.uniform(*r, s) for r, s in zip(ranges, shapes, strict=False))
            yield Sample(tuple(np.asarray(a, np.float32) for a in args))

    return samples


# --- error functions ------------------------------------------------------------------------------

_SLOPE = 2 / math.sqrt(math.pi)
erf = smooth("erf", special("erf"), lambda c, g: g * _SLOPE * ops.exp(-c.x * c.x), -2, 2,
             "Gauss's error function.")  # fmt: skip
erfc = smooth("erfc", special("erfc"), lambda c, g: g * -_SLOPE * ops.exp(-c.x * c.x), -2, 2,
              "1 - erf(x)")  # fmt: skip
ndtri = _unary("ndtri", lambda c, g: g * math.sqrt(2 * math.pi) * ops.exp(c.out * c.out * 0.5),
               0.1, 0.9, "Inverse of the standard normal distribution function.")  # fmt: skip
erfinv = _unary("erfinv", lambda c, g: g / _SLOPE * ops.exp(c.out * c.out), -0.8, 0.8,
                "Inverse of erf, on (-1, 1).")  # fmt: skip
erfcinv = _unary("erfcinv", lambda c, g: -g / _SLOPE * ops.exp(c.out * c.out), 0.2, 1.8,
                 "Inverse of erfc, on (0, 2).")  # fmt: skip
dawsn = _unary("dawsn", lambda c, g: g * (1 - 2 * c.x * c.out), -3, 3, "Dawson's integral.")

# --- gamma, beta and zeta functions ---------------------------------------------------------------


def _log_gamma(x: np.ndarray) -> np.ndarray:
    return np.where(np.isneginf(x), -x, special("gammaln")(x))  # scipy gives -infinity, C infinity


lgamma = smooth("lgamma", _log_gamma, lambda c, g: g * ops.digamma(c.x), 0.5, 4,
                "Logarithm of |gamma(x)|.")  # fmt: skip


def _one(x: Any) -> Any:
    return ops.ones_like(x)


def _digamma(x: np.ndarray) -> np.ndarray:
    return np.where(x == 0, np.asarray(np.nan, x.dtype), special("digamma")(x))


digamma = unary("digamma", _digamma, None, samples=reals(0.5, 4), expensive=True,
                grad=lambda c, g: g * ops.polygamma(_one(c.x), c.x),
                doc="Derivative of lgamma; NaN at 0.")  # fmt: skip


def _polygamma(a: np.ndarray, x: np.ndarray) -> np.ndarray:
    """scipy's takes whole orders only, and gives numbers for others."""
    whole = (a == np.floor(a)) & (a >= 0)
    found = special("polygamma")(np.where(whole, a, 0), x.astype(np.float64)).astype(x.dtype)
    return np.where(whole, found, np.asarray(np.nan, x.dtype))


def _orders() -> Iterable[Sample]:
    for sample in _points((0.5, 4), (0.5, 4))():
        a, x = sample.args
        yield Sample((np.round(a), x), grad=False)
    yield Sample((np.array([-1, 0.5, 2], "f4"), np.ones(3, "f4")), grad=False)


polygamma = pointwise(
    "polygamma", "a x", _polygamma, None, samples=_orders, expensive=True,
    grad=(None, lambda c, g: g * ops.polygamma(c.a + 1, c.x)),
    doc="Derivative of digamma of a whole order, which counts from 0.",
)  # fmt: skip
zeta = pointwise(
    "zeta", "x q", special("zeta"), None, samples=_points((1.5, 4), (0.5, 3)), expensive=True,
    grad=(lambda c, g: g * ops.zeta_slope1(c.x, c.q),
          lambda c, g: -g * c.x * ops.zeta(c.x + 1, c.q)),
    doc="Hurwitz's zeta function: the sum of (q + n)^-x.",
)  # fmt: skip


def _slope(fn: Callable[..., np.ndarray], relative: float = 5e-3) -> Callable[..., np.ndarray]:
    """The derivative by the first operand by differences of order 6, in double precision."""
    weights = ((1, 45 / 60), (2, -9 / 60), (3, 1 / 60))

    def call(a: np.ndarray, *xs: np.ndarray) -> np.ndarray:
        wide, rest = a.astype(np.float64), [x.astype(np.float64) for x in xs]
        step = relative * np.maximum(np.abs(wide), 1e-3)
        total = sum(w * (fn(wide + k * step, *rest) - fn(wide - k * step, *rest))
                    for k, w in weights)  # fmt: skip
        return np.asarray(total / step, a.dtype)

    return call


def _no_third(c: Any, g: Any) -> Any:
    raise UnimplementedError(f"{c.op.name} has no derivative: the formula is not known")


def _slopes(name: str, operands: str, fn: Any, ranges: Any, other: Rule) -> None:
    """``name1`` and ``name2``, derivatives by the first operand; ``other`` is by the second."""
    base, at = _slope(fn), operands.split()[0]
    grad = (lambda c, g: g * getattr(ops, name + "2")(*c.inputs), other)
    for order, call, rules in ((1, base, grad), (2, _slope(base), (_no_third, _no_third))):
        pointwise(
            f"{name}{order}", operands, call, None, grad=rules, expensive=True,
            doc=f"Derivative {order} of {name.split('_')[0]} by {at}, from differences.",
            samples=lambda first=order == 1: [
                Sample(tuple(rng().uniform(*r, (5, 5)).astype("f4") for r in ranges), grad=first)
            ],
        )  # fmt: skip


_slopes("zeta_slope", "x q", special("zeta"), ((1.5, 4), (0.5, 3)),
        lambda c, g: -g * (ops.zeta(c.x + 1, c.q) + c.x * ops.zeta_slope1(c.x + 1, c.q)),
        )  # fmt: skip


def _gamma_density(c: Any) -> Any:
    return ops.exp(ops.xlogy(c.a - 1, c.x) - c.x - ops.lgamma(c.a))


_SHAPES = dict(samples=_points((0.5, 4), (0.2, 5)), expensive=True)
igamma = pointwise(
    "igamma", "a x", special("gammainc"), None,
    grad=(lambda c, g: g * ops.igamma_slope1(c.a, c.x), lambda c, g: g * _gamma_density(c)),
    doc="Regularised lower incomplete gamma function P(a, x).", **_SHAPES,
)  # fmt: skip
igammac = pointwise(
    "igammac", "a x", special("gammaincc"), None,
    grad=(lambda c, g: -g * ops.igamma_slope1(c.a, c.x), lambda c, g: -g * _gamma_density(c)),
    doc="Regularised upper incomplete gamma function Q(a, x).", **_SHAPES,
)  # fmt: skip
_slopes("igamma_slope", "a x", special("gammainc"), ((0.5, 4), (0.2, 5)),
        lambda c, g: g * _gamma_density(c) * (ops.log(c.x) - ops.digamma(c.a)))  # fmt: skip


def _beta_density(c: Any, g: Any) -> Any:
    log_beta = ops.lgamma(c.a) + ops.lgamma(c.b) - ops.lgamma(c.a + c.b)
    powers = ops.xlogy(c.a - 1, c.x) + (c.b - 1) * ops.log1p(-c.x)
    return g * ops.exp(powers - log_beta)


betainc = pointwise(
    "betainc", "a b x", special("betainc"), None, expensive=True,
    samples=lambda: [Sample(s.args, grad=False) for s in _points((0.5, 4), (0.5, 4), (0.1, 0.9))()],
    grad=(None, None, _beta_density), doc="Regularised incomplete beta function.",
)  # fmt: skip

# --- Bessel functions -----------------------------------------------------------------------------


def _ratio(c: Any) -> Any:
    """out / x of an odd function, whose limit at 0 is a half of the slope's other part."""
    return ops.select(ops.equal(c.x, 0), ops.ones_like(c.x) * 0.5, ops.divide_no_nan(c.out, c.x))


def _bessel(name: str, grad: Rule, doc: str, low: float = 0.3) -> Any:
    return _unary("bessel_" + name, grad, low, 4, doc, scipy=name)


_MODIFIED, _ORDINARY = "Modified Bessel function {} of order {}.", "Bessel function {} of order {}."
_SCALED = "Bessel function {} of order {}, times exp({}|x|)."
bessel_i0 = _bessel("i0", lambda c, g: g * ops.bessel_i1(c.x), _MODIFIED.format("I", 0))
bessel_i1 = _bessel("i1", lambda c, g: g * (ops.bessel_i0(c.x) - _ratio(c)),
                    _MODIFIED.format("I", 1))  # fmt: skip
bessel_i0e = _bessel("i0e", lambda c, g: g * (ops.bessel_i1e(c.x) - ops.sign(c.x) * c.out),
                     _SCALED.format("I", 0, "-"))  # fmt: skip
bessel_i1e = _bessel(
    "i1e", lambda c, g: g * (ops.bessel_i0e(c.x) - ops.sign(c.x) * c.out - _ratio(c)),
    _SCALED.format("I", 1, "-"),
)  # fmt: skip
bessel_j0 = _bessel("j0", lambda c, g: -g * ops.bessel_j1(c.x), _ORDINARY.format("J", 0))
bessel_j1 = _bessel("j1", lambda c, g: g * (ops.bessel_j0(c.x) - _ratio(c)),
                    _ORDINARY.format("J", 1))  # fmt: skip
bessel_y0 = _bessel("y0", lambda c, g: -g * ops.bessel_y1(c.x), _ORDINARY.format("Y", 0))
bessel_y1 = _bessel("y1", lambda c, g: g * (ops.bessel_y0(c.x) - c.out / c.x),
                    _ORDINARY.format("Y", 1))  # fmt: skip
bessel_k0 = _bessel("k0", lambda c, g: -g * ops.bessel_k1(c.x), _MODIFIED.format("K", 0))
bessel_k1 = _bessel("k1", lambda c, g: -g * (ops.bessel_k0(c.x) + c.out / c.x),
                    _MODIFIED.format("K", 1))  # fmt: skip
bessel_k0e = _bessel("k0e", lambda c, g: g * (c.out - ops.bessel_k1e(c.x)),
                     _SCALED.format("K", 0, ""))  # fmt: skip
bessel_k1e = _bessel("k1e", lambda c, g: g * (c.out * (1 - 1 / c.x) - ops.bessel_k0e(c.x)),
                     _SCALED.format("K", 1, ""))  # fmt: skip

# --- integrals ------------------------------------------------------------------------------------

_HALF_PI = math.pi / 2
expint = _unary("expint", lambda c, g: g * ops.exp(c.x) / c.x, 0.3, 3, "Exponential integral Ei.",
                scipy="expi")  # fmt: skip


def _fresnel(name: str, at: int, wave: str) -> Any:
    def fn(x: np.ndarray) -> np.ndarray:
        import scipy.special  # lazy: start-up time

        return np.asarray(scipy.special.fresnel(x.astype(np.float64))[at], x.dtype)

    return unary(name, fn, None, samples=reals(-2, 2), expensive=True, doc=f"Fresnel's {wave} "
                 "integral.", grad=lambda c, g: g * getattr(ops, wave)(c.x * c.x * _HALF_PI),
                 )  # fmt: skip


fresnel_sin = _fresnel("fresnel_sin", 0, "sin")
fresnel_cos = _fresnel("fresnel_cos", 1, "cos")


def _spence_grad(c: Any, g: Any) -> Any:
    at_one = ops.equal(c.x, 1)
    x = ops.select(at_one, c.x + 1, c.x)
    return g * ops.select(at_one, -ops.ones_like(x), ops.log(x) / (1 - x))


spence = _unary("spence", _spence_grad, 0.2, 0.9, "Spence's integral: the dilogarithm of 1 - x.")
nextafter = pointwise(
    "nextafter", "x y", np.nextafter, None, types=frozenset((dtypes.float32, dtypes.float64)),
    grad=(lambda c, g: g, None), doc="The number after x in the direction of y.",
    samples=lambda: [Sample(s.args, grad=False) for s in _points((-2, 2), (-2, 2))()],
)  # fmt: skip
