"""Models and weights in files: ``.keras`` and ``.h5`` files are Keras's own, others are a zip of
JSON and arrays.

A file is written whole or not at all, holds no code, and is checked before anything changes.
"""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

import graphc as tf
from graphc.formats.whole import whole_file
from graphc.keras.engine import keras_archive
from graphc.keras.engine.keras_tensor import InputLayer, TFOpLambda
from graphc.keras.engine.model import Model
from graphc.keras.engine.sequential import Sequential
from graphc.keras.utils.serialization import (
    custom_object_scope,
    deserialize_keras_object,
    get_registered_name,
    plain,
)

Rows = list[tuple[str, list[np.ndarray]]]  # the arrays of each layer, under its name


def layer_classes() -> dict[str, Any]:
    """The classes of layers and models by name."""
    layers = {name: each for name, each in vars(tf.keras.layers).items() if isinstance(each, type)}
    return layers | {
        "Functional": Model, "InputLayer": InputLayer, "Model": Model, "Sequential": Sequential,
        "TFOpLambda": TFOpLambda,
    }  # fmt: skip


# --- architecture ---------------------------------------------------------------------------------


def model_config(model: Model) -> dict[str, Any]:
    """The class and config of a model; raises ``NotImplementedError`` if it does not tell them."""
    name = get_registered_name(type(model))
    if type(model) is Model:
        name = "Functional"
        if model._graph is None:
            raise NotImplementedError(f"model {model.name} has no architecture to save")
    config = {"class_name": name, "config": plain(model.get_config())}
    shape = model._build_shape
    if model._graph is None and isinstance(shape, tuple):
        config["build_input_shape"] = list(shape)
    return config


def model_from_config(config: Mapping[str, Any], custom_objects: Any = None) -> Any:
    """The model of what `model_config` returned, with new weights."""
    model = deserialize_keras_object(config, layer_classes(), custom_objects, "model")
    shape = config.get("build_input_shape")
    if shape is not None and not model.weights:
        model.build(tuple(shape))
    return model


def model_from_json(json_string: str, custom_objects: Any = None) -> Any:
    """The model of what ``model.to_json()`` returned."""
    return model_from_config(json.loads(json_string), custom_objects)


# --- whole models ---------------------------------------------------------------------------------


def save_model(
    model: Model, filepath: Any, overwrite: bool = True, include_optimizer: bool = True,
    **kwargs: Any,
) -> None:  # fmt: skip
    """Write a model: architecture, weights, how it was compiled, state of the optimizer."""
    config = model_config(model) | {"compile_config": _compile_config(model)}
    state = _optimizer_state(model) if include_optimizer else []
    if os.fspath(filepath).endswith(".keras"):
        _refuse_to_overwrite(filepath, overwrite)
        with atomic(filepath) as path:
            keras_archive.write(path, config, model, state)
    else:
        _write(filepath, {"config": config}, _rows(model), state, overwrite)


def load_model(
    filepath: Any, custom_objects: Any = None, compile: bool = True, **kwargs: Any
) -> Any:
    """Read what ``model.save`` wrote; training goes on as if it had never stopped.

    Raises ``OSError`` if there is no such file and ``ValueError`` if it holds no model.
    """
    path = _existing(filepath)
    if keras_archive.is_archive(path):
        config, arrays = keras_archive.read(path)
        state = keras_archive.optimizer_state(arrays)
    else:
        header, rows, state = _read(path)
        if "config" not in header:
            raise ValueError(f"No model config found in the file at {filepath}.")
        config, arrays = header["config"], None
    with custom_object_scope(custom_objects or {}):
        model = model_from_config(config)
        if arrays is not None:
            keras_archive.fill(model, arrays)
        else:
            _fill(model, rows, by_name=False)
        compiled = config.get("compile_config")
        if compile and compiled:
            known = ("optimizer", "loss", "metrics", "loss_weights", "weighted_metrics")
            compiled = {name: compiled.get(name) for name in known}
            optimizer = tf.keras.optimizers.get(compiled["optimizer"])
            model.compile(**{**compiled, "optimizer": optimizer})
            _set_optimizer_state(model, state)
    return model


def _compile_config(model: Model) -> dict[str, Any] | None:
    """How the model was compiled; None where that cannot be said in plain data."""
    given = model._compile_config
    if given is None:
        return None
    try:
        return {name: plain(value) for name, value in given.items()}
    except (ValueError, NotImplementedError, AttributeError):
        return None


