"""Lists, dicts and objects that a staged block changes in place: what they hold is state too.

Watched are the containers that a block's own variables refer to.  Their contents are put back
before the other branch is traced, joined like the values of names, and carried by loops.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import CellType, FunctionType, ModuleType
from typing import Any

from graphc.trace.tensor import Operators, Tensor

Contents = dict[int, Any]  # container's number -> a copy of what it holds
_EMPTY = object()  # what a variable without a value holds
_OTHERS = (ModuleType, FunctionType, type, Operators)


class Watch:
    """The containers that blocks can reach."""

    def __init__(
        self, blocks: Iterable[Callable[..., Any] | None], values: Iterable[Any] = ()
    ) -> None:
        self.names: list[str] = []
        self._held: list[_Held] = []
        self._seen: set[int] = set()
        self._cells: list[tuple[CellType, Any]] = []
        for block in blocks:
            cells = getattr(block, "__closure__", None) or ()
            self._cells += [(cell, _cell(cell)) for cell in cells]
            self._add_variables(block)
        for value in values:
            self._add("", value)
        self.start = self.contents()

    def _add_variables(self, block: Any) -> None:
        """What a function's free variables refer to, and those of functions among them."""
        cells = getattr(block, "__closure__", None) or ()
        for name, cell in zip(block.__code__.co_freevars if cells else (), cells, strict=True):
            value = _cell(cell)
            if isinstance(value, FunctionType) and id(value) not in self._seen:
                self._seen.add(id(value))
                self._add_variables(value)
            self._add(name, value)

    def _add(self, name: str, value: Any) -> None:
        if id(value) not in self._seen and _is_container(value):
            self._seen.add(id(value))
            self.names.append(name)
            self._held.append(_List(value) if type(value) is list else _Dict(value))

    def contents(self) -> Contents:
        """What each container holds now."""
        return {i: c.copy() for i, c in enumerate(self._held)}

    def changed(self) -> Contents:
        """The contents that are not what they were at the start."""
        return {i: c for i, c in self.contents().items() if not _same(c, self.start[i])}

    def put(self, contents: Contents) -> None:
        """Let containers hold these things."""
        for i, held in contents.items():
            if not _same(held, self._held[i].copy()):
                self._held[i].fill(held)

    def reset(self) -> None:
        """Everything as it was at the start; variables that the blocks share as well."""
        self.put(self.start)
        for cell, value in self._cells:
            if value is not _EMPTY:
                cell.cell_contents = value

    def label(self, i: int) -> str:
        return self.names[i] or "an object"


def _cell(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return _EMPTY


class _List:
    """What a list holds."""

    def __init__(self, container: list[Any]) -> None:
        self.target = container

    def copy(self) -> Any:
        return list(self.target)

    def fill(self, held: Any) -> None:
        self.target[:] = held


class _Dict:
    """What a dict holds, or the numbers and tensors among an object's attributes.

    Other attributes are Python's own affair: a layer may build itself while it is traced.
    """

    def __init__(self, container: Any) -> None:
        self.whole = type(container) is dict
        self.target = container if self.whole else container.__dict__
        self.known = set(self.target)

    def _counts(self, key: Any, value: Any) -> bool:
        if self.whole or isinstance(value, Tensor):
            return True
        return key in self.known and type(value) in (int, float)

    def copy(self) -> Any:
        return {k: v for k, v in self.target.items() if self._counts(k, v)}

    def fill(self, held: Any) -> None:
        for key in self.copy().keys() - held.keys():
            del self.target[key]
        self.target.update(held)


_Held = _List | _Dict


def _is_container(value: Any) -> bool:
    if type(value) in (list, dict):
        return True
    heap_type = type(value).__flags__ & (1 << 9)  # made by a class statement
    return bool(heap_type) and not isinstance(value, _OTHERS) and hasattr(value, "__dict__")


def _same(a: Any, b: Any) -> bool:
    """Whether two contents are the same objects."""
    if len(a) != len(b):
        return False
    if type(a) is list:
        return all(x is y for x, y in zip(a, b, strict=True))
    return all(k in b and v is b[k] for k, v in a.items())
