"""California housing: 20,640 districts, 8 figures each, and the median price (census of 1990)."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.keras.datasets.files import Split, arrays, fetch
from graphc.keras.datasets.order import split

SHA256 = "1a2e3a52e0398de6463aebe6f4a8da34fb21fbb6b934cf88c3425e766f2a1a6f"
SMALL = 600  # districts of the small version


def load_data(
    version: str = "large", path: Any = "california_housing.npz", test_split: float = 0.2,
    seed: int = 113,
) -> Split:  # fmt: skip
    """``(x_train, y_train), (x_test, y_test)``: f32[n, 8], f32[n] in dollars; 600 districts in the
    "small" version."""
    if version not in ("small", "large"):
        raise ValueError(
            f"Argument `version` must be one of 'small', 'large'. Received: version={version!r}"
        )
    x, y = arrays(fetch(path, SHA256, "california_housing.npz"), "x y")
    if version == "small":
        x, y = x[:SMALL], y[:SMALL]
    return split(x.astype(np.float32), y.astype(np.float32), test_split, seed)
