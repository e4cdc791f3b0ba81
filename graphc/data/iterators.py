"""Iterators: how users go through a dataset."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

import graphc as tf
from graphc.data.plans import Plan
from graphc.data.structure import DatasetSpec, Row, filled, flatten, given, packer
from graphc.trace.state import current
from graphc.trace.streams import Elements, Stream, call_step


class _Reading:
    """One pass through a dataset; files are closed when nobody wants it any more."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._reader = plan.reader()

    def __del__(self) -> None:
        reader = getattr(self, "_reader", None)
        if reader is not None:
            reader.close()


class DatasetIterator(_Reading):
    """One pass through a dataset (TF: ``tf.data.Iterator``)."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self._element = packer(plan.spec)

    @property
    def element_spec(self) -> Any:
        """The types of an element."""
        return self._plan.spec

    def advance(self) -> bool:
        """Go to the next element, if there is one (see `graphc.trace.streams`)."""
        self._row = self._reader.next()
        return self._row is not None

    def arrays(self) -> Row:
        """The components of the element it is at."""
        return self._row

    def __graphc_stream__(self) -> Elements:
        return Elements(lambda: self, given(self.element_spec), partial(filled, self.element_spec))

    def next_row(self) -> Row | None:
        """The components of the next element; None after the last."""
        return self._reader.next()

    def __iter__(self) -> DatasetIterator:
        return self

    def __next__(self) -> Any:
        if current.tracer is not None:  # when the program runs, it is too late for StopIteration
            return self.get_next()
        row = self._reader.next()
        if row is None:
            raise StopIteration
        return self._element(row)

    next = __next__

    def get_next(self, name: str | None = None) -> Any:
        """The next element; raises ``OutOfRangeError`` after the last."""
        if current.tracer is None:
            return self._element(self._next_row())
        stream = Stream(self.__graphc_stream__())
        return stream.elements.pack(call_step(self._next_row, (), stream.elements.specs))

    def _next_row(self) -> Row:
        row = self._reader.next()
        if row is None:
            raise tf.errors.OutOfRangeError("End of sequence")
        return row

    def get_next_as_optional(self) -> Optional:
        """The next element, or nothing."""
        row = self._reader.next()
        return Optional(
            self._plan.spec, None if row is None else self._element(row), row is not None
        )


class TracedIterator:
    """A pass that begins whenever a program comes to it."""

    def __init__(self, elements: Elements) -> None:
        self._stream = Stream(elements)
        self._at = self._stream.start()

    def __iter__(self) -> TracedIterator:
        return self

    def get_next(self, name: str | None = None) -> Any:
        """The next element; the program raises ``OutOfRangeError`` after the last."""
        elements = self._stream.elements
        return elements.pack(call_step(_next_of, (self._at,), elements.specs))

    __next__ = next = get_next


def _next_of(at: Any) -> Row:
    return at[()]._next_row()


class Optional:
    """A value, or nothing (TF: ``tf.experimental.Optional``)."""

    def __init__(self, element_spec: Any, value: Any, has_value: bool) -> None:
        self.element_spec, self._value, self._has_value = element_spec, value, has_value

    def has_value(self, name: str | None = None) -> Any:
        return tf.constant(self._has_value)

    def get_value(self, name: str | None = None) -> Any:
        """The value; raises ``InvalidArgumentError`` if there is none."""
        if not self._has_value:
            raise tf.errors.InvalidArgumentError("The given optional does not have a value.")
        return self._value


def _plain(value: Any) -> Any:
    """A component as numpy has it."""
    if not isinstance(value, np.ndarray):
        return value.numpy()
    return value.copy() if value.ndim else value[()]


class NumpyIterator(_Reading):
    """One pass through a dataset, in numpy arrays."""

    def __init__(self, plan: Plan) -> None:
        for spec in flatten(plan.spec):
            if isinstance(spec, DatasetSpec):
                raise TypeError(
                    "tf.data.Dataset.as_numpy_iterator() is not supported for datasets that produce"
                    f" values of type {type(spec).__name__}"
                )
        super().__init__(plan)

    def __iter__(self) -> NumpyIterator:
        return self

    def __next__(self) -> Any:
        row = self._reader.next()
        if row is None:
            raise StopIteration
        return filled(self._plan.spec, map(_plain, row))

    def __repr__(self) -> str:
        return f"NumpyIterator(iterator={self._plan.title})"
