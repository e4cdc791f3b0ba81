"""LSTMs whose products are convolutions (Shi et al., 2015)."""

from __future__ import annotations

from typing import Any

import graphc as tf
from graphc.keras import activations, initializers
from graphc.keras.backend.recurrence import rnn
from graphc.keras.layers.convolution import _Windows
from graphc.keras.layers.geometry import channel_axis


class _ConvLSTM(_Windows):
    """[batch, steps, *space, channels] -> [batch, *space, filters], as `LSTM` otherwise.

    Weights: kernel [*kernel_size, channels, 4 * filters], recurrent_kernel [*kernel_size, filters,
    4 * filters], bias [4 * filters]; the gates are in the order i, f, c, o.
    """

    _weights = {"kernel": "glorot_uniform", "recurrent": "orthogonal", "bias": "zeros"}

    def __init__(
        self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid",
        data_format: str | None = None, dilation_rate: Any = 1, activation: Any = "tanh",
        recurrent_activation: Any = "hard_sigmoid", use_bias: bool = True,
        unit_forget_bias: bool = True, return_sequences: bool = False, return_state: bool = False,
        go_backwards: bool = False, dropout: float = 0.0, recurrent_dropout: float = 0.0,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias,
            **kwargs,
        )  # fmt: skip
        self.input_spec = None  # there is an axis more: the steps
        self.filters = filters
        self.recurrent_activation = activations.get(recurrent_activation)
        self.unit_forget_bias = unit_forget_bias
        self.return_sequences, self.return_state = return_sequences, return_state
        self.go_backwards = go_backwards
        self.dropout, self.recurrent_dropout = dropout, recurrent_dropout

    def build(self, input_shape: Any) -> None:
        shape = input_shape[0] if isinstance(input_shape, list) else input_shape
        channels = shape[2 if self.data_format == "channels_first" else -1]
        self.kernel = self.make("kernel", (*self.kernel_size, channels, self.filters * 4))
        recurrent = (*self.kernel_size, self.filters, self.filters * 4)
        self.recurrent_kernel = self.make("recurrent", recurrent, "recurrent_kernel")
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                "bias", (self.filters * 4,), initializer=self._first_bias,
                regularizer=self.bias_regularizer, constraint=self.bias_constraint,
            )  # fmt: skip

    def _first_bias(self, shape: Any, dtype: Any = None) -> Any:
        given, n = self.bias_initializer, self.filters
        if not self.unit_forget_bias:
            return given(shape, dtype)
        ones = initializers.Ones()((n,), dtype)
        return tf.concat([given((n,), dtype), ones, given((n * 2,), dtype)], 0)

    def _project(self, x: Any) -> Any:
        """The convolution of the inputs, for all steps at once."""
        now, steps = tf.shape(x), x.shape[1]
        inner = list(x.shape)[2:]
        flat = tf.reshape(x, [-1, *inner])
        strides, dilations = list(self.strides), list(self.dilation_rate)
        y = tf.nn.convolution(
            flat, self.kernel, strides, self.padding.upper(), self._format, dilations
        )
        y = y if self.bias is None else tf.nn.bias_add(y, self.bias, self._format)
        return tf.reshape(y, [-1, now[1] if steps is None else steps, *list(y.shape)[1:]])

    def call(
        self, inputs: Any, mask: Any = None, training: Any = None, initial_state: Any = None
    ) -> Any:
        if training and self.dropout:
            shape = tf.shape(inputs)
            noise = [shape[0], 1, *list(inputs.shape)[2:]]
            inputs = tf.nn.dropout(inputs, self.dropout, noise)
        z = self._project(inputs)
        states = list(initial_state) if initial_state is not None else self._zeros(inputs, z)
        drop = None
        if training and self.recurrent_dropout:
            drop = tf.nn.dropout(tf.ones_like(states[0]), self.recurrent_dropout)
        axis, gate = channel_axis(self.data_format), self.recurrent_activation

        def step(z: Any, held: list[Any]) -> tuple[Any, list[Any]]:
            h, c = held
            seen = h if drop is None else h * drop
            ones = [1] * self._rank
            z = z + tf.nn.convolution(seen, self.recurrent_kernel, ones, "SAME", self._format)
            i, f, candidate, o = tf.split(z, 4, axis=axis)
            c = gate(f) * c + gate(i) * self.activation(candidate)
            h = gate(o) * self.activation(c)
            return h, [h, c]

        last, outputs, new = rnn(
            step, z, states, self.go_backwards, mask, return_all_outputs=self.return_sequences
        )
        output = outputs if self.return_sequences else last
        return [output, *new] if self.return_state else output

    def _zeros(self, inputs: Any, z: Any) -> list[Any]:
        sizes = list(z.shape)[2:]
        sizes[0 if self.data_format == "channels_first" else -1] = self.filters
        zero = tf.zeros([tf.shape(inputs)[0], *sizes], inputs.dtype)
        return [zero, zero]

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        kept = mask if self.return_sequences else None
        return [kept, None, None] if self.return_state else kept


class ConvLSTM1D(_ConvLSTM):
    """`LSTM` of sequences of rows."""

    _rank = 1


class ConvLSTM2D(_ConvLSTM):
    """`LSTM` of sequences of images."""

    _rank = 2


class ConvLSTM3D(_ConvLSTM):
    """`LSTM` of sequences of volumes."""

    _rank = 3
