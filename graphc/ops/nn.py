"""The softmax family, one_hot and top_k."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from graphc.errors import DTypeError, InvalidArgumentError
from graphc.ir import dtypes
from graphc.ir.dtypes import DType
from graphc.ir.types import TensorType
from graphc.ops.combinators import normalize_axis, op, ops, rng
from graphc.ops.opdef import Attrs, Sample, Scalar, Types


def one_hot_type(types: Types, attrs: Attrs) -> TensorType:
    if not types[0].dtype.is_integer:
        raise DTypeError(f"one_hot: indices must be integers, got {types[0]}")
    axis = normalize_axis(attrs.get("axis", -1), types[0].rank + 1, "one_hot")
    shape = types[0].shape
    return TensorType(attrs["dtype"], (*shape[:axis], attrs["depth"], *shape[axis:]))


def _one_hot(indices: np.ndarray, depth: int, axis: int = -1, dtype: DType = dtypes.float32) -> np.ndarray:
    axis = axis % (indices.ndim + 1)
    places = np.arange(depth).reshape(-1, *(1,) * (indices.ndim - axis))
    return (np.expand_dims(indices, axis) == places).astype(dtype.np)


def _one_hot_samples() -> Iterable[Sample]:
    for indices in (np.array([0, 2, 5, -1], np.int32), np.array([[1], [0]], np.int64), np.int32(1).reshape(())):
        yield Sample((indices,), {"depth": 3}, grad=False)


one_hot = op(
    "one_hot", "indices", one_hot_type, _one_hot,
    attrs={"depth": 1, "axis": -1, "dtype": dtypes.float32}, grad="indices are integers",
    lower=Scalar("one_hot"), samples=_one_hot_samples,
    doc="1 at each index along a new axis, 0 elsewhere; indices out of range give zeros.",
)  # fmt: skip


def _iota_type(types: Types, attrs: Attrs) -> TensorType:
    return TensorType(attrs["dtype"], (attrs["size"],))


iota = op(
    "iota", "", _iota_type, lambda size, dtype=dtypes.int32: np.arange(size, dtype=dtype.np),
    attrs={"size": 0, "dtype": dtypes.int32}, grad="it depends on nothing", lower=Scalar("iota"),
    samples=lambda: [Sample((), {"size": 5}, grad=False), Sample((), {"size": 0}, grad=False)],
    doc="0, 1, 2, ... as a vector.",
)  # fmt: skip


def _range_type(types: Types, attrs: Attrs) -> TensorType:
    return types[0].with_shape((attrs["size"],))


def _range(start: np.ndarray, limit: np.ndarray, delta: np.ndarray, size: Any = None) -> np.ndarray:
    if delta == 0:
        raise InvalidArgumentError("range: delta must not be 0")
    return np.arange(start, limit, delta, dtype=start.dtype)


range_ = op(
    "range", "start limit delta", _range_type, _range, attrs={"size": None}, types=dtypes.REALS,
    grad="a range is not differentiated", can_fail=True,
    samples=lambda: [Sample(tuple(np.array(v, np.int32) for v in (2, 9, 3)), {"size": 3}, grad=False)],
    doc="Numbers from start below limit in steps of delta.",
)  # fmt: skip


def _top_type(types: Types, attrs: Attrs) -> tuple[TensorType, TensorType]:
    x, k = types[0], attrs["k"]
    if isinstance(x.shape[-1], int) and isinstance(k, int) and k > x.shape[-1]:
        raise InvalidArgumentError(f"top_k: {k} is more than the last axis of {x}")
    shape = (*x.shape[:-1], k)
    return x.with_shape(shape), TensorType(dtypes.int32, shape)


def _top_k(x: np.ndarray, k: int, sorted: bool = True) -> tuple[np.ndarray, np.ndarray]:
    order = np.argsort(-x, axis=-1, kind="stable")[..., :k]
    return np.take_along_axis(x, order, -1), order.astype(np.int32)


def _top_grad(c: Any, g: Any, _: Any) -> Any:
    depth = c.x.dims[-1]
    hits = ops.one_hot(c.outputs[1], depth=depth, axis=-1, dtype=c.x.dtype)
    last = len(g.dims)
    return ops.reduce_sum(hits * ops.expand_dims(g, axis=last), axis=(last - 1,))


top_k = op(
    "top_k", "x", _top_type, _top_k, attrs={"k": 1, "sorted": True}, types=dtypes.REALS, many=True,
    grad=_top_grad,
    samples=lambda: [Sample((rng().normal(size=(3, 5)).astype("f4"),), {"k": 2})],
    doc="The k largest elements of the last axis, and their indices.",
)  # fmt: skip


def _sort_type(types: Types, attrs: Attrs) -> TensorType:
    normalize_axis(attrs["axis"], types[0].rank, "sort")
    return types[0]


def _sort_grad(c: Any, g: Any) -> Any:
    order = ops.argsort(c.x, axis=c.axis, descending=c.descending)
    back = ops.argsort(order, axis=c.axis, descending=False)
    axis = normalize_axis(c.axis, len(c.x.dims))
    return ops.gather(g, back, axis=axis, batch_dims=axis)


def _sort(x: np.ndarray, axis: int = -1, descending: bool = False) -> np.ndarray:
    return np.flip(np.sort(x, axis), axis) if descending else np.sort(x, axis)


def _argsort(x: np.ndarray, axis: int = -1, descending: bool = False, stable: bool = True) -> np.ndarray:
    keys = x if not descending else (-x if x.dtype.kind == "f" else np.iinfo(x.dtype).max - x)
    return np.argsort(keys, axis, kind="stable").astype(np.int32)


def _sort_samples(grad: bool) -> Any:
    x = rng().normal(size=(3, 5)).astype("f4")
    return lambda: [Sample((x,), {"axis": -1, "descending": d}, grad=grad) for d in (False, True)]


sort = op("sort", "x", _sort_type, _sort, attrs={"axis": -1, "descending": False}, types=dtypes.REALS,
          grad=_sort_grad, samples=_sort_samples(True), doc="Sorted along an axis.")  # fmt: skip
argsort = op(
    "argsort", "x", lambda types, attrs: _sort_type(types, attrs).with_dtype(dtypes.int32), _argsort,
    attrs={"axis": -1, "descending": False, "stable": True}, types=dtypes.REALS,
    grad="indices are piecewise constant", samples=_sort_samples(False),
    doc="The indices that sort an axis.",
)  # fmt: skip
