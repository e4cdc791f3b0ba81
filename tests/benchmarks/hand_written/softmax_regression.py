"""One pass over the rows in blocks that stay in the cache, on all threads."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from tests.benchmarks.hand_written.vectors import FLAGS, ONE, F, exp, log
from tests.benchmarks.training import SGD_RATE
from tests.benchmarks.workload import Data, Program

BLOCK, PARTS, CLASSES = 64, 2, 10
ZERO = F(0)


@njit(**FLAGS)
def part(x, y, w, b, g_w, g_b):
    """Add the gradients' sums over some rows; return the sum of the losses."""
    features = x.shape[1]
    p = np.empty((BLOCK, CLASSES), F)
    loss = ZERO
    for start in range(0, x.shape[0], BLOCK):
        rows = min(BLOCK, x.shape[0] - start)
        for i in range(rows):
            for j in range(CLASSES):
                p[i, j] = b[j]
            for k in range(features):
                for j in range(CLASSES):
                    p[i, j] += x[start + i, k] * w[k, j]
            largest = p[i, 0]
            for j in range(1, CLASSES):
                largest = max(largest, p[i, j])
            for j in range(CLASSES):
                p[i, j] -= largest
            loss -= p[i, y[start + i]]
        flat = p.reshape(-1)
        for k in range(rows * CLASSES):
            flat[k] = exp(flat[k])
        for i in range(rows):
            total = ZERO
            for j in range(CLASSES):
                total += p[i, j]
            loss += log(total)
            scale = ONE / total
            for j in range(CLASSES):
                p[i, j] *= scale
            p[i, y[start + i]] -= ONE
            for j in range(CLASSES):
                g_b[j] += p[i, j]
            for k in range(features):
                for j in range(CLASSES):
                    g_w[k, j] += x[start + i, k] * p[i, j]
    return loss


@njit(parallel=True, **FLAGS)
def train_step(x, y, w, b):
    g_w, g_b = np.zeros((PARTS, w.shape[0], CLASSES), F), np.zeros((PARTS, CLASSES), F)
    losses, size = np.zeros(PARTS, F), (x.shape[0] + PARTS - 1) // PARTS
    for p in prange(PARTS):
        start, end = p * size, (p + 1) * size
        losses[p] = part(x[start:end], y[start:end], w, b, g_w[p], g_b[p])
    rate = F(SGD_RATE) / F(x.shape[0])
    for p in range(PARTS):
        w -= rate * g_w[p]
        b -= rate * g_b[p]
    return losses.sum() / F(x.shape[0])


def program(data: Data) -> Program:
    w, b = (np.zeros_like(a) for a in data.weights)

    def reset():
        w[...], b[...] = data.weights

    return Program(lambda x, y: train_step(x, y, w, b), data.batches, (w, b), reset)
