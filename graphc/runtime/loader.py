"""Kernel texts to machine code: compiled by numba once, afterwards loaded from the disk cache.

numba compiles ``kernel(slots, row)`` without any wrapper; the object code goes to the cache and is linked by
llvmlite, so a process with a warm cache never imports numba (0.3 s).  A small thunk turns numba's calling
convention into the plain one.
"""

from __future__ import annotations

import ctypes.util
import linecache
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from graphc.runtime import cache

HEADER = "from graphc.runtime.kernel_prelude import *\n\n\n"


@dataclass(frozen=True)
class CompileRecord:
    """What loading a kernel took, and where its source lies."""

    key: str
    address: int
    seconds: float
    from_cache: bool
    path: Path | None


_lock = threading.RLock()
_records: dict[str, CompileRecord] = {}
_engine: Any = None


def load(texts: Sequence[str]) -> list[int]:
    """Addresses of ``int32 kernel(int64* slots, int64* row)`` for each text."""
    return [record(text).address for text in texts]


def record(text: str) -> CompileRecord:
    """Load one kernel, or find it loaded."""
    found = _records.get(text)
    if found is None:
        with _lock:
            found = _records.get(text)
            if found is None:
                found = _records[text] = _load(text)
    return found


def statistics() -> list[CompileRecord]:
    """What this process has loaded."""
    return list(_records.values())


def _load(text: str) -> CompileRecord:
    start = time.perf_counter()
    key = cache.key_of(text)
    entry = cache.read(key)
    address = None if entry is None else _link(entry, key)
    if address is not None:
        return CompileRecord(key, address, time.perf_counter() - start, True, None)
    source = HEADER + text
    entry = _compile(key, source)
    address = _link(entry, key)
    if address is None:
        raise RuntimeError(f"kernel {key} uses symbols that this process does not have")
    path = cache.write(key, entry, source)
    return CompileRecord(key, address, time.perf_counter() - start, False, path)


# --- linking ------------------------------------------------------------------------------------------


def _machine() -> Any:
    """The linker: one LLVM engine for the process."""
    global _engine
    if _engine is None:
        import llvmlite.binding as llvm  # lazy: start-up time

        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        llvm.load_library_permanently(ctypes.util.find_library("m") or "libm.so.6")
        machine = llvm.Target.from_default_triple().create_target_machine()
        _engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
    return _engine


_THUNK = """
declare i32 @"{symbol}"(ptr, ptr, ptr, ptr)
define i32 @"{thunk}"(ptr %slots, ptr %row) {{
  %result = alloca i32
  %exception = alloca ptr
  %status = call i32 @"{symbol}"(ptr %result, ptr %exception, ptr %slots, ptr %row)
  %value = load i32, ptr %result
  ret i32 %value
}}
"""


def _link(entry: cache.Entry, key: str) -> int | None:
    """Link object code; None if it needs a symbol that cannot be found."""
    import llvmlite.binding as llvm  # lazy: start-up time

    engine = _machine()
    thunk = f"graphc_{key}"
    if not all(llvm.address_of_symbol(name) for name in entry.needs):
        return None
    try:
        engine.add_object_file(llvm.ObjectFileRef.from_data(entry.code))
        engine.add_module(llvm.parse_assembly(_THUNK.format(symbol=entry.symbol, thunk=thunk)))
        engine.finalize_object()
        return engine.get_function_address(thunk) or None
    except RuntimeError:  # llvmlite's word for anything it cannot parse
        return None


# --- compiling ----------------------------------------------------------------------------------------


def _compile(key: str, source: str) -> cache.Entry:
    """Let numba compile the kernel of a module's source."""
    from numba import njit, types  # lazy: 0.3 s, and not needed when the cache is warm

    pointer = types.CPointer(types.int64)
    function = _module(key, source).kernel
    compiled = njit(
        types.int32(pointer, pointer), no_cpython_wrapper=True, no_cfunc_wrapper=True,
        error_model="numpy", fastmath={"contract", "nsz", "arcp"}, nogil=True,
    )(function)  # fmt: skip
    result = compiled.overloads[pointer, pointer]
    library = result.library
    needs = [f.name for f in library._final_module.functions
             if f.is_declaration and not f.name.startswith("llvm.")]  # fmt: skip
    return cache.Entry(result.fndesc.llvm_func_name, library._get_compiled_object(), tuple(needs))


def _module(key: str, source: str) -> ModuleType:
    """The kernel as a module whose lines numba, profilers and debuggers can show."""
    name = f"graphc_kernel_{key}"
    module = ModuleType(name)
    module.__file__ = filename = f"<graphc kernel {key}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)
    sys.modules[name] = module
    exec(compile(source, filename, "exec"), module.__dict__)
    return module
