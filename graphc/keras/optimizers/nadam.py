"""Nadam."""

from __future__ import annotations

from typing import Any

import graphc as tf
from graphc.keras.optimizers.optimizer import Optimizer


class Nadam(Optimizer):
    """Adam with Nesterov's momentum (Dozat, 2015).

    u_t = b1 (1 - 0.96^t / 2), U_t = u_1 ... u_t,
    w -= rate * (u_{t+1} m / (1 - U_{t+1}) + (1 - u_t) g / (1 - U_t)) / (sqrt(v / (1 - b2^t)) + eps)
    """

    _slots = {"m": "momentum", "v": "velocity"}

    def __init__(
        self, learning_rate: Any = 0.001, beta_1: float = 0.9, beta_2: float = 0.999,
        epsilon: float = 1e-7, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(learning_rate, **kwargs)
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon
        self._product: Any = None

    def create_slots(self, variables: list[tf.Variable]) -> None:
        super().create_slots(variables)
        if self._product is None:
            self._product = self.add_variable_from_reference(
                variables[0], "u_product", initial_value=tf.ones((), variables[0].dtype)
            )

    def _momentum(self, step: Any) -> Any:
        return self.beta_1 * (1.0 - 0.5 * 0.96**step)

    def begin_step(self, variables: list[tf.Variable], rate: Any) -> None:
        self._product.assign(self._product * self._momentum(self.steps(self._product.dtype)))

    def update_step(self, gradient: Any, variable: tf.Variable, learning_rate: Any) -> None:
        m, v = self.get_slot(variable, "m"), self.get_slot(variable, "v")
        t, product = self.steps(variable.dtype), tf.cast(self._product, variable.dtype)
        u, u_next = self._momentum(t), self._momentum(t + 1.0)
        m.assign_add((gradient - m) * (1.0 - self.beta_1))
        v.assign_add((tf.square(gradient) - v) * (1.0 - self.beta_2))
        m_hat = u_next / (1.0 - product * u_next) * m + (1.0 - u) / (1.0 - product) * gradient
        v_hat = v / (1.0 - self.beta_2**t)
        variable.assign_sub(learning_rate * m_hat / (tf.sqrt(v_hat) + self.epsilon))
