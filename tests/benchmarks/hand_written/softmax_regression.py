"""One pass over the rows in blocks that stay in the cache, on all threads."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from tests.benchmarks.hand_written.vectors import FLAGS, ONE, F, exp, log
from tests.benchmarks.training import SGD_RATE
from tests.benchmarks.workload import Data, Program

BLOCK, PARTS, CLASSES = 512, 2, 10
ZERO = F(0)


@njit(**FLAGS)
def part(x, y, w, b, g_w, g_b):
    """Add the gradients' sums over some rows, `g_w` turned; return the sum of the losses.

    The classes come first in `p`, so that every loop over the rows of a block is a vector one.
    """
    p_all, add = np.empty(CLASSES * BLOCK, F), np.empty_like(g_w)
    largest, total, loss = np.empty(BLOCK, F), np.empty(BLOCK, F), ZERO
    for start in range(0, x.shape[0], BLOCK):
        rows = min(BLOCK, x.shape[0] - start)
        block, p = x[start : start + rows], p_all[: CLASSES * rows].reshape(CLASSES, rows)
        np.dot(w.T, block.T, p)
        for i in range(rows):
            largest[i], total[i] = p[0, i] + b[0], ZERO
        for j in range(CLASSES):
            for i in range(rows):
                p[j, i] += b[j]
                largest[i] = max(largest[i], p[j, i])
        for i in range(rows):
            loss -= p[y[start + i], i] - largest[i]
        for j in range(CLASSES):
            for i in range(rows):
                e = exp(p[j, i] - largest[i])
                p[j, i] = e
                total[i] += e
        for i in range(rows):
            loss += log(total[i])
            total[i] = ONE / total[i]
        for j in range(CLASSES):
            for i in range(rows):
                p[j, i] *= total[i]
        for i in range(rows):
            p[y[start + i], i] -= ONE
        for j in range(CLASSES):
            for i in range(rows):
                g_b[j] += p[j, i]
        np.dot(p, block, add)
        g_w += add
    return loss


@njit(parallel=True, **FLAGS)
def train_step(x, y, w, b):
    g_w, g_b = np.zeros((PARTS, CLASSES, w.shape[0]), F), np.zeros((PARTS, CLASSES), F)
    losses, size = np.zeros(PARTS, F), (x.shape[0] + PARTS - 1) // PARTS
    for p in prange(PARTS):
        start, end = p * size, (p + 1) * size
        losses[p] = part(x[start:end], y[start:end], w, b, g_w[p], g_b[p])
    rate = F(SGD_RATE) / F(x.shape[0])
    for p in range(PARTS):
        w -= rate * g_w[p].T
        b -= rate * g_b[p]
    return losses.sum() / F(x.shape[0])


def program(data: Data) -> Program:
    w, b = (np.zeros_like(a) for a in data.weights)

    def reset():
        w[...], b[...] = data.weights

    return Program(lambda x, y: train_step(x, y, w, b), data.batches, (w, b), reset)
