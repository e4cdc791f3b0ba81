"""Creation, shapes, joining, indexing: the functions that TensorFlow keeps at its top level.

Arguments that are shapes, axes or sizes may be Python values, arrays, or tensors whose value is known while a
function is traced (``tf.shape(x)[0]`` is).
"""

from __future__ import annotations

import builtins
import math as _math
from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc.errors import InvalidArgumentError
from graphc.ir import dtypes
from graphc.ir.dims import Dim
from graphc.ops import ops
from graphc.trace.dispatch import constant as _constant
from graphc.trace.dispatch import convert_to_tensor, static_value
from graphc.trace.shape import TensorShape
from graphc.trace.state import current
from graphc.trace.tensor import Operators, Tensor

__all__ = [
    "argsort", "boolean_mask", "broadcast_to", "cast", "concat", "constant", "ensure_shape",
    "expand_dims", "eye", "fill", "gather", "gather_nd", "identity", "linspace", "meshgrid", "one_hot",
    "ones", "ones_like", "pad", "range", "rank", "repeat", "reshape", "reverse", "roll",
    "saturate_cast", "scatter_nd", "sequence_mask", "shape", "size", "slice", "sort", "split",
    "squeeze", "stack", "strided_slice", "tensor_scatter_nd_add", "tensor_scatter_nd_update", "tile",
    "transpose", "unstack", "where", "zeros", "zeros_like",
]  # fmt: skip

_range = builtins.range
_slice = builtins.slice


# --- arguments that must be known ---------------------------------------------------------------------


def known(value: Any, what: str) -> Any:
    """A size or axis as a number or symbolic dim; refuses what only running tells."""
    found = static_value(value)
    if found is None:
        raise InvalidArgumentError(
            f"{what} depends on values that are known only when the function runs; graphc needs it"
            " while tracing (sizes made from tf.shape are known)"
        )
    return found


def known_shape(shape: Any, what: str = "the shape") -> tuple[Any, ...]:
    """A shape as a tuple of ints and symbolic dims."""
    found = known(list(shape) if isinstance(shape, TensorShape) else shape, what)
    listed = found if isinstance(found, list | tuple) else [found]
    return tuple(d if isinstance(d, Dim) else int(d) for d in listed)


def data_size() -> Any:
    """The size of a result that depends on data: a fresh symbol while tracing."""
    return None if current.tracer is None else current.tracer.fresh_symbol()


# --- creation -----------------------------------------------------------------------------------------


def constant(value: Any, dtype: Any = None, shape: Any = None, name: str | None = None) -> Tensor:
    """A tensor from numbers, nested lists or an array (TF: ``tf.constant``).

    Python ints become int32, floats float32; arrays keep their dtype.  With ``shape`` the value is reshaped,
    or repeated if it is a single number.
    """
    want = None if dtype is None else dtypes.as_dtype(dtype)
    if isinstance(value, Operators):
        result = convert_to_tensor(value)
        result = result if want is None or result.dtype is want else cast(result, want)
    else:
        result = _constant(value, want)
    if shape is None:
        return result
    wanted = known_shape(shape)
    count = _math.prod(result.dims)
    return fill(wanted, result) if count == 1 else reshape(result, wanted)


def fill(dims: Any, value: Any, name: str | None = None) -> Tensor:
    """A tensor of shape ``dims`` with one value."""
    one = convert_to_tensor(value)
    return ops.broadcast_to(ops.reshape(one, shape=()), shape=known_shape(dims))


def zeros(shape: Any, dtype: Any = dtypes.float32, name: str | None = None) -> Tensor:
    """Zeros; strings are empty ones."""
    kind = dtypes.as_dtype(dtype)
    return fill(shape, _constant("" if kind is dtypes.string else 0, kind) if kind.kind not in "b"
                else _constant(False))  # fmt: skip


def ones(shape: Any, dtype: Any = dtypes.float32, name: str | None = None) -> Tensor:
    """Ones."""
    kind = dtypes.as_dtype(dtype)
    return fill(shape, _constant(True) if kind.is_bool else _constant(1, kind))


