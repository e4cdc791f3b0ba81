"""Sparse tensors: the places and values of the elements that are not zero.

Everything is made of ops on indices, so it runs eagerly and in graphs and has gradients by values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from graphc.api.arguments import known_axes, known_shape, like
from graphc.api.checks import Assert
from graphc.api.create import fill
from graphc.api.elementwise import floordiv, floormod
from graphc.api.indexing import (
    argsort,
    boolean_mask,
    gather,
    gather_nd,
    tensor_scatter_nd_update,
    where,
)  # fmt: skip
from graphc.api.partitions import unique
from graphc.api.reductions import reduce_all, reduce_max
from graphc.api.segments import unsorted_segment_max, unsorted_segment_sum
from graphc.api.shapes import cast, concat, expand_dims, reshape, shape, size, stack, unstack
from graphc.errors import InvalidArgumentError
from graphc.ir import dims, dtypes
from graphc.ir.dtypes import DType
from graphc.ops import ops
from graphc.trace.dispatch import convert_to_tensor, static_value
from graphc.trace.shape import TensorShape
from graphc.trace.tensor import Tensor


@dataclass(frozen=True, eq=False, repr=False)
class SparseTensor:
    """``values[i]`` at ``indices[i]`` of a tensor of ``dense_shape`` (TF: ``tf.SparseTensor``).

    Shapes: [n, rank], [n], [rank].  Most functions want the indices in row-major order
    (`tf.sparse.reorder`).  Raises ``ValueError`` if the shapes do not belong together.
    """

    indices: Any
    values: Any
    dense_shape: Any

    def __post_init__(self) -> None:
        for name, hint in (("indices", dtypes.int64), ("dense_shape", dtypes.int64)):
            found = convert_to_tensor(getattr(self, name), dtype_hint=hint)
            object.__setattr__(self, name, found)
        object.__setattr__(self, "values", convert_to_tensor(self.values))
        if self.indices.ndim != 2 or self.values.ndim != 1 or self.dense_shape.ndim != 1:
            raise ValueError(
                "a SparseTensor has indices [n, rank], values [n] and a dense_shape [rank], got"
                f" {self.indices.shape}, {self.values.shape} and {self.dense_shape.shape}"
            )
        for a, b in ((self.indices.shape[0], self.values.shape[0]),
                     (self.indices.shape[1], self.dense_shape.shape[0])):  # fmt: skip
            if a is not None and b is not None and a != b:
                raise ValueError(f"Dimensions {a} and {b} are not compatible")

    @classmethod
    def from_value(cls, sparse_tensor_value: Any) -> SparseTensor:
        """Of anything that has the three parts."""
        v = sparse_tensor_value
        return cls(v.indices, v.values, v.dense_shape)

    @property
    def dtype(self) -> DType:
        return self.values.dtype

    @property
    def shape(self) -> TensorShape:
        found = static_value(self.dense_shape)
        if not isinstance(found, list):
            return TensorShape([None] * self.rank)
        return TensorShape([d if isinstance(d, int) else None for d in found])

    def get_shape(self) -> TensorShape:
        return self.shape

    @property
    def rank(self) -> int:
        return self.indices.dims[1]

    def sizes(self) -> tuple[Any, ...]:
        """The dense shape as numbers and symbolic dims."""
        return known_shape(self.dense_shape, "dense_shape")

    def with_values(self, new_values: Any) -> SparseTensor:
        """The same places with other values."""
        return SparseTensor(self.indices, new_values, self.dense_shape)

    def _with_dense(self, op: Callable[[Any, Any], Any], other: Any) -> SparseTensor:
        """An operation with a dense tensor, broadcast, at the places that are here."""
        y = like(other, self.values)
        if y.ndim:
            y = gather_nd(ops.broadcast_to(y, shape=self.sizes()), self.indices)
        return self.with_values(op(self.values, y))

    def __mul__(self, other: Any) -> SparseTensor:
        return self._with_dense(ops.multiply, other)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> SparseTensor:
        return self._with_dense(ops.divide, other)

    def __neg__(self) -> SparseTensor:
        return self.with_values(-self.values)

    def __repr__(self) -> str:
        return (
            f"SparseTensor(indices={self.indices}, values={self.values},"
            f" dense_shape={self.dense_shape})"
        )


def _sparse(sp_input: Any) -> SparseTensor:
    if not isinstance(sp_input, SparseTensor):
        raise TypeError(f"Input must be a SparseTensor, got {sp_input!r}")
    return sp_input


def _keys(indices: Any, sizes: Sequence[Any]) -> Tensor:
    """Places as one number each, in row-major order: int64 [n]."""
    found = ops.broadcast_to(like(0, indices), shape=indices.dims[:1])
    for column, extent in zip(unstack(indices, len(sizes), axis=1), sizes, strict=True):
        found = found * ops.extent(size=extent, dtype=indices.dtype) + column
    return found


def _places(keys: Any, sizes: Sequence[Any]) -> Tensor:
    """The inverse of `_keys`: [n, rank]."""
    columns = []
    for extent in reversed(sizes):
        step = ops.extent(size=extent, dtype=keys.dtype)
        columns.append(floormod(keys, step))
        keys = floordiv(keys, step)
    if not columns:
        return reshape(keys, (keys.dims[0], 0))[:, :0]
    return stack(columns[::-1], 1)


def _shape_of(sizes: Sequence[Any]) -> Tensor:
    return stack([ops.extent(size=s, dtype=dtypes.int64) for s in sizes], 0) if sizes else (
        convert_to_tensor([], dtypes.int64))  # fmt: skip


# --- to and from dense ----------------------------------------------------------------------------


def from_dense(tensor: Any, name: str | None = None) -> SparseTensor:
    """The elements that are not zero (or not empty, or True)."""
    x = convert_to_tensor(tensor)
    zero = like("" if x.dtype is dtypes.string else 0, x) if x.dtype is not dtypes.bool_ else None
    there = x if zero is None else ops.not_equal(x, zero)
    places = where(there)
    return SparseTensor(places, gather_nd(x, places), shape(x, dtypes.int64))


def to_dense(
    sp_input: Any, default_value: Any = None, validate_indices: bool = True, name: str | None = None
) -> Tensor:
    """The dense tensor, ``default_value`` (0, "" or False) where nothing is.

    Raises ``InvalidArgumentError`` if indices are out of bounds, or out of order or repeated while
    ``validate_indices``.
    """
    sp = _sparse(sp_input)
    sizes = sp.sizes()
    if validate_indices:
        keys = _keys(sp.indices, sizes)
        Assert(
            reduce_all(keys[1:] > keys[:-1]),
            ["indices are out of order or repeated. Many sparse ops require sorted indices."
             " Use `tf.sparse.reorder` to create a correctly ordered copy. indices:", sp.indices],
        )  # fmt: skip
    empty = "" if sp.dtype is dtypes.string else False if sp.dtype is dtypes.bool_ else 0
    default = like(empty if default_value is None else default_value, sp.values)
    return tensor_scatter_nd_update(fill(list(sizes), default), sp.indices, sp.values)


def to_indicator(sp_input: Any, vocab_size: Any, name: str | None = None) -> Tensor:
    """For each row a bool [vocab_size]: whether it has the id.  The last axis of ids goes."""
    sp = _sparse(sp_input)
    rows = concat([sp.indices[:, :-1], expand_dims(cast(sp.values, dtypes.int64), 1)], 1)
    sizes = (*sp.sizes()[:-1], vocab_size)
    true = ops.broadcast_to(convert_to_tensor(True), shape=sp.values.dims)
    return tensor_scatter_nd_update(fill(list(sizes), False), rows, true)


def reorder(sp_input: Any, name: str | None = None) -> SparseTensor:
    """The same elements in row-major order."""
    sp = _sparse(sp_input)
    order = argsort(_keys(sp.indices, sp.sizes()), stable=True)
    return SparseTensor(gather(sp.indices, order), gather(sp.values, order), sp.dense_shape)


def eye(num_rows: Any, num_columns: Any = None, dtype: Any = dtypes.float32,
        name: str | None = None) -> SparseTensor:  # fmt: skip
    """Ones on the diagonal."""
    columns = num_rows if num_columns is None else num_columns
    at = ops.iota(size=min(num_rows, columns), dtype=dtypes.int64)
    return SparseTensor(stack([at, at], 1), fill(at.dims, cast(1, dtype)), [num_rows, columns])


def map_values(op: Callable[..., Any], *args: Any, **kwargs: Any) -> SparseTensor:
    """Call a function with the values of the sparse arguments, which have the same places."""
    sparse = [a for a in (*args, *kwargs.values()) if isinstance(a, SparseTensor)]
    if not sparse:
        raise ValueError("No SparseTensor in argument list of map_values")

    def flat(a: Any) -> Any:
        return a.values if isinstance(a, SparseTensor) else a

    return sparse[0].with_values(op(*map(flat, args), **{k: flat(v) for k, v in kwargs.items()}))


# --- structure ------------------------------------------------------------------------------------


def reshape_(sp_input: Any, shape: Any, name: str | None = None) -> SparseTensor:
    """The elements in another shape of as many places; one size may be -1."""
    sp = _sparse(sp_input)
    before = sp.sizes()
    sizes = list(known_shape(shape, "shape"))
    total = dims.product(before)
    if -1 in sizes:
        rest = dims.product([s for s in sizes if s != -1])
        sizes[sizes.index(-1)] = total // rest
    if dims.same(dims.product(sizes), total) is False:
        raise InvalidArgumentError(
            f"sparse.reshape: a tensor of shape {list(before)} cannot get shape {sizes}"
        )
    return SparseTensor(_places(_keys(sp.indices, before), sizes), sp.values, _shape_of(sizes))


def transpose(sp_input: Any, perm: Any = None, name: str | None = None) -> SparseTensor:
    """The axes in another order, by default the reverse; row-major again."""
    sp = _sparse(sp_input)
    order = list(range(sp.rank))[::-1] if perm is None else [int(p) for p in perm]
    moved = gather(sp.indices, order, axis=1)
    return reorder(SparseTensor(moved, sp.values, gather(sp.dense_shape, order)))


def expand_dims_(sp_input: Any, axis: Any = None, name: str | None = None) -> SparseTensor:
    """One more axis, of size 1, at ``axis`` (the last)."""
    sp = _sparse(sp_input)
    at = -1 if axis is None else int(axis)
    if not -sp.rank - 1 <= at <= sp.rank:
        raise ValueError(f"axis {at} is out of range for a tensor with {sp.rank} axes")
    at %= sp.rank + 1
    zeros = ops.broadcast_to(like(0, sp.indices), shape=(sp.indices.dims[0], 1))
    indices = concat([sp.indices[:, :at], zeros, sp.indices[:, at:]], 1)
    one = like([1], sp.dense_shape)
    return SparseTensor(
        indices, sp.values, concat([sp.dense_shape[:at], one, sp.dense_shape[at:]], 0)
    )


def concat_(
    axis: Any, sp_inputs: Any, expand_nonconcat_dims: bool = False, name: str | None = None
) -> SparseTensor:
    """One after the other along an axis; other sizes are the same, or grow to the largest."""
    parts = [_sparse(sp) for sp in sp_inputs]
    (at,) = known_axes(axis, parts[0].rank)
    sizes = [list(sp.sizes()) for sp in parts]
    whole = sizes[0]
    if expand_nonconcat_dims:
        whole = list(known_shape(reduce_max(stack([sp.dense_shape for sp in parts], 0), 0)))
    start: Any = 0
    indices = []
    for sp, own in zip(parts, sizes, strict=True):
        for i, (a, b) in enumerate(zip(own, whole, strict=True)):
            if i != at and not expand_nonconcat_dims and dims.same(a, b) is False:
                raise InvalidArgumentError(f"sparse.concat: sizes differ on axis {i}: {a} and {b}")
        step = [0] * sp.rank
        step[at] = start
        indices.append(sp.indices + _shape_of(step))
        start = start + own[at]
    whole = [*whole[:at], start, *whole[at + 1 :]]
    values = concat([sp.values for sp in parts], 0)
    return reorder(SparseTensor(concat(indices, 0), values, _shape_of(whole)))


def retain(sp_input: Any, to_retain: Any) -> SparseTensor:
    """The elements where ``to_retain`` (bool [n]) is True."""
    sp = _sparse(sp_input)
    keep = convert_to_tensor(to_retain)
    return SparseTensor(
        boolean_mask(sp.indices, keep), boolean_mask(sp.values, keep), sp.dense_shape
    )


def slice_(sp_input: Any, start: Any, size: Any, name: str | None = None) -> SparseTensor:
    """The block of ``size`` at ``start``; it ends where the tensor ends."""
    sp = _sparse(sp_input)
    first = cast(convert_to_tensor(start, dtype_hint=dtypes.int64), dtypes.int64)
    extent = cast(convert_to_tensor(size, dtype_hint=dtypes.int64), dtypes.int64)
    end = ops.minimum(first + extent, sp.dense_shape)
    inside = (sp.indices >= first) & (sp.indices < end)
    kept = retain(sp, reduce_all(inside, 1))
    return SparseTensor(kept.indices - first, kept.values, ops.maximum(end - first, 0))


def split(
    sp_input: Any = None, num_split: Any = None, axis: Any = None, name: str | None = None
) -> list[SparseTensor]:
    """Parts along an axis; the first ones are longer by one if it does not divide evenly."""
    sp = _sparse(sp_input)
    (at,) = known_axes(axis, sp.rank)
    sizes, found, start = [int(s) for s in sp.sizes()], [], 0
    for i in range(int(num_split)):
        count = sizes[at] // num_split + (i < sizes[at] % num_split)
        begin, extent = [0] * sp.rank, list(sizes)
        begin[at], extent[at] = start, count
        found.append(slice_(sp, begin, extent))
        start += count
    return found


def reset_shape(sp_input: Any, new_shape: Any = None) -> SparseTensor:
    """Another dense shape of the same rank, by default the smallest that holds the elements."""
    sp = _sparse(sp_input)
    if new_shape is None:
        none = ops.broadcast_to(like(-1, sp.indices), shape=(1, sp.rank))
        tight = reduce_max(concat([sp.indices, none], 0), 0) + 1
        return SparseTensor(sp.indices, sp.values, tight)
    wanted = cast(convert_to_tensor(new_shape, dtype_hint=dtypes.int64), dtypes.int64)
    Assert(reduce_all(wanted >= sp.dense_shape), ["new_shape is too small:", wanted])
    return SparseTensor(sp.indices, sp.values, wanted)


def fill_empty_rows(
    sp_input: Any, default_value: Any, name: str | None = None
) -> tuple[SparseTensor, Tensor]:
    """Rows without elements get one, at column 0; and which rows these were, as bool [rows]."""
    sp = _sparse(sp_input)
    rows, columns = sp.sizes()[0], sp.rank - 1
    counts = unsorted_segment_sum(ops.ones_like(sp.indices[:, 0]), sp.indices[:, 0], rows)
    empty = ops.equal(counts, 0)
    at = where(empty)
    zeros = ops.broadcast_to(like(0, at), shape=(at.dims[0], columns))
    added = ops.broadcast_to(like(default_value, sp.values), shape=at.dims[:1])
    indices = concat([sp.indices, concat([at, zeros], 1)], 0)
    return reorder(SparseTensor(indices, concat([sp.values, added], 0), sp.dense_shape)), empty


# --- arithmetic -----------------------------------------------------------------------------------


def _merged(a: SparseTensor, b: SparseTensor) -> tuple[Tensor, Tensor, tuple[Tensor, Tensor]]:
    """The places of both, each once; how often it came; both tensors' values there (or 0)."""
    if a.rank != b.rank or False in map(dims.same, a.sizes(), b.sizes()):
        raise InvalidArgumentError(
            f"sparse operands have the same shape, got {a.shape} and {b.shape}"
        )
    keys, which = unique(concat([_keys(t.indices, t.sizes()) for t in (a, b)], 0))
    order, count = argsort(keys), keys.dims[0]
    rank = unsorted_segment_sum(ops.iota(size=count, dtype=dtypes.int32), order, count)
    to, n = gather(rank, which), size(a.values)
    often = unsorted_segment_sum(ops.ones_like(to), to, count)
    x = unsorted_segment_sum(a.values, to[:n], count)
    y = unsorted_segment_sum(b.values, to[n:], count)
    return _places(gather(keys, order), a.sizes()), often, (x, y)


