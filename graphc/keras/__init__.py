"""The Keras-style part of graphc, built on public names (semantics: Keras 2)."""

from graphc.keras import activations, backend, datasets, utils
from graphc.keras.engine.keras_tensor import Input

__all__ = ["Input", "activations", "backend", "datasets", "utils"]
