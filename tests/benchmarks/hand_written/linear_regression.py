"""Two features, ten rows: everything in registers."""

from __future__ import annotations

from numba import njit

from tests.benchmarks.hand_written.flat import trained
from tests.benchmarks.hand_written.vectors import FLAGS, F
from tests.benchmarks.training import SGD_RATE
from tests.benchmarks.workload import Data, Program


@njit(**FLAGS)
def train_step(x, y, state, count):
    u, v, b = state[0, 0], state[0, 1], state[0, 2]
    loss, du, dv, db = F(0), F(0), F(0), F(0)
    for i in range(x.shape[0]):
        error = x[i, 0] * u + x[i, 1] * v + b - y[i, 0]
        loss += error * error
        du += error * x[i, 0]
        dv += error * x[i, 1]
        db += error
    rate = F(SGD_RATE) / F(x.shape[0])
    state[0, 0] = u - rate * du
    state[0, 1] = v - rate * dv
    state[0, 2] = b - rate * db
    return loss / F(2 * x.shape[0])


def program(data: Data) -> Program:
    return trained(data, train_step, rows=1)
