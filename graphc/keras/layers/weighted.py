"""Layers with weights: what says how each is made, kept and used."""

from __future__ import annotations

from typing import Any

import graphc as tf
from graphc.keras import activations, constraints, initializers, regularizers
from graphc.keras.engine.base_layer import Layer


class Weighted(Layer):
    """A layer whose ``<weight>_initializer``, ``_regularizer`` and ``_constraint`` are arguments.

    Subclasses list in ``_weights`` the weights they have and how each begins.
    """

    _weights: dict[str, str] = {}
    _fixed: tuple[str, ...] = ()  # arguments of base classes that the class itself gives

    def __init__(self, **kwargs: Any) -> None:
        for weight, start in self._weights.items():
            for kind, get in (
                ("initializer", initializers.get),
                ("regularizer", regularizers.get),
                ("constraint", constraints.get),
            ):
                name = f"{weight}_{kind}"
                default = start if kind == "initializer" else None
                setattr(self, name, get(kwargs.pop(name, default)))
        super().__init__(**kwargs)

    def make(self, weight: str, shape: Any, name: str | None = None, **options: Any) -> Any:
        """A Variable of this shape, made as the arguments say."""
        return self.add_weight(
            name or weight,
            shape,
            initializer=getattr(self, f"{weight}_initializer"),
            regularizer=getattr(self, f"{weight}_regularizer"),
            constraint=getattr(self, f"{weight}_constraint"),
            **options,
        )

    def get_config(self) -> dict[str, Any]:
        own = {
            f"{weight}_{kind}": module.serialize(getattr(self, f"{weight}_{kind}"))
            for weight in self._weights
            for kind, module in (
                ("initializer", initializers),
                ("regularizer", regularizers),
                ("constraint", constraints),
            )
        }
        config = super().get_config() | own
        return {name: value for name, value in config.items() if name not in self._fixed}


class Kernel(Weighted):
    """A layer that computes ``activation(kernel(inputs) + bias)``."""

    _weights = {"kernel": "glorot_uniform", "bias": "zeros"}

    def __init__(self, activation: Any = None, use_bias: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.activation, self.use_bias = activations.get(activation), bool(use_bias)

    def finish(self, x: Any, data_format: str | None = None) -> Any:
        """Add the bias, and activate."""
        if self.use_bias:
            x = tf.nn.bias_add(x, self.bias, data_format)
        return x if self.activation is activations.linear else self.activation(x)


def last_axis(shape: Any, layer: Layer, axis: int = -1) -> int:
    """The size of an axis that weights depend on; raises ``ValueError`` if it is not known."""
    if not shape or shape[axis] is None:
        raise ValueError(
            f"Layer {layer.name} ({type(layer).__name__}) needs axis {axis} of its inputs to have a"
            f" known size. Full input shape received: {tuple(shape)}"
        )
    return shape[axis]
