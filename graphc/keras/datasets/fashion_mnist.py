"""Fashion-MNIST: 70,000 pictures of clothes, 28x28 grey (Zalando Research, MIT licence)."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np

from graphc.keras.datasets.files import STORE, Split
from graphc.keras.utils import get_file

FILES = (
    "train-labels-idx1-ubyte.gz", "train-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz",
)  # fmt: skip


def load_data() -> Split:
    """``(x_train, y_train), (x_test, y_test)``: u8[60000, 28, 28], u8[60000]; 10,000 for tests."""
    folder = "datasets/fashion-mnist"
    paths = [Path(get_file(f, origin=STORE + f, cache_subdir=folder)) for f in FILES]
    y_train, x_train, y_test, x_test = map(read_idx, paths)
    return (x_train, y_train), (x_test, y_test)


def read_idx(path: Path) -> np.ndarray:
    """The array of an IDX file of bytes, zipped; ``ValueError`` if it is damaged."""
    try:
        raw = gzip.decompress(path.read_bytes())
    except (OSError, EOFError) as error:
        raise ValueError(f"{path} is damaged ({error}); remove it to fetch it again") from error
    rank = raw[3] if len(raw) > 3 and raw[:3] == b"\0\0\x08" else 0
    head = 4 + 4 * rank
    shape = np.frombuffer(raw[4:head], ">u4")
    if not rank or len(raw) - head != np.prod(shape, dtype=np.int64):
        raise ValueError(f"{path} is no IDX file of bytes; remove it to fetch it again")
    return np.frombuffer(raw, np.uint8, offset=head).reshape(tuple(shape.tolist())).copy()
