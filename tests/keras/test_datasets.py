"""Data sets from local files and from the test's own store; damage is told, pickles are safe."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import pickle
import tarfile

import numpy as np
import pytest

from graphc.keras.datasets import (
    boston_housing,
    california_housing,
    cifar,
    cifar10,
    cifar100,
    fashion_mnist,
    files,
    imdb,
    mnist,
    reuters,
)


def ragged(*rows: list[int]) -> np.ndarray:
    made = np.empty(len(rows), object)
    made[:] = rows
    return made


def test_mnist_from_a_local_file(tmp_path) -> None:
    path = tmp_path / "mnist.npz"
    parts = {
        "x_train": np.zeros((3, 28, 28), np.uint8), "y_train": np.arange(3, dtype=np.uint8),
        "x_test": np.ones((2, 28, 28), np.uint8), "y_test": np.arange(2, dtype=np.uint8),
    }  # fmt: skip
    np.savez(path, **parts)
    (x_train, y_train), (x_test, _) = mnist.load_data(path)
    assert x_train.shape == (3, 28, 28) and list(y_train) == [0, 1, 2] and x_test.max() == 1


def test_a_file_is_fetched_checked_and_kept(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    np.savez(tmp_path / "boston_housing.npz", x=np.arange(20.0).reshape(10, 2), y=np.arange(10.0))
    digest = hashlib.sha256((tmp_path / "boston_housing.npz").read_bytes()).hexdigest()
    monkeypatch.setattr(boston_housing, "SHA256", digest)
    origin = tmp_path.as_uri() + "/"
    monkeypatch.setattr(files.fetch, "__defaults__", ("", origin))
    (x, y), (x_test, y_test) = boston_housing.load_data(test_split=0.3)
    assert x.shape == (7, 2) and x_test.shape == (3, 2)
    np.testing.assert_array_equal(x[:, 0], 2 * y)
    wanted = np.random.RandomState(113).permutation(10)
    np.testing.assert_array_equal(np.concatenate([y, y_test]), wanted)
    (tmp_path / "boston_housing.npz").unlink()
    boston_housing.load_data()  # from the cache
    monkeypatch.setattr(boston_housing, "SHA256", "0" * 64)
    with pytest.raises((OSError, ValueError)):
        boston_housing.load_data()


def test_california_has_two_versions(tmp_path) -> None:
    path = tmp_path / "c.npz"
    np.savez(path, x=np.ones((1000, 8)), y=np.ones(1000))
    (x, _), (x_test, _) = california_housing.load_data("small", path)
    assert x.shape == (480, 8) and x_test.shape == (120, 8) and x.dtype == np.float32
    with pytest.raises(ValueError, match="must be one of 'small', 'large'"):
        california_housing.load_data("huge", path)


def test_texts_are_word_numbers(tmp_path) -> None:
    path = tmp_path / "imdb.npz"
    train, test = ragged([1, 5, 2], [3, 9, 9, 9]), ragged([4])
    np.savez(path, x_train=train, y_train=[0, 1], x_test=test, y_test=[1])
    (x, y), (x_test, _) = imdb.load_data(path, num_words=8)
    by_label = {int(label): row for row, label in zip(x, y, strict=True)}
    assert by_label == {0: [1, 4, 2, 5], 1: [1, 6, 2, 2, 2]} and list(x_test) == [[1, 7]]
    (x, y), _ = imdb.load_data(path, num_words=8, oov_char=None, start_char=None, maxlen=4)
    assert list(x) == [[4, 5]] and list(y) == [0]
    with pytest.raises(ValueError, match="no sequence was kept"):
        imdb.load_data(path, maxlen=1)
    np.savez(tmp_path / "r.npz", x=ragged(*([i] for i in range(10))), y=np.arange(10))
    (x, y), (x_test, _) = reuters.load_data(tmp_path / "r.npz", test_split=0.4)
    assert len(x) == 6 and len(x_test) == 4
    assert len(reuters.get_label_names()) == 46
    (tmp_path / "words.json").write_text(json.dumps({"the": 1}))
    assert imdb.get_word_index(tmp_path / "words.json") == {"the": 1}


def test_a_pickle_cannot_run_anything(tmp_path) -> None:
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "evil"),)

    row = np.empty(1, object)
    row[0] = Evil()
    path = tmp_path / "imdb.npz"
    np.savez(path, x=row, y=[1])
    with pytest.raises(ValueError, match=r"is damaged: it wants \w+.mkdir"):
        reuters.load_data(path)
    assert not (tmp_path / "evil").exists()


def test_cifar_batches(tmp_path, monkeypatch) -> None:
    rows = np.arange(2 * 3072, dtype=np.int64).reshape(2, 3072).astype(np.uint8)
    batch = {b"data": rows, b"labels": [3, 4], b"fine_labels": [5, 6], b"coarse_labels": [0, 1]}
    names = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch", "train", "test"]
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    for module, archive, folder in (
        (cifar10, "cifar-10-python", "cifar-10-batches-py"),
        (cifar100, "cifar-100-python", "cifar-100-python"),
    ):
        with tarfile.open(tmp_path / f"{archive}.tar.gz", "w:gz") as made:
            for name in names:
                raw = pickle.dumps(batch, protocol=2)
                entry = tarfile.TarInfo(f"{folder}/{name}")
                entry.size = len(raw)
                made.addfile(entry, io.BytesIO(raw))
        digest = hashlib.sha256((tmp_path / f"{archive}.tar.gz").read_bytes()).hexdigest()
        monkeypatch.setattr(module, "SHA256", digest)
    monkeypatch.setattr(cifar, "ORIGIN", tmp_path.as_uri() + "/")
    (x, y), (x_test, _) = cifar10.load_data()
    assert x.shape == (10, 32, 32, 3) and y.shape == (10, 1) and len(x_test) == 2
    np.testing.assert_array_equal(x[0, 0, 0], [0, 0, 0])
    assert x[1, 0, 1, 0] == rows[1, 1] and x[1, 0, 1, 2] == rows[1, 2049]
    assert cifar100.load_data("coarse")[0][1].ravel().tolist() == [0, 1]
    with pytest.raises(ValueError, match='must be one of "fine", "coarse"'):
        cifar100.load_data("rough")


def test_idx_files(tmp_path) -> None:
    images = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)
    head = b"\0\0\x08\x03" + np.array(images.shape, ">u4").tobytes()
    path = tmp_path / "images.gz"
    path.write_bytes(gzip.compress(head + images.tobytes()))
    np.testing.assert_array_equal(fashion_mnist.read_idx(path), images)
    path.write_bytes(gzip.compress(head + images.tobytes()[:-1]))
    with pytest.raises(ValueError, match="is no IDX file"):
        fashion_mnist.read_idx(path)
    path.write_bytes(b"no gzip")
    with pytest.raises(ValueError, match="is damaged"):
        fashion_mnist.read_idx(path)
