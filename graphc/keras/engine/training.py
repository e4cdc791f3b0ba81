"""Training: compile, fit, evaluate, predict, and the steps that they run.

Each step is one compiled function of a batch whose size is left open, so that the last batch of an
epoch, a smaller one, needs no program of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

import graphc as tf
from graphc.keras import backend, optimizers
from graphc.keras.callbacks import CallbackList, History
from graphc.keras.engine.compiled import CompiledLoss, CompiledMetrics
from graphc.keras.engine.context import converted, init_scope
from graphc.keras.engine.data import (
    Arrays,
    as_arrays,
    batches_of,
    is_arrays,
    pack_x_y_sample_weight,
    unpack_x_y_sample_weight,
    weights_of_classes,
)
from graphc.trace.tensor import EagerTensor

_COMPILE_OPTIONS = frozenset(
    ("distribute", "sample_weight_mode", "target_tensors", "auto_scale_loss")
)


class Trainer:
    """The part of a `Model` that trains it."""

    _untracked: frozenset[str] = frozenset((
        "optimizer", "compiled_loss", "compiled_metrics", "loss", "train_function",
        "test_function", "predict_function", "history", "_compile_config",
    ))  # fmt: skip

    def _init_training(self) -> None:
        self.stop_training = False
        self.optimizer: Any = None
        self.loss: Any = None
        self.compiled_loss: Any = None
        self.compiled_metrics: Any = None
        self.run_eagerly = False
        self.history: Any = None
        self._compile_config: dict[str, Any] | None = None
        self._forget_functions()

    def _forget_functions(self) -> None:
        self.train_function: Any = None
        self.test_function: Any = None
        self.predict_function: Any = None

    # --- compile ---

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        metrics: Any = None,
        loss_weights: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool | None = None,
        steps_per_execution: int | None = None,
        jit_compile: bool | None = None,
        **kwargs: Any,
    ) -> None:
        """Say how to train: by names, objects or functions; for several outputs lists or dicts.

        ``steps_per_execution`` and ``jit_compile`` are accepted: every step is compiled already.
        """
        for unknown in kwargs.keys() - _COMPILE_OPTIONS:
            raise TypeError(f"Invalid keyword argument(s) in `compile()`: {unknown!r}")
        self.optimizer = optimizers.get(optimizer)
        self.loss, self.run_eagerly = loss, bool(run_eagerly)
        names = self.output_names  # type: ignore[attr-defined]
        self.compiled_loss = CompiledLoss(loss, loss_weights, names)
        self.compiled_metrics = CompiledMetrics(metrics, weighted_metrics, names)
        self._compile_config = {
            "optimizer": self.optimizer, "loss": loss, "metrics": metrics,
            "loss_weights": loss_weights, "weighted_metrics": weighted_metrics,
        }  # fmt: skip
        self._forget_functions()

    @property
    def metrics(self) -> list[Any]:
        """Metrics of the loss, of ``compile``, and of the layers."""
        compiled: list[Any] = []
        if self.compiled_loss is not None:
            compiled = [*self.compiled_loss.metrics, *self.compiled_metrics.metrics]
        return [*compiled, *super().metrics]  # type: ignore[misc]

    @property
    def metrics_names(self) -> list[str]:
        """The names in the logs; known once the model has seen data."""
        return [m.name for m in self.metrics]

    def reset_metrics(self) -> None:
        for metric in self.metrics:
            metric.reset_state()

    def reset_states(self) -> None:
        """Let its stateful layers begin anew."""
        for layer in self._sublayers():
            if layer.stateful and hasattr(layer, "reset_states"):
                layer.reset_states()

    def _check_compiled(self) -> None:
        if self.optimizer is None:
            raise RuntimeError(
                "You must compile your model before training/testing. Use"
                " `model.compile(optimizer, loss)`."
            )

    # --- one step ---

    def train_step(self, data: Any) -> dict[str, Any]:
        """Train on one batch; override it for another way of training."""
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        with tf.GradientTape() as tape:
            y_pred = self(x, training=True)  # type: ignore[operator]
            loss = self.compute_loss(x, y, y_pred, sample_weight)
        weights = self.trainable_variables  # type: ignore[attr-defined]
        gradients = tape.gradient(loss, weights)
        with init_scope():
            self.optimizer.build(weights)
        self.optimizer.apply_gradients(zip(gradients, weights, strict=True))
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def test_step(self, data: Any) -> dict[str, Any]:
        """Evaluate one batch."""
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        y_pred = self(x, training=False)  # type: ignore[operator]
        self.compute_loss(x, y, y_pred, sample_weight)
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def predict_step(self, data: Any) -> Any:
        """The outputs for one batch."""
        return self(unpack_x_y_sample_weight(data)[0], training=False)  # type: ignore[operator]

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None
    ) -> Any:
        """What is minimised: the compiled losses and the layers' own."""
        penalties = self.losses  # type: ignore[attr-defined]
        return self.compiled_loss(y, y_pred, sample_weight, regularization_losses=penalties)

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any) -> dict[str, Any]:
        """Let the metrics see a batch, and return what they are now."""
        self.compiled_metrics.update_state(y, y_pred, sample_weight)
        return self.get_metrics_result()

    def get_metrics_result(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for metric in self.metrics:
            result = converted(metric.result)()
            found |= result if isinstance(result, dict) else {metric.name: result}
        return found

    # --- compiled steps ---

    def make_train_function(self, force: bool = False) -> Callable[[Any], Any]:
        if self.train_function is None or force:
            self.train_function = self._staged("train_step")
        return self.train_function

    def make_test_function(self, force: bool = False) -> Callable[[Any], Any]:
        if self.test_function is None or force:
            self.test_function = self._staged("test_step")
        return self.test_function

    def make_predict_function(self, force: bool = False) -> Callable[[Any], Any]:
        if self.predict_function is None or force:
            self.predict_function = self._staged("predict_step")
        return self.predict_function

    def _staged(self, name: str) -> Callable[[Any], Any]:
        method = getattr(self, name)
        if self.run_eagerly or self.dynamic:  # type: ignore[attr-defined]
            return method

        def step(data: Any) -> Any:
            return converted(method)(data)

        return Step(self, tf.function(step, name=name, reduce_retracing=True))

    # --- fit ---

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: Any = True,
        class_weight: Any = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: Any = 1,
        max_queue_size: int = 10,
        workers: int = 1,
        use_multiprocessing: bool = False,
    ) -> History:
        """Train for some epochs; the `History` has the logs of each.

        ``x`` is an array, a list or dict of arrays, a Dataset, a generator or a ``Sequence``.
        """
        self._check_compiled()
        if validation_split and validation_data is None:
            (x, y, sample_weight), validation_data = _split(x, y, sample_weight, validation_split)
        batches = batches_of(
            x, y, sample_weight, batch_size, steps_per_epoch, shuffle, class_weight
        )
        self.stop_training = False
        step = self.make_train_function()
        hooks = CallbackList.of(
            callbacks, self, 1 if verbose == "auto" else verbose, epochs=epochs, steps=batches.steps
        )
        validate = None
        if validation_data is not None:
            validate = self._validation(
                validation_data, validation_batch_size or batch_size, validation_steps
            )
        hooks.on_train_begin()
        logs: dict[str, Any] = {}
        for epoch in range(hooks.params.get("resume", initial_epoch), epochs):
            self.reset_metrics()
            hooks.on_epoch_begin(epoch)
            logs = self._pass(step, batches, hooks.on_train_batch_begin, hooks.on_train_batch_end)
            if not logs:
                raise ValueError("Unexpected result of `train_function`: the data has no batches.")
            if validate is not None and _is_due(epoch, validation_freq):
                results = validate(hooks)
                logs |= {f"val_{name}": value for name, value in results.items()}
            hooks.on_epoch_end(epoch, logs)
            if self.stop_training:
                break
        hooks.on_train_end(logs)
        return self.history

    def _pass(self, step: Any, batches: Iterable[Any], begin: Any, end: Any) -> dict[str, Any]:
        """One pass over batches; the last logs as numbers."""
        logs: Any = None
        for number, data in enumerate(batches):
            if begin is not None:
                begin(number)
            logs = step(data)
            if end is not None:
                end(number, logs)
            if self.stop_training:
                break
        return as_numbers(logs or {})

    def _validation(self, data: Any, batch_size: Any, steps: Any) -> Callable[[Any], Any]:
        x, y, sample_weight = data, None, None
        if isinstance(data, tuple | list):
            x, y, sample_weight = unpack_x_y_sample_weight(data)
        batches = batches_of(x, y, sample_weight, batch_size, steps)

        def validate(hooks: CallbackList) -> dict[str, Any]:
            return self._evaluate(batches, hooks)

        return validate

    def _evaluate(self, batches: Any, hooks: CallbackList) -> dict[str, Any]:
        step = self.make_test_function()
        self.reset_metrics()
        hooks.on_test_begin()
        stopped, self.stop_training = self.stop_training, False
        logs = self._pass(step, batches, hooks.on_test_batch_begin, hooks.on_test_batch_end)
        self.stop_training = stopped
        hooks.on_test_end(logs)
        return logs

    # --- evaluate and predict ---

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        max_queue_size: int = 10,
        workers: int = 1,
        use_multiprocessing: bool = False,
        return_dict: bool = False,
        **kwargs: Any,
    ) -> Any:
        """The loss, and the metrics if there are any, over all data."""
        self._check_compiled()
        batches = batches_of(x, y, sample_weight, batch_size, steps)
        shown = 1 if verbose == "auto" else verbose
        hooks = CallbackList.of(
            callbacks, self, shown, epochs=1, steps=batches.steps, history=False
        )
        logs = self._evaluate(batches, hooks)
        return logs if return_dict else _flat(list(logs.values()))

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = 0,
        steps: int | None = None,
        callbacks: Any = None,
        max_queue_size: int = 10,
        workers: int = 1,
        use_multiprocessing: bool = False,
    ) -> Any:
        """The outputs for all data, as arrays."""
        step = self.predict_function or self.make_predict_function()
        plain = type(x) is np.ndarray and x.ndim and not (callbacks or verbose or steps)
        if plain and 0 < len(x) <= (batch_size or 32):  # one batch that nobody watches
            data = x.astype(backend.floatx(), copy=False) if x.dtype.kind == "f" else x
            return _as_numpy(step(EagerTensor(data)))
        batches = batches_of(x, None, None, batch_size, steps)
        hooks = CallbackList.of(
            callbacks, self, 0 if verbose == "auto" else verbose, epochs=1, steps=batches.steps,
            history=False,
        )  # fmt: skip
        hooks.on_predict_begin()
        parts = []
        for number, data in enumerate(batches):
            if hooks.on_predict_batch_begin is not None:
                hooks.on_predict_batch_begin(number)
            parts.append(step(data))
            if hooks.on_predict_batch_end is not None:
                hooks.on_predict_batch_end(number, {"outputs": parts[-1]})
        hooks.on_predict_end()
        if not parts:
            raise ValueError("Unexpected result of `predict_function`: the data has no batches.")
        return tf.nest.map_structure(
            lambda *each: np.concatenate([t.numpy() for t in each]), *parts
        )

    # --- one batch ---

    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Any = None,
        reset_metrics: bool = True,
        return_dict: bool = False,
    ) -> Any:
        """One step on one batch; the loss, and the metrics if there are any."""
        if class_weight is not None:
            sample_weight = weights_of_classes(class_weight, as_arrays(y), sample_weight)
        step = self.make_train_function
        return self._on_batch(step, x, y, sample_weight, reset_metrics, return_dict)

    def test_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        reset_metrics: bool = True,
        return_dict: bool = False,
    ) -> Any:
        step = self.make_test_function
        return self._on_batch(step, x, y, sample_weight, reset_metrics, return_dict)

    def _on_batch(
        self, make: Any, x: Any, y: Any, weights: Any, reset_metrics: bool, return_dict: bool
    ) -> Any:
        self._check_compiled()
        logs = as_numbers(make()(_whole(x, y, weights)))
        if reset_metrics:
            self.reset_metrics()
        return logs if return_dict else _flat(list(logs.values()))

    def predict_on_batch(self, x: Any) -> Any:
        return _as_numpy(self.make_predict_function()(_whole(x)))

    # --- names of older versions ---

    def fit_generator(self, generator: Any, *args: Any, **kwargs: Any) -> History:
        """`fit` takes generators."""
        names = ("steps_per_epoch", "epochs", "verbose", "callbacks", "validation_data")
        return self.fit(generator, **dict(zip(names, args, strict=False)), **kwargs)

    def evaluate_generator(self, generator: Any, steps: Any = None, **kwargs: Any) -> Any:
        return self.evaluate(generator, steps=steps, **kwargs)

    def predict_generator(self, generator: Any, steps: Any = None, **kwargs: Any) -> Any:
        return self.predict(generator, steps=steps, **kwargs)


