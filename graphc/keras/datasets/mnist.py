"""MNIST: 70,000 handwritten digits, 28x28 grey (Y. LeCun and C. Cortes, CC BY-SA 3.0)."""

from __future__ import annotations

from typing import Any

from graphc.keras.datasets.files import Split, arrays, fetch

SHA256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"


def load_data(path: Any = "mnist.npz") -> Split:
    """``(x_train, y_train), (x_test, y_test)``: u8[60000, 28, 28], u8[60000]; 10,000 for tests.

    ``path`` is the name in the cache, or the absolute path of a local copy.
    """
    file = fetch(path, SHA256, "mnist.npz")
    x_train, y_train, x_test, y_test = arrays(file, "x_train y_train x_test y_test")
    return (x_train, y_train), (x_test, y_test)
