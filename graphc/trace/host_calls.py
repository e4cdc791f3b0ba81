"""Calls and statements of converted code that only Python can do: they become host steps."""

from __future__ import annotations

import operator
import sys
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from types import BuiltinMethodType
from typing import Any

from graphc import autograph
from graphc.errors import SymbolicValueError
from graphc.ir import dtypes
from graphc.trace.control_if import resume
from graphc.trace.control_values import (
    BREAK,
    CONTINUE,
    LOOP,
    NEXT,
    RETURN,
    Exit,
    Outcome,
    State,
    outcome_of,
    payloads_of,
)
from graphc.trace.growing import GrowingList
from graphc.trace.host import Host, apply
from graphc.trace.host_objects import changed_by, holds, is_iterator, must_be_made_by_host
from graphc.trace.host_value import HostValue
from graphc.trace.state import FORWARDING, NeedsValue, current, user_frame
from graphc.trace.tensor import Operators, SymbolicTensor

Block = Callable[..., Any]
_CONTAINERS = (list, dict, set, deque)
_ADDING = frozenset((
    "append", "extend", "insert", "add", "update", "setdefault", "appendleft", "extendleft",
))  # fmt: skip
_OUTER = "it changes an object that outlives the call"
_TEXT = (str, repr, format, ascii)
_KINDS = {"return": RETURN, "break": BREAK, "continue": CONTINUE}


# --- calls ----------------------------------------------------------------------------------------


def tried(function: Any, made: Any) -> Any:
    """A call of code that is not converted: as it is, or else as a host step."""
    if isinstance(function, HostValue) or function is range or _is_exception(function):
        return made

    own = _is_own(function)

    def call(*args: Any, **kwargs: Any) -> Any:
        host: Host = current.tracer.root.host  # type: ignore[union-attr]
        reason = None if own else _reason(host, function, made is function, args, kwargs)
        if reason is not None:
            return _called(host, function, args, kwargs, reason)
        if _adds_to_outer(function, args, kwargs):
            return _add(function, args, kwargs)
        undo = None if own else _mark()  # graphc's own code asks before it acts
        try:
            return made(*args, **kwargs)
        except (NeedsValue, SymbolicValueError) as need:
            if getattr(need, "at", None) is not None or _passed_converted(need):
                raise
            if any(map(is_iterator, args)):  # it has been begun
                raise
            if undo is not None:
                undo()
            return _called(host, function, args, kwargs, reason_of(need))

    FORWARDING.add(call.__code__)
    return call


def _reason(host: Host, function: Any, plain: bool, args: Any, kwargs: Any) -> str | None:
    """Why a call is Python's, without trying; ``plain``: no builtin that knows tensors."""
    if holds(HostValue, (args, kwargs)) or (plain and any(map(is_open, args))):
        return ""
    if any(function is f for f in _TEXT) and holds(SymbolicTensor, (args, kwargs)):
        return "text needs the value of a tensor"
    if function is print and _of_numbers(host, args):
        return "print() is given Python's numbers"
    return None


def stored(value: Any, owner: Any, key: Any, done: bool, where: State | None) -> Any:
    """Assign on every call what an object that outlives it gets while it is traced."""
    tracer = current.tracer
    host: Host = tracer.root.host  # type: ignore[union-attr]
    if not host.outlives(owner) or isinstance(owner, Operators):
        return value
    held = owner if isinstance(owner, dict) else getattr(owner, "__dict__", None)
    if held is None or isinstance(key, Operators) or not isinstance(key, Hashable):
        return value
    slot = host.slot(owner, held, key)
    if done:
        slot.is_stored = value
    elif where is not None and tracer.parent is None:  # type: ignore[union-attr]
        raise NeedsValue(SymbolicValueError(_OUTER), (sys._getframe(2).f_code, where))
    elif where is not None:  # in a loop, say: it began with the value of the call that is traced
        slot.is_frozen = True
    return value


def holds_tensors(value: Any) -> bool:
    return holds(SymbolicTensor, value)


def _is_exception(function: Any) -> bool:
    return isinstance(function, type) and issubclass(function, BaseException)


def raisable(exception: Any) -> Any:
    """An exception that can be raised while tracing: what only Python knows gets its value."""
    tracer = current.tracer
    if isinstance(exception, HostValue):
        exception._refuse("raise")
    if tracer is not None and tracer.parent is None and holds(HostValue, exception.args):
        host = tracer.host
        exception.args = tuple(
            host.example(a) if isinstance(a, HostValue) else a for a in exception.args
        )
    return exception


def is_open(value: Any) -> bool:
    """Whether a list has a length that only running tells."""
    return isinstance(value, GrowingList) and not value.is_known


def _called(host: Host, function: Any, args: Any, kwargs: Any, reason: str) -> Any:
    must_be_made_by_host(changed_by(function, args, kwargs), host)
    host.reason = reason
    try:
        return host.call(function, args, kwargs)
    finally:
        host.reason = ""


def reason_of(need: BaseException) -> str:
    return str(need).split(", but inside a")[0]


def _is_own(function: Any) -> bool:
    """Whether a function is graphc's: its ops take what only Python knows as tensors."""
    named = getattr(function, "__module__", None) or ""
    return named.startswith("graphc") or type(function).__module__.startswith("graphc")


