"""Cells: one step of a recurrent layer, ``cell(x, states) -> output, states``."""

from __future__ import annotations

from typing import Any

import graphc as tf
from graphc.keras import activations, initializers
from graphc.keras.engine.base_layer import Layer
from graphc.keras.layers.weighted import Weighted, last_axis
from graphc.keras.utils.serialization import deserialize_keras_object, serialize_keras_object


class AbstractRNNCell(Layer):
    """Base of users' cells: they define ``state_size``, ``output_size`` and ``call``."""

    def call(self, inputs: Any, states: Any) -> Any:
        raise NotImplementedError

    @property
    def state_size(self) -> Any:
        raise NotImplementedError

    @property
    def output_size(self) -> Any:
        raise NotImplementedError

    def get_initial_state(
        self, inputs: Any = None, batch_size: Any = None, dtype: Any = None
    ) -> Any:
        """Zeros of the sizes of the state."""
        return initial_state(self, inputs, batch_size, dtype)


def split_states(inputs: Any, initial_state: Any) -> tuple[Any, dict[str, Any]]:
    """The inputs, and as a keyword the states that stand behind them in a list or were given."""
    if isinstance(inputs, list | tuple) and len(inputs) > 1 and initial_state is None:
        inputs, initial_state = inputs[0], list(inputs[1:])
    return inputs, {} if initial_state is None else {"initial_state": initial_state}


def initial_state(cell: Any, inputs: Any, batch_size: Any, dtype: Any) -> Any:
    """Zeros [batch, size] for each size of a cell's state."""
    if inputs is not None:
        inputs = tf.convert_to_tensor(inputs)
        batch_size, dtype = tf.shape(inputs)[0], inputs.dtype
    if batch_size is None or dtype is None:
        raise ValueError(
            "batch_size and dtype cannot be None while constructing initial state. Received:"
            f" batch_size={batch_size}, dtype={dtype}"
        )

    def zeros(size: Any) -> Any:
        return tf.zeros([batch_size, *tuple([size] if isinstance(size, int) else size)], dtype)

    sizes = cell.state_size
    if isinstance(sizes, int | tf.TensorShape):
        return zeros(sizes)
    return [zeros(size) for size in sizes]


class _Cell(Weighted):
    """Weights: kernel [d, gates * units], recurrent_kernel [units, gates * units], bias.

    `project` is what does not depend on the states: a layer does it for all steps at once.
    """

    _weights = {"kernel": "glorot_uniform", "recurrent": "orthogonal", "bias": "zeros"}
    _gates: int

    def __init__(
        self, units: int, activation: Any = "tanh", use_bias: bool = True, dropout: float = 0.0,
        recurrent_dropout: float = 0.0, **kwargs: Any,
    ) -> None:  # fmt: skip
        if units is None or units <= 0:
            raise ValueError(
                "Received an invalid value for argument `units`, expected a positive integer, got"
                f" {units}."
            )
        super().__init__(**kwargs)
        self.units, self.activation = units, activations.get(activation)
        self.use_bias = use_bias
        self.dropout = min(1.0, max(0.0, dropout))
        self.recurrent_dropout = min(1.0, max(0.0, recurrent_dropout))

    @property
    def state_size(self) -> Any:
        return self.units

    @property
    def output_size(self) -> int:
        return self.units

    def build(self, input_shape: Any) -> None:
        size, width = last_axis(input_shape, self), self._gates * self.units
        self.kernel = self.make("kernel", (size, width))
        self.recurrent_kernel = self.make("recurrent", (self.units, width), "recurrent_kernel")
        self.bias = self._make_bias(width) if self.use_bias else None

    def _make_bias(self, width: int) -> Any:
        return self.make("bias", (width,))

    def project(self, x: Any) -> Any:
        """x @ kernel + bias, of one step or of all."""
        product = tf.matmul(x, self.kernel) if x.ndim == 2 else tf.tensordot(x, self.kernel, 1)
        return product if self.bias is None else product + self._input_bias()

    def _input_bias(self) -> Any:
        return self.bias

    def advance(self, z: Any, states: list[Any], seen: Any) -> tuple[Any, list[Any]]:
        """One step from projected inputs; ``seen`` is what the kernel sees of the state."""
        raise NotImplementedError

    def disturbed(self, x: Any, training: Any) -> Any:
        """Inputs with `dropout`, one mask for all steps."""
        if not training or not self.dropout:
            return x
        shape = tf.shape(x)
        noise = [shape[0], 1, x.shape[-1]] if x.ndim == 3 else None
        return tf.nn.dropout(x, self.dropout, noise)

    def recurrent_mask(self, h: Any, training: Any) -> Any:
        """What multiplies the state of each step; None without `recurrent_dropout`."""
        if not training or not self.recurrent_dropout:
            return None
        return tf.nn.dropout(tf.ones_like(h), self.recurrent_dropout)

    def call(self, inputs: Any, states: Any, training: Any = None) -> Any:
        held = list(states) if isinstance(states, list | tuple) else [states]
        z = self.project(self.disturbed(inputs, training))
        output, new = self.step(z, held, self.recurrent_mask(held[0], training))
        return output, new if isinstance(states, list | tuple) else new[0]

    def step(self, z: Any, states: list[Any], mask: Any) -> tuple[Any, list[Any]]:
        """`advance` with the recurrent mask on what the kernel sees of the state."""
        return self.advance(z, states, states[0] if mask is None else states[0] * mask)

    def get_initial_state(
        self, inputs: Any = None, batch_size: Any = None, dtype: Any = None
    ) -> Any:
        return initial_state(self, inputs, batch_size, dtype)