class Step:
    """A compiled function of a batch that leaves the number of rows open."""

    def __init__(self, model: Any, function: Any) -> None:
        self.function, self._model = function, model
        self._known: set[Any] = set()

    def __call__(self, data: Any) -> Any:
        leaves = [t for t in tf.nest.flatten(data) if t is not None]
        kind = tuple([(t.dtype, len(t.dims)) for t in leaves])
        if kind not in self._known:
            self._known.add(kind)
            self._model._build_for(unpack_x_y_sample_weight(data)[0])
            if all(t.dims for t in leaves):
                self.function.get_concrete_function(tf.nest.map_structure(_open_rows, data))
        return self.function(data)


def _open_rows(t: Any) -> Any:
    return t if t is None else tf.TensorSpec((None, *t.shape[1:]), t.dtype)


def as_numbers(logs: Any) -> Any:
    """Logs as Python's numbers; arrays where there are several."""

    def number(value: Any) -> Any:
        if not isinstance(value, EagerTensor):
            return value
        return value.numpy().item() if not value.dims else value.numpy()

    return {name: number(value) for name, value in logs.items()}


def _joined(*parts: Any) -> np.ndarray:
    return np.concatenate([part.numpy() for part in parts])


def _as_numpy(outputs: Any) -> Any:
    if type(outputs) is EagerTensor:
        return outputs.numpy()
    return tf.nest.map_structure(lambda t: t.numpy(), outputs)


def _flat(results: list[Any]) -> Any:
    return results[0] if len(results) == 1 else results


def _whole(x: Any, y: Any = None, weights: Any = None) -> Any:
    """Everything as one batch."""
    arrays = Arrays(x, y, weights, batch_size=1)
    return arrays.batch(slice(0, arrays.count))


def _split(x: Any, y: Any, sample_weight: Any, fraction: float) -> tuple[Any, Any]:
    if not is_arrays(x):
        raise ValueError(
            "`validation_split` is only supported for Tensors or NumPy arrays, found following"
            f" types in the input: [{type(x)}]"
        )
    head, tail = Arrays(x, y, sample_weight).split(fraction)
    return head, pack_x_y_sample_weight(*tail)


def _is_due(epoch: int, frequency: Any) -> bool:
    """Whether to validate after this epoch."""
    if isinstance(frequency, int):
        return (epoch + 1) % frequency == 0
    return epoch + 1 in frequency
