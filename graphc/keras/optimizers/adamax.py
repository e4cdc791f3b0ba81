"""Adamax."""

from __future__ import annotations

from typing import Any

import graphc as tf
from graphc.keras.optimizers.optimizer import Optimizer


class Adamax(Optimizer):
    """Adam with the largest gradient for the mean of squares (Kingma and Ba, 2014, section 7.1).

    m = b1 m + (1 - b1) g, u = max(b2 u, |g|), w -= rate / (1 - b1^t) * m / (u + epsilon)
    """

    _slots = {"m": "momentum", "v": "norm"}

    def __init__(
        self, learning_rate: Any = 0.001, beta_1: float = 0.9, beta_2: float = 0.999,
        epsilon: float = 1e-7, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(learning_rate, **kwargs)
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon

    def update_step(self, gradient: Any, variable: tf.Variable, learning_rate: Any) -> None:
        m, u = self.get_slot(variable, "m"), self.get_slot(variable, "v")
        rate = learning_rate / (1.0 - self.beta_1 ** self.steps(variable.dtype))
        m.assign_add((gradient - m) * (1.0 - self.beta_1))
        u.assign(tf.maximum(self.beta_2 * u, tf.abs(gradient)))
        variable.assign_sub(rate * m / (u + self.epsilon))
