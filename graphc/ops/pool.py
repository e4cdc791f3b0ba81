"""Pooling: the largest element or the mean of each window, channel by channel.

``x`` is [batch, *sizes, channels].  Of equal elements the first in a window counts; what lies
outside of ``x`` counts for nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from graphc.errors import InvalidArgumentError
from graphc.ir import dims, dtypes
from graphc.ir.dims import DimLike
from graphc.ir.types import TensorType, show_shape
from graphc.ops.combinators import op, ops, per_operand, rng
from graphc.ops.opdef import Attrs, Library, Sample, Types
from graphc.ops.window import Windows, inside, padded, windows

_ATTRS = {"window": (1,), "strides": (1,), "dilations": (1,), "padding": "VALID"}

# --- types ----------------------------------------------------------------------------------------


def pool_windows(who: str, x: Sequence[DimLike], attrs: Any) -> Windows:
    """The windows over x; each has a place inside."""
    laid = windows(
        who, x[1:-1], attrs["window"], attrs["strides"], attrs["dilations"], attrs["padding"]
    )
    if not isinstance(attrs["padding"], str):
        for pair, k, d in zip(attrs["padding"], laid.kernel, laid.dilations, strict=True):
            if max(pair) > (k - 1) * d:
                raise InvalidArgumentError(
                    f"{who}: padding {tuple(pair)} is wider than a window of {k} may reach out"
                )
    return laid


def _pooled(who: str, x: TensorType, attrs: Attrs) -> TensorType:
    if not 3 <= x.rank <= 5:
        raise InvalidArgumentError(f"{who}: needs 3, 4 or 5 axes (channels last), got {x}")
    return x.with_shape((x.shape[0], *pool_windows(who, x.shape, attrs).counts, x.shape[-1]))


def _expect(who: str, found: TensorType, wanted: Sequence[DimLike]) -> None:
    if found.rank != len(wanted) or not all(map(dims.assume_equal, found.shape, wanted)):
        raise InvalidArgumentError(
            f"{who}: expected shape {show_shape(tuple(wanted))}, got {found}"
        )


def _spread_type(types: Types, attrs: Attrs) -> TensorType:
    x, g = types
    _expect("max_pool_spread", g, _pooled("max_pool_spread", x, attrs).shape)
    return x


def _pick_type(types: Types, attrs: Attrs) -> TensorType:
    x, values = types
    _expect("max_pool_pick", values, x.shape)
    return _pooled("max_pool_pick", x, attrs).with_dtype(values.dtype)


def _mean_spread_type(types: Types, attrs: Attrs) -> TensorType:
    g = types[0]
    found = g.with_shape((g.shape[0], *attrs["size"], g.shape[-1]))
    _expect("avg_pool_spread", g, _pooled("avg_pool_spread", found, attrs).shape)
    return found


# --- on arrays ------------------------------------------------------------------------------------


def _laid(x: Sequence[int], attrs: Any) -> Windows:
    return pool_windows("pool", x, {**_ATTRS, **attrs})


def _counts(laid: Windows) -> np.ndarray:
    """How many places of each window lie inside: [1, *counts, 1]."""
    wide = padded(np.ones((1, *laid.sizes, 1), np.float32), laid)
    return np.add.reduce([wide[at] for at in laid.tap_slices])


def _lowest(dtype: np.dtype) -> Any:
    return dtypes.of_numpy(dtype).min if dtype.kind in "iu" else -np.inf


def _max_pool(x: np.ndarray, **attrs: Any) -> np.ndarray:
    laid = _laid(x.shape, attrs)
    wide = padded(x, laid, _lowest(x.dtype))
    first, *rest = laid.tap_slices
    out = wide[first].copy()
    for at in rest:
        np.maximum(out, wide[at], out=out)
    return out


def _winners(x: np.ndarray, laid: Windows) -> np.ndarray:
    """The number of the place in each window whose element is taken."""
    wide = padded(x, laid)
    there = padded(np.ones((1, *laid.sizes, 1), bool), laid, False)
    best = tap = found = None
    for i, at in enumerate(laid.tap_slices):
        value = wide[at]
        if best is None:
            best, tap = value.copy(), np.zeros(value.shape, np.int32)
            found = np.broadcast_to(there[at], value.shape).copy()
            continue
        larger = (value > best) | ((value != value) & (best == best))
        taken = there[at] & (larger | ~found)
        np.copyto(best, value, where=taken)
        tap[taken] = i
        found |= there[at]
    return tap


def _spread(x: np.ndarray, g: np.ndarray, **attrs: Any) -> np.ndarray:
    laid = _laid(x.shape, attrs)
    tap, wide = _winners(x, laid), np.zeros_like(padded(x, laid))
    for i, at in enumerate(laid.tap_slices):
        wide[at] += np.where(tap == i, g, g.dtype.type(0))
    return wide[inside(laid)]


def _pick(x: np.ndarray, values: np.ndarray, **attrs: Any) -> np.ndarray:
    laid = _laid(x.shape, attrs)
    tap, wide = _winners(x, laid), padded(values, laid)
    out = np.zeros(tap.shape, values.dtype)
    for i, at in enumerate(laid.tap_slices):
        np.copyto(out, wide[at], where=tap == i)
    return out


def _avg_pool(x: np.ndarray, **attrs: Any) -> np.ndarray:
    laid = _laid(x.shape, attrs)
    wide = padded(x, laid)
    out = np.zeros((len(x), *laid.counts, x.shape[-1]), np.result_type(x.dtype, np.float32))
    for at in laid.tap_slices:
        out += wide[at]
    out /= _counts(laid).astype(out.dtype)
    return out.astype(x.dtype, copy=False)


def _mean_spread(g: np.ndarray, size: Any, **attrs: Any) -> np.ndarray:
    shape = (len(g), *size, g.shape[-1])
    laid = _laid(shape, attrs)
    wide = np.zeros_like(padded(np.zeros(shape, np.result_type(g.dtype, np.float32)), laid))
    share = g / _counts(laid).astype(wide.dtype)
    for at in laid.tap_slices:
        wide[at] += share
    return wide[inside(laid)].astype(g.dtype, copy=False)


# --- the ops --------------------------------------------------------------------------------------

_CASES: tuple[tuple[tuple[int, ...], dict[str, Any]], ...] = (
    ((2, 5, 2), {"window": (2,), "strides": (2,), "dilations": (1,)}),
    ((1, 6, 1), {"window": (3,), "strides": (2,), "dilations": (2,), "padding": "SAME"}),
    ((2, 4, 4, 2), {"window": (2, 2), "strides": (2, 2), "dilations": (1, 1)}),
    ((1, 3, 4, 1), {"window": (3, 2), "strides": (2, 1), "dilations": (1, 1), "padding": "SAME"}),
    ((1, 4, 5, 2), {"window": (2, 3), "strides": (1, 2), "dilations": (1, 1),
                    "padding": ((1, 0), (2, 1))}),
    ((1, 3, 2, 3, 1), {"window": (2, 2, 2), "strides": (1, 1, 2), "dilations": (1, 1, 1),
                       "padding": "SAME"}),
    ((0, 4, 4, 1), {"window": (2, 2), "strides": (2, 2), "dilations": (1, 1)}),
)  # fmt: skip


def _cases() -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]]:
    """Distinct numbers, others of the same shape, something like the result, attributes."""
    g = rng()
    for shape, attrs in _CASES:
        attrs = {**_ATTRS, **attrs}
        x = g.permutation(int(np.prod(shape))).reshape(shape).astype(np.float32) / 8
        y = _max_pool(x, **attrs)
        yield x, *(g.normal(size=s).astype(np.float32) for s in (shape, y.shape)), attrs


def _own_samples(exact: bool) -> Iterable[Sample]:
    yield from (Sample((x,), attrs, exact=exact) for x, _, _, attrs in _cases())


def _max_samples() -> Iterable[Sample]:
    yield from _own_samples(exact=True)
    attrs = {**_ATTRS, **_CASES[3][1]}
    odd = np.array([-np.inf, -np.inf, 1, 1, np.nan, 2, -np.inf, 3, 1, 0, -0.0, 0], np.float32)
    yield Sample((odd.reshape(1, 3, 4, 1),), attrs, grad=False, exact=True)
    yield Sample((np.arange(12, dtype=np.int32).reshape(1, 3, 4, 1) % 5 - 9,), attrs, grad=False)


def _spread_samples() -> Iterable[Sample]:
    yield from (Sample((x, g), attrs) for x, _, g, attrs in _cases())
    x, _, g, attrs = list(_cases())[3]
    yield Sample((np.round(x / 2), g), attrs, grad=False)  # equal elements
    yield Sample((np.full_like(x, -np.inf), g), attrs, grad=False)


def _pick_samples() -> Iterable[Sample]:
    yield from (Sample((x, v), attrs, exact=True) for x, v, _, attrs in _cases())
    x, v, _, attrs = list(_cases())[3]
    yield Sample((np.round(x / 2), v), attrs, grad=False)
    yield Sample((x, np.arange(x.size, dtype=np.int64).reshape(x.shape)), attrs, grad=False)


def _pooling(c: Any) -> dict[str, Any]:
    return {name: c.attrs[name] for name in _ATTRS}


max_pool = op(
    "max_pool", "x", lambda types, attrs: _pooled("max_pool", types[0], attrs), _max_pool,
    types=dtypes.REALS, attrs=_ATTRS, lower=Library("max_pool"), samples=_max_samples,
    grad=lambda c, g: ops.max_pool_spread(c.x, g, **_pooling(c)), expensive=True,
    doc="The largest element of each window.",
)  # fmt: skip
max_pool_spread = op(
    "max_pool_spread", "x g", _spread_type, _spread, types=dtypes.REALS, attrs=_ATTRS,
    grad=per_operand(None, lambda c, h: ops.max_pool_pick(c.x, h, **_pooling(c))), expensive=True,
    lower=Library("max_pool_spread"), samples=_spread_samples,
    doc="Each element of g, added up at the place of the largest element of its window in x.",
)  # fmt: skip
max_pool_pick = op(
    "max_pool_pick", "x values", _pick_type, _pick, attrs=_ATTRS, wide=True, expensive=True,
    grad=per_operand(None, lambda c, g: ops.max_pool_spread(c.x, g, **_pooling(c))),
    lower=Library("max_pool_pick"), samples=_pick_samples,
    doc="The values at the places of the largest elements of x.",
)  # fmt: skip
avg_pool = op(
    "avg_pool", "x", lambda types, attrs: _pooled("avg_pool", types[0], attrs), _avg_pool,
    types=dtypes.FLOATS, attrs=_ATTRS, lower=Library("avg_pool"), expensive=True,
    grad=lambda c, g: ops.avg_pool_spread(g, size=tuple(c.x.dims[1:-1]), **_pooling(c)),
    samples=lambda: _own_samples(exact=False), doc="The mean of each window.",
)  # fmt: skip
avg_pool_spread = op(
    "avg_pool_spread", "g", _mean_spread_type, _mean_spread, types=dtypes.FLOATS,
    attrs={"size": (), **_ATTRS}, lower=Library("avg_pool_spread"), expensive=True,
    grad=lambda c, h: ops.avg_pool(h, **_pooling(c)),
    samples=lambda: [Sample((g,), {"size": x.shape[1:-1], **attrs}) for x, _, g, attrs in _cases()],
    doc="Each element of g in equal shares to the places of its window.",
)  # fmt: skip
