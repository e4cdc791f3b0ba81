"""Comparisons, logic, bits and selection."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from graphc.errors import DTypeError
from graphc.ir import dtypes
from graphc.ir.types import TensorType, broadcast_shapes
from graphc.ops.combinators import binary, comparison, op, ops, pairs, rng, sum_to, unary, zero_of
from graphc.ops.opdef import Attrs, Sample, Scalar, Types

_ORDER = dict(types=dtypes.REALS, samples=pairs(-3, 3, grad=False))
less = comparison("less", np.less, "{x} < {y}", doc="x < y", **_ORDER)
less_equal = comparison("less_equal", np.less_equal, "{x} <= {y}", doc="x <= y", **_ORDER)
greater = comparison("greater", np.greater, "{x} > {y}", doc="x > y", **_ORDER)
greater_equal = comparison("greater_equal", np.greater_equal, "{x} >= {y}", doc="x >= y", **_ORDER)


def _equality(fn: np.ufunc) -> Any:
    return lambda x, y: np.asarray(fn(x, y), np.bool_)  # strings compare as objects


_EQUALITY = dict(types=dtypes.ANY, commutative=True, samples=pairs(-3, 3, grad=False))
equal = comparison("equal", _equality(np.equal), "{x} == {y}", doc="x == y", **_EQUALITY)
not_equal = comparison("not_equal", _equality(np.not_equal), "{x} != {y}", doc="x != y",
                       **_EQUALITY)  # fmt: skip


def _bools() -> Iterable[Sample]:
    g = rng()
    for shapes in (((3, 4), (4,)), ((), ()), ((0,), (1,))):
        yield Sample(tuple(g.integers(0, 2, s).astype(bool) for s in shapes), grad=False)


_LOGIC = dict(types=dtypes.BOOLS, grad="logic is piecewise constant", samples=_bools,
              commutative=True)  # fmt: skip
logical_and = binary("logical_and", np.logical_and, "{x} & {y}", doc="x and y", **_LOGIC)
logical_or = binary("logical_or", np.logical_or, "{x} | {y}", doc="x or y", **_LOGIC)
logical_xor = binary("logical_xor", np.logical_xor, "{x} ^ {y}", doc="One of both.", **_LOGIC)
logical_not = unary("logical_not", np.logical_not, "not {x}", types=dtypes.BOOLS,
                    grad="logic is piecewise constant", doc="not x",
                    samples=lambda: [Sample(s.args[:1], grad=False) for s in _bools()])  # fmt: skip

_BITS = dict(types=dtypes.INTEGERS, grad="integers have no gradient",
             samples=pairs(0, 30, "int32", "uint64", grad=False))  # fmt: skip
bitwise_and = binary("bitwise_and", np.bitwise_and, "{x} & {y}", commutative=True, doc="x & y",
                     **_BITS)  # fmt: skip
bitwise_or = binary("bitwise_or", np.bitwise_or, "{x} | {y}", commutative=True, doc="x | y",
                    **_BITS)  # fmt: skip
bitwise_xor = binary("bitwise_xor", np.bitwise_xor, "{x} ^ {y}", commutative=True, doc="x ^ y",
                     **_BITS)  # fmt: skip
left_shift = binary("left_shift", np.left_shift, "{x} << {y}", doc="x << y", **_BITS)
right_shift = binary("right_shift", np.right_shift, "{x} >> {y}", doc="x >> y", **_BITS)
invert = unary("invert", np.invert, "~{x}", types=dtypes.INTEGERS, doc="~x",
               grad="integers have no gradient",
               samples=lambda: [Sample((np.arange(-3, 4, dtype="i4"),), grad=False)])  # fmt: skip


def _select_type(types: Types, attrs: Attrs) -> TensorType:
    condition, x, y = types
    if condition.dtype is not dtypes.bool_:
        raise DTypeError(f"where: the condition must be bool, got {condition}")
    if x.dtype is not y.dtype:
        raise DTypeError(f"where: the two values must have one dtype, got {x} and {y}")
    return x.with_shape(broadcast_shapes(condition.shape, x.shape, y.shape))


def _select(condition: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """`np.where`, whose branches mispredict on long random conditions: there by bits."""
    many = condition.size > 10_000 and condition.shape == x.shape == y.shape
    if not many or x.dtype.kind not in "iuf" or x.dtype.itemsize != 4:
        return np.where(condition, x, y)
    if not (condition.flags.c_contiguous and x.flags.c_contiguous and y.flags.c_contiguous):
        return np.where(condition, x, y)
    bits = condition.view(np.int8).astype(np.int32)
    np.negative(bits, out=bits)
    other = y.view(np.int32)
    bits &= x.view(np.int32) ^ other
    bits ^= other
    return bits.view(x.dtype)


def _select_grad(c: Any, g: Any) -> tuple[Any, ...]:
    zero = zero_of(g)
    _, x, y = c.needed
    return (
        None,
        sum_to(ops.select(c.condition, g, zero), c.x) if x else None,
        sum_to(ops.select(c.condition, zero, g), c.y) if y else None,
    )


def _select_samples() -> Iterable[Sample]:
    g = rng()
    shapes = (((3, 4), (3, 4), (4,)), ((), (2,), ()), ((2, 1), (3,), (1, 3)), ((0,), (0,), ()))
    for a, b, c in shapes:
        x, y = (g.uniform(-3, 3, s).astype(np.float32) for s in (b, c))
        yield Sample((g.integers(0, 2, a).astype(bool), x, y))


select = op(
    "select", "condition x y", _select_type, _select, grad=_select_grad, wide=True,
    lower=Scalar("{x} if {condition} else {y}"), elementwise=True, samples=_select_samples,
    doc="x where the condition holds, y elsewhere; all three broadcast.",
)  # fmt: skip
