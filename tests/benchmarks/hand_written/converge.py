"""The loop with the derivative taken by hand."""

from __future__ import annotations

from numba import njit

from tests.benchmarks.hand_written.vectors import F
from tests.benchmarks.workload import Data, Program
from tests.benchmarks.workloads.converge import RATE, SMALL


# Not reassociated: the number of rounds depends on the rounding.
@njit(error_model="numpy", cache=True)
def run(a, b, c):
    x, g, count = F(0), F(1), 0
    while abs(g) > F(SMALL):
        g = a * x + a * x + b
        x = x - F(RATE) * g
        count += 1
    return x, count


def program(data: Data) -> Program:
    return Program(run, data.batches)
