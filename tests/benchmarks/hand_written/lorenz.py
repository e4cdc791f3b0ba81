"""The state in three scalars."""

from __future__ import annotations

import numpy as np
from numba import njit

from tests.benchmarks.hand_written.vectors import FLAGS, F
from tests.benchmarks.workload import Data, Program
from tests.benchmarks.workloads.lorenz import STEP

WHOLE, HALF, SIXTH, TWO = F(STEP), F(STEP / 2), F(STEP / 6), F(2)


@njit(**FLAGS)
def slope(x, y, z):
    return F(10) * (y - x), x * (F(28) - z) - y, x * y - F(8.0 / 3.0) * z


@njit(**FLAGS)
def trajectory(s, steps, out):
    x, y, z = s[0], s[1], s[2]
    for _ in range(steps):
        a, b, c = slope(x, y, z)
        d, e, f = slope(x + HALF * a, y + HALF * b, z + HALF * c)
        g, h, i = slope(x + HALF * d, y + HALF * e, z + HALF * f)
        j, k, m = slope(x + WHOLE * g, y + WHOLE * h, z + WHOLE * i)
        x += SIXTH * (a + TWO * d + TWO * g + j)
        y += SIXTH * (b + TWO * e + TWO * h + k)
        z += SIXTH * (c + TWO * f + TWO * i + m)
    out[0], out[1], out[2] = x, y, z


def program(data: Data) -> Program:
    out = np.zeros(3, F)

    def step(s, steps):
        trajectory(s, steps, out)
        return out.copy()

    return Program(step, data.batches)
