"""Convolution and its two gradients, which are each other's gradients, too.

``x`` is [batch, *sizes, channels], ``filters`` [*kernel, channels / groups, outputs], ``g`` is like
the result: [batch, *counts, outputs].
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
from graphc.ops.window import Windows, inside, padded, views, windows

# --- types ----------------------------------------------------------------------------------------

_ATTRS = {"strides": (1,), "dilations": (1,), "padding": "VALID", "groups": 1}


def conv_windows(who: str, x: Sequence[DimLike], kernel: Sequence[DimLike], attrs: Any) -> Windows:
    """The windows of filters of some kernel sizes over x."""
    return windows(who, x[1:-1], kernel, attrs["strides"], attrs["dilations"], attrs["padding"])


def _check_ranks(who: str, a: TensorType, b: TensorType, what: str) -> None:
    if a.rank != b.rank or not 3 <= a.rank <= 5:
        raise InvalidArgumentError(
            f"{who}: needs {what}, both of 3, 4 or 5 axes (channels last), got {a} and {b}"
        )


def _check_channels(
    who: str, x: TensorType, taken: DimLike, outputs: DimLike, groups: DimLike
) -> None:
    if groups == 0 or not dims.assume_equal(x.shape[-1], taken * groups):
        many = f" in each of {groups} groups" if groups != 1 else ""
        raise InvalidArgumentError(
            f"{who}: the filters take {taken} channels{many}, {x} has {x.shape[-1]}"
        )
    if outputs % groups != 0 and isinstance(outputs, int):
        raise InvalidArgumentError(f"{who}: {outputs} outputs do not divide into {groups} groups")


def _conv_type(types: Types, attrs: Attrs) -> TensorType:
    x, filters = types
    _check_ranks("conv", x, filters, "an input and filters")
    *kernel, taken, outputs = filters.shape
    _check_channels("conv", x, taken, outputs, attrs["groups"])
    laid = conv_windows("conv", x.shape, kernel, attrs)
    return x.with_shape((x.shape[0], *laid.counts, outputs))


def _expect(who: str, g: TensorType, x: Sequence[DimLike], laid: Windows, outputs: DimLike) -> None:
    wanted = (x[0], *laid.counts, outputs)
    if not all(map(dims.assume_equal, g.shape, wanted)):
        raise InvalidArgumentError(
            f"{who}: the convolution of {show_shape(tuple(x))} has shape {show_shape(wanted)}, got"
            f" {g}"
        )


def _by_input_type(types: Types, attrs: Attrs) -> TensorType:
    g, filters = types
    who, groups = "conv_by_input", attrs["groups"]
    _check_ranks(who, g, filters, "a gradient and filters")
    *kernel, taken, outputs = filters.shape
    found = g.with_shape((g.shape[0], *attrs["size"], taken * groups))
    _check_channels(who, found, taken, outputs, groups)
    if found.rank != g.rank:
        raise InvalidArgumentError(f"{who}: needs {g.rank - 2} sizes, got {attrs['size']}")
    _expect(who, g, found.shape, conv_windows(who, found.shape, kernel, attrs), outputs)
    return found


def _by_filters_type(types: Types, attrs: Attrs) -> TensorType:
    x, g = types
    who, groups = "conv_by_filters", attrs["groups"]
    _check_ranks(who, x, g, "an input and a gradient")
    channels, outputs = x.shape[-1], g.shape[-1]
    taken = channels if groups == 1 else channels // groups
    _check_channels(who, x, taken, outputs, groups)
    laid = conv_windows(who, x.shape, attrs["size"], attrs)
    _expect(who, g, x.shape, laid, outputs)
    return x.with_shape((*attrs["size"], taken, outputs))


# --- on arrays: columns, with the channels of all places of a window in a row, times filters ------

_COLUMNS = 1 << 17  # elements of the columns that are made at once: they fit into a cache


class _Columns:
    """The columns of parts of a batch, ready for products group by group."""

    def __init__(self, x: Sequence[int], kernel: Sequence[int], outputs: int, attrs: Attrs) -> None:
        self.laid = conv_windows("conv", x, kernel, attrs)
        self.groups: int = attrs["groups"]
        self.batch, self.outputs, self.taps = x[0], outputs, int(np.prod(kernel))
        self.taken = x[-1] // self.groups
        self.windows = int(np.prod(self.laid.counts))
        row = max(self.windows * self.taps * x[-1], 1)
        self.images = max(_COLUMNS // row, 1)

    def parts(self) -> Iterator[slice]:
        """The batch in pieces."""
        for start in range(0, self.batch, self.images):
            yield slice(start, start + self.images)

    def gather(self, x: np.ndarray) -> np.ndarray:
        """[groups, windows, taps * channels of a group]"""
        places = views(padded(x, self.laid), self.laid)
        split = places.reshape(*places.shape[:-1], self.groups, self.taken)
        depth, windows = self.taps * self.taken, len(x) * self.windows
        inner = len(self.laid.counts) + 1  # the first axis of a window
        if self.laid.kernel[-1] * self.taken < self.laid.counts[-1]:
            # what numpy copies at once is longer along the windows
            order = (-2, *range(inner, split.ndim - 2), -1, *range(inner))
            columns = split.transpose(order).reshape(self.groups, depth, windows)
            return columns.transpose(0, 2, 1)
        return np.moveaxis(split, -2, 0).reshape(self.groups, windows, depth)

    def scatter(self, columns: np.ndarray, out: np.ndarray) -> None:
        """The inverse: what is gathered from one element is added up in it."""
        split = columns.reshape(self.groups, -1, self.taps, self.taken).transpose(1, 2, 0, 3)
        split = split.reshape(len(out), *self.laid.counts, self.taps, out.shape[-1])
        wide = np.zeros_like(padded(out, self.laid))
        for tap, at in enumerate(self.laid.tap_slices):
            wide[at] += split[..., tap, :]
        out[...] = wide[inside(self.laid)]

    def filters(self, w: np.ndarray) -> np.ndarray:
        """[groups, taps * channels of a group, outputs of a group]"""
        split = w.reshape(self.taps, self.taken, self.groups, -1).transpose(2, 0, 1, 3)
        return split.reshape(self.groups, self.taps * self.taken, self.outputs // self.groups)

    def unfiltered(self, w: np.ndarray, shape: Sequence[int]) -> np.ndarray:
        """The filters in their own shape again."""
        split = w.reshape(self.groups, self.taps, self.taken, -1).transpose(1, 2, 0, 3)
        return split.reshape(shape)

    def results(self, g: np.ndarray) -> np.ndarray:
        """[groups, windows, outputs of a group]"""
        return g.reshape(-1, self.groups, self.outputs // self.groups).transpose(1, 0, 2)


def _wide(x: np.ndarray) -> np.ndarray:
    """Short floats are computed in float32."""
    return x.astype(np.float32) if x.dtype.itemsize == 2 and x.dtype.kind not in "iu" else x


def _conv(x: np.ndarray, filters: np.ndarray, **attrs: Any) -> np.ndarray:
    columns = _Columns(x.shape, filters.shape[:-2], filters.shape[-1], {**_ATTRS, **attrs})
    shape = (len(x), *columns.laid.counts, columns.outputs)
    factor = columns.filters(_wide(filters))
    out = np.empty(shape, factor.dtype)
    for part in columns.parts():
        np.matmul(columns.gather(_wide(x[part])), factor, out=columns.results(out[part]))
    return out.astype(x.dtype, copy=False)


def _by_input(g: np.ndarray, filters: np.ndarray, size: Any, **attrs: Any) -> np.ndarray:
    attrs = {**_ATTRS, **attrs}
    shape = (len(g), *size, filters.shape[-2] * attrs["groups"])
    columns = _Columns(shape, filters.shape[:-2], filters.shape[-1], attrs)
    out = np.zeros(shape, _wide(g[:0]).dtype)
    factor = columns.filters(_wide(filters)).transpose(0, 2, 1)
    for part in columns.parts():
        columns.scatter(columns.results(_wide(g[part])) @ factor, out[part])
    return out.astype(g.dtype, copy=False)


def _by_filters(x: np.ndarray, g: np.ndarray, size: Any, **attrs: Any) -> np.ndarray:
    columns = _Columns(x.shape, size, g.shape[-1], {**_ATTRS, **attrs})
    factors = columns.taps * columns.taken
    shape = (columns.groups, factors, columns.outputs // columns.groups)
    total = np.zeros(shape, _wide(x[:0]).dtype)
    for part in columns.parts():
        total += columns.gather(_wide(x[part])).transpose(0, 2, 1) @ columns.results(_wide(g[part]))
    found = columns.unfiltered(total, (*size, columns.taken, columns.outputs))
    return found.astype(x.dtype, copy=False)


# --- the ops --------------------------------------------------------------------------------------


def _same(c: Any) -> dict[str, Any]:
    return {name: c.attrs[name] for name in _ATTRS}


def _input_of(c: Any, g: Any, filters: Any, x: Any) -> Any:
    return ops.conv_by_input(g, filters, size=tuple(x.dims[1:-1]), **_same(c))


def _filters_of(c: Any, x: Any, g: Any, filters: Any) -> Any:
    return ops.conv_by_filters(x, g, size=tuple(filters.dims[:-2]), **_same(c))


# input, filters, attributes: a vector, an image, a volume; strides, dilations, paddings, groups
_CASES: tuple[tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]], ...] = (
    ((2, 5, 2), (3, 2, 3), {}),
    ((1, 7, 1), (2, 1, 2), {"strides": (3,), "dilations": (2,), "padding": "SAME"}),
    ((2, 4, 3, 2), (2, 3, 2, 2), {"strides": (1, 1), "dilations": (1, 1), "padding": "SAME"}),
    ((1, 5, 6, 1), (3, 2, 1, 2), {"strides": (2, 3), "dilations": (1, 1),
                                  "padding": ((1, 0), (2, 1))}),
    ((1, 4, 4, 4), (2, 2, 2, 4), {"strides": (2, 1), "dilations": (1, 2), "groups": 2}),
    ((2, 3, 3, 2), (2, 2, 1, 4), {"strides": (1, 1), "dilations": (1, 1), "groups": 2,
                                  "padding": "SAME"}),
    ((1, 3, 4, 3), (2, 2, 1, 3), {"strides": (1, 2), "dilations": (1, 1), "groups": 3}),
    ((2, 3, 2, 3), (1, 1, 3, 2), {"strides": (1, 1), "dilations": (1, 1)}),
    ((2, 2, 3, 2, 1), (2, 2, 1, 1, 2), {"strides": (1, 2, 1), "dilations": (1, 1, 1),
                                        "padding": "SAME"}),
    ((0, 3, 3, 1), (2, 2, 1, 2), {"strides": (1, 1), "dilations": (1, 1)}),
)  # fmt: skip


def _cases() -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]]:
    """Input, filters, something like the result, attributes."""
    g = rng()
    for x_shape, w_shape, attrs in _CASES:
        x, w = (g.normal(size=s).astype(np.float32) for s in (x_shape, w_shape))
        attrs = {**_ATTRS, **attrs}
        out = _conv(x, w, **attrs)
        yield x, w, g.normal(size=out.shape).astype(np.float32), attrs


def _samples() -> Iterable[Sample]:
    return [Sample((x, w), attrs) for x, w, _, attrs in _cases()]


def _input_samples() -> Iterable[Sample]:
    return [Sample((g, w), {"size": x.shape[1:-1], **attrs}) for x, w, g, attrs in _cases()]


def _filter_samples() -> Iterable[Sample]:
    return [Sample((x, g), {"size": w.shape[:-2], **attrs}) for x, w, g, attrs in _cases()]


_SHARED = dict(types=dtypes.FLOATS, expensive=True)

conv = op(
    "conv", "x filters", _conv_type, _conv, attrs=_ATTRS, lower=Library("conv"), samples=_samples,
    grad=per_operand(lambda c, g: _input_of(c, g, c.filters, c.x),
                     lambda c, g: _filters_of(c, c.x, g, c.filters)),
    doc="Cross-correlation of [batch, *sizes, channels] with filters.", **_SHARED,
)  # fmt: skip
conv_by_input = op(
    "conv_by_input", "g filters", _by_input_type, _by_input, attrs={"size": (), **_ATTRS},
    lower=Library("conv_by_input"), samples=_input_samples,
    grad=per_operand(lambda c, h: ops.conv(h, c.filters, **_same(c)),
                     lambda c, h: _filters_of(c, h, c.g, c.filters)),
    doc="The gradient of a convolution by its input; also called transposed convolution.",
    **_SHARED,
)  # fmt: skip
conv_by_filters = op(
    "conv_by_filters", "x g", _by_filters_type, _by_filters, attrs={"size": (), **_ATTRS},
    lower=Library("conv_by_filters"), samples=_filter_samples,
    grad=per_operand(lambda c, h: _input_of(c, c.g, h, c.x),
                     lambda c, h: ops.conv(c.x, h, **_same(c))),
    doc="The gradient of a convolution by its filters.", **_SHARED,
)  # fmt: skip
