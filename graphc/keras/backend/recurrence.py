"""The loop over the steps of a sequence (Keras 2: ``keras.backend.rnn``)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import graphc as tf
from graphc.control_flow.maps import carry

__all__ = ["rnn"]


def rnn(
    step_function: Callable[..., Any], inputs: Any, initial_states: Any,
    go_backwards: bool = False, mask: Any = None, constants: Any = None, unroll: bool = False,
    input_length: Any = None, time_major: bool = False, zero_output_for_mask: bool = False,
    return_all_outputs: bool = True,
) -> tuple[Any, Any, list[Any]]:  # fmt: skip
    """Run ``step_function(inputs at t, states) -> output, states`` over all steps.

    ``inputs`` are [batch, steps, ...] (``time_major``: [steps, batch, ...]), or a structure of
    such.  Where ``mask`` [batch, steps] is False, states stay and the output is that of the step
    before, zeros with ``zero_output_for_mask``.  Returns the last output, all outputs
    [batch, steps, ...] (with ``return_all_outputs``; else [batch, 1, ...]) and the last states.
    """
    rows = inputs if time_major else tf.nest.map_structure(_turned, inputs)
    steps = tf.nest.flatten(rows)[0].shape[0]
    if steps == 0:
        raise ValueError("rnn: there are no steps to run over")
    if mask is not None:
        mask = tf.cast(mask, tf.bool)
        mask = mask if time_major or mask.ndim == 1 else tf.transpose(mask, [1, 0])
    if go_backwards:
        rows = tf.nest.map_structure(_reversed, rows)
        mask = mask if mask is None else _reversed(mask)
    constants = list(constants or ())

    def step(held: tuple[Any, ...], row: tuple[Any, ...]) -> tuple[tuple[Any, ...], Any]:
        (last, *states), (x, *kept) = held, row
        output, new = step_function(x, [*states, *constants])
        if kept:
            new = [_where(kept[0], n, s) for n, s in zip(new, states, strict=True)]
            output = _where(kept[0], output, zeros if zero_output_for_mask else last)
        return (output, *new), output if return_all_outputs else None

    # as in Keras, a step that only says what an output looks like
    first = tf.nest.map_structure(lambda x: x[0], rows)
    zeros = tf.zeros_like(step_function(first, [*initial_states, *constants])[0])
    held, row = (zeros, *initial_states), (rows,) if mask is None else (rows, mask)
    if unroll and steps is not None:
        found = []
        for t in range(steps):
            held, output = step(held, tf.nest.map_structure(lambda x, t=t: x[t], row))
            found.append(output)
        outputs = tf.stack(found) if return_all_outputs else None
    else:
        held, outputs = carry(step, held, row)
    last, *states = held
    outputs = tf.expand_dims(last, 0) if outputs is None else outputs
    return last, outputs if time_major else _turned(outputs), states


def _turned(x: Any) -> Any:
    """Batch and steps exchanged."""
    return tf.transpose(x, [1, 0, *range(2, x.ndim)])


def _reversed(x: Any) -> Any:
    return tf.reverse(x, [0])


def _where(kept: Any, new: Any, old: Any) -> Any:
    while kept.ndim < new.ndim:
        kept = tf.expand_dims(kept, -1)
    return tf.where(kept, new, old)
