"""Taking parts of tensors, writing parts, and order: gather, slices, scatters, masks, sorting."""

from __future__ import annotations

import builtins
from typing import Any, NamedTuple

import numpy as np

from graphc.api.arguments import alike, data_size, known, known_shape, known_size, like
from graphc.api.shapes import concat, meets
from graphc.errors import InvalidArgumentError
from graphc.ir import dtypes
from graphc.ir.dims import DimLike
from graphc.ops import REGISTRY, ops
from graphc.trace.dispatch import convert_to_tensor, runs_now, static_value
from graphc.trace.indexing import get_item
from graphc.trace.tensor import EagerTensor, Operators, Tensor


def _rows(indices: Any) -> Tensor:
    return convert_to_tensor(indices, dtype_hint=dtypes.int32)


# --- parts ----------------------------------------------------------------------------------------


def gather(
    params: Any, indices: Any, validate_indices: Any = None, axis: Any = None, batch_dims: int = 0,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Take the slices of ``params`` at ``indices`` along ``axis`` (``batch_dims`` if not given).

    The result's shape is ``params.shape[:axis] + indices.shape[batch_dims:] +
    params.shape[axis + 1:]``.  An index out of range raises ``InvalidArgumentError``.
    """
    x, rows = convert_to_tensor(params), _rows(indices)
    batch = batch_dims + len(rows.dims) if batch_dims < 0 else batch_dims
    at = batch if axis is None else known(axis, "axis")
    return ops.gather(x, rows, axis=meets(x, at), batch_dims=batch)


def gather_nd(
    params: Any, indices: Any, batch_dims: int = 0, name: str | None = None,
    bad_indices_policy: str = "",
) -> Tensor:  # fmt: skip
    """Take elements or slices at the positions in the last axis of ``indices``."""
    rows = _rows(indices)
    lead, rest = rows.dims[:batch_dims], rows.dims[batch_dims:-1]
    columns = []
    for axis, n in enumerate(lead):  # batch axes come first, each row at its own place
        places = ops.iota(size=n, dtype=rows.dtype)
        after = (1,) * (len(lead) + len(rest) - axis)
        places = ops.reshape(places, shape=(*(1,) * axis, n, *after))
        columns.append(ops.broadcast_to(places, shape=(*lead, *rest, 1)))
    rows = concat([*columns, rows], axis=-1) if columns else rows
    return ops.gather_nd(convert_to_tensor(params), rows)


def boolean_mask(tensor: Any, mask: Any, axis: Any = None, name: str = "boolean_mask") -> Tensor:
    """Take the parts of ``tensor`` where ``mask`` is true; their number depends on the data."""
    x, at = convert_to_tensor(tensor), 0 if axis is None else known(axis, "axis")
    kept = convert_to_tensor(mask)
    kept = ops.cast(kept, dtype=dtypes.bool_) if kept.dtype.is_integer else kept
    return ops.boolean_mask(x, kept, axis=meets(x, at), size=data_size())


def where(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Tensor:
    """Take ``x`` where the condition holds and ``y`` elsewhere; all three broadcast.

    Without ``x`` and ``y``: the positions of true elements, int64 [n, rank].
    """
    test = convert_to_tensor(condition)
    if x is None and y is None:
        return ops.nonzero(test, size=data_size())
    if x is None or y is None:
        raise ValueError("where takes both x and y, or neither")
    first, second = alike(x, y)
    return ops.select(test, first, second)


def slice(input_: Any, begin: Any, size: Any, name: str | None = None) -> Tensor:
    """Take ``size`` elements from ``begin`` in each axis; a size of -1 means all that are left.

    ``begin`` may depend on data if the sizes do not.
    """
    x = convert_to_tensor(input_)
    counts = known_shape(size, "size")
    start = begin if isinstance(begin, Operators) else list(begin)
    starts = [_scalar(start, i) for i in builtins.range(len(counts))]
    for axis, (b, n, d) in enumerate(zip(starts, counts, x.dims, strict=True)):
        if all(isinstance(v, int) for v in (b, n, d)) and not 0 <= b <= b + builtins.max(n, 0) <= d:
            raise InvalidArgumentError(f"slice: {b} + {n} reaches beyond the {d} of axis {axis}")
    if not any(isinstance(b, Operators) for b in starts):
        return ops.strided_slice(
            x,
            index=tuple(
                builtins.slice(b, None if n == -1 else b + n)
                for b, n in zip(starts, counts, strict=True)
            ),
        )
    for axis, (b, n) in enumerate(zip(starts, counts, strict=True)):
        x = _part(x, axis, b, n)
    return x


def _scalar(values: Any, at: int) -> Any:
    """An element of a vector: a number if it is known, else a tensor."""
    value = values[at]
    found = static_value(value)
    return value if found is None else found


def _part(x: Tensor, axis: int, begin: Any, size: DimLike) -> Tensor:
    if not isinstance(begin, Operators) or size == -1:
        lead = (builtins.slice(None),) * axis
        stop = None if size == -1 else begin + size
        return get_item(x, (*lead, builtins.slice(begin, stop)))
    first = begin if begin.dtype is dtypes.int32 else ops.cast(begin, dtype=dtypes.int32)
    return ops.gather(x, ops.add(ops.iota(size=size), first), axis=axis)


def strided_slice(
    input_: Any, begin: Any, end: Any, strides: Any = None, begin_mask: int = 0, end_mask: int = 0,
    ellipsis_mask: int = 0, new_axis_mask: int = 0, shrink_axis_mask: int = 0, var: Any = None,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Take a slice with steps, ``input_[begin:end:strides]``, changed by TensorFlow's masks."""
    starts, ends = known(begin, "begin"), known(end, "end")
    steps = [1] * len(starts) if strides is None else known(strides, "strides")
    index: list[Any] = []
    for i, (b, e, s) in enumerate(zip(starts, ends, steps, strict=True)):
        bit = 1 << i
        if ellipsis_mask & bit:
            index.append(Ellipsis)
        elif new_axis_mask & bit:
            index.append(None)
        elif shrink_axis_mask & bit:
            index.append(b)
        else:
            bounds = (None if begin_mask & bit else b, None if end_mask & bit else e)
            index.append(builtins.slice(*bounds, s))
    return get_item(convert_to_tensor(input_), tuple(index))


# --- writing --------------------------------------------------------------------------------------


def scatter_nd(
    indices: Any, updates: Any, shape: Any, bad_indices_policy: str = "", name: str | None = None
) -> Tensor:
    """Add ``updates`` to zeros of a shape, at the positions in the last axis of ``indices``."""
    values = convert_to_tensor(updates)
    return ops.scatter_nd(_rows(indices), values, shape=known_shape(shape))


def tensor_scatter_nd_update(
    tensor: Any, indices: Any, updates: Any, name: str | None = None
) -> Tensor:
    """Return ``tensor`` with ``updates`` written at the positions in ``indices``."""
    x = convert_to_tensor(tensor)
    return ops.tensor_scatter_update(x, _rows(indices), like(updates, x))


def _scatter(name: str, op: str, done: str) -> Any:
    def call(
        tensor: Any, indices: Any, updates: Any, bad_indices_policy: str = "",
        name: str | None = None,
    ) -> Tensor:  # fmt: skip
        x = convert_to_tensor(tensor)
        return REGISTRY[op](x, _rows(indices), like(updates, x))

    call.__doc__ = f"Return ``tensor`` with ``updates`` {done} at the positions in ``indices``."
    call.__name__ = call.__qualname__ = name
    return call


tensor_scatter_nd_add = _scatter("tensor_scatter_nd_add", "tensor_scatter_add", "added")
tensor_scatter_nd_sub = _scatter("tensor_scatter_nd_sub", "tensor_scatter_sub", "subtracted")
tensor_scatter_nd_max = _scatter("tensor_scatter_nd_max", "tensor_scatter_max", "taken if larger")
tensor_scatter_nd_min = _scatter("tensor_scatter_nd_min", "tensor_scatter_min", "taken if smaller")

# --- order ----------------------------------------------------------------------------------------


class TopK(NamedTuple):
    """What `top_k` returns."""

    values: Tensor
    indices: Tensor


def top_k(
    input: Any, k: Any = 1, sorted: bool = True, index_type: Any = dtypes.int32,
    name: str | None = None,
) -> TopK:  # fmt: skip
    """Find the k largest elements of the last axis and their indices, as (values, indices).

    They come in descending order, also with ``sorted=False``; of equal ones the first comes first.
    """
    values, places = ops.top_k(convert_to_tensor(input), k=known_size(k, "k"))
    kind = dtypes.as_dtype(index_type)
    return TopK(values, places if kind is dtypes.int32 else ops.cast(places, dtype=kind))


def approx_max_k(
    operand: Any, k: Any, reduction_dimension: int = -1, recall_target: float = 0.95,
    reduction_input_size_override: int = -1, aggregate_to_topk: bool = True,
    name: str | None = None,
) -> TopK:  # fmt: skip
    """Find the k largest elements along an axis, and their indices: exactly, on CPUs."""
    return _extremes(convert_to_tensor(operand), k, reduction_dimension, 1)


def approx_min_k(
    operand: Any, k: Any, reduction_dimension: int = -1, recall_target: float = 0.95,
    reduction_input_size_override: int = -1, aggregate_to_topk: bool = True,
    name: str | None = None,
) -> TopK:  # fmt: skip
    """Find the k smallest elements along an axis, and their indices: exactly, on CPUs."""
    return _extremes(convert_to_tensor(operand), k, reduction_dimension, -1)


def _extremes(x: Any, k: Any, axis: int, sign: int) -> TopK:
    order = list(builtins.range(len(x.dims)))
    order.append(order.pop(meets(x, axis)))
    values, places = top_k(ops.transpose(x * sign, perm=tuple(order)), k)
    back = tuple(builtins.sorted(builtins.range(len(order)), key=order.__getitem__))
    return TopK(ops.transpose(values, perm=back) * sign, ops.transpose(places, perm=back))  # type: ignore


def in_top_k(targets: Any, predictions: Any, k: Any, name: str | None = None) -> Tensor:
    """Whether each target [n] is among the k largest predictions [n, classes] of its row.

    As in TensorFlow it is not if the row has an infinity or a not-a-number.
    """
    p, rows = convert_to_tensor(predictions), _rows(targets)
    fits = p.dtype is dtypes.float32 and len(p.dims) == 2 and rows.dims == p.dims[:1]
    if fits and type(k) is int and runs_now(p) and runs_now(rows):
        return EagerTensor(_in_top_k(rows._array, p._array, k))  # type: ignore[attr-defined]
    rows = ops.expand_dims(rows, axis=-1)
    last = ops.extent(size=p.dims[-1], dtype=rows.dtype)
    inside = ops.logical_and(ops.greater_equal(rows, 0), ops.less(rows, last))
    rows = ops.select(inside, rows, ops.zeros_like(rows))
    own = ops.gather(p, rows, axis=1, batch_dims=1)
    above = ops.reduce_sum(ops.cast(ops.greater(p, own), dtype=dtypes.int32), axis=(1,))
    finite = ops.reduce_all(ops.is_finite(p), axis=(1,))
    known = ops.logical_and(ops.reshape(inside, shape=above.dims), finite)
    return ops.logical_and(ops.less(above, k), known)


def _in_top_k(rows: np.ndarray, p: np.ndarray, k: int) -> np.ndarray:
    """The same of arrays: the first classes show of most rows that their target is not."""
    found = (rows >= 0) & (rows < p.shape[1])
    at = np.flatnonzero(found)
    own = p[at, rows[at], None]
    for classes in (64, p.shape[1]):
        part = p[at, :classes]
        left = np.count_nonzero(part > own, axis=1) < k
        found[at[~left]] = False
        at, own = at[left], own[left]
    found[at] = np.isfinite(p[at]).all(axis=1)
    return found


def _descending(direction: str) -> bool:
    if direction not in ("ASCENDING", "DESCENDING"):
        raise ValueError(f"direction is 'ASCENDING' or 'DESCENDING', got {direction!r}")
    return direction == "DESCENDING"


def sort(
    values: Any, axis: Any = -1, direction: str = "ASCENDING", name: str | None = None
) -> Tensor:
    """Sort along an axis; ``direction`` is ASCENDING or DESCENDING."""
    x = convert_to_tensor(values)
    return ops.sort(x, axis=meets(x, known(axis, "axis")), descending=_descending(direction))


def argsort(
    values: Any, axis: Any = -1, direction: str = "ASCENDING", stable: bool = False,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Find the indices (int32) that sort an axis; equal elements keep their order."""
    x = convert_to_tensor(values)
    return ops.argsort(x, axis=meets(x, known(axis, "axis")), descending=_descending(direction))


def searchsorted(
    sorted_sequence: Any, values: Any, side: str = "left", out_type: Any = dtypes.int32,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Find where ``values`` would be inserted into a sorted vector; ``side`` is left or right."""
    sequence, wanted = alike(sorted_sequence, values)
    return ops.searchsorted(sequence, wanted, side=side, out_type=dtypes.as_dtype(out_type))


def invert_permutation(x: Any, name: str | None = None) -> Tensor:
    """Find the permutation that undoes a permutation of 0..n-1."""
    p = convert_to_tensor(x)
    places = ops.iota(size=p.dims[0], dtype=p.dtype)
    found = ops.scatter_nd(ops.expand_dims(p, axis=-1), places, shape=p.dims)
    once = ops.reduce_all(ops.equal(ops.gather(found, p, axis=0), places), axis=(0,))
    template = ("invert_permutation: a number is duplicated in", None)
    ops.raise_unless(once, p, exception="InvalidArgumentError", template=template)
    return found
