"""Functions that work element by element: arithmetic, elementary functions, comparisons, bits."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from graphc.api.arguments import alike, like
from graphc.errors import InvalidArgumentError
from graphc.ir import dtypes
from graphc.ops import REGISTRY, ops
from graphc.trace.dispatch import convert_to_tensor
from graphc.trace.growing import stacked
from graphc.trace.tensor import Operators, Tensor


def _unary(name: str) -> Callable[..., Tensor]:
    """A function of one tensor; Python ints become float32 where only floats make sense."""
    op = REGISTRY[name]
    hint = None if dtypes.int32 in op.dtypes or dtypes.bool_ in op.dtypes else dtypes.float32

    def call(x: Any, name: str | None = None) -> Tensor:
        return op(x if isinstance(x, Operators) else convert_to_tensor(x, dtype_hint=hint))

    call.__doc__, call.__name__, call.__qualname__ = f"{op.doc}  (Elementwise.)", name, name
    return call


def _binary(name: str) -> Callable[..., Tensor]:
    """A function of two tensors of one dtype, which broadcast."""
    op = REGISTRY[name]

    def call(x: Any, y: Any, name: str | None = None) -> Tensor:
        if not isinstance(x, Operators) and not isinstance(y, Operators):
            x, y = alike(x, y)
        return op(x, y)

    call.__doc__ = f"{op.doc}  (Elementwise; the operands have one dtype and broadcast.)"
    call.__name__, call.__qualname__ = name, name
    return call


abs, sign, negative, square = map(_unary, ("abs", "sign", "negative", "square"))
reciprocal, sqrt, rsqrt = map(_unary, ("reciprocal", "sqrt", "rsqrt"))
floor, ceil, rint = map(_unary, ("floor", "ceil", "rint"))
exp, expm1, log, log1p = map(_unary, ("exp", "expm1", "log", "log1p"))
sin, cos, tan, asin, acos, atan = map(_unary, ("sin", "cos", "tan", "asin", "acos", "atan"))
sinh, cosh, tanh, asinh = map(_unary, ("sinh", "cosh", "tanh", "asinh"))
acosh, atanh, sigmoid = map(_unary, ("acosh", "atanh", "sigmoid"))
is_nan, is_inf, is_finite = map(_unary, ("is_nan", "is_inf", "is_finite"))
logical_not, invert, conj = map(_unary, ("logical_not", "invert", "conj"))

add, subtract, multiply, divide = map(_binary, ("add", "subtract", "multiply", "divide"))
floordiv, floormod = map(_binary, ("floordiv", "floormod"))
truncatediv, truncatemod, pow = map(_binary, ("truncatediv", "truncatemod", "pow"))
maximum, minimum, xlogy = map(_binary, ("maximum", "minimum", "xlogy"))
squared_difference = _binary("squared_difference")
less, less_equal, greater = map(_binary, ("less", "less_equal", "greater"))
greater_equal, equal, not_equal = map(_binary, ("greater_equal", "equal", "not_equal"))
logical_and, logical_or, logical_xor = map(_binary, ("logical_and", "logical_or", "logical_xor"))
bitwise_and, bitwise_or, bitwise_xor = map(_binary, ("bitwise_and", "bitwise_or", "bitwise_xor"))
left_shift, right_shift = map(_binary, ("left_shift", "right_shift"))
truediv = realdiv = divide
mod = floormod


def round(x: Any, name: str | None = None) -> Tensor:
    """The nearest integer, halves to even; integers stay.  (Elementwise.)"""
    t = convert_to_tensor(x)
    return t if t.dtype.is_integer else ops.rint(t)


def atan2(y: Any, x: Any, name: str | None = None) -> Tensor:
    """Angle of the point (x, y) with the x axis, in (-pi, pi]."""
    return ops.atan2(*alike(y, x))


def real(input: Any, name: str | None = None) -> Tensor:
    """Real part of complex numbers; real numbers stay."""
    return ops.real(convert_to_tensor(input))


def imag(input: Any, name: str | None = None) -> Tensor:
    """Imaginary part of complex numbers; 0 for real ones."""
    return ops.imag(convert_to_tensor(input))


def angle(input: Any, name: str | None = None) -> Tensor:
    """Argument of complex numbers, in (-pi, pi]."""
    return ops.angle(convert_to_tensor(input))


def softplus(features: Any, name: str | None = None) -> Tensor:
    """log(1 + exp(x)), without overflow."""
    return ops.softplus(convert_to_tensor(features, dtype_hint=dtypes.float32))


def log_sigmoid(x: Any, name: str | None = None) -> Tensor:
    """log(sigmoid(x)), without overflow."""
    return -softplus(-convert_to_tensor(x, dtype_hint=dtypes.float32))  # type: ignore[operator]


def xdivy(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x / y, and 0 where x is 0, whatever y is."""
    a, b = alike(x, y)
    zero = ops.equal(a, 0)
    return ops.select(zero, ops.zeros_like(a), a / ops.select(zero, ops.ones_like(b), b))


