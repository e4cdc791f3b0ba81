"""How far two contestants' results lie apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Results = Sequence[Sequence[float]]


def apart(ours: Results, theirs: Results) -> float:
    """The largest difference of any number, beside the largest number of its step.

    Of the steps that both did: slow ones do fewer.
    """
    worst = 0.0
    for mine, other in zip(ours, theirs, strict=False):
        a, b = np.array(mine), np.array(other)
        if a.shape != b.shape or not np.array_equal(np.isnan(a), np.isnan(b)):
            return float("inf")
        worst = max(worst, float(np.nanmax(np.abs(a - b)) / max(1e-3, np.nanmax(np.abs(b)))))
    return worst
