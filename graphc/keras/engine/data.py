"""Data for training as batches: arrays are cut into slices, everything else is iterated.

A batch is what ``train_step`` gets: ``(x, y, sample_weight)`` of tensors, or the first of them.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

import graphc as tf
from graphc.keras import backend
from graphc.trace.tensor import EagerTensor


def unpack_x_y_sample_weight(data: Any) -> tuple[Any, Any, Any]:
    """``data`` as inputs, targets and weights; None for what it lacks."""
    if isinstance(data, list):
        data = tuple(data)
    if not isinstance(data, tuple):
        return data, None, None
    if not 1 <= len(data) <= 3:
        raise ValueError(
            "Data is expected to be in format `x`, `(x,)`, `(x, y)`, or `(x, y, sample_weight)`,"
            f" found: {data}"
        )
    return (*data, None, None)[:3]


def pack_x_y_sample_weight(x: Any, y: Any = None, sample_weight: Any = None) -> Any:
    """The shortest tuple that holds them."""
    if y is None:
        return x if not isinstance(x, list | tuple) else (x,)
    return (x, y) if sample_weight is None else (x, y, sample_weight)


# --- arrays ---------------------------------------------------------------------------------------


def as_arrays(structure: Any) -> Any:
    """Tensors, frames and lists as arrays, floating ones in Keras's ``floatx``."""
    if structure is None:
        return None
    if isinstance(structure, Mapping):
        return {name: as_arrays(part) for name, part in structure.items()}
    if isinstance(structure, tuple) or (isinstance(structure, list) and not _is_numbers(structure)):
        return type(structure)(map(as_arrays, structure))
    array = np.asarray(structure)
    return array.astype(backend.floatx(), copy=False) if array.dtype.kind == "f" else array


def _is_numbers(value: Any) -> bool:
    """Whether a list is data itself rather than a list of arrays."""
    while isinstance(value, list) and value:
        value = value[0]
    return isinstance(value, int | float | str | np.generic)


def is_arrays(x: Any) -> bool:
    """Whether it is held as a whole: arrays, tensors, frames, lists and dicts of them."""
    if isinstance(x, Mapping):
        return all(map(is_arrays, x.values()))
    if isinstance(x, list | tuple):
        return all(is_arrays(part) or isinstance(part, int | float | str) for part in x)
    whole = isinstance(x, np.ndarray | np.generic | tf.Tensor | tf.Variable)
    return whole or hasattr(x, "iloc") or hasattr(type(x), "__array__")


class Arrays:
    """Batches out of arrays."""

    def __init__(
        self, x: Any, y: Any = None, weights: Any = None, batch_size: int | None = None,
        shuffle: bool = False,
    ) -> None:  # fmt: skip
        self.data = tuple(map(as_arrays, (x, y, weights)))
        self.count = _cardinality(*self.data)
        self.batch_size, self.shuffle = batch_size or 32, shuffle
        self.steps: int | None = math.ceil(self.count / self.batch_size)

    def __iter__(self) -> Iterator[Any]:
        order = np.random.permutation(self.count) if self.shuffle else None
        for start in range(0, self.count, self.batch_size):
            rows: Any = slice(start, start + self.batch_size)
            yield self.batch(rows if order is None else order[rows])

    def batch(self, rows: Any) -> Any:
        whole = isinstance(rows, slice)

        def part(array: np.ndarray) -> EagerTensor:
            return EagerTensor(array[rows] if whole else array.take(rows, axis=0))

        return pack_x_y_sample_weight(*(_map_arrays(part, each) for each in self.data))

    def split(self, fraction: float) -> tuple[Any, Any]:
        """The data before and after a fraction at the end; for validation."""
        at = int(math.floor(self.count * (1.0 - fraction)))
        if not 0 < at < self.count:
            raise ValueError(
                f"Training data contains {self.count} samples, which is not sufficient to split it"
                f" into a validation and training set as specified by `validation_split="
                f"{fraction}`. Either provide more data, or a different value for the"
                " `validation_split` argument."
            )
        head = tuple(_map_arrays(lambda a: a[:at], each) for each in self.data)
        tail = tuple(_map_arrays(lambda a: a[at:], each) for each in self.data)
        return head, tail


def _map_arrays(fn: Any, structure: Any) -> Any:
    if isinstance(structure, np.ndarray):
        return fn(structure)
    if structure is None:
        return None
    return tf.nest.map_structure(lambda leaf: leaf if leaf is None else fn(leaf), structure)


def _cardinality(x: Any, y: Any, weights: Any) -> int:
    """The number of rows that all arrays have."""
    named = (("x", x), ("y", y), ("sample_weight", weights))
    sizes = {
        label: [len(a) if np.ndim(a) else 1 for a in tf.nest.flatten(part) if a is not None]
        for label, part in named
        if part is not None
    }
    found = {size for each in sizes.values() for size in each}
    if len(found) != 1:
        told = "".join(
            f"  {label} sizes: {', '.join(map(str, each))}\n" for label, each in sizes.items()
        )
        raise ValueError(
            f"Data cardinality is ambiguous:\n{told}"
            "Make sure all arrays contain the same number of samples."
        )
    count = found.pop()
    if count == 0:
        raise ValueError("Expected input data to be non-empty.")
    return count


# --- everything that is iterated ------------------------------------------------------------------


