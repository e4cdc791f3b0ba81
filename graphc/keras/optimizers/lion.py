"""Lion."""

from __future__ import annotations

from typing import Any

import graphc as tf
from graphc.keras.optimizers.optimizer import Optimizer


class Lion(Optimizer):
    """w -= rate * sign(b1 m + (1 - b1) g), m = b2 m + (1 - b2) g (Chen et al., 2023)"""

    _slots = {"m": "momentum"}

    def __init__(
        self, learning_rate: Any = 0.001, beta_1: float = 0.9, beta_2: float = 0.99, **kwargs: Any
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.beta_1, self.beta_2 = beta_1, beta_2
        if not 0 < beta_1 <= 1:
            raise ValueError(f"`beta_1` must be between ]0, 1]. Otherwise, got {beta_1}.")

    def update_step(self, gradient: Any, variable: tf.Variable, learning_rate: Any) -> None:
        m = self.get_slot(variable, "m")
        direction = tf.sign(m * self.beta_1 + gradient * (1.0 - self.beta_1))
        variable.assign_sub(learning_rate * direction)
        m.assign(m * self.beta_2 + gradient * (1.0 - self.beta_2))
