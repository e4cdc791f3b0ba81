"""Comparisons, logic, bits and selection."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from graphc.errors import DTypeError
from graphc.ir import dtypes
from graphc.ir.types import TensorType, broadcast_shapes
from graphc.ops.combinators import binary, comparison, op, ops, pairs, rng, sum_to, unary
from graphc.ops.opdef import Attrs, Sample, Scalar, Types


def _equality(fn: Any) -> Any:
    return lambda x, y: np.asarray(fn(x, y), np.bool_)


_COMPARE = dict(types=dtypes.REALS, samples=pairs(-3, 3, grad=False))
less = comparison("less", np.less, "{x} < {y}", doc="x < y", **_COMPARE)
less_equal = comparison("less_equal", np.less_equal, "{x} <= {y}", doc="x <= y", **_COMPARE)
greater = comparison("greater", np.greater, "{x} > {y}", doc="x > y", **_COMPARE)
greater_equal = comparison("greater_equal", np.greater_equal, "{x} >= {y}", doc="x >= y", **_COMPARE)
equal = comparison("equal", _equality(np.equal), "{x} == {y}", types=dtypes.ANY, commutative=True,
                   samples=pairs(-3, 3, grad=False), doc="x == y")  # fmt: skip
not_equal = comparison("not_equal", _equality(np.not_equal), "{x} != {y}", types=dtypes.ANY,
                       commutative=True, samples=pairs(-3, 3, grad=False), doc="x != y")  # fmt: skip


def _bools() -> Iterable[Sample]:
    g = rng()
    for shapes in (((3, 4), (4,)), ((), ()), ((0,), (1,))):
        yield Sample(tuple(g.integers(0, 2, s).astype(bool) for s in shapes), grad=False)


_CONSTANT = "logic is piecewise constant"
_LOGIC = dict(types=dtypes.BOOLS, grad=_CONSTANT, samples=_bools)
logical_and = binary("logical_and", np.logical_and, "{x} & {y}", commutative=True, doc="x and y",
                     **_LOGIC)  # fmt: skip
logical_or = binary("logical_or", np.logical_or, "{x} | {y}", commutative=True, doc="x or y", **_LOGIC)
logical_xor = binary("logical_xor", np.logical_xor, "{x} ^ {y}", commutative=True,
                     doc="Exactly one of x and y.", **_LOGIC)  # fmt: skip
logical_not = unary("logical_not", np.logical_not, "not {x}", types=dtypes.BOOLS, grad=_CONSTANT,
                    samples=lambda: [Sample((s.args[0],), grad=False) for s in _bools()],
                    doc="not x")  # fmt: skip

_BITS = dict(types=dtypes.INTEGERS, grad="integers have no gradient",
             samples=pairs(0, 30, "int32", "uint64", grad=False))  # fmt: skip
bitwise_and = binary("bitwise_and", np.bitwise_and, "{x} & {y}", commutative=True, doc="x & y", **_BITS)
bitwise_or = binary("bitwise_or", np.bitwise_or, "{x} | {y}", commutative=True, doc="x | y", **_BITS)
bitwise_xor = binary("bitwise_xor", np.bitwise_xor, "{x} ^ {y}", commutative=True, doc="x ^ y", **_BITS)
left_shift = binary("left_shift", np.left_shift, "{x} << {y}", doc="x << y", **_BITS)
right_shift = binary("right_shift", np.right_shift, "{x} >> {y}", doc="x >> y", **_BITS)
invert = unary("invert", np.invert, "~{x}", types=dtypes.INTEGERS, grad="integers have no gradient",
               samples=lambda: [Sample((np.arange(-3, 4, dtype=np.int32),), grad=False)],
               doc="~x")  # fmt: skip


def _select_type(types: Types, attrs: Attrs) -> TensorType:
    condition, x, y = types
    if condition.dtype is not dtypes.bool_:
        raise DTypeError(f"where: the condition must be bool, got {condition}")
    if x.dtype is not y.dtype:
        raise DTypeError(f"where: the two values must have one dtype, got {x} and {y}")
    return x.with_shape(broadcast_shapes(condition.shape, x.shape, y.shape))


def _select_grad(c: Any, g: Any) -> tuple[Any, ...]:
    zero = g * 0
    by_x, by_y = ops.select(c.condition, g, zero), ops.select(c.condition, zero, g)
    return None, sum_to(by_x, c.x), sum_to(by_y, c.y)


def _select_samples() -> Iterable[Sample]:
    g = rng()
    for a, b, c in (((3, 4), (3, 4), (4,)), ((), (2,), ()), ((2, 1), (3,), (1, 3))):
        x, y = (g.uniform(-3, 3, s).astype(np.float32) for s in (b, c))
        yield Sample((g.integers(0, 2, a).astype(bool), x, y))


select = op(
    "select", "condition x y", _select_type, np.where, grad=_select_grad, wide=True,
    lower=Scalar("{x} if {condition} else {y}"), elementwise=True, samples=_select_samples,
    doc="x where the condition holds, y elsewhere; all three broadcast.",
)  # fmt: skip
