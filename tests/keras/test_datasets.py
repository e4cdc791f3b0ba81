"""Data sets are read from the cache, checked, and never unpickled."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graphc.keras.datasets import boston_housing, fashion_mnist, mnist


def cached(module: Any, name: str, home: Path, patch: pytest.MonkeyPatch, **arrays: Any) -> None:
    """A file of the data set in a cache of its own."""
    folder = home / "datasets"
    folder.mkdir()
    np.savez(folder / name, **arrays)
    digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    patch.setenv("KERAS_HOME", str(home))
    patch.setattr(module, "_HASH", digest)


def test_mnist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = np.zeros((3, 28, 28), np.uint8), np.arange(3, dtype=np.uint8)
    arrays = {"x_train": x, "y_train": y, "x_test": x[:1], "y_test": y[:1]}
    cached(mnist, "mnist.npz", tmp_path, monkeypatch, **arrays)
    (x_train, y_train), (x_test, _) = mnist.load_data()
    assert x_train.shape == (3, 28, 28) and y_train.tolist() == [0, 1, 2] and len(x_test) == 1


def test_objects_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arrays = dict.fromkeys(("x_train", "y_train", "x_test", "y_test"), np.array([{}], object))
    cached(mnist, "mnist.npz", tmp_path, monkeypatch, **arrays)
    with pytest.raises(ValueError, match="allow_pickle=False"):
        mnist.load_data()


def test_boston_housing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.arange(20.0).reshape(10, 2)
    cached(boston_housing, "boston_housing.npz", tmp_path, monkeypatch, x=x, y=x[:, 0])
    (x_train, y_train), (x_test, y_test) = boston_housing.load_data()
    assert len(x_train) == 8 and len(y_test) == 2
    assert sorted([*y_train, *y_test]) == x[:, 0].tolist() and (x_test[:, 0] == y_test).all()
    with pytest.raises(ValueError, match="test_split"):
        boston_housing.load_data(test_split=1.0)


def test_fashion_mnist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "datasets" / "fashion-mnist"
    folder.mkdir(parents=True)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    for name, count in (("train", 60_000), ("t10k", 10_000)):
        for kind, size in (("labels-idx1", 8 + count), ("images-idx3", 16 + count * 784)):
            packed = gzip.compress(bytes(size), 1)
            (folder / f"{name}-{kind}-ubyte.gz").write_bytes(packed)
    (x_train, y_train), (x_test, _) = fashion_mnist.load_data()
    assert x_train.shape == (60_000, 28, 28) and y_train.shape == (60_000,)
    assert x_test.shape == (10_000, 28, 28)
