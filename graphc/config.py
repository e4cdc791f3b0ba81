"""Options, and the only place that reads environment variables.

``GRAPHC_CACHE_DIR``  where compiled kernels are kept (default: the user's cache folder)
``GRAPHC_JIT=off``    run graphs in the reference interpreter instead of compiling them
``GRAPHC_VERIFY=on``  check the graph after every pass
``GRAPHC_FULL_TRACEBACK=on``  show graphc's own frames in tracebacks
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Options:
    """What can be chosen; the values in force are `options()`."""

    cache_dir: Path
    jit: bool = True
    verify: bool = False
    full_traceback: bool = False


def _flag(name: str, default: bool) -> bool:
    text = os.environ.get(name, "").strip().lower()
    if text in ("1", "on", "true", "yes"):
        return True
    return False if text in ("0", "off", "false", "no") else default


def _default_cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(base) / "graphc"


def _from_environment() -> Options:
    chosen = os.environ.get("GRAPHC_CACHE_DIR")
    return Options(
        cache_dir=Path(chosen) if chosen else _default_cache(),
        jit=_flag("GRAPHC_JIT", True),
        verify=_flag("GRAPHC_VERIFY", False),
        full_traceback=_flag("GRAPHC_FULL_TRACEBACK", False),
    )


_current = _from_environment()


def options() -> Options:
    """The options in force."""
    return _current


@contextmanager
def override(**changes: Any) -> Iterator[Options]:
    """Other options inside a block: ``with config.override(jit=False): ...``"""
    global _current
    before = _current
    _current = replace(before, **changes)
    try:
        yield _current
    finally:
        _current = before
