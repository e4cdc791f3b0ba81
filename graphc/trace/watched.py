"""What staged code may change in place: lists, dicts, sets, objects and functions' variables."""

from __future__ import annotations

import dis
import functools
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Iterable, Iterator, MutableMapping
from itertools import islice
from types import CellType, CodeType, FunctionType, ModuleType
from typing import Any

from graphc.errors import StagingError
from graphc.trace import nest
from graphc.trace.control_classes import is_users, names_in
from graphc.trace.control_join import Choice
from graphc.trace.control_values import UNDEFINED, Undefined
from graphc.trace.rows import Tracked
from graphc.trace.tensor import Operators, Tensor

_OTHERS = (ModuleType, FunctionType, type, Operators)
_DICTS = frozenset((dict, defaultdict, OrderedDict, Counter))
_CONSTANTS = (bool, str, type(None))
_LOOKED_AT = 256  # parts of one container: what follows is data rather than state


class _List(Tracked):
    """What a list or deque holds."""

    def __init__(self, container: Any) -> None:
        self.target = container

    def held(self) -> Any:
        return list(self.target)

    def hold(self, held: Any) -> None:
        if type(self.target) is list:
            self.target[:] = held
        else:
            self.target.clear()
            self.target.extend(held)


class _Set(Tracked):
    """What a set holds: which elements are there must be known while tracing."""

    def __init__(self, container: set[Any]) -> None:
        self.target = container

    def held(self) -> Any:
        return frozenset(self.target)

    def hold(self, held: Any) -> None:
        if not isinstance(held, frozenset):
            raise StagingError(
                "what a set holds would depend on a tensor; keep a tensor of flags instead"
            )
        self.target.clear()
        self.target.update(held)


class Names(Tracked):
    """Values under names: of a dict, of an object's attributes, of a function's variables.

    Of a dict all count.  Of the others numbers, strings, tensors and Nones do: what else an object
    has is Python's own affair.  One that ``builds`` itself while it is traced, as layers do, gives
    itself numbers and flags that stay.
    """

    def __init__(
        self, target: MutableMapping[str, Any], whole: bool = False, builds: bool = False,
        only: Iterable[str] | None = None,
    ) -> None:  # fmt: skip
        self.target, self.whole, self.builds = target, whole, builds
        self.only = only
        self.first = {k: target[k] for k in self._keys()}
        self.expected: set[str] = set()  # names that get a value in some branch or iteration

    def _keys(self) -> Iterable[Any]:
        return self.target if self.only is None else [k for k in self.only if k in self.target]

    def _counts(self, key: Any, value: Any) -> bool:
        if self.whole or isinstance(value, Tensor | Choice) or type(value) in (int, float):
            return True
        if self.builds and (key not in self.first or key == "built" or key.startswith("_")):
            return value is None and key in self.first
        return isinstance(value, _CONSTANTS)

    def held(self) -> Any:
        found = {}
        for key in self._keys():
            value = self.target[key]
            if self._counts(key, value):
                found[key] = value
            elif self.first.get(key, value) is None:  # it was None and is an object now
                found[key] = None
        for key in self.expected.difference(found):
            found[key] = UNDEFINED
        return found

    def hold(self, held: Any) -> None:
        for key in self.held().keys() - held.keys():
            del self.target[key]
        for key, value in held.items():
            if isinstance(value, Undefined):
                self.target.pop(key, None)
            elif value is not None or self._counts(key, self.target.get(key)):
                self.target[key] = value

    def new(self, start: dict[str, Any]) -> set[str]:
        """Names that have a value now and had none at the start."""
        now = {} if self.whole else self.held()
        names = now.keys() - start.keys()
        if self.builds:
            start.update((k, now[k]) for k in names if not isinstance(now[k], Tensor | Choice))
        return names - start.keys()

    def level(self, *states: dict[str, Any]) -> None:
        """A name that has a value in one of these states only has none in the others."""
        if self.whole:
            return
        every = {k: v for state in states for k, v in state.items()}
        for state in states:
            for key in every.keys() - state.keys():
                if self.builds and not isinstance(every[key], Tensor | Choice):
                    state[key] = every[key]
                else:
                    state[key] = UNDEFINED
                    self.expected.add(key)


