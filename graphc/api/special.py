"""Special functions, with TensorFlow's parameter names."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from graphc.api.arguments import alike
from graphc.api.reductions import reduce_sum
from graphc.ir import dtypes
from graphc.ops import REGISTRY, ops
from graphc.trace.dispatch import convert_to_tensor
from graphc.trace.tensor import Operators, Tensor


def _function(name: str, parameters: str) -> Callable[..., Tensor]:
    """A function of tensors of one dtype that broadcast; Python ints become float32."""
    op = REGISTRY[name]
    kinds = inspect.Parameter.POSITIONAL_OR_KEYWORD
    given = [inspect.Parameter(p, kinds) for p in parameters.split()]
    last = inspect.Parameter("name", kinds, default=None)
    signature = inspect.Signature([*given, last])

    def call(*args: Any, **kwargs: Any) -> Tensor:
        if kwargs or len(args) != len(given):
            bound = signature.bind(*args, **kwargs).arguments
            args = tuple(value for key, value in bound.items() if key != "name")
        if not any(isinstance(a, Operators) for a in args):
            args = (convert_to_tensor(args[0], dtype_hint=dtypes.float32), *args[1:])
        return op(*alike(*args))

    call.__signature__ = signature  # type: ignore[attr-defined]
    call.__doc__, call.__name__, call.__qualname__ = f"{op.doc}  (Elementwise.)", name, name
    return call


erf, erfc, erfinv, erfcinv = (_function(n, "x") for n in ("erf", "erfc", "erfinv", "erfcinv"))
ndtri, lgamma, digamma = (_function(n, "x") for n in ("ndtri", "lgamma", "digamma"))
polygamma, igamma, igammac = (_function(n, "a x") for n in ("polygamma", "igamma", "igammac"))
zeta, nextafter = _function("zeta", "x q"), _function("nextafter", "x1 x2")
betainc = _function("betainc", "a b x")
bessel_i0, bessel_i1 = _function("bessel_i0", "x"), _function("bessel_i1", "x")
bessel_i0e, bessel_i1e = _function("bessel_i0e", "x"), _function("bessel_i1e", "x")
bessel_j0, bessel_j1 = _function("bessel_j0", "x"), _function("bessel_j1", "x")
bessel_y0, bessel_y1 = _function("bessel_y0", "x"), _function("bessel_y1", "x")
bessel_k0, bessel_k1 = _function("bessel_k0", "x"), _function("bessel_k1", "x")
bessel_k0e, bessel_k1e = _function("bessel_k0e", "x"), _function("bessel_k1e", "x")
dawsn, expint, spence = (_function(n, "x") for n in ("dawsn", "expint", "spence"))
fresnel_sin, fresnel_cos = _function("fresnel_sin", "x"), _function("fresnel_cos", "x")


def lbeta(x: Any, name: str | None = None) -> Tensor:
    """Logarithm of |beta| of the last axis: sum(lgamma(x)) - lgamma(sum(x))."""
    t = convert_to_tensor(x, dtype_hint=dtypes.float32)
    return ops.subtract(reduce_sum(ops.lgamma(t), -1), ops.lgamma(reduce_sum(t, -1)))
