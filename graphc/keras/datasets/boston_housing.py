"""Boston housing: 506 districts, 13 numbers about each, and the price to predict (1978)."""

from __future__ import annotations

import numpy as np

from graphc.keras.datasets.archive import HOME, Split, arrays
from graphc.keras.utils.files import get_file

_HASH = "f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5"


def load_data(
    path: str = "boston_housing.npz", test_split: float = 0.2, seed: int = 113
) -> tuple[Split, Split]:
    """f64[404, 13] with prices f64[404], and the rest to test on; fetched once."""
    if not 0 <= test_split < 1:
        raise ValueError(f"test_split must be at least 0 and below 1, got {test_split}")
    found = arrays(get_file(path, HOME + "boston_housing.npz", file_hash=_HASH))
    x, y = found["x"], found["y"]
    order = np.arange(len(x))
    np.random.RandomState(seed).shuffle(order)
    x, y = x[order], y[order]
    at = int(len(x) * (1 - test_split))
    return (x[:at], y[:at]), (x[at:], y[at:])
