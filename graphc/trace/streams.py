"""Items that come one by one while the program runs, until they end: a dataset's elements.

An object is one if it has ``__graphc_stream__``, which gives its `Elements`.  Each item is asked
for by a host step; what is done with it is compiled.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from graphc.errors import SymbolicValueError
from graphc.ir import dtypes
from graphc.ops import ops
from graphc.trace.state import current
from graphc.trace.tensor import Tensor


class Pass(Protocol):
    """One pass through the items."""

    def advance(self) -> bool:
        """Go to the next item, if there is one."""

    def arrays(self) -> list[np.ndarray]:
        """The components of the item it is at."""


@dataclass(frozen=True)
class Elements:
    """What a graph knows of items: how a pass begins, types of the components, their structure.

    ``specs`` have a ``dtype`` and a ``shape``, which is None if the rank is not known.
    """

    open: Callable[[], Pass]
    specs: Sequence[Any]
    pack: Callable[[Sequence[Tensor]], Any]


class Stream:
    """A `for` goes through it as a `while`: there is no length."""

    def __init__(self, elements: Elements) -> None:
        self.elements = elements
        for spec in elements.specs:
            if getattr(spec, "shape", None) is None or not hasattr(spec, "dtype"):
                raise SymbolicValueError(
                    f"a @function cannot go through elements of type {spec!r}: a graph must know"
                    " the dtype and the number of axes (from_generator takes output_signature)"
                )

    def known(self) -> None:
        """What Python could go through now: nothing (see `Sequence_`)."""

    def start(self) -> Any:
        """A new pass: a value of Python's."""
        return _step(_Open(self.elements.open), (), [(dtypes.python, ())])[0]

    def advance(self, at: Any) -> Any:
        """Whether there is one more item."""
        return _step(_advance, (at,), [(dtypes.bool_, ())])[0]

    def current(self, at: Any) -> Any:
        """The item that a pass is at."""
        return self.elements.pack(call_step(_arrays, (at,), self.elements.specs))


def call_step(function: Any, inputs: Sequence[Any], specs: Sequence[Any]) -> Sequence[Any]:
    """A host step in the graph, from arrays to a list of arrays of the types of ``specs``."""
    return _step(function, inputs, [(s.dtype, s.shape) for s in specs])


def _step(function: Any, inputs: Sequence[Any], types: Sequence[tuple[Any, Any]]) -> Sequence[Any]:
    tracer = current.tracer
    assert tracer is not None
    shapes = tuple(tuple(tracer.fresh_symbol() if d is None else d for d in s) for _, s in types)
    return ops.py_call(*inputs, function=function, dtypes=tuple(d for d, _ in types), shapes=shapes)


class _Open:
    """Begins a pass, whenever the program comes here."""

    __qualname__ = "begin a pass"

    def __init__(self, open_: Callable[[], Pass]) -> None:
        self.open = open_

    def __call__(self) -> list[np.ndarray]:
        held = np.empty((), object)
        held[()] = self.open()
        return [held]


def _advance(at: np.ndarray) -> list[np.ndarray]:
    return [np.array(at[()].advance())]


def _arrays(at: np.ndarray) -> list[np.ndarray]:
    return at[()].arrays()
