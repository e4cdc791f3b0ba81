"""RNN: a cell run over the steps of a sequence, and the layers with a cell of their own."""

from __future__ import annotations

import inspect
from typing import Any

import graphc as tf
from graphc.keras.backend.recurrence import rnn
from graphc.keras.engine.base_layer import Layer
from graphc.keras.engine.context import init_scope
from graphc.keras.engine.input_spec import InputSpec
from graphc.keras.layers.recurrent.cells import (
    GRUCell,
    LSTMCell,
    SimpleRNNCell,
    StackedRNNCells,
    _Cell,
    cell_from,
    initial_state,
    run_cell,
    split_states,
)
from graphc.keras.utils.serialization import serialize_keras_object


class RNN(Layer):
    """[batch, steps, d] -> [batch, units], with ``return_sequences`` [batch, steps, units].

    ``return_state`` returns the last states too.  ``stateful`` begins each batch with the last
    states of the one before, until `reset_states`.  ``go_backwards`` runs from the last step to
    the first.  Masked steps change nothing.
    """

    supports_masking = True

    def __init__(
        self, cell: Any, return_sequences: bool = False, return_state: bool = False,
        go_backwards: bool = False, stateful: bool = False, unroll: bool = False,
        time_major: bool = False, zero_output_for_mask: bool = False, **kwargs: Any,
    ) -> None:  # fmt: skip
        cell = StackedRNNCells(cell) if isinstance(cell, list | tuple) else cell
        if not hasattr(cell, "call") or not hasattr(cell, "state_size"):
            raise ValueError(
                "The RNN cell should have a `call` method and an attribute `state_size`. Received:"
                f" cell={cell}"
            )
        super().__init__(**kwargs)
        self.cell = cell
        self.return_sequences, self.return_state = return_sequences, return_state
        self.go_backwards, self.stateful, self.unroll = go_backwards, stateful, unroll
        self.time_major, self.zero_output_for_mask = time_major, zero_output_for_mask
        self.input_spec = [InputSpec(min_ndim=3)]
        self._held: Any = None

    @property
    def states(self) -> Any:
        """The states of a ``stateful`` layer."""
        return self._held

    # --- building and calling ---

    def build(self, input_shape: Any) -> None:
        shape = input_shape[0] if isinstance(input_shape, list) else input_shape
        self.input_spec = None
        if not self.cell.built:
            with tf.name_scope(self.cell.name):
                self.cell.build((shape[1 if self.time_major else 0], *shape[2:]))
            self.cell.built = True
        if self.stateful:
            self._make_states(shape)

    def _make_states(self, shape: Any) -> None:
        batch = shape[1 if self.time_major else 0]
        batch = getattr(self, "_batch_input_shape", (batch,))[0] if batch is None else batch
        if batch is None:
            raise ValueError(
                "If a RNN is stateful, it needs to know its batch size. Specify the batch size of"
                " your input tensors: \n- If using a Sequential model, specify the batch size by"
                " passing a `batch_input_shape` argument to your first layer.\n- If using the"
                " functional API, specify the batch size by passing a `batch_shape` argument to"
                " your Input layer."
            )
        with init_scope():
            zeros = self._zeros(batch, self.compute_dtype, shape)
            self._held = tf.nest.map_structure(lambda z: tf.Variable(z, trainable=False), zeros)

    def _zeros(self, batch: Any, dtype: Any, shape: Any) -> Any:
        make = getattr(self.cell, "get_initial_state", None)
        if make is None:
            return _listed(initial_state(self.cell, None, batch, dtype))
        return _listed(make(inputs=None, batch_size=batch, dtype=dtype))

    def __call__(self, inputs: Any, initial_state: Any = None, **kwargs: Any) -> Any:
        inputs, states = split_states(inputs, initial_state)
        return super().__call__(inputs, **states, **kwargs)

    def call(
        self, inputs: Any, mask: Any = None, training: Any = None, initial_state: Any = None
    ) -> Any:
        batch_axis = 1 if self.time_major else 0
        if initial_state is not None:
            states = _listed(initial_state)
        elif self.stateful:
            states = tf.nest.map_structure(tf.convert_to_tensor, self._held)
        else:
            size = inputs.shape[batch_axis]
            batch = tf.shape(inputs)[batch_axis] if size is None else size
            states = self._zeros(batch, inputs.dtype, inputs.shape)
        if len(states) != len(_listed(self.cell.state_size)):
            raise ValueError(
                f"Layer {self.name} has {len(_listed(self.cell.state_size))} states but was passed"
                f" {len(states)} initial states."
            )
        mask = mask[0] if isinstance(mask, list | tuple) else mask
        step, sequence = self._step(inputs, states, training)
        flat = tf.nest.flatten(states)

        def flat_step(x: Any, held: list[Any]) -> Any:
            output, new = step(x, tf.nest.pack_sequence_as(states, held))
            return output, tf.nest.flatten(new)

        last, outputs, new = rnn(
            flat_step, sequence, flat, self.go_backwards, mask, unroll=self.unroll,
            time_major=self.time_major, zero_output_for_mask=self.zero_output_for_mask,
            return_all_outputs=self.return_sequences,
        )  # fmt: skip
        if self.stateful:
            for variable, value in zip(tf.nest.flatten(self._held), new, strict=True):
                variable.assign(value)
        output = outputs if self.return_sequences else last
        return [output, *tf.nest.pack_sequence_as(states, new)] if self.return_state else output

    def _step(self, inputs: Any, states: Any, training: Any) -> tuple[Any, Any]:
        """A step's function and what it is run over."""
        cell = self.cell
        if isinstance(cell, _Cell):  # what does not depend on the states at once for all steps
            mask = cell.recurrent_mask(states[0], training)
            x = cell.disturbed(inputs, training)
            return (lambda z, held: cell.step(z, list(held), mask)), cell.project(x)

        return (lambda x, held: run_cell(cell, x, held, training)), inputs

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        mask = mask[0] if isinstance(mask, list | tuple) else mask
        kept = mask if self.return_sequences else None
        return [kept] + [None] * len(_listed(self.cell.state_size)) if self.return_state else kept

    def reset_states(self, states: Any = None) -> None:
        """Set the states of a ``stateful`` layer, to zeros unless some are given."""
        if not self.stateful:
            raise AttributeError("Layer must be stateful.")
        if self._held is None:
            raise ValueError(f"Layer {self.name} has no states yet: build it first")
        flat = tf.nest.flatten(self._held)
        values = [tf.zeros_like(v) for v in flat] if states is None else tf.nest.flatten(states)
        if len(flat) != len(values):
            raise ValueError(f"Layer {self.name} expects {len(flat)} states, got {len(values)}")
        for variable, value in zip(flat, values, strict=True):
            variable.assign(value)

    reset_state = reset_states

    # --- as plain data ---

    def get_config(self) -> dict[str, Any]:
        cell = serialize_keras_object(self.cell)
        return super().get_config() | {"cell": cell}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        config = dict(config)
        return cls(cell_from(config.pop("cell"), custom_objects), **config)


