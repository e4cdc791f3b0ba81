"""Sorting, searching and the largest elements."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from graphc.errors import InvalidArgumentError
from graphc.ir import dims, dtypes
from graphc.ir.dtypes import DType
from graphc.ir.types import TensorType
from graphc.ops.combinators import normalize_axis, op, ops, rng
from graphc.ops.opdef import Attrs, Host, Sample, Types

_SORTING = Host("sorting is numpy's")
_PACKED = 1 << 12  # numbers of a vector from which packing them pays
_LOW = np.uint64(0xFFFFFFFF)


def _ascending(x: np.ndarray, axis: int = -1) -> np.ndarray:
    """Stable places of elements from the smallest."""
    if x.ndim == 1 and _PACKED <= x.size < 1 << 32:
        places = _by_packing(x)
        if places is not None:
            return places
    return np.argsort(x, axis, kind="stable")


def _by_packing(x: np.ndarray) -> np.ndarray | None:
    """Places by sorting numbers of 64 bits, each an element with its place below.

    numpy sorts such numbers with vector instructions, places not: this is ten times as fast.
    None for dtypes, not-a-numbers and long integers that it does not do.
    """
    kind = x.dtype.char
    if kind == "f" and not np.isnan(x).any():
        bits = (x + np.float32(0)).view(np.int32)  # -0 equals 0
        x = bits ^ ((bits >> 31) & np.int32(0x7FFFFFFF))
    elif x.dtype not in (np.int32, np.uint32, np.uint64):
        return None
    places = np.arange(x.size, dtype=np.uint64)
    if x.dtype.itemsize == 4:
        packed = (x.astype(np.int64) - int(x.min())).view(np.uint64) << np.uint64(32)
        packed |= places
        packed.sort()
        return (packed & _LOW).view(np.int64)
    low = np.uint64((1 << (x.size - 1).bit_length()) - 1)
    packed = (x & ~low) | places
    packed.sort()
    found = (packed & low).view(np.int64)
    packed &= ~low  # these bits must decide: they do for draws, mostly, but not for small numbers
    return None if (packed[1:] == packed[:-1]).any() else found


def _descending(x: np.ndarray, axis: int) -> np.ndarray:
    """Stable places of elements from the largest: equal ones keep their order, for any dtype."""
    last = x.shape[axis] - 1
    return last - np.flip(_ascending(np.flip(x, axis), axis), axis)


def _top_type(types: Types, attrs: Attrs) -> tuple[TensorType, TensorType]:
    x, k = types[0], attrs["k"]
    if not x.rank:
        raise InvalidArgumentError(f"top_k: {x} is a scalar")
    if isinstance(x.shape[-1], int) and isinstance(k, int) and not 0 <= k <= x.shape[-1]:
        raise InvalidArgumentError(f"top_k: k = {k} is not in [0, {x.shape[-1]}] for {x}")
    shape = (*x.shape[:-1], k)
    return x.with_shape(shape), TensorType(dtypes.int32, shape)


def _largest(x: np.ndarray, k: int) -> np.ndarray:
    """`_descending`'s first k places of floats, by looking k times for the largest."""
    if np.isnan(x).any() or np.isneginf(x).any():
        return _descending(x, -1)[..., :k]
    rest = x.copy()
    found = np.empty((*x.shape[:-1], k), np.intp)
    for i in range(k):
        at = rest.argmax(-1)[..., None]
        found[..., i : i + 1] = at
        np.put_along_axis(rest, at, -np.inf, -1)
    return found


