"""New tensors: constants, zeros, ranges, grids."""

from __future__ import annotations

import builtins
import math
from typing import Any

from graphc.api.arguments import (
    alike,
    data_size,
    known,
    known_shape,
    known_size,
    like,
    natural,
)
from graphc.errors import DTypeError, InvalidArgumentError
from graphc.ir import dtypes
from graphc.ir.dims import Dim
from graphc.ops import ops
from graphc.trace.dispatch import constant as _constant
from graphc.trace.dispatch import convert_to_tensor, static_value
from graphc.trace.tensor import Operators, Tensor


def constant(value: Any, dtype: Any = None, shape: Any = None, name: str = "Const") -> Tensor:
    """Make a tensor of numbers, nested lists or an array (TF: ``tf.constant``).

    Python ints become int32, floats float32; arrays keep their dtype.  With ``shape`` the value is
    reshaped, or repeated if it is a single number.

    Raises ``DTypeError`` if the value does not fit ``dtype``.
    """
    want = None if dtype is None else dtypes.as_dtype(dtype)
    if isinstance(value, Operators):
        result = convert_to_tensor(value)
        result = result if want in (None, result.dtype) else ops.cast(result, dtype=want)
    else:
        result = _constant(value, want)
    if shape is None:
        return result
    wanted = known_shape(shape)
    if math.prod(result.dims) == 1:
        return fill(wanted, result)
    return ops.reshape(result, shape=wanted)


def fill(dims: Any, value: Any, name: str | None = None, layout: Any = None) -> Tensor:
    """Make a tensor of shape ``dims`` that holds one value everywhere."""
    one = ops.reshape(convert_to_tensor(value), shape=())
    return ops.broadcast_to(one, shape=known_shape(dims))


def _filled(shape: Any, number: int, dtype: Any) -> Tensor:
    kind = dtypes.as_dtype(dtype)
    value: Any = bool(number) if kind.is_bool else "" if kind is dtypes.string else number
    return fill(shape, _constant(value, kind))


def zeros(
    shape: Any, dtype: Any = dtypes.float32, name: str | None = None, layout: Any = None
) -> Tensor:
    """Make a tensor of zeros (False for bool, "" for string)."""
    return _filled(shape, 0, dtype)


def ones(
    shape: Any, dtype: Any = dtypes.float32, name: str | None = None, layout: Any = None
) -> Tensor:
    """Make a tensor of ones (True for bool)."""
    return _filled(shape, 1, dtype)


def zeros_like(
    input: Any, dtype: Any = None, name: str | None = None, layout: Any = None
) -> Tensor:
    """Make zeros of the shape of ``input``, and of its dtype unless another is given."""
    x = convert_to_tensor(input)
    if x.dtype is dtypes.string or dtype is not None:
        return zeros(x.dims, x.dtype if dtype is None else dtype)
    return ops.zeros_like(x)


def ones_like(input: Any, dtype: Any = None, name: str | None = None, layout: Any = None) -> Tensor:
    """Make ones of the shape of ``input``, and of its dtype unless another is given."""
    x = convert_to_tensor(input)
    return ops.ones_like(x) if dtype is None else ones(x.dims, dtype)