def zeros_like(input: Any, dtype: Any = None, name: str | None = None) -> Tensor:
    """Zeros of the same shape, and dtype unless another is given."""
    x = convert_to_tensor(input)
    return ops.zeros_like(x) if dtype is None else zeros(x.dims, dtype)


def ones_like(input: Any, dtype: Any = None, name: str | None = None) -> Tensor:
    """Ones of the same shape, and dtype unless another is given."""
    x = convert_to_tensor(input)
    return ops.ones_like(x) if dtype is None else ones(x.dims, dtype)


def eye(
    num_rows: Any, num_columns: Any = None, batch_shape: Any = None, dtype: Any = dtypes.float32,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """The identity matrix, or a batch of it."""
    rows = known(num_rows, "num_rows")
    columns = rows if num_columns is None else known(num_columns, "num_columns")
    i = ops.reshape(ops.iota(size=rows, dtype=dtypes.int32), shape=(rows, 1))
    j = ops.reshape(ops.iota(size=columns, dtype=dtypes.int32), shape=(1, columns))
    matrix = ops.cast(ops.equal(i, j), dtype=dtypes.as_dtype(dtype))
    if batch_shape is None:
        return matrix
    return ops.broadcast_to(matrix, shape=(*known_shape(batch_shape), rows, columns))


def range(start: Any, limit: Any = None, delta: Any = 1, dtype: Any = None, name: str | None = None) -> Tensor:
    """Numbers from ``start`` below ``limit`` in steps of ``delta`` (TF: ``tf.range``)."""
    if limit is None:
        start, limit = 0, start
    parts = [p if isinstance(p, Operators) else np.asarray(p) for p in (start, limit, delta)]
    kind = dtypes.as_dtype(dtype) if dtype is not None else _range_dtype(parts)
    numbers = [static_value(p) for p in (start, limit, delta)]
    if all(isinstance(v, int | float) for v in numbers):
        return _constant(np.arange(*numbers, dtype=kind.np), kind)
    if numbers[0] == 0 and numbers[2] == 1 and isinstance(numbers[1], Dim):
        return ops.iota(size=numbers[1], dtype=kind)
    made = [
        cast(p, kind) if isinstance(p, Operators) else _constant(p, kind) for p in (start, limit, delta)
    ]
    return ops.range(*made, size=data_size())


def _range_dtype(parts: Sequence[Any]) -> dtypes.DType:
    tensors = [p.dtype for p in parts if isinstance(p, Operators)]
    if tensors:
        return tensors[0]
    return dtypes.float32 if any(p.dtype.kind == "f" for p in parts) else dtypes.int32


def linspace(start: Any, stop: Any, num: Any, name: str | None = None, axis: int = 0) -> Tensor:
    """``num`` evenly spaced numbers from ``start`` to ``stop``, both included."""
    first = convert_to_tensor(start)
    last = convert_to_tensor(stop, dtype_hint=first.dtype)
    count = known(num, "num")
    if isinstance(count, int) and count <= 0:
        raise InvalidArgumentError(f"linspace needs num > 0, got {count}")
    steps = ops.cast(ops.iota(size=count, dtype=dtypes.int32), dtype=first.dtype)
    share = steps / _constant(max(count - 1, 1) if isinstance(count, int) else count - 1, first.dtype)
    rank = len(first.dims)
    if rank:
        first, last = (ops.expand_dims(t, axis=axis) for t in (first, last))
        shape = [1] * (rank + 1)
        shape[axis] = count
        share = ops.reshape(share, shape=tuple(shape))
    return first + (last - first) * share


def one_hot(
    indices: Any, depth: Any, on_value: Any = None, off_value: Any = None, axis: int | None = None,
    dtype: Any = None, name: str | None = None,
) -> Tensor:  # fmt: skip
    """``on_value`` at each index along a new axis, ``off_value`` elsewhere."""
    values = [v for v in (on_value, off_value) if v is not None]
    kind = dtypes.as_dtype(dtype) if dtype is not None else (
        convert_to_tensor(values[0]).dtype if values else dtypes.float32)  # fmt: skip
    at = -1 if axis is None else axis
    if not values:
        return ops.one_hot(convert_to_tensor(indices), depth=known(depth, "depth"), axis=at, dtype=kind)
    hot = ops.one_hot(convert_to_tensor(indices), depth=known(depth, "depth"), axis=at, dtype=dtypes.bool_)
    on = convert_to_tensor(1 if on_value is None else on_value, kind)
    return ops.select(hot, on, convert_to_tensor(0 if off_value is None else off_value, kind))


def sequence_mask(lengths: Any, maxlen: Any = None, dtype: Any = dtypes.bool_, name: str | None = None) -> Tensor:
    """True for the first ``lengths[i]`` places of row i."""
    rows = convert_to_tensor(lengths)
    if maxlen is None:
        count = static_value(rows)
        maxlen = int(np.max(count)) if count is not None else known(ops.reduce_max(rows), "maxlen")
    places = ops.cast(ops.iota(size=known(maxlen, "maxlen"), dtype=dtypes.int32), dtype=rows.dtype)
    mask = ops.less(places, ops.expand_dims(rows, axis=-1))
    return cast(mask, dtype)


def meshgrid(*args: Any, indexing: str = "xy", name: str | None = None) -> list[Tensor]:
    """Coordinate matrices from coordinate vectors."""
    vectors = [convert_to_tensor(a) for a in args]
    count = len(vectors)
    order = list(_range(count))
    if indexing == "xy" and count > 1:
        order[0], order[1] = 1, 0
    sizes = [vectors[order.index(i)].dims[0] for i in _range(count)]
    grids = []
    for i, vector in enumerate(vectors):
        shape = [1] * count
        shape[order[i]] = vector.dims[0]
        grids.append(ops.broadcast_to(ops.reshape(vector, shape=tuple(shape)), shape=tuple(sizes)))
    return grids


# --- dtype and identity ---------------------------------------------------------------------------------


def cast(x: Any, dtype: Any, name: str | None = None) -> Tensor:
    """The values in another dtype; floats are truncated to integers."""
    kind, t = dtypes.as_dtype(dtype), convert_to_tensor(x)
    return t if t.dtype is kind else ops.cast(t, dtype=kind)


def saturate_cast(value: Any, dtype: Any, name: str | None = None) -> Tensor:
    """Like `cast`, but numbers that do not fit become the nearest that do."""
    return ops.saturate_cast(convert_to_tensor(value), dtype=dtypes.as_dtype(dtype))


def identity(input: Any, name: str | None = None) -> Tensor:
    """A tensor of the same value."""
    return ops.identity(convert_to_tensor(input))


# --- shapes ---------------------------------------------------------------------------------------------


def shape(input: Any, out_type: Any = dtypes.int32, name: str | None = None) -> Tensor:
    """The sizes of the axes as a tensor."""
    return ops.shape_of(convert_to_tensor(input), out_type=dtypes.as_dtype(out_type))


def rank(input: Any, name: str | None = None) -> Tensor:
    """The number of axes as an int32 scalar."""
    return _constant(len(convert_to_tensor(input).dims))


def size(input: Any, out_type: Any = dtypes.int32, name: str | None = None) -> Tensor:
    """The number of elements as a scalar."""
    x = convert_to_tensor(input)
    count = _math.prod(x.dims)
    if isinstance(count, int):
        return _constant(count, dtypes.as_dtype(out_type))
    return ops.reduce_prod(shape(x, out_type))


def reshape(tensor: Any, shape: Any, name: str | None = None) -> Tensor:
    """The same elements in another shape; one size may be -1."""
    return ops.reshape(convert_to_tensor(tensor), shape=known_shape(shape))


def expand_dims(input: Any, axis: Any, name: str | None = None) -> Tensor:
    """An axis of size 1 is added."""
    return ops.expand_dims(convert_to_tensor(input), axis=known(axis, "axis"))


def squeeze(input: Any, axis: Any = None, name: str | None = None) -> Tensor:
    """Axes of size 1 are removed: all, or the ones given."""
    return ops.squeeze(convert_to_tensor(input), axis=None if axis is None else known(axis, "axis"))


def transpose(a: Any, perm: Any = None, conjugate: bool = False, name: str | None = "transpose") -> Tensor:
    """Axes in the order ``perm``; reversed without it."""
    x = convert_to_tensor(a)
    order = None if perm is None else tuple(known(perm, "perm"))
    result = ops.transpose(x, perm=order)
    return ops.conj(result) if conjugate and x.dtype.is_complex else result


def broadcast_to(input: Any, shape: Any, name: str | None = None) -> Tensor:
    """The tensor repeated along axes of size 1."""
    return ops.broadcast_to(convert_to_tensor(input), shape=known_shape(shape))


def ensure_shape(x: Any, shape: Any, name: str | None = None) -> Tensor:
    """The tensor, checked to have a shape; None matches any size."""
    return ops.ensure_shape(convert_to_tensor(x), shape=tuple(shape))


def reverse(tensor: Any, axis: Any, name: str | None = None) -> Tensor:
    """Axes run backwards."""
    axes = known(axis, "axis")
    return ops.reverse(convert_to_tensor(tensor), axis=tuple(axes) if isinstance(axes, list | tuple) else (axes,))


def roll(input: Any, shift: Any, axis: Any, name: str | None = None) -> Tensor:
    """Elements shifted along axes, around their ends."""
    shifts, axes = (_tuple(known(v, what)) for v, what in ((shift, "shift"), (axis, "axis")))
    return ops.roll(convert_to_tensor(input), shift=shifts, axis=axes)


def _tuple(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, list | tuple) else (value,)


# --- joining and splitting --------------------------------------------------------------------------------


def _alike(values: Any) -> list[Tensor]:
    """Tensors of one dtype: numbers take the dtype of the first tensor."""
    listed = list(values) if isinstance(values, list | tuple) else [values]
    hint = next((v.dtype for v in listed if isinstance(v, Operators)), None)
    return [convert_to_tensor(v, dtype_hint=hint) for v in listed]


def concat(values: Any, axis: Any, name: str = "concat") -> Tensor:
    """Tensors joined along an axis."""
    return ops.concat(*_alike(values), axis=known(axis, "axis"))


def stack(values: Any, axis: int = 0, name: str = "stack") -> Tensor:
    """Tensors of one shape joined along a new axis."""
    if isinstance(values, Operators):
        values = unstack(values)
    return ops.stack(*_alike(values), axis=known(axis, "axis"))


def unstack(value: Any, num: int | None = None, axis: int = 0, name: str = "unstack") -> list[Tensor]:
    """The slices along an axis."""
    return list(ops.unstack(convert_to_tensor(value), axis=axis))


def split(value: Any, num_or_size_splits: Any, axis: Any = 0, num: int | None = None, name: str = "split") -> list[Tensor]:
    """Equal parts, or parts of given sizes, along an axis."""
    x = convert_to_tensor(value)
    at = known(axis, "axis")
    total = x.dims[at]
    sizes = known(num_or_size_splits, "num_or_size_splits")
    if isinstance(sizes, int):
        if isinstance(total, int) and (sizes <= 0 or total % sizes):
            raise InvalidArgumentError(f"split: axis {at} of size {total} has no {sizes} equal parts")
        sizes = [total // sizes] * sizes
    if -1 in sizes:
        rest = total - sum(s for s in sizes if s != -1)
        sizes = [rest if s == -1 else s for s in sizes]
    return list(ops.split(x, sizes=tuple(sizes), axis=at))


def tile(input: Any, multiples: Any, name: str | None = None) -> Tensor:
    """The whole tensor repeated along each axis."""
    x, times = convert_to_tensor(input), known_shape(multiples, "multiples")
    if len(times) != len(x.dims):
        raise InvalidArgumentError(f"tile: {len(x.dims)} axes need as many multiples, got {times}")
    pairs = list(zip(x.dims, times, strict=True))
    apart = ops.reshape(x, shape=tuple(d for n, _ in pairs for d in (1, n)))
    wide = ops.broadcast_to(apart, shape=tuple(d for n, m in pairs for d in (m, n)))
    return ops.reshape(wide, shape=tuple(n * m for n, m in pairs))


def repeat(input: Any, repeats: Any, axis: int | None = None, name: str | None = None) -> Tensor:
    """Each element repeated along an axis (of the flattened tensor without one)."""
    x = convert_to_tensor(input)
    if axis is None:
        x, axis = ops.reshape(x, shape=(-1,)), 0
    axis = axis % len(x.dims)
    counts = static_value(repeats)
    if isinstance(counts, list | tuple) and len(counts) == 1:
        counts = counts[0]
    if isinstance(counts, int | Dim):
        return _repeat_each(x, counts, axis)
    times = convert_to_tensor(repeats, dtype_hint=dtypes.int32)
    if len(times.dims) != 1 or (isinstance(x.dims[axis], int) and times.dims != (x.dims[axis],)):
        raise InvalidArgumentError(
            f"repeat: axis {axis} has {x.dims[axis]} elements, repeats is of shape {times.shape}"
        )
    ends = ops.cumsum(times, axis=0)
    total = sum(counts) if counts is not None else None
    places = range(ops.reduce_sum(times)) if total is None else ops.iota(size=total)
    rows = ops.searchsorted(ops.cast(ends, dtype=dtypes.int32), ops.cast(places, dtype=dtypes.int32), side="right")
    return ops.gather(x, rows, axis=axis)


def _repeat_each(x: Tensor, count: Any, axis: int) -> Tensor:
    lead, size, rest = x.dims[:axis], x.dims[axis], x.dims[axis + 1 :]
    apart = ops.reshape(x, shape=(*lead, size, 1, *rest))
    wide = ops.broadcast_to(apart, shape=(*lead, size, count, *rest))
    return ops.reshape(wide, shape=(*lead, size * count, *rest))


def pad(
    tensor: Any, paddings: Any, mode: str = "CONSTANT", constant_values: Any = 0,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Widths (before, after) added to each axis; mode CONSTANT, REFLECT or SYMMETRIC."""
    x = convert_to_tensor(tensor)
    widths = tuple(tuple(pair) for pair in known(paddings, "paddings"))
    kind = mode.upper()
    if kind == "CONSTANT":
        return ops.pad(x, paddings=widths, value=known(constant_values, "constant_values"))
    if kind not in ("REFLECT", "SYMMETRIC"):
        raise ValueError(f"pad: mode is CONSTANT, REFLECT or SYMMETRIC, got {mode!r}")
    for axis, (before, after) in enumerate(widths):
        if (before, after) != (0, 0):
            x = _mirrored(x, axis, before, after, 0 if kind == "REFLECT" else 1)
    return x


def _mirrored(x: Tensor, axis: int, before: Any, after: Any, edge: int) -> Tensor:
    """Rows beyond the ends are taken from inside; ``edge`` is 1 if the end is repeated, too."""
    size = x.dims[axis]
    limit = size - 1 + edge
    if isinstance(limit, int) and builtins.max(before, after) > limit:
        raise InvalidArgumentError(f"pad: widths {before}, {after} are more than {limit} in axis {axis}")
    at: Any = ops.iota(size=size + before + after) - before
    at = ops.abs(at + edge) - edge if not edge else ops.select(at < 0, -1 - at, at)
    last: Any = ops.extent(size=size) - 1
    at = ops.select(at > last, 2 * last + edge - at, at)
    return ops.gather(x, at, axis=axis)


# --- indexing ---------------------------------------------------------------------------------------------


def gather(
    params: Any, indices: Any, validate_indices: Any = None, axis: Any = None, batch_dims: int = 0,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Slices of ``params`` along ``axis``; an index out of range raises ``InvalidArgumentError``."""
    at = batch_dims if axis is None else known(axis, "axis")
    rows = convert_to_tensor(indices, dtype_hint=dtypes.int32)
    return ops.gather(convert_to_tensor(params), rows, axis=at, batch_dims=batch_dims)


def gather_nd(params: Any, indices: Any, batch_dims: int = 0, name: str | None = None) -> Tensor:
    """Elements or slices at the positions in the last axis of ``indices``."""
    rows = convert_to_tensor(indices, dtype_hint=dtypes.int32)
    lead, rest = rows.dims[:batch_dims], rows.dims[batch_dims:-1]
    columns = []
    for axis, n in enumerate(lead):  # the batch axes come first, each row at its own place
        places = ops.cast(ops.iota(size=n), dtype=rows.dtype)
        places = ops.reshape(places, shape=(*(1,) * axis, n, *(1,) * (len(lead) + len(rest) - axis)))
        columns.append(ops.broadcast_to(places, shape=(*lead, *rest, 1)))
    return ops.gather_nd(convert_to_tensor(params), concat([*columns, rows], axis=-1) if columns else rows)


def boolean_mask(tensor: Any, mask: Any, axis: int | None = None, name: str = "boolean_mask") -> Tensor:
    """The parts of ``tensor`` where ``mask`` is true."""
    return ops.boolean_mask(convert_to_tensor(tensor), convert_to_tensor(mask), axis=axis or 0, size=data_size())


def where(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Tensor:
    """``x`` where the condition holds, ``y`` elsewhere; without them the positions of true elements."""
    test = convert_to_tensor(condition)
    if x is None and y is None:
        return ops.nonzero(test, size=data_size())
    if x is None or y is None:
        raise ValueError("where takes both x and y, or neither")
    first = convert_to_tensor(x, dtype_hint=y.dtype if isinstance(y, Operators) else None)
    return ops.select(test, first, convert_to_tensor(y, dtype_hint=first.dtype))


def slice(input_: Any, begin: Any, size: Any, name: str | None = None) -> Tensor:
    """``size`` elements from ``begin`` in each axis; -1 means all that are left."""
    x = convert_to_tensor(input_)
    starts, counts = known_shape(begin, "begin"), known_shape(size, "size")
    index = tuple(
        _slice(b, None if n == -1 else b + n) for b, n in zip(starts, counts, strict=True)
    )
    for b, n, d in zip(starts, counts, x.dims, strict=True):
        if isinstance(d, int) and isinstance(b, int) and isinstance(n, int) and b + max(n, 0) > d:
            raise InvalidArgumentError(f"slice: begin {b} and size {n} reach beyond an axis of {d}")
    return ops.strided_slice(x, index=index)


def strided_slice(
    input_: Any, begin: Any, end: Any, strides: Any = None, begin_mask: int = 0, end_mask: int = 0,
    ellipsis_mask: int = 0, new_axis_mask: int = 0, shrink_axis_mask: int = 0, var: Any = None,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Slices with steps, by TensorFlow's masks."""
    x = convert_to_tensor(input_)
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
            index.append(_slice(None if begin_mask & bit else b, None if end_mask & bit else e, s))
    return x[tuple(index)]  # type: ignore[index]


def scatter_nd(indices: Any, updates: Any, shape: Any, name: str | None = None) -> Tensor:
    """Zeros with ``updates`` added at positions."""
    rows = convert_to_tensor(indices, dtype_hint=dtypes.int32)
    return ops.scatter_nd(rows, convert_to_tensor(updates), shape=known_shape(shape))


def tensor_scatter_nd_update(tensor: Any, indices: Any, updates: Any, name: str | None = None) -> Tensor:
    """``tensor`` with ``updates`` written at positions."""
    return _scatter(ops.tensor_scatter_update, tensor, indices, updates)


def tensor_scatter_nd_add(tensor: Any, indices: Any, updates: Any, name: str | None = None) -> Tensor:
    """``tensor`` with ``updates`` added at positions."""
    return _scatter(ops.tensor_scatter_add, tensor, indices, updates)


def _scatter(op: Any, tensor: Any, indices: Any, updates: Any) -> Tensor:
    x = convert_to_tensor(tensor)
    rows = convert_to_tensor(indices, dtype_hint=dtypes.int32)
    return op(x, rows, convert_to_tensor(updates, dtype_hint=x.dtype))


# --- order ------------------------------------------------------------------------------------------------


def sort(values: Any, axis: int = -1, direction: str = "ASCENDING", name: str | None = None) -> Tensor:
    """Sorted along an axis."""
    return ops.sort(convert_to_tensor(values), axis=axis, descending=_descending(direction))


def argsort(values: Any, axis: int = -1, direction: str = "ASCENDING", stable: bool = False, name: str | None = None) -> Tensor:
    """The indices that sort an axis; equal elements keep their order."""
    return ops.argsort(convert_to_tensor(values), axis=axis, descending=_descending(direction))


def _descending(direction: str) -> bool:
    if direction not in ("ASCENDING", "DESCENDING"):
        raise ValueError(f"direction is 'ASCENDING' or 'DESCENDING', got {direction!r}")
    return direction == "DESCENDING"
