"""What is going on around a layer's call, and how code leaves the trace in progress."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from graphc.trace.control import OPERATORS
from graphc.trace.control_calls import callee
from graphc.trace.state import current, recording, tracing


class _Calls(threading.local):
    """The call that a layer's call is part of: its phase (None: it said none) and depth."""

    training: Any = None
    depth = 0


calls = _Calls()


@contextmanager
def call_of(layer_name: str, training: Any) -> Iterator[None]:
    """While a layer runs: inner layers take its ``training``, Variables begin with its name."""
    before, scope = calls.training, current.scope
    calls.training, current.scope = training, f"{scope}{layer_name}/"
    calls.depth += 1
    try:
        yield
    finally:
        calls.training, current.scope = before, scope
        calls.depth -= 1


@contextmanager
def init_scope() -> Iterator[None]:
    """Outside of the trace and the tapes in progress: Variables made here exist for good."""
    with tracing(None), recording(()):
        yield


def is_tracing() -> bool:
    return current.tracer is not None


def converted(fn: Any) -> Any:
    """A function as traced code calls it: one of the user's is converted by AutoGraph."""
    return callee(fn, OPERATORS) if is_tracing() else fn
