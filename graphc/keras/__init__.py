"""The Keras-style part of graphc, built on public names (semantics: Keras 2)."""

from graphc.keras import (
    activations,
    backend,
    constraints,
    datasets,
    initializers,
    losses,
    metrics,
    optimizers,
    regularizers,
    utils,
)
from graphc.keras.engine.keras_tensor import Input

__all__ = [
    "Input", "activations", "backend", "constraints", "datasets", "initializers", "losses",
    "metrics", "optimizers", "regularizers", "utils",
]  # fmt: skip