class Stream:
    """Batches out of a dataset, a ``Sequence`` or a generator."""

    def __init__(self, source: Any, steps: int | None, shuffle: bool, weighted: Any = None) -> None:
        self.source, self.shuffle, self.weighted = source, shuffle, weighted
        self.is_sequence = hasattr(source, "__getitem__") and hasattr(source, "__len__")
        self.steps = steps if steps is not None else self._length()
        self._limit = steps
        self._running: Iterator[Any] | None = None

    def _length(self) -> int | None:
        try:
            return len(self.source)
        except (TypeError, AttributeError):  # of unknown or infinite length
            return None

    def __iter__(self) -> Iterator[Any]:
        if self._limit is None:
            yield from self._fresh()
            self._after()
            return
        for done in range(self._limit):  # one pass may span several epochs, as in Keras
            if self._running is None:
                self._running = self._fresh()
            batch = next(self._running, None)
            if batch is None and iter(self.source) is not self.source and done == 0:
                self._running = self._fresh()  # it can begin anew
                batch = next(self._running, None)
            if batch is None:
                warnings.warn(
                    "Your input ran out of data; interrupting training. Make sure that your dataset"
                    " or generator can generate at least `steps_per_epoch * epochs` batches (in"
                    f" this case, {self._limit} batches per epoch). You may need to use the"
                    " repeat() function when building your dataset.",
                    stacklevel=3,
                )
                return
            yield batch
        self._after()

    def _after(self) -> None:
        if hasattr(self.source, "on_epoch_end"):
            self.source.on_epoch_end()

    def _fresh(self) -> Iterator[Any]:
        items: Iterable[Any] = self.source
        if self.is_sequence:
            order = np.arange(len(self.source))
            if self.shuffle:
                np.random.shuffle(order)
            items = (self.source[int(i)] for i in order)
        for item in items:
            batch = _as_batch(item)
            yield batch if self.weighted is None else self.weighted(batch)


def _as_batch(item: Any) -> Any:
    """One element as tensors; None as a part of it is not there."""
    if isinstance(item, EagerTensor):
        return item
    if not isinstance(item, tuple | list):
        return _tensors(item)
    while len(item) > 1 and item[-1] is None:
        item = item[:-1]
    return tuple(map(_tensors, item))


def _tensors(part: Any) -> Any:
    if isinstance(part, EagerTensor):
        return part
    if isinstance(part, Mapping):
        return {name: _tensors(inner) for name, inner in part.items()}
    if isinstance(part, tuple) or (isinstance(part, list) and not _is_numbers(part)):
        return tuple(map(_tensors, part))
    return part if tf.is_tensor(part) else EagerTensor(np.ascontiguousarray(as_arrays(part)))


# --- choosing -------------------------------------------------------------------------------------


def batches_of(
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    batch_size: int | None = None,
    steps: int | None = None,
    shuffle: bool = False,
    class_weight: Mapping[int, float] | None = None,
) -> Any:
    """The batches of what ``fit`` and its siblings were given.

    Raises ``ValueError`` for arrays of different lengths and for ``y`` beside an iterated ``x``.
    """
    if is_arrays(x):
        if class_weight is not None:
            sample_weight = weights_of_classes(class_weight, as_arrays(y), sample_weight)
        arrays = Arrays(x, y, sample_weight, batch_size, bool(shuffle))
        return arrays if steps is None else _Stretched(arrays, steps)
    for what, given in (("`y`", y), ("`sample_weight`", sample_weight)):
        if given is not None:
            raise ValueError(
                f"{what} argument is not supported when using {type(x).__name__} as input."
            )
    weigh = None
    if class_weight is not None:

        def weigh(batch: Any) -> Any:
            inputs, targets, weights = unpack_x_y_sample_weight(batch)
            labels = np.asarray(targets)
            weights = weights_of_classes(class_weight, labels, weights)
            return inputs, targets, tf.constant(weights)

    return Stream(x, steps, bool(shuffle), weigh)


class _Stretched:
    """Batches of arrays, a given number of them for each epoch."""

    def __init__(self, arrays: Arrays, steps: int) -> None:
        self.arrays, self.steps = arrays, steps
        self._running: Iterator[Any] | None = None

    def __iter__(self) -> Iterator[Any]:
        for _ in range(self.steps):
            batch = next(self._running, None) if self._running is not None else None
            if batch is None:
                self._running = iter(self.arrays)
                batch = next(self._running)
            yield batch


def weights_of_classes(class_weight: Mapping[int, float], y: Any, weights: Any = None) -> Any:
    """The weight of each row by its class, times its own weight.

    Raises ``ValueError`` for class numbers that leave gaps or targets that are no classes.
    """
    if sorted(class_weight) != list(range(len(class_weight))):
        raise ValueError(
            "Expected `class_weight` to be a dict with keys from 0 to one less than the number of"
            f" classes, found {dict(class_weight)}"
        )
    if not isinstance(y, np.ndarray) or y.ndim > 2:
        raise ValueError("`class_weight` is only supported for Models with a single output.")
    classes = y.argmax(-1) if y.ndim == 2 and y.shape[-1] > 1 else y.reshape(-1)
    table = np.array([class_weight[i] for i in range(len(class_weight))], backend.floatx())
    found = table[classes.astype(np.int64)]
    return found if weights is None else found * np.asarray(weights)
