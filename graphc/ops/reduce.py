"""Reductions, cumulative ops and the places of extreme values."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from graphc.errors import InvalidArgumentError
from graphc.ir import dims, dtypes
from graphc.ir.dtypes import DType
from graphc.ir.types import TensorType
from graphc.ops.combinators import (
    expand_like,
    holomorphic,
    normalize_axes,
    normalize_axis,
    op,
    ops,
    reduced_shape,
    reduction,
    rng,
)
from graphc.ops.opdef import Attrs, Host, Reduce, Sample, Scalar, Types

AXES: tuple[Any, ...] = (None, 0, (0, 1), -1)


def _folded(*dtype_names: str, empty: bool = True) -> Callable[[], Iterable[Sample]]:
    def samples() -> Iterable[Sample]:
        g = rng()
        x = g.uniform(0.5, 2, (3, 4)).astype(np.float32)
        for axis in AXES:
            yield Sample((x,), {"axis": axis, "keepdims": axis == 0})
        yield Sample((g.uniform(0.5, 2, (2, 3, 4)).astype(np.float32),), {"axis": (0, 2)})
        yield Sample((np.array(2.5, np.float32),), {"axis": None})
        if empty:
            yield Sample((np.zeros((0, 3), np.float32),), {"axis": 0}, grad=False)
        for name in dtype_names:
            yield Sample((g.integers(-5, 5, (3, 4)).astype(name),), {"axis": 1}, grad=False)

    return samples


def _kept_dtype(fn: np.ufunc) -> Callable[..., np.ndarray]:
    """numpy widens small integers when it sums; TensorFlow keeps the dtype."""

    def run(x: np.ndarray, axis: Any, keepdims: bool) -> np.ndarray:
        return fn.reduce(x, axis=axis, keepdims=keepdims, dtype=x.dtype)

    return run


reduce_sum = reduction(
    "reduce_sum", _kept_dtype(np.add), Reduce("{T}(0)", "{acc} + {x}"), doc="Sum over axes.",
    grad=lambda c, g: expand_like(g, c), samples=_folded("int32", "int8"),
)  # fmt: skip


def _mean(x: np.ndarray, axis: Any, keepdims: bool) -> np.ndarray:
    total = np.add.reduce(x, axis=axis, keepdims=keepdims, dtype=x.dtype)
    folded = range(x.ndim) if axis is None else (axis,) if isinstance(axis, int) else axis
    count = np.prod([x.shape[a] for a in folded], dtype=np.int64)
    return np.asarray(total / count.astype(x.dtype), x.dtype)


def _mean_grad(c: Any, g: Any) -> Any:
    axes = normalize_axes(c.axis, len(c.x.dims))
    count = dims.product(tuple(c.x.dims[a] for a in axes))
    return expand_like(g / ops.extent(size=count, dtype=g.dtype), c)


reduce_mean = reduction(
    "reduce_mean", _mean, Reduce("{T}(0)", "{acc} + {x}", "{acc} / {T}({n})"), grad=_mean_grad,
    types=dtypes.DIFFERENTIABLE, samples=_folded(), doc="Mean over axes; NaN for no elements.",
)  # fmt: skip


def _prod_grad(c: Any, g: Any) -> Any:
    """Each element's factor is the product of the others: right where elements are zero, too."""
    rank = len(c.x.dims)
    axes = normalize_axes(c.axis, rank)
    order = (*(i for i in range(rank) if i not in axes), *axes)
    kept = tuple(c.x.dims[i] for i in order[: rank - len(axes)])
    x = ops.transpose(c.x, perm=order)
    moved = x.dims
    x = ops.reshape(x, shape=(*kept, dims.product(tuple(c.x.dims[a] for a in axes))))
    at = dict(axis=len(kept), exclusive=True)
    others = ops.cumprod(x, reverse=False, **at) * ops.cumprod(x, reverse=True, **at)
    back = tuple(sorted(range(rank), key=order.__getitem__))
    return expand_like(g, c) * ops.transpose(ops.reshape(others, shape=moved), perm=back)


