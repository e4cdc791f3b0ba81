"""The Keras-style part of graphc, built on public names."""

from graphc.keras import activations, datasets, utils

__all__ = ["activations", "datasets", "utils"]
