"""Indexing: slices, gathers, scatters, masks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from graphc.errors import DTypeError, InvalidArgumentError
from graphc.ir import dims, dtypes
from graphc.ir.dims import Dim, DimLike
from graphc.ir.types import TensorType, broadcast_shapes, show_shape
from graphc.ops.combinators import normalize_axis, op, ops, rng
from graphc.ops.opdef import Attrs, Index, Library, Sample, Types


def _x(*shape: int) -> np.ndarray:
    return rng().normal(size=shape).astype(np.float32)


# --- strided_slice: all of numpy's basic indexing -----------------------------------------------------


def slice_bounds(part: slice, size: DimLike) -> tuple[DimLike, DimLike, int]:
    """Start, count and step of a slice of an axis; sizes may be symbolic."""
    step = 1 if part.step is None else part.step
    if step == 0:
        raise InvalidArgumentError("slice step must not be 0")
    if isinstance(size, int) and not any(isinstance(b, Dim) for b in (part.start, part.stop)):
        numbers = range(*part.indices(size))
        return numbers.start, len(numbers), step
    if step > 0:
        start, stop = _clip(part.start, 0, size, 0), _clip(part.stop, size, size, 0)
        count = -((start - stop) // step) if step != 1 else stop - start
    else:
        start, stop = _clip(part.start, size - 1, size - 1, -1), _clip(part.stop, -1, size - 1, -1)
        count = -((stop - start) // -step)
    return start, count if _not_negative(part, size) else dims.maximum(count, 0), step


def _clip(bound: Any, default: DimLike, high: DimLike, low: int) -> DimLike:
    """A bound counted from the start; symbolic sizes are taken to be large enough for plain ints."""
    if bound is None:
        return default
    if isinstance(bound, int):
        if bound >= 0:
            return bound if low == 0 and bound == 0 else dims.minimum(bound, high)
        return dims.maximum(high + (bound - low), low) if low else dims.maximum(high + bound, 0)
    return dims.minimum(bound, high)


def _not_negative(part: slice, size: DimLike) -> bool:
    return part.start in (None, 0) or part.stop is None


def _slice_type(types: Types, attrs: Attrs) -> TensorType:
    x = types[0]
    shape: list[DimLike] = []
    axis = 0
    for part in attrs["index"]:
        if part is None:
            shape.append(1)
            continue
        if axis >= x.rank:
            raise InvalidArgumentError(f"too many indices for {x}")
        if isinstance(part, slice):
            shape.append(slice_bounds(part, x.shape[axis])[1])
        else:
            _check_position(part, x, axis)
        axis += 1
    return x.with_shape([*shape, *x.shape[axis:]])


def _check_position(at: Any, x: TensorType, axis: int) -> None:
    size = x.shape[axis]
    if isinstance(size, int) and isinstance(at, int) and not -size <= at < size:
        raise InvalidArgumentError(f"index {at} is out of bounds for axis {axis} of {x}")


def _slice(x: np.ndarray, index: tuple[Any, ...]) -> np.ndarray:
    return np.asarray(x[tuple(index)])


def _slice_grad(c: Any, g: Any) -> Any:
    return ops.strided_slice_grad(g, index=c.index, shape=c.x.dims)


def _slices() -> Iterable[Sample]:
    x = _x(4, 5, 3)
    full = slice(None)
    for index in (
        (0,), (slice(1, 3),), (full, slice(None, None, 2)), (full, full, -1), (None, full, 2),
        (slice(None, None, -1), 1), (slice(3, 0, -2), full, slice(5, 9)), (1, 2, 0),
    ):  # fmt: skip
        yield Sample((x,), {"index": index}, exact=True)


strided_slice = op(
    "strided_slice", "x", _slice_type, _slice, attrs={"index": ()}, grad=_slice_grad,
    lower=Index("slice"), samples=_slices,
    doc="x[index]: ints, slices with steps, and None for new axes.",
)  # fmt: skip


def _slice_back(g: np.ndarray, index: tuple[Any, ...], shape: Sequence[int]) -> np.ndarray:
    out = np.zeros(shape, g.dtype)
    out[tuple(index)] = g
    return out


op("strided_slice_grad", "g", lambda types, attrs: types[0].with_shape(attrs["shape"]), _slice_back,
   attrs={"index": (), "shape": ()}, grad=lambda c, g: ops.strided_slice(g, index=c.index),
   lower=Library("place"),
   samples=lambda: [Sample((_x(2, 5),), {"index": (slice(0, 4, 2),), "shape": (4, 5)})],
   doc="Zeros of a shape, with g at an index.")  # fmt: skip


def _update_type(types: Types, attrs: Attrs) -> TensorType:
    x, value = types
    part = _slice_type([x], attrs)
    joined = broadcast_shapes(part.shape, value.shape)
    if len(joined) != part.rank or any(dims.same(a, b) is False for a, b in zip(joined, part.shape, strict=True)):
        raise InvalidArgumentError(f"a value of shape {show_shape(value.shape)} does not fit {part}")
    return x


def _update(x: np.ndarray, value: np.ndarray, index: tuple[Any, ...]) -> np.ndarray:
    out = x.copy()
    out[tuple(index)] = value
    return out


def _update_grad(c: Any, g: Any) -> tuple[Any, Any]:
    from graphc.ops.combinators import sum_to

    part = ops.strided_slice(g, index=c.index)
    hole = ops.strided_slice_update(g, part * 0, index=c.index)
    return hole, sum_to(part, c.value)


strided_slice_update = op(
    "strided_slice_update", "x value", _update_type, _update, attrs={"index": ()}, grad=_update_grad,
    lower=Library("place"),
    samples=lambda: [Sample((_x(4, 5), _x(5)), {"index": (slice(1, 3),)}),
                     Sample((_x(4), _x()), {"index": (2,)})],
    doc="x with x[index] = value.",
)  # fmt: skip

# --- gather -----------------------------------------------------------------------------------------


def _check_indices(who: str, indices: TensorType) -> None:
    if not indices.dtype.is_integer:
        raise DTypeError(f"{who}: indices must be integers, got {indices}")


def _gather_type(types: Types, attrs: Attrs) -> TensorType:
    x, indices = types
    _check_indices("gather", indices)
    axis = normalize_axis(attrs["axis"], x.rank, "gather")
    batch = attrs.get("batch_dims", 0)
    return x.with_shape((*x.shape[:axis], *indices.shape[batch:], *x.shape[axis + 1 :]))


def check_range(who: str, indices: np.ndarray, size: int) -> None:
    """Refuse indices outside of ``[0, size)``, naming the first."""
    bad = (indices < 0) | (indices >= size)
    if bad.any():
        first = indices[bad].reshape(-1)[0]
        raise InvalidArgumentError(f"{who}: index {first} is not in [0, {size})")


def _gather(x: np.ndarray, indices: np.ndarray, axis: int = 0, batch_dims: int = 0) -> np.ndarray:
    axis = axis % x.ndim
    check_range("gather", indices, x.shape[axis])
    if not batch_dims:
        return np.take(x, indices, axis=axis)
    rows = [_gather(a, i, axis - 1, batch_dims - 1) for a, i in zip(x, indices, strict=True)]
    return np.stack(rows) if rows else np.empty((0, *indices.shape[1:], *x.shape[axis + 1 :]), x.dtype)


def _gather_grad(c: Any, g: Any) -> tuple[Any, Any]:
    if c.batch_dims:
        return ops.gather_grad(g, c.indices, axis=c.axis, batch_dims=c.batch_dims, shape=c.x.dims), None
    return ops.scatter_add(ops.zeros_like(c.x), c.indices, g, axis=c.axis), None


def _gather_samples() -> Iterable[Sample]:
    x = _x(4, 3)
    for indices, axis in ((np.array([0, 3, 3]), 0), (np.array(2), 1), (np.array([[0, 1], [1, 2]]), 1)):
        yield Sample((x, indices.astype(np.int32)), {"axis": axis})
    yield Sample((x, np.array([[0], [2], [1], [1]], np.int64)), {"axis": 1, "batch_dims": 1})


gather = op(
    "gather", "x indices", _gather_type, _gather, attrs={"axis": 0, "batch_dims": 0}, wide=True,
    grad=_gather_grad, can_fail=True, lower=Library("gather"), samples=_gather_samples,
    doc="Slices of x along an axis, at indices; an index out of range is an error.",
)  # fmt: skip


def _gather_back(g: np.ndarray, indices: np.ndarray, axis: int, batch_dims: int, shape: Any) -> np.ndarray:
    out = np.zeros(shape, g.dtype)
    axis = axis % len(shape)
    lead = np.indices(shape[:axis], sparse=True)
    tail = indices.ndim - batch_dims
    where = indices.reshape(*indices.shape[:batch_dims], *(1,) * (axis - batch_dims), *indices.shape[batch_dims:])
    place = [i.reshape(*i.shape, *(1,) * tail) for i in lead]
    np.add.at(out, (*place, where), g)
    return out


op("gather_grad", "g indices", lambda types, attrs: types[0].with_shape(attrs["shape"]), _gather_back,
   attrs={"axis": 0, "batch_dims": 0, "shape": ()}, wide=True, can_fail=True,
   grad=lambda c, g: (ops.gather(g, c.indices, axis=c.axis, batch_dims=c.batch_dims), None),
   samples=lambda: [Sample((_x(4, 1), np.array([[0], [2], [1], [1]], np.int64)),
                           {"axis": 1, "batch_dims": 1, "shape": (4, 3)})],
   doc="The gradient of a batched gather.")  # fmt: skip


def _nd_type(types: Types, attrs: Attrs) -> TensorType:
    x, indices = types
    _check_indices("gather_nd", indices)
    batch, depth = attrs.get("batch_dims", 0), indices.shape[-1]
    if not isinstance(depth, int) or depth + batch > x.rank:
        raise InvalidArgumentError(f"gather_nd: indices {indices} are too deep for {x}")
    return x.with_shape((*indices.shape[:-1], *x.shape[batch + depth :]))


def _gather_nd(x: np.ndarray, indices: np.ndarray, batch_dims: int = 0) -> np.ndarray:
    if batch_dims:
        return np.stack([_gather_nd(a, i, batch_dims - 1) for a, i in zip(x, indices, strict=True)])
    for axis in range(indices.shape[-1]):
        check_range("gather_nd", indices[..., axis], x.shape[axis])
    return np.asarray(x[tuple(np.moveaxis(indices, -1, 0))])


def _nd_grad(c: Any, g: Any) -> tuple[Any, Any]:
    if c.batch_dims:
        raise InvalidArgumentError("gather_nd with batch_dims has no gradient yet; use gather")
    return ops.scatter_nd(c.indices, g, shape=c.x.dims), None


gather_nd = op(
    "gather_nd", "x indices", _nd_type, _gather_nd, attrs={"batch_dims": 0}, wide=True, grad=_nd_grad,
    can_fail=True,
    samples=lambda: [Sample((_x(4, 3), np.array([[0, 1], [3, 2]], np.int32))),
                     Sample((_x(4, 3), np.array([[0], [3]], np.int32)))],
    doc="Elements or slices at positions given by the last axis of indices.",
)  # fmt: skip

# --- scatter ----------------------------------------------------------------------------------------


def _scatter_type(types: Types, attrs: Attrs) -> TensorType:
    x, indices, updates = types
    _check_indices("scatter_add", indices)
    if x.dtype is not updates.dtype:
        raise DTypeError(f"scatter_add: {x} and updates {updates} differ in dtype")
    axis = normalize_axis(attrs["axis"], x.rank, "scatter_add")
    wanted = (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :])
    if len(wanted) != updates.rank or not all(map(dims.assume_equal, wanted, updates.shape)):
        raise InvalidArgumentError(f"scatter_add: updates must be {show_shape(wanted)}, got {updates}")
    return x


def _scatter_add(x: np.ndarray, indices: np.ndarray, updates: np.ndarray, axis: int = 0) -> np.ndarray:
    axis = axis % x.ndim
    check_range("scatter_add", indices, x.shape[axis])
    out = x.copy()
    np.add.at(out, (*(slice(None),) * axis, indices), updates)
    return out


def _scatter_samples() -> Iterable[Sample]:
    yield Sample((_x(4, 3), np.array([0, 3, 3], np.int32), _x(3, 3)), {"axis": 0})
    yield Sample((_x(4, 3), np.array([[0], [2]], np.int64), _x(4, 2, 1)), {"axis": 1})


scatter_add = op(
    "scatter_add", "x indices updates", _scatter_type, _scatter_add, attrs={"axis": 0}, wide=True,
    grad=lambda c, g: (g, None, ops.gather(g, c.indices, axis=c.axis)), can_fail=True,
    lower=Library("scatter_add"), samples=_scatter_samples,
    doc="x with updates added at indices along an axis; repeated indices add up.",
)  # fmt: skip


def _scatter_nd_type(types: Types, attrs: Attrs) -> TensorType:
    _check_indices("scatter_nd", types[0])
    return types[1].with_shape(attrs["shape"])


def _scatter_nd(indices: np.ndarray, updates: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    return _tensor_scatter(np.add)(np.zeros(shape, updates.dtype), indices, updates)


scatter_nd = op(
    "scatter_nd", "indices updates", _scatter_nd_type, _scatter_nd, attrs={"shape": ()}, wide=True,
    grad=lambda c, g: (None, ops.gather_nd(g, c.indices)), can_fail=True,
    samples=lambda: [Sample((np.array([[1], [1], [3]], np.int32), _x(3, 2)), {"shape": (4, 2)})],
    doc="Zeros with updates added at positions.",
)  # fmt: skip


def _tensor_scatter(fn: np.ufunc | None) -> Any:
    def run(x: np.ndarray, indices: np.ndarray, updates: np.ndarray) -> np.ndarray:
        for axis in range(indices.shape[-1]):
            check_range("scatter", indices[..., axis], x.shape[axis])
        out, place = x.copy(), tuple(np.moveaxis(indices, -1, 0))
        if fn is None:
            out[place] = updates
        else:
            fn.at(out, place, updates)
        return out

    return run


def _tensor_scatter_type(types: Types, attrs: Attrs) -> TensorType:
    x, indices, updates = types
    _check_indices("tensor_scatter", indices)
    if x.dtype is not updates.dtype:
        raise DTypeError(f"tensor_scatter: {x} and updates {updates} differ in dtype")
    return x


_SCATTER = lambda: [Sample((_x(4, 2), np.array([[1], [3]], np.int32), _x(2, 2)))]  # noqa: E731
tensor_scatter_add = op(
    "tensor_scatter_add", "x indices updates", _tensor_scatter_type, _tensor_scatter(np.add), wide=True,
    grad=lambda c, g: (g, None, ops.gather_nd(g, c.indices)), can_fail=True, samples=_SCATTER,
    doc="x with updates added at positions.",
)  # fmt: skip


def _scatter_update_grad(c: Any, g: Any) -> tuple[Any, ...]:
    part = ops.gather_nd(g, c.indices)
    return ops.tensor_scatter_update(g, c.indices, part * 0), None, part


tensor_scatter_update = op(
    "tensor_scatter_update", "x indices updates", _tensor_scatter_type, _tensor_scatter(None), wide=True,
    grad=_scatter_update_grad, can_fail=True, samples=_SCATTER, doc="x with updates written at positions.",
)  # fmt: skip
for _name, _fn in (("tensor_scatter_max", np.maximum), ("tensor_scatter_min", np.minimum),
                   ("tensor_scatter_sub", np.subtract)):  # fmt: skip
    op(_name, "x indices updates", _tensor_scatter_type, _tensor_scatter(_fn), wide=True,
       grad="not among the gradients yet", can_fail=True,
       samples=lambda: [Sample(s.args, grad=False) for s in _SCATTER()],
       doc="x combined with updates at positions.")  # fmt: skip

# --- sizes that depend on data ------------------------------------------------------------------------


def _nonzero_type(types: Types, attrs: Attrs) -> TensorType:
    return TensorType(dtypes.int64, (attrs["size"], types[0].rank))


nonzero = op(
    "nonzero", "x", _nonzero_type, lambda x, size=None: np.argwhere(x).astype(np.int64),
    attrs={"size": None}, grad="positions are piecewise constant",
    samples=lambda: [Sample((np.array([[1, 0], [2, 3]], np.int32),), {"size": dims.symbol("n")}, grad=False)],
    doc="Positions of the elements that are not zero.",
)  # fmt: skip


def _mask_type(types: Types, attrs: Attrs) -> TensorType:
    x, mask = types
    if mask.dtype is not dtypes.bool_:
        raise DTypeError(f"boolean_mask: the mask must be bool, got {mask}")
    axis = normalize_axis(attrs["axis"], x.rank, "boolean_mask")
    covered = x.shape[axis : axis + mask.rank]
    if mask.rank == 0 or not all(map(dims.assume_equal, covered, mask.shape)):
        raise InvalidArgumentError(f"boolean_mask: {mask} does not fit {x} at axis {axis}")
    return x.with_shape((*x.shape[:axis], attrs["size"], *x.shape[axis + mask.rank :]))


def _mask(x: np.ndarray, mask: np.ndarray, axis: int = 0, size: Any = None) -> np.ndarray:
    return x[(*(slice(None),) * (axis % x.ndim), mask)]


def _mask_grad(c: Any, g: Any) -> tuple[Any, Any]:
    return ops.boolean_mask_grad(g, c.mask, axis=c.axis, shape=c.x.dims), None


def _mask_back(g: np.ndarray, mask: np.ndarray, axis: int, shape: Sequence[int]) -> np.ndarray:
    out = np.zeros(shape, g.dtype)
    out[(*(slice(None),) * (axis % len(shape)), mask)] = g
    return out


boolean_mask = op(
    "boolean_mask", "x mask", _mask_type, _mask, attrs={"axis": 0, "size": None}, wide=True,
    grad=_mask_grad,
    samples=lambda: [Sample((_x(3, 2), np.array([True, False, True])), {"axis": 0, "size": dims.symbol("n")})],
    doc="The parts of x where the mask holds.",
)  # fmt: skip
op("boolean_mask_grad", "g mask", lambda types, attrs: types[0].with_shape(attrs["shape"]), _mask_back,
   attrs={"axis": 0, "shape": ()}, wide=True,
   grad="not among the gradients yet",
   samples=lambda: [Sample((_x(2, 2), np.array([True, False, True])), {"axis": 0, "shape": (3, 2)}, grad=False)],
   doc="The gradient of boolean_mask.")  # fmt: skip
