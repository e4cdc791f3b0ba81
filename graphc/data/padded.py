"""Batches of elements of different shapes, filled up to one."""

from __future__ import annotations

from typing import Any

import numpy as np

import graphc as tf
from graphc.data.plans import Batch, Batched, Plan
from graphc.data.readers import Reader, stack
from graphc.data.structure import (
    RaggedTensorSpec,
    Row,
    batched,
    flatten,
    given,
    is_fixed,
    is_nested,
    map_components,
    pack,
)


class PaddedBatched(Batched):
    """So many elements as one, each filled up to the same shape."""

    title = "_PaddedBatchDataset"

    def __init__(
        self, source: Plan, size: int, drop_remainder: bool, shapes: Any, values: Any
    ) -> None:
        super().__init__(source, size, drop_remainder)
        specs = flatten(source.spec)
        for spec in specs:
            if not isinstance(spec, tf.TensorSpec):
                raise TypeError(f"`padded_batch` is only supported for tensors, got {spec!r}.")
        self.shapes = _shapes(source.spec, shapes)
        self.values = _values(source.spec, values)
        rows = [
            tf.TensorSpec([size if drop_remainder else None, *shape], spec.dtype)
            for spec, shape in zip(specs, self.shapes, strict=True)
        ]
        self.spec = pack(source.spec, rows)

    def reader(self) -> Reader:
        return PaddedBatch(self.source.reader(), self)


def _shapes(spec: Any, given: Any) -> list[list[int | None]]:
    """The shape to fill each component up to; None: as long as the longest."""
    leaves = [s.shape for s in flatten(spec)]
    if given is not None:
        wanted = _matched(spec, given)
    elif any(shape is None for shape in leaves):
        raise ValueError(
            "You must provide `padded_shapes` argument because component has unknown rank."
        )
    else:
        wanted = leaves
    return [_shape(w, shape) for w, shape in zip(wanted, leaves, strict=True)]


def _matched(spec: Any, given: Any) -> list[Any]:
    """Shapes (lists or tuples of sizes) in the structure of a type."""
    if not is_nested(spec):
        return [given]
    parts = dict(tf.nest.children(tuple(given) if isinstance(given, list) else given))
    return [s for k, child in tf.nest.children(spec) for s in _matched(child, parts[k])]


def _shape(wanted: Any, shape: Any) -> list[int | None]:
    sizes = [None if n is None or int(n) < 0 else int(n) for n in wanted]
    if shape is None:
        return sizes
    fits = len(sizes) == len(shape) and all(
        want is None or size is None or size <= want
        for want, size in zip(sizes, shape, strict=True)
    )
    if not fits:
        raise ValueError(
            f"The padded shape {tf.TensorShape(sizes)} is not compatible with the shape {shape} of"
            " the corresponding input component."
        )
    return sizes


def _values(spec: Any, given: Any) -> list[Any]:
    """What each component is filled up with."""
    leaves = flatten(spec)
    values = [None] * len(leaves) if given is None else flatten(given)
    if len(values) == 1:
        values *= len(leaves)
    return [_value(v, s.dtype) for v, s in zip(values, leaves, strict=True)]


def _value(value: Any, dtype: Any) -> Any:
    if value is None:
        return b"" if dtype is tf.string else 0
    made = tf.convert_to_tensor(value)
    if made.dtype is not dtype and not isinstance(value, int | float):
        raise TypeError(
            f"Mismatched type between padding value {value!r} and input dataset's component type"
            f" {dtype.name}."
        )
    return tf.convert_to_tensor(value, dtype).numpy()


class RaggedBatched(Batched):
    """So many elements as one, those of different shapes as rows of a RaggedTensor."""

    def __init__(self, source: Plan, size: int, drop_remainder: bool) -> None:
        super().__init__(source, size, drop_remainder)
        self.ragged = [not is_fixed(s) for s in given(source.spec)]
        rows = size if drop_remainder else None
        self.spec = map_components(lambda s: _ragged(s, rows), source.spec)

    def reader(self) -> Reader:
        return RaggedBatch(self.source.reader(), self)


def _ragged(spec: Any, rows: int | None) -> Any:
    if is_fixed(spec):
        return batched(spec, rows)
    if not isinstance(spec, tf.TensorSpec) or spec.shape is None or None in spec.shape[1:]:
        raise tf.errors.UnimplementedError(
            f"ragged_batch makes one ragged axis of elements [None, ...], got {spec!r}"
        )
    return RaggedTensorSpec([rows, *spec.shape], spec.dtype, 1)


class RaggedBatch(Batch):
    def __init__(self, upstream: Reader, plan: RaggedBatched) -> None:
        super().__init__(upstream, plan.size, plan.drop)
        self.ragged = plan.ragged

    def next(self) -> Row | None:
        rows = self.upstream.rows(self.size)
        if not rows or (self.drop and len(rows) < self.size):
            return None
        return [
            tf.RaggedTensor.from_row_lengths(np.concatenate(column), [len(a) for a in column])
            if ragged
            else stack([[a] for a in column])[0]
            for column, ragged in zip(zip(*rows, strict=True), self.ragged, strict=True)
        ]


class PaddedBatch(Batch):
    def __init__(self, upstream: Reader, plan: PaddedBatched) -> None:
        super().__init__(upstream, plan.size, plan.drop)
        self.plan = plan

    def next(self) -> Row | None:
        rows = self.upstream.rows(self.size)
        if not rows or (self.drop and len(rows) < self.size):
            return None
        parts = zip(zip(*rows, strict=True), self.plan.shapes, self.plan.values, strict=True)
        return [_filled(list(column), shape, value) for column, shape, value in parts]


def _filled(column: list[np.ndarray], shape: list[int | None], value: Any) -> np.ndarray:
    ranks = {a.ndim for a in column}
    if ranks != {len(shape)}:
        raise tf.errors.InvalidArgumentError(
            f"All elements in a batch must have the same rank as the padded shape for component:"
            f" expected rank {len(shape)} got element with rank {max(ranks - {len(shape)})}"
        )
    sizes = []
    for axis, want in enumerate(shape):
        longest = max(a.shape[axis] for a in column)
        if want is not None and longest > want:
            raise tf.errors.InvalidArgumentError(
                "Attempted to pad to a smaller size than the input element."
                f" Axis {axis} is {longest} long, the padded shape is {want}."
            )
        sizes.append(longest if want is None else want)
    made = np.full((len(column), *sizes), value, column[0].dtype)
    for i, array in enumerate(column):
        made[(i, *map(slice, array.shape))] = array[()] if array.ndim == 0 else array
    return made
