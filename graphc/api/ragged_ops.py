"""What ops do with ragged operands, and the functions of ``tf.ragged``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from graphc.api.arguments import alike, known_size, like
from graphc.api.checks import Assert
from graphc.api.indexing import argsort, boolean_mask, gather, where
from graphc.api.ragged import RaggedTensor, counted
from graphc.api.reductions import reduce_all, reduce_max, reduce_sum
from graphc.api.segments import (
    unsorted_segment_max,
    unsorted_segment_mean,
    unsorted_segment_min,
    unsorted_segment_prod,
    unsorted_segment_sum,
)  # fmt: skip
from graphc.api.shapes import cast, concat
from graphc.errors import InvalidArgumentError, UnimplementedError
from graphc.ir import dtypes
from graphc.ops import OpDef, ops
from graphc.trace.dispatch import convert_to_tensor
from graphc.trace.tensor import EagerTensor, Tensor

# --- elementwise ----------------------------------------------------------------------------------


def _elementwise(op: OpDef, args: Sequence[Any], attrs: Mapping[str, Any]) -> RaggedTensor:
    """The op on the values: operands have the same rows, are scalars, or one value for each row."""
    rows = next(a for a in args if isinstance(a, RaggedTensor))
    for other in args:
        if isinstance(other, RaggedTensor) and other.row_splits is not rows.row_splits:
            _check_rows(op, rows, other)
    hint = next(a.dtype for a in args if hasattr(a, "dtype"))
    return rows.with_values(op(*(_values_of(op, a, rows, hint) for a in args), **attrs))


def _check_rows(op: OpDef, a: RaggedTensor, b: RaggedTensor) -> None:
    x, y = a.row_splits, b.row_splits
    if isinstance(x, EagerTensor) and isinstance(y, EagerTensor):
        if not np.array_equal(x._array, y._array):
            raise InvalidArgumentError(
                f"{op.name}: ragged operands have different rows: lengths"
                f" {a.row_lengths().numpy()} and {b.row_lengths().numpy()}"
            )
        return
    Assert(reduce_all(ops.equal(x, cast(y, x.dtype))), [f"{op.name}: operands have other rows"])


def _values_of(op: OpDef, operand: Any, rows: RaggedTensor, hint: Any) -> Any:
    """An operand as values of the rows."""
    if isinstance(operand, RaggedTensor):
        return operand.values
    t = convert_to_tensor(operand, dtype_hint=hint)
    inner = len(rows.flat_values.dims) - 1
    if len(t.dims) <= inner:
        return t
    if len(t.dims) == rows.rank and t.dims[1] == 1:
        shape = (t.dims[0], *t.dims[2:])
        return gather(ops.reshape(t, shape=shape), rows.value_rowids())
    raise InvalidArgumentError(
        f"{op.name}: a dense operand of shape {t.shape} does not fit rows of shape {rows.shape};"
        " it is a scalar, or [rows, 1]"
    )


# --- reductions -----------------------------------------------------------------------------------


def _any(x: Any, rows: Any, count: Any) -> Any:
    return ops.cast(unsorted_segment_sum(cast(x, dtypes.int32), rows, count), dtype=dtypes.bool_)


def _all(x: Any, rows: Any, count: Any) -> Any:
    return ops.logical_not(_any(ops.logical_not(x), rows, count))


def _mean(x: Any, rows: Any, count: Any) -> Any:
    """The mean of each row; NaN for none, as 0 / 0 is."""
    if x.dtype.is_integer:
        return unsorted_segment_mean(x, rows, count)
    often = unsorted_segment_sum(ops.ones_like(x), rows, count)
    return unsorted_segment_sum(x, rows, count) / often


_FOLDS: dict[str, Callable[..., Any]] = {
    "reduce_sum": unsorted_segment_sum, "reduce_prod": unsorted_segment_prod,
    "reduce_max": unsorted_segment_max, "reduce_min": unsorted_segment_min,
    "reduce_mean": _mean, "reduce_any": _any, "reduce_all": _all,
}  # fmt: skip


def _reduction(op: OpDef, args: Sequence[Any], attrs: Mapping[str, Any]) -> Any:
    (x,), axes, keepdims = args, tuple(attrs["axis"]), attrs.get("keepdims", False)
    if len(axes) == x.rank:
        flat = x.flat_values
        found = op(flat, axis=tuple(range(len(flat.dims))), keepdims=False)
        return ops.reshape(found, shape=(1,) * x.rank) if keepdims else found
    if min(axes) >= 2:
        return x.with_values(op(x.values, axis=tuple(a - 1 for a in axes), keepdims=keepdims))
    if axes == (0, 1):
        found = op(x.values, axis=(0,), keepdims=False)
        return ops.expand_dims(ops.expand_dims(found, axis=0), axis=0) if keepdims else found
    if len(axes) > 1 or isinstance(x.values, RaggedTensor):
        raise UnimplementedError(
            f"{op.name}: of ragged rows that hold ragged rows, reduce the innermost axis or all"
        )
    ids, count = x.value_rowids(), x.row_splits.dims[0] - 1
    if axes == (0,):
        starts = gather(x.row_starts(), ids)
        ids = ops.iota(size=x.values.dims[0], dtype=ids.dtype) - starts
        count = known_size(x.bounding_shape(1), "the width")
    found = _FOLDS[op.name](x.values, ids, count)
    return ops.expand_dims(found, axis=axes[0]) if keepdims else found


# --- rows -----------------------------------------------------------------------------------------


def _rows(x: Any) -> RaggedTensor:
    return x if isinstance(x, RaggedTensor) else RaggedTensor.from_tensor(x)


def _concat(op: OpDef, args: Sequence[Any], attrs: Mapping[str, Any]) -> RaggedTensor:
    parts = [_rows(a) for a in args]
    axis = attrs["axis"] % parts[0].rank
    if axis > 1:
        inner = concat([p.values for p in parts], axis - 1)
        return parts[0].with_values(inner)
    values = concat([p.values for p in parts], 0)
    lengths = [cast(p.row_lengths(), dtypes.int64) for p in parts]
    if axis == 0:
        return RaggedTensor.from_row_lengths(values, concat(lengths, 0))
    order = argsort(concat([p.value_rowids() for p in parts], 0), stable=True)
    total = lengths[0]
    for n in lengths[1:]:
        total = ops.add(total, n)
    return RaggedTensor.from_row_lengths(gather(values, order), total)


def _gather(op: OpDef, args: Sequence[Any], attrs: Mapping[str, Any]) -> RaggedTensor:
    """Rows by number."""
    x, at = args[0], args[1]
    if isinstance(at, RaggedTensor):
        return at.with_values(op(x, at.values, **attrs))
    if attrs["axis"] or attrs.get("batch_dims"):
        raise UnimplementedError("gather takes whole rows of a RaggedTensor: axis=0, batch_dims=0")
    rows = ops.reshape(at, shape=(-1,))
    lengths, starts = gather(x.row_lengths(), rows), gather(x.row_starts(), rows)
    taken = RaggedTensor.from_row_lengths(counted(lengths, starts), lengths)
    found = RaggedTensor(gather(x.values, taken.values), taken.row_splits)
    return found if len(at.dims) else found[0]


def apply(op: OpDef, args: Sequence[Any], attrs: Mapping[str, Any]) -> Any:
    """An op whose operands hold a RaggedTensor."""
    if op.name in _FOLDS:
        return _reduction(op, args, attrs)
    if op.name in ("concat", "gather"):
        return {"concat": _concat, "gather": _gather}[op.name](op, args, attrs)
    if op.elementwise or op.name in ("identity", "stop_gradient", "zeros_like", "ones_like"):
        return _elementwise(op, args, attrs)
    raise TypeError(
        f"{op.name} takes dense tensors, got a RaggedTensor: use to_tensor(), or"
        " tf.ragged.map_flat_values for what it does to each value"
    )


RaggedTensor.rules = staticmethod(apply)

# --- functions ------------------------------------------------------------------------------------


def stack(values: Any, axis: int = 0, name: str | None = None) -> RaggedTensor:
    """Make one RaggedTensor of tensors or RaggedTensors, which are its rows (``axis=0``)."""
    if axis != 0:
        raise InvalidArgumentError(f"ragged.stack: axis is 0, got {axis}")
    parts = list(values)
    if not any(isinstance(p, RaggedTensor) for p in parts):
        parts = alike(*parts)
    kind = dtypes.int64 if isinstance(parts[0], RaggedTensor) else dtypes.int32  # as TensorFlow
    counts = [ops.extent(size=p.dims[0], dtype=kind) for p in parts]
    return RaggedTensor.from_row_lengths(concat(parts, 0), ops.stack(*counts, axis=0))


def range_(
    starts: Any, limits: Any = None, deltas: Any = 1, dtype: Any = None, name: str | None = None,
    row_splits_dtype: Any = dtypes.int64,
) -> RaggedTensor:  # fmt: skip
    """For each row the numbers from start to limit; scalars hold for all rows."""
    if limits is None:
        starts, limits = 0, starts
    a, b, d = alike(*(convert_to_tensor(v, dtype) for v in (starts, limits, deltas)))
    n = max((t.dims[0] for t in (a, b, d) if t.dims), default=1)
    a, b, d = (t if t.dims else ops.broadcast_to(t, shape=(n,)) for t in (a, b, d))
    span = ops.subtract(b, a)
    count = -ops.floordiv(-span, d)  # rounded up
    lengths = cast(ops.maximum(count, like(0, count)), row_splits_dtype)
    return RaggedTensor.from_row_lengths(counted(lengths, a, d), lengths)


def boolean_mask_(data: Any, mask: Any, name: str | None = None) -> Any:
    """What is where ``mask`` is True; rows keep what is left of them."""
    keep = mask if isinstance(mask, RaggedTensor) else convert_to_tensor(mask)
    x = data if isinstance(data, RaggedTensor) else convert_to_tensor(data)
    if isinstance(keep, RaggedTensor) or len(keep.dims) > 1:
        keep, rows = _rows(keep), _rows(x)
        values = boolean_mask_(rows.values, keep.values)
        if isinstance(keep.values, RaggedTensor):
            return rows.with_values(values)
        lengths = reduce_sum(cast(keep, rows.row_splits.dtype), 1)
        return RaggedTensor.from_row_lengths(values, lengths)
    if isinstance(x, RaggedTensor):
        return gather(x, where(keep)[:, 0])
    return boolean_mask(x, keep)


def row_splits_to_segment_ids(splits: Any, name: str | None = None, out_type: Any = None) -> Tensor:
    """The row of each value: ``[0, 3, 3, 5]`` gives ``[0, 0, 0, 2, 2]``."""
    t = convert_to_tensor(splits, dtype_hint=dtypes.int64)
    size = known_size(t[-1], "the number of values")
    ids = ops.searchsorted(t[1:], ops.iota(size=size, dtype=t.dtype), side="right",
                           out_type=t.dtype)  # fmt: skip
    return ids if out_type is None else cast(ids, out_type)


def segment_ids_to_row_splits(
    segment_ids: Any, num_segments: Any = None, out_type: Any = None, name: str | None = None
) -> Tensor:
    """The inverse of `row_splits_to_segment_ids`."""
    ids = convert_to_tensor(segment_ids, dtype_hint=dtypes.int32)
    if num_segments is None:
        num_segments = reduce_max(ops.concat(ids, like([-1], ids), axis=0)) + 1
    kind = dtypes.int64 if out_type is None else out_type
    return cast(RaggedTensor.from_value_rowids(ids, ids, num_segments).row_splits, kind)


def map_flat_values(op: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call a function with the innermost values of the RaggedTensors among its arguments."""
    ragged_ones = [a for a in (*args, *kwargs.values()) if isinstance(a, RaggedTensor)]
    if not ragged_ones:
        return op(*args, **kwargs)

    def flat(a: Any) -> Any:
        return a.flat_values if isinstance(a, RaggedTensor) else a

    found = op(*map(flat, args), **{k: flat(v) for k, v in kwargs.items()})
    return ragged_ones[0].with_flat_values(found)
