"""Optimizer: what all of them share; each adds its update of one variable."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import numpy as np

import graphc as tf
from graphc.keras import backend
from graphc.keras.engine.context import init_scope
from graphc.keras.named import Configured
from graphc.keras.optimizers.schedules import LearningRateSchedule
from graphc.keras.optimizers.schedules import deserialize as deserialize_schedule
from graphc.keras.optimizers.schedules import serialize as serialize_schedule
from graphc.keras.utils.layer_utils import assign_weights


class _Variables(list):
    """A list that may be called, as ``optimizer.variables()`` was."""

    def __call__(self) -> _Variables:
        return self


class Optimizer(Configured):
    """Changes variables by their gradients (Keras 2: ``tf.keras.optimizers.Optimizer``).

    A subclass defines ``update_step(gradient, variable, learning_rate)`` and names its slots, the
    variables it keeps for each trained one, in ``_slots``.  ``learning_rate`` is a number, a
    schedule or a function without arguments.  All write Variables, so a step can be compiled.

    ``clipnorm``, ``clipvalue``, ``global_clipnorm``: bounds of each gradient's norm, of each value,
    of the norm of all; one of them.  ``weight_decay``: share of the rate that is taken off each
    variable before its update.  ``use_ema``: keep averages, written into the variables every
    ``ema_overwrite_frequency`` steps or by `finalize_variable_values`.
    """

    # slot's name in get_slot of Keras up to 2.10: its name since
    _slots: dict[str, str] = {}

    def __init__(
        self, learning_rate: Any = 0.001, name: str | None = None,
        weight_decay: float | None = None, clipnorm: float | None = None,
        clipvalue: float | None = None, global_clipnorm: float | None = None,
        use_ema: bool = False, ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None, jit_compile: bool = True, **kwargs: Any,
    ) -> None:  # fmt: skip
        if isinstance(learning_rate, str):  # Keras 2 began with the name
            learning_rate, name = kwargs.pop("lr", 0.001), learning_rate
        if "lr" in kwargs:
            learning_rate = kwargs.pop("lr")
        self.decay = float(kwargs.pop("decay", None) or 0.0)
        for unknown in kwargs.keys() - {"is_legacy_optimizer", "gradient_accumulation_steps",
                                        "loss_scale_factor"}:  # fmt: skip
            raise TypeError(f"{unknown} is not a valid argument of {type(self).__name__}")
        limits = (clipnorm, clipvalue, global_clipnorm)
        if sum(limit is not None for limit in limits) > 1:
            raise ValueError(
                "At most one of `clipnorm`, `clipvalue` and `global_clipnorm` can be set. Received:"
                f" `clipnorm`={clipnorm}, `clipvalue`={clipvalue},"
                f" `global_clipnorm`={global_clipnorm}."
            )
        if any(limit is not None and limit <= 0 for limit in limits):
            raise ValueError(f"clipping needs positive bounds, got {limits}")
        if use_ema and not 0 <= ema_momentum <= 1:
            raise ValueError(f"`ema_momentum` must be in the range [0, 1], got {ema_momentum}")
        self.name = name or type(self).__name__
        self.weight_decay, self.jit_compile = weight_decay, jit_compile
        self.clipnorm, self.clipvalue, self.global_clipnorm = clipnorm, clipvalue, global_clipnorm
        self.use_ema, self.ema_momentum = use_ema, ema_momentum
        self.ema_overwrite_frequency = ema_overwrite_frequency
        self._excluded: tuple[set[int], list[str]] = (set(), [])
        self._held: dict[tuple[str, int], tf.Variable] = {}
        self._known: dict[int, tf.Variable] = {}
        with init_scope():
            self._iterations = tf.Variable(0, dtype=tf.int64, trainable=False, name="iteration")
        self._variables = _Variables([self._iterations])
        self._learning_rate: Any = None
        self._set_rate(learning_rate)

    # --- the rate and the count of steps ---

    def _set_rate(self, rate: Any) -> None:
        if isinstance(rate, dict):
            rate = deserialize_schedule(rate)
        if callable(rate) and not isinstance(rate, tf.Variable):
            self._learning_rate = rate
            return
        with init_scope():
            made = tf.Variable(rate, dtype=backend.floatx(), trainable=False, name="learning_rate")
        self._learning_rate = made
        self._variables.insert(1, made)

    @property
    def learning_rate(self) -> Any:
        """The Variable of the rate, or what the schedule gives now; it can be set."""
        rate = self._learning_rate
        if isinstance(rate, LearningRateSchedule):
            return rate(self._iterations)
        return rate if isinstance(rate, tf.Variable) else tf.convert_to_tensor(rate())

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        if callable(value) and not isinstance(value, tf.Variable):
            if isinstance(self._learning_rate, tf.Variable):
                self._variables[:] = self.weights
            self._learning_rate = value
        elif not isinstance(self._learning_rate, tf.Variable):
            raise TypeError(
                "This optimizer was created with a `LearningRateSchedule` object as its"
                " `learning_rate` constructor argument, hence its learning rate is not settable."
                " If you need the learning rate to be settable, you should instantiate the"
                " optimizer with a float `learning_rate` argument."
            )
        else:
            self._learning_rate.assign(tf.cast(value, self._learning_rate.dtype))

    lr = learning_rate

    def _rate_now(self) -> Any:
        rate = tf.convert_to_tensor(self.learning_rate)
        if self.decay:
            rate = rate / (1.0 + self.decay * tf.cast(self._iterations, rate.dtype))
        return rate

    @property
    def iterations(self) -> tf.Variable:
        """How many steps it has made, int64."""
        return self._iterations

    @iterations.setter
    def iterations(self, value: Any) -> None:
        if self._known:
            raise RuntimeError(
                "Cannot set `iterations` to a new Variable after the Optimizer weights have been"
                " created."
            )
        if isinstance(value, tf.Variable):
            self._iterations = self._variables[0] = value
        else:
            self._iterations.assign(value)

    def steps(self, dtype: Any) -> Any:
        """The number of this step, from 1, as a number to compute with."""
        return tf.cast(self._iterations + 1, dtype)

    # --- its variables ---

    @property
    def variables(self) -> _Variables:
        """`iterations`, the rate, and the slots variable by variable; may be called."""
        return self._variables

    @property
    def weights(self) -> list[tf.Variable]:
        """`iterations` and the slots."""
        return [v for v in self._variables if v is not self._learning_rate]

    def get_weights(self) -> list[np.ndarray]:
        return [v.numpy() for v in self.weights]

    def set_weights(self, weights: Any) -> None:
        """Give `weights` their values; all or none."""
        assign_weights(self.weights, weights, f"optimizer {self.name}", "Optimizer")

    def build(self, var_list: Iterable[tf.Variable]) -> None:
        """Make the slots of variables that have none yet."""
        new = [v for v in var_list if v.key not in self._known]
        if not new:
            return
        self._known.update((v.key, v) for v in new)
        if self.use_ema:
            for variable in new:
                self.add_variable_from_reference(variable, "average", initial_value=variable)
        self.create_slots(new)
        if hasattr(self, "_create_slots"):  # subclasses written for Keras up to 2.10
            self._create_slots(new)

    def create_slots(self, variables: list[tf.Variable]) -> None:
        """Make those named in ``_slots``, all of one variable and then of the next."""
        for variable in variables:
            for slot in self._slots.values():
                self.add_variable_from_reference(variable, slot)

    def add_variable_from_reference(
        self, reference_variable: tf.Variable, variable_name: str = "", shape: Any = None,
        initial_value: Any = None, name: str = "", initializer: Any = "zeros",
    ) -> tf.Variable:  # fmt: skip
        """A slot of a variable's dtype and shape, zeros unless a value is given."""
        slot = variable_name or name
        if initial_value is None:
            shape = reference_variable.shape if shape is None else shape
            dtype = reference_variable.dtype
            with init_scope():
                zeros = initializer in ("zeros", None)
                initial_value = tf.zeros(shape, dtype) if zeros else initializer(shape, dtype)
        with init_scope():
            made = tf.Variable(
                initial_value,
                trainable=False,
                dtype=reference_variable.dtype,
                name=f"{self.name}/{slot}/{reference_variable.symbol_name}",
            )
        self._held[slot, reference_variable.key] = made
        self._variables.append(made)
        return made

    def add_slot(
        self, var: tf.Variable, slot_name: str, initializer: Any = "zeros", shape: Any = None
    ) -> tf.Variable:
        """The slot of that name, made if there is none."""
        found = self._held.get((slot_name, var.key))
        if found is not None:
            return found
        value = None if callable(initializer) or isinstance(initializer, str) else initializer
        return self.add_variable_from_reference(
            var, slot_name, shape, value, initializer=initializer
        )

    def get_slot(self, var: tf.Variable, slot_name: str) -> tf.Variable:
        """A slot by its name; those of Keras up to 2.10 (``"m"``, ``"v"``) are known too."""
        found = self._held.get((slot_name, var.key))
        if found is None:
            found = self._held[self._slots.get(slot_name, slot_name), var.key]
        return found

    def get_slot_names(self) -> list[str]:
        return list(dict.fromkeys(slot for slot, _ in self._held))

    # --- a step ---

    def minimize(
        self, loss: Any, var_list: Any, grad_loss: Any = None, name: str | None = None,
        tape: Any = None,
    ) -> Any:  # fmt: skip
        """`compute_gradients` and `apply_gradients`."""
        return self.apply_gradients(self.compute_gradients(loss, var_list, grad_loss, tape))

    def compute_gradients(
        self, loss: Any, var_list: Any, grad_loss: Any = None, tape: Any = None
    ) -> list[tuple[Any, tf.Variable]]:
        """Gradients of a loss, a function without arguments or a tensor and its ``tape``."""
        if not callable(loss) and tape is None:
            raise ValueError(
                "`tape` is required when a `Tensor` loss is passed. Received:"
                f" loss={loss}, tape={tape}."
            )
        if callable(loss):
            tape = tf.GradientTape() if tape is None else tape
            with tape:
                if not callable(var_list):
                    tape.watch(var_list)
                loss = loss()
                var_list = var_list() if callable(var_list) else var_list
        variables = tf.nest.flatten(var_list() if callable(var_list) else var_list)
        gradients = tape.gradient(loss, variables, grad_loss)
        return list(zip(gradients, variables, strict=True))

    def apply_gradients(
        self, grads_and_vars: Iterable[tuple[Any, tf.Variable]], name: str | None = None, **_: Any
    ) -> tf.Variable:
        """Update variables by their gradients and count the step.

        Variables whose gradient is None stay as they are, with a warning; ``ValueError`` if all do.
        """
        pairs = _with_gradients(list(grads_and_vars))
        variables = [variable for _, variable in pairs]
        gradients = self._clipped([tf.convert_to_tensor(g) for g, _ in pairs])
        self.build(variables)
        rate = self._rate_now()
        self.begin_step(variables, rate)
        for gradient, variable in zip(gradients, variables, strict=True):
            own_rate = tf.cast(rate, variable.dtype)
            if self.weight_decay and not self._is_excluded(variable):
                variable.assign_sub(variable * (self.weight_decay * own_rate))
            more = (own_rate,) if _takes_rate(type(self)) else ()
            self.update_step(gradient, variable, *more)
        if self.use_ema:
            self._average(variables)
        for variable in variables:
            if variable.constraint is not None:
                variable.assign(variable.constraint(variable))
        self._iterations.assign_add(1)
        return self._iterations

    def begin_step(self, variables: list[tf.Variable], rate: Any) -> None:
        """What a step does once, before it updates the variables."""

    def update_step(self, gradient: Any, variable: tf.Variable, learning_rate: Any) -> None:
        """Update one variable; by what subclasses of Keras up to 2.10 define, if they do."""
        if not hasattr(self, "_resource_apply_dense"):
            raise NotImplementedError(f"{type(self).__name__} must define `update_step`.")
        self._resource_apply_dense(gradient, variable)

    def _decayed_lr(self, var_dtype: Any) -> Any:
        return tf.cast(self._rate_now(), var_dtype)

    def _clipped(self, gradients: list[Any]) -> list[Any]:
        if self.clipnorm is not None:
            return [tf.clip_by_norm(g, self.clipnorm) for g in gradients]
        if self.clipvalue is not None:
            return [tf.clip_by_value(g, -self.clipvalue, self.clipvalue) for g in gradients]
        if self.global_clipnorm is not None:
            return list(tf.clip_by_global_norm(gradients, self.global_clipnorm)[0])
        return gradients

    # --- weight decay and averages ---

    def exclude_from_weight_decay(self, var_list: Any = None, var_names: Any = None) -> None:
        """Variables, or those whose names contain one of ``var_names``, do not decay."""
        self._excluded[0].update(v.key for v in var_list or ())
        self._excluded[1].extend(var_names or ())

    def _is_excluded(self, variable: tf.Variable) -> bool:
        keys, names = self._excluded
        return variable.key in keys or any(name in variable.name for name in names)

    def _average(self, variables: list[tf.Variable]) -> None:
        for variable in variables:
            average = self._held["average", variable.key]
            average.assign(self.ema_momentum * average + (1 - self.ema_momentum) * variable)
            if self.ema_overwrite_frequency:
                due = tf.equal((self._iterations + 1) % self.ema_overwrite_frequency, 0)
                variable.assign(tf.where(due, average, variable))

    def finalize_variable_values(self, var_list: Iterable[tf.Variable]) -> None:
        """Write the averages into the variables, at the end of training."""
        if self.use_ema:
            for variable in var_list:
                variable.assign(self._held["average", variable.key])

    # --- as plain data ---

    def get_config(self) -> dict[str, Any]:
        scheduled = isinstance(self._learning_rate, LearningRateSchedule)
        rate = serialize_schedule(self._learning_rate) if scheduled else float(self.learning_rate)
        # a 32-bit rate as the short number it was given as
        rate = rate if scheduled else float(f"{rate:.7g}")
        decay = {"decay": self.decay} if self.decay else {}
        return super().get_config() | {"learning_rate": rate} | decay

    @classmethod
    def from_config(cls, config: Any, custom_objects: Any = None) -> Any:
        config = dict(config)
        if isinstance(config.get("learning_rate"), dict):
            rate = deserialize_schedule(config["learning_rate"], custom_objects)
            config["learning_rate"] = rate
        return cls(**config)


def _with_gradients(pairs: list[tuple[Any, tf.Variable]]) -> list[tuple[Any, tf.Variable]]:
    """The pairs that have a gradient."""
    found = [(g, v) for g, v in pairs if g is not None]
    missing = [v.name for g, v in pairs if g is None]
    if not found:
        raise ValueError(
            f"No gradients provided for any variable: {missing or 'there is none'}."
            " Are they used by the loss, and is it computed inside the tape?"
        )
    if missing:
        warnings.warn(
            f"Gradients do not exist for variables {missing} when minimizing the loss. If you're"
            " using `model.compile()`, did you forget to provide a `loss` argument?",
            stacklevel=3,
        )
    return found


@lru_cache
def _takes_rate(cls: type) -> bool:
    """Keras 2.11 to 2.15 call ``update_step(gradient, variable)``."""
    return len(inspect.signature(cls.update_step).parameters) > 3  # type: ignore[attr-defined]
