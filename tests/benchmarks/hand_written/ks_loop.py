"""Both histograms and their cumulated difference in one function."""

from __future__ import annotations

import numpy as np
from numba import njit

from tests.benchmarks.hand_written.vectors import FLAGS, F
from tests.benchmarks.workload import Data, Program
from tests.benchmarks.workloads.ks_loop import BINS


@njit(**FLAGS)
def ks(labels, scores, counts):
    counts[:] = F(0)
    for i in range(labels.size):
        counts[np.int32(labels[i]), np.int32(F(100) * scores[i])] += F(1)
    negative, positive = counts[0].sum(), counts[1].sum()
    a, b, largest = F(0), F(0), F(0)
    for k in range(BINS):
        a += counts[1, k]
        b += counts[0, k]
        largest = max(largest, abs(a / positive - b / negative))
    return largest


def program(data: Data) -> Program:
    counts = np.zeros((2, BINS), F)
    return Program(lambda labels, scores: ks(labels, scores, counts), data.batches)
