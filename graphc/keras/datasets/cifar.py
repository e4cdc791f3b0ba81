"""CIFAR: 60,000 colour pictures, 32x32 (A. Krizhevsky, Learning Multiple Layers..., 2009)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from graphc.keras.datasets.files import unpickled
from graphc.keras.utils import get_file

ORIGIN = "https://www.cs.toronto.edu/~kriz/"
PIXELS = 3 * 32 * 32


def fetch_folder(archive: str, folder: str, sha256: str) -> Path:
    """The folder of an archive, unpacked in the cache."""
    found = get_file(archive, origin=ORIGIN + archive, file_hash=sha256, extract=True)
    return Path(found).with_name(folder)


def load_batch(path: Path, label: str) -> tuple[np.ndarray, np.ndarray]:
    """Images u8[n, 32, 32, 3] and labels u8[n, 1] of one file."""
    with open(path, "rb") as file:
        found = unpickled(file, encoding="bytes")
    images = np.asarray(found[b"data"], np.uint8)
    if images.ndim != 2 or images.shape[1] != PIXELS:
        raise ValueError(f"{path} should hold rows of {PIXELS} bytes, got shape {images.shape}")
    labels = np.asarray(found[label.encode()], np.uint8)
    return images.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1).copy(), labels.reshape(-1, 1)
