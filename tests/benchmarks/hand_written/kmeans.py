"""Distances to all centres at once, with the centres' numbers innermost; two halves in threads."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from tests.benchmarks.hand_written.vectors import FLAGS, F
from tests.benchmarks.workload import Data, Program

PARTS = 2


@njit(**FLAGS)
def part(x, turned, sums, counts):
    """Add up the points of a part by their nearest centre; `turned` is the centres' transpose."""
    width, number = turned.shape
    squares = np.empty(number, F)
    loss = F(0)
    for i in range(x.shape[0]):
        squares[:] = F(0)
        for j in range(width):
            for c in range(number):
                difference = x[i, j] - turned[j, c]
                squares[c] += difference * difference
        smallest = squares[0]
        for c in range(1, number):
            smallest = min(smallest, squares[c])
        nearest = 0
        while squares[nearest] != smallest:
            nearest += 1
        loss += smallest
        counts[nearest] += F(1)
        for j in range(width):
            sums[nearest, j] += x[i, j]
    return loss


@njit(parallel=True, **FLAGS)
def step(x, centres):
    number, width = centres.shape
    turned = centres.T.copy()
    sums, counts = np.zeros((PARTS, number, width), F), np.zeros((PARTS, number), F)
    losses, size = np.zeros(PARTS, F), (x.shape[0] + PARTS - 1) // PARTS
    for p in prange(PARTS):
        losses[p] = part(x[p * size : (p + 1) * size], turned, sums[p], counts[p])
    for c in range(number):
        total = F(0)
        for p in range(PARTS):
            total += counts[p, c]
        for j in range(width):
            moved = F(0)
            for p in range(PARTS):
                moved += sums[p, c, j]
            centres[c, j] = moved / max(total, F(1))
    return losses.sum() / F(x.shape[0])


def program(data: Data) -> Program:
    centres = np.zeros_like(data.weights[0])

    def reset():
        centres[...] = data.weights[0]

    return Program(lambda x: step(x, centres), data.batches, centres, reset)
