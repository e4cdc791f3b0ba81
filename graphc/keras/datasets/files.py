"""Where data sets come from: addresses, checksums, the cache, local files; pickles read safely."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy

from graphc.keras.utils import get_file

STORE = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
Split = tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


def fetch(path: Any, checksum: str, name: str = "", origin: str = STORE) -> Path:
    """A file of the cache (``~/.keras/datasets``), fetched if it is not there.

    ``path`` is the name it has in the cache; the absolute path of a file that is there is taken as
    it is, without a checksum. ``name`` is what ``origin`` calls it.
    """
    if Path(path).is_absolute() and Path(path).exists():
        return Path(path)
    return Path(get_file(str(path), origin=origin + (name or str(path)), file_hash=checksum))


def arrays(path: Path, names: str) -> list[np.ndarray]:
    """Arrays of an .npz file; ``ValueError`` if one is missing or the file is damaged."""
    try:
        with zipfile.ZipFile(path) as file:
            have = [n.removesuffix(".npy") for n in file.namelist()]
            missing = [name for name in names.split() if name not in have]
            if missing:
                raise ValueError(f"{path} has no array {missing[0]!r}; it has {', '.join(have)}")
            return [_array(file.read(f"{name}.npy")) for name in names.split()]
    except (zipfile.BadZipFile, EOFError, pickle.UnpicklingError) as error:
        raise ValueError(f"{path} is damaged: {error}") from error


def _array(raw: bytes) -> np.ndarray:
    """An array from the bytes of an .npy file; lists in it come from a restricted pickle."""
    file = io.BytesIO(raw)
    version = npy.read_magic(file)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, _, dtype = read(file)
    if dtype.hasobject:
        return unpickled(file).reshape(shape)
    return npy.read_array(io.BytesIO(raw), allow_pickle=False)


class _Arrays(pickle.Unpickler):
    """Makes arrays and nothing else: a pickle can otherwise call whatever it likes."""

    allowed = {
        ("numpy", "ndarray"), ("numpy", "dtype"), ("_codecs", "encode"),
        *((f"numpy.{core}.multiarray", name) for core in ("core", "_core")
          for name in ("_reconstruct", "scalar")),
    }  # fmt: skip

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self.allowed:
            raise pickle.UnpicklingError(f"it wants {module}.{name}, and should hold arrays only")
        return super().find_class(module, name)


def unpickled(file: Any, encoding: str = "ASCII") -> Any:
    """What a pickle of arrays, lists, dicts and numbers holds; ``pickle.UnpicklingError`` if there
    is anything else in it."""
    return _Arrays(file, encoding=encoding).load()


def word_index(path: Any, checksum: str) -> dict[str, int]:
    """The numbers of words, from a JSON file of the cache."""
    with open(fetch(path, checksum), encoding="utf-8") as file:
        return json.load(file)
