"""Where summaries go: writers of event files, the default one, steps (TF: ``tf.summary``)."""

from __future__ import annotations

import atexit
import os
import socket
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from graphc.formats.records import framed
from graphc.summary import events

_numbers = count()
_open: weakref.WeakSet[SummaryWriter]


class SummaryWriter:
    """Appends events to a file of its own in a folder, which is made with the first event.

    Events are collected and written when ``max_queue`` of them are there, ``flush_millis`` after
    the last time, by `flush` and at the end of the program. Usable from several threads.
    """

    def __init__(
        self, logdir: str | os.PathLike[str], max_queue: int = 10, flush_millis: int = 120_000,
        filename_suffix: str = ".v2",
    ) -> None:  # fmt: skip
        self.logdir = Path(logdir)
        self._limit, self._interval = max_queue, flush_millis / 1000
        host, number = socket.gethostname(), next(_numbers)
        name = f"events.out.tfevents.{int(time.time())}.{host}.{os.getpid()}.{number}"
        self.path = self.logdir / (name + filename_suffix)
        self._waiting: list[bytes] = []
        self._flushed = time.monotonic()
        self._lock = threading.Lock()
        self._started = self._closed = False
        self.paused = False  # whether events are dropped
        _open.add(self)

    def add(self, event: bytes) -> None:
        """Append an event; ``RuntimeError`` if the writer is closed."""
        if self._closed:
            raise RuntimeError(f"SummaryWriter for {self.logdir} is closed")
        if self.paused:
            return
        with self._lock:
            self._waiting.append(event)
            late = time.monotonic() - self._flushed > self._interval
            full = len(self._waiting) >= self._limit
        if late or full:
            self.flush()

    def init(self) -> None:
        """Make the file now."""
        with self._lock:
            self._write()

    def flush(self) -> None:
        """Write what waits."""
        with self._lock:
            if self._waiting:
                self._write()

    def _write(self) -> None:
        self.logdir.mkdir(parents=True, exist_ok=True)
        first = [] if self._started else [events.version()]
        with open(self.path, "ab") as file:  # whole records in one go, for who reads meanwhile
            file.write(b"".join(map(framed, [*first, *self._waiting])))
        self._started = True
        self._waiting.clear()
        self._flushed = time.monotonic()

    def close(self) -> None:
        """Write what waits; nothing can be added any more."""
        self.flush()
        self._closed = True

    def as_default(self, step: Any = None) -> Any:
        """A context in which summaries go here; ``step`` is their step unless they name one."""
        return _as_default(self, step)

    def set_as_default(self, step: Any = None) -> None:
        """Let summaries go here from now on, in this thread."""
        _state.writer = self
        if step is not None:
            _state.step = step

    def __repr__(self) -> str:
        return f"<SummaryWriter {str(self.logdir)!r}>"


class _NoopWriter(SummaryWriter):
    """Takes events and drops them."""

    def __init__(self) -> None:
        super().__init__(os.devnull)

    def add(self, event: bytes) -> None:
        pass

    def init(self) -> None:
        pass


class _State(threading.local):
    writer: SummaryWriter | None = None
    step: Any = None
    record: Any = True  # or a callable


_state = _State()
_open = weakref.WeakSet()


@atexit.register
def _flush_all() -> None:
    for writer in list(_open):
        writer.flush()


@contextmanager
def _as_default(writer: SummaryWriter, step: Any) -> Iterator[SummaryWriter]:
    before = _state.writer, _state.step
    _state.writer = writer
    if step is not None:
        _state.step = step
    try:
        yield writer
    finally:
        _state.writer, _state.step = before
        writer.flush()


def create_file_writer(
    logdir: str | os.PathLike[str], max_queue: int | None = None, flush_millis: int | None = None,
    filename_suffix: str | None = None, name: str | None = None,
    experimental_trackable: bool = False, experimental_mesh: Any = None,
) -> SummaryWriter:  # fmt: skip
    """A writer of event files in ``logdir``, for TensorBoard (TF: same name)."""
    queue = 10 if max_queue is None else int(max_queue)
    millis = 120_000 if flush_millis is None else int(flush_millis)
    return SummaryWriter(logdir, queue, millis, filename_suffix or ".v2")


def create_noop_writer() -> SummaryWriter:
    """A writer that writes nothing."""
    return _NoopWriter()


def default_writer() -> SummaryWriter | None:
    """Where summaries go now."""
    return _state.writer


def flush(writer: SummaryWriter | None = None, name: str | None = None) -> None:
    """Write what waits in a writer, by default the default one."""
    writer = writer or _state.writer
    if writer is not None:
        writer.flush()


@contextmanager
def record_if(condition: Any) -> Iterator[None]:
    """A context in which summaries are written only if ``condition``, a bool, a tensor or a
    function that gives one, is true."""
    before, _state.record = _state.record, condition
    try:
        yield
    finally:
        _state.record = before


def should_record_summaries() -> Any:
    """Whether a summary would be written now: there is a writer, and `record_if` lets it."""
    condition: Any = _state.record
    if isinstance(condition, Callable):  # type: ignore[arg-type]
        condition = condition()
    return condition if _state.writer is not None else False


def get_step() -> Any:
    """The step of summaries that name none (``tf.summary.experimental.get_step``)."""
    return _state.step


def set_step(step: Any) -> None:
    """Set the step of summaries that name none; a Variable is read when one is written."""
    _state.step = step
