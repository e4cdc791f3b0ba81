"""A step of a 64-30-10 classifier of handwritten digits with Adam, batch 64."""

from __future__ import annotations

import numpy as np

from tests.benchmarks import perceptron
from tests.benchmarks.workload import Data, Draw

BATCH = 64


def make(tiny: bool) -> Data:
    from graphc.keras.datasets import digits

    (images, labels), _ = digits.load_data()
    flat = (images.reshape(len(images), -1) / 16.0).astype(np.float32)
    starts = range(0, len(flat) - BATCH + 1, BATCH)
    batches = [(flat[s : s + BATCH], labels[s : s + BATCH].astype(np.int32)) for s in starts]
    return Data(Draw().dense(64, 30, 10), batches)


tensorflow, jax, torch = perceptron.tensorflow, perceptron.jax, perceptron.torch
