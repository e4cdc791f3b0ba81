"""Ftrl."""

from __future__ import annotations

from typing import Any

import graphc as tf
from graphc.keras.optimizers.optimizer import Optimizer


class Ftrl(Optimizer):
    """Follow the regularized leader, for sparse models (McMahan et al., 2013).

    n' = n + g^2, z += g - (n'^-p - n^-p) / rate * w,
    w = (clip(z, -l1, l1) - z) / (n'^-p / rate + 2 (l2 + beta / (2 rate)))

    with the ``learning_rate_power`` p.
    """

    _slots = {"accumulator": "accumulator", "linear": "linear"}

    def __init__(
        self, learning_rate: Any = 0.001, learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1, l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0, l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(learning_rate, **kwargs)
        for what, value in (
            ("initial_accumulator_value", initial_accumulator_value),
            ("learning_rate_power", -learning_rate_power),
            ("l1_regularization_strength", l1_regularization_strength),
            ("l2_regularization_strength", l2_regularization_strength),
            ("l2_shrinkage_regularization_strength", l2_shrinkage_regularization_strength),
        ):
            if value < 0:
                wanted = "negative or zero" if what == "learning_rate_power" else "positive or zero"
                raise ValueError(f"`{what}` needs to be {wanted}.")
        self.learning_rate_power = learning_rate_power
        self.initial_accumulator_value = initial_accumulator_value
        self.l1_regularization_strength = l1_regularization_strength
        self.l2_regularization_strength = l2_regularization_strength
        self.l2_shrinkage_regularization_strength = l2_shrinkage_regularization_strength
        self.beta = beta

    def create_slots(self, variables: list[tf.Variable]) -> None:
        for variable in variables:
            start = tf.fill(variable.shape, tf.cast(self.initial_accumulator_value, variable.dtype))
            self.add_variable_from_reference(variable, "accumulator", initial_value=start)
            self.add_variable_from_reference(variable, "linear")

    def update_step(self, gradient: Any, variable: tf.Variable, learning_rate: Any) -> None:
        n, z = self.get_slot(variable, "accumulator"), self.get_slot(variable, "linear")
        power, l1 = -self.learning_rate_power, self.l1_regularization_strength
        l2 = self.l2_regularization_strength + self.beta / (2.0 * learning_rate)
        slope = gradient + 2.0 * self.l2_shrinkage_regularization_strength * variable
        old = n**power
        n.assign_add(tf.square(gradient))
        new = n**power
        z.assign_add(slope - (new - old) / learning_rate * variable)
        bend = new / learning_rate + 2.0 * l2
        variable.assign((tf.clip_by_value(z, -l1, l1) - z) / bend)
