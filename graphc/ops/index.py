"""Indexing: slices, gathers, scatters, masks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from graphc.errors import DTypeError, InvalidArgumentError
from graphc.ir import dims, dtypes
from graphc.ir.dims import Dim, DimLike
from graphc.ir.types import TensorType, broadcast_shapes, show_shape
from graphc.ops.combinators import normalize_axis, op, ops, rng, sum_to
from graphc.ops.opdef import Attrs, Host, Index, Library, Sample, Scalar, Types


def _x(*shape: int) -> np.ndarray:
    return rng().normal(size=shape).astype(np.float32)


# --- strided_slice: all of numpy's basic indexing -------------------------------------------------


def slice_bounds(part: slice, size: DimLike) -> tuple[DimLike, DimLike, int]:
    """Start, count and step of a slice of an axis; sizes and bounds may be symbolic.

    A symbolic bound counts from the start of the axis: it is never taken to be negative.
    """
    step = 1 if part.step is None else part.step
    if step == 0:
        raise InvalidArgumentError("slice step must not be 0")
    if isinstance(size, int) and not any(isinstance(b, Dim) for b in (part.start, part.stop)):
        numbers = range(*part.indices(size))
        return numbers.start, len(numbers), step
    # where nothing is left, the start is of no consequence: only the count needs clipping
    start, stop = part.start, part.stop
    if step > 0:
        first = 0 if start is None else dims.maximum(size + start, 0) if _from_end(start) else start
        end = size if stop is None else size + stop if _from_end(stop) else _least(stop, size)
        if _from_end(start) and stop is None:
            return first, -(-_least(-start, size) // step), step
        return first, _most(-((first - end) // step)), step
    last = size - 1
    first = last if start is None else size + start if _from_end(start) else _least(start, last)
    end = -1 if stop is None else dims.maximum(size + stop, -1) if _from_end(stop) else stop
    return first, _most((first - end - step - 1) // -step), step


def _from_end(bound: Any) -> bool:
    return isinstance(bound, int) and bound < 0


def _least(a: DimLike, b: DimLike) -> DimLike:
    """The smaller of two dims, decided where the sign of their difference is known."""
    if _never_negative(a - b):
        return b
    return a if _never_negative(b - a) else dims.minimum(a, b)


def _most(count: DimLike) -> DimLike:
    """A count, and 0 if it is negative."""
    return count if _never_negative(count) else dims.maximum(count, 0)


def _never_negative(value: DimLike) -> bool:
    """Whether a dim is known to be 0 or more, whatever the sizes of its symbols are."""
    if not isinstance(value, Dim):
        return value >= 0
    return all(f > 0 and all(map(_atom_never_negative, atoms)) for atoms, f in value.terms)


def _atom_never_negative(atom: dims.Atom) -> bool:
    if not atom.args:
        return True  # a symbol is a size
    signs = [_never_negative(arg) for arg in atom.args]
    return any(signs) if atom.name == "max" else all(signs)


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
    if not isinstance(at, int):
        return
    needed = at + 1 if at >= 0 else -at
    # an unknown size becomes a guard: too small a tensor is traced anew and then refused here
    if not dims.assume_equal(dims.maximum(size, needed), size):
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


def _placed(g: np.ndarray, index: tuple[Any, ...], shape: Sequence[int]) -> np.ndarray:
    out = np.zeros(shape, g.dtype)
    out[tuple(index)] = g
    return out


def _placed_type(types: Types, attrs: Attrs) -> TensorType:
    return types[0].with_shape(attrs["shape"])


strided_slice_grad = op(
    "strided_slice_grad", "g", _placed_type, _placed, attrs={"index": (), "shape": ()},
    grad=lambda c, g: ops.strided_slice(g, index=c.index), lower=Library("place"),
    samples=lambda: [Sample((_x(2, 5),), {"index": (slice(0, 4, 2),), "shape": (4, 5)}),
                     Sample((_x(5),), {"index": (1,), "shape": (4, 5)}),
                     Sample((_x(1, 4),), {"index": (None, slice(None, None, -1)), "shape": (4,)})],
    doc="Zeros of a shape, with g at an index.",
)  # fmt: skip


def _update_type(types: Types, attrs: Attrs) -> TensorType:
    x, value = types
    part = _slice_type([x], attrs)
    joined = broadcast_shapes(part.shape, value.shape)
    if len(joined) != part.rank or not all(map(dims.assume_equal, joined, part.shape)):
        raise InvalidArgumentError(f"a value of type {value} does not fit the part {part}")
    return x


def _update(x: np.ndarray, value: np.ndarray, index: tuple[Any, ...]) -> np.ndarray:
    out = x.copy()
    out[tuple(index)] = value
    return out


def _update_grad(c: Any, g: Any) -> tuple[Any, Any]:
    part = ops.strided_slice(g, index=c.index)
    hole = ops.strided_slice_update(g, ops.zeros_like(part), index=c.index)
    return hole, sum_to(part, c.value)


strided_slice_update = op(
    "strided_slice_update", "x value", _update_type, _update, attrs={"index": ()},
    grad=_update_grad, lower=Library("place"), doc="x with x[index] = value.",
    samples=lambda: [Sample((_x(4, 5), _x(5)), {"index": (slice(1, 3),)}),
                     Sample((_x(4), _x()), {"index": (2,)}),
                     Sample((_x(4, 5), _x(2, 1)), {"index": (slice(None, None, 2), slice(1, 3))})],
)  # fmt: skip

# --- gather ---------------------------------------------------------------------------------------


def _check_indices(who: str, indices: TensorType) -> None:
    if not indices.dtype.is_integer:
        raise DTypeError(f"{who}: indices must be integers, got {indices}")


def check_range(who: str, indices: np.ndarray, size: int) -> None:
    """Refuse indices outside of ``[0, size)``, naming the first."""
    bad = (indices < 0) | (indices >= size)
    if bad.any():
        place = tuple(int(i) for i in np.argwhere(bad)[0])
        shown = f"indices[{', '.join(map(str, place))}]" if place else "index"
        raise InvalidArgumentError(f"{who}: {shown} = {indices[place]} is not in [0, {size})")


def _in_range(x: np.ndarray, size: int, what: str = "") -> np.ndarray:
    bad = (x < 0) | (x >= size)
    if bad.any():
        who = what or "in_range: element"
        raise InvalidArgumentError(f"{who} {x[bad].flat[0]} is not in [0, {size})")
    return x


in_range = op(
    "in_range", "x", lambda types, attrs: types[0], _in_range, attrs={"size": 1, "what": ""},
    types=dtypes.INTEGERS, grad="indices are integers", lower=Scalar("in_range"), can_fail=True,
    elementwise=True, doc="The same integers, all of them in [0, size).",
    samples=lambda: [Sample((np.array(v, t),), {"size": 5}, grad=False)
                     for v, t in (([0, 4, 1], "i4"), (2, "u1"), ([[3], [0]], "i8"))],
)  # fmt: skip


def _gather_type(types: Types, attrs: Attrs) -> TensorType:
    x, indices = types
    _check_indices("gather", indices)
    axis, batch = normalize_axis(attrs["axis"], x.rank, "gather"), attrs["batch_dims"]
    if not 0 <= batch <= min(axis, indices.rank):
        raise InvalidArgumentError(
            f"gather: batch_dims = {batch} must be from 0 to min(axis = {axis}, rank of {indices})"
        )
    if not all(map(dims.assume_equal, x.shape[:batch], indices.shape[:batch])):
        raise InvalidArgumentError(f"gather: {x} and {indices} differ in the {batch} batch axes")
    return x.with_shape((*x.shape[:axis], *indices.shape[batch:], *x.shape[axis + 1 :]))


def _batched(shape: Sequence[int], indices: np.ndarray, axis: int, batch_dims: int) -> Any:
    """numpy's index of what a gather takes: one grid for each axis before ``axis``, then rows."""
    batch, rest = indices.shape[:batch_dims], indices.shape[batch_dims:]
    grids = np.indices(shape[:axis], sparse=True)
    lead = [grid.reshape(*grid.shape, *(1,) * len(rest)) for grid in grids]
    return (*lead, indices.reshape(*batch, *(1,) * (axis - batch_dims), *rest))


