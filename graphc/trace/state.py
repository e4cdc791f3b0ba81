"""What each thread is doing: the trace in progress and the tapes that record."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any

from graphc.ir.graph import Loc

if TYPE_CHECKING:
    from graphc.trace.tape import GradientTape
    from graphc.trace.tracer import Tracer

PACKAGE = str(Path(__file__).resolve().parent.parent) + "/"


FORWARDING: set[CodeType] = set()  # code of graphc's that calls what the user's code calls


class NeedsValue(BaseException):
    """Python needs a value that only running the program gives; ``error`` says so to the user.

    It is no `Exception`, so that no ``except`` of the traced code takes it for its own.  ``at`` is
    converted code and the place in it that must be left to Python as a whole.
    """

    def __init__(self, error: Exception, at: Any = None) -> None:
        super().__init__(str(error))
        self.error, self.at = error, at


class StepAssigns(BaseException):
    """A host step has assigned a Variable of its program: the function must be traced again."""


class ThreadState(threading.local):
    """``busy`` is True when an op cannot simply run: something traces or records."""

    def __init__(self) -> None:
        self.tracer: Tracer | None = None
        self.tapes: tuple[GradientTape, ...] = ()
        self.busy = False
        self.scope = ""  # what Variables' names begin with
        self.loc: Loc | None = None  # overrides the caller's line (gradients keep their op's line)

        self.written: dict[Any, Any] | None = None  # Variables that a host step assigns, by key

    def enter(self, tracer: Tracer | None, tapes: tuple[GradientTape, ...]) -> None:
        self.tracer, self.tapes = tracer, tapes
        self.busy = tracer is not None or bool(tapes)


current = ThreadState()


@contextmanager
def tracing(tracer: Tracer | None) -> Iterator[None]:
    """Record the ops called inside into ``tracer`` (None: run them eagerly)."""
    before = current.tracer
    current.enter(tracer, current.tapes)
    try:
        yield
    finally:
        current.enter(before, current.tapes)


@contextmanager
def recording(tapes: tuple[GradientTape, ...]) -> Iterator[None]:
    """Let just these tapes record what happens inside."""
    before = current.tapes
    current.enter(current.tracer, tapes)
    try:
        yield
    finally:
        current.enter(current.tracer, before)


@contextmanager
def init_scope() -> Iterator[None]:
    """Run what is called inside at once, outside of the function that is traced and of tapes.

    (TF: ``tf.init_scope``)
    """
    before, tapes = current.tracer, current.tapes
    static = before is not None and before.root.static
    current.enter(before if static else None, ())
    try:
        yield
    finally:
        current.enter(before, tapes)


@contextmanager
def located(loc: Loc | None) -> Iterator[None]:
    """Give every op called inside this place in the user's source."""
    before = current.loc
    current.loc = loc or before
    try:
        yield
    finally:
        current.loc = before


_positions: dict[tuple[CodeType, int], Loc] = {}


def is_own(filename: str) -> bool:
    """Whether a file is graphc's own; the demo is written as a user would write it."""
    return filename.startswith(PACKAGE) and filename != PACKAGE + "demo.py"


def user_frame() -> FrameType | None:
    """The innermost frame that is not graphc's own."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and is_own(frame.f_code.co_filename):
        frame = frame.f_back
    return frame


def user_loc() -> Loc | None:
    """Where in the user's source the current op was called."""
    if current.loc is not None:
        return current.loc
    frame = user_frame()
    if frame is None:
        return None
    found = _position(frame.f_code, frame.f_lasti, frame.f_lineno)
    return replace(found, scope=current.scope) if current.scope else found


def _cell(file: str) -> str:
    """What a notebook calls the cell that it keeps under a file name, such as ``In[3]``."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    named = getattr(getattr(shell, "compile", None), "format_code_name", lambda file: None)(file)
    return named[1] if named else ""


def _position(code: CodeType, instruction: int, line: int) -> Loc:
    found = _positions.get((code, instruction))
    if found is None:
        columns = [p[2] or 0 for p in code.co_positions()]
        at = instruction // 2
        column = columns[at] if at < len(columns) else 0
        found = Loc(code.co_filename, line, column, cell=_cell(code.co_filename))
        if len(_positions) > 100_000:  # a process that makes code for ever must not grow for ever
            _positions.clear()
        _positions[code, instruction] = found
    return found
