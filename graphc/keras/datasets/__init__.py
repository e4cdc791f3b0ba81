"""Data sets: the digits come with the package, the others are fetched once and checked."""

from graphc.keras.datasets import (
    boston_housing,
    california_housing,
    cifar10,
    cifar100,
    digits,
    fashion_mnist,
    imdb,
    mnist,
    reuters,
)

__all__ = [
    "boston_housing", "california_housing", "cifar10", "cifar100", "digits", "fashion_mnist",
    "imdb", "mnist", "reuters",
]  # fmt: skip
