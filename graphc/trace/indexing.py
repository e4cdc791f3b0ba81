"""``x[index]`` and ``v[index].assign``: Python's and numpy's indexing in terms of ops.

Static parts become one `strided_slice`; tensor indices become `gather`, masks `boolean_mask`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc.errors import InvalidArgumentError
from graphc.ir import dtypes
from graphc.ir.dims import Dim
from graphc.ops import ops
from graphc.trace.dispatch import convert_to_tensor, static_value
from graphc.trace.state import current
from graphc.trace.tensor import Operators, Tensor

Index = tuple[Any, ...]


def get_item(x: Any, index: Any) -> Tensor:
    """The part of a tensor (or Variable) that ``index`` names, as numpy does for basic indexing."""
    parts = _parts(index)
    if not any(_is_array(p) for p in parts):
        return ops.strided_slice(x, index=_static(parts, x.ndim))
    return _take(x, _expanded(parts, x.ndim))


def set_item(x: Any, index: Any, value: Any) -> Tensor:
    """A copy of ``x`` whose part ``index`` is ``value``, broadcast to it."""
    parts = _parts(index)
    if not any(_is_array(p) for p in parts):
        return ops.strided_slice_update(x, value, index=_static(parts, x.ndim))
    position = _position(_expanded(parts, x.ndim))
    if position:
        return _with_part(x, position, value)
    # other tensor indices: find the places by slicing the numbers of all elements
    count = _size(x)
    numbers = ops.reshape(ops.iota(size=count, dtype=dtypes.int32), shape=tuple(x.dims))
    places = get_item(numbers, index)
    rows = ops.reshape(places, shape=(_size(places), 1))
    new = ops.broadcast_to(convert_to_tensor(value, dtype_hint=x.dtype), shape=places.dims)
    flat = ops.tensor_scatter_update(
        ops.reshape(x, shape=(_size(x),)), rows, ops.reshape(new, shape=(_size(places),))
    )
    return ops.reshape(flat, shape=tuple(x.dims))


def _position(parts: Index) -> list[Any]:
    """The scalars that an index begins with, if the rest of it takes whole axes."""
    rest = [p for p in parts if not (isinstance(p, slice) and p == slice(None))]
    scalars = [p for p in rest if isinstance(p, int) or _is_number(p)]
    return scalars if parts[: len(rest)] == (*scalars,) and len(rest) == len(scalars) else []


def _is_number(part: Any) -> bool:
    return isinstance(part, Operators) and part.dtype.is_integer and part.ndim == 0  # type: ignore[attr-defined]


def _with_part(x: Any, position: Sequence[Any], value: Any) -> Tensor:
    """A copy of ``x`` with another element, or row, at a position."""
    depth = len(position)
    rows = [_counted(x, _as_number(part), axis) for axis, part in enumerate(position)]
    kind = dtypes.int64 if any(r.dtype is dtypes.int64 for r in rows) else dtypes.int32
    place = ops.stack(*(ops.cast(r, dtype=kind) for r in rows), axis=0)
    new = ops.broadcast_to(convert_to_tensor(value, dtype_hint=x.dtype), shape=x.dims[depth:])
    return ops.tensor_scatter_update(x, place, new)


def _as_number(part: Any) -> Any:
    return convert_to_tensor(part, dtype=dtypes.int32) if isinstance(part, int) else part


def _counted(x: Any, rows: Any, axis: int) -> Any:
    """Integer indices counted from the start, where numpy's negative ones count from the end."""
    if rows.dtype not in (dtypes.int32, dtypes.int64):
        rows = ops.cast(rows, dtype=dtypes.int32)
    size = x.dims[axis]
    if isinstance(size, int):
        offset = convert_to_tensor(size, dtype=rows.dtype)
    else:
        offset = ops.cast(ops.strided_slice(ops.shape_of(x), index=(axis,)), dtype=rows.dtype)
    return ops.select(ops.less(rows, 0), ops.add(rows, offset), rows)


def data_size() -> Any:
    """The size of a result that depends on data: a fresh symbol while tracing."""
    return None if current.tracer is None else current.tracer.fresh_symbol()


def _size(x: Any) -> Any:
    total: Any = 1
    for d in x.dims:
        total = total * d
    return total


def _parts(index: Any) -> Index:
    listed = index if isinstance(index, tuple) else (index,)
    return tuple(map(_known, listed))


