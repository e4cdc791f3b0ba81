"""Host steps as a program calls them: arrays in, arrays out, Python's objects in boxes."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from graphc.errors import InvalidArgumentError
from graphc.ir.graph import Node
from graphc.trace.dispatch import convert_to_tensor
from graphc.trace.host_take import Taken
from graphc.trace.state import StepAssigns, current, recording, tracing, user_loc
from graphc.trace.variable import Storage


class Journal:
    """What host steps gave while a function was traced, in their order; it outlives a trace that
    starts again."""

    def __init__(self) -> None:
        self.entries: list[tuple[Any, Sequence[np.ndarray], Any]] = []
        self.at = 0

    def run(self, step: HostFunction, arrays: Sequence[np.ndarray]) -> Any:
        """The step's results: those of the trace before, if it was the same step."""
        if self.at < len(self.entries):
            loc, given, found = self.entries[self.at]
            if loc == step.loc and _same(given, arrays):
                self.at += 1
                return found
            del self.entries[self.at :]
        found = step.run(arrays)
        self.entries.append((step.loc, arrays, found))
        self.at += 1
        return found


def call(given: Any) -> Any:
    function, args, kwargs = given
    return function(*args, **kwargs)


def apply(given: Any) -> tuple[()]:
    """A call whose result nobody wants."""
    call(given)
    return ()


def given(value: Any) -> Any:
    return value


def box(value: Any) -> np.ndarray:
    """Any object as an array without axes."""
    held = np.empty((), object)
    held[()] = value
    return held


class Trial(threading.local):
    """Whether steps are run while a function is traced, and what keeps their results."""

    under_way = False
    journal: Journal | None = None


_trial = Trial()


@contextmanager
def trying(journal: Journal | None) -> Iterator[None]:
    """Run steps while tracing; with a journal the first run of the program takes their results."""
    before = _trial.under_way, _trial.journal
    _trial.under_way, _trial.journal = True, journal
    try:
        yield
    finally:
        _trial.under_way, _trial.journal = before


def has_steps(node: Node) -> bool:
    if isinstance(node.attrs.get("function"), HostFunction):
        return True
    return any(has_steps(n) for graph in node.regions.values() for n in graph.nodes)


class HostFunction:
    """What a host step calls: arrays in, arrays out."""

    def __init__(self) -> None:
        self.loc = user_loc()
        self.ready: deque[tuple[Sequence[np.ndarray], Any]] = deque()  # what the next calls give

    def __call__(self, *arrays: np.ndarray) -> Any:
        if _trial.under_way:
            if _trial.journal is None:
                return self.run(arrays)
            found = _trial.journal.run(self, arrays)
            self.ready.append((arrays, found))
            return found
        if self.ready:
            given, found = self.ready.popleft()
            if _same(given, arrays):
                return found
            self.ready.clear()
        return self.run(arrays)

    def run(self, arrays: Sequence[np.ndarray]) -> Any:
        raise NotImplementedError


class Step(HostFunction):
    """Python code of the user's, on the values of its tensors.

    ``variables`` are those that it assigns: their values come in after the tensors and go out after
    the results.  ``state`` are all that the program has, ``found`` is told of others it assigns.
    """

    def __init__(
        self, taken: Taken, function: Callable[[Any], Any], results: int, reason: str,
        variables: Sequence[Any] = (), state: Any = (), found: Callable[[list[Any]], None] = list,
    ) -> None:  # fmt: skip
        super().__init__()
        self.taken, self.function, self.results, self.reason = taken, function, results, reason
        self.variables, self.state, self.found = tuple(variables), state, found
        self.__qualname__ = f"python at {self.loc}"

    def run(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        count = len(arrays) - len(self.variables)
        with tracing(None), recording(()), _assigning(self.variables, arrays[count:]) as written:
            with self.taken.filled(arrays[:count]) as filled:
                result = self.function(filled)
            self._check(written)
            after = [v._array.copy() for v in self.variables]
        listed = result if self.results != 1 else (result,)
        return [*(box(v) for v in listed), *after]

    def _check(self, written: dict[Any, Any]) -> None:
        """Variables of the program must come in and go out: the function is traced again."""
        known = {v.key for v in self.variables}
        new = [key for key in written if key in self.state and key not in known]
        if new:
            for key in new:
                variable, before = written[key]
                variable.assign(before)
            self.found([written[key][0] for key in new])
            raise StepAssigns


@contextmanager
def _assigning(variables: Sequence[Any], arrays: Sequence[np.ndarray]) -> Iterator[dict[Any, Any]]:
    """Variables hold these values meanwhile; gives what is assigned, with the values before."""
    outside, current.written = current.written, {}
    held = [v._array for v in variables]
    for variable, array in zip(variables, arrays, strict=True):
        variable._array = np.array(array)
    Storage.version += bool(held)
    try:
        yield current.written
    finally:
        for variable, array in zip(variables, held, strict=True):
            variable._array = array
        Storage.version += bool(held)
        if outside is not None:
            outside.update({k: v for k, v in current.written.items() if k not in outside})
        current.written = outside


def _same(given: Sequence[np.ndarray], arrays: Sequence[np.ndarray]) -> bool:
    """Whether a step gets what it got before."""
    for a, b in zip(given, arrays, strict=True):
        if a.dtype != b.dtype or a.shape != b.shape:
            return False
        if a.dtype == object:
            if any(x is not y for x, y in zip(a.ravel(), b.ravel(), strict=True)):
                return False
        elif a.tobytes() != b.tobytes():
            return False
    return True


class Scalar(HostFunction):
    """What a box holds, as a bool or an int."""

    def __init__(self, convert: Callable[[Any], Any]) -> None:
        super().__init__()
        self.convert = convert
        self.__qualname__ = getattr(convert, "__name__", "convert")

    def run(self, arrays: Sequence[np.ndarray]) -> Any:
        return self.convert(arrays[0][()])


class Unbox(HostFunction):
    """What a box holds, as a tensor."""

    __qualname__ = "convert_to_tensor"

    def __init__(self, dtype: Any, hint: Any, made: Any, rank: int) -> None:
        super().__init__()
        self.dtype, self.hint, self.made, self.rank = dtype, hint, made, rank

    def run(self, arrays: Sequence[np.ndarray]) -> Any:
        with tracing(None), recording(()):
            found: Any = convert_to_tensor(arrays[0][()], self.dtype, self.hint)
        if found.dtype is not self.made or found.ndim != self.rank:
            raise InvalidArgumentError(
                f"a step that runs as Python gave a tensor {found.dtype.name} with {found.ndim}"
                f" axes; when the function was traced it was {self.made.name} with {self.rank}."
                " Convert its result to one dtype and rank"
            )
        return found._array