def _elementwise(op: Callable[..., Any]) -> Callable[..., SparseTensor]:
    def apply(sp_a: Any, sp_b: Any, name: str | None = None) -> SparseTensor:
        a, b = _sparse(sp_a), _sparse(sp_b)
        places, _, values = _merged(a, b)
        return SparseTensor(places, op(*values), a.dense_shape)

    apply.__doc__ = f"``{op.name}`` of two sparse tensors of one shape; nothing counts as 0."  # type: ignore[attr-defined]
    apply.__name__ = apply.__qualname__ = op.name  # type: ignore[attr-defined]
    return apply


maximum, minimum = _elementwise(ops.maximum), _elementwise(ops.minimum)


def add(a: Any, b: Any, threshold: Any = 0) -> Any:
    """The sum of two tensors of which one is sparse at least: sparse if both are.

    Where both have an element and the sum's magnitude is below ``threshold``, nothing stays.
    """
    if isinstance(a, SparseTensor) and isinstance(b, SparseTensor):
        places, often, (x, y) = _merged(a, b)
        total = SparseTensor(places, x + y, a.dense_shape)
        if static_value(threshold) == 0:
            return total
        return retain(total, (often < 2) | (ops.abs(total.values) >= threshold))
    if isinstance(b, SparseTensor):
        a, b = b, a
    sp, dense = _sparse(a), convert_to_tensor(b, dtype_hint=a.dtype)
    return ops.tensor_scatter_add(dense, sp.indices, sp.values)


