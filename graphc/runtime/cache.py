"""The disk cache of compiled kernels.

An entry is a file named by a hash of the kernel's text and of everything that its machine code
depends on. Files are written whole or not at all and carry a checksum; whatever is damaged, foreign
or unwritable counts as a miss, so that the cache can cost time but never correctness. Whoever adds
to it sees that it keeps below a bound (`GRAPHC_CACHE_MB`).
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import os
import stat
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from graphc import config
from graphc.errors import CacheWarning

MAGIC = b"graphc kernel 2\n"
SUFFIX = ".kernel"


@dataclass(frozen=True)
class Entry:
    """A compiled kernel: object code, the name of its function, seconds that compiling took."""

    symbol: str
    code: bytes
    seconds: float = 0.0


@cache
def environment() -> str:
    """What machine code depends on besides the kernel's text."""
    import llvmlite  # lazy: start-up time
    import llvmlite.binding as llvm
    import numpy as np

    features = llvm.get_host_cpu_features().flatten()
    versions = [
        f"numpy {np.__version__}",
        f"llvmlite {llvmlite.__version__}",
        _numba(),
        sys.version,
    ]
    return "\n".join([*versions, llvm.get_host_cpu_name(), features, _sources()])


def _numba() -> str:
    """numba's version, without importing numba; `importlib.metadata` alone would take 25 ms."""
    found = importlib.util.find_spec("numba")
    folder = Path(found.origin).parents[1] if found and found.origin else Path()
    names = sorted(path.name for path in folder.glob("numba-*.dist-info"))
    if names:
        return names[-1]
    from importlib.metadata import version  # lazy: start-up time

    return f"numba {version('numba')}"


_COMPILING = (
    "compiler.py", "native.py", "kernel_prelude.py", "memory.py", "intmath.py",
    "lane.py", "locks.py", "tiles.py", "tiling.py", "vecmath.py", "vecmath_exp.py",
    "vecmath_trig.py",
)  # fmt: skip


@cache
def _sources() -> str:
    """A hash of the files that kernels are compiled with: editing them must not reuse old code."""
    digest = hashlib.sha256()
    for name in _COMPILING:
        digest.update((Path(__file__).parent / name).read_bytes())
    return digest.hexdigest()


def key_of(text: str) -> str:
    """The name of a kernel: the same text on the same machine has the same."""
    return hashlib.sha256(f"{environment()}\n{text}".encode()).hexdigest()[:40]


# --- reading and writing --------------------------------------------------------------------------


def read(key: str) -> Entry | None:
    """The entry, or None if there is none that can be trusted."""
    folder = _folder()
    if folder is None:
        return None
    path = folder / f"{key}{SUFFIX}"
    try:
        raw = path.read_bytes()
    except OSError:
        return None
    _note_use(path)
    return _decode(key, raw)


def holds(key: str) -> bool:
    """Whether there is an entry; it may still turn out to be damaged."""
    folder = _folder()
    return folder is not None and (folder / f"{key}{SUFFIX}").exists()


def _decode(key: str, raw: bytes) -> Entry | None:
    if not raw.startswith(MAGIC):
        return None
    head, _, code = raw[len(MAGIC) :].partition(b"\n")
    try:
        found = json.loads(head)
        intact = found["key"] == key and found["sha256"] == hashlib.sha256(code).hexdigest()
        return Entry(str(found["symbol"]), code, float(found["seconds"])) if intact else None
    except (ValueError, KeyError, TypeError):
        return None


def write(key: str, entry: Entry, source: str) -> Path | None:
    """Store an entry and its source; returns the source's path, None if nothing is stored."""
    folder = _folder()
    if folder is None:
        return None
    digest = hashlib.sha256(entry.code).hexdigest()
    head = {"key": key, "symbol": entry.symbol, "sha256": digest, "seconds": entry.seconds}
    raw = MAGIC + json.dumps(head).encode() + b"\n" + entry.code
    return write_source(key, source) if _written(folder / f"{key}{SUFFIX}", raw) else None


def write_source(key: str, source: str) -> Path | None:
    """Store a kernel's source as a Python file; returns its path, None if nothing is stored."""
    folder = _folder()
    if folder is None:
        return None
    path = folder / f"k_{key}.py"
    return path if _written(path, source.encode()) else None


def source_path(key: str) -> Path | None:
    """Where a kernel's source lies, if it does."""
    folder = _folder()
    path = folder / f"k_{key}.py" if folder else None
    return path if path and path.exists() else None


def _written(path: Path, raw: bytes) -> bool:
    try:
        _write_whole(path, raw)
    except OSError as error:
        _warn_once(f"kernels cannot be stored in {path.parent} ({error}); they are compiled anew")
        return False
    return True


def _write_whole(path: Path, raw: bytes) -> None:
    """Write to a file of its own, then rename: readers see the old file or the new one."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".tmp-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(raw)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


# --- the folder -----------------------------------------------------------------------------------


def _folder() -> Path | None:
    """The cache folder, if it is ours alone; machine code from others is never loaded."""
    return _checked(config.options().cache_dir)


_seen: dict[Path, Path | None] = {}


def _checked(folder: Path) -> Path | None:
    if folder not in _seen or (_seen[folder] is not None and not folder.is_dir()):
        _seen[folder] = folder if _usable(folder) else None
    return _seen[folder]


def _usable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        found = folder.stat()
    except OSError as error:
        _warn_once(f"the kernel cache {folder} cannot be used ({error}); kernels are compiled anew")
        return False
    if not hasattr(os, "getuid"):
        return True
    if found.st_uid != os.getuid() or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        _warn_once(
            f"the kernel cache {folder} belongs to another user, or others can write there;"
            " it is not used"
        )
        return False
    return True


_warned: set[str] = set()


def _warn_once(message: str) -> None:
    if message not in _warned:
        _warned.add(message)
        warnings.warn(CacheWarning(message), stacklevel=2)


# --- its size -------------------------------------------------------------------------------------

FRESH = 24 * 3600.0  # seconds within which a use is not noted again
ROOM = 0.75  # what is kept of a cache that has grown too large


def _note_use(path: Path) -> None:
    """Let the file's time say when it was last used, to the day."""
    with contextlib.suppress(OSError):  # a cache that can only be read
        if time.time() - path.stat().st_mtime > FRESH:
            os.utime(path)


def trim() -> int:
    """Remove the kernels unused for longest if there are too many bytes; returns how many went.

    Safe beside other processes: one that misses a kernel compiles it again.
    """
    found = []
    for path in entries():
        with contextlib.suppress(OSError):  # another process was quicker
            status = path.stat()
            found.append((status.st_mtime, status.st_size, path))
    bound, total, gone = config.options().cache_bytes, sum(size for _, size, _ in found), 0
    if total <= bound:
        return 0
    for _, size, path in sorted(found):
        if total <= bound * ROOM:
            break
        with contextlib.suppress(OSError):
            path.unlink()
            total, gone = total - size, gone + (path.suffix == SUFFIX)
    return gone


# --- for the command line -------------------------------------------------------------------------


def entries() -> Iterator[Path]:
    """The files of the cache, compiled kernels and their sources."""
    folder = config.options().cache_dir
    if folder.is_dir():
        yield from sorted([*folder.glob(f"*{SUFFIX}"), *folder.glob("k_*.py")])


def size() -> int:
    """Bytes in the cache."""
    return sum(path.stat().st_size for path in entries())


def clear() -> int:
    """Remove every entry; returns how many files went."""
    paths = list(entries())
    for path in paths:
        path.unlink(missing_ok=True)
    return len(paths)
