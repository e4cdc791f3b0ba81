"""What an element of a dataset is made of: tuples, dicts and records of components.

A list is a component: it becomes a tensor (TF: ``tf.data`` nests like this, ``tf.nest`` does not).
Inside a pipeline an element is a *row*: the list of its components as arrays, or as datasets.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

import graphc as tf
from graphc.trace import nest
from graphc.trace.tensor import EagerTensor, SymbolicTensor

Row = list[Any]


class _Outline(threading.local):
    """``on`` while a function of elements is traced: datasets made there are never gone through,
    they only show what the elements of the real ones will be.
    """

    on = False


OUTLINE = _Outline()


class DatasetSpec:
    """The type of a component that is a dataset itself (TF: ``tf.data.DatasetSpec``)."""

    def __init__(self, element_spec: Any, dataset_shape: Any = ()) -> None:
        self.element_spec = element_spec
        self.shape = self.dataset_shape = tf.TensorShape(dataset_shape)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DatasetSpec) and other.element_spec == self.element_spec

    def __hash__(self) -> int:
        return hash(tuple(flatten(self.element_spec)))

    def __repr__(self) -> str:
        return f"DatasetSpec({self.element_spec!r}, {self.dataset_shape!r})"


class NoneTensorSpec:
    """The type of a component that is None (TF: ``NoneTensorSpec``)."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NoneTensorSpec)

    def __hash__(self) -> int:
        return hash(NoneTensorSpec)

    def __repr__(self) -> str:
        return "NoneTensorSpec()"


class RaggedTensorSpec:
    """The type of a component that is a RaggedTensor (TF: ``tf.RaggedTensorSpec``)."""

    def __init__(
        self, shape: Any = None, dtype: Any = tf.float32, ragged_rank: int | None = None,
        row_splits_dtype: Any = tf.int64,
    ) -> None:  # fmt: skip
        self.shape = None if shape is None else tf.TensorShape(shape)
        self.dtype = tf.as_dtype(dtype)
        self.ragged_rank = len(self.shape or ()) - 1 if ragged_rank is None else ragged_rank
        self.row_splits_dtype = tf.as_dtype(row_splits_dtype)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RaggedTensorSpec) and repr(other) == repr(self)

    def __hash__(self) -> int:
        return hash(repr(self))

    def __repr__(self) -> str:
        kinds = f"{self.dtype!r}, {self.ragged_rank}, {self.row_splits_dtype!r}"
        return f"RaggedTensorSpec({self.shape!r}, {kinds})"


def is_nested(value: Any) -> bool:
    """Whether a part of an element has components."""
    return nest.is_nested(value) and not isinstance(value, list | tf.RaggedTensor)


def flatten(value: Any) -> list[Any]:
    """The components, in order."""
    if not is_nested(value):
        return [value]
    return [leaf for _, child in nest.children(value) for leaf in flatten(child)]


def pack(structure: Any, leaves: Iterable[Any]) -> Any:
    """``structure`` with other components."""
    return _pack(structure, iter(leaves))


def _pack(structure: Any, leaves: Iterator[Any]) -> Any:
    if not is_nested(structure):
        return next(leaves)
    parts = [(key, _pack(child, leaves)) for key, child in nest.children(structure)]
    return nest.rebuild(structure, parts)


def map_components(function: Callable[..., Any], *structures: Any) -> Any:
    """Apply ``function`` to each component of structures that are nested alike."""
    columns = zip(*map(flatten, structures), strict=True)
    return pack(structures[0], [function(*leaves) for leaves in columns])


def packer(structure: Any) -> Callable[[Row], Any]:
    """What makes an element for the user from a row."""
    wrappers = [wrapper(spec) for spec in given(structure)]
    if not is_nested(structure) and wrappers:
        only = wrappers[0]
        return lambda row: only(row[0])
    flat = type(structure) is tuple and not any(map(is_nested, structure))
    if flat and len(wrappers) == len(structure) and set(wrappers) == {EagerTensor}:
        return lambda row: tuple(map(EagerTensor, row))
    return lambda row: filled(structure, [w(v) for w, v in zip(wrappers, row, strict=True)])


def given(structure: Any) -> list[Any]:
    """The types of what a row holds: of all components but those that are None."""
    return [s for s in flatten(structure) if not isinstance(s, NoneTensorSpec)]


