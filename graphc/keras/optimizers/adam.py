"""Adam."""

from __future__ import annotations

from typing import Any

import graphc as tf
from graphc.keras import backend
from graphc.keras.optimizers.optimizer import Optimizer


class Adam(Optimizer):
    """Steps by the means of the gradients and of their squares (Kingma and Ba, 2014).

    m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g^2,
    w -= rate * sqrt(1 - b2^t) / (1 - b1^t) * m / (sqrt(v) + epsilon)

    ``amsgrad``: the largest v so far instead of v (Reddi et al., 2018).
    """

    _slots = {"m": "momentum", "v": "velocity", "vhat": "velocity_hat"}

    def __init__(
        self, learning_rate: Any = 0.001, beta_1: float = 0.9, beta_2: float = 0.999,
        epsilon: float | None = 1e-7, amsgrad: bool = False, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(learning_rate, **kwargs)
        self.beta_1, self.beta_2 = beta_1, beta_2
        self.epsilon = backend.epsilon() if epsilon is None else epsilon
        self.amsgrad = amsgrad

    def create_slots(self, variables: list[tf.Variable]) -> None:
        for variable in variables:
            for slot in ("momentum", "velocity"):
                self.add_variable_from_reference(variable, slot)
        for variable in variables if self.amsgrad else ():
            self.add_variable_from_reference(variable, "velocity_hat")

    def update_step(self, gradient: Any, variable: tf.Variable, learning_rate: Any) -> None:
        m, v = self.get_slot(variable, "m"), self.get_slot(variable, "v")
        t = self.steps(variable.dtype)
        rate = learning_rate * tf.sqrt(1.0 - self.beta_2**t) / (1.0 - self.beta_1**t)
        m.assign_add((gradient - m) * (1.0 - self.beta_1))
        v.assign_add((tf.square(gradient) - v) * (1.0 - self.beta_2))
        if self.amsgrad:
            largest = self.get_slot(variable, "vhat")
            largest.assign(tf.maximum(largest, v))
            v = largest
        variable.assign_sub(m * rate / (tf.sqrt(v) + self.epsilon))
