"""Layers around a layer."""

from __future__ import annotations

from typing import Any

import graphc as tf
from graphc.keras.engine.base_layer import Layer
from graphc.keras.initializers import TruncatedNormal
from graphc.keras.layers.recurrent.cells import split_states
from graphc.keras.utils.serialization import deserialize_keras_object, serialize_keras_object


class Wrapper(Layer):
    """A layer that holds another one, ``layer``."""

    def __init__(self, layer: Layer, **kwargs: Any) -> None:
        if not isinstance(layer, Layer):
            raise ValueError(f"Layer {layer} supplied to a wrapper isn't a layer.")
        super().__init__(**kwargs)
        self.layer = layer

    def build(self, input_shape: Any = None) -> None:
        if not self.layer.built:
            with tf.name_scope(self.layer.name):
                self.layer.build(input_shape)
            self.layer.built = True

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"layer": serialize_keras_object(self.layer)}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        config = dict(config)
        return cls(_layer_from(config.pop("layer"), custom_objects), **config)


def _layer_from(config: Any, custom_objects: Any) -> Layer:
    from graphc.keras import layers  # the namespace that has wrappers too

    return deserialize_keras_object(config, layers._NAMED, custom_objects, "layer")


class TimeDistributed(Wrapper):
    """A layer for each step: [batch, steps, ...] is [batch * steps, ...] to it."""

    supports_masking = True

    def build(self, input_shape: Any = None) -> None:
        shape = tuple(input_shape)
        if len(shape) < 3:
            raise ValueError(
                "`TimeDistributed` Layer should be passed an `input_shape` with at least 3"
                f" dimensions, received: {shape}"
            )
        super().build((shape[0], *shape[2:]))

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        now, shape = tf.shape(inputs), list(inputs.shape)
        rest = [now[i] if n is None else n for i, n in enumerate(shape)]
        more = {} if training is None or not _takes(self.layer, "training") else {
            "training": training
        }  # fmt: skip
        if mask is not None and _takes(self.layer, "mask"):
            more["mask"] = tf.reshape(mask, [-1, *list(mask.shape)[2:]])
        y = self.layer(tf.reshape(inputs, [-1, *rest[2:]]), **more)
        steps = shape[1] if shape[1] is not None else now[1]
        inner = [n if n is not None else tf.shape(y)[i] for i, n in enumerate(y.shape)][1:]
        # the batch or the steps may be unknown, not both at once in one -1
        return tf.reshape(y, [rest[0] if shape[1] is None else -1, steps, *inner])

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return mask


def _takes(layer: Layer, name: str) -> bool:
    code = getattr(type(layer).call, "__code__", None)
    return code is not None and name in code.co_varnames[: code.co_argcount]


