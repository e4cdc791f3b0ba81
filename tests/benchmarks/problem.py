"""The common task of the training benchmarks: a 64-30-10 classifier, batch 64, Adam.

Every contestant starts from these weights, sees these batches in this order and uses these
constants, so that their losses can be compared step by step. `numpy_step` is the referee: plain
numpy in float64.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

FEATURES, HIDDEN, CLASSES, BATCH = 64, 30, 10, 64
RATE, BETA1, BETA2, EPSILON = 1e-3, 0.9, 0.999, 1e-7


@dataclass(frozen=True)
class Contestant:
    """One way to run the training step."""

    step: Callable[[int], object]  # trains on batch number `index` (cyclic), gives its loss
    reset: Callable[[], None]  # goes back to the initial weights


@dataclass(frozen=True)
class Problem:
    """Initial weights and the batches of one epoch."""

    weights: tuple[np.ndarray, ...]  # f32[64, 30], f32[30], f32[30, 10], f32[10]
    images: tuple[np.ndarray, ...]  # f32[64, 64] each, from 0 to 1
    labels: tuple[np.ndarray, ...]  # i64[64] each

    def batch(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Return images and labels of batch number `index`, counted cyclically."""
        return self.images[index % len(self.images)], self.labels[index % len(self.images)]


def digits_problem() -> Problem:
    """Return the task on the handwritten digits."""
    from graphc.keras.datasets import digits

    (images, labels), _ = digits.load_data()
    flat = (images.reshape(len(images), -1) / 16.0).astype(np.float32)
    starts = range(0, len(flat) - BATCH + 1, BATCH)
    return Problem(
        weights=initial_weights(),
        images=tuple(flat[start : start + BATCH] for start in starts),
        labels=tuple(labels[start : start + BATCH] for start in starts),
    )


def initial_weights(seed: int = 0) -> tuple[np.ndarray, ...]:
    """Return Glorot-uniform matrices and zero biases."""
    random = np.random.RandomState(seed)

    def glorot(rows: int, columns: int) -> np.ndarray:
        limit = np.sqrt(6.0 / (rows + columns))
        return random.uniform(-limit, limit, (rows, columns)).astype(np.float32)

    hidden_bias, class_bias = np.zeros(HIDDEN, np.float32), np.zeros(CLASSES, np.float32)
    return glorot(FEATURES, HIDDEN), hidden_bias, glorot(HIDDEN, CLASSES), class_bias


def numpy_step(problem: Problem) -> Contestant:
    """Return the step in float64 numpy, written for clarity: what all others must agree with."""
    weights = [array.astype(np.float64) for array in problem.weights]
    first = [np.zeros_like(array) for array in weights]
    second = [np.zeros_like(array) for array in weights]
    count = 0

    def reset() -> None:
        nonlocal count
        count = 0
        for array, start in zip(weights, problem.weights, strict=True):
            array[...] = start
        for array in first + second:
            array[...] = 0

    def step(index: int) -> float:
        nonlocal count
        count += 1
        loss, gradients = _loss_and_gradients(weights, *problem.batch(index))
        rate = RATE * np.sqrt(1 - BETA2**count) / (1 - BETA1**count)
        for w, m, v, g in zip(weights, first, second, gradients, strict=True):
            m += (g - m) * (1 - BETA1)
            v += (g * g - v) * (1 - BETA2)
            w -= rate * m / (np.sqrt(v) + EPSILON)
        return loss

    return Contestant(step, reset)


def _loss_and_gradients(
    weights: list[np.ndarray], x: np.ndarray, y: np.ndarray
) -> tuple[float, list[np.ndarray]]:
    w1, b1, w2, b2 = weights
    rows = np.arange(len(y))
    hidden = np.maximum(x @ w1 + b1, 0)
    logits = hidden @ w2 + b2
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_probability = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    d_logits = np.exp(log_probability)
    d_logits[rows, y] -= 1
    d_logits /= len(y)
    d_hidden = (d_logits @ w2.T) * (hidden > 0)
    gradients = [x.T @ d_hidden, d_hidden.sum(0), hidden.T @ d_logits, d_logits.sum(0)]
    return -log_probability[rows, y].mean(), gradients
