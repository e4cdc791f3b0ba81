"""Options, and the only place that reads environment variables.

``GRAPHC_CACHE_DIR``  where compiled kernels are kept (default: the user's cache folder)
``GRAPHC_CACHE_MB``   how much they may take there (default: 256); the ones unused for longest go
``GRAPHC_JIT=off``    run graphs in the reference interpreter instead of compiling them
``GRAPHC_VERIFY=on``  check the graph after every pass
``GRAPHC_THREADS``    how many threads work on a large kernel (default: ``OMP_NUM_THREADS``, or
                      all cores)
``GRAPHC_FULL_TRACEBACK=on``  show graphc's own frames in tracebacks
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from graphc.config import experimental, optimizer
from graphc.config.devices import (
    LogicalDevice,
    LogicalDeviceConfiguration,
    PhysicalDevice,
    get_logical_device_configuration,
    get_visible_devices,
    list_logical_devices,
    list_physical_devices,
    set_logical_device_configuration,
    set_visible_devices,
)

__all__ = [
    "LogicalDevice", "LogicalDeviceConfiguration", "Options", "PhysicalDevice", "experimental",
    "experimental_functions_run_eagerly", "experimental_run_functions_eagerly",
    "functions_run_eagerly", "get_logical_device_configuration", "get_soft_device_placement",
    "get_visible_devices", "list_logical_devices", "list_physical_devices", "optimizer", "options",
    "override", "run_functions_eagerly", "set_logical_device_configuration",
    "set_soft_device_placement", "set_visible_devices", "threading",
]  # fmt: skip


CACHE_MB = 256


@dataclass(frozen=True)
class Options:
    """What can be chosen; the values in force are `options()`."""

    cache_dir: Path
    jit: bool = True
    verify: bool = False
    full_traceback: bool = False
    threads: int = 0  # 0: as many as there are cores
    cache_bytes: int = CACHE_MB * 10**6
    compile_helper: bool = True  # a process on another core, where many kernels must be compiled


def _flag(name: str, default: bool) -> bool:
    text = os.environ.get(name, "").strip().lower()
    if text in ("1", "on", "true", "yes"):
        return True
    return False if text in ("0", "off", "false", "no") else default


def _number(*names: str) -> int:
    """The first of some variables that holds a positive number; else 0."""
    texts = (os.environ.get(name, "").strip() for name in names)
    return next((int(text) for text in texts if text.isdecimal() and int(text)), 0)


def _default_cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(base):
        return Path(base) / "graphc"
    home = os.path.expanduser("~")
    if os.path.isabs(home):
        return Path(home) / ".cache" / "graphc"
    import tempfile  # lazy: only where there is no home

    user = os.getuid() if hasattr(os, "getuid") else "user"
    return Path(tempfile.gettempdir()) / f"graphc-{user}"


def _from_environment() -> Options:
    chosen = os.environ.get("GRAPHC_CACHE_DIR")
    return Options(
        cache_dir=Path(chosen) if chosen else _default_cache(),
        jit=_flag("GRAPHC_JIT", True),
        verify=_flag("GRAPHC_VERIFY", False),
        full_traceback=_flag("GRAPHC_FULL_TRACEBACK", False),
        threads=_number("GRAPHC_THREADS", "OMP_NUM_THREADS"),
        cache_bytes=(_number("GRAPHC_CACHE_MB") or CACHE_MB) * 10**6,
        compile_helper=_flag("GRAPHC_COMPILE_HELPER", True),
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


# --- threads --------------------------------------------------------------------------------------

_when_threads_change: list[Callable[[], None]] = []


def when_threads_change(do: Callable[[], None]) -> None:
    """Have a function called when another number of threads is asked for."""
    _when_threads_change.append(do)


def threads() -> int:
    """How many threads may work on one kernel."""
    if _current.threads:
        return _current.threads
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _Threading:
    """``tf.config.threading``."""

    def __init__(self) -> None:
        self._between = 0

    def set_intra_op_parallelism_threads(self, num_threads: int) -> None:
        """Let so many threads work on one kernel (0: as many as there are cores), from now on.

        (TF: the same, but not after the first op ran.)
        """
        global _current
        _current = replace(_current, threads=_natural(num_threads))
        for do in _when_threads_change:
            do()

    def get_intra_op_parallelism_threads(self) -> int:
        """The number that was set; 0 if none was."""
        return _current.threads

    def set_inter_op_parallelism_threads(self, num_threads: int) -> None:
        """Keep the number: kernels of a graph run one after the other, each on all its threads."""
        self._between = _natural(num_threads)

    def get_inter_op_parallelism_threads(self) -> int:
        """The number that was set; 0 if none was."""
        return self._between


def _natural(number: int) -> int:
    if isinstance(number, bool) or not isinstance(number, int):
        raise TypeError(f"num_threads must be an integer, got {number!r}")
    if number < 0:
        raise ValueError(f"num_threads must not be negative, got {number}")
    return number


threading = _Threading()

# --- what TensorFlow's scripts ask of tf.config ---------------------------------------------------

_eager_functions = False


def run_functions_eagerly(run_eagerly: bool) -> None:
    """Make every ``@function`` call its Python function instead of a graph.

    (TF: ``tf.config.run_functions_eagerly``)
    """
    global _eager_functions
    _eager_functions = bool(run_eagerly)


def functions_run_eagerly() -> bool:
    """Whether `run_functions_eagerly` is in force."""
    return _eager_functions


experimental_run_functions_eagerly = run_functions_eagerly
experimental_functions_run_eagerly = functions_run_eagerly


def get_soft_device_placement() -> bool:
    """Whether ops run on the CPU if the device asked for is not there: they always do."""
    return True


def set_soft_device_placement(enabled: bool) -> None:
    """Nothing may be asked of devices that are not there, so this changes nothing."""
