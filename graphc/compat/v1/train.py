"""``tf.compat.v1.train``: the optimizers of TensorFlow 1, for static graphs and eager code.

Update rules and defaults are those of ``tensorflow/python/training``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import graphc as tf
from graphc.compat.v1 import variables


class Optimizer:
    """Minimizes losses: gradients by Variables, and a step with them.

    Subclasses give `_step` and, in ``slots``, the initial value of each number they keep per
    element.
    """

    slots: dict[str, float] = {}

    def __init__(self, learning_rate: Any, use_locking: bool = False, name: str = "") -> None:
        self.learning_rate = learning_rate
        self._name = name or type(self).__name__.removesuffix("Optimizer")
        self._kept: dict[str, dict[Any, Any]] = {}
        self._own: list[Any] = []

    def get_name(self) -> str:
        return self._name

    def minimize(
        self, loss: Any, global_step: Any = None, var_list: Any = None, gate_gradients: int = 1,
        aggregation_method: Any = None, colocate_gradients_with_ops: bool = False,
        name: str | None = None, grad_loss: Any = None,
    ) -> Any:  # fmt: skip
        """An operation that takes one step; in eager code ``loss`` is a function, and it is taken.

        Raises ``ValueError`` if the loss depends on no Variable.
        """
        pairs = self.compute_gradients(loss, var_list, grad_loss=grad_loss)
        if all(g is None for g, _ in pairs):
            raise ValueError(
                "No gradients provided for any variable, check your graph for ops that do not"
                f" support gradients, between variables {[v.name for _, v in pairs]} and loss."
            )
        return self.apply_gradients(pairs, global_step, name)

    def compute_gradients(
        self, loss: Any, var_list: Any = None, gate_gradients: int = 1,
        aggregation_method: Any = None, colocate_gradients_with_ops: bool = False,
        grad_loss: Any = None,
    ) -> list[tuple[Any, Any]]:  # fmt: skip
        """Pairs of gradient (or None) and Variable."""
        if callable(loss):
            with tf.GradientTape() as tape:
                value = loss()
            chosen = list(var_list or tape.watched_variables())
            return list(zip(tape.gradient(value, chosen, grad_loss), chosen, strict=True))
        if tf.executing_eagerly():
            raise RuntimeError(
                "`loss` passed to Optimizer.compute_gradients should be a function when eager"
                " execution is enabled."
            )
        chosen = list(variables.trainable_variables() if var_list is None else var_list)
        if not chosen:
            raise ValueError("No variables to optimize.")
        return list(zip(tf.gradients(loss, chosen, grad_loss), chosen, strict=True))

    def apply_gradients(
        self, grads_and_vars: Any, global_step: Any = None, name: str | None = None
    ) -> Any:
        """An operation that takes a step with gradients; in eager code it is taken."""
        pairs = [(g, v) for g, v in grads_and_vars if g is not None]
        if not pairs:
            raise ValueError("No gradients provided for any variable.")
        self._prepare([v for _, v in pairs])
        steps = []
        for gradient, variable in pairs:
            slots = [self._slot(variable, s, value) for s, value in self.slots.items()]
            rate = tf.cast(self._rate(), variable.dtype)
            steps += self._step(variable, tf.convert_to_tensor(gradient), rate, *slots)
        steps += self._finish()
        if global_step is not None:
            steps.append(global_step.assign_add(1))
        done = tf.group(*steps, name=name or self._name)
        if done is not None:
            variables.add_to_collection(variables.GraphKeys.TRAIN_OP, done)
        return done

    def _rate(self) -> Any:
        return self.learning_rate() if callable(self.learning_rate) else self.learning_rate

    def _variable(self, value: Any, name: str) -> Any:
        made = variables.Variable(value, trainable=False, name=name)
        self._own.append(made)
        return made

    def _slot(self, variable: Any, slot: str, value: float) -> Any:
        """What is kept for a Variable under a name."""
        kept = self._kept.setdefault(slot, {})
        if variable.key not in kept:
            start = tf.fill(variable.shape.as_list(), tf.cast(value, variable.dtype))
            name = f"{variable.name.removesuffix(':0')}/{self._name}"
            kept[variable.key] = self._variable(start, name)
        return kept[variable.key]

    def get_slot(self, var: Any, name: str) -> Any:
        return self._kept.get(name, {}).get(var.key)

    def get_slot_names(self) -> list[str]:
        return list(self.slots)

    def variables(self) -> list[Any]:
        """The Variables of the optimizer itself."""
        return list(self._own)

    def _prepare(self, chosen: Sequence[Any]) -> None:
        """Make what all Variables share."""

    def _finish(self) -> list[Any]:
        """The updates of what all Variables share."""
        return []

    def _step(self, variable: Any, g: Any, rate: Any, *slots: Any) -> list[Any]:
        raise NotImplementedError


class GradientDescentOptimizer(Optimizer):
    """``v -= learning_rate * g``"""

    def _step(self, variable: Any, g: Any, rate: Any, *slots: Any) -> list[Any]:
        return [variable.assign_sub(rate * g)]


class MomentumOptimizer(Optimizer):
    """``m = momentum * m + g; v -= learning_rate * m``, or Nesterov's form of it."""

    slots = {"momentum": 0.0}

    def __init__(self, learning_rate: Any, momentum: Any, use_locking: bool = False,
                 name: str = "Momentum", use_nesterov: bool = False) -> None:  # fmt: skip
        super().__init__(learning_rate, use_locking, name)
        self.momentum, self.nesterov = momentum, use_nesterov

    def _step(self, variable: Any, g: Any, rate: Any, *slots: Any) -> list[Any]:
        kept = slots[0]
        m = self.momentum * kept + g
        change = rate * (g + self.momentum * m) if self.nesterov else rate * m
        return [kept.assign(m), variable.assign_sub(change)]