def eye(
    num_rows: Any, num_columns: Any = None, batch_shape: Any = None, dtype: Any = dtypes.float32,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Make the identity matrix [num_rows, num_columns], or a batch of it."""
    rows = natural(known_size(num_rows, "num_rows"), "num_rows")
    columns = rows if num_columns is None else known_size(num_columns, "num_columns")
    i = ops.reshape(ops.iota(size=rows, dtype=dtypes.int32), shape=(rows, 1))
    matrix = ops.cast(
        ops.equal(i, ops.iota(size=columns, dtype=dtypes.int32)), dtype=dtypes.as_dtype(dtype)
    )
    if batch_shape is None:
        return matrix
    return ops.broadcast_to(matrix, shape=(*known_shape(batch_shape), rows, columns))


def range(
    start: Any, limit: Any = None, delta: Any = 1, dtype: Any = None, name: str = "range"
) -> Tensor:
    """Make the vector of numbers from ``start`` below ``limit`` in steps of ``delta``.

    With one argument it counts from 0.  The length may depend on tensors.
    """
    first, last = (0, start) if limit is None else (start, limit)
    bounds = _one_dtype(first, last, delta, None if dtype is None else dtypes.as_dtype(dtype))
    size = _length(*(static_value(v) for v in (first, last, delta)))
    if size is None:
        return ops.range(*bounds, size=data_size())
    kind, (low, _, step) = bounds[0].dtype, bounds
    places = ops.iota(size=size, dtype=kind)
    known_step, known_low = static_value(delta), static_value(first)
    places = places if _is(known_step, 1) else ops.multiply(places, step)
    return places if _is(known_low, 0) else ops.add(places, low)


def _is(value: Any, number: int) -> bool:
    return not isinstance(value, Dim) and value == number


def _one_dtype(first: Any, last: Any, delta: Any, dtype: Any) -> list[Tensor]:
    """The bounds in one dtype: the one asked for, else the widest among them, as in TensorFlow."""
    tensors = [convert_to_tensor(v) for v in (first, last, delta)]
    if dtype is None:
        order = (dtypes.int32, dtypes.int64, dtypes.float32, dtypes.float64)
        kinds = [t.dtype for t in tensors]
        ranked = [k for k in order if k in kinds]
        dtype = ranked[-1] if ranked else kinds[0]
    return [t if t.dtype is dtype else ops.cast(t, dtype=dtype) for t in tensors]


def _length(first: Any, last: Any, delta: Any) -> Any:
    """How many numbers a range has; None if only running tells."""
    if first is None or last is None or delta is None:
        return None
    if delta == 0:
        raise InvalidArgumentError("range: delta must not be 0")
    if not any(isinstance(v, Dim) for v in (first, last)):
        return max(math.ceil((last - first) / delta), 0)
    counted = isinstance(delta, int) and delta > 0 and not isinstance(first, float)
    # a symbolic bound is a size: counting from 0 to it cannot give a negative number
    return -((first - last) // delta) if counted and first == 0 else None


def linspace(start: Any, stop: Any, num: Any, name: str | None = None, axis: int = 0) -> Tensor:
    """Make ``num`` evenly spaced numbers from ``start`` to ``stop``, both included.

    ``start`` and ``stop`` may be tensors of one shape; ``axis`` is where the new axis goes.
    """
    first, last = alike(start, stop)
    if first.dtype.is_integer:
        first, last = (ops.cast(t, dtype=dtypes.float64) for t in (first, last))
    count = known_size(num, "num")
    natural(count, "linspace: num")
    places = ops.iota(size=count, dtype=dtypes.int32)
    steps = ops.maximum(ops.extent(size=count, dtype=first.dtype) - 1, 1)
    share: Any = ops.cast(places, dtype=first.dtype) / steps
    ends = ops.equal(share, 1)
    rank = len(first.dims)
    if rank:
        at = axis % (rank + 1)
        first, last = (ops.expand_dims(t, axis=at) for t in (first, last))
        shape = tuple(count if i == at else 1 for i in builtins.range(rank + 1))
        share, ends = (ops.reshape(t, shape=shape) for t in (share, ends))
    return ops.select(ends, last, first + (last - first) * share)  # type: ignore[operator]


def one_hot(
    indices: Any, depth: Any, on_value: Any = None, off_value: Any = None, axis: Any = None,
    dtype: Any = None, name: str | None = None,
) -> Tensor:  # fmt: skip
    """Mark each index of ``indices`` [...] along a new axis of size ``depth`` (the last).

    ``on_value`` (1) stands at the index, ``off_value`` (0) elsewhere; indices out of range give
    ``off_value`` only.  The dtype is float32 unless given, or that of the values.
    """
    rows = convert_to_tensor(indices, dtype_hint=dtypes.int32)
    count = natural(known_size(depth, "depth"), "depth")
    at = dict(depth=count, axis=-1 if axis is None else known(axis, "axis"))
    values = [v for v in (on_value, off_value) if v is not None]
    if not values:
        kind = dtypes.float32 if dtype is None else dtypes.as_dtype(dtype)
        return ops.one_hot(rows, dtype=kind, **at)
    kind = convert_to_tensor(values[0]).dtype if dtype is None else dtypes.as_dtype(dtype)
    on, off = (
        convert_to_tensor(default if v is None else v, dtype_hint=kind)
        for v, default in ((on_value, 1), (off_value, 0))
    )
    return ops.select(ops.one_hot(rows, dtype=dtypes.bool_, **at), on, off)


def sequence_mask(
    lengths: Any, maxlen: Any = None, dtype: Any = dtypes.bool_, name: str | None = None
) -> Tensor:
    """True for the first ``lengths[i]`` places of row i, shape [..., maxlen].

    Without ``maxlen`` it is the greatest length.
    """
    rows = convert_to_tensor(lengths)
    if maxlen is None:
        maxlen = ops.maximum(ops.reduce_max(rows), 0)
    places = ops.iota(size=natural(known_size(maxlen, "maxlen"), "maxlen"), dtype=rows.dtype)
    mask = ops.less(places, ops.expand_dims(rows, axis=-1))
    kind = dtypes.as_dtype(dtype)
    return mask if kind.is_bool else ops.cast(mask, dtype=kind)


def meshgrid(*args: Any, indexing: str = "xy", name: str | None = None) -> list[Tensor]:
    """Make coordinate matrices from coordinate vectors; ``indexing`` is 'xy' or 'ij'."""
    if indexing not in ("xy", "ij"):
        raise ValueError(f"meshgrid: indexing is 'xy' or 'ij', got {indexing!r}")
    vectors = [ops.reshape(convert_to_tensor(a), shape=(-1,)) for a in args]
    order = list(builtins.range(len(vectors)))
    if indexing == "xy" and len(vectors) > 1:
        order[:2] = [1, 0]
    sizes = tuple(vectors[i].dims[0] for i in order)
    grids = []
    for i, vector in enumerate(vectors):
        shape = tuple(vector.dims[0] if k == i else 1 for k in order)
        grids.append(ops.broadcast_to(ops.reshape(vector, shape=shape), shape=sizes))
    return grids


def complex(real: Any, imag: Any, name: str | None = None) -> Tensor:
    """Make complex numbers of two float tensors of one dtype."""
    x = convert_to_tensor(real)
    if not x.dtype.is_floating:
        raise DTypeError(f"complex: real and imag are float32 or float64, got {x.dtype.name}")
    return ops.complex(x, like(imag, x))
