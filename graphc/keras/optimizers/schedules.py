"""Learning rates that change with the number of steps; each is a function of the step."""

from __future__ import annotations

import math
from typing import Any

import graphc as tf
from graphc.keras.named import Configured, lookups


class LearningRateSchedule(Configured):
    """A learning rate for a step; subclasses define ``__call__(step)``."""

    def __call__(self, step: Any) -> Any:
        raise NotImplementedError(f"Learning rate schedule '{type(self).__name__}' must override"
                                  " `__call__(self, step)`.")  # fmt: skip


def _like_rate(rate: Any, *values: Any) -> list[Any]:
    """The first rate as a tensor, and others in its dtype."""
    rate = tf.convert_to_tensor(rate, dtype_hint=tf.float32)
    if not rate.dtype.is_floating:
        rate = tf.cast(rate, tf.float32)
    return [rate, *(tf.cast(value, rate.dtype) for value in values)]


class ExponentialDecay(LearningRateSchedule):
    """initial * decay_rate ^ (step / decay_steps); ``staircase`` rounds the exponent down."""

    def __init__(
        self, initial_learning_rate: Any, decay_steps: Any, decay_rate: Any,
        staircase: bool = False, name: str | None = None,
    ) -> None:  # fmt: skip
        self.initial_learning_rate, self.decay_steps = initial_learning_rate, decay_steps
        self.decay_rate, self.staircase, self.name = decay_rate, staircase, name

    def __call__(self, step: Any) -> Any:
        rate, step, steps = _like_rate(self.initial_learning_rate, step, self.decay_steps)
        share = step / steps
        return rate * tf.pow(self.decay_rate, tf.floor(share) if self.staircase else share)


class InverseTimeDecay(ExponentialDecay):
    """initial / (1 + decay_rate * step / decay_steps); ``staircase`` rounds the share down."""

    def __call__(self, step: Any) -> Any:
        rate, step, steps = _like_rate(self.initial_learning_rate, step, self.decay_steps)
        share = step / steps
        return rate / (1.0 + self.decay_rate * (tf.floor(share) if self.staircase else share))


class PiecewiseConstantDecay(LearningRateSchedule):
    """``values[i]`` up to and including step ``boundaries[i]``, then the last one."""

    def __init__(self, boundaries: Any, values: Any, name: str | None = None) -> None:
        if len(boundaries) != len(values) - 1:
            raise ValueError(
                "The length of boundaries should be 1 less than the length of values."
                f" Received: boundaries={boundaries} of length {len(boundaries)}, and"
                f" values={values} of length {len(values)}."
            )
        self.boundaries, self.values, self.name = boundaries, values, name

    def __call__(self, step: Any) -> Any:
        step = tf.convert_to_tensor(step)
        rate = tf.convert_to_tensor(self.values[-1], dtype_hint=tf.float32)
        for boundary, value in zip(self.boundaries[::-1], self.values[-2::-1], strict=True):
            rate = tf.where(step <= tf.cast(boundary, step.dtype), tf.cast(value, rate.dtype), rate)
        return rate


class PolynomialDecay(LearningRateSchedule):
    """(initial - end) * (1 - step / decay_steps) ^ power + end

    After ``decay_steps`` it stays, or, with ``cycle``, begins again with longer steps.
    """

    def __init__(
        self, initial_learning_rate: Any, decay_steps: Any, end_learning_rate: Any = 0.0001,
        power: Any = 1.0, cycle: bool = False, name: str | None = None,
    ) -> None:  # fmt: skip
        self.initial_learning_rate, self.decay_steps = initial_learning_rate, decay_steps
        self.end_learning_rate, self.power, self.cycle = end_learning_rate, power, cycle
        self.name = name

    def __call__(self, step: Any) -> Any:
        rate, end, step, steps = _like_rate(
            self.initial_learning_rate, self.end_learning_rate, step, self.decay_steps
        )
        if self.cycle:
            steps = steps * tf.maximum(1.0, tf.math.ceil(step / steps))
        else:
            step = tf.minimum(step, steps)
        return (rate - end) * tf.pow(1.0 - step / steps, self.power) + end


class CosineDecay(LearningRateSchedule):
    """Half a cosine from the initial rate down to ``alpha`` of it (Loshchilov and Hutter, 2016).

    With ``warmup_target`` it first rises to that in a line, for ``warmup_steps``.
    """

    def __init__(
        self, initial_learning_rate: Any, decay_steps: Any, alpha: Any = 0.0,
        name: str | None = None, warmup_target: Any = None, warmup_steps: Any = 0,
    ) -> None:  # fmt: skip
        self.initial_learning_rate, self.decay_steps = initial_learning_rate, decay_steps
        self.alpha, self.name = alpha, name
        self.warmup_target, self.warmup_steps = warmup_target, warmup_steps

    def __call__(self, step: Any) -> Any:
        rate, step, steps, warm = _like_rate(
            self.initial_learning_rate, step, self.decay_steps, self.warmup_steps
        )
        if self.warmup_target is None:
            return self._fallen(rate, tf.minimum(step, steps) / steps)
        top = tf.cast(self.warmup_target, rate.dtype)
        rising = rate + (top - rate) * (step / warm)
        step = tf.minimum(step, steps + warm)
        return tf.where(step < warm, rising, self._fallen(top, (step - warm) / steps))

    def _fallen(self, rate: Any, share: Any) -> Any:
        return rate * ((1 - self.alpha) * 0.5 * (1.0 + tf.cos(math.pi * share)) + self.alpha)


class CosineDecayRestarts(LearningRateSchedule):
    """Half cosines one after another, each ``t_mul`` as long and ``m_mul`` as high as the last.

    Source: Loshchilov and Hutter, 2016.
    """

    def __init__(
        self, initial_learning_rate: Any, first_decay_steps: Any, t_mul: Any = 2.0,
        m_mul: Any = 1.0, alpha: Any = 0.0, name: str | None = None,
    ) -> None:  # fmt: skip
        self.initial_learning_rate, self.first_decay_steps = (
            initial_learning_rate,
            first_decay_steps,
        )
        self.t_mul, self.m_mul, self.alpha, self.name = t_mul, m_mul, alpha, name

    def __call__(self, step: Any) -> Any:
        rate, step, steps = _like_rate(self.initial_learning_rate, step, self.first_decay_steps)
        share = step / steps
        if self.t_mul == 1.0:
            restart = tf.floor(share)
            share = share - restart
        else:
            inside = 1.0 - share * (1.0 - self.t_mul)
            restart = tf.floor(tf.math.log(inside) / math.log(self.t_mul))
            passed = (1.0 - self.t_mul**restart) / (1.0 - self.t_mul)
            share = (share - passed) / self.t_mul**restart
        fallen = 0.5 * self.m_mul**restart * (1.0 + tf.cos(math.pi * share))
        return rate * ((1 - self.alpha) * fallen + self.alpha)


_NAMED = {
    name: value
    for name, value in list(globals().items())
    if isinstance(value, type) and issubclass(value, LearningRateSchedule)
}

get, serialize, deserialize = lookups("decay", _NAMED)