class SimpleRNNCell(_Cell):
    """h = activation(x @ kernel + h @ recurrent_kernel + bias)"""

    _gates = 1

    def advance(self, z: Any, states: list[Any], seen: Any) -> tuple[Any, list[Any]]:
        h = self.activation(z + tf.matmul(seen, self.recurrent_kernel))
        return h, [h]


class LSTMCell(_Cell):
    """c = f c + i tanh(z_c), h = o tanh(c) with gates i, f, o (Hochreiter, Schmidhuber, 1997)

    The gates' columns are in the order i, f, c, o; ``unit_forget_bias`` begins f's bias with ones.
    """

    _gates = 4

    def __init__(
        self, units: int, activation: Any = "tanh", recurrent_activation: Any = "sigmoid",
        use_bias: bool = True, unit_forget_bias: bool = True, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(units, activation, use_bias, **kwargs)
        self.recurrent_activation = activations.get(recurrent_activation)
        self.unit_forget_bias = unit_forget_bias

    @property
    def state_size(self) -> Any:
        return [self.units, self.units]

    def _make_bias(self, width: int) -> Any:
        if not self.unit_forget_bias:
            return super()._make_bias(width)
        given, units = self.bias_initializer, self.units

        def begin(shape: Any, dtype: Any = None) -> Any:
            ones = initializers.Ones()((units,), dtype)
            return tf.concat([given((units,), dtype), ones, given((units * 2,), dtype)], 0)

        return self.add_weight(
            "bias", (width,), initializer=begin, regularizer=self.bias_regularizer,
            constraint=self.bias_constraint,
        )  # fmt: skip

    def advance(self, z: Any, states: list[Any], seen: Any) -> tuple[Any, list[Any]]:
        z = z + tf.matmul(seen, self.recurrent_kernel)
        i, f, c, o = tf.split(z, 4, axis=-1)
        gate = self.recurrent_activation
        c = gate(f) * states[1] + gate(i) * self.activation(c)
        h = gate(o) * self.activation(c)
        return h, [h, c]


class GRUCell(_Cell):
    """h = z h + (1 - z) activation(x_h + r (h @ U_h)) with gates z, r (Cho et al., 2014)

    ``reset_after=False`` applies r before the product, and has one bias.  Columns: z, r, h.
    """

    _gates = 3

    def __init__(
        self, units: int, activation: Any = "tanh", recurrent_activation: Any = "sigmoid",
        use_bias: bool = True, reset_after: bool = True, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(units, activation, use_bias, **kwargs)
        self.recurrent_activation = activations.get(recurrent_activation)
        self.reset_after = reset_after

    def _make_bias(self, width: int) -> Any:
        return self.make("bias", (2, width) if self.reset_after else (width,))

    def _input_bias(self) -> Any:
        return self.bias[0] if self.reset_after else self.bias

    def advance(self, z: Any, states: list[Any], seen: Any) -> tuple[Any, list[Any]]:
        gate, units = self.recurrent_activation, self.units
        x_z, x_r, x_h = tf.split(z, 3, axis=-1)
        if self.reset_after:
            inner = tf.matmul(seen, self.recurrent_kernel)
            inner = inner if self.bias is None else inner + self.bias[1]
            h_z, h_r, h_h = tf.split(inner, 3, axis=-1)
            update, reset = gate(x_z + h_z), gate(x_r + h_r)
            candidate = self.activation(x_h + reset * h_h)
        else:
            inner = tf.matmul(seen, self.recurrent_kernel[:, : 2 * units])
            h_z, h_r = tf.split(inner, 2, axis=-1)
            update, reset = gate(x_z + h_z), gate(x_r + h_r)
            products = tf.matmul(reset * seen, self.recurrent_kernel[:, 2 * units :])
            candidate = self.activation(x_h + products)
        h = update * states[0] + (1.0 - update) * candidate
        return h, [h]


class StackedRNNCells(Layer):
    """Cells one on top of the other; the state is a list of theirs."""

    def __init__(self, cells: Any, **kwargs: Any) -> None:
        for cell in cells:
            if not hasattr(cell, "call") or not hasattr(cell, "state_size"):
                raise ValueError(f"All cells must have a `call` method and a `state_size`: {cell}")
        super().__init__(**kwargs)
        self.cells = list(cells)

    @property
    def state_size(self) -> Any:
        return tuple(cell.state_size for cell in self.cells)

    @property
    def output_size(self) -> Any:
        return output_size(self.cells[-1])

    def get_initial_state(
        self, inputs: Any = None, batch_size: Any = None, dtype: Any = None
    ) -> Any:
        return tuple(initial_state(cell, inputs, batch_size, dtype) for cell in self.cells)

    def build(self, input_shape: Any) -> None:
        for cell in self.cells:
            if not cell.built:
                cell.build(input_shape)
                cell.built = True
            size = output_size(cell)
            input_shape = (input_shape[0], *([size] if isinstance(size, int) else size))

    def call(self, inputs: Any, states: Any, training: Any = None) -> Any:
        new = []
        for cell, held in zip(self.cells, states, strict=True):
            inputs, held = run_cell(cell, inputs, held, training)
            new.append(held)
        return inputs, tuple(new)

    def get_config(self) -> dict[str, Any]:
        config = Layer.get_config(self)
        return config | {"cells": [serialize_keras_object(cell) for cell in self.cells]}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        config = dict(config)
        cells = [cell_from(c, custom_objects) for c in config.pop("cells")]
        return cls(cells, **config)


def output_size(cell: Any) -> Any:
    """The size of a cell's output: that of its first state unless it says so."""
    found = getattr(cell, "output_size", None)
    if found is None:
        sizes = cell.state_size
        found = sizes if isinstance(sizes, int | tf.TensorShape) else sizes[0]
    return found


def run_cell(cell: Any, x: Any, states: Any, training: Any) -> tuple[Any, Any]:
    """A step; the new states have the structure of the old ones."""
    more = {} if training is None or not takes_training(cell) else {"training": training}
    if isinstance(cell, StackedRNNCells):
        return cell(x, states, **more)
    listed = isinstance(states, list | tuple)
    output, new = cell(x, list(states) if listed else [states], **more)
    new = list(new) if isinstance(new, list | tuple) else [new]
    return output, new if listed else new[0]


def takes_training(cell: Any) -> bool:
    code = getattr(type(cell).call, "__code__", None)
    return code is not None and "training" in code.co_varnames[: code.co_argcount]


def cell_from(config: Any, custom_objects: Any = None) -> Any:
    """A cell of its config."""
    known = {c.__name__: c for c in (SimpleRNNCell, LSTMCell, GRUCell, StackedRNNCells)}
    return deserialize_keras_object(config, known, custom_objects, "cell")
