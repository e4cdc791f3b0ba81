"""``.keras`` files as Keras 3 has them: a zip of two JSON files and an HDF5 file of weights.

Weights lie where attributes lead to them: ``layers/dense_1/vars/0`` is the first Variable of the
second Dense of a model, ``layers/lstm/cell/vars/0`` that of a layer's ``cell``.
"""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

import graphc as tf
from graphc.formats.extras import extra
from graphc.keras.engine.base_layer import Layer, _keras_case
from graphc.keras.engine.model import Model

_WEIGHTS = "model.weights.h5"
_KINDS = (
    "layers", "initializers", "regularizers", "constraints", "losses", "metrics", "optimizers",
)  # fmt: skip


def h5py() -> Any:
    """HDF5 for Python; ``ImportError`` names the extra that has it."""
    return extra("h5py", "h5", "`.keras` and `.h5` files, unlike other names, need h5py")


def write(path: Path, config: Any, model: Model, state: list[np.ndarray]) -> None:
    """Write a model; ``state`` are the optimizer's Variables."""
    arrays = {place: v.numpy() for place, v in places(model)}
    arrays |= {f"optimizer/vars/{i}": array for i, array in enumerate(state)}
    packed = io.BytesIO()
    with h5py().File(packed, "w") as file:
        for place, array in arrays.items():
            file.create_dataset(place, data=array)
    said = {"keras_version": "3.0.0", "date_saved": time.strftime("%Y-%m-%d@%H:%M:%S")}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", json.dumps(said))
        archive.writestr("config.json", json.dumps(_with_modules(config)))
        archive.writestr(_WEIGHTS, packed.getvalue())


def is_archive(path: Path) -> bool:
    """Whether a file is such a zip."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return _WEIGHTS in archive.namelist()


def read(path: Path) -> tuple[Any, dict[str, np.ndarray]]:
    """The config and the arrays by their places."""
    found: dict[str, np.ndarray] = {}

    def keep(place: str, item: Any) -> None:
        if hasattr(item, "shape"):
            found[place] = np.asarray(item)

    with zipfile.ZipFile(path) as archive:
        config = _without_newer(json.loads(archive.read("config.json")))
        with h5py().File(io.BytesIO(archive.read(_WEIGHTS)), "r") as file:
            file.visititems(keep)
    return config, found


def fill(model: Model, arrays: Mapping[str, np.ndarray]) -> None:
    """Assign all weights; ``ValueError`` if one is missing or has another shape, then none."""
    chosen = []
    for place, variable in places(model):
        array = arrays.get(place)
        if array is None or array.shape != tuple(variable.shape):
            shape = None if array is None else array.shape
            raise ValueError(
                f"weight {variable.name} of shape {tuple(variable.shape)} does not fit what the"
                f" file has at {place}: {shape}"
            )
        chosen.append((variable, array))
    tf.keras.backend.batch_set_value(chosen)


def optimizer_state(arrays: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """The optimizer's Variables in order."""
    count = sum(place.startswith("optimizer/vars/") for place in arrays)
    return [arrays[f"optimizer/vars/{i}"] for i in range(count)]


def places(model: Model) -> Iterator[tuple[str, tf.Variable]]:
    """Each Variable of a model and its place in the file."""
    seen: set[int] = set()

    def walk(layer: Layer, at: str) -> Iterator[tuple[str, tf.Variable]]:
        if id(layer) in seen:
            return
        seen.add(id(layer))
        own = [v for v in layer._attributes() if isinstance(v, tf.Variable)]
        for i, variable in enumerate({id(v): v for v in own}.values()):
            yield f"{at}vars/{i}", variable
        for name, held in _held(layer):
            if isinstance(held, Layer):
                yield from walk(held, f"{at}{name}/")
            else:
                for key, inner in _keyed(held):
                    yield from walk(inner, f"{at}{name}/{key}/")

    yield from walk(model, "")


def _held(layer: Layer) -> Iterator[tuple[str, Any]]:
    """Attributes with layers in them; a model that knows its layers has them in ``layers``."""
    if isinstance(layer, Model) and (layer._graph is not None or hasattr(layer, "_row")):
        yield "layers", layer.layers
    for name in sorted(vars(layer).keys() - layer._untracked):
        value = vars(layer)[name]
        listed = isinstance(value, list | tuple) and any(isinstance(v, Layer) for v in value)
        if isinstance(value, Layer) or listed:
            yield name.lstrip("_"), value


def _keyed(layers: Iterable[Any]) -> Iterator[tuple[str, Layer]]:
    """``dense``, ``dense_1``, ...: by class, whatever the layers' names are."""
    counts: dict[str, int] = {}
    for layer in layers:
        if isinstance(layer, Layer):
            name = _keras_case(_class_name(layer))
            counts[name] = count = counts.get(name, -1) + 1
            yield (f"{name}_{count}" if count else name), layer


def _class_name(layer: Layer) -> str:
    return "Functional" if type(layer) is Model else type(layer).__name__


# What Keras 3 writes of options that it has added; they count only if somebody set them.
_NEWER = frozenset((
    "gradient_accumulation_steps", "input_axes", "loss_scale_factor", "optional", "output_axes",
    "quantization_config", "seed", "synchronized",
))  # fmt: skip
_OLDER = frozenset(("input_length", "jit_compile", "time_major"))  # Keras 3 refuses these
_RENORM = frozenset(("renorm", "renorm_clipping", "renorm_momentum"))


def _without_newer(config: Any) -> Any:
    if isinstance(config, list):
        return [_without_newer(part) for part in config]
    if not isinstance(config, dict):
        return config
    skipped = _RENORM if not config.get("renorm") else frozenset()
    kept = {k: v for k, v in config.items() if (v or k not in _NEWER) and k not in skipped}
    return {key: _without_newer(value) for key, value in kept.items()}


def _with_modules(config: Any) -> Any:
    """A config that says where each class is, as Keras 3 wants to know."""
    if isinstance(config, list):
        return [_with_modules(part) for part in config]
    if not isinstance(config, dict):
        return config
    made = {key: _with_modules(v) for key, v in config.items() if key not in _OLDER}
    if "class_name" in made and "config" in made and made["class_name"] != "__keras_tensor__":
        if made["class_name"] != "InputLayer":  # which has it
            made["config"].pop("batch_input_shape", None)
        made |= _module(made["class_name"])
    return made


def _module(name: str) -> dict[str, Any]:
    if name == "Functional":
        return {"module": "keras.src.models.functional", "registered_name": name}
    if name in ("Sequential", "Model"):
        return {"module": "keras", "registered_name": None}
    for kind in _KINDS:
        if hasattr(getattr(tf.keras, kind), name):
            return {"module": f"keras.{kind}", "registered_name": None}
    return {"module": None, "class_name": name.split(">")[-1], "registered_name": name}