class _Cells(MutableMapping[str, Any]):
    """The variables of the function around another one."""

    def __init__(self, cells: dict[str, CellType]) -> None:
        self.cells = cells

    def __getitem__(self, name: str) -> Any:
        try:
            return self.cells[name].cell_contents
        except ValueError:
            raise KeyError(name) from None

    def __setitem__(self, name: str, value: Any) -> None:
        self.cells[name].cell_contents = value

    def __delitem__(self, name: str) -> None:
        del self.cells[name].cell_contents

    def __iter__(self) -> Iterator[str]:
        return (name for name, cell in self.cells.items() if not is_empty(cell))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def is_empty(cell: CellType) -> bool:
    try:
        cell.cell_contents  # noqa: B018
    except ValueError:
        return True
    return False


# --- what there is to watch -----------------------------------------------------------------------


def tracked(value: Any) -> Tracked | None:
    """What keeps track of a container's contents; None: the value is no such container."""
    if isinstance(value, Tracked):
        return value
    kind = type(value)
    if kind is list or kind is deque:
        return _List(value)
    if kind is set:
        return _Set(value)
    if kind in _DICTS:
        return Names(value, whole=True)
    return Names(vars(value), builds=_is_derived(kind)) if is_object(value) else None


def inside(value: Any) -> Iterator[Any]:
    """Containers and objects inside of another one."""
    own = is_object(value)
    derived = own and _is_derived(type(value))
    if own:
        parts: Iterable[Any] = list(vars(value).values())
    elif type(value) in _DICTS:
        parts = value.values()
    elif type(value) is tuple or isinstance(value, list | deque):
        parts = (part for _, part in nest.children(value)) if nest.is_nested(value) else value
    else:
        return
    for part in islice(parts, _LOOKED_AT):
        if isinstance(part, Tracked) or _is_state(part, derived) or _is_users_object(part):
            yield part
        elif type(part) in (tuple, list, deque) or type(part) in _DICTS:
            yield from inside(part)


def variables(function: FunctionType, known: Iterable[CellType]) -> Iterator[tuple[str, Tracked]]:
    """The globals and outer variables that a function assigns, other than ``known`` ones."""
    assigned, outer = _assigned(function.__code__)
    if assigned:
        yield ", ".join(assigned), Names(function.__globals__, only=assigned)
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    cells = {n: c for n, c in cells.items() if n in outer and not any(c is k for k in known)}
    if cells:
        yield ", ".join(cells), Names(_Cells(cells))


@functools.lru_cache(maxsize=4096)
def _assigned(code: CodeType) -> tuple[tuple[str, ...], frozenset[str]]:
    """Names of globals and of outer variables that code assigns."""
    stored = [(i.opname, i.argval) for i in dis.get_instructions(code)]
    outer = {n for op, n in stored if op in ("STORE_DEREF", "DELETE_DEREF")}
    names = {n for op, n in stored if op in ("STORE_GLOBAL", "DELETE_GLOBAL")}
    return tuple(sorted(names)), frozenset(outer.intersection(code.co_freevars))


def globals_of(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """The globals that a function names."""
    known = function.__globals__
    return ((name, known[name]) for name in sorted(names_in(function.__code__)) if name in known)


def _is_state(value: Any, derived: bool) -> bool:
    """Whether a container inside of another one holds numbers and tensors only.

    What is empty, or holds strings and flags, is state unless its owner builds itself.
    """
    kind = type(value)
    if kind in (set, deque) and not derived:
        return True
    if (kind is not list and kind not in _DICTS) or (derived and not value):
        return False
    plain = (int, float) if derived else (int, float, *_CONSTANTS)
    parts = value.values() if kind in _DICTS else value
    return all(type(v) in plain or isinstance(v, Tensor | Choice) for v in parts)


def is_object(value: Any) -> bool:
    """Whether a value is an object of a class statement, with attributes."""
    heap_type = type(value).__flags__ & (1 << 9)
    others = isinstance(value, (*_OTHERS, Tracked, *_DICTS, Choice))
    return bool(heap_type) and not others and hasattr(value, "__dict__")


def _is_users_object(value: Any) -> bool:
    return is_users(type(value)) and is_object(value)


def _is_derived(cls: type) -> bool:
    """Whether a class derives from one of graphc's, such as `tf.Module`."""
    package = __package__.partition(".")[0] + "."
    return any(base.__module__.startswith(package) for base in cls.__mro__)
