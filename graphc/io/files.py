"""Whole files, and files as ``tf.io.gfile`` sees them."""

from __future__ import annotations

import glob as globbing
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from graphc.errors import (
    AlreadyExistsError,
    FailedPreconditionError,
    NotFoundError,
    PermissionDeniedError,
)
from graphc.io.steps import Spec, constant, host, scalar, strings, text
from graphc.ir import dtypes
from graphc.trace.tensor import Tensor


def name_of(path: Any) -> str:
    """A path as text: also bytes, and string tensors with a value."""
    path = path.numpy() if hasattr(path, "numpy") else path
    return os.fsdecode(path)


@contextmanager
def told(path: str) -> Iterator[None]:
    """The operating system's errors as TensorFlow's."""
    try:
        yield
    except FileNotFoundError as error:
        raise NotFoundError(f"{path}; No such file or directory") from error
    except FileExistsError as error:
        raise AlreadyExistsError(f"{path}; File exists") from error
    except PermissionError as error:
        raise PermissionDeniedError(f"{path}; Permission denied") from error
    except IsADirectoryError as error:
        raise FailedPreconditionError(f"{path}; Is a directory") from error
    except NotADirectoryError as error:
        raise FailedPreconditionError(f"{path}; Not a directory") from error


# --- ops ------------------------------------------------------------------------------------------


def read_file(filename: Any, name: str | None = None) -> Tensor:
    """The contents of a file: a string.

    Raises ``NotFoundError``.
    """

    def step(path: np.ndarray) -> list[np.ndarray]:
        file = name_of(path[()])
        with told(file), open(file, "rb") as opened:
            return [strings([opened.read()], ())]

    return host(step, [scalar(filename, "filename")], Spec(dtypes.string))[0]


def write_file(filename: Any, contents: Any, name: str | None = None) -> None:
    """Write a string to a file, which is made with its folders, or written over."""

    def step(path: np.ndarray, data: np.ndarray) -> list[np.ndarray]:
        file = name_of(path[()])
        with told(file):
            os.makedirs(os.path.dirname(file) or ".", exist_ok=True)
            with open(file, "wb") as opened:
                opened.write(data[()])
        return []

    host(step, [scalar(filename, "filename"), scalar(contents, "contents")])


def matching_files(pattern: Any, name: str | None = None) -> Tensor:
    """The names of the files that match a pattern, or one of several, in order."""

    def step(patterns: np.ndarray) -> list[np.ndarray]:
        found = {n for p in patterns.ravel() for n in globbing.glob(os.fsdecode(p))}
        return [strings([os.fsencode(n) for n in sorted(found)])]

    return host(step, [text(pattern, "pattern")], Spec(dtypes.string, [None]))[0]


# --- gfile ----------------------------------------------------------------------------------------

MODES = ("r", "w", "a", "r+", "w+", "a+", "rb", "wb", "ab", "rb+", "wb+", "ab+")


class GFile:
    """A file with TensorFlow's methods (TF: ``tf.io.gfile.GFile``); opened when it is needed."""

    def __init__(self, name: Any, mode: str = "r") -> None:
        if mode not in MODES:
            raise ValueError(f"mode is one of {', '.join(MODES)}, got {mode!r}")
        self._name, self._mode = name_of(name), mode
        self._opened: Any = None

    @property
    def name(self) -> str:
        return self._name

    @property
    def mode(self) -> str:
        return self._mode

    @property
    def _file(self) -> Any:
        if self._opened is None:
            encoding = None if "b" in self._mode else "utf-8"
            with told(self._name):
                self._opened = open(self._name, self._mode, encoding=encoding)  # noqa: SIM115
        return self._opened

    def read(self, n: int = -1) -> Any:
        """The next ``n`` characters or bytes; -1: all that are left."""
        if not self._file.readable():
            raise PermissionDeniedError("File isn't open for reading")
        return self._file.read(n)

    def readline(self) -> Any:
        return self._file.readline()

    def readlines(self) -> list[Any]:
        return self._file.readlines()

    def write(self, file_content: Any) -> None:
        if not self._file.writable():
            raise PermissionDeniedError("File isn't open for writing")
        self._file.write(file_content)

    def seek(self, offset: int, whence: int = 0) -> None:
        self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def size(self) -> int:
        return stat(self._name).length

    def flush(self) -> None:
        if self._opened is not None:
            self._opened.flush()

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def seekable(self) -> bool:
        return True

    def __iter__(self) -> GFile:
        return self

    def __next__(self) -> Any:
        line = self.readline()
        if not line:
            raise StopIteration
        return line

    next = __next__

    def __enter__(self) -> GFile:
        if "r" not in self._mode:
            self._file  # noqa: B018  # there is a file, even if nothing is written
        return self

    def __exit__(self, *exception: Any) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_opened", None) is not None:
            self.close()