reduce_prod = reduction(
    "reduce_prod", _kept_dtype(np.multiply), Reduce("{T}(1)", "{acc} * {x}"),
    grad=holomorphic(_prod_grad), samples=_folded("int32"), doc="Product over axes.",
)  # fmt: skip


def _extreme_grad(c: Any, g: Any) -> Any:
    """Shared equally among equal extremes, as in TensorFlow."""
    axes = normalize_axes(c.axis, len(c.x.dims))
    kept = reduced_shape(c.x.dims, axes, keepdims=True)
    hits = ops.cast(ops.equal(c.x, ops.reshape(c.out, shape=kept)), dtype=c.x.dtype)
    share = ops.reshape(g, shape=kept) / ops.reduce_sum(hits, axis=axes, keepdims=True)
    return hits * share


def _extreme(fn: np.ufunc, low: bool) -> Callable[..., np.ndarray]:
    def run(x: np.ndarray, axis: Any, keepdims: bool) -> np.ndarray:
        if x.size:
            return fn.reduce(x, axis=axis, keepdims=keepdims)
        dtype = dtypes.of_numpy(x.dtype)
        limits = dtype.limits if dtype.is_integer else (-np.inf, np.inf)
        first = x.dtype.type(limits[0 if low else 1])
        return fn.reduce(x, axis=axis, keepdims=keepdims, initial=first)

    return run


_EXTREME = dict(types=dtypes.REALS, grad=_extreme_grad, samples=_folded("int32"))
reduce_max = reduction(
    "reduce_max", _extreme(np.maximum, True), doc="Largest element over axes.",
    lower=Reduce("{lowest}", "{x} if {x} > {acc} or {x} != {x} else {acc}"), **_EXTREME,
)  # fmt: skip
reduce_min = reduction(
    "reduce_min", _extreme(np.minimum, False), doc="Smallest element over axes.",
    lower=Reduce("{highest}", "{x} if {x} < {acc} or {x} != {x} else {acc}"), **_EXTREME,
)  # fmt: skip


def _bools() -> Iterable[Sample]:
    x = rng().integers(0, 2, (3, 4)).astype(bool)
    return [Sample((x,), {"axis": axis}, grad=False) for axis in AXES]


_LOGIC = dict(types=dtypes.BOOLS, grad="logic is piecewise constant", samples=_bools)
reduce_any = reduction("reduce_any", np.logical_or.reduce, Reduce("False", "{acc} or {x}"),
                       doc="Whether any element is true.", **_LOGIC)  # fmt: skip
reduce_all = reduction("reduce_all", np.logical_and.reduce, Reduce("True", "{acc} and {x}"),
                       doc="Whether every element is true.", **_LOGIC)  # fmt: skip

extent = op(
    "extent", "", lambda types, attrs: TensorType(attrs["dtype"]),
    lambda size, dtype=dtypes.int32: np.asarray(size, dtype.np),
    attrs={"size": 0, "dtype": dtypes.int32}, grad="sizes do not depend on values",
    lower=Scalar("extent"), doc="The size of a dimension (or a polynomial of sizes) as a scalar.",
    samples=lambda: [Sample((), {"size": 12, "dtype": d}, grad=False)
                     for d in (dtypes.int32, dtypes.float32)],
)  # fmt: skip

# --- places ---------------------------------------------------------------------------------------


def _place_type(types: Types, attrs: Attrs) -> TensorType:
    x = types[0]
    axis = normalize_axis(attrs["axis"], x.rank, "argmax")
    rest = reduced_shape(x.shape, (axis,), False)
    if x.shape[axis] == 0 and dims.product(rest) != 0:
        raise InvalidArgumentError(f"argmax: axis {axis} of {x} is empty")
    return TensorType(attrs["output_type"], rest)


def _place(fn: Callable[..., np.ndarray], worst: float) -> Callable[..., np.ndarray]:
    """The place of an extreme; NaN is none, as in TensorFlow."""

    def run(x: np.ndarray, axis: int = 0, output_type: DType = dtypes.int64) -> np.ndarray:
        if x.dtype.kind not in "biu":
            nan = np.isnan(x)
            x = np.where(nan, x.dtype.type(worst), x) if nan.any() else x
        return np.asarray(fn(x, axis=axis), output_type.np)

    return run