def _optimizer_state(model: Model) -> list[np.ndarray]:
    return [] if model.optimizer is None else [v.numpy() for v in _state_of(model.optimizer)]


def _state_of(optimizer: Any) -> list[Any]:
    found = optimizer.variables
    return list(found() if callable(found) else found)


def _set_optimizer_state(model: Model, state: list[np.ndarray]) -> None:
    if state:
        model.optimizer.build(model.trainable_variables)
        mine = _state_of(model.optimizer)
        if len(mine) == len(state):
            for variable, value in zip(mine, state, strict=True):
                variable.assign(value)


# --- weights --------------------------------------------------------------------------------------


def save_weights(model: Model, filepath: Any, overwrite: bool = True) -> None:
    if not model.built and not model.weights:
        raise ValueError(f"model {model.name} has no weights yet: build it, or call it on data")
    _write(filepath, {}, _rows(model), [], overwrite)


def load_weights(
    model: Model, filepath: Any, by_name: bool = False, skip_mismatch: bool = False
) -> None:
    path = _existing(filepath)
    if keras_archive.is_archive(path):
        keras_archive.fill(model, keras_archive.read(path)[1])
    else:
        _fill(model, _read(path)[1], by_name, skip_mismatch)


def _rows(model: Model) -> Rows:
    """The arrays of each layer that has weights; those of the model itself come last."""
    return [(name, [v.numpy() for v in weights]) for name, weights in _owners(model)]


def _owners(model: Model) -> list[tuple[str, list[tf.Variable]]]:
    found = [(layer.name, layer.weights) for layer in model.layers]
    taken = {id(v) for _, weights in found for v in weights}
    found.append(("top_level_model_weights", [v for v in model.weights if id(v) not in taken]))
    return [(name, weights) for name, weights in found if weights]


def _fill(model: Model, rows: Rows, by_name: bool, skip_mismatch: bool = False) -> None:
    """Assign arrays to the weights of layers in order, or of the same names."""
    mine = _owners(model)
    if not mine and rows:
        raise ValueError(
            "Unable to load weights into a Model which has not created its variables yet. Call the"
            " Model first, then load the weights."
        )
    rows = [(name, arrays) for name, arrays in rows if arrays]
    if by_name:
        known = dict(mine)
        pairs = [(name, known[name], arrays) for name, arrays in rows if name in known]
    else:
        if len(mine) != len(rows):
            raise ValueError(
                "Layer count mismatch when loading weights from file. Model expected"
                f" {len(mine)} layers, found {len(rows)} saved layers."
            )
        pairs = [(m[0], m[1], arrays) for m, (_, arrays) in zip(mine, rows, strict=True)]
    chosen = []
    for number, (name, weights, arrays) in enumerate(pairs):
        mistake = _mismatch(number, name, weights, arrays)
        if mistake and not skip_mismatch:
            raise ValueError(mistake)
        chosen += [] if mistake else list(zip(weights, arrays, strict=True))
    tf.keras.backend.batch_set_value(chosen)


def _mismatch(number: int, name: str, weights: Any, arrays: list[np.ndarray]) -> str:
    if len(weights) != len(arrays):
        return (
            f"Weight count mismatch for layer #{number} (named {name}). Layer expects"
            f" {len(weights)} weight(s). Received {len(arrays)} saved weight(s)"
        )
    for variable, array in zip(weights, arrays, strict=True):
        if tuple(variable.shape) != array.shape:
            return (
                f"Shape mismatch in layer #{number} (named {name}) for weight {variable.name}."
                f" Weight expects shape {tuple(variable.shape)}. Received saved weight with shape"
                f" {array.shape}"
            )
    return ""


# --- training that is interrupted -----------------------------------------------------------------


def save_state(model: Model, filepath: Any, said: Mapping[str, Any]) -> None:
    """Weights, state of the optimizer and a few facts."""
    _write(filepath, {"said": dict(said)}, _rows(model), _optimizer_state(model), True)


def load_state(model: Model, filepath: Any) -> dict[str, Any]:
    """Give back what `save_state` wrote."""
    header, rows, state = _read(filepath)
    _fill(model, rows, by_name=False)
    _set_optimizer_state(model, state)
    return header["said"]


# --- files ----------------------------------------------------------------------------------------


@contextmanager
def atomic(filepath: Any) -> Iterator[Path]:
    """A path to write to; the file takes its place when all is written, else nothing changes."""
    target = Path(filepath).expanduser().absolute()
    if target.is_dir():
        raise IsADirectoryError(f"{target} is a directory; models are saved to one file")
    if not target.parent.is_dir():
        target.parent.mkdir(parents=True)
    with whole_file(target) as part:
        yield part


