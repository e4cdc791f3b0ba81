"""Metrics: numbers that Variables gather over many batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import graphc as tf
from graphc.keras.engine.base_layer import Layer
from graphc.keras.engine.context import converted
from graphc.keras.losses.base import fit_weights, mask_of, masked_weights, squeeze_last
from graphc.keras.utils.serialization import arguments_of


class Metric(Layer):
    """A number that is gathered over batches (Keras 2: ``tf.keras.metrics.Metric``).

    A subclass makes its Variables with `add_weight`, changes them in ``update_state`` and computes
    the number in ``result``.  Called, it does both.
    """

    _is_metric = True

    def __init__(self, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.stateful = self.built = True

    def add_weight(  # type: ignore[override]
        self, name: Any = None, shape: Any = (), aggregation: Any = None,
        synchronization: Any = None, initializer: Any = "zeros", dtype: Any = None, **_: Any,
    ) -> tf.Variable:  # fmt: skip
        """A Variable of the state; zeros to begin with."""
        return super().add_weight(name, shape, dtype, initializer or "zeros", trainable=False)

    def update_state(self, *args: Any, **kwargs: Any) -> Any:
        """Take a batch in."""
        raise NotImplementedError("Must be implemented in subclasses.")

    def result(self) -> Any:
        """The number, of all batches since the last reset."""
        raise NotImplementedError("Must be implemented in subclasses.")

    def reset_state(self) -> None:
        """Forget all batches."""
        if type(self).reset_states is not Metric.reset_states:  # how it was called up to 2.4
            self.reset_states()
            return
        for variable in self.variables:
            variable.assign(tf.zeros_like(variable))

    def reset_states(self) -> None:
        self.reset_state()

    def merge_state(self, metrics: Any) -> None:
        """Add what other metrics of this kind have gathered."""
        for metric in metrics:
            if len(self.weights) != len(metric.weights):
                raise ValueError(f"Metric {metric} is not compatible with {self}")
            for mine, other in zip(self.weights, metric.weights, strict=True):
                mine.assign_add(other)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Take a batch in; the result so far."""
        converted(self.update_state)(*args, **kwargs)
        return converted(self.result)()

    def get_config(self) -> dict[str, Any]:
        return arguments_of(self)


class Sum(Metric):
    """The (weighted) sum of all values."""

    def __init__(self, name: str | None = "sum", dtype: Any = None) -> None:
        super().__init__(name, dtype)
        self.total = self.add_weight("total")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        values, _ = weighted(values, sample_weight, self.dtype)
        self.total.assign_add(tf.reduce_sum(values))

    def result(self) -> Any:
        return tf.identity(self.total)


class Mean(Metric):
    """The (weighted) mean of all values."""

    def __init__(self, name: str | None = "mean", dtype: Any = None) -> None:
        super().__init__(name, dtype)
        self.total = self.add_weight("total")
        self.count = self.add_weight("count")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        values, weights = weighted(values, sample_weight, self.dtype)
        self.total.assign_add(tf.reduce_sum(values))
        count = tf.cast(tf.size(values), self.dtype) if weights is None else tf.reduce_sum(weights)
        self.count.assign_add(count)

    def result(self) -> Any:
        return tf.math.divide_no_nan(self.total, self.count)


class MeanTensor(Metric):
    """The (weighted) mean of tensors, element by element."""

    def __init__(self, name: str | None = "mean_tensor", dtype: Any = None, shape: Any = None):
        super().__init__(name, dtype)
        self.shape = shape
        self.total = self.count = None
        if shape is not None:
            self._make(shape)

    def _make(self, shape: Any) -> None:
        self.shape = tuple(shape)
        self.total = self.add_weight("total", shape)
        self.count = self.add_weight("count", shape)

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        values, weights = weighted(values, sample_weight, self.dtype)
        if self.total is None:
            self._make(values.shape)
        if not values.shape.is_compatible_with(self.shape):
            raise ValueError(
                "MeanTensor input values must always have the same shape. Expected shape (set"
                f" during the first call): {self.shape}. Got: {values.shape}."
            )
        self.total.assign_add(values)
        self.count.assign_add(tf.ones_like(values) if weights is None else weights)

    def result(self) -> Any:
        if self.total is None:
            raise ValueError(
                "MeanTensor does not have any value yet. Please call the MeanTensor instance or"
                " use `.update_state(value)` before retrieving the result."
            )
        return tf.math.divide_no_nan(self.total, self.count)


class MeanMetricWrapper(Mean):
    """The mean of a function of labels and predictions; ``kwargs`` go to the function."""

    def __init__(
        self, fn: Callable[..., Any], name: str | None = None, dtype: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(name, dtype)
        self._fn, self._fn_kwargs = fn, kwargs

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        y_pred, y_true = labels_and_predictions(y_pred, y_true, self.dtype)
        values = converted(self._fn)(y_true, y_pred, **self._fn_kwargs)
        weights = masked_weights(mask_of(values), sample_weight, values)
        super().update_state(values, weights)

    def get_config(self) -> dict[str, Any]:
        fn = {"fn": self._fn} if type(self) is MeanMetricWrapper else {}
        return {"name": self.name, "dtype": self.dtype, **fn, **self._fn_kwargs}


class FunctionMetric(MeanMetricWrapper):
    """The mean of a function that the class says."""

    _function: Callable[..., Any]

    def __init__(self, name: str | None = None, dtype: Any = None, **options: Any) -> None:
        function = type(self)._function
        super().__init__(function, name or function.__name__, dtype, **options)
        vars(self).update(options)


# --- values and their weights ---------------------------------------------------------------------


def labels_and_predictions(y_pred: Any, y_true: Any, dtype: Any) -> tuple[Any, Any]:
    """Both in a dtype and, where one has an axis of size 1 more, of one rank."""
    return squeeze_last(tf.cast(y_pred, dtype), tf.cast(y_true, dtype))


def weighted(values: Any, weights: Any, dtype: Any) -> tuple[Any, Any]:
    """Values times weights, and the weights of their shape (None without).

    Axes of the values that the weights do not have are averaged first, as in Keras 2.
    """
    values = tf.cast(values, dtype)
    if weights is None:
        return values, None
    weights = fit_weights(weights, values)
    if 0 < weights.ndim < values.ndim:
        values = tf.reduce_mean(values, axis=list(range(weights.ndim, values.ndim)))
    weights = tf.broadcast_to(weights, tf.shape(values))
    return values * weights, weights
