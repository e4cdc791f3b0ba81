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
    normalize_axes,
    normalize_axis,
    op,
    ops,
    reduced_shape,
    reduction,
    rng,
)
from graphc.ops.opdef import Attrs, Reduce, Sample, Types

AXES: tuple[Any, ...] = (None, 0, (0, 1), -1)


def _floats(*dtype_names: str) -> Callable[[], Iterable[Sample]]:
    def samples() -> Iterable[Sample]:
        g = rng()
        x = g.uniform(0.5, 2, (3, 4)).astype(np.float32)
        for axis in AXES:
            yield Sample((x,), {"axis": axis, "keepdims": axis == 0})
        yield Sample((g.uniform(0.5, 2, (2, 3, 4)).astype(np.float32),), {"axis": (0, 2)})
        yield Sample((np.float32(2.5).reshape(()),), {"axis": None})
        for name in dtype_names:
            yield Sample((g.integers(-5, 5, (3, 4)).astype(name),), {"axis": 1}, grad=False)

    return samples


def _kept_dtype(fn: np.ufunc) -> Callable[..., np.ndarray]:
    """numpy widens small integers when it sums; TensorFlow keeps the dtype."""

    def run(x: np.ndarray, axis: Any, keepdims: bool) -> np.ndarray:
        return np.asarray(fn.reduce(x, axis=axis, keepdims=keepdims, dtype=x.dtype))

    return run


