"""Numbers of categories as rows of zeros and ones; numbers as numbers of bins; hashes."""

from __future__ import annotations

from typing import Any

import numpy as np

import graphc as tf
from graphc.keras.engine.base_layer import Layer
from graphc.keras.layers.preprocessing.adapted import PreprocessingLayer

ENCODINGS = ("one_hot", "multi_hot", "count")


def encoded(ids: Any, depth: int, mode: str, dtype: Any, weights: Any = None) -> Any:
    """Ids as "one_hot" [..., depth], or, over the last axis, as "multi_hot" or "count" [depth].

    A last axis of size 1 is encoded itself. ``weights`` multiply what "count" counts.
    """
    if mode == "int":
        return ids
    if mode == "one_hot" and ids.shape.rank and ids.shape[-1] == 1:
        ids = tf.squeeze(ids, -1)
    rows = tf.one_hot(ids, depth, dtype=dtype)
    if mode == "one_hot":
        return rows
    if ids.shape.rank == 0:
        return rows
    if mode == "multi_hot":
        return tf.reduce_max(rows, -2)
    if weights is not None:
        rows = rows * tf.expand_dims(tf.cast(weights, dtype), -1)
    return tf.reduce_sum(rows, -2)


def check_mode(layer: str, mode: str, known: tuple[str, ...]) -> str:
    """The mode, if it is one of ``known``."""
    if mode not in known:
        raise ValueError(
            f"Invalid value for argument `output_mode` of layer {layer}. Expected one of"
            f" {known}. Received: output_mode={mode!r}"
        )
    return mode