class FileStatistics(NamedTuple):
    """Size in bytes, time of the last change in ns, and whether it is a folder."""

    length: int
    mtime_nsec: int
    is_directory: bool


def exists(path: Any) -> bool:
    return os.path.exists(name_of(path))


def isdir(path: Any) -> bool:
    return os.path.isdir(name_of(path))


def listdir(path: Any) -> list[str]:
    """The names in a folder; raises ``NotFoundError``."""
    folder = name_of(path)
    if not os.path.isdir(folder):
        raise NotFoundError(f"Could not find directory {folder}")
    return sorted(os.listdir(folder))


def mkdir(path: Any) -> None:
    """Make a folder in one that is there."""
    with told(name_of(path)):
        os.mkdir(name_of(path))


def makedirs(path: Any) -> None:
    """Make a folder and those around it."""
    with told(name_of(path)):
        os.makedirs(name_of(path), exist_ok=True)


def remove(path: Any) -> None:
    """Delete a file."""
    with told(name_of(path)):
        os.remove(name_of(path))


def rmtree(path: Any) -> None:
    """Delete a folder and all in it."""
    with told(name_of(path)):
        shutil.rmtree(name_of(path))


def _free(path: str, overwrite: bool) -> None:
    if os.path.exists(path) and not overwrite:
        raise AlreadyExistsError(f"file already exists: {path}")


def copy(src: Any, dst: Any, overwrite: bool = False) -> None:
    """Copy a file."""
    _free(name_of(dst), overwrite)
    with told(name_of(src)):
        shutil.copyfile(name_of(src), name_of(dst))


def rename(src: Any, dst: Any, overwrite: bool = False) -> None:
    """Give a file another name."""
    _free(name_of(dst), overwrite)
    with told(name_of(src)):
        os.replace(name_of(src), name_of(dst))


def stat(path: Any) -> FileStatistics:
    """Size, time and kind of a file."""
    with told(name_of(path)):
        found = os.stat(name_of(path))
    return FileStatistics(found.st_size, found.st_mtime_ns, os.path.isdir(name_of(path)))


def glob(pattern: Any) -> list[str]:
    """The files that match a pattern, or one of several, in order."""
    several = pattern if isinstance(pattern, list | tuple) else [pattern]
    return sorted({n for p in several for n in globbing.glob(name_of(p))})


def join(path: Any, *paths: Any) -> Any:
    return os.path.join(path, *paths)


def walk(
    top: Any, topdown: bool = True, onerror: Callable[..., Any] | None = None
) -> Iterator[tuple[str, list[str], list[str]]]:
    """(folder, its folders, its files), for a folder and all in it."""
    yield from os.walk(name_of(top), topdown, onerror)


gfile = SimpleNamespace(
    GFile=GFile, copy=copy, exists=exists, glob=glob, isdir=isdir, join=join, listdir=listdir,
    makedirs=makedirs, mkdir=mkdir, remove=remove, rename=rename, rmtree=rmtree, stat=stat,
    walk=walk,
)  # fmt: skip


def files_of(names: Any) -> list[str]:
    """File names from a name, a list, a tensor of strings, or a dataset of them."""
    if hasattr(names, "element_spec"):
        return [f for item in names for f in files_of(item)]
    array = np.ravel(constant(names, dtypes.string))
    return [os.fsdecode(n) for n in array.tolist()]
