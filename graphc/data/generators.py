"""Datasets of what a Python generator yields."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import graphc as tf
from graphc.data.plans import Plan
from graphc.data.readers import Reader
from graphc.data.structure import Row, as_row, flatten, is_nested, map_components


class Generated(Plan):
    """What a generator yields."""

    title = "_FlatMapDataset"

    def __init__(
        self, generator: Callable[..., Any], types: Any, shapes: Any, args: Any, signature: Any
    ) -> None:
        if not callable(generator):
            raise TypeError("`generator` must be a Python callable.")
        if signature is None and types is None:
            raise TypeError("Either `output_signature` or `output_types` must be specified.")
        if signature is not None and (types is not None or shapes is not None):
            raise TypeError(
                "The `output_types` and `output_shapes` arguments cannot be used together with"
                " `output_signature`."
            )
        self.generator = generator
        self.args = [] if args is None else [tf.convert_to_tensor(a).numpy() for a in args]
        self.spec = _declared(types, shapes) if signature is None else signature

    def reader(self) -> Reader:
        return GeneratorReader(self, iter(self.generator(*self.args)))


def _declared(types: Any, shapes: Any) -> Any:
    if shapes is None:
        return map_components(lambda t: tf.TensorSpec(None, tf.as_dtype(t)), types)
    leaves = iter(_shapes(types, shapes))
    return map_components(lambda t: tf.TensorSpec(next(leaves), tf.as_dtype(t)), types)


def _shapes(types: Any, shapes: Any) -> list[Any]:
    """The shapes, in the order of the types; a shape may be a tuple or a list."""
    if not is_nested(types):
        return [shapes]
    parts = dict(tf.nest.children(shapes))
    return [s for k, child in tf.nest.children(types) for s in _shapes(child, parts[k])]


class GeneratorReader(Reader):
    def __init__(self, plan: Generated, items: Iterator[Any]) -> None:
        self.plan, self.items = plan, items
        self.leaves = flatten(plan.spec)

    def next(self) -> Row | None:
        found = next(self.items, self)
        return None if found is self else self._row(found)

    def _row(self, found: Any) -> Row:
        spec = self.plan.spec
        values = _parts(spec, found)
        if values is None:
            raise tf.errors.InvalidArgumentError(
                "TypeError: `generator` yielded an element that did not match the expected"
                f" structure. The expected structure was {spec}, but the yielded element was"
                f" {found}."
            )
        return [_fitted(v, s) for v, s in zip(values, self.leaves, strict=True)]

    def close(self) -> None:
        if hasattr(self.items, "close"):
            self.items.close()


def _parts(spec: Any, value: Any) -> list[Any] | None:
    """The components of a value in the structure of ``spec``; None if it is not so nested."""
    if not is_nested(spec):
        return [value]
    if isinstance(value, list):  # TF: lists stand for tuples here
        value = tuple(value)
    if not is_nested(value):
        return None
    ours, theirs = dict(tf.nest.children(spec)), dict(tf.nest.children(value))
    if ours.keys() != theirs.keys():
        return None
    found = []
    for key, child in ours.items():
        parts = _parts(child, theirs[key])
        if parts is None:
            return None
        found += parts
    return found


def _fitted(value: Any, spec: Any) -> np.ndarray:
    """A yielded component, of the declared type."""
    if isinstance(value, tf.RaggedTensor) or hasattr(value, "element_spec"):
        return value
    try:
        if isinstance(value, np.ndarray | np.generic | tf.Tensor) and spec.dtype is not tf.string:
            array = np.array(value, spec.dtype.as_numpy_dtype)
        else:
            array = as_row([tf.convert_to_tensor(value, spec.dtype)])[0]
    except (TypeError, ValueError) as error:
        raise tf.errors.InvalidArgumentError(
            "TypeError: `generator` yielded an element that could not be converted to the expected"
            f" type. The expected type was {spec.dtype.name}, but the yielded element was"
            f" {value!r}."
        ) from error
    if spec.shape is not None and not spec.shape.is_compatible_with(array.shape):
        raise tf.errors.InvalidArgumentError(
            f"TypeError: `generator` yielded an element of shape {array.shape} where an element of"
            f" shape {spec.shape} was expected."
        )
    return array
