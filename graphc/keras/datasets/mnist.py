"""MNIST: 70,000 handwritten digits of 28 x 28 grey values (LeCun, Cortes and Burges)."""

from __future__ import annotations

from graphc.keras.datasets.archive import HOME, Split, arrays
from graphc.keras.utils.files import get_file

_HASH = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"


def load_data(path: str = "mnist.npz") -> tuple[Split, Split]:
    """u8[60000, 28, 28] with labels u8[60000], and 10,000 to test on; fetched once."""
    found = arrays(get_file(path, HOME + "mnist.npz", file_hash=_HASH))
    return (found["x_train"], found["y_train"]), (found["x_test"], found["y_test"])
