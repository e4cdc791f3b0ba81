"""All parameters in one vector: one loop."""

from __future__ import annotations

import numpy as np
from numba import njit

from tests.benchmarks.hand_written.flat import trained
from tests.benchmarks.hand_written.vectors import FLAGS, F, adam
from tests.benchmarks.workload import Data, Program


@njit(**FLAGS)
def update(state, count, last):
    adam(state, F(count))
    return state[0, 0] + state[0, last]


def program(data: Data) -> Program:
    gradients = np.concatenate([g.ravel() for g in data.batches[0]])
    last = gradients.size - data.weights[-1].size
    found = trained(Data(data.weights), lambda state, count: update(state, count, last))
    zero = found.reset

    def reset():
        zero()
        found.state[3] = gradients

    found.reset = reset
    return found
