"""Small functions on arrays and seeds."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

import graphc as tf


def to_categorical(y: Any, num_classes: int | None = None, dtype: Any = "float32") -> np.ndarray:
    """Class numbers as rows with a one: i[...] or i[..., 1] -> f32[..., num_classes]

    Raises ``ValueError`` for a class number that is not below ``num_classes``.
    """
    y = np.array(y, dtype="int")
    shape = y.shape[:-1] if y.ndim > 1 and y.shape[-1] == 1 else y.shape
    count = num_classes or int(y.max(initial=-1)) + 1
    if y.size and not -count <= y.min() <= y.max() < count:
        raise ValueError(f"class {y.max()} is not below num_classes={count}")
    return np.eye(count, dtype=dtype)[y.reshape(shape)]


def normalize(x: Any, axis: int = -1, order: int = 2) -> np.ndarray:
    """Divided by the norm along an axis; zeros stay zeros."""
    norms = np.atleast_1d(np.linalg.norm(x, order, axis, keepdims=True))
    return np.asarray(x) / np.where(norms == 0, 1, norms)


def set_random_seed(seed: int) -> None:
    """Begin the random numbers of Python, numpy and graphc anew."""
    random.seed(seed)
    np.random.seed(seed)
    tf.random.set_seed(seed)


class Sequence:
    """Batches by number: a subclass has ``__getitem__(index)`` and ``__len__()``.

    Training calls ``on_epoch_end()`` after each epoch.
    """

    def __getitem__(self, index: int) -> Any:
        raise NotImplementedError

    def __len__(self) -> int:
        raise NotImplementedError

    def on_epoch_end(self) -> None:
        """Nothing, unless a subclass has something to do."""

    def __iter__(self) -> Any:
        return (self[i] for i in range(len(self)))


PyDataset = Sequence  # its name in Keras 3
