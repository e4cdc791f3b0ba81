"""RMSprop."""

from __future__ import annotations

from typing import Any

import graphc as tf
from graphc.keras.optimizers.optimizer import Optimizer


class RMSprop(Optimizer):
    """Steps by gradients over the root of the mean of their squares (Hinton, 2012).

    v = rho v + (1 - rho) g^2, w -= rate * g / sqrt(v + epsilon)

    ``centered`` takes the square of the mean gradient off v; ``momentum`` m: step = m step + that.
    """

    def __init__(
        self, learning_rate: Any = 0.001, rho: float = 0.9, momentum: float = 0.0,
        epsilon: float = 1e-7, centered: bool = False, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(learning_rate, **kwargs)
        self.rho, self.momentum, self.epsilon, self.centered = rho, momentum, epsilon, centered
        self._slots = {"rms": "velocity"}
        if momentum > 0:
            self._slots["momentum"] = "momentum"
        if centered:
            self._slots["mg"] = "average_gradient"

    def create_slots(self, variables: list[tf.Variable]) -> None:
        for slot in self._slots.values():
            for variable in variables:
                self.add_variable_from_reference(variable, slot)

    def update_step(self, gradient: Any, variable: tf.Variable, learning_rate: Any) -> None:
        v = self.get_slot(variable, "rms")
        v.assign(self.rho * v + (1.0 - self.rho) * tf.square(gradient))
        spread = v + self.epsilon
        if self.centered:
            mean = self.get_slot(variable, "mg")
            mean.assign(self.rho * mean + (1.0 - self.rho) * gradient)
            spread = spread - tf.square(mean)
        step = learning_rate * gradient / tf.sqrt(spread)
        if self.momentum > 0:
            m = self.get_slot(variable, "momentum")
            m.assign(self.momentum * m + step)
            step = m
        variable.assign_sub(step)
