"""All of the formula in one loop, on all threads; the results' memory is kept."""

from __future__ import annotations

import math

import numpy as np
from numba import njit, prange

from tests.benchmarks.hand_written.vectors import FLAGS, F, erf, exp, log
from tests.benchmarks.workload import Data, Program
from tests.benchmarks.workloads.black_scholes import INTEREST, VOLATILITY

BLOCK = 8192
DRIFT, HALF, ROOT = F(INTEREST + 0.5 * VOLATILITY**2), F(0.5), F(math.sqrt(0.5))


@njit(**FLAGS)
def block(spot, strike, time, call, put):
    for k in range(spot.size):
        s, x, t = spot[k], strike[k], time[k]
        spread = np.sqrt(t) * F(VOLATILITY)
        d1 = (log(s / x) + t * DRIFT) / spread
        n1 = erf(d1 * ROOT) * HALF + HALF
        n2 = erf((d1 - spread) * ROOT) * HALF + HALF
        later = x * exp(t * F(-INTEREST))
        c = s * n1 - later * n2
        call[k] = c
        put[k] = later - s + c


@njit(parallel=True, **FLAGS)
def prices(spot, strike, time, call, put):
    for i in prange((spot.size + BLOCK - 1) // BLOCK):
        a, b = i * BLOCK, (i + 1) * BLOCK
        block(spot[a:b], strike[a:b], time[a:b], call[a:b], put[a:b])


def program(data: Data) -> Program:
    call, put = (np.empty_like(data.batches[0][0]) for _ in range(2))

    def step(spot, strike, time):
        prices(spot, strike, time, call, put)
        return call, put

    return Program(step, data.batches)
