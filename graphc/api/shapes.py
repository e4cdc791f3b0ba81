"""Shapes and dtypes of tensors, and what joins, splits, repeats and pads them."""

from __future__ import annotations

import builtins
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc.api.arguments import (
    alike,
    data_size,
    known,
    known_axes,
    known_shape,
    known_tuple,
)
from graphc.errors import InvalidArgumentError
from graphc.ir import dtypes
from graphc.ir.dims import Dim, DimLike
from graphc.ir.types import broadcast_shapes
from graphc.ops import ops
from graphc.trace.dispatch import constant, convert_to_tensor, static_value
from graphc.trace.growing import stacked
from graphc.trace.shape import TensorShape
from graphc.trace.tensor import Operators, SymbolicTensor, Tensor

# --- dtype and identity ---------------------------------------------------------------------------


def cast(x: Any, dtype: Any, name: str | None = None) -> Tensor:
    """Convert to another dtype; floats are truncated towards 0, complex numbers lose ``imag``."""
    kind, t = dtypes.as_dtype(dtype), convert_to_tensor(x)
    return t if t.dtype is kind else ops.cast(t, dtype=kind)


def saturate_cast(value: Any, dtype: Any, name: str | None = None) -> Tensor:
    """Convert like `cast`, but numbers that do not fit become the nearest that do."""
    return ops.saturate_cast(convert_to_tensor(value), dtype=dtypes.as_dtype(dtype))


def bitcast(input: Any, type: Any, name: str | None = None) -> Tensor:
    """Read the same bits as another dtype of the same size."""
    return ops.bitcast(convert_to_tensor(input), dtype=dtypes.as_dtype(type))


def identity(input: Any, name: str | None = None) -> Tensor:
    """Return a tensor of the same value."""
    return ops.identity(convert_to_tensor(input))


def identity_n(input: Sequence[Any], name: str | None = None) -> list[Tensor]:
    """Return tensors of the same values."""
    return [identity(t) for t in input]


def is_tensor(x: Any) -> bool:
    """Whether ``x`` is a tensor or a Variable."""
    return isinstance(x, Operators)


# --- sizes ----------------------------------------------------------------------------------------


def shape(input: Any, out_type: Any = dtypes.int32, name: str | None = None) -> Tensor:
    """Return the sizes of the axes as a vector."""
    return ops.shape_of(convert_to_tensor(input), out_type=dtypes.as_dtype(out_type))


def shape_n(input: Sequence[Any], out_type: Any = dtypes.int32, name: Any = None) -> list[Tensor]:
    """Return the shapes of several tensors."""
    return [shape(t, out_type) for t in input]


def rank(input: Any, name: str | None = None) -> Tensor:
    """Return the number of axes as an int32 scalar."""
    return constant(len(convert_to_tensor(input).dims))


def size(input: Any, out_type: Any = dtypes.int32, name: str | None = None) -> Tensor:
    """Return the number of elements as a scalar."""
    x, kind = convert_to_tensor(input), dtypes.as_dtype(out_type)
    count = math.prod(x.dims)
    return constant(count, kind) if isinstance(count, int) else ops.extent(size=count, dtype=kind)


def broadcast_static_shape(shape_x: Any, shape_y: Any) -> TensorShape:
    """Return the shape that two shapes broadcast to."""
    return TensorShape(np.broadcast_shapes(tuple(shape_x), tuple(shape_y)))


# --- one tensor in another shape ------------------------------------------------------------------


def reshape(tensor: Any, shape: Any, name: str | None = None) -> Tensor:
    """Arrange the elements in another shape; one size may be -1."""
    return ops.reshape(convert_to_tensor(tensor), shape=known_shape(shape))


def expand_dims(input: Any, axis: Any, name: str | None = None) -> Tensor:
    """Add an axis of size 1 before ``axis`` (at the end for -1)."""
    return ops.expand_dims(convert_to_tensor(input), axis=known(axis, "axis"))


def squeeze(input: Any, axis: Any = None, name: str | None = None) -> Tensor:
    """Remove axes of size 1: all of them, or the ones given."""
    return ops.squeeze(
        convert_to_tensor(input), axis=None if axis is None else known_tuple(axis, "axis")
    )


def transpose(a: Any, perm: Any = None, conjugate: bool = False, name: str = "transpose") -> Tensor:
    """Put the axes in the order ``perm``; reverse them without it."""
    x = convert_to_tensor(a)
    order = range(len(x.dims))[::-1] if perm is None else known_tuple(perm, "perm")
    result = ops.transpose(x, perm=tuple(order))
    return ops.conj(result) if conjugate and x.dtype.is_complex else result


def broadcast_to(input: Any, shape: Any, name: str | None = None) -> Tensor:
    """Repeat a tensor along axes of size 1, and new ones in front, to a shape."""
    return ops.broadcast_to(convert_to_tensor(input), shape=known_shape(shape))


