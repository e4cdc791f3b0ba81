"""CIFAR-10: 60,000 colour pictures in ten classes; see `cifar`."""

from __future__ import annotations

import numpy as np

from graphc.keras.datasets.cifar import fetch_folder, load_batch
from graphc.keras.datasets.files import Split

SHA256 = "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"


def load_data() -> Split:
    """``(x_train, y_train), (x_test, y_test)``: u8[50000, 32, 32, 3], u8[50000, 1]; 10,000 for
    tests."""
    folder = fetch_folder("cifar-10-python.tar.gz", "cifar-10-batches-py", SHA256)
    parts = [load_batch(folder / f"data_batch_{i}", "labels") for i in range(1, 6)]
    images, labels = zip(*parts, strict=True)
    train = np.concatenate(images), np.concatenate(labels)
    return train, load_batch(folder / "test_batch", "labels")
