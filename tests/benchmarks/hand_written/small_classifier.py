"""2-4-8-1: the sizes are constants, so LLVM unrolls the products."""

from __future__ import annotations

import numpy as np
from numba import njit

from tests.benchmarks.hand_written.flat import trained
from tests.benchmarks.hand_written.vectors import FLAGS, ONE, F, adam, exp, log
from tests.benchmarks.workload import Data, Program

A, B, C = 2, 4, 8
ZERO, LOW = F(0), F(1e-7)
HIGH = ONE - LOW
B1, W2, B2, W3, B3 = 8, 12, 44, 52, 60


@njit(**FLAGS)
def train_step(x, y, state, count, work):
    weight, g = state[0], state[3]
    h1, h2, d1, d2 = work[0], work[1], work[2], work[3]
    g[:] = ZERO
    rows, loss = x.shape[0], ZERO
    for i in range(rows):
        for j in range(B):
            z = x[i, 0] * weight[j] + x[i, 1] * weight[B + j] + weight[B1 + j]
            h1[j] = max(z, ZERO)
        for k in range(C):
            h2[k] = weight[B2 + k]
        for j in range(B):
            for k in range(C):
                h2[k] += h1[j] * weight[W2 + C * j + k]
        z = weight[B3]
        for k in range(C):
            h2[k] = max(h2[k], ZERO)
            z += h2[k] * weight[W3 + k]
        s = ONE / (ONE + exp(-z))
        p = min(max(s, LOW), HIGH)
        loss -= y[i, 0] * log(p) + (ONE - y[i, 0]) * log(ONE - p)
        d = s - y[i, 0] if p == s else ZERO
        d /= F(rows)
        g[B3] += d
        for k in range(C):
            g[W3 + k] += d * h2[k]
            d2[k] = d * weight[W3 + k] if h2[k] > ZERO else ZERO
            g[B2 + k] += d2[k]
        for j in range(B):
            total = ZERO
            for k in range(C):
                g[W2 + C * j + k] += h1[j] * d2[k]
                total += d2[k] * weight[W2 + C * j + k]
            d1[j] = total if h1[j] > ZERO else ZERO
            g[B1 + j] += d1[j]
            g[j] += d1[j] * x[i, 0]
            g[B + j] += d1[j] * x[i, 1]
    adam(state, F(count))
    return loss / F(rows)


def program(data: Data) -> Program:
    work = np.zeros((4, C), F)
    return trained(data, lambda x, y, state, count: train_step(x, y, state, count, work))