def ensure_shape(x: Any, shape: Any, name: str | None = None) -> Tensor:
    """Check a shape; None stands for any size.  Raises ``InvalidArgumentError``."""
    return ops.ensure_shape(convert_to_tensor(x), shape=tuple(shape))


def reverse(tensor: Any, axis: Any, name: str | None = None) -> Tensor:
    """Let axes run backwards."""
    x = convert_to_tensor(tensor)
    listed = known_tuple(axis, "axis")
    axes = known_axes(listed, len(x.dims))
    if len(axes) != len(listed):
        raise InvalidArgumentError(f"reverse: an axis is named twice in {listed}")
    return ops.reverse(x, axis=axes)


def roll(input: Any, shift: Any, axis: Any, name: str | None = None) -> Tensor:
    """Shift elements along axes; what leaves at one end enters at the other."""
    shifts, axes = known_tuple(shift, "shift"), known_tuple(axis, "axis")
    if len(shifts) != len(axes):
        raise InvalidArgumentError(f"roll: {len(shifts)} shifts for {len(axes)} axes")
    return ops.roll(convert_to_tensor(input), shift=shifts, axis=axes)


# --- joining and splitting ------------------------------------------------------------------------


def concat(values: Any, axis: Any, name: str = "concat") -> Tensor:
    """Join tensors along an axis; their other axes agree."""
    rows, at = stacked(values), known(axis, "axis")
    if rows is not None:  # [n, ..., d, ...]: n comes before d, then they are one axis
        at = at % (rows.ndim - 1)
        rows = _moved(rows, 0, at)
        shape = (*rows.dims[:at], rows.dims[at] * rows.dims[at + 1], *rows.dims[at + 2 :])
        return ops.reshape(rows, shape=shape)
    listed = [values] if isinstance(values, Operators) else list(values)
    if not listed:
        raise InvalidArgumentError("concat needs at least one tensor, got none")
    return ops.concat(*alike(*listed), axis=known(axis, "axis"))


def _moved(x: Tensor, source: int, target: int) -> Tensor:
    """A tensor with one of its axes in another place."""
    axes = [i for i in range(x.ndim) if i != source]
    axes.insert(target, source)
    return x if axes == list(range(x.ndim)) else ops.transpose(x, perm=tuple(axes))


def stack(values: Any, axis: Any = 0, name: str = "stack") -> Tensor:
    """Join tensors of one shape along a new axis."""
    rows = stacked(values)
    if rows is not None:
        return _moved(rows, 0, known(axis, "axis") % rows.ndim)
    listed = unstack(values) if isinstance(values, Operators) else list(values)
    if not listed:
        return convert_to_tensor([], dtypes.float32)
    return ops.stack(*alike(*listed), axis=known(axis, "axis"))


def unstack(value: Any, num: int | None = None, axis: int = 0, name: str = "unstack") -> Any:
    """Return the slices along an axis, whose size must be known while tracing."""
    x = convert_to_tensor(value)
    rows = list(ops.unstack(x, axis=axis))
    if num is not None and num != len(rows):
        raise InvalidArgumentError(f"unstack: num is {num}, but axis {axis} has {len(rows)} slices")
    return rows


