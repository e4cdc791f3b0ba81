"""Objects that host steps change: those that outlive a call, and those that are made in it.

What is made in the function must be made anew on every call, so it has to come from a host step as
well; what was there before is changed as it is.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from types import CellType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from graphc import autograph
from graphc.errors import SymbolicValueError
from graphc.trace.state import NeedsValue
from graphc.trace.tensor import Operators, SymbolicTensor
from graphc.trace.watched import is_object

CONTAINERS = (list, dict, set, deque, bytearray, np.ndarray)
_LASTING = (str, bytes, int, float, complex, tuple, frozenset, type, ModuleType, FunctionType,
            Operators, range, slice)  # fmt: skip
_LIMIT = 20_000  # objects that are looked through
_PURE = ("numpy", "math", "cmath", "json", "statistics", "builtins", "graphc", "operator", "re")
_CHANGING = frozenset((
    "shuffle", "put", "place", "copyto", "fill_diagonal", "next", "setattr", "delattr", "setitem",
    "delitem", "at",
))  # fmt: skip


def changed_by(function: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Iterator[Any]:
    """The objects that a call may change."""
    me, name = getattr(function, "__self__", None), getattr(function, "__name__", "")
    if me is not None and name not in autograph.READING and not isinstance(me, ModuleType):
        yield me
    home = getattr(function, "__module__", None) or "builtins"
    if home.partition(".")[0] not in _PURE or name in _CHANGING:
        yield from args
        yield from kwargs.values()


def is_iterator(value: Any) -> bool:
    return hasattr(type(value), "__next__")


def must_be_made_by_host(values: Iterable[Any], host: Any) -> None:
    """Objects that a step may change must outlive the call, or be made by steps themselves."""
    for value in values:
        if value is None or (isinstance(value, _LASTING) and not is_iterator(value)):
            continue
        if not host.outlives(value):
            found = _maker(value, host.boundary)
            if found is not None:
                error = SymbolicValueError("what it makes is changed by a statement that runs so")
                raise NeedsValue(error, found)


def _maker(value: Any, boundary: Any) -> tuple[Any, str] | None:
    """Converted code and the name in it that the value was given."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_code is not boundary:
        if autograph.is_converted(frame.f_code):
            for name, held in frame.f_locals.items():
                if _contains(held, value) and autograph.assigned(frame.f_code, name):
                    return frame.f_code, name
        frame = frame.f_back  # type: ignore[assignment]
    return None


def _contains(held: Any, value: Any, depth: int = 2) -> bool:
    if held is value:
        return True
    if depth == 0 or type(held) not in (list, tuple, dict):
        return False
    return any(_contains(v, value, depth - 1) for v in _inside(held))


def reachable(roots: Sequence[Any]) -> Iterator[Any]:
    """What can be reached from objects, themselves first."""
    pending, seen = deque(roots), set()
    while pending and len(seen) < _LIMIT:
        value = pending.popleft()
        if id(value) in seen or isinstance(value, str | int | float | bytes | type):
            continue
        seen.add(id(value))
        yield value
        pending.extend(_inside(value))


def _inside(value: Any) -> Sequence[Any]:
    if isinstance(value, dict):
        return list(value.values())
    if isinstance(value, list):
        return list(list.__iter__(value))
    if isinstance(value, tuple | set | deque):
        return list(value)
    if isinstance(value, MethodType):
        return value.__self__, value.__func__
    if isinstance(value, FunctionType):
        names = [n for n in value.__code__.co_names if n in value.__globals__]
        return [*(value.__globals__[n] for n in names), *(value.__closure__ or ())]
    if isinstance(value, CellType):
        try:
            return (value.cell_contents,)
        except ValueError:  # empty
            return ()
    inner = getattr(value, "python_function", None)  # a @function is what it stages
    if isinstance(inner, FunctionType | MethodType):
        return (inner,)
    return list(vars(value).values()) if is_object(value) else ()


def holds(kind: type, structure: Any, depth: int = 3) -> bool:
    """Whether a structure holds a value of a kind."""
    if isinstance(structure, kind):
        return True
    if depth == 0 or not isinstance(structure, list | tuple | dict | set | deque):
        return False
    return any(holds(kind, part, depth - 1) for part in _inside(structure))


def drop_tensors(container: Any) -> None:
    """Take out the tensors that tracing has added: the program adds its own."""
    if isinstance(container, dict):
        for key in [k for k, v in container.items() if holds(SymbolicTensor, v)]:
            del container[key]
        return
    kept = [v for v in _inside(container) if not holds(SymbolicTensor, v)]
    if len(kept) < len(container):
        container.clear()
        getattr(container, "extend" if hasattr(container, "extend") else "update")(kept)
