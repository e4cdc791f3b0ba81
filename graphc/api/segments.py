"""Rows that belong together: sums, extremes and counts for each segment, bin or class."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc.api.arguments import data_size, known, known_size, like
from graphc.api.checks import assert_greater_equal
from graphc.api.reductions import reduce_max
from graphc.api.shapes import cast
from graphc.errors import InvalidArgumentError
from graphc.ir import dims, dtypes
from graphc.ops import ops
from graphc.trace.dispatch import convert_to_tensor
from graphc.trace.tensor import EagerTensor, Tensor

# --- segments that are named in any order ---------------------------------------------------------


def _folded(data: Any, segment_ids: Any, count: Any, start: Any, op: Callable[..., Any]) -> Tensor:
    """The rows of each segment folded into ``start``; rows with negative ids are left out."""
    x = convert_to_tensor(data)
    rows: Any = convert_to_tensor(segment_ids, dtype_hint=dtypes.int32)
    rank = len(rows.dims)
    flat = ops.reshape(x, shape=(dims.product(rows.dims), *x.dims[rank:]))
    rows = ops.reshape(rows, shape=(-1,))
    if isinstance(rows, EagerTensor) and not (rows._array < 0).any():
        return op(ops.broadcast_to(like(start, x), shape=(count, *x.dims[rank:])), rows, flat)
    # what is left out goes to one row more, and ids that reach it go beyond
    beyond = rows + ops.cast(ops.greater_equal(rows, _size(count, rows)), dtype=rows.dtype)
    rows = ops.select(ops.less(rows, 0), _size(count, rows), beyond)
    first = ops.broadcast_to(like(start, x), shape=(count + 1, *x.dims[rank:]))
    return ops.strided_slice(op(first, rows, flat), index=(slice(0, count),))


def _size(count: Any, like: Any) -> Any:
    return ops.extent(size=count, dtype=like.dtype)


def _add(x: Any, rows: Any, updates: Any) -> Any:
    return ops.scatter_add(x, rows, updates, axis=0)


def _scatter(name: str) -> Callable[..., Any]:
    def fold(x: Any, rows: Any, updates: Any) -> Any:
        return getattr(ops, name)(x, ops.expand_dims(rows, axis=-1), updates)

    return fold


def unsorted_segment_sum(
    data: Any, segment_ids: Any, num_segments: Any, name: str | None = None
) -> Tensor:
    """Sum of the rows of each segment: shape [num_segments, ...]."""
    return _folded(data, segment_ids, known_size(num_segments, "num_segments"), 0, _add)


def unsorted_segment_prod(
    data: Any, segment_ids: Any, num_segments: Any, name: str | None = None
) -> Tensor:
    """Product of the rows of each segment; 1 for none."""
    count = known_size(num_segments, "num_segments")
    return _folded(data, segment_ids, count, 1, _scatter("tensor_scatter_mul"))


def _counts(data: Any, segment_ids: Any, count: Any) -> Tensor:
    """How many rows each segment has, at least 1, ready to divide by."""
    x, rows = convert_to_tensor(data), convert_to_tensor(segment_ids, dtype_hint=dtypes.int32)
    rows_in = _folded(ops.broadcast_to(like(1, x), shape=rows.dims), rows, count, 0, _add)
    rest = (1,) * (len(x.dims) - len(rows.dims))
    return ops.reshape(ops.maximum(rows_in, 1), shape=(count, *rest))


def unsorted_segment_mean(
    data: Any, segment_ids: Any, num_segments: Any, name: str | None = None
) -> Tensor:
    """Mean of the rows of each segment; 0 for none."""
    count = known_size(num_segments, "num_segments")
    total = unsorted_segment_sum(data, segment_ids, count)
    return _quotient(total, _counts(data, segment_ids, count))


def _quotient(x: Tensor, y: Tensor) -> Tensor:
    return ops.truncatediv(x, y) if x.dtype.is_integer else ops.divide(x, y)


def unsorted_segment_sqrt_n(
    data: Any, segment_ids: Any, num_segments: Any, name: str | None = None
) -> Tensor:
    """Sum of the rows of each segment by the square root of their number."""
    count = known_size(num_segments, "num_segments")
    total = unsorted_segment_sum(data, segment_ids, count)
    return ops.divide(total, ops.sqrt(_counts(data, segment_ids, count)))


def _unsorted_extreme(name: str, op: str, lowest: bool) -> Callable[..., Tensor]:
    def call(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Tensor:
        x, count = convert_to_tensor(data), known_size(num_segments, "num_segments")
        first = x.dtype.min if lowest else x.dtype.max
        return _folded(x, segment_ids, count, first, _scatter(op))

    call.__doc__ = f"{'Largest' if lowest else 'Smallest'} element of each segment's rows."
    call.__name__ = call.__qualname__ = name
    return call


unsorted_segment_max = _unsorted_extreme("unsorted_segment_max", "tensor_scatter_max", True)
unsorted_segment_min = _unsorted_extreme("unsorted_segment_min", "tensor_scatter_min", False)

# --- segments in order ----------------------------------------------------------------------------


def _sorted(name: str, doc: str, none_is_zero: bool = False) -> Callable[..., Tensor]:
    """The same for ids that never fall; their number is the last id and 1."""
    fold = globals()[f"unsorted_{name}"]

    def call(data: Any, segment_ids: Any, name: str | None = None) -> Tensor:
        x, ids = convert_to_tensor(data), convert_to_tensor(segment_ids, dtype_hint=dtypes.int32)
        count = ops.segments(ids, size=data_size()).dims[0]
        found = fold(x, ids, count)
        if not none_is_zero:
            return found
        ones = ops.broadcast_to(like(1, ids), shape=ids.dims)
        filled = ops.greater(unsorted_segment_sum(ones, ids, count), 0)
        filled = ops.reshape(filled, shape=(count, *(1,) * (len(x.dims) - 1)))
        return ops.select(filled, found, ops.zeros_like(found))

    call.__doc__ = f"{doc}  The ids must be sorted; their last tells the number of segments."
    call.__name__ = call.__qualname__ = name
    return call


segment_sum = _sorted("segment_sum", "Sum of the rows of each segment.")
segment_mean = _sorted("segment_mean", "Mean of the rows of each segment.")
segment_prod = _sorted("segment_prod", "Product of the rows of each segment; 1 for none.")
segment_max = _sorted("segment_max", "Largest element of each segment's rows; 0 for none.", True)
segment_min = _sorted("segment_min", "Smallest element of each segment's rows; 0 for none.", True)

# --- counting -------------------------------------------------------------------------------------


def bincount(
    arr: Any, weights: Any = None, minlength: Any = None, maxlength: Any = None,
    dtype: Any = dtypes.int32, name: str | None = None, axis: Any = None,
    binary_output: bool = False,
) -> Tensor:  # fmt: skip
    """Count each number of a tensor of small non-negative integers, or sum weights for it.

    The result has a place for each number up to the greatest, at least ``minlength`` and at most
    ``maxlength`` (greater numbers are left out).  ``axis=-1`` counts each row [batch, n] by itself;
    ``binary_output`` only tells whether a number is there.
    """
    x: Any = convert_to_tensor(arr, dtype_hint=dtypes.int32)
    if axis is not None and known(axis, "axis") not in (0, -1):
        raise InvalidArgumentError(f"bincount: axis is None, 0 or -1, got {axis}")
    rows = x.dims[0] if axis == -1 and len(x.dims) == 2 else 1
    assert_greater_equal(x, 0, message="bincount counts numbers from 0")
    size = _places(x, minlength, maxlength)
    x = ops.reshape(x, shape=(rows, -1))
    kind = dtypes.as_dtype(dtype) if weights is None else convert_to_tensor(weights).dtype
    at = ops.minimum(x, _size(size, x))  # what is left out goes to one place more
    first = ops.reshape(ops.iota(size=rows, dtype=x.dtype), shape=(rows, 1))
    at = ops.reshape(at + first * _size(size + 1, x), shape=(-1,))
    added = ops.reshape(cast(1 if weights is None else weights, kind), shape=(-1,))
    zeros = ops.broadcast_to(cast(0, kind), shape=(rows * (size + 1),))
    found = _add(zeros, at, ops.broadcast_to(added, shape=at.dims))
    found = ops.strided_slice(
        ops.reshape(found, shape=(rows, size + 1)), index=(slice(None), slice(0, size))
    )
    if binary_output:
        found = ops.cast(ops.not_equal(found, 0), dtype=kind)
    return found if axis == -1 and len(convert_to_tensor(arr).dims) == 2 else found[0]  # type: ignore


def _places(x: Any, minlength: Any, maxlength: Any) -> Any:
    """How many numbers are counted."""
    size = reduce_max(ops.concat(ops.reshape(x, shape=(-1,)), like([-1], x), axis=0)) + 1
    if minlength is not None:
        size = ops.maximum(size, cast(minlength, size.dtype))
    if maxlength is not None:
        size = ops.minimum(size, cast(maxlength, size.dtype))
    return known_size(size, "the number of bins")


def confusion_matrix(
    labels: Any, predictions: Any, num_classes: Any = None, weights: Any = None,
    dtype: Any = dtypes.int32, name: str | None = None,
) -> Tensor:  # fmt: skip
    """Count pairs (label, prediction): shape [num_classes, num_classes], one row a label."""
    y, p = (cast(convert_to_tensor(t), dtypes.int64) for t in (labels, predictions))
    y, p = _without_last(y, p)
    if num_classes is None:
        num_classes = ops.maximum(reduce_max(y), reduce_max(p)) + 1  # type: ignore[operator]
    count, kind = known_size(num_classes, "num_classes"), dtypes.as_dtype(dtype)
    places = ops.stack(y, p, axis=1)
    one = cast(1 if weights is None else weights, kind)
    return ops.scatter_nd(places, ops.broadcast_to(one, shape=y.dims), shape=(count, count))


def _without_last(y: Any, p: Any) -> tuple[Tensor, Tensor]:
    """Vectors; one of two may have a last axis of size 1 more."""
    if len(y.dims) > len(p.dims):
        y = ops.squeeze(y, axis=(-1,))
    elif len(p.dims) > len(y.dims):
        p = ops.squeeze(p, axis=(-1,))
    return y, p


def histogram_fixed_width_bins(
    values: Any, value_range: Any, nbins: Any = 100, dtype: Any = dtypes.int32,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """The bin, of equal ones over ``value_range`` [2], of each value; the ends take what is beyond.

    Raises ``InvalidArgumentError`` unless the range rises and there is a bin.
    """
    x: Any = convert_to_tensor(values)
    low, high = ops.unstack(like(value_range, x), axis=0)
    text = "histogram_fixed_width: value_range must rise"
    ops.raise_unless(ops.less(low, high), exception=InvalidArgumentError, template=(text,))
    kind, count = dtypes.as_dtype(dtype), convert_to_tensor(nbins, dtype_hint=dtypes.int32)
    wide = dtypes.float64
    share = (cast(x, wide) - cast(low, wide)) / cast(high - low, wide)  # type: ignore[operator]
    last = ops.cast(count, dtype=wide) - 1
    at = ops.minimum(ops.maximum(ops.floor(share * ops.cast(count, dtype=wide)), 0), last)
    return cast(at, kind)


def histogram_fixed_width(
    values: Any, value_range: Any, nbins: Any = 100, dtype: Any = dtypes.int32,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """How many values each of ``nbins`` equal bins over ``value_range`` [2] holds."""
    places = ops.reshape(histogram_fixed_width_bins(values, value_range, nbins), shape=(-1,))
    one, shape = cast(1, dtype), (known_size(nbins, "nbins"),)
    zeros = ops.broadcast_to(cast(0, dtype), shape=shape)
    return _add(zeros, places, ops.broadcast_to(one, shape=places.dims))
