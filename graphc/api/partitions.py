"""Taking tensors apart by data and putting them together again; what is in them; blocks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from graphc.api.arguments import (
    alike,
    data_size,
    known,
    known_shape,
    known_size,
    known_tuple,
)
from graphc.api.checks import assert_less
from graphc.api.reductions import reduce_max
from graphc.api.shapes import cast, meets, pad
from graphc.errors import InvalidArgumentError
from graphc.ir import dtypes
from graphc.ops import ops
from graphc.trace.dispatch import convert_to_tensor, static_value
from graphc.trace.tensor import Tensor

# --- parts by data --------------------------------------------------------------------------------


def dynamic_partition(
    data: Any, partitions: Any, num_partitions: int, name: str | None = None
) -> list[Tensor]:
    """Deal the rows of ``data`` to ``num_partitions`` tensors, by the number each row has."""
    x, parts = convert_to_tensor(data), convert_to_tensor(partitions, dtype_hint=dtypes.int32)
    inside = ops.logical_and(ops.greater_equal(parts, 0), ops.less(parts, num_partitions))
    text = f"dynamic_partition: partitions must be in [0, {num_partitions})"
    ops.raise_unless(inside, exception=InvalidArgumentError, template=(text,))
    return [
        ops.boolean_mask(x, ops.equal(parts, i), axis=0, size=data_size())
        for i in range(num_partitions)
    ]


def dynamic_stitch(indices: Sequence[Any], data: Sequence[Any], name: str | None = None) -> Tensor:
    """Put rows to the places that ``indices`` say: the opposite of `dynamic_partition`.

    Of rows with one place the last one counts; places that are not named hold zeros.
    """
    places = [convert_to_tensor(i, dtype_hint=dtypes.int32) for i in indices]
    values = alike(*data)
    rest = values[0].dims[len(places[0].dims) :]
    rows = ops.concat(*(ops.reshape(p, shape=(-1,)) for p in places), axis=0)
    flat = [
        ops.reshape(v, shape=(math.prod(p.dims), *rest))
        for p, v in zip(places, values, strict=True)
    ]
    # -1 is there for no rows at all
    last = reduce_max(ops.concat(rows, alike(rows, [-1])[1], axis=0))
    count = known_size(last + 1, "the number of rows")  # type: ignore[operator]
    zeros = ops.broadcast_to(cast(0, values[0].dtype), shape=(count, *rest))
    return ops.tensor_scatter_update(
        zeros, ops.expand_dims(rows, axis=-1), ops.concat(*flat, axis=0)
    )


def parallel_stack(values: Any, name: str = "parallel_stack") -> Tensor:
    """Join tensors of one shape along a new first axis."""
    return ops.stack(*alike(*values), axis=0)


class Unique(NamedTuple):
    """What `unique` returns."""

    y: Tensor
    idx: Tensor


class UniqueWithCounts(NamedTuple):
    """What `unique_with_counts` returns."""

    y: Tensor
    idx: Tensor
    count: Tensor


def unique(x: Any, out_idx: Any = dtypes.int32, name: str | None = None) -> Unique:
    """Find the different elements of a vector, as they come, and the place of each among them."""
    return Unique(*unique_with_counts(x, out_idx)[:2])


def unique_with_counts(
    x: Any, out_idx: Any = dtypes.int32, name: str | None = None
) -> UniqueWithCounts:
    """Find what `unique` finds, and how often each element is there."""
    kind = dtypes.as_dtype(out_idx)
    return UniqueWithCounts(*ops.unique(convert_to_tensor(x), out_idx=kind, size=data_size()))


def unravel_index(indices: Any, dims: Any, name: str | None = None) -> Tensor:
    """Turn places in a flattened tensor of shape ``dims`` into coordinates [rank, ...]."""
    at: Any = convert_to_tensor(indices, dtype_hint=dtypes.int32)
    sizes = alike(at, dims)[1]
    assert_less(at, ops.reduce_prod(sizes), message="unravel_index: an index is out of bounds")
    steps = ops.cumprod(sizes, axis=0, exclusive=True, reverse=True)
    column = (-1, *(1,) * len(at.dims))
    steps, sizes = (ops.reshape(t, shape=column) for t in (steps, sizes))
    return ops.floormod(ops.floordiv(at, steps), sizes)


def reverse_sequence(
    input: Any, seq_lengths: Any, seq_axis: Any = None, batch_axis: Any = None,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Reverse the first ``seq_lengths[i]`` elements of ``seq_axis`` in row i of ``batch_axis``."""
    x, lengths = convert_to_tensor(input), convert_to_tensor(seq_lengths)
    steps, batch = meets(x, known(seq_axis, "seq_axis")), meets(x, known(batch_axis or 0, "axis"))
    order = (batch, steps, *(i for i in range(len(x.dims)) if i not in (batch, steps)))
    rows = ops.expand_dims(lengths, axis=1)
    size = x.dims[steps]
    text = f"reverse_sequence: lengths must be at most {size}"
    within = ops.less_equal(lengths, ops.extent(size=size, dtype=lengths.dtype))
    ops.raise_unless(within, exception=InvalidArgumentError, template=(text,))
    places: Any = ops.iota(size=size, dtype=lengths.dtype)
    places = ops.select(ops.less(places, rows), rows - 1 - places, places)
    moved = ops.gather(ops.transpose(x, perm=order), places, axis=1, batch_dims=1)
    back = tuple(sorted(range(len(order)), key=order.__getitem__))
    return ops.transpose(moved, perm=back)


# --- blocks of space ------------------------------------------------------------------------------


def _pairs(values: Any, what: str) -> list[tuple[Any, Any]]:
    return [(a, b) for a, b in known(values, what)]


