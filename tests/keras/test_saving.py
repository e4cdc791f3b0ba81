"""Files of models: whole, checked, and enough to go on training."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc import keras
from tests.keras import workloads

HERE = Path(__file__).parent
x, _, y = workloads.data(40)
FIT: dict[str, Any] = {"epochs": 2, "shuffle": False, "verbose": 0}
SUFFIXES = ["m.keras", "m.h5", "plain"]


def needs(suffix: str) -> None:
    if suffix.endswith(("h5", ".keras")):
        pytest.importorskip("h5py")


def trained() -> Any:
    model = workloads.classifier(keras)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, **FIT)
    return model


@pytest.mark.parametrize("name", SUFFIXES)
def test_training_goes_on_as_if_it_had_never_stopped(name: str, tmp_path: Path) -> None:
    needs(name)
    model = trained()
    model.save(tmp_path / name)
    again = keras.models.load_model(tmp_path / name)
    np.testing.assert_array_equal(again.predict(x), model.predict(x))
    assert again.fit(x, y, **FIT).history == model.fit(x, y, **FIT).history


@pytest.mark.parametrize("name", SUFFIXES)
def test_weights_alone(name: str, tmp_path: Path) -> None:
    needs(name)
    model = trained()
    model.save_weights(tmp_path / "deep" / name)
    other = workloads.classifier(keras)
    other.load_weights(tmp_path / "deep" / name)
    np.testing.assert_array_equal(other.predict(x), model.predict(x))


def test_what_does_not_fit_changes_nothing(tmp_path: Path) -> None:
    trained().save_weights(tmp_path / "w")
    layers = keras.layers
    other = keras.Sequential([layers.Dense(8, input_shape=(6,)), layers.Dense(4)])
    before = other.get_weights()
    with pytest.raises(ValueError, match=r"Shape mismatch in layer #1 .* expects shape \(8, 4\)"):
        other.load_weights(tmp_path / "w")
    with pytest.raises(ValueError, match="Layer count mismatch"):
        keras.Sequential([layers.Dense(8, input_shape=(6,))]).load_weights(tmp_path / "w")
    assert all(map(np.array_equal, other.get_weights(), before))
    with pytest.raises(OSError, match="No file or directory found"):
        other.load_weights(tmp_path / "none")
    (tmp_path / "bad").write_bytes(b"PK no zip")
    with pytest.raises(ValueError, match="is not a model or weights"):
        keras.models.load_model(tmp_path / "bad")


def test_a_file_of_real_keras_is_read() -> None:
    pytest.importorskip("h5py")
    model = keras.models.load_model(HERE / "real.keras")
    recorded = json.loads((HERE / "histories.json").read_text())["predicted"]
    images = workloads.convolutional(keras)[1]
    np.testing.assert_allclose(model.predict(images), recorded, rtol=1e-4, atol=1e-6)
    assert int(model.optimizer.iterations) == 1 and type(model.optimizer).__name__ == "Adam"
    model.fit(images, np.ones((6, 2)), verbose=0)


def test_a_keras_file_says_where_classes_and_weights_are(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    workloads.convolutional(keras)[0].save(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras") as archive:
        config = json.loads(archive.read("config.json"))
        weights = h5py.File(io.BytesIO(archive.read("model.weights.h5")))
    modules = [layer["module"] for layer in config["config"]["layers"]]
    assert config["module"] == "keras" and set(modules) == {"keras.layers"}
    assert weights["layers/conv2d/vars/0"].shape == (3, 3, 3, 4)
    assert len(weights["layers/batch_normalization/vars"]) == 4
    assert int(weights["optimizer/vars/0"][()]) == 1
    with pytest.raises(ValueError, match="does not fit what the file has at layers/dense/vars/0"):
        workloads.classifier(keras).load_weights(tmp_path / "m.keras")


def test_by_name(tmp_path: Path) -> None:
    model = trained()
    model.save_weights(tmp_path / "w")
    name = model.layers[0].name
    other = keras.Sequential([keras.layers.Dense(8, input_shape=(6,), name=name)])
    other.load_weights(tmp_path / "w", by_name=True)
    np.testing.assert_array_equal(other.get_weights()[0], model.get_weights()[0])


def test_a_write_that_fails_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = trained()
    path = tmp_path / "model"
    model.save(path)
    before = path.read_bytes()

    def broken(*args: Any, **kwargs: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(np, "savez", broken)
    with pytest.raises(OSError, match="disk full"):
        model.save(path)
    assert path.read_bytes() == before and [p.name for p in tmp_path.iterdir()] == ["model"]


@keras.utils.register_keras_serializable("tests")
class Twice(keras.layers.Layer):
    def __init__(self, factor: float = 2.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, inputs):
        return inputs * self.factor


class Unknown(Twice):
    pass


def test_custom_classes(tmp_path: Path) -> None:
    model = keras.Sequential([Twice(3.0, input_shape=(2,))])
    model.save(tmp_path / "m")
    assert keras.models.load_model(tmp_path / "m")(tf.ones((1, 2))).numpy().tolist() == [[3.0, 3.0]]
    keras.Sequential([Unknown(input_shape=(2,))]).save(tmp_path / "u")
    with pytest.raises(ValueError, match="Unknown layer: 'Unknown'"):
        keras.models.load_model(tmp_path / "u")
    found = keras.models.load_model(tmp_path / "u", custom_objects={"Unknown": Unknown})
    assert isinstance(found.layers[0], Unknown)
