"""The Keras-style part of graphc: data sets and training conveniences built on public names."""

from graphc.keras import datasets, utils

__all__ = ["datasets", "utils"]