def space_to_batch(input: Any, block_shape: Any, paddings: Any, name: str | None = None) -> Tensor:
    """Pad the axes after the first, cut them into blocks, and move the places within a block to
    the batch axis: [batch * product(block_shape), space / block_shape, ...].
    """
    x, blocks = convert_to_tensor(input), known_tuple(block_shape, "block_shape")
    n = len(blocks)
    rest = ((0, 0),) * (len(x.dims) - n - 1)
    x = pad(x, ((0, 0), *_pairs(paddings, "paddings"), *rest))
    batch, *space = x.dims[: n + 1]
    for size, block in zip(space, blocks, strict=True):
        if isinstance(size, int) and size % block:
            raise InvalidArgumentError(f"space_to_batch: {size} places make no blocks of {block}")
    cut = [d for size, block in zip(space, blocks, strict=True) for d in (size // block, block)]
    apart = ops.reshape(x, shape=(batch, *cut, *x.dims[n + 1 :]))
    inner, outer = range(2, 2 * n + 1, 2), range(1, 2 * n + 1, 2)
    moved = ops.transpose(apart, perm=(*inner, 0, *outer, *range(2 * n + 1, len(apart.dims))))
    outer_sizes = [size // block for size, block in zip(space, blocks, strict=True)]
    return ops.reshape(moved, shape=(batch * math.prod(blocks), *outer_sizes, *x.dims[n + 1 :]))


def batch_to_space(input: Any, block_shape: Any, crops: Any, name: str | None = None) -> Tensor:
    """Undo `space_to_batch`: move parts of the batch axis back into blocks, and cut the borders."""
    x, blocks = convert_to_tensor(input), known_tuple(block_shape, "block_shape")
    n = len(blocks)
    batch, space, rest = x.dims[0] // math.prod(blocks), x.dims[1 : n + 1], x.dims[n + 1 :]
    apart = ops.reshape(x, shape=(*blocks, batch, *space, *rest))
    pairs = (i for k in range(n) for i in (n + 1 + k, k))
    order = [n, *pairs, *range(2 * n + 1, 2 * n + 1 + len(rest))]
    sizes = [size * block for size, block in zip(space, blocks, strict=True)]
    whole = ops.reshape(ops.transpose(apart, perm=tuple(order)), shape=(batch, *sizes, *rest))
    cuts = [slice(a, size - b) for (a, b), size in zip(_pairs(crops, "crops"), sizes, strict=True)]
    return ops.strided_slice(whole, index=(slice(None), *cuts))


def space_to_batch_nd(
    input: Any, block_shape: Any, paddings: Any, name: str | None = None
) -> Tensor:
    """The same as `space_to_batch`."""
    return space_to_batch(input, block_shape, paddings)


def required_space_to_batch_paddings(
    input_shape: Any, block_shape: Any, base_paddings: Any = None, name: str | None = None
) -> tuple[Tensor, Tensor]:
    """Find paddings [n, 2] that make each size a multiple of its block, and the crops that undo
    what they add to ``base_paddings``.
    """
    sizes, blocks = known_shape(input_shape), known_shape(block_shape)
    base = _pairs([[0, 0]] * len(blocks) if base_paddings is None else base_paddings, "paddings")
    more = [-(n + a + b) % k for n, (a, b), k in zip(sizes, base, blocks, strict=True)]
    paddings = [[a, b + m] for (a, b), m in zip(base, more, strict=True)]
    crops = [[0, m] for m in more]
    return convert_to_tensor(paddings), convert_to_tensor(crops)


def _last_channel(data_format: str, who: str) -> bool:
    if data_format not in ("NHWC", "NCHW"):
        raise ValueError(f"{who}: data_format is NHWC or NCHW, got {data_format!r}")
    return data_format == "NHWC"


def space_to_depth(
    input: Any, block_size: int, data_format: str = "NHWC", name: str | None = None
) -> Tensor:
    """Move blocks of an image [batch, height, width, depth] into its depth."""
    x, k = convert_to_tensor(input), block_size
    last = _last_channel(data_format, "space_to_depth")
    x = x if last else ops.transpose(x, perm=(0, 2, 3, 1))
    n, h, w, d = x.dims
    apart = ops.reshape(x, shape=(n, h // k, k, w // k, k, d))
    deep = ops.reshape(
        ops.transpose(apart, perm=(0, 1, 3, 2, 4, 5)), shape=(n, h // k, w // k, k * k * d)
    )
    return deep if last else ops.transpose(deep, perm=(0, 3, 1, 2))


def depth_to_space(
    input: Any, block_size: int, data_format: str = "NHWC", name: str | None = None
) -> Tensor:
    """Undo `space_to_depth`."""
    x, k = convert_to_tensor(input), block_size
    last = _last_channel(data_format, "depth_to_space")
    x = x if last else ops.transpose(x, perm=(0, 2, 3, 1))
    n, h, w, d = x.dims
    apart = ops.reshape(x, shape=(n, h, w, k, k, d // (k * k)))
    wide = ops.reshape(
        ops.transpose(apart, perm=(0, 1, 3, 2, 4, 5)), shape=(n, h * k, w * k, d // (k * k))
    )
    return wide if last else ops.transpose(wide, perm=(0, 3, 1, 2))


# --- static facts ---------------------------------------------------------------------------------


def get_static_value(tensor: Any, partial: bool = False) -> Any:
    """The value as numpy if it is known now, also while tracing; None otherwise."""
    found = static_value(convert_to_tensor(tensor))
    if found is None:
        return None
    array = np.asarray(found)
    return None if array.dtype == object else array.astype(convert_to_tensor(tensor).dtype.np)
