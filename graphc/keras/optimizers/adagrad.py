"""Adagrad."""

from __future__ import annotations

from typing import Any

import graphc as tf
from graphc.keras.optimizers.optimizer import Optimizer


class Adagrad(Optimizer):
    """a += g^2, w -= rate * g / sqrt(a + epsilon) (Duchi et al., 2011)"""

    _slots = {"accumulator": "accumulator"}

    def __init__(
        self, learning_rate: Any = 0.001, initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(learning_rate, **kwargs)
        if initial_accumulator_value < 0:
            raise ValueError(f"{initial_accumulator_value=} must be non-negative")
        self.initial_accumulator_value, self.epsilon = initial_accumulator_value, epsilon

    def create_slots(self, variables: list[tf.Variable]) -> None:
        for variable in variables:
            start = tf.fill(variable.shape, tf.cast(self.initial_accumulator_value, variable.dtype))
            self.add_variable_from_reference(variable, "accumulator", initial_value=start)

    def update_step(self, gradient: Any, variable: tf.Variable, learning_rate: Any) -> None:
        a = self.get_slot(variable, "accumulator")
        a.assign_add(tf.square(gradient))
        variable.assign_sub(learning_rate * gradient / tf.sqrt(a + self.epsilon))