def _is_hdf5(filepath: Any) -> bool:
    return os.fspath(filepath).endswith((".h5", ".hdf5"))


def _write(
    filepath: Any, header: Any, rows: Rows, state: list[np.ndarray], overwrite: bool
) -> None:
    _refuse_to_overwrite(filepath, overwrite)
    with atomic(filepath) as path:
        (_write_hdf5 if _is_hdf5(filepath) else _write_zip)(path, header, rows, state)


def _refuse_to_overwrite(filepath: Any, overwrite: bool) -> None:
    if not overwrite and Path(filepath).exists():
        raise FileExistsError(f"{filepath} exists, and `overwrite` is False")


def _existing(filepath: Any) -> Path:
    path = Path(filepath).expanduser()
    if not path.is_file():
        raise OSError(f"No file or directory found at {filepath}")
    return path


def _read(filepath: Any) -> tuple[Any, Rows, list[np.ndarray]]:
    path = _existing(filepath)
    return (_read_hdf5 if _is_hdf5(path) else _read_zip)(path)


def _write_zip(path: Path, header: Any, rows: Rows, state: list[np.ndarray]) -> None:
    names = [[name, len(arrays)] for name, arrays in rows]
    arrays = {f"w{i}": a for i, a in enumerate(a for _, each in rows for a in each)}
    arrays |= {f"s{i}": a for i, a in enumerate(state)}
    packed = io.BytesIO()
    np.savez(packed, **arrays)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", json.dumps({"graphc": tf.__version__}))
        archive.writestr("config.json", json.dumps(header | {"layers": names}))
        archive.writestr("weights.npz", packed.getvalue())


def _read_zip(path: Path) -> tuple[Any, Rows, list[np.ndarray]]:
    try:
        with zipfile.ZipFile(path) as archive:
            header = json.loads(archive.read("config.json"))
            with np.load(io.BytesIO(archive.read("weights.npz")), allow_pickle=False) as packed:
                arrays = {name: packed[name] for name in packed.files}
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise ValueError(f"{path} is not a model or weights that graphc wrote: {error}") from error
    rows, at = [], 0
    for name, count in header["layers"]:
        rows.append((name, [arrays[f"w{i}"] for i in range(at, at + count)]))
        at += count
    return header, rows, [arrays[f"s{i}"] for i in range(len(arrays) - at)]


def _write_hdf5(path: Path, header: Any, rows: Rows, state: list[np.ndarray]) -> None:
    """The layout of Keras 2: a group for each layer, whose attribute lists its weights."""
    with keras_archive.h5py().File(path, "w") as file:
        top = file
        if "config" in header:
            top = file.create_group("model_weights")
            file.attrs["model_config"] = json.dumps(header["config"])
        top.attrs["layer_names"] = [name.encode() for name, _ in rows]
        top.attrs["backend"], top.attrs["keras_version"] = b"tensorflow", b"2.15.0"
        for name, arrays in rows:
            group = top.create_group(name)
            inner = [f"{name}/weight_{i}:0" for i in range(len(arrays))]
            group.attrs["weight_names"] = [each.encode() for each in inner]
            for each, array in zip(inner, arrays, strict=True):
                group.create_dataset(each, data=array)
        if state:
            group = file.create_group("optimizer_weights")
            group.attrs["weight_names"] = [f"state_{i}".encode() for i in range(len(state))]
            for i, array in enumerate(state):
                group.create_dataset(f"state_{i}", data=array)


def _read_hdf5(path: Path) -> tuple[Any, Rows, list[np.ndarray]]:
    with keras_archive.h5py().File(path, "r") as file:
        header = {}
        if "model_config" in file.attrs:
            header["config"] = json.loads(_text(file.attrs["model_config"]))
        top = file.get("model_weights", file)
        if "layer_names" not in top.attrs:
            raise ValueError(f"{path} holds no weights of Keras 2's layout")
        rows = []
        for name in map(_text, top.attrs["layer_names"]):
            inner = map(_text, top[name].attrs["weight_names"])
            rows.append((name, [np.asarray(top[name][each]) for each in inner]))
        state = []
        if "optimizer_weights" in file:
            group = file["optimizer_weights"]
            state = [np.asarray(group[_text(each)]) for each in group.attrs["weight_names"]]
    return header, rows, state


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