class AdagradOptimizer(Optimizer):
    """``a += g * g; v -= learning_rate * g / sqrt(a)``"""

    def __init__(self, learning_rate: Any, initial_accumulator_value: float = 0.1,
                 use_locking: bool = False, name: str = "Adagrad") -> None:  # fmt: skip
        super().__init__(learning_rate, use_locking, name)
        self.slots = {"accumulator": initial_accumulator_value}

    def _step(self, variable: Any, g: Any, rate: Any, *slots: Any) -> list[Any]:
        a = slots[0] + g * g
        return [slots[0].assign(a), variable.assign_sub(rate * g * tf.math.rsqrt(a))]


class RMSPropOptimizer(Optimizer):
    """``s = decay * s + (1 - decay) * g * g``, and a step with momentum by ``g / sqrt(s)``."""

    def __init__(self, learning_rate: Any, decay: float = 0.9, momentum: float = 0.0,
                 epsilon: float = 1e-10, use_locking: bool = False, centered: bool = False,
                 name: str = "RMSProp") -> None:  # fmt: skip
        super().__init__(learning_rate, use_locking, name)
        self.decay, self.momentum, self.epsilon, self.centered = decay, momentum, epsilon, centered
        self.slots = {"rms": 1.0, "momentum": 0.0} | ({"mg": 0.0} if centered else {})

    def _step(self, variable: Any, g: Any, rate: Any, *slots: Any) -> list[Any]:
        rms, momentum, *mean = slots
        s = self.decay * rms + (1 - self.decay) * g * g
        done = [rms.assign(s)]
        if mean:
            m = self.decay * mean[0] + (1 - self.decay) * g
            done.append(mean[0].assign(m))
            s = s - m * m
        change = self.momentum * momentum + rate * g * tf.math.rsqrt(s + self.epsilon)
        return [*done, momentum.assign(change), variable.assign_sub(change)]


class AdamOptimizer(Optimizer):
    """Adam, with the correction of its first steps in the rate (Kingma and Ba, 2014)."""

    slots = {"m": 0.0, "v": 0.0}

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        use_locking: bool = False,
        name: str = "Adam",
    ) -> None:
        super().__init__(learning_rate, use_locking, name)
        self.beta1, self.beta2, self.epsilon = beta1, beta2, epsilon
        self._powers: list[Any] = []

    def _prepare(self, chosen: Sequence[Any]) -> None:
        if not self._powers:
            self._powers = [self._variable(self.beta1, "beta1_power"),
                            self._variable(self.beta2, "beta2_power")]  # fmt: skip

    def _step(self, variable: Any, g: Any, rate: Any, *slots: Any) -> list[Any]:
        p1, p2 = (tf.cast(p, variable.dtype) for p in self._powers)
        m = self.beta1 * slots[0] + (1 - self.beta1) * g
        v = self.beta2 * slots[1] + (1 - self.beta2) * g * g
        change = rate * tf.sqrt(1 - p2) / (1 - p1) * m / (tf.sqrt(v) + self.epsilon)
        return [slots[0].assign(m), slots[1].assign(v), variable.assign_sub(change)]

    def _finish(self) -> list[Any]:
        p1, p2 = self._powers
        return [p1.assign(p1 * self.beta1), p2.assign(p2 * self.beta2)]


# --- steps ----------------------------------------------------------------------------------------


def get_global_step(graph: Any = None) -> Any:
    """The Variable that counts steps; None if there is none."""
    found = variables.get_collection(variables.GraphKeys.GLOBAL_STEP)
    return found[0] if found else None


def create_global_step(graph: Any = None) -> Any:
    if get_global_step() is not None:
        raise ValueError('"global_step" already exists.')
    keys = variables.GraphKeys
    made = variables.Variable(
        tf.constant(0, tf.int64), trainable=False, name="global_step",
        collections=[keys.GLOBAL_VARIABLES, keys.GLOBAL_STEP],
    )  # fmt: skip
    if tf.executing_eagerly():
        variables.add_to_collection(keys.GLOBAL_STEP, made)
    return made


def get_or_create_global_step(graph: Any = None) -> Any:
    found = get_global_step()
    return create_global_step() if found is None else found


def exponential_decay(
    learning_rate: Any, global_step: Any, decay_steps: Any, decay_rate: Any,
    staircase: bool = False, name: str | None = None,
) -> Any:  # fmt: skip
    """``learning_rate * decay_rate ** (global_step / decay_steps)``"""

    def rate() -> Any:
        passed = tf.cast(global_step, tf.float32) / tf.cast(decay_steps, tf.float32)
        power = tf.floor(passed) if staircase else passed
        return tf.cast(learning_rate, tf.float32) * tf.pow(tf.cast(decay_rate, tf.float32), power)

    return rate if tf.executing_eagerly() else rate()
