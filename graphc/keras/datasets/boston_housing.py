"""Boston housing: 506 districts, 13 figures each, and the median price (StatLib, 1978).

One of its columns is about race and was made on assumptions that do not hold; it is here because
books use it. `california_housing` serves the same end.
"""

from __future__ import annotations

from typing import Any

from graphc.keras.datasets.files import Split, arrays, fetch
from graphc.keras.datasets.order import split

SHA256 = "f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5"


def load_data(path: Any = "boston_housing.npz", test_split: float = 0.2, seed: int = 113) -> Split:
    """``(x_train, y_train), (x_test, y_test)``: f64[404, 13], f64[404] in 1,000 dollars."""
    x, y = arrays(fetch(path, SHA256, "boston_housing.npz"), "x y")
    return split(x, y, test_split, seed)
