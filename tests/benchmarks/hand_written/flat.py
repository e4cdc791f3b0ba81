"""All parameters in one vector, with Adam's moments and the gradients beside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.benchmarks.workload import Data, Program


def trained(data: Data, step: Callable[..., Any], rows: int = 4) -> Program:
    """A program around `step(*batch, state, count)`; `state: f32[rows, n]` starts with weights."""
    start = np.concatenate([a.ravel() for a in data.weights])
    state = np.zeros((rows, start.size), np.float32)
    count = 0

    def reset() -> None:
        nonlocal count
        count = 0
        state[...] = 0
        state[0] = start

    def counted(*batch: Any) -> Any:
        nonlocal count
        count += 1
        return step(*batch, state, count)

    return Program(counted, data.batches, state, reset)