def _gather(x: np.ndarray, indices: np.ndarray, axis: int = 0, batch_dims: int = 0) -> np.ndarray:
    axis = axis % x.ndim
    check_range("gather", indices, x.shape[axis])
    if not batch_dims:
        return np.take(x, indices, axis=axis)
    return x[_batched(x.shape, indices, axis, batch_dims)]


def _gather_grad(c: Any, g: Any) -> tuple[Any, Any]:
    at = dict(axis=c.axis, batch_dims=c.batch_dims)
    if not c.batch_dims:
        return ops.scatter_add(ops.zeros_like(c.x), c.indices, g, axis=c.axis), None
    return ops.gather_grad(g, c.indices, shape=c.x.dims, **at), None


def _gather_samples() -> Iterable[Sample]:
    x = _x(4, 3)
    rows = (([0, 3, 3], 0), (2, 1), ([[0, 1], [1, 2]], -1), (np.zeros((0,)), 0))
    for indices, axis in rows:
        yield Sample((x, np.asarray(indices, np.int32)), {"axis": axis}, exact=True)
    each = np.array([[0], [2], [1], [1]], np.int64)
    yield Sample((x, each), {"axis": 1, "batch_dims": 1})
    yield Sample((_x(4, 2, 3), each), {"axis": 2, "batch_dims": 1})


