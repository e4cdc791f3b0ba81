"""CIFAR-100: 60,000 colour pictures in 100 classes and 20 groups of them; see `cifar`."""

from __future__ import annotations

from graphc.keras.datasets.cifar import fetch_folder, load_batch
from graphc.keras.datasets.files import Split

SHA256 = "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7"


def load_data(label_mode: str = "fine") -> Split:
    """``(x_train, y_train), (x_test, y_test)``: u8[50000, 32, 32, 3], u8[50000, 1].

    ``label_mode`` "fine" gives the class, "coarse" its group.
    """
    if label_mode not in ("fine", "coarse"):
        raise ValueError(f'`label_mode` must be one of "fine", "coarse". Received: {label_mode}.')
    folder = fetch_folder("cifar-100-python.tar.gz", "cifar-100-python", SHA256)
    label = f"{label_mode}_labels"
    return load_batch(folder / "train", label), load_batch(folder / "test", label)