def sparse_dense_matmul(
    sp_a: Any, b: Any, adjoint_a: bool = False, adjoint_b: bool = False, name: str | None = None
) -> Any:
    """The matrix product of a sparse and a dense matrix, in either order; both may be adjoint."""
    if isinstance(b, SparseTensor) and not isinstance(sp_a, SparseTensor):
        swapped = sparse_dense_matmul(b, sp_a, not adjoint_b, not adjoint_a)
        return ops.transpose(swapped, perm=(1, 0))
    a = _sparse(sp_a)
    y = convert_to_tensor(b, dtype_hint=a.dtype)
    if a.rank != 2 or y.ndim != 2:
        raise InvalidArgumentError(f"both operands are matrices, got {a.shape} and {y.shape}")
    values = a.values
    if adjoint_b:
        y = _conj(ops.transpose(y, perm=(1, 0)))
    sizes, rows, columns = a.sizes(), a.indices[:, 0], a.indices[:, 1]
    if adjoint_a:
        sizes, rows, columns, values = sizes[::-1], columns, rows, _conj(values)
    if dims.same(sizes[1], y.dims[0]) is False:
        raise InvalidArgumentError(
            "Cannot multiply A and B because inner dimension does not match:"
            f" {sizes[1]} vs. {y.dims[0]}.  Did you forget a transpose?"
        )
    return unsorted_segment_sum(expand_dims(values, 1) * gather(y, columns), rows, sizes[0])