gather = op(
    "gather", "x indices", _gather_type, _gather, attrs={"axis": 0, "batch_dims": 0}, wide=True,
    grad=_gather_grad, can_fail=True, lower=Library("gather"), samples=_gather_samples,
    doc="Slices of x along an axis, at indices; an index out of range is an error.",
)  # fmt: skip


def _gather_back(
    g: np.ndarray, indices: np.ndarray, axis: int, batch_dims: int, shape: Sequence[int]
) -> np.ndarray:
    out, axis = np.zeros(shape, g.dtype), axis % len(shape)
    check_range("gather_grad", indices, shape[axis])
    np.add.at(out, _batched(shape, indices, axis, batch_dims), g)
    return out


gather_grad = op(
    "gather_grad", "g indices", _placed_type, _gather_back, wide=True, can_fail=True,
    attrs={"axis": 0, "batch_dims": 0, "shape": ()},
    grad=lambda c, g: (ops.gather(g, c.indices, axis=c.axis, batch_dims=c.batch_dims), None),
    samples=lambda: [Sample((_x(4, 1), np.array([[0], [2], [1], [1]], np.int64)),
                            {"axis": 1, "batch_dims": 1, "shape": (4, 3)})],
    doc="Zeros of a shape, with g added where a gather would take it.",
)  # fmt: skip


def _nd_type(types: Types, attrs: Attrs) -> TensorType:
    x, indices = types
    _check_indices("gather_nd", indices)
    depth = indices.shape[-1] if indices.rank else None
    if not isinstance(depth, int) or depth > x.rank:
        raise InvalidArgumentError(f"gather_nd: indices {indices} do not fit {x}")
    return x.with_shape((*indices.shape[:-1], *x.shape[depth:]))


def _positions(who: str, indices: np.ndarray, shape: Sequence[int]) -> tuple[np.ndarray, ...]:
    """numpy's index of the positions in the last axis of ``indices``."""
    for axis in range(indices.shape[-1]):
        check_range(who, indices[..., axis], shape[axis])
    return tuple(np.moveaxis(indices, -1, 0))


def _gather_nd(x: np.ndarray, indices: np.ndarray) -> np.ndarray:
    place = _positions("gather_nd", indices, x.shape)
    return np.asarray(x[place]) if place else np.broadcast_to(x, indices.shape[:-1] + x.shape)


gather_nd = op(
    "gather_nd", "x indices", _nd_type, _gather_nd, wide=True, can_fail=True,
    grad=lambda c, g: (ops.scatter_nd(c.indices, g, shape=c.x.dims), None),
    samples=lambda: [Sample((_x(4, 3), np.array([[0, 1], [3, 2]], np.int32))),
                     Sample((_x(4, 3), np.array([[[0]], [[3]]], np.int64))),
                     Sample((_x(4, 3), np.zeros((0, 2), np.int32)))],
    doc="Elements or slices at positions given by the last axis of indices.",
)  # fmt: skip

# --- scatter --------------------------------------------------------------------------------------


def _same_dtype(who: str, x: TensorType, updates: TensorType) -> None:
    if x.dtype is not updates.dtype:
        raise DTypeError(f"{who}: {x} and updates {updates} differ in dtype")


def _fits(who: str, updates: TensorType, wanted: Sequence[DimLike]) -> None:
    if len(wanted) != updates.rank or not all(map(dims.assume_equal, wanted, updates.shape)):
        shown = show_shape(tuple(wanted))
        raise InvalidArgumentError(f"{who}: updates must be of shape {shown}, got {updates}")


def _scatter_type(types: Types, attrs: Attrs) -> TensorType:
    x, indices, updates = types
    _check_indices("scatter_add", indices)
    _same_dtype("scatter_add", x, updates)
    axis = normalize_axis(attrs["axis"], x.rank, "scatter_add")
    _fits("scatter_add", updates, (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]))
    return x


def _scatter_add(
    x: np.ndarray, indices: np.ndarray, updates: np.ndarray, axis: int = 0
) -> np.ndarray:
    axis = axis % x.ndim
    check_range("scatter_add", indices, x.shape[axis])
    out = x.copy()
    np.add.at(out, (*(slice(None),) * axis, indices), updates)
    return out


