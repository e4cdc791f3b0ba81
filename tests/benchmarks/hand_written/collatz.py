"""The loops as they are; a shift halves, since all numbers are positive."""

from __future__ import annotations

from numba import njit

from tests.benchmarks.workload import Data, Program


@njit(error_model="numpy", cache=True)
def longest(bound):
    best = 0
    for start in range(1, bound):
        n, steps = start, 0
        while n != 1:
            n = n >> 1 if n & 1 == 0 else 3 * n + 1
            steps += 1
        best = max(best, steps)
    return best


def program(data: Data) -> Program:
    return Program(longest, data.batches)
