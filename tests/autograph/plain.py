"""The operators of converted code in plain Python: what they mean where nothing is staged."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from types import FunctionType
from typing import Any

from graphc import autograph

_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
    "==": operator.eq, "!=": operator.ne, "is": operator.is_, "is not": operator.is_not,
    "in": lambda a, b: a in b, "not in": lambda a, b: a not in b,
}  # fmt: skip


@dataclass(frozen=True)
class Exit:
    """How a block was left."""

    kind: str
    state: tuple[Any, ...]
    value: Any = None


class Plain:
    """Operators that decide everything at once, and note what they were asked."""

    undefined = type("Undefined", (), {"__repr__": lambda self: "undefined"})()

    def __init__(self, own_file: str | None = None) -> None:
        self.calls: list[str] = []
        self._own_file = own_file  # only functions of this file are converted

    # --- statements ---

    def if_(self, test, then, other, state, names, rest=None):
        self.calls.append("if")
        if test:
            found = then(*state)
        else:
            found = state[: len(names)] if other is None else other(*state)
        return found if rest is None or self.left(found) else rest(*found)

    def while_(self, test, body, state, names, otherwise=None, rest=None):
        self.calls.append("while")
        while test(*state):
            found = body(*state)
            if self.left(found) and found.kind != "continue":
                return self._leave(found, rest)
            state = found.state if self.left(found) else found
        return self._end(state, otherwise, rest)

    def for_(self, items, body, state, names, otherwise=None, rest=None):
        self.calls.append("for")
        for item in items:
            found = body(item, *state)
            if self.left(found) and found.kind != "continue":
                return self._leave(found, rest)
            state = found.state if self.left(found) else found
        return self._end(state, otherwise, rest)

    def _leave(self, found, rest):
        """After ``break`` or ``return`` in a body."""
        if found.kind == "return":
            return found
        return found.state if rest is None else rest(*found.state)

    def _end(self, state, otherwise, rest):
        """After the last iteration."""
        found = state if otherwise is None else otherwise(*state)
        return found if rest is None or self.left(found) else rest(*found)

    def return_(self, value, *state):
        return Exit("return", state, value)

    def break_(self, *state):
        return Exit("break", state)

    def continue_(self, *state):
        return Exit("continue", state)

    def resume(self, result, rest):
        return result if self.left(result) else rest(*result)

    def left(self, result):
        return isinstance(result, Exit)

    # --- expressions ---

    def and_(self, left, right):
        return left and right()

    def or_(self, left, right):
        return left or right()

    def not_(self, value):
        return not value

    def stored(self, value, owner, key, done=False, where=None):
        return value

    def truth(self, value):
        return bool(value)

    def compare(self, names, left, right, *more):
        found = _COMPARE[names[0]](left, right)
        for name, later in zip(names[1:], more, strict=True):
            if not found:
                break
            left, right = right, later()
            found = _COMPARE[name](left, right)
        return found

    def ifexp(self, test, then, other):
        return then() if test else other()

    def matched(self, subject, pattern, guard=None):
        return autograph.matched(self, subject, pattern, guard)

    def captured(self, subject, pattern):
        return autograph.captured(self, subject, pattern)

    def list_(self, items):
        return items

    def collect(self, items, value, test=None, unpack=None):
        def call(fn, item):
            return fn(item) if unpack is None else fn(*item)

        return [call(value, v) for v in items if test is None or call(test, v)]

    def item(self, items, index):
        return items[index]

    # --- calls, names, checks ---

    def fn(self, function):
        own = isinstance(function, FunctionType) and self._own_file is not None
        if own and function.__code__.co_filename == self._own_file:
            return autograph.convert(function, self)
        return function

    def asserted(self, test, message=None):
        return test

    def raised(self, exception):
        return exception

    def name(self, name, value):
        return value

    def use(self, value, name):
        if value is self.undefined:
            raise UnboundLocalError(f"{name} has no value here")
        return value

    def delete(self, value, name):
        self.use(value, name)
        return self.undefined

    def peek(self, read):
        try:
            return read()
        except NameError:
            return self.undefined