def split(
    value: Any, num_or_size_splits: Any, axis: Any = 0, num: Any = None, name: str = "split"
) -> list[Tensor]:
    """Cut an axis into equal parts (an int), or into parts of given sizes (one may be -1)."""
    x, at = convert_to_tensor(value), known(axis, "axis")
    sizes = known(num_or_size_splits, "num_or_size_splits")
    if not -len(x.dims) <= at < len(x.dims):
        raise InvalidArgumentError(f"split: axis {at} is out of range for {len(x.dims)} axes")
    total = x.dims[at]
    if isinstance(sizes, int):
        if sizes <= 0 or (isinstance(total, int) and total % sizes):
            raise InvalidArgumentError(f"split: {total} elements make no {sizes} equal parts")
        sizes = [total // sizes] * sizes
    if -1 in sizes:
        rest = total - sum(n for n in sizes if n != -1)
        sizes = [rest if n == -1 else n for n in sizes]
    return list(ops.split(x, sizes=tuple(sizes), axis=at))


def meets(x: Tensor, axis: int) -> int:
    """An axis of a tensor as a non-negative int; raises if it has none such."""
    if not -len(x.dims) <= axis < len(x.dims):
        raise InvalidArgumentError(f"axis {axis} is out of range for {len(x.dims)} axes")
    return axis % len(x.dims)


# --- repeating ------------------------------------------------------------------------------------


def tile(input: Any, multiples: Any, name: str | None = None) -> Tensor:
    """Repeat the whole tensor along each axis."""
    x, times = convert_to_tensor(input), known_shape(multiples, "multiples")
    if len(times) != len(x.dims):
        raise InvalidArgumentError(f"tile: {len(x.dims)} axes need as many multiples, got {times}")
    pairs = list(zip(x.dims, times, strict=True))
    apart = ops.reshape(x, shape=tuple(d for n, _ in pairs for d in (1, n)))
    wide = ops.broadcast_to(apart, shape=tuple(d for n, m in pairs for d in (m, n)))
    return ops.reshape(wide, shape=tuple(n * m for n, m in pairs))


def repeat(input: Any, repeats: Any, axis: Any = None, name: str | None = None) -> Tensor:
    """Repeat each element along an axis (of the flattened tensor without one).

    ``repeats`` is a number, or one number for each element.
    """
    x = convert_to_tensor(input)
    if axis is None:
        x, axis = ops.reshape(x, shape=(-1,)), 0
    at, counts = meets(x, axis), static_value(repeats)
    if isinstance(counts, list | tuple) and len(counts) == 1:
        counts = counts[0]
    if isinstance(counts, int | Dim):
        return _repeat_each(x, counts, at)
    times = convert_to_tensor(repeats, dtype_hint=dtypes.int32)
    if len(times.dims) != 1 or (isinstance(x.dims[at], int) and times.dims != (x.dims[at],)):
        raise InvalidArgumentError(
            f"repeat: axis {at} has {x.dims[at]} elements, but repeats is of shape {times.shape}"
        )
    ends = ops.cumsum(ops.cast(times, dtype=dtypes.int32), axis=0)
    if counts is not None:
        places = ops.iota(size=sum(counts))
    else:
        total = ops.cast(ops.reduce_sum(times), dtype=dtypes.int32)
        places = ops.range(constant(0), total, constant(1), size=data_size())
    return ops.gather(x, ops.searchsorted(ends, places, side="right"), axis=at)


def _repeat_each(x: Tensor, count: DimLike, axis: int) -> Tensor:
    lead, size, rest = x.dims[:axis], x.dims[axis], x.dims[axis + 1 :]
    apart = ops.reshape(x, shape=(*lead, size, 1, *rest))
    wide = ops.broadcast_to(apart, shape=(*lead, size, count, *rest))
    return ops.reshape(wide, shape=(*lead, size * count, *rest))


# --- padding --------------------------------------------------------------------------------------


def pad(
    tensor: Any, paddings: Any, mode: str = "CONSTANT", constant_values: Any = 0,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Add widths (before, after) to each axis: ``paddings`` is [rank, 2].

    ``mode`` is CONSTANT (``constant_values``), REFLECT (the end is not repeated) or SYMMETRIC.
    """
    x, kind = convert_to_tensor(tensor), mode.upper()
    widths = tuple(tuple(pair) for pair in known(paddings, "paddings"))
    if kind == "CONSTANT":
        return ops.pad(x, paddings=widths, value=known(constant_values, "constant_values"))
    if kind not in ("REFLECT", "SYMMETRIC"):
        raise ValueError(f"pad: mode is CONSTANT, REFLECT or SYMMETRIC, got {mode!r}")
    for axis, (before, after) in enumerate(widths):
        if (before, after) != (0, 0):
            x = _mirrored(x, axis, before, after, 0 if kind == "REFLECT" else 1)
    return x


def _mirrored(x: Tensor, axis: int, before: DimLike, after: DimLike, edge: int) -> Tensor:
    """Rows beyond the ends are taken from inside; ``edge`` is 1 if the ends are repeated."""
    size = x.dims[axis]
    limit = size - 1 + edge
    if isinstance(limit, int) and builtins.max(before, after) > limit:  # type: ignore[type-var]
        raise InvalidArgumentError(
            f"pad: widths {before} and {after} are more than {limit}, what axis {axis} can mirror"
        )
    at: Any = ops.iota(size=size + before + after) - ops.extent(size=before)
    at = ops.select(ops.less(at, 0), -edge - at, at)
    last: Any = ops.extent(size=size) - 1
    at = ops.select(ops.greater(at, last), last * 2 + edge - at, at)
    return ops.gather(x, at, axis=axis)


# --- names from graphs that were run by hand ------------------------------------------------------


def broadcast_dynamic_shape(shape_x: Any, shape_y: Any) -> Tensor:
    """Return the shape that two shapes (vectors of integers) broadcast to."""
    x, y = known_shape(shape_x), known_shape(shape_y)
    parts = (d if isinstance(d, int) else ops.extent(size=d) for d in broadcast_shapes(x, y))
    return convert_to_tensor(list(parts), dtype_hint=dtypes.int32)


def tuple_(
    tensors: Sequence[Any], control_inputs: Any = None, name: str | None = None
) -> list[Any]:
    """Return the tensors; graphs run all they need in order anyway."""
    return [None if t is None else identity(t) for t in tensors]


def is_symbolic_tensor(tensor: Any) -> bool:
    """Whether it is a tensor of a function that is being traced."""
    return isinstance(tensor, SymbolicTensor)