def _place_samples() -> Iterable[Sample]:
    x = rng().normal(size=(3, 4)).astype(np.float32)
    for axis in (0, 1, -1):
        for dtype in (dtypes.int64, dtypes.int32):
            yield Sample((x,), {"axis": axis, "output_type": dtype}, grad=False)
    yield Sample((np.ones((2, 3), np.int32),), {"axis": 1}, grad=False, exact=True)
    odd = [[np.nan, -np.inf, 2], [np.nan, np.nan, np.nan], [-np.inf, 1, np.inf]]
    yield Sample((np.array(odd, np.float32),), {"axis": 1}, grad=False, exact=True)
    yield Sample((np.array(odd, np.float64),), {"axis": 0}, grad=False, exact=True)


_PLACE = dict(types=dtypes.REALS | dtypes.BOOLS, attrs={"axis": 0, "output_type": dtypes.int64},
              grad="a place is piecewise constant", samples=_place_samples)  # fmt: skip
argmax = op("argmax", "x", _place_type, _place(np.argmax, -np.inf),
            doc="Index of the first largest element along an axis.", **_PLACE)  # fmt: skip
argmin = op("argmin", "x", _place_type, _place(np.argmin, np.inf),
            doc="Index of the first smallest element along an axis.", **_PLACE)  # fmt: skip

# --- cumulative -----------------------------------------------------------------------------------


def _cumulative(fn: np.ufunc, start: float) -> Callable[..., np.ndarray]:
    def run(
        x: np.ndarray, axis: int = 0, exclusive: bool = False, reverse: bool = False
    ) -> np.ndarray:
        y = np.moveaxis(x, axis, 0)
        y = y[::-1] if reverse else y
        if exclusive:  # everything moves by one, and the first is the neutral element
            out = np.full_like(y, start)
            fn.accumulate(y[:-1], axis=0, dtype=x.dtype, out=out[1:])
        else:
            out = fn.accumulate(y, axis=0, dtype=x.dtype)
        return np.moveaxis(out[::-1] if reverse else out, 0, axis)

    return run


def _cumulative_type(types: Types, attrs: Attrs) -> TensorType:
    normalize_axis(attrs["axis"], types[0].rank, "cumulative op")
    return types[0]


def _cumsum_grad(c: Any, g: Any) -> Any:
    return ops.cumsum(g, axis=c.axis, exclusive=c.exclusive, reverse=not c.reverse)


def _cumulative_samples() -> Iterable[Sample]:
    x = rng().uniform(0.5, 2, (3, 4)).astype(np.float32)
    for axis in (0, -1):
        for exclusive in (False, True):
            for reverse in (False, True):
                yield Sample((x,), {"axis": axis, "exclusive": exclusive, "reverse": reverse})
    yield Sample((np.array([2.0, 0.0, 3.0, 0.0, 4.0], "f4"),), {"axis": 0})
    yield Sample((np.zeros((0, 2), "f4"),), {"axis": 0, "exclusive": True})


_CUMULATIVE = dict(types=dtypes.NUMERIC, attrs={"axis": 0, "exclusive": False, "reverse": False},
                   samples=_cumulative_samples)  # fmt: skip
cumsum = op("cumsum", "x", _cumulative_type, _cumulative(np.add, 0), grad=_cumsum_grad,
            doc="Running sum along an axis.", **_CUMULATIVE)  # fmt: skip


def _cumprod_grad(c: Any, g: Any) -> Any:
    """Exact where elements are zero, unlike the usual division by x.

    Element i gets the product before it times what comes after: s[i] = g[i] + x[i+1] s[i+1].
    """
    at = dict(axis=c.axis, reverse=c.reverse)
    before = ops.cumprod(c.x, exclusive=True, **at)
    if c.exclusive:
        flow = ops.recurrence(c.x, g, axis=c.axis, reverse=not c.reverse)
        # out[i] holds x[j] for j < i only: the flow that reaches i starts one later
        return before * _later(flow, c.axis, c.reverse)
    following = _later(c.x, c.axis, c.reverse)
    return before * ops.recurrence(following, g, axis=c.axis, reverse=not c.reverse)