def filled(structure: Any, values: Iterable[Any]) -> Any:
    """An element of what a row holds, and None where the type says so."""
    rest = iter(values)
    leaves = flatten(structure)
    return pack(structure, [None if isinstance(s, NoneTensorSpec) else next(rest) for s in leaves])


def wrapper(spec: Any) -> Callable[[Any], Any]:
    """What makes a component for the user of one in a row."""
    return EagerTensor if isinstance(spec, tf.TensorSpec) else lambda value: value


def component(value: Any) -> Any:
    """A component as a tensor, or as what else it may be."""
    if isinstance(value, SymbolicTensor) and not OUTLINE.on:
        value.numpy()  # refuses: the dataset would hold a value that there is not yet
    if value is None or isinstance(value, tf.RaggedTensor) or hasattr(value, "element_spec"):
        return value
    if not isinstance(value, tf.Tensor | tf.Variable) and hasattr(value, "__array__"):
        value = np.array(value)  # pandas; a copy, for the user may change the array
    return tf.convert_to_tensor(value)


def whole(value: Any) -> int:
    """A whole number that says how many."""
    if isinstance(value, SymbolicTensor) and OUTLINE.on:
        return 1  # nobody will count
    return int(value)


def as_row(tensors: Iterable[Any]) -> Row:
    """Components as they are kept in a row: without those that are None."""
    return [getattr(t, "_array", t) for t in tensors if t is not None]


def spec_of(value: Any) -> Any:
    """The type of a component."""
    if value is None:
        return NoneTensorSpec()
    if hasattr(value, "element_spec"):
        return DatasetSpec(value.element_spec)
    if isinstance(value, tf.RaggedTensor):
        rows = [None] * len(value.shape)
        return RaggedTensorSpec(rows, value.dtype, value.ragged_rank, value.row_splits.dtype)
    if isinstance(value, SymbolicTensor):
        return tf.TensorSpec([d if isinstance(d, int) else None for d in value.dims], value.dtype)
    return tf.TensorSpec(value.shape, value.dtype)


def specs(structure: Any, change: Callable[[tf.TensorSpec], Any]) -> Any:
    """A structure of types, with ``change`` applied to each."""
    return map_components(change, structure)


def batched(spec: Any, size: int | None) -> Any:
    """The type of a batch."""
    if isinstance(spec, NoneTensorSpec):
        return spec
    if isinstance(spec, DatasetSpec):
        return DatasetSpec(spec.element_spec, [size, *spec.dataset_shape])
    if spec.shape is None or spec.shape.rank is None:
        return tf.TensorSpec(None, spec.dtype)
    return tf.TensorSpec([size, *spec.shape], spec.dtype)


def unbatched(spec: Any) -> Any:
    """The type of a row of a batch."""
    return tf.TensorSpec(spec.shape[1:] if is_ranked(spec) else None, spec.dtype)


def widened(one: Any, other: Any) -> Any:
    """The most precise type that holds both; raises ``TypeError`` if there is none."""
    if not isinstance(one, tf.TensorSpec):
        if one == other:
            return one
        raise TypeError
    if type(one) is not type(other) or one.dtype is not other.dtype:
        raise TypeError
    if not is_ranked(one) or not is_ranked(other) or len(one.shape) != len(other.shape):
        return tf.TensorSpec(None, one.dtype)
    sizes = [a if a == b else None for a, b in zip(one.shape, other.shape, strict=True)]
    return tf.TensorSpec(sizes, one.dtype)


def is_ranked(spec: Any) -> bool:
    return (
        isinstance(spec, tf.TensorSpec) and spec.shape is not None and spec.shape.rank is not None
    )


def is_fixed(structure: Any) -> bool:
    """Whether all elements have the same shapes, known before any is made."""
    return all(is_ranked(s) and None not in s.shape for s in given(structure))


def with_rank(spec: Any, rank: int) -> Any:
    """A type of unknown rank as one of this rank."""
    unknown = isinstance(spec, tf.TensorSpec) and spec.shape is None
    return tf.TensorSpec([None] * rank, spec.dtype) if unknown else spec


def without_rank(spec: Any) -> Any:
    return tf.TensorSpec(None, spec.dtype) if isinstance(spec, tf.TensorSpec) else spec