def _conj(x: Any) -> Any:
    return ops.conj(x) if x.dtype.is_complex else x


def _reduction(
    fold: Callable[..., Any],
) -> Callable[..., Any]:
    def reduce(
        sp_input: Any, axis: Any = None, keepdims: bool | None = None,
        output_is_sparse: bool = False, name: str | None = None,
    ) -> Any:  # fmt: skip
        sp = _sparse(sp_input)
        sizes, gone = sp.sizes(), known_axes(axis, sp.rank)
        kept = [i for i in range(sp.rank) if i not in gone]
        inner = [sizes[i] for i in kept]
        shown = [1 if i in gone else s for i, s in enumerate(sizes)] if keepdims else inner
        keys = _keys(gather(sp.indices, convert_to_tensor(kept, dtypes.int32), axis=1), inner)
        if not output_is_sparse:
            return reshape(fold(sp.values, keys, dims.product(inner)), shown)
        present, which = unique(keys)
        found = fold(sp.values, which, present.dims[0])
        places = _places(present, shown)
        return reorder(SparseTensor(places, found, _shape_of(shown)))

    return reduce


def _largest(values: Any, rows: Any, count: Any) -> Tensor:
    """The largest value of each row; 0 where there is none."""
    there = unsorted_segment_sum(ops.ones_like(rows), rows, count)
    return where(there > 0, unsorted_segment_max(values, rows, count), like(0, values))


