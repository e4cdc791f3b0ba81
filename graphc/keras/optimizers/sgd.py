"""Gradient descent."""

from __future__ import annotations

from typing import Any

import graphc as tf
from graphc.keras.optimizers.optimizer import Optimizer


class SGD(Optimizer):
    """w -= rate * g; with ``momentum``: m = momentum * m - rate * g, w += m.

    ``nesterov``: w += momentum * m - rate * g (Sutskever et al., 2013).
    """

    def __init__(
        self, learning_rate: Any = 0.01, momentum: float = 0.0, nesterov: bool = False,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(learning_rate, **kwargs)
        if not 0 <= momentum <= 1:
            raise ValueError("`momentum` must be between [0, 1].")
        self.momentum, self.nesterov = momentum, nesterov
        self._slots = {"momentum": "momentum"} if momentum else {}

    def update_step(self, gradient: Any, variable: tf.Variable, learning_rate: Any) -> None:
        if not self.momentum:
            variable.assign_sub(learning_rate * gradient)
            return
        m = self.get_slot(variable, "momentum")
        m.assign(self.momentum * m - learning_rate * gradient)
        step = self.momentum * m - learning_rate * gradient if self.nesterov else m
        variable.assign_add(step)
