"""The loops as they are, with the squares shared between test and step."""

from __future__ import annotations

from numba import njit

from tests.benchmarks.hand_written.vectors import F
from tests.benchmarks.workload import Data, Program
from tests.benchmarks.workloads.mandelbrot import ROUNDS


@njit(error_model="numpy", cache=True)
def rounds(xs, ys):
    total = 0
    for i in range(xs.size):
        x = y = xx = yy = F(0)
        count = 0
        while xx + yy < F(4) and count < ROUNDS:
            y = F(2) * x * y + ys[i]
            x = xx - yy + xs[i]
            xx, yy = x * x, y * y
            count += 1
        total += count
    return total


def program(data: Data) -> Program:
    return Program(rounds, data.batches)
