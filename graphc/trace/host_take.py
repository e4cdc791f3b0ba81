"""What a host step is given: Python values in which tensors of the trace are left open.

A `Filler` makes the real value out of what the tensors are when the program runs.  Values without
tensors are handed on as they are: a list that outlives the call is that list, and may be changed.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from types import CellType, FunctionType, MethodType
from typing import Any

import numpy as np

from graphc.errors import StagingError
from graphc.ir import dtypes
from graphc.trace import nest
from graphc.trace.control_join import Choice, lift
from graphc.trace.control_values import ABSENT
from graphc.trace.growing import GrowingList
from graphc.trace.state import current
from graphc.trace.tensor import EagerTensor, Operators, SymbolicTensor, Tensor
from graphc.trace.watched import is_object

Filler = Callable[[Sequence[Any]], Any]
LIMIT = 20_000  # objects that are looked into for tensors
_UNDER_WAY = object()


class Taken:
    """A value with its open places; ``inputs`` are the tensors they stand for."""

    def __init__(self, value: Any) -> None:
        self.inputs: list[Tensor] = []
        self.variables: dict[Any, Any] = {}  # those that must have the program's values
        self._known: dict[int, Any] = {}
        self._kept: list[Any] = []  # ids in `_known` must stay theirs
        self._swaps: list[tuple[dict[Any, Any], Any, Filler]] = []
        self._fill = self._take(value) or (lambda held: value)

    @contextmanager
    def filled(self, arrays: Sequence[np.ndarray]) -> Iterator[Any]:
        """The value for these arrays; objects hold real tensors meanwhile."""
        held = [_opened(a, t) for a, t in zip(arrays, self._kinds, strict=True)]
        with ExitStack() as stack:
            for place, key, fill in self._swaps:
                before = place.get(key, ABSENT)
                place[key] = now = fill(held)
                stack.callback(_put_back, place, key, now, before)
            yield self._fill(held)

    def close(self) -> None:
        """Keep what a run needs, not the tensors of the trace."""
        numbers = current.tracer.root.host.numbers  # type: ignore[union-attr]
        self._kinds = [
            (t.dtype, getattr(t, "weak", False) or getattr(t, "value", None) in numbers)
            for t in self.inputs
        ]
        self.inputs = []
        self._known, self._kept = {}, []

    # --- taking ---

    def _take(self, value: Any) -> Filler | None:
        """How to fill a value; None if it has no open places."""
        if isinstance(value, Operators):
            return self._tensor(value)
        if isinstance(value, Choice):
            return self._open(lift(value, _boxed))
        if isinstance(value, str | bytes | int | float | type | None):
            return None
        key = id(value)
        if key not in self._known and len(self._known) < LIMIT:
            self._known[key] = _UNDER_WAY
            self._kept.append(value)
            self._known[key] = self._look(value)
        found = self._known.get(key)
        return None if found is _UNDER_WAY else found

    def _look(self, value: Any) -> Filler | None:
        if isinstance(value, GrowingList):
            return self._list(value)
        if isinstance(value, MethodType):
            return self._bound(value)
        if isinstance(value, FunctionType):
            return self._function(value)
        if isinstance(value, functools.partial):
            return self._partial(value)
        if type(value) in (set, frozenset, slice):
            return None if type(value) is not slice else self._slice(value)
        if nest.is_nested(value):
            return self._nested(value)
        if is_object(value):
            self._object(value)
        elif getattr(value, "__self__", None) is not None and not isinstance(value, type):
            return self._builtin(value)
        return None

    def _tensor(self, value: Any) -> Filler | None:
        if isinstance(value, EagerTensor):
            return None
        if isinstance(value, SymbolicTensor):
            return self._open(value)
        if _is_assigned(value):  # a Variable that the program has assigned by now
            self.variables[value.key] = value
        return None

    def _open(self, tensor: Any) -> Filler:
        self.inputs.append(tensor)
        at = len(self.inputs) - 1
        return lambda held: held[at]

    def _list(self, value: GrowingList) -> Filler:
        if value.is_known:
            items = list(value.known("a host step"))
            parts = [self._part(v) for v in items]
            return lambda held: [p(held) for p in parts]
        rows = value.dense().rows
        if not isinstance(rows, Operators):
            raise StagingError(f"{value.what} of structures cannot be handed to Python")
        fill = self._open(rows)
        return lambda held: list(fill(held))

    def _part(self, value: Any) -> Filler:
        return self._take(value) or (lambda held: value)

    def _nested(self, value: Any) -> Filler | None:
        if type(value) in (list, dict) and current.tracer.root.host.outlives(value):  # type: ignore
            return self._outer(value)
        pairs = list(nest.children(value))
        taken = [(k, self._take(v), v) for k, v in pairs]
        if all(fill is None for _, fill, _ in taken):
            return None
        return lambda held: nest.rebuild(
            value, [(k, v if fill is None else fill(held)) for k, fill, v in taken]
        )

    def _outer(self, value: Any) -> None:
        """A container that outlives the call stays the same one; the program fills it."""
        for key, part in value.items() if isinstance(value, dict) else ():
            fill = self._take(part)
            if fill is not None:
                self._swaps.append((value, key, fill))

    def _bound(self, value: MethodType) -> Filler | None:
        fill = self._take(value.__self__)
        function = self._take(value.__func__)
        if fill is None and function is None:
            return None
        me, code = self._part(value.__self__), self._part(value.__func__)
        return lambda held: getattr(me(held), value.__name__, None) if _is_tensor(
            value) else MethodType(code(held), me(held))  # fmt: skip

    def _builtin(self, value: Any) -> Filler | None:
        fill = self._take(value.__self__)
        if fill is None:
            return None
        return lambda held: getattr(fill(held), value.__name__)

    def _function(self, value: FunctionType) -> Filler | None:
        cells: list[tuple[CellType, Filler | None]] = []
        for cell in value.__closure__ or ():
            try:
                cells.append((cell, self._take(cell.cell_contents)))
            except ValueError:  # empty
                cells.append((cell, None))
        defaults = self._take(value.__defaults__) if value.__defaults__ else None
        if all(fill is None for _, fill in cells) and defaults is None:
            return None

        def make(held: Sequence[Any]) -> Any:
            closure = tuple(c if f is None else CellType(f(held)) for c, f in cells)
            given = value.__defaults__ if defaults is None else defaults(held)
            made = FunctionType(
                value.__code__, value.__globals__, value.__name__, given, closure or None
            )
            made.__kwdefaults__ = value.__kwdefaults__
            return made

        return make

    def _partial(self, value: functools.partial) -> Filler | None:
        parts = value.func, value.args, dict(value.keywords)
        fill = self._take(parts)
        if fill is None:
            return None

        def make(held: Sequence[Any]) -> Any:
            func, args, keywords = fill(held)
            return functools.partial(func, *args, **keywords)

        return make

    def _slice(self, value: slice) -> Filler | None:
        fill = self._take((value.start, value.stop, value.step))
        return None if fill is None else lambda held: slice(*fill(held))

    def _object(self, value: Any) -> None:
        attributes = vars(value)
        for name, part in list(attributes.items()):
            fill = self._take(part)
            if fill is not None:
                self._swaps.append((attributes, name, fill))


def _is_tensor(method: MethodType) -> bool:
    return isinstance(method.__self__, Operators)


def _put_back(place: dict[Any, Any], key: Any, now: Any, before: Any) -> None:
    if place.get(key) is now:
        del place[key]
        if before is not ABSENT:
            place[key] = before


def _is_assigned(variable: Any) -> bool:
    tracer = current.tracer
    while tracer is not None:
        held = tracer.variables.get(getattr(variable, "key", None))
        if held is not None and held.written:
            return True
        tracer = tracer.parent
    return False


def _boxed(value: Any) -> Any:
    return current.tracer.root.host.boxed(value)  # type: ignore[union-attr]


def _opened(array: np.ndarray, kind: tuple[Any, bool]) -> Any:
    """What Python sees of an array: a tensor, or what a box holds."""
    dtype, is_number = kind
    if dtype is dtypes.python:
        return array[()]
    if is_number:
        return array.item()
    return EagerTensor(array.copy() if array.flags.writeable else array)


__all__ = ["Taken"]