def xlog1py(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x log(1 + y), and 0 where x is 0, whatever y is."""
    a, b = alike(x, y)
    zero = ops.equal(a, 0)
    return ops.multiply(a, ops.log1p(ops.select(zero, ops.zeros_like(b), b)))


def divide_no_nan(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x / y, and 0 where y is 0; integers give floats."""
    a, b = alike(x, y)
    if a.dtype.is_floating:
        return ops.divide_no_nan(a, b)
    zero = ops.equal(b, 0)
    quotient = ops.divide(a, ops.select(zero, ops.ones_like(b), b))
    return ops.select(zero, ops.zeros_like(quotient), quotient)


def multiply_no_nan(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x * y, and 0 where y is 0, whatever x is."""
    a, b = alike(x, y)
    zero = ops.equal(b, 0)
    return ops.multiply(ops.select(zero, ops.zeros_like(a), a), b)


def reciprocal_no_nan(x: Any, name: str | None = None) -> Tensor:
    """1 / x, and 0 where x is 0."""
    t = convert_to_tensor(x)
    return divide_no_nan(ops.ones_like(t), t)


def scalar_mul(scalar: Any, x: Any, name: str | None = None) -> Tensor:
    """A tensor times a scalar."""
    t = convert_to_tensor(x)
    factor = like(scalar, t)
    if factor.dims:
        raise ValueError(f"scalar_mul: the factor must be a scalar, got shape {factor.shape}")
    return ops.multiply(factor, t)


def polyval(coeffs: Iterable[Any], x: Any, name: str | None = None) -> Tensor:
    """A polynomial with the highest coefficient first, by Horner's scheme."""
    t: Any = convert_to_tensor(x)
    total: Any = ops.zeros_like(t)
    for c in coeffs:
        total = total * t + like(c, t)
    return total


def add_n(inputs: Any, name: str | None = None) -> Tensor:
    """The sum of tensors of one shape and dtype."""
    rows = stacked(inputs)
    if rows is not None:
        return ops.reduce_sum(rows, axis=(0,))
    listed = [inputs] if isinstance(inputs, Operators) else list(inputs)
    if not listed:
        raise ValueError("add_n needs at least one tensor")
    first, *rest = alike(*listed)
    for t in rest:
        if not t.shape.is_compatible_with(first.shape):
            raise InvalidArgumentError(
                f"add_n takes tensors of one shape, got {first.shape} and {t.shape}"
            )
        first = ops.add(first, t)
    return first


def accumulate_n(
    inputs: Any, shape: Any = None, tensor_dtype: Any = None, name: str | None = None
) -> Tensor:
    """The sum of tensors of one shape and dtype."""
    return add_n(inputs)


def clip_by_value(
    t: Any, clip_value_min: Any, clip_value_max: Any, name: str | None = None
) -> Tensor:
    """Bring elements between two bounds, which may be tensors that broadcast."""
    return ops.maximum(ops.minimum(convert_to_tensor(t), clip_value_max), clip_value_min)
