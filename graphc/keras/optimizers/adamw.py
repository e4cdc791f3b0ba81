"""Adam with weight decay."""

from __future__ import annotations

from typing import Any

from graphc.keras.optimizers.adam import Adam


class AdamW(Adam):
    """`Adam` after w -= rate * weight_decay * w (Loshchilov and Hutter, 2017)."""

    def __init__(
        self, learning_rate: Any = 0.001, weight_decay: float = 0.004, beta_1: float = 0.9,
        beta_2: float = 0.999, epsilon: float | None = 1e-7, amsgrad: bool = False, **kwargs: Any,
    ) -> None:  # fmt: skip
        if weight_decay is None:
            raise ValueError("Argument `weight_decay` must be a float. Received: weight_decay=None")
        super().__init__(
            learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay=weight_decay, **kwargs
        )