def _top_k(x: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    if k > x.shape[-1]:
        raise InvalidArgumentError(f"top_k: k = {k} is more than the last axis, {x.shape[-1]}")
    few = k <= 8 and x.shape[-1] > 64 and x.dtype.kind == "f"
    order = _largest(x, k) if few else _descending(x, -1)[..., :k]
    return np.take_along_axis(x, order, -1), order.astype(np.int32)


def _top_grad(c: Any, g: Any, _: Any) -> Any:
    last = len(g.dims) - 1
    return ops.gather_grad(g, c.outputs[1], axis=last, batch_dims=last, shape=c.x.dims)


top_k = op(
    "top_k", "x", _top_type, _top_k, attrs={"k": 1}, types=dtypes.REALS, many=True, grad=_top_grad,
    lower=_SORTING, can_fail=True,
    samples=lambda: [Sample((rng().normal(size=s).astype("f4"),), {"k": 2})
                     for s in ((3, 5), (4,), (0, 3))]
    + [Sample((np.array([3, 1, 3, -128], "i1"),), {"k": 4}, grad=False)],
    doc="The k largest elements of the last axis in descending order, and their indices.",
)  # fmt: skip


def _sort_type(types: Types, attrs: Attrs) -> TensorType:
    normalize_axis(attrs["axis"], types[0].rank, "sort")
    return types[0]


def _sort(x: np.ndarray, axis: int = -1, descending: bool = False) -> np.ndarray:
    return np.flip(np.sort(x, axis), axis) if descending else np.sort(x, axis)


def _argsort(x: np.ndarray, axis: int = -1, descending: bool = False) -> np.ndarray:
    places = _descending(x, axis) if descending else _ascending(x, axis)
    return places.astype(np.int32)


def _sort_grad(c: Any, g: Any) -> Any:
    axis = normalize_axis(c.axis, len(c.x.dims))
    places = ops.argsort(c.x, axis=axis, descending=c.descending)
    back = ops.argsort(places, axis=axis, descending=False)
    if axis == len(c.x.dims) - 1:
        return ops.gather(g, back, axis=axis, batch_dims=axis)
    swap = list(range(len(c.x.dims)))
    swap[axis], swap[-1] = swap[-1], swap[axis]
    last = len(swap) - 1
    moved = ops.gather(
        ops.transpose(g, perm=tuple(swap)), ops.transpose(back, perm=tuple(swap)),
        axis=last, batch_dims=last,
    )  # fmt: skip
    return ops.transpose(moved, perm=tuple(swap))


def _sort_samples(grad: bool) -> Callable[[], Iterable[Sample]]:
    def samples() -> Iterable[Sample]:
        x = rng().normal(size=(3, 5)).astype("f4")
        for axis in (-1, 0):
            for d in (False, True):
                yield Sample((x,), {"axis": axis, "descending": d}, grad=grad)

    return samples


_SORTED = dict(types=dtypes.REALS, attrs={"axis": -1, "descending": False}, lower=_SORTING)
sort = op("sort", "x", _sort_type, _sort, grad=_sort_grad, samples=_sort_samples(True),
          doc="Sorted along an axis.", **_SORTED)  # fmt: skip
argsort = op(
    "argsort", "x", lambda types, attrs: _sort_type(types, attrs).with_dtype(dtypes.int32),
    _argsort, grad="places are piecewise constant", samples=_sort_samples(False),
    doc="The indices that sort an axis; equal elements keep their order.", **_SORTED,
)  # fmt: skip


def _search_type(types: Types, attrs: Attrs) -> TensorType:
    sequence, values = types
    lead = sequence.shape[:-1]
    if sequence.rank == 1:
        return values.with_dtype(attrs["out_type"])
    fits = sequence.rank and sequence.rank == values.rank
    if not fits or not all(map(dims.assume_equal, lead, values.shape[:-1])):
        raise InvalidArgumentError(
            f"searchsorted: {sequence} and {values} must agree in all axes but the last"
        )
    return values.with_dtype(attrs["out_type"])


def _search(
    sequence: np.ndarray, values: np.ndarray, side: str = "left", out_type: DType = dtypes.int32
) -> np.ndarray:
    if sequence.ndim == 1:
        return np.asarray(np.searchsorted(sequence, values, side), out_type.np)
    found = np.empty(values.shape, out_type.np)
    for row in np.ndindex(values.shape[:-1]):
        found[row] = np.searchsorted(sequence[row], values[row], side)
    return found


searchsorted = op(
    "searchsorted", "sequence values", _search_type, _search, types=dtypes.REALS,
    attrs={"side": "left", "out_type": dtypes.int32}, grad="places are piecewise constant",
    lower=Host("searching is numpy's"),
    samples=lambda: [Sample((np.array([1, 3, 3, 7], "f4"), np.array([[0, 3], [8, 4]], "f4")),
                            {"side": s}, grad=False) for s in ("left", "right")]
    + [Sample((np.array([[1, 3], [2, 4]], "i4"), np.array([[3], [3]], "i4")), grad=False)],
    doc="Where values would have to be inserted into sorted vectors (the last axis).",
)  # fmt: skip

# --- what is there --------------------------------------------------------------------------------


def _unique_type(types: Types, attrs: Attrs) -> tuple[TensorType, ...]:
    x, size, kind = types[0], attrs["size"], attrs["out_idx"]
    if x.rank != 1:
        raise InvalidArgumentError(f"unique: needs a vector, got {x}")
    return x.with_shape((size,)), TensorType(kind, x.shape), TensorType(kind, (size,))


def _unique(x: np.ndarray, out_idx: DType = dtypes.int32, size: Any = None) -> tuple[Any, ...]:
    """Sorting finds the groups of equal elements; the group that begins first comes first."""
    keys = x if x.dtype.name != "bfloat16" else x.astype(np.float32)
    if x.size >= _PACKED and x.dtype == np.int32:
        low, high = int(x.min()), int(x.max())
        if high - low < x.size:
            return _unique_of_few(x, low, high - low + 1, out_idx)
    order = _ascending(keys)
    ordered = keys[order]
    begins = np.ones(len(x), bool)
    np.not_equal(ordered[1:], ordered[:-1], out=begins[1:], casting="unsafe")
    starts = np.flatnonzero(begins)
    first = order[starts]  # the sort is stable: of equal elements the one that came first
    by_place = _ascending(first)
    rank = np.empty(len(first), out_idx.np)
    rank[by_place] = np.arange(len(first))
    places = np.empty(len(x), out_idx.np)
    places[order] = rank[np.cumsum(begins) - 1]
    counts = np.diff(starts, append=len(x))
    return x[first[by_place]], places, counts[by_place].astype(out_idx.np)


def _unique_of_few(x: np.ndarray, low: int, count: int, out_idx: DType) -> tuple[Any, ...]:
    """The same of int32 in [low, low + count), by a table."""
    keys = x - np.int32(low)
    counts = np.bincount(keys, minlength=count)
    first = np.empty(count, np.int32)
    first[keys[::-1]] = np.arange(len(x) - 1, -1, -1, dtype=np.int32)  # the last write stays
    there = np.flatnonzero(counts)
    there = there[_ascending(first[there])]
    rank = np.empty(count, out_idx.np)
    rank[there] = np.arange(len(there))
    return x[first[there]], rank[keys], counts[there].astype(out_idx.np)


unique = op(
    "unique", "x", _unique_type, _unique, attrs={"out_idx": dtypes.int32, "size": None}, many=True,
    grad="places are piecewise constant", lower=Host("the size of its result depends on data"),
    samples=lambda: [Sample((np.array(v, t),), {"size": dims.symbol("n")}, grad=False)
                     for v, t in (([3, 1, 3, 2], "i4"), ([], "f4"), ([b"b", b"a", b"b"], object))],
    doc="The different elements of a vector as they come, their places, and how often they come.",
)  # fmt: skip