class Bidirectional(Wrapper):
    """A recurrent layer forwards and one backwards, their outputs merged.

    ``merge_mode`` is ``"concat"``, ``"sum"``, ``"mul"``, ``"ave"`` or None: both.  The backward
    layer is a copy of the layer that goes the other way, or ``backward_layer``.
    """

    supports_masking = True

    def __init__(
        self, layer: Any, merge_mode: str | None = "concat", weights: Any = None,
        backward_layer: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        if merge_mode not in ("sum", "mul", "ave", "concat", None):
            raise ValueError(
                f"Invalid merge mode. Received: {merge_mode}. Merge mode should be one of"
                ' {"sum", "mul", "ave", "concat", None}'
            )
        super().__init__(layer, weights=weights, **kwargs)
        self.merge_mode = merge_mode
        self._own_backward = backward_layer is None
        self.layer = self.forward_layer = _turned(layer, layer.go_backwards, "forward_")
        if backward_layer is None:
            backward_layer = _turned(layer, not layer.go_backwards, "backward_")
        elif backward_layer.go_backwards == layer.go_backwards:
            raise ValueError(
                "Forward layer and backward layer should have different `go_backwards` value."
            )
        self.backward_layer = backward_layer
        for one in (self.forward_layer, backward_layer):  # as Keras has it
            if getattr(one, "zero_output_for_mask", None) is not None:
                one.zero_output_for_mask = one.return_sequences
        self.return_sequences, self.return_state = layer.return_sequences, layer.return_state
        self.stateful = layer.stateful

    def build(self, input_shape: Any = None) -> None:
        for layer in (self.forward_layer, self.backward_layer):
            if not layer.built:
                with tf.name_scope(layer.name):
                    layer.build(input_shape)
                layer.built = True

    def __call__(self, inputs: Any, initial_state: Any = None, **kwargs: Any) -> Any:
        inputs, states = split_states(inputs, initial_state)
        return super().__call__(inputs, **states, **kwargs)

    def call(
        self, inputs: Any, training: Any = None, mask: Any = None, initial_state: Any = None
    ) -> Any:
        half = len(initial_state or ()) // 2
        starts = (initial_state[:half], initial_state[half:]) if half else (None, None)
        layers = (self.forward_layer, self.backward_layer)
        y, z = (
            layer(inputs, initial_state=start, training=training, mask=mask)
            for layer, start in zip(layers, starts, strict=True)
        )
        states = []
        if self.return_state:
            states, y, z = [*y[1:], *z[1:]], y[0], z[0]
        if self.return_sequences:
            z = tf.reverse(z, [1])
        merged = {
            "concat": lambda: tf.concat([y, z], -1), "sum": lambda: y + z,
            "ave": lambda: (y + z) / 2, "mul": lambda: y * z, None: lambda: [y, z],
        }[self.merge_mode]()  # fmt: skip
        if not states:
            return merged
        return [*merged, *states] if self.merge_mode is None else [merged, *states]

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        mask = mask if self.return_sequences else None
        outputs = [mask, mask] if self.merge_mode is None else [mask]
        if self.return_state:
            outputs += [None] * (2 * len(tf.nest.flatten(self.forward_layer.cell.state_size)))
        return outputs if len(outputs) > 1 else outputs[0]

    def reset_states(self) -> None:
        self.forward_layer.reset_states()
        self.backward_layer.reset_states()

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config.pop("weights", None)
        given = None if self._own_backward else serialize_keras_object(self.backward_layer)
        name = self.forward_layer.name.removeprefix("forward_")
        config["layer"]["config"] = config["layer"]["config"] | {"name": name}
        return config | {"backward_layer": given}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        config = dict(config)
        if config.get("backward_layer") is not None:
            config["backward_layer"] = _layer_from(config["backward_layer"], custom_objects)
        return super().from_config(config, custom_objects)


def _turned(layer: Any, go_backwards: bool, prefix: str) -> Any:
    """A copy of a layer that goes that way."""
    config = layer.get_config()
    config = config | {"go_backwards": go_backwards, "name": prefix + layer.name}
    return type(layer).from_config(config)


class SpectralNormalization(Wrapper):
    """A layer whose kernel is divided by its largest singular value while training (Miyato et al.,
    2018); ``power_iterations`` steps of the power method find it.

    Weight, not trained: vector_u [1, last axis of the kernel].
    """

    def __init__(self, layer: Layer, power_iterations: int = 1, **kwargs: Any) -> None:
        super().__init__(layer, **kwargs)
        if power_iterations <= 0:
            raise ValueError(
                "`power_iterations` should be greater than zero. Received:"
                f" `power_iterations={power_iterations}`"
            )
        self.power_iterations = power_iterations

    def build(self, input_shape: Any = None) -> None:
        super().build(input_shape)
        name = next((n for n in ("kernel", "embeddings") if hasattr(self.layer, n)), None)
        if name is None:
            raise ValueError(
                f"{type(self.layer).__name__} object has no attribute 'kernel' nor 'embeddings'"
            )
        self._normalized = getattr(self.layer, name)
        self.vector_u = self.add_weight(
            "vector_u", (1, self._normalized.shape[-1]), trainable=False,
            initializer=TruncatedNormal(stddev=0.02),
        )  # fmt: skip
        self.built = True

    def call(self, inputs: Any, training: Any = None) -> Any:
        if training:
            self.normalize_weights()
        return self.layer(inputs)

    def normalize_weights(self) -> None:
        """Divide the kernel by its largest singular value, as the power method sees it."""
        kernel, u = self._normalized, self.vector_u.read_value()
        matrix = tf.reshape(kernel, [-1, kernel.shape[-1]])
        for _ in range(self.power_iterations):
            v = tf.math.l2_normalize(tf.matmul(u, matrix, transpose_b=True))
            u = tf.math.l2_normalize(tf.matmul(v, matrix))
        u, v = tf.stop_gradient(u), tf.stop_gradient(v)
        sigma = tf.matmul(tf.matmul(v, matrix), u, transpose_b=True)
        self.vector_u.assign(u)
        kernel.assign(tf.reshape(matrix / sigma, kernel.shape))
