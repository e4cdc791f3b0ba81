"""The chain of twelve as one loop, on all threads where it is long; the result's memory is kept."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from tests.benchmarks.hand_written.vectors import FLAGS, ONE, F, exp, tanh
from tests.benchmarks.workload import Data, Program

BLOCK, LONG = 8192, 65536


@njit(**FLAGS)
def block(x, out):
    for k in range(x.size):
        y = tanh(x[k] * F(1.5) + F(0.25))
        e = exp(-(y * y + y))
        out[k] = np.sqrt(e / (e + ONE)) - x[k] * F(0.5)


@njit(parallel=True, **FLAGS)
def blocks(x, out):
    for i in prange((x.size + BLOCK - 1) // BLOCK):
        block(x[i * BLOCK : (i + 1) * BLOCK], out[i * BLOCK : (i + 1) * BLOCK])


def program(data: Data) -> Program:
    out = np.empty_like(data.batches[0][0])
    kernel = blocks if out.size > LONG else block

    def step(x):
        kernel(x, out)
        return out

    return Program(step, data.batches)