def _later(x: Any, axis: int, reverse: bool) -> Any:
    """Each element replaced by the next in the order of accumulation, the last by 0."""
    axis = normalize_axis(axis, len(x.dims))
    part = slice(None, -1) if reverse else slice(1, None)
    place = slice(1, None) if reverse else slice(None, -1)
    lead = (slice(None),) * axis
    tail = (slice(None),) * (len(x.dims) - axis - 1)
    moved = ops.strided_slice(x, index=(*lead, part, *tail))
    return ops.strided_slice_grad(moved, index=(*lead, place, *tail), shape=x.dims)


cumprod = op("cumprod", "x", _cumulative_type, _cumulative(np.multiply, 1),
             grad=holomorphic(_cumprod_grad), doc="Running product along an axis.",
             **_CUMULATIVE)  # fmt: skip


def _cumlogsumexp_grad(c: Any, g: Any) -> Any:
    """In logarithms, the positive and the negative part of g by themselves."""
    at = dict(axis=c.axis, exclusive=c.exclusive, reverse=not c.reverse)

    def part(g: Any) -> Any:
        there = ops.greater(g, 0)
        log = ops.log(ops.select(there, g, ops.ones_like(g))) - c.out
        none = ops.constant(value=np.array(-np.inf, g.dtype.np))
        return ops.exp(ops.cumulative_logsumexp(ops.select(there, log, none), **at) + c.x)

    return part(g) - part(-g)


cumulative_logsumexp = op(
    "cumulative_logsumexp", "x", _cumulative_type, _cumulative(np.logaddexp, -np.inf),
    grad=_cumlogsumexp_grad, doc="Running log(sum(exp(x))) along an axis.", types=dtypes.FLOATS,
    attrs={"axis": 0, "exclusive": False, "reverse": False},
    samples=lambda: [
        Sample(s.args, s.attrs, grad=not s.attrs["exclusive"])  # its -infinity has no differences
        for s in _cumulative_samples() if s.args[0].size and "exclusive" in s.attrs
    ]
    + [Sample((np.array([1, -np.inf, 90, np.inf, np.nan], "f4"),), grad=False)],
)  # fmt: skip


def _recurrence_type(types: Types, attrs: Attrs) -> TensorType:
    x, b = types
    normalize_axis(attrs["axis"], x.rank, "recurrence")
    if x.rank != b.rank or not all(map(dims.assume_equal, x.shape, b.shape)):
        raise InvalidArgumentError(f"recurrence: {x} and {b} differ in shape")
    return x


def _recurrence(a: np.ndarray, b: np.ndarray, axis: int = 0, reverse: bool = False) -> np.ndarray:
    out = np.empty_like(b)
    rows = np.moveaxis(out, axis, 0)
    factors, terms = np.moveaxis(a, axis, 0), np.moveaxis(b, axis, 0)
    state = np.zeros(rows.shape[1:], b.dtype)
    for i in range(len(rows) - 1, -1, -1) if reverse else range(len(rows)):
        state = rows[i] = factors[i] * state + terms[i]
    return out


def _recurrence_grad(c: Any, g: Any) -> tuple[Any, Any]:
    """The adjoint runs the other way: s[i] = g[i] + a[i+1] s[i+1]."""
    following = _later(c.a, c.axis, c.reverse)
    by_b = ops.recurrence(following, g, axis=c.axis, reverse=not c.reverse)
    return by_b * _later(c.out, c.axis, not c.reverse), by_b


recurrence = op(
    "recurrence", "a b", _recurrence_type, _recurrence, grad=_recurrence_grad,
    attrs={"axis": 0, "reverse": False}, types=dtypes.NUMERIC, expensive=True,
    lower=Host("a loop over one axis"),
    samples=lambda: [Sample((rng().normal(size=(4, 3)).astype("f4"), np.ones((4, 3), "f4")),
                            {"axis": a, "reverse": r}) for a in (0, 1) for r in (False, True)],
    doc="y[i] = a[i] y[i-1] + b[i] along an axis, from y[-1] = 0.",
)  # fmt: skip