def _known(part: Any) -> Any:
    """A part of an index, with tensors replaced by what is known of them."""
    if isinstance(part, slice):
        return slice(*(_bound(b) for b in (part.start, part.stop, part.step)))
    if part is None or part is Ellipsis or isinstance(part, int):
        return part
    if isinstance(part, np.integer):
        return int(part)
    if isinstance(part, list | np.ndarray):
        return convert_to_tensor(part)
    if hasattr(type(part), "__graphc_tensor__"):  # one of several values
        part = convert_to_tensor(part)
    if isinstance(part, Operators):
        if part.dtype.is_integer and part.ndim == 0:  # type: ignore[attr-defined]
            value = static_value(part)
            return part if value is None or isinstance(value, Dim) else value
        return part
    raise TypeError(
        f"tensors are indexed by ints, slices, ..., tf.newaxis and tensors, not {part!r}"
    )


def _bound(bound: Any) -> Any:
    if bound is None or isinstance(bound, int | Dim):
        return bound
    if hasattr(type(bound), "__graphc_tensor__"):
        bound = convert_to_tensor(bound)
    value = static_value(bound)
    return bound if value is None else value


def _is_array(part: Any) -> bool:
    if isinstance(part, slice):
        return any(isinstance(b, Operators) for b in (part.start, part.stop, part.step))
    return isinstance(part, Operators)


def _static(parts: Index, rank: int) -> Index:
    return _expanded(parts, rank)


def _expanded(parts: Index, rank: int) -> Index:
    """The index with its ellipsis written out and missing axes added."""
    used = sum(_axes_of(p) for p in parts)
    if sum(p is Ellipsis for p in parts) > 1:
        raise IndexError("an index can have one ellipsis ('...') only")
    if used > rank:
        raise InvalidArgumentError(
            f"too many indices: the tensor has {rank} axes, {used} are indexed"
        )
    rest = (slice(None),) * (rank - used)
    if Ellipsis not in [p for p in parts if not isinstance(p, Operators)]:
        return parts + rest
    at = next(i for i, p in enumerate(parts) if p is Ellipsis)
    return parts[:at] + rest + parts[at + 1 :]


def _axes_of(part: Any) -> int:
    if part is None or part is Ellipsis:
        return 0
    if isinstance(part, Operators) and part.dtype.is_bool:  # type: ignore[attr-defined]
        return part.ndim  # type: ignore[attr-defined]
    return 1


def _take(x: Any, parts: Index) -> Tensor:
    """Apply an index with tensors in it: the static parts, then one tensor after the other."""
    dynamic = [(i, p) for i, p in enumerate(parts) if _is_array(p)]
    plain = tuple(slice(None) if _is_array(p) else p for p in parts)
    if any(_axes_of(p) > 1 for _, p in dynamic) and len(parts) > 1:
        raise InvalidArgumentError("a mask of several axes must be the only index")
    # the axis of each tensor index in the result of the static slice
    axes = []
    for i, _ in dynamic:
        before = plain[:i]
        axes.append(sum(1 for p in before if p is None or isinstance(p, slice)))
    result = ops.strided_slice(x, index=plain) if _cuts(plain) else x
    removed = 0
    for axis, (_, part) in zip(axes, dynamic, strict=True):
        result, lost = _take_one(result, part, axis - removed)
        removed += lost
    return result


def _cuts(parts: Index) -> bool:
    return any(p != slice(None) for p in parts)


def _take_one(x: Any, part: Any, axis: int) -> tuple[Tensor, int]:
    """Apply one tensor index; returns the result and how many axes it lost."""
    if isinstance(part, slice):
        size = ops.strided_slice(ops.shape_of(x), index=(axis,))
        return ops.gather(x, _slice_rows(part, size), axis=axis), 0
    if part.dtype.is_bool:
        rows = ops.boolean_mask(x, part, axis=axis, size=data_size())
        return rows, part.ndim - 1
    return ops.gather(x, _counted(x, part, axis), axis=axis), 1 - part.ndim


def _slice_rows(part: slice, size: Any) -> Tensor:
    """The row numbers of a slice with tensor bounds."""
    step = 1 if part.step is None else part.step
    if not isinstance(step, int) or step == 0:
        raise InvalidArgumentError("the step of a slice with tensor bounds must be a number, not 0")
    low, high = (0, size) if step > 0 else (-1, size - 1)

    def clipped(bound: Any, default: Any) -> Any:
        if bound is None:
            return default
        value = convert_to_tensor(bound, dtype_hint=dtypes.int32)
        if value.dtype is not dtypes.int32:
            value = ops.cast(value, dtype=dtypes.int32)
        value = ops.select(ops.less(value, 0), ops.add(value, size), value)
        return ops.minimum(ops.maximum(value, low), high)

    start = clipped(part.start, low if step > 0 else high)
    stop = clipped(part.stop, high if step > 0 else low)
    bounds = (convert_to_tensor(v, dtype_hint=dtypes.int32) for v in (start, stop, step))
    return ops.range(*bounds, size=data_size())


Operators.__getitem__ = get_item  # type: ignore[attr-defined]
