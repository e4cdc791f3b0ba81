"""The functions of Python's `math` on tensors; where they raise, the graph checks."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from graphc.ir import dtypes
from graphc.ops import ops
from graphc.trace import staging
from graphc.trace.dispatch import convert_to_tensor
from graphc.trace.tensor import SymbolicTensor

_ANYWHERE = (
    "sin", "cos", "tan", "atan", "sinh", "cosh", "tanh", "asinh", "exp", "expm1", "erf", "erfc",
)  # fmt: skip
_SOMEWHERE: dict[str, Callable[[Any], Any]] = {  # where they have a value
    "sqrt": lambda x: ops.greater_equal(x, 0),
    "log": lambda x: ops.greater(x, 0),
    "log1p": lambda x: ops.greater(x, -1),
    "acos": lambda x: ops.less_equal(ops.abs(x), 1),
    "asin": lambda x: ops.less_equal(ops.abs(x), 1),
    "acosh": lambda x: ops.greater_equal(x, 1),
    "atanh": lambda x: ops.less(ops.abs(x), 1),
}


def _real(x: Any, like: Any) -> Any:
    """A scalar as a tensor of floats."""
    dtype = like.dtype if like.dtype.is_floating else dtypes.float32
    x = convert_to_tensor(x, dtype_hint=dtype)
    return x if x.dtype.is_floating else ops.cast(x, dtype=dtype)


def _staged(name: str, rule: Callable[..., Any]) -> Callable[..., Any]:
    """A function of `math` that gives a tensor where it is given one."""
    python = getattr(math, name)

    def call(*args: Any) -> Any:
        symbolic = [a for a in args if isinstance(a, SymbolicTensor)]
        if not symbolic:
            return python(*args)
        if any(a.dims for a in symbolic):
            raise TypeError(
                f"math.{name} takes numbers, and was given a tensor {symbolic[0].value.type};"
                f" use tf.math.{name}"
            )
        return rule(*(_real(a, symbolic[0]) for a in args))

    return call


def _whole(x: Any) -> Any:
    """What is an int in Python: it takes the dtype of the tensors that it meets."""
    number = ops.cast(x, dtype=dtypes.int32) if x.dtype.is_floating else ops.identity(x)
    number.weak = True
    return number


def _checked(name: str) -> Callable[..., Any]:
    def rule(x: Any) -> Any:
        staging.emit_assert(_SOMEWHERE[name](x), ValueError, ["math domain error"])
        return getattr(ops, name)(x)

    return rule


def _log(x: Any, base: Any = None) -> Any:
    log = _checked("log")
    return log(x) if base is None else log(x) / log(base)


_RULES: dict[str, Callable[..., Any]] = {
    **{name: getattr(ops, name) for name in _ANYWHERE},
    **{name: _checked(name) for name in _SOMEWHERE},
    "log": _log,
    "log2": lambda x: _log(x) / math.log(2),
    "log10": lambda x: _log(x) / math.log(10),
    "pow": ops.pow,
    "atan2": ops.atan2,
    "fabs": ops.abs,
    "hypot": lambda x, y: ops.sqrt(x * x + y * y),
    "degrees": lambda x: x * (180 / math.pi),
    "radians": lambda x: x * (math.pi / 180),
    "isnan": ops.is_nan,
    "isinf": ops.is_inf,
    "isfinite": ops.is_finite,
    "floor": lambda x: _whole(ops.floor(x)),
    "ceil": lambda x: _whole(ops.ceil(x)),
    "trunc": _whole,
    "copysign": lambda x, y: ops.abs(x) * ops.select(ops.less(y, 0), y * 0 - 1, y * 0 + 1),
}
MATH = {getattr(math, name): _staged(name, rule) for name, rule in _RULES.items()}
