"""Adadelta."""

from __future__ import annotations

from typing import Any

import graphc as tf
from graphc.keras.optimizers.optimizer import Optimizer


class Adadelta(Optimizer):
    """Steps whose size is that of the steps before, over that of the gradients (Zeiler, 2012).

    G = rho G + (1 - rho) g^2, d = sqrt(D + epsilon) / sqrt(G + epsilon) * g,
    D = rho D + (1 - rho) d^2, w -= rate * d
    """

    _slots = {"accum_grad": "accumulated_grad", "accum_var": "accumulated_delta_var"}

    def __init__(
        self, learning_rate: Any = 0.001, rho: float = 0.95, epsilon: float = 1e-7, **kwargs: Any
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.rho, self.epsilon = rho, epsilon

    def create_slots(self, variables: list[tf.Variable]) -> None:
        for slot in self._slots.values():
            for variable in variables:
                self.add_variable_from_reference(variable, slot)

    def update_step(self, gradient: Any, variable: tf.Variable, learning_rate: Any) -> None:
        grads, steps = (self.get_slot(variable, slot) for slot in self._slots)
        grads.assign(self.rho * grads + (1.0 - self.rho) * tf.square(gradient))
        step = gradient * tf.sqrt(steps + self.epsilon) / tf.sqrt(grads + self.epsilon)
        steps.assign(self.rho * steps + (1.0 - self.rho) * tf.square(step))
        variable.assign_sub(learning_rate * step)