reduce_sum_ = _reduction(unsorted_segment_sum)
reduce_sum_.__doc__ = "Sums over axes (all), dense or sparse."
reduce_max_ = _reduction(_largest)
reduce_max_.__doc__ = "The largest of the elements that are there, over axes (all); 0 for none."


def softmax(sp_input: Any, name: str | None = None) -> SparseTensor:
    """Softmax over the last axis of the elements that are there."""
    sp = _sparse(sp_input)
    sizes = sp.sizes()[:-1]
    rows, count = _keys(sp.indices[:, :-1], sizes), dims.product(sizes)
    top = gather(unsorted_segment_max(sp.values, rows, count), rows)
    found = ops.exp(sp.values - top)
    return sp.with_values(found / gather(unsorted_segment_sum(found, rows, count), rows))


# --- rows of embeddings ---------------------------------------------------------------------------


def _segment(combiner: str) -> Callable[..., Any]:
    def combine(
        data: Any, indices: Any, segment_ids: Any, num_segments: Any = None,
        name: str | None = None, sparse_gradient: bool = False,
    ) -> Any:  # fmt: skip
        ids = convert_to_tensor(segment_ids, dtype_hint=dtypes.int32)
        if num_segments is None:
            last = concat([ids, like([-1], ids)], 0)
            num_segments = reduce_max(last) + 1
        rows = gather(data, indices)
        return combine_rows(rows, ids, num_segments, combiner)

    combine.__doc__ = f"The {combiner} of the rows ``data[indices]`` of each segment."
    combine.__name__ = combine.__qualname__ = f"segment_{combiner}"
    return combine


def combine_rows(rows: Any, ids: Any, count: Any, combiner: str, weights: Any = None) -> Tensor:
    """The sum of the rows of each segment, or it divided by their number or its root."""
    (count,) = known_shape(count, "num_segments")
    rest = (1,) * (rows.ndim - 1)
    if weights is not None:
        rows = rows * reshape(weights, (rows.dims[0], *rest))
    total = unsorted_segment_sum(rows, ids, count)
    if combiner == "sum":
        return total
    w = ops.broadcast_to(like(1, rows), shape=rows.dims[:1]) if weights is None else weights
    below = unsorted_segment_sum(w if combiner == "mean" else w * w, ids, count)
    below = reshape(below if combiner == "mean" else ops.sqrt(below), (count, *rest))
    empty = ops.equal(below, 0)
    return total / where(empty, ops.ones_like(below), below)


segment_sum, segment_mean, segment_sqrt_n = map(_segment, ("sum", "mean", "sqrtn"))