def _scatter_samples() -> Iterable[Sample]:
    yield Sample((_x(4, 3), np.array([0, 3, 3], np.int32), _x(3, 3)), {"axis": 0})
    yield Sample((_x(4, 3), np.array([[0], [2]], np.int64), _x(4, 2, 1)), {"axis": 1})
    yield Sample((_x(4), np.array(2, np.int64), _x()), {"axis": 0})


scatter_add = op(
    "scatter_add", "x indices updates", _scatter_type, _scatter_add, attrs={"axis": 0}, wide=True,
    grad=lambda c, g: (g, None, ops.gather(g, c.indices, axis=c.axis)), can_fail=True,
    lower=Library("scatter_add"), samples=_scatter_samples,
    doc="x with updates added at indices along an axis; repeated indices add up.",
)  # fmt: skip


def _nd_updates(who: str, shape: Sequence[DimLike], indices: TensorType, updates: Any) -> None:
    _check_indices(who, indices)
    depth = indices.shape[-1] if indices.rank else None
    if not isinstance(depth, int) or depth > len(shape):
        shown = show_shape(tuple(shape))
        raise InvalidArgumentError(f"{who}: indices {indices} do not fit {shown}")
    _fits(who, updates, (*indices.shape[:-1], *shape[depth:]))


def _scatter_nd_type(types: Types, attrs: Attrs) -> TensorType:
    _nd_updates("scatter_nd", attrs["shape"], *types)
    return types[1].with_shape(attrs["shape"])


