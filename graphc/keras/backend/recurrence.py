"""The loop over the steps of a sequence (Keras 2: ``keras.backend.rnn``)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import graphc as tf

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
    turned = inputs if time_major else tf.nest.map_structure(_turned, inputs)
    first = tf.nest.flatten(turned)[0]
    static = first.shape[0]
    steps = tf.shape(first)[0] if static is None else static
    if mask is not None:
        mask = tf.cast(mask, tf.bool)
        mask = mask if time_major or mask.ndim == 1 else tf.transpose(mask, [1, 0])
    constants = list(constants or ())
    if static == 0:
        raise ValueError("rnn: there are no steps to run over")

    def at(t: Any) -> Any:
        place = steps - 1 - t if go_backwards else t
        return place, tf.nest.map_structure(lambda x: x[place], turned)

    def step(t: Any, states: list[Any], before: Any) -> tuple[Any, list[Any]]:
        place, x = at(t)
        output, new = step_function(x, [*states, *constants])
        if mask is None:
            return output, list(new)
        kept = mask[place]
        new = [_where(kept, n, s) for n, s in zip(new, states, strict=True)]
        return _where(kept, output, tf.zeros_like(output) if before is None else before), new

    states = list(initial_states)
    carried = mask is not None and not zero_output_for_mask
    if unroll and static is not None:
        outputs, last = [], None
        for t in range(static):
            last, states = step(t, states, last if carried else None)
            outputs.append(last)
        stacked = tf.stack(outputs if return_all_outputs else [last])
    else:
        # the first step says what an output looks like
        last, states = step(0, states, None)
        last, stacked, states = _loop(step, steps, last, states, carried, return_all_outputs)
    return last, stacked if time_major else _turned(stacked), states


def _loop(
    step: Any, steps: Any, first: Any, states: list[Any], carried: bool, keep: bool
) -> tuple[Any, Any, list[Any]]:
    """The steps from 1 on, after the first."""
    array = tf.TensorArray(first.dtype, size=steps, element_shape=first.shape) if keep else None
    array = array.write(0, first) if keep else None

    def body(t: Any, last: Any, *rest: Any) -> list[Any]:
        held, now = (rest[0], rest[1:]) if keep else (None, rest)
        output, new = step(t, list(now), last if carried else None)
        held = [held.write(t, output)] if keep else []
        return [t + 1, output, *held, *new]

    begin = [tf.constant(1), first, *([array] if keep else []), *states]
    _, last, *rest = tf.while_loop(lambda t, *_: t < steps, body, begin)
    if not keep:
        return last, tf.expand_dims(last, 0), rest
    return last, rest[0].stack(), rest[1:]


def _turned(x: Any) -> Any:
    """Batch and steps exchanged."""
    return tf.transpose(x, [1, 0, *range(2, x.ndim)])


def _where(kept: Any, new: Any, old: Any) -> Any:
    while kept.ndim < new.ndim:
        kept = tf.expand_dims(kept, -1)
    return tf.where(kept, new, old)
