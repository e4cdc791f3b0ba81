"""Methods that Python calls by itself: ``__init__``, ``__add__``, properties and their like.

Converted code calls functions through ``ag.fn``, but nobody asks before an operator calls
``__add__``.  So while a graph is traced, the user's classes that the traced code can see hold the
converted twins of such methods; when the last trace ends they hold their own again.  A twin does
what its original does, so another thread that calls one meanwhile sees no difference.
"""

from __future__ import annotations

import copy
import functools
import sys
import sysconfig
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from graphc.trace.state import PACKAGE
from graphc.trace.tensor import Operators

_LEFT_ALONE = tuple(
    str(Path(p)) + "/"
    for p in {sysconfig.get_path(k) for k in ("stdlib", "platstdlib", "purelib", "platlib")}
)
Convert = Callable[[FunctionType], FunctionType]
_SHOWING = frozenset((
    "__repr__", "__str__", "__format__", "__hash__", "__del__", "__getattribute__", "__reduce__",
    "__reduce_ex__", "__getstate__", "__setstate__", "__dir__", "__sizeof__",
))  # fmt: skip
_PLAIN = (str, bytes, int, float, complex, type(None), Operators, ModuleType, FunctionType)
_MADE_BY_CLASS = 1 << 9  # the flag of types that a class statement made
_LOOKED_INTO = 64  # elements of a list: those that follow are rarely of other classes


class Twins:
    """Which classes hold converted methods now."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._traces = 0
        self._swapped: list[tuple[type, str, Any]] = []
        self.seen: dict[int, Any] = {}  # what was looked at, kept so that ids stay theirs
        self._convert: Convert | None = None

    @contextmanager
    def held(self, convert: Convert) -> Iterator[None]:
        """While a graph is traced; ``convert`` gives a function as it is if that must not be."""
        with self._lock:
            self._traces += 1
            self._convert = convert
        try:
            yield
        finally:
            with self._lock:
                self._traces -= 1
                if not self._traces:
                    self._restore()

    def _restore(self) -> None:
        for owner, name, original in reversed(self._swapped):
            type.__setattr__(owner, name, original)
        self._swapped.clear()
        self.seen.clear()

    # --- what traced code can see ---

    def look(self, function: FunctionType) -> None:
        """Look at what a function refers to."""
        if self._traces and id(function) not in self.seen:
            self.seen[id(function)] = function
            self.see(*_referred(function))

    def see(self, *values: Any) -> None:
        """Look at classes, objects and what is in them."""
        pending = list(values) if self._traces else []
        while pending:
            value = pending.pop()
            if isinstance(value, _PLAIN) or id(value) in self.seen:
                continue
            if isinstance(value, list | tuple):
                pending += value[:_LOOKED_INTO]
            elif type(value) is dict:
                pending += list(value.values())[:_LOOKED_INTO]
            elif isinstance(value, type):
                self._prepare(value)
            elif isinstance(value, MethodType):
                pending.append(value.__self__)
            elif is_users(type(value)):
                self.seen[id(value)] = value
                pending += [type(value), *getattr(value, "__dict__", {}).values()]

    def _prepare(self, cls: type) -> None:
        """Exchange the methods of a class and its bases."""
        for base in cls.__mro__ if is_users(cls) else ():
            if id(base) in self.seen:
                continue
            self.seen[id(base)] = base
            for name, value in list(vars(base).items()) if is_users(base) else ():
                twin = self._twin(name, value)
                if twin is not None:
                    with self._lock:
                        self._swapped.append((base, name, value))
                        type.__setattr__(base, name, twin)

    def _twin(self, name: str, value: Any) -> Any:
        """What a class holds instead of one of its attributes; None: the same."""
        if isinstance(value, FunctionType):
            special = name.startswith("__") and name.endswith("__") and name not in _SHOWING
            return self._converted(value) if special else None
        if type(value) is property:
            parts = value.fget, value.fset, value.fdel
            made = [f if f is None else self._converted(f) or f for f in parts]
            return None if list(parts) == made else property(*made, value.__doc__)
        if type(value) is functools.cached_property:
            function = self._converted(value.func)
            if function is not None:
                twin = copy.copy(value)
                twin.func = function
                return twin
        elif hasattr(type(value), "__get__"):
            self.see(value)
        return None

    def _converted(self, function: Any) -> FunctionType | None:
        """The twin of a function; None where conversion changes nothing."""
        if not isinstance(function, FunctionType):
            return None
        assert self._convert is not None
        made = self._convert(function)
        self.look(function)
        same = len(made.__code__.co_freevars) == len(function.__code__.co_freevars)
        return None if same else made


@functools.lru_cache(maxsize=4096)
def is_users(cls: type) -> bool:
    """Whether a class statement of the user's made the class."""
    file = getattr(sys.modules.get(cls.__module__), "__file__", None) or ""
    return bool(cls.__flags__ & _MADE_BY_CLASS) and not is_library(file)


def is_users_code(code: CodeType) -> bool:
    """Whether code is neither graphc's, Python's library nor an installed package."""
    return not is_library(code.co_filename)


@functools.lru_cache(maxsize=4096)
def is_library(filename: str) -> bool:
    """Whether a file is one of those; what is in them is called as it is."""
    return filename.startswith((PACKAGE, *_LEFT_ALONE)) or filename.startswith("<frozen")


def _referred(function: FunctionType) -> Iterable[Any]:
    """The values of a function's closure and defaults, and of the globals that it names."""
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # not filled yet
            continue
    yield from function.__defaults__ or ()
    names = function.__globals__
    for name in names_in(function.__code__):
        if name in names:
            yield names[name]


@functools.lru_cache(maxsize=4096)
def names_in(code: CodeType) -> frozenset[str]:
    """Names of globals and attributes in code and the functions inside."""
    inner = (names_in(c) for c in code.co_consts if isinstance(c, CodeType))
    return frozenset(code.co_names).union(*inner)


TWINS = Twins()
