"""Fashion-MNIST: 70,000 articles of clothing in MNIST's format (Zalando, 2017)."""

from __future__ import annotations

import gzip

import numpy as np

from graphc.keras.datasets.archive import HOME, Split
from graphc.keras.utils.files import get_file


def load_data() -> tuple[Split, Split]:
    """u8[60000, 28, 28] with labels u8[60000], and 10,000 to test on; fetched once."""
    return _split("train", 60_000), _split("t10k", 10_000)


def _split(name: str, count: int) -> Split:
    labels = _values(f"{name}-labels-idx1-ubyte.gz", header=8)
    images = _values(f"{name}-images-idx3-ubyte.gz", header=16)
    if len(labels) != count:
        raise ValueError(f"{name} has {len(labels)} labels, not {count}: remove it and try again")
    return images.reshape(count, 28, 28), labels


def _values(name: str, header: int) -> np.ndarray:
    path = get_file(name, HOME + name, cache_subdir="datasets/fashion-mnist")
    with gzip.open(path) as file:
        return np.frombuffer(file.read(), np.uint8, offset=header)
