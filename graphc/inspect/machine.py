"""What this machine can do at most, measured once in a process: the roof of a roofline."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

TRIES = 5


@dataclass(frozen=True)
class Peak:
    """Bytes a second that memory moves (a copy of 64 MB) and float32 operations a second that a
    large matrix product reaches, both with numpy's own threads."""

    bandwidth: float
    flops: float

    def __str__(self) -> str:
        return f"{self.bandwidth / 1e9:.0f} GB/s, {self.flops / 1e9:.0f} GFLOP/s"


@cache
def peak() -> Peak:
    """Measure both; takes about a fifth of a second."""
    source = np.ones(1 << 23, np.float32)
    target = np.empty_like(source)
    square = np.ones((768, 768), np.float32)
    product = np.empty_like(square)
    copied = _best(lambda: np.copyto(target, source))
    multiplied = _best(lambda: np.matmul(square, square, out=product))
    return Peak(2 * source.nbytes / copied, 2 * 768**3 / multiplied)


def _best(call: Callable[[], Any]) -> float:
    seconds = []
    for _ in range(TRIES):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return min(seconds)