class CategoryEncoding(Layer):
    """Ids below ``num_tokens`` as vectors of that size: "one_hot" for each id, "multi_hot" or
    "count" for each sample.

    Raises ``InvalidArgumentError`` for ids that are not in [0, num_tokens).
    """

    def __init__(
        self, num_tokens: int | None = None, output_mode: str = "multi_hot", sparse: bool = False,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        if num_tokens is None or num_tokens < 1:
            raise ValueError(
                f"`num_tokens` must be set and >= 1. Received: num_tokens={num_tokens}."
            )
        self.num_tokens, self.sparse = num_tokens, sparse
        self.output_mode = check_mode("CategoryEncoding", output_mode, ENCODINGS)

    def call(self, inputs: Any, count_weights: Any = None) -> Any:
        if count_weights is not None and self.output_mode != "count":
            raise ValueError(
                "`count_weights` is not used when `output_mode` is not `'count'`. Received"
                f" `count_weights={count_weights}`."
            )
        ids = tf.cast(inputs, tf.int64)
        least, most = tf.reduce_min(ids), tf.reduce_max(ids)
        message = f"Input values must be in the range 0 <= values < num_tokens={self.num_tokens}"
        tf.debugging.assert_greater_equal(least, tf.constant(0, tf.int64), message)
        tf.debugging.assert_less(most, tf.constant(self.num_tokens, tf.int64), message)
        return encoded(ids, self.num_tokens, self.output_mode, self.compute_dtype, count_weights)


class Discretization(PreprocessingLayer):
    """Numbers as the number of the bin they lie in; a bin begins with its lower bound.

    ``bin_boundaries`` are given, or `adapt` finds ``num_bins`` bins with as many values each, as
    quantiles to within ``epsilon``.
    """

    def __init__(
        self, bin_boundaries: Any = None, num_bins: int | None = None, epsilon: float = 0.01,
        output_mode: str = "int", sparse: bool = False, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        if (num_bins is None) == (bin_boundaries is None):
            raise ValueError(
                "Exactly one of `num_bins` and `bin_boundaries` should be set. You passed"
                f" `num_bins={num_bins}` and `bin_boundaries={bin_boundaries}`"
            )
        if num_bins is not None and num_bins < 0:
            raise ValueError(
                f"`num_bins` must be greater than or equal to 0. You passed `num_bins={num_bins}`"
            )
        self.num_bins, self.epsilon, self.sparse = num_bins, epsilon, sparse
        self.bin_boundaries = None if bin_boundaries is None else list(map(float, bin_boundaries))
        self.output_mode = check_mode("Discretization", output_mode, ("int", *ENCODINGS))

    def reset_state(self) -> None:
        if self.num_bins is None:
            raise ValueError("Cannot adapt a Discretization layer that was given its boundaries.")
        self._summary = np.zeros((2, 0))

    def update_state(self, data: np.ndarray) -> None:
        values = np.sort(np.asarray(data, np.float64).ravel())
        step = max(int(len(values) * self.epsilon), 1)
        marks = values[int(len(values) * self.epsilon) :: step]
        both = np.concatenate([self._summary, [marks, np.full(len(marks), float(step))]], axis=1)
        self._summary = _quantiles(both[:, np.argsort(both[0], kind="stable")], self.epsilon)

    def finalize_state(self) -> None:
        assert self.num_bins is not None
        marks = _quantiles(self._summary, 1.0 / self.num_bins)[0, :-1]
        self.bin_boundaries = marks.tolist()

    def get_config(self) -> dict[str, Any]:
        """With the boundaries that were learnt: they are no weights, and must not be lost."""
        config = super().get_config()
        return config if self.bin_boundaries is None else config | {"num_bins": None}

    def call(self, inputs: Any) -> Any:
        if self.bin_boundaries is None:
            raise ValueError(
                "You need to call `adapt` on a Discretization layer, or give it `bin_boundaries`,"
                " before it is used"
            )
        x = tf.convert_to_tensor(inputs)
        bounds = tf.constant(self.bin_boundaries, tf.float32)
        flat = tf.reshape(tf.cast(x, tf.float32), [-1])
        found = tf.searchsorted(bounds, flat, side="right", out_type=tf.int64)
        ids = tf.reshape(found, tf.shape(x))
        depth = len(self.bin_boundaries) + 1
        return encoded(ids, depth, self.output_mode, self.compute_dtype)


def _quantiles(summary: np.ndarray, epsilon: float) -> np.ndarray:
    """Values (row 0) with weights (row 1), in order, as values at every part ``epsilon``."""
    if not summary.shape[1]:
        return summary
    parts = epsilon + np.arange(0.0, 1.0, epsilon)
    total = summary[1].cumsum()
    share = total / total[-1]
    values = np.interp(parts, share, summary[0])
    weights = np.diff(np.interp(parts, share, total), prepend=0.0)
    return np.stack([values, weights])


class Hashing(Layer):
    """Texts or whole numbers as a number below ``num_bins``, by FarmHash64, or SipHash64 with a
    ``salt`` (one number or two).

    ``mask_value`` becomes 0, and all others 1 and more.
    """

    def __init__(
        self, num_bins: int, mask_value: Any = None, salt: Any = None, output_mode: str = "int",
        sparse: bool = False, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        if num_bins is None or num_bins <= 0:
            raise ValueError(
                "The `num_bins` for `Hashing` cannot be `None` or non-positive values. Received:"
                f" num_bins={num_bins}."
            )
        self.num_bins, self.mask_value, self.sparse = num_bins, mask_value, sparse
        self.salt = [salt, salt] if isinstance(salt, int) else salt
        self.output_mode = check_mode("Hashing", output_mode, ("int", *ENCODINGS))

    def _converted(self, inputs: Any) -> Any:
        return tf.convert_to_tensor(inputs)

    def call(self, inputs: Any) -> Any:
        x = tf.convert_to_tensor(inputs)
        texts = x if x.dtype == tf.string else tf.as_string(x)
        masked = self.mask_value is not None and self.num_bins > 1
        bins = self.num_bins - 1 if masked else self.num_bins
        if self.salt is None:
            ids = tf.strings.to_hash_bucket_fast(texts, bins)
        else:
            ids = tf.strings.to_hash_bucket_strong(texts, bins, self.salt)
        if masked:
            same = tf.equal(x, tf.constant(self.mask_value, x.dtype))
            ids = tf.where(same, tf.zeros_like(ids), ids + 1)
        return encoded(ids, self.num_bins, self.output_mode, self.compute_dtype)


class HashedCrossing(Layer):
    """Pairs (or more) of texts or whole numbers as one number below ``num_bins``: the hash of both
    joined by "_X_"."""

    def __init__(
        self, num_bins: int, output_mode: str = "int", sparse: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if num_bins is None or num_bins <= 0:
            raise ValueError(
                "The `num_bins` for `HashedCrossing` cannot be `None` or non-positive. Received:"
                f" num_bins={num_bins}."
            )
        self.num_bins, self.sparse = num_bins, sparse
        self.output_mode = check_mode("HashedCrossing", output_mode, ("int", "one_hot"))

    def _converted(self, inputs: Any) -> Any:
        return tuple(map(tf.convert_to_tensor, inputs))

    def call(self, inputs: Any) -> Any:
        if len(inputs) < 2:
            raise ValueError("`HashedCrossing` should be called on at least two inputs.")
        parts = [x if x.dtype == tf.string else tf.as_string(x) for x in inputs]
        ids = tf.strings.to_hash_bucket_fast(tf.strings.join(parts, "_X_"), self.num_bins)
        return encoded(ids, self.num_bins, self.output_mode, self.compute_dtype)
