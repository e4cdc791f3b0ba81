"""Data sets: `digits` comes with the package, the others are fetched once and kept."""

from graphc.keras.datasets import boston_housing, digits, fashion_mnist, mnist

__all__ = ["boston_housing", "digits", "fashion_mnist", "mnist"]
