"""keras.utils and keras.backend."""

from __future__ import annotations

import hashlib
import tarfile
from pathlib import Path

import numpy as np
import pytest

import graphc as tf
from graphc import keras

K = keras.backend


def test_categories() -> None:
    rows = keras.utils.to_categorical([[0], [2]], 3)
    assert rows.dtype == np.float32 and rows.tolist() == [[1, 0, 0], [0, 0, 1]]
    assert keras.utils.to_categorical([[0, 1]]).shape == (1, 2, 2)
    with pytest.raises(ValueError, match="class 5 is not below num_classes=3"):
        keras.utils.to_categorical([5], 3)


def test_norms() -> None:
    found = keras.utils.normalize(np.array([[3.0, 4.0], [0.0, 0.0]]))
    np.testing.assert_allclose(found, [[0.6, 0.8], [0, 0]])


def test_seeds() -> None:
    def draw() -> tuple[float, float]:
        keras.utils.set_random_seed(4)
        return float(np.random.rand()), float(tf.random.uniform(()))

    assert draw() == draw()


def test_files_are_fetched_once_and_checked(tmp_path: Path) -> None:
    source = tmp_path / "source.txt"
    source.write_text("data")
    digest = hashlib.sha256(b"data").hexdigest()
    options = {"cache_dir": tmp_path / "cache", "origin": source.as_uri()}
    path = keras.utils.get_file("kept.txt", file_hash=digest, **options)
    assert Path(path).read_text() == "data"
    source.unlink()
    assert keras.utils.get_file("kept.txt", file_hash=digest, **options) == path
    with pytest.raises(OSError, match="URL fetch failure"):
        keras.utils.get_file("gone.txt", **options)
    source.write_text("other")
    with pytest.raises(ValueError, match="does not match the provided hash"):
        keras.utils.get_file("other.txt", file_hash=digest, **options)
    assert [p.name for p in (tmp_path / "cache" / "datasets").iterdir()] == ["kept.txt"]


def test_archives_are_unpacked(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("inside")
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as packed:
        packed.add(tmp_path / "a.txt", "a.txt")
    origin = (tmp_path / "a.tar.gz").as_uri()
    path = keras.utils.get_file("a.tar.gz", origin, extract=True, cache_dir=tmp_path / "c")
    assert Path(path).with_name("a.txt").read_text() == "inside"


def test_objects_by_name() -> None:
    class Mine:
        def get_config(self):
            return {}

    with keras.utils.custom_object_scope({"Mine": Mine}):
        assert isinstance(keras.utils.deserialize_keras_object({"class_name": "Mine"}, {}), object)
        assert keras.utils.get_registered_object("Mine") is Mine
    assert keras.utils.get_registered_object("Mine") is None
    with pytest.raises(ValueError, match="Unknown thing: 'Mine'"):
        keras.utils.deserialize_keras_object("Mine", {}, printable_module_name="thing")


def test_settings() -> None:
    assert (K.floatx(), K.epsilon(), K.image_data_format()) == ("float32", 1e-7, "channels_last")
    K.set_floatx("float64")
    try:
        assert keras.engine.base_layer.Layer().dtype == "float64"
    finally:
        K.set_floatx("float32")
    with pytest.raises(ValueError, match="Unknown `floatx` value: int8"):
        K.set_floatx("int8")
    with pytest.raises(ValueError, match="Unknown `data_format`"):
        K.set_image_data_format("rows")


def test_values() -> None:
    v = K.variable([1.0, 2.0])
    K.set_value(v, [3.0, 4.0])
    K.update_add(v, [1.0, 1.0])
    assert K.get_value(v).tolist() == [4.0, 5.0] and K.int_shape(v) == (2,)


def test_operations() -> None:
    x = tf.constant([[1.0, -2.0], [3.0, 4.0]])
    assert K.mean(x > 0).numpy() == 0.75 and K.sum(x, axis=1).numpy().tolist() == [-1.0, 7.0]
    assert K.clip(x, 0.0, 3.0).numpy().tolist() == [[1.0, 0.0], [3.0, 3.0]]
    assert K.dot(tf.ones((2, 3, 4)), tf.ones((5, 4, 6))).shape == (2, 3, 5, 6)
    assert K.batch_flatten(tf.ones((2, 3, 4))).shape == (2, 12)
    assert K.repeat(x, 3).shape == (2, 3, 2) and K.arange(2, 5).numpy().tolist() == [2, 3, 4]
    picked = K.switch(tf.constant([True, False]), x, -x)
    assert picked.numpy().tolist() == [[1.0, -2.0], [-3.0, -4.0]]
    assert K.in_train_phase(lambda: 1, lambda: 2, training=True) == 1
    assert K.std(x, axis=0).numpy().tolist() == [1.0, 3.0]
