"""What cannot be staged runs as Python: found out by tracing, until a trace goes through."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from graphc import autograph
from graphc.errors import FallbackWarning, StagingError, SymbolicValueError
from graphc.function.spec import TensorSpec
from graphc.runtime.interpreter import run_node
from graphc.trace.host import Fallback, Host
from graphc.trace.host_calls import reason_of
from graphc.trace.host_steps import Journal
from graphc.trace.state import NeedsValue, StepAssigns, current
from graphc.trace.tensor import EagerTensor, SymbolicTensor

Result = TypeVar("Result")
MODES = ("warn", "quiet", "error")
ATTEMPTS = 200  # traces of one function, each with one part more that is Python's
_reasons: dict[tuple[str, int], str] = {}  # why a place became Python's


class WholeFunction(Exception):
    """No part of a function will do: all of it must run as Python."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


class Fallbacks:
    """The statements of a function that run as Python."""

    def __init__(self, mode: str, forget: Callable[[], None]) -> None:
        """``forget`` drops the traces that were made without what is known now."""
        if mode not in MODES:
            raise ValueError(f"fallback is one of {', '.join(map(repr, MODES))}, got {mode!r}")
        self.mode = mode
        self.records: dict[tuple[str, int], Fallback] = {}
        self._forget = forget
        self._assigned: dict[Any, Any] = {}  # Variables that steps assign, by key

    def _note_assigned(self, variables: Sequence[Any]) -> None:
        self._assigned.update((v.key, v) for v in variables)
        self._forget()

    def note_whole(self, function: Callable[..., Any], error: Exception) -> Fallback:
        """A function runs as Python altogether."""
        code = getattr(getattr(function, "__func__", function), "__code__", None)
        place = (code.co_filename, code.co_firstlineno) if code else ("?", 0)
        name = getattr(function, "__name__", repr(function))
        reason = str(error).split(", but inside a")[0]
        found = self.records[place] = Fallback(*place, name, reason)
        if self.mode == "warn":
            message = f"{place[0]}:{place[1]}: all of {name} runs as Python on every call: {reason}"
            warnings.warn_explicit(FallbackWarning(message), None, *place)
        return found

    def trace(self, attempt: Callable[[Host], Result], leaves: Sequence[Any]) -> Result:
        """Trace again and again, each time with a part more that is Python's.

        ``leaves`` are the tensors among the arguments.  Raises `WholeFunction`.
        """
        known = all(isinstance(v, EagerTensor | np.ndarray | SymbolicTensor) for v in leaves)
        journal = Journal() if known else None
        for _ in range(ATTEMPTS):
            if journal is not None:
                journal.at = 0
            host = Host(
                run_node, self.records, journal, _reasons, self.mode == "warn", self._assigned,
                self._note_assigned,
            )  # fmt: skip
            host.leaves = [v for v in leaves if not isinstance(v, TensorSpec)] if known else []
            try:
                result = attempt(host)
                need = host.need
                if need is None:
                    return result
            except StepAssigns:  # `_assigned` has one more
                journal = journal and Journal()
                continue
            except NeedsValue as found:
                need = host.need or found
            except SymbolicValueError as error:  # graphc's own code asked
                need = host.need or NeedsValue(error).with_traceback(error.__traceback__)
            except Exception as error:
                if not _swallowed(host, error):
                    raise
                need = NeedsValue(SymbolicValueError("a library asks for the value of a tensor"))
                need = need.with_traceback(error.__traceback__)
            finally:
                host.close()
            if not _widen(need):
                raise WholeFunction(need.error.with_traceback(need.__traceback__))
        raise WholeFunction(need.error)


def _swallowed(host: Host, error: Exception) -> bool:
    """Whether an error stands for a value that was asked for: numpy makes its own of it."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and host.asked == (trace.tb_frame.f_code, trace.tb_lineno)


def run_as_python(
    function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], why: Fallback
) -> Any:
    """Call a function that is not traced; in the trace of another one it is a host step."""
    tracer = current.tracer
    if tracer is None:
        return function(*args, **kwargs)
    if tracer.root.host is None:
        raise SymbolicValueError(f"{why}")
    return tracer.root.host.call(function, args, kwargs)


def _widen(need: NeedsValue) -> bool:
    """Make the smallest part that asked for a value Python's; whether there is one."""
    if need.at is not None:
        code, place = need.at
        if isinstance(place, str):
            nodes = autograph.add_assigned(code, place)
            _reasons.update({(code.co_filename, n.lineno): reason_of(need) for n in nodes})  # type: ignore[attr-defined]
            return bool(nodes)
        return _add(code, place, need, statement=True)
    frames, trace = [], need.__traceback__
    while trace is not None:
        if autograph.is_converted(trace.tb_frame.f_code):
            frames.append((trace.tb_frame.f_code, trace.tb_lasti))
        trace = trace.tb_next
    if isinstance(need.error, StagingError):  # a recursion that does not end: the call of it
        codes = [code for code, _ in frames]
        frames = frames[: next((i for i, c in enumerate(codes) if codes.count(c) > 1), 0)]
    for code, instruction in reversed(frames):
        line, end, column, end_column = list(code.co_positions())[instruction // 2]
        if None not in (line, end, column, end_column) and _add(
            code, (line, column, end, end_column), need
        ):
            return True
    return False


def _add(code: Any, position: Any, need: NeedsValue, statement: bool = False) -> bool:
    found = autograph.add_island(code, position, statement)
    if found is None:
        return False
    _reasons[code.co_filename, found.lineno] = reason_of(need)  # type: ignore[attr-defined]
    return True


__all__ = ["Fallback", "Fallbacks", "WholeFunction"]