def _passed_converted(need: BaseException) -> bool:
    """Whether converted code called by the function asked: that part of it becomes Python's."""
    trace = need.__traceback__.tb_next  # type: ignore[union-attr]
    while trace is not None:
        if autograph.is_converted(trace.tb_frame.f_code):
            return True
        trace = trace.tb_next
    return False


def _mark() -> Callable[[], None]:
    """What takes back the effects recorded since."""
    tracer = current.tracer
    assert tracer is not None
    count = len(tracer.nodes)
    held = {key: (h.now, h.written) for key, h in tracer.variables.items()}

    def undo() -> None:
        kept = [n for n in tracer.nodes[count:] if not n.op.effect]  # type: ignore[attr-defined]
        tracer.nodes[count:] = kept
        for key, h in tracer.variables.items():
            h.now, h.written = held.get(key, (h.entry, False))

    return undo


# --- containers that outlive the call -------------------------------------------------------------


def _adds_to_outer(function: Any, args: Any, kwargs: Any) -> bool:
    if type(function) is not BuiltinMethodType or function.__name__ not in _ADDING:
        return False
    if type(function.__self__) not in _CONTAINERS or not holds(SymbolicTensor, (args, kwargs)):
        return False
    return current.tracer.root.host.outlives(function.__self__)  # type: ignore[union-attr]


def _add(function: Any, args: Any, kwargs: Any) -> Any:
    """On every call; also while tracing, for code that reads the container after it."""
    tracer = current.tracer
    host: Host = tracer.root.host  # type: ignore[union-attr]
    frame = user_frame()
    if frame is not None and (frame.f_code.co_filename, frame.f_lineno) in host.number_lines:
        raise NeedsValue(SymbolicValueError(_OUTER))  # the whole expression, with Python's numbers
    host.reason = _OUTER
    try:
        host.emit((function, args, kwargs), apply, 0, warn=False)
    finally:
        host.reason = ""
    if tracer.parent is not None:  # type: ignore[union-attr]
        return None
    host.changed[id(function.__self__)] = function.__self__
    return function(*args, **kwargs)


def _of_numbers(host: Host, args: Sequence[Any]) -> bool:
    return any(isinstance(a, SymbolicTensor) and a.value in host.numbers for a in args)


# --- islands --------------------------------------------------------------------------------------


def island(
    block: Block, state: State, out: State | None, falls: bool, exits: State, counts: State,
    rest: Block | None, changes: State = (),
) -> Outcome:  # fmt: skip
    """An expression (``out`` is None) or a statement that stays Python's.

    ``changes`` are the names of objects that it may change.
    """
    tracer = current.tracer
    host: Host | None = None if tracer is None else tracer.root.host
    if host is None:
        found = block(*state)
        return found if rest is None else resume(found, rest)
    code = block.__code__
    given = dict(zip(code.co_varnames, state, strict=False))
    changing = [v for n, v in given.items() if n.split("_")[0] in changes or n in changes]
    begun = [v for v in state if is_iterator(v)]
    must_be_made_by_host([*changing, *begun], host)
    host.reason = host.reasons.get((code.co_filename, code.co_firstlineno), "")
    try:
        if out is None:
            return host.call(block, state)
        if not exits:
            return host.emit((block, state), _run, len(out))
        return resume(_exits(host, block, state, len(out), falls, exits, counts), rest)
    finally:
        host.reason = ""


def _run(given: Any) -> Any:
    block, state = given
    found = block(*state)
    return found[0] if len(found) == 1 else found


def _exits(
    host: Host, block: Block, state: State, outs: int, falls: bool, exits: State, counts: State
) -> Outcome:
    """A statement that may be left: a number that says how, and a payload for each way."""
    sizes = {NEXT: outs, LOOP: counts[0], RETURN: counts[1]}

    def run(given: Any) -> list[Any]:
        block, state = given
        found = block(*state)
        kind = found.kind if isinstance(found, Exit) else NEXT
        payloads = payloads_of(found)
        listed: list[Any] = [kind]
        for way, size in sizes.items():
            listed += payloads.get(way, (None,) * size)
        return listed

    kind, *values = host.emit((block, state), run, 1 + sum(sizes.values()))
    payloads = {}
    for way, size in sizes.items():
        payloads[way], values = tuple(values[:size]), values[size:]
    kinds = frozenset([*(_KINDS[e] for e in exits), *([NEXT] if falls else [])])
    tag = host.typed(kind, operator.index, dtypes.int32)
    return outcome_of(tag, kinds, payloads)


# --- comparisons ----------------------------------------------------------------------------------

_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq,
    "!=": operator.ne,
}  # fmt: skip


def _contained(item: Any, items: Any) -> bool:
    return item in items


def _missing(item: Any, items: Any) -> bool:
    return item not in items


def compared(name: str, left: Any, right: Any) -> Any:
    """A comparison with a value that only Python knows."""
    if name in _COMPARISONS:
        return _COMPARISONS[name](left, right)
    host: Host = current.tracer.root.host  # type: ignore[union-attr]
    tests = {"in": _contained, "not in": _missing, "is": operator.is_, "is not": operator.is_not}
    return host.call(tests[name], (left, right))


__all__ = ["compared", "island", "reason_of", "tried"]
