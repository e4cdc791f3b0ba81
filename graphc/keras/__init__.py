"""The Keras-style part of graphc, built on public names (semantics: Keras 2)."""

from graphc.keras import (
    activations,
    backend,
    callbacks,
    constraints,
    datasets,
    initializers,
    layers,
    losses,
    metrics,
    models,
    optimizers,
    preprocessing,
    regularizers,
    utils,
)
from graphc.keras.engine.keras_tensor import Input
from graphc.keras.models import Model, Sequential

__version__ = "2.15.0"  # whose semantics these are

__all__ = [
    "Input", "Model", "Sequential", "activations", "backend", "callbacks", "constraints",
    "datasets", "initializers", "layers", "losses", "metrics", "models", "optimizers",
    "preprocessing", "regularizers", "utils",
]  # fmt: skip
