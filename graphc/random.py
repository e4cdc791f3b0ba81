"""``tf.random``: draws from the global generator, in eager code and in graphs alike."""

from __future__ import annotations

from typing import Any

from graphc.array_ops import cast, known_shape
from graphc.ir import dtypes
from graphc.ops import ops
from graphc.trace.dispatch import convert_to_tensor, static_value
from graphc.trace.rng import next_key, set_seed
from graphc.trace.tensor import Tensor

__all__ = ["categorical", "normal", "set_seed", "shuffle", "truncated_normal", "uniform"]


def uniform(
    shape: Any, minval: Any = 0, maxval: Any = None, dtype: Any = dtypes.float32, seed: int | None = None,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Uniform in [minval, maxval); integers need ``maxval``."""
    kind, size = dtypes.as_dtype(dtype), known_shape(shape)
    if kind.is_integer:
        if maxval is None:
            raise ValueError("random.uniform of integers needs maxval")
        low, high = (convert_to_tensor(v, kind) for v in (minval, maxval))
        return ops.random_integers(next_key(seed), low, high, shape=size)
    draw = ops.random_uniform(next_key(seed), shape=size, dtype=kind)
    top = 1 if maxval is None else maxval
    if static_value(minval) == 0 and static_value(top) == 1:
        return draw
    low = convert_to_tensor(minval, dtype_hint=kind)
    return draw * (convert_to_tensor(top, dtype_hint=kind) - low) + low  # type: ignore[operator]


def normal(
    shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = dtypes.float32, seed: int | None = None,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Normal with a mean and a standard deviation."""
    draw = ops.random_normal(next_key(seed), shape=known_shape(shape), dtype=dtypes.as_dtype(dtype))
    return _scaled(draw, mean, stddev)


def truncated_normal(
    shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = dtypes.float32, seed: int | None = None,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Normal without values beyond two standard deviations."""
    kind = dtypes.as_dtype(dtype)
    draw = ops.random_truncated_normal(next_key(seed), shape=known_shape(shape), dtype=kind)
    return _scaled(draw, mean, stddev)


def _scaled(draw: Any, mean: Any, stddev: Any) -> Tensor:
    if static_value(stddev) != 1.0:
        draw = draw * stddev
    return draw if static_value(mean) == 0.0 else draw + mean


def shuffle(value: Any, seed: int | None = None, name: str | None = None) -> Tensor:
    """The rows in random order."""
    x = convert_to_tensor(value)
    order = ops.random_permutation(next_key(seed), size=x.dims[0])
    return ops.gather(x, order, axis=0)


def categorical(logits: Any, num_samples: Any, dtype: Any = dtypes.int64, seed: int | None = None, name: str | None = None) -> Tensor:
    """Class indices [batch, num_samples] drawn by unnormalised log probabilities [batch, classes]."""
    x = cast(logits, dtypes.float64)
    count = static_value(num_samples)
    return ops.random_categorical(next_key(seed), x, count=count, dtype=dtypes.as_dtype(dtype))
