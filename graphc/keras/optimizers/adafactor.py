"""Adafactor."""

from __future__ import annotations

from typing import Any

import graphc as tf
from graphc.keras.optimizers.optimizer import Optimizer


class Adafactor(Optimizer):
    """Adam without momentum whose second moments are kept as a row and a column (Shazeer and Stern,
    2018); vectors keep them whole."""

    _slots = {"v": "v", "r": "r", "c": "c"}

    def __init__(
        self, learning_rate: Any = 0.001, beta_2_decay: float = -0.8, epsilon_1: float = 1e-30,
        epsilon_2: float = 1e-3, clip_threshold: float = 1.0, relative_step: bool = True,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(learning_rate, **kwargs)
        self.beta_2_decay, self.clip_threshold = beta_2_decay, clip_threshold
        self.epsilon_1, self.epsilon_2, self.relative_step = epsilon_1, epsilon_2, relative_step

    def create_slots(self, variables: list[tf.Variable]) -> None:
        for variable in variables:
            shape = list(variable.shape)
            rows, columns = (shape[:-1], shape[:-2] + shape[-1:]) if len(shape) > 1 else ([], [])
            for name, size in (("r", rows), ("c", columns), ("v", shape)):
                start = tf.zeros(size, variable.dtype)
                self.add_variable_from_reference(variable, name, initial_value=start)

    def update_step(self, gradient: Any, variable: tf.Variable, learning_rate: Any) -> None:
        step = tf.cast(self.iterations + 1, variable.dtype)
        if self.relative_step:
            learning_rate = tf.minimum(learning_rate, 1.0 / tf.sqrt(step))
        size = tf.maximum(_rms(variable), self.epsilon_2)
        update = gradient / tf.sqrt(self._moments(gradient, variable, step))
        update = update / tf.maximum(1.0, _rms(update) / self.clip_threshold)
        variable.assign_sub(update * (size * learning_rate))

    def _moments(self, gradient: Any, variable: tf.Variable, step: Any) -> Any:
        """The second moments of a gradient, kept whole or as row and column."""
        beta = 1.0 - tf.pow(step, self.beta_2_decay)
        square = tf.square(gradient) + self.epsilon_1
        if len(variable.shape) < 2:
            v = self.get_slot(variable, "v")
            v.assign(beta * v + (1.0 - beta) * square)
            return v
        r, c = self.get_slot(variable, "r"), self.get_slot(variable, "c")
        r.assign(beta * r + (1.0 - beta) * tf.reduce_mean(square, -1))
        c.assign(beta * c + (1.0 - beta) * tf.reduce_mean(square, -2))
        share = r / tf.reduce_mean(r, -1, keepdims=True)
        return tf.expand_dims(share, -1) * tf.expand_dims(c, -2)


def _rms(x: Any) -> Any:
    return tf.sqrt(tf.reduce_mean(tf.square(x)))