def _scatter_nd(indices: np.ndarray, updates: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    return _combined(np.add)(np.zeros(shape, updates.dtype), indices, updates)


scatter_nd = op(
    "scatter_nd", "indices updates", _scatter_nd_type, _scatter_nd, attrs={"shape": ()}, wide=True,
    grad=lambda c, g: (None, ops.gather_nd(g, c.indices)), can_fail=True,
    samples=lambda: [Sample((np.array([[1], [1], [3]], np.int32), _x(3, 2)), {"shape": (4, 2)})],
    doc="Zeros with updates added at positions.",
)  # fmt: skip


def _combined(fn: np.ufunc | None) -> Callable[..., np.ndarray]:
    def run(x: np.ndarray, indices: np.ndarray, updates: np.ndarray) -> np.ndarray:
        out, place = x.copy(), _positions("scatter", indices, x.shape)
        if fn is None:
            out[place] = updates
        else:
            fn.at(out, place, updates)
        return out

    return run


def _tensor_scatter_type(types: Types, attrs: Attrs) -> TensorType:
    x, indices, updates = types
    _nd_updates("tensor_scatter", x.shape, indices, updates)
    _same_dtype("tensor_scatter", x, updates)
    return x


def _tensor_scatter(name: str, fn: np.ufunc | None, grad: Any, doc: str) -> Any:
    def samples() -> Iterable[Sample]:
        yield Sample((_x(4, 2), np.array([[1], [3]], np.int32), _x(2, 2) * 2))
        yield Sample((_x(4, 2), np.array([[1, 1]], np.int64), _x(1) * 2))

    return op(name, "x indices updates", _tensor_scatter_type, _combined(fn), wide=True,
              grad=grad, can_fail=True, samples=samples, doc=doc)  # fmt: skip


def _written_grad(c: Any, g: Any) -> tuple[Any, ...]:
    part = ops.gather_nd(g, c.indices)
    return ops.tensor_scatter_update(g, c.indices, ops.zeros_like(part)), None, part


def _extreme_grad(c: Any, g: Any) -> tuple[Any, ...]:
    """Shared equally among x and the updates that are the extreme, as in TensorFlow."""
    from_x = ops.cast(ops.equal(c.x, c.out), dtype=g.dtype)
    taken = ops.equal(c.updates, ops.gather_nd(c.out, c.indices))
    from_updates = ops.cast(taken, dtype=g.dtype)
    share = g / (from_x + ops.scatter_nd(c.indices, from_updates, shape=c.x.dims))
    return from_x * share, None, from_updates * ops.gather_nd(share, c.indices)


def _product_grad(c: Any, g: Any) -> tuple[Any, ...]:
    """An update's factor is the product of the others, right where one of them is zero, too."""
    zero = ops.equal(c.updates, 0)
    others = ops.select(zero, ops.ones_like(c.updates), c.updates)
    product = ops.tensor_scatter_mul(c.x, c.indices, others)
    zeros = ops.cast(zero, dtype=g.dtype)
    count = ops.gather_nd(ops.scatter_nd(c.indices, zeros, shape=c.x.dims), c.indices)
    alone = ops.equal(count, zeros)  # no zero, or this one only
    flow = ops.gather_nd(g * product, c.indices) / others
    by_x = g * ops.tensor_scatter_mul(ops.ones_like(c.x), c.indices, c.updates)
    return by_x, None, ops.select(alone, flow, ops.zeros_like(flow))


tensor_scatter_mul = _tensor_scatter(
    "tensor_scatter_mul", np.multiply, _product_grad, "x times updates at positions."
)
tensor_scatter_update = _tensor_scatter(
    "tensor_scatter_update", None, _written_grad, "x with updates written at positions."
)
tensor_scatter_add = _tensor_scatter(
    "tensor_scatter_add", np.add, lambda c, g: (g, None, ops.gather_nd(g, c.indices)),
    "x with updates added at positions.",
)  # fmt: skip
tensor_scatter_sub = _tensor_scatter(
    "tensor_scatter_sub", np.subtract, lambda c, g: (g, None, -ops.gather_nd(g, c.indices)),
    "x with updates subtracted at positions.",
)  # fmt: skip
tensor_scatter_max = _tensor_scatter(
    "tensor_scatter_max", np.maximum, _extreme_grad, "The larger of x and updates at positions."
)
tensor_scatter_min = _tensor_scatter(
    "tensor_scatter_min", np.minimum, _extreme_grad, "The smaller of x and updates at positions."
)

# --- sizes that depend on data --------------------------------------------------------------------

_BY_DATA = Host("the size of its result depends on data")


def _nonzero_type(types: Types, attrs: Attrs) -> TensorType:
    return TensorType(dtypes.int64, (attrs["size"], types[0].rank))


nonzero = op(
    "nonzero", "x", _nonzero_type, lambda x, size=None: np.argwhere(x).astype(np.int64),
    attrs={"size": None}, grad="positions are piecewise constant", lower=_BY_DATA,
    samples=lambda: [Sample((np.array(x, np.int32),), {"size": dims.symbol("n")}, grad=False)
                     for x in ([[1, 0], [2, 3]], [0, 0], 1)],
    doc="Positions of the elements that are not zero; ``size`` is the symbol of their number.",
)  # fmt: skip


def _mask_type(types: Types, attrs: Attrs) -> TensorType:
    x, mask = types
    if mask.dtype is not dtypes.bool_:
        raise DTypeError(f"boolean_mask: the mask must be bool, got {mask}")
    axis = normalize_axis(attrs["axis"], x.rank, "boolean_mask")
    covered = x.shape[axis : axis + mask.rank]
    fits = mask.rank and len(covered) == mask.rank
    if not fits or not all(map(dims.assume_equal, covered, mask.shape)):
        raise InvalidArgumentError(f"boolean_mask: {mask} does not fit {x} at axis {axis}")
    return x.with_shape((*x.shape[:axis], attrs["size"], *x.shape[axis + mask.rank :]))


def _masked(rank: int, mask: np.ndarray, axis: int) -> tuple[Any, ...]:
    return (*(slice(None),) * (axis % rank), mask)


def _mask(x: np.ndarray, mask: np.ndarray, axis: int = 0, size: Any = None) -> np.ndarray:
    return x[_masked(x.ndim, mask, axis)]


def _mask_back(g: np.ndarray, mask: np.ndarray, shape: Sequence[int], axis: int = 0) -> np.ndarray:
    return _placed(g, _masked(len(shape), mask, axis), shape)


boolean_mask = op(
    "boolean_mask", "x mask", _mask_type, _mask, attrs={"axis": 0, "size": None}, wide=True,
    grad=lambda c, g: (ops.boolean_mask_grad(g, c.mask, axis=c.axis, shape=c.x.dims), None),
    samples=lambda: [Sample((_x(3, 2), np.array(m)), {"axis": a, "size": dims.symbol("n")})
                     for m, a in (([True, False, True], 0), ([False, True], 1))],
    lower=_BY_DATA, doc="The parts of x where the mask holds; ``size`` names their number.",
)  # fmt: skip
boolean_mask_grad = op(
    "boolean_mask_grad", "g mask", _placed_type, _mask_back, attrs={"axis": 0, "shape": ()},
    grad=lambda c, g: (ops.boolean_mask(g, c.mask, axis=c.axis, size=c.g.dims[c.axis]), None),
    samples=lambda: [Sample((_x(2, 2), np.array([True, False, True])), {"shape": (3, 2)})],
    lower=_BY_DATA, wide=True, doc="Zeros of a shape, with g where the mask holds.",
)  # fmt: skip
