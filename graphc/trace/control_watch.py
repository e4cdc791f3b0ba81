"""Lists, dicts and objects that a staged block changes in place: what they hold is state too.

Watched are the containers that a block's own variables refer to.  Their contents are put back
before the other branch is traced, joined like the values of names, and carried by loops.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import CellType, FunctionType
from typing import Any

from graphc import autograph
from graphc.trace import watched
from graphc.trace.control_classes import is_users_code
from graphc.trace.rows import Growable, Tracked

Contents = dict[int, Any]  # container's number -> a copy of what it holds
_NOTHING: Mapping[Any, Any] = {}
_EMPTY = object()  # what a variable without a value holds


class Watch:
    """The containers that blocks can reach."""

    def __init__(
        self, blocks: Iterable[Callable[..., Any] | None], values: Iterable[Any] = (),
        expected: Mapping[int, Iterable[str]] = _NOTHING,
    ) -> None:  # fmt: skip
        self.names: list[str] = []
        self._held: list[Tracked] = []
        self._seen: set[int] = set()
        self._cells: list[tuple[CellType, Any]] = []
        for block in blocks:
            cells = getattr(block, "__closure__", None) or ()
            self._cells += [(cell, _cell(cell)) for cell in cells]
            self._add_variables(block)
        for value in values:
            self._add("", value)
        for i, names in expected.items():
            self._held[i].expected.update(names)  # type: ignore[attr-defined]
        self.start = self.contents()

    def _add_variables(self, function: Any) -> None:
        """What a function's variables and globals refer to, and those of functions among them."""
        if not isinstance(function, FunctionType):
            return
        cells = function.__closure__ or ()
        found = [*zip(function.__code__.co_freevars, map(_cell, cells), strict=True)]
        for name, value in (*found, *watched.globals_of(function)):
            if isinstance(value, FunctionType):
                self._add_function(value)
            else:
                self._add(name, value)

    def _add_function(self, function: FunctionType) -> None:
        """A function that a block may call: it may change its variables and globals."""
        if id(function) in self._seen or not is_users_code(function.__code__):
            return
        self._seen.add(id(function))
        if not autograph.is_converted(function.__code__):  # or its variables are names of blocks
            for name, held in watched.variables(function, [cell for cell, _ in self._cells]):
                self.names.append(name)
                self._held.append(held)
        self._add_variables(function)

    def _add(self, name: str, value: Any) -> None:
        if id(value) in self._seen:
            return
        held = watched.tracked(value)
        if held is not None:
            self._seen.add(id(value))
            self.names.append(name)
            self._held.append(held)
            if name and held is value:
                value.label = name
        for inner in watched.inside(value):
            self._add(name, inner)

    def contents(self) -> Contents:
        """What each container holds now."""
        return {i: c.held() for i, c in enumerate(self._held)}

    def changed(self) -> Contents:
        """The contents that are not what they were at the start."""
        return {i: c for i, c in self.contents().items() if not _same(c, self.start[i])}

    def put(self, contents: Contents) -> None:
        """Let containers hold these things."""
        for i, held in contents.items():
            if not _same(held, self._held[i].held()):
                self._held[i].hold(held)

    def reset(self) -> None:
        """Everything as it was at the start; variables that the blocks share as well."""
        self.put(self.start)
        for cell, value in self._cells:
            if value is not _EMPTY:
                cell.cell_contents = value

    def new_names(self) -> dict[int, set[str]]:
        """Names that objects and the like have now, and had not at the start."""
        found = {}
        for i, held in enumerate(self._held):
            if isinstance(held, watched.Names):
                names = held.new(self.start[i])
                if names:
                    found[i] = names
        return found

    def level(self, i: int, *states: Any) -> None:
        """Let what a container holds after several ways have the same names."""
        held = self._held[i]
        if isinstance(held, watched.Names):
            held.level(*states)

    def label(self, i: int) -> str:
        return self.names[i] or "an object"

    def container(self, i: int) -> Tracked:
        return self._held[i]

    def reads(self) -> dict[int, int]:
        """How often each container was looked at."""
        return {i: held.reads for i, held in enumerate(self._held)}

    def enter(self, numbers: Iterable[int], counted: bool) -> list[Tracked]:
        """Let containers hold what a loop can carry; returns those that changed their form."""
        found = [self._held[i] for i in numbers if self._held[i].enter()]
        for held in self.growable(numbers):
            if counted:
                held.reserve()
            else:
                held.release()
        self.start = self.contents()
        return found

    def growable(self, numbers: Iterable[int]) -> list[Growable]:
        """Those among containers that may get room before a loop."""
        return [h for h in map(self.container, numbers) if isinstance(h, Growable)]


def _cell(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return _EMPTY


def _same(a: Any, b: Any) -> bool:
    """Whether two contents are the same objects."""
    if type(a) is not type(b) or len(a) != len(b):
        return False
    if type(a) is not dict:
        return all(x is y for x, y in zip(a, b, strict=True))
    return all(k in b and v is b[k] for k, v in a.items())
