"""Kernel texts to addresses: compiled once, afterwards loaded from the disk cache.

`compiler` turns a text into object code by way of numba.  The object code goes to the cache, and
LLVM links it; a process with a warm cache never imports numba, which takes 0.2 s.
"""

from __future__ import annotations

import ctypes
import itertools
import linecache
import os
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from graphc.runtime import ahead, cache

HEADER = "from graphc.runtime.kernel_prelude import *\n\n\n"


@dataclass(frozen=True)
class CompileRecord:
    """What loading a kernel took, and where its source lies."""

    key: str
    text: str
    address: int
    seconds: float
    from_cache: bool
    path: Path | None
    compiling: float = 0.0  # seconds that compiling took when it was done

    def llvm(self) -> str:
        """The kernel's optimised LLVM code (compiles it again)."""
        from graphc.runtime import compiler  # lazy: imports numba

        return compiler.llvm_code(_function(self.key, self.text))

    def assembly(self) -> str:
        """The kernel's machine instructions (compiles it again)."""
        from graphc.runtime import compiler  # lazy: imports numba

        return compiler.assembly(_function(self.key, self.text))


_lock = threading.RLock()
_records: dict[str, CompileRecord] = {}
_by_address: dict[int, CompileRecord] = {}


def load(texts: Sequence[str]) -> list[int]:
    """Addresses of ``int32 kernel(int64* slots, int64* row)`` for each text."""
    new = [text for text in dict.fromkeys(texts) if text not in _records and not jit_disabled()]
    with ahead.helped([text for text in new if not cache.holds(cache.key_of(text))]):
        return [record(text).address for text in texts]


def record(kernel: str | int) -> CompileRecord:
    """What is known of a kernel: one loaded before, by its address, or any by its text."""
    if isinstance(kernel, int):
        return _by_address[kernel]
    found = _records.get(kernel)
    if found is None:
        with _lock:
            found = _records.get(kernel)
            if found is None:
                found = _records[kernel] = _load(kernel)
                _by_address[found.address] = found
    return found


def statistics() -> list[CompileRecord]:
    """What this process has loaded, in order."""
    return list(_records.values())


def _load(text: str) -> CompileRecord:
    start = time.perf_counter()
    key = cache.key_of(text)
    path: Path | None = None
    if jit_disabled():
        address, from_cache, compiling = _interpreted(key, text), False, 0.0
    else:
        entry, address = _from_cache(key)
        from_cache = entry is not None
        if entry is None:
            entry = _compile(key, text)
            address = _link(entry)
            path = cache.write(key, entry, HEADER + text)
            cache.trim()
        compiling = entry.seconds
    seconds = time.perf_counter() - start
    path = path or cache.source_path(key)
    return CompileRecord(key, text, address, seconds, from_cache, path, compiling)


# --- linking --------------------------------------------------------------------------------------

_linker: Any = None
_linked: list[Any] = []  # what LLVM must not unload
_attempts = itertools.count()


def _start_linker() -> Any:
    global _linker
    if _linker is None:
        import llvmlite.binding as llvm  # lazy: start-up time

        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        machine = llvm.Target.from_default_triple().create_target_machine(jit=True)
        _linker = llvm.create_lljit_compiler(machine, suppress_errors=True)
    return _linker


def _link(entry: cache.Entry) -> int:
    """Load object code; RuntimeError if it is damaged or needs a symbol that nothing here has."""
    import llvmlite.binding as llvm  # lazy: start-up time

    linker = _start_linker()
    builder = llvm.JITLibraryBuilder().add_object_img(entry.code).add_current_process()
    library = builder.export_symbol(entry.symbol).link(linker, f"kernel {next(_attempts)}")
    _linked.append(library)
    return library[entry.symbol]


def _from_cache(key: str) -> tuple[cache.Entry | None, int]:
    """The entry and the address of its code; what LLVM cannot use is compiled again."""
    entry = cache.read(key)
    if entry is None:
        return None, 0
    try:
        return entry, _link(entry)
    except RuntimeError:
        return None, 0


# --- compiling ------------------------------------------------------------------------------------


def _compile(key: str, text: str) -> cache.Entry:
    from graphc.runtime import compiler  # lazy: imports numba

    symbol, start = f"graphc_{key}", time.perf_counter()
    code = compiler.compile_kernel(_function(key, text), symbol)
    return cache.Entry(symbol, code, time.perf_counter() - start)


def _function(key: str, text: str) -> FunctionType:
    """The Python function of a kernel, in a module of its own."""
    return _module(key, HEADER + text, f"<graphc kernel {key}>").kernel


def _module(key: str, source: str, filename: str) -> ModuleType:
    name = f"graphc_kernel_{key}"
    module = ModuleType(name)
    module.__file__ = filename
    if not os.path.exists(filename):  # debuggers and error messages find the lines all the same
        linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)
    sys.modules[name] = module
    exec(compile(source, filename, "exec"), module.__dict__)
    return module


# --- kernels as Python, for breakpoints -----------------------------------------------------------


def jit_disabled() -> bool:
    """Whether ``NUMBA_DISABLE_JIT`` asks for kernels that a debugger can stop in."""
    return os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0")


def _interpreted(key: str, text: str) -> int:
    """The address of a callback that runs the kernel as Python."""
    from graphc.runtime.memory import KERNEL, Pointer  # lazy: start-up time

    source = HEADER + text
    path = cache.write_source(key, source)
    function = _module(key, source, str(path or f"<graphc kernel {key}>")).kernel

    def run(slots: int, row: int) -> int:
        return int(function(Pointer.of_slots(slots), Pointer.of_slots(row)))

    callback = KERNEL(run)
    _linked.append(callback)
    return ctypes.cast(callback, ctypes.c_void_p).value or 0