def _empty_mean(x: np.ndarray, axis: Any, keepdims: bool) -> np.ndarray:
    total = np.add.reduce(x, axis=axis, keepdims=keepdims, dtype=x.dtype)
    count = x.size // max(np.size(total), 1)
    if x.dtype.kind in "iu":
        return np.asarray(total // max(count, 1), x.dtype)
    return np.asarray(total / x.dtype.type(count), x.dtype)


def _mean_grad(c: Any, g: Any) -> Any:
    axes = normalize_axes(c.attrs.get("axis"), len(c.x.dims))
    count = dims.product(tuple(c.x.dims[a] for a in axes))
    share = 1.0 / max(count, 1) if isinstance(count, int) else ops.reciprocal_size(c.x, c.out)
    return expand_like(g * share, c)


reduce_sum = reduction(
    "reduce_sum", _kept_dtype(np.add), Reduce("{T}(0)", "{acc} + {x}"), grad=lambda c, g: expand_like(g, c),
    samples=_floats("int32", "int8"), doc="Sum over axes.",
)  # fmt: skip
reduce_mean = reduction(
    "reduce_mean", _empty_mean, Reduce("{T}(0)", "{acc} + {x}", "{acc} / {T}({n})"),
    grad=_mean_grad, samples=_floats("int32"), doc="Mean over axes; integers are rounded down.",
)  # fmt: skip


def _ratio_type(types: Types, attrs: Attrs) -> TensorType:
    return TensorType(types[0].dtype)


def _ratio(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.asarray(max(y.size, 1) / max(x.size, 1), x.dtype)


op("reciprocal_size", "x y", _ratio_type, _ratio, grad="it depends on shapes only",
   samples=lambda: [Sample((np.ones((3, 4), "f4"), np.ones(3, "f4")), grad=False)],
   doc="The size of y by the size of x: an element's share in a mean.")  # fmt: skip


def _prod_grad(c: Any, g: Any) -> Any:
    return expand_like(g * c.out, c) / c.x


reduce_prod = reduction(
    "reduce_prod", _kept_dtype(np.multiply), Reduce("{T}(1)", "{acc} * {x}"), grad=_prod_grad,
    samples=_floats("int32"), doc="Product over axes; the gradient needs non-zero elements.",
)  # fmt: skip


def _extreme_grad(c: Any, g: Any) -> Any:
    """Shared equally among equal extremes, as in TensorFlow."""
    axes = normalize_axes(c.attrs.get("axis"), len(c.x.dims))
    kept = reduced_shape(c.x.dims, axes, keepdims=True)
    out = ops.reshape(c.out, shape=kept)
    hits = ops.cast(ops.equal(c.x, out), dtype=c.x.dtype)
    share = hits / ops.reduce_sum(hits, axis=axes, keepdims=True)
    return share * ops.reshape(g, shape=kept)


def _extreme(fn: np.ufunc, low: bool) -> Callable[..., np.ndarray]:
    def run(x: np.ndarray, axis: Any, keepdims: bool) -> np.ndarray:
        dtype = dtypes.of_numpy(x.dtype)
        first: Any = -np.inf if low else np.inf
        if dtype.is_integer or dtype.is_bool:
            first = dtype.min if low else dtype.max
        return np.asarray(fn.reduce(x, axis=axis, keepdims=keepdims, initial=x.dtype.type(first)), x.dtype)

    return run


reduce_max = reduction(
    "reduce_max", _extreme(np.maximum, True), Reduce("{lowest}", "{x} if {x} > {acc} or {x} != {x} else {acc}"),
    types=dtypes.REALS, grad=_extreme_grad, samples=_floats("int32"), doc="Largest element over axes.",
)  # fmt: skip
reduce_min = reduction(
    "reduce_min", _extreme(np.minimum, False), Reduce("{highest}", "{x} if {x} < {acc} or {x} != {x} else {acc}"),
    types=dtypes.REALS, grad=_extreme_grad, samples=_floats("int32"), doc="Smallest element over axes.",
)  # fmt: skip


def _bools() -> Iterable[Sample]:
    x = rng().integers(0, 2, (3, 4)).astype(bool)
    return [Sample((x,), {"axis": axis}, grad=False) for axis in AXES]


_LOGIC = dict(types=dtypes.BOOLS, grad="logic is piecewise constant", samples=_bools)
reduce_any = reduction("reduce_any", np.logical_or.reduce, Reduce("False", "{acc} or {x}"),
                       doc="Whether any element is true.", **_LOGIC)  # fmt: skip
reduce_all = reduction("reduce_all", np.logical_and.reduce, Reduce("True", "{acc} and {x}"),
                       doc="Whether every element is true.", **_LOGIC)  # fmt: skip

# --- places ---------------------------------------------------------------------------------------


def _place_type(types: Types, attrs: Attrs) -> TensorType:
    x = types[0]
    axis = normalize_axis(attrs.get("axis", 0), x.rank, "argmax")
    if x.shape[axis] == 0:
        raise InvalidArgumentError(f"argmax: axis {axis} of {x} is empty")
    return TensorType(attrs.get("output_type", dtypes.int64), reduced_shape(x.shape, (axis,), False))


def _place(fn: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
    def run(x: np.ndarray, axis: int = 0, output_type: DType = dtypes.int64) -> np.ndarray:
        return np.asarray(fn(x, axis=axis), output_type.np)

    return run


def _place_samples() -> Iterable[Sample]:
    x = rng().normal(size=(3, 4)).astype(np.float32)
    return [Sample((x,), {"axis": a, "output_type": t}, grad=False)
            for a in (0, 1, -1) for t in (dtypes.int64, dtypes.int32)]  # fmt: skip


for _name, _fn in (("argmax", np.argmax), ("argmin", np.argmin)):
    op(_name, "x", _place_type, _place(_fn), types=dtypes.REALS | dtypes.BOOLS,
       attrs={"axis": 0, "output_type": dtypes.int64}, grad="a place is piecewise constant",
       samples=_place_samples, doc="Index of the first extreme element along an axis.")  # fmt: skip

# --- cumulative -----------------------------------------------------------------------------------


def _cumulative(fn: np.ufunc, start: int) -> Callable[..., np.ndarray]:
    def run(x: np.ndarray, axis: int = 0, exclusive: bool = False, reverse: bool = False) -> np.ndarray:
        y = np.flip(x, axis) if reverse else x
        y = fn.accumulate(y, axis=axis, dtype=x.dtype)
        if exclusive:
            y = np.roll(y, 1, axis)
            first: list[Any] = [slice(None)] * x.ndim
            first[axis] = slice(0, 1)
            y[tuple(first)] = start
        return np.flip(y, axis) if reverse else y

    return run


def _cumulative_type(types: Types, attrs: Attrs) -> TensorType:
    normalize_axis(attrs.get("axis", 0), types[0].rank, "cumsum")
    return types[0]


def _cumsum_grad(c: Any, g: Any) -> Any:
    return ops.cumsum(g, axis=c.axis, exclusive=c.exclusive, reverse=not c.reverse)


def _cumprod_grad(c: Any, g: Any) -> Any:
    flow = ops.cumsum(g * c.out, axis=c.axis, exclusive=c.exclusive, reverse=not c.reverse)
    return flow / c.x


def _cumulative_samples() -> Iterable[Sample]:
    x = rng().uniform(0.5, 2, (3, 4)).astype(np.float32)
    return [Sample((x,), {"axis": a, "exclusive": e, "reverse": r})
            for a in (0, 1) for e in (False, True) for r in (False, True)]  # fmt: skip


_CUMULATIVE = dict(types=dtypes.NUMERIC, attrs={"axis": 0, "exclusive": False, "reverse": False},
                   samples=_cumulative_samples)  # fmt: skip
cumsum = op("cumsum", "x", _cumulative_type, _cumulative(np.add, 0), grad=_cumsum_grad,
            doc="Running sum along an axis.", **_CUMULATIVE)  # fmt: skip
cumprod = op("cumprod", "x", _cumulative_type, _cumulative(np.multiply, 1), grad=_cumprod_grad,
             doc="Running product along an axis.", **_CUMULATIVE)  # fmt: skip