def _listed(states: Any) -> Any:
    return states if isinstance(states, list | tuple) else [states]


# --- with a cell of their own ---------------------------------------------------------------------

_OF_RNN = frozenset(inspect.signature(RNN.__init__).parameters) - {"self", "cell", "kwargs"}
_OF_LAYER = frozenset((
    "name", "trainable", "dynamic", "activity_regularizer", "input_shape", "batch_input_shape",
    "input_dim", "input_length", "batch_size", "weights",
))  # fmt: skip


class _OwnCell(RNN):
    """A layer whose arguments are its cell's; they can be read from it too."""

    _cell: type

    def __init__(self, units: int, *args: Any, **kwargs: Any) -> None:
        kwargs.pop("implementation", None)
        length = kwargs.pop("input_length", None)
        if "input_dim" in kwargs:
            kwargs["input_shape"] = (length, kwargs.pop("input_dim"))
        dtype = {"dtype": kwargs.pop("dtype")} if "dtype" in kwargs else {}
        own = {k: kwargs.pop(k) for k in list(kwargs) if k in _OF_RNN | _OF_LAYER}
        cell = self._cell(units, *args, **kwargs, **dtype)
        super().__init__(cell, **own, **dtype)

    def __getattr__(self, name: str) -> Any:
        cell = vars(self).get("cell")
        if cell is None or name.startswith("_"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(cell, name)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        cell = config.pop("cell")["config"]
        for ignored in ("name", "trainable", "dtype", "activity_regularizer"):
            cell.pop(ignored, None)
        return config | cell

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        return cls(**config)


class SimpleRNN(_OwnCell):
    """`RNN` of a `SimpleRNNCell`; takes the arguments of both."""

    _cell = SimpleRNNCell


class LSTM(_OwnCell):
    """`RNN` of an `LSTMCell`; takes the arguments of both."""

    _cell = LSTMCell


class GRU(_OwnCell):
    """`RNN` of a `GRUCell`; takes the arguments of both."""

    _cell = GRUCell
