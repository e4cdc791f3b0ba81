"""Layers that learn from data before training, by `adapt` and not by gradients."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np

import graphc as tf
from graphc.keras.engine.base_layer import Layer

BATCH = 32  # rows that an array gives at a time


class PreprocessingLayer(Layer):
    """A layer with a state that `adapt` computes from data.

    A subclass has `reset_state`, `update_state(batch)` on numpy arrays and `finalize_state`.
    """

    is_adapted = False

    def adapt(self, data: Any, batch_size: int | None = None, steps: int | None = None) -> None:
        """Learn from an array, a tensor, a list or a Dataset of batches; forgets what it knew.

        ``steps`` limits the batches.
        """
        self.reset_state()
        for batch in islice(_batches(data, batch_size or BATCH), steps):
            if not self.built:
                self._build_for(tf.convert_to_tensor(batch))
            self.update_state(batch)
        self.finalize_state()
        self.is_adapted = True

    def reset_state(self) -> None:
        raise NotImplementedError

    def update_state(self, data: np.ndarray) -> None:
        raise NotImplementedError

    def finalize_state(self) -> None:
        """Make of what was learnt what `call` uses."""


def _batches(data: Any, size: int) -> Iterator[np.ndarray]:
    if isinstance(data, tf.data.Dataset):
        for element in data:
            yield as_array(element[0] if isinstance(element, tuple) else element)
        return
    array = as_array(data)
    for start in range(0, len(array), size):
        yield array[start : start + size]


def as_array(data: Any) -> np.ndarray:
    """Values as numpy has them; texts become bytes."""
    array = np.asarray(data.numpy() if hasattr(data, "numpy") else data)
    if array.dtype.kind in "US" or array.dtype == object:
        flat = [s.encode() if isinstance(s, str) else s for s in array.ravel().tolist()]
        made = np.empty(len(flat), object)
        made[:] = flat
        return made.reshape(array.shape)
    return array
