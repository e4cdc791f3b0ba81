"""Tensors made from sizes and numbers: iota, range, one_hot."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from graphc.errors import DTypeError, InvalidArgumentError
from graphc.ir import dims, dtypes
from graphc.ir.dtypes import DType
from graphc.ir.types import TensorType
from graphc.ops.combinators import normalize_axis, op
from graphc.ops.opdef import Attrs, Host, Sample, Scalar, Types

iota = op(
    "iota", "", lambda types, attrs: TensorType(attrs["dtype"], (attrs["size"],)),
    lambda size, dtype=dtypes.int32: np.arange(size, dtype=dtype.np),
    attrs={"size": 0, "dtype": dtypes.int32}, grad="it depends on nothing", lower=Scalar("iota"),
    samples=lambda: [Sample((), {"size": n, "dtype": d}, grad=False, exact=True)
                     for n in (5, 0) for d in (dtypes.int32, dtypes.float32)],
    doc="0, 1, 2, ... as a vector.",
)  # fmt: skip


def _range_type(types: Types, attrs: Attrs) -> TensorType:
    if any(t.rank for t in types):
        raise InvalidArgumentError(f"range: bounds must be scalars, got {types}")
    return types[0].with_shape((attrs["size"],))


def _range(start: np.ndarray, limit: np.ndarray, delta: np.ndarray, size: Any = None) -> np.ndarray:
    if delta == 0:
        raise InvalidArgumentError("range: delta must not be 0")
    return np.arange(start, limit, delta, dtype=start.dtype)


range_ = op(
    "range", "start limit delta", _range_type, _range, attrs={"size": None}, types=dtypes.REALS,
    grad="its length depends on the bounds", can_fail=True,
    lower=Host("the size of its result depends on data"),
    samples=lambda: [
        Sample(tuple(np.array(v, t) for v in bounds), {"size": dims.symbol("n")}, grad=False)
        for bounds, t in (((2, 9, 3), "i4"), ((1, -1, -0.5), "f4"), ((3, 1, 1), "i8"))
    ],
    doc="Numbers from start below limit in steps of delta; ``size`` is the symbol of their number.",
)  # fmt: skip


def _sized_type(types: Types, attrs: Attrs) -> TensorType:
    if types[0].rank or not types[0].dtype.is_integer:
        raise InvalidArgumentError(f"a size must be an integer scalar, got {types[0]}")
    return TensorType(dtypes.uint8, (attrs["size"], 0))


def _sized(n: np.ndarray, what: str = "", size: Any = None) -> np.ndarray:
    if n < 0:
        raise InvalidArgumentError(f"{what or 'a size'} must not be negative, got {n}")
    return np.empty((int(n), 0), np.uint8)


sized = op(
    "sized", "n", _sized_type, _sized, attrs={"what": "", "size": None}, can_fail=True,
    types=dtypes.INTEGERS, grad="it holds nothing", lower=Host("a size that depends on data"),
    samples=lambda: [Sample((np.array(n, np.int64),), {"size": dims.symbol("n")}, grad=False)
                     for n in (3, 0)],
    doc="Nothing, of shape [n, 0]: makes a number the size of an axis, which ``size`` names.",
)  # fmt: skip


def _segments(ids: np.ndarray, size: Any = None) -> np.ndarray:
    flat = ids.reshape(-1)
    if flat.size and (flat[0] < 0 or (flat[1:] < flat[:-1]).any()):
        raise InvalidArgumentError("segment ids must not be negative, and never fall")
    return np.empty((int(flat[-1]) + 1 if flat.size else 0, 0), np.uint8)


segments = op(
    "segments", "ids", lambda types, attrs: TensorType(dtypes.uint8, (attrs["size"], 0)), _segments,
    attrs={"size": None}, can_fail=True, types=dtypes.INTEGERS, grad="it holds nothing",
    lower=Host("a size that depends on data"),
    samples=lambda: [Sample((np.array(v, np.int32),), {"size": dims.symbol("n")}, grad=False)
                     for v in ([0, 0, 2], [])],
    doc="Nothing, of shape [n, 0], for sorted numbers of segments whose last is n - 1.",
)  # fmt: skip


def _one_hot_type(types: Types, attrs: Attrs) -> TensorType:
    if not types[0].dtype.is_integer:
        raise DTypeError(f"one_hot: indices must be integers, got {types[0]}")
    axis = normalize_axis(attrs["axis"], types[0].rank + 1, "one_hot")
    shape = types[0].shape
    return TensorType(attrs["dtype"], (*shape[:axis], attrs["depth"], *shape[axis:]))


def _one_hot(
    indices: np.ndarray, depth: int, axis: int = -1, dtype: DType = dtypes.float32
) -> np.ndarray:
    axis = axis % (indices.ndim + 1)
    places = np.arange(depth).reshape(-1, *(1,) * (indices.ndim - axis))
    return (np.expand_dims(indices, axis) == places).astype(dtype.np)


def _one_hot_samples() -> Iterable[Sample]:
    for indices in ([0, 2, 5, -1], [[1], [0]], 1, np.zeros((0,))):
        yield Sample((np.asarray(indices, np.int32),), {"depth": 3}, grad=False, exact=True)
    attrs = {"depth": 3, "axis": 0, "dtype": dtypes.int64}
    yield Sample((np.array([2, 0], np.int64),), attrs, grad=False, exact=True)


one_hot = op(
    "one_hot", "indices", _one_hot_type, _one_hot, grad="indices are integers",
    attrs={"depth": 1, "axis": -1, "dtype": dtypes.float32}, lower=Scalar("one_hot"), wide=True,
    samples=_one_hot_samples,
    doc="1 at each index along a new axis, 0 elsewhere; indices out of range give zeros.",
)  # fmt: skip
