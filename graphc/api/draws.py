"""Random numbers: from the global generator, or as pure functions of a seed."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.api.arguments import known, known_shape, like
from graphc.api.shapes import cast
from graphc.ir import dtypes
from graphc.ops import ops
from graphc.trace.dispatch import convert_to_tensor, static_value
from graphc.trace.rng import next_key
from graphc.trace.tensor import Tensor


def _uniform(key: Tensor, shape: Any, minval: Any, maxval: Any, dtype: Any) -> Tensor:
    kind, size = dtypes.as_dtype(dtype), known_shape(shape)
    if kind.is_integer:
        if maxval is None:
            raise ValueError("uniform integers need maxval")
        low, high = (cast(v, kind) for v in (minval, maxval))
        return ops.random_integers(key, low, high, shape=size)
    draw = ops.random_uniform(key, shape=size, dtype=kind)
    low, high = (convert_to_tensor(v, dtype_hint=kind) for v in (minval, maxval))
    if static_value(minval) == 0 and static_value(maxval) == 1:
        return draw
    return ops.add(ops.multiply(draw, ops.subtract(high, low)), low)


def _spread(draw: Tensor, mean: Any, stddev: Any) -> Tensor:
    if static_value(stddev) != 1:
        draw = ops.multiply(draw, stddev)
    return draw if static_value(mean) == 0 else ops.add(draw, mean)


def uniform(
    shape: Any, minval: Any = 0, maxval: Any = None, dtype: Any = dtypes.float32, seed: Any = None,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Draw uniformly from [minval, maxval); ``maxval`` is 1 for floats, integers need one."""
    kind = dtypes.as_dtype(dtype)
    high = 1 if maxval is None and not kind.is_integer else maxval
    return _uniform(next_key(seed), shape, minval, high, kind)


def normal(
    shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = dtypes.float32, seed: Any = None,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Draw from a normal distribution."""
    kind, size = dtypes.as_dtype(dtype), known_shape(shape)
    return _spread(ops.random_normal(next_key(seed), shape=size, dtype=kind), mean, stddev)


def truncated_normal(
    shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = dtypes.float32, seed: Any = None,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Draw from a normal distribution without values beyond two standard deviations."""
    draw = ops.random_truncated_normal(
        next_key(seed), shape=known_shape(shape), dtype=dtypes.as_dtype(dtype)
    )
    return _spread(draw, mean, stddev)


def shuffle(value: Any, seed: Any = None, name: str | None = None) -> Tensor:
    """Put the rows into random order."""
    x = convert_to_tensor(value)
    return ops.gather(x, ops.random_permutation(next_key(seed), size=x.dims[0]), axis=0)


def categorical(
    logits: Any, num_samples: Any, dtype: Any = None, seed: Any = None, name: str | None = None
) -> Tensor:
    """Draw class indices [batch, num_samples] by logits [batch, classes]; int64 unless given."""
    kind = dtypes.int64 if dtype is None else dtypes.as_dtype(dtype)
    count = known(num_samples, "num_samples")
    x = cast(logits, dtypes.float64)
    return ops.random_categorical(next_key(seed), x, count=count, dtype=kind)


def dropout(
    x: Any, rate: Any, noise_shape: Any = None, seed: Any = None, name: str | None = None
) -> Tensor:
    """Set elements to zero with probability ``rate``; what stays is scaled by 1 / (1 - rate).

    ``noise_shape`` has 1 where elements along an axis share their fate.
    """
    t = convert_to_tensor(x, dtype_hint=dtypes.float32)
    number = static_value(rate)
    if number is not None and not 0 <= number < 1:
        raise ValueError(f"dropout: rate must be in [0, 1), got {number}")
    if number == 0:
        return ops.identity(t)
    shape = t.dims
    if noise_shape is not None:
        given = zip(noise_shape, t.dims, strict=True)
        shape = tuple(d if n is None else n for n, d in given)
    share = like(rate, t)
    kept = ops.greater_equal(ops.random_uniform(next_key(seed), shape=shape, dtype=t.dtype), share)
    scaled = ops.divide(t, ops.subtract(1, share))
    return ops.select(kept, scaled, ops.constant(value=np.zeros((), t.dtype.np)))


# --- pure functions of a seed ---------------------------------------------------------------------


def _key(seed: Any) -> Tensor:
    """A seed, two integers, as a key."""
    words = convert_to_tensor(seed, dtype_hint=dtypes.int64)
    if words.dims != (2,):
        raise ValueError(f"a stateless seed is two integers, got shape {words.shape}")
    return ops.cast(ops.cast(words, dtype=dtypes.int64), dtype=dtypes.uint64)


def stateless_uniform(
    shape: Any, seed: Any, minval: Any = 0, maxval: Any = None, dtype: Any = dtypes.float32,
    name: str | None = None, alg: str = "auto_select",
) -> Tensor:  # fmt: skip
    """Draw uniformly from [minval, maxval): the same numbers for the same seed [2]."""
    kind = dtypes.as_dtype(dtype)
    high = 1 if maxval is None and not kind.is_integer else maxval
    return _uniform(_key(seed), shape, minval, high, kind)


def stateless_normal(
    shape: Any, seed: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = dtypes.float32,
    name: str | None = None, alg: str = "auto_select",
) -> Tensor:  # fmt: skip
    """Draw from a normal distribution: the same numbers for the same seed [2]."""
    kind, size = dtypes.as_dtype(dtype), known_shape(shape)
    return _spread(ops.random_normal(_key(seed), shape=size, dtype=kind), mean, stddev)


def stateless_truncated_normal(
    shape: Any, seed: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = dtypes.float32,
    name: str | None = None, alg: str = "auto_select",
) -> Tensor:  # fmt: skip
    """Draw like `truncated_normal`: the same numbers for the same seed [2]."""
    kind, size = dtypes.as_dtype(dtype), known_shape(shape)
    draw = ops.random_truncated_normal(_key(seed), shape=size, dtype=kind)
    return _spread(draw, mean, stddev)


def stateless_categorical(
    logits: Any, num_samples: Any, seed: Any, dtype: Any = dtypes.int64, name: str | None = None
) -> Tensor:
    """Draw like `categorical`: the same indices for the same seed [2]."""
    count = known(num_samples, "num_samples")
    x = cast(logits, dtypes.float64)
    return ops.random_categorical(_key(seed), x, count=count, dtype=dtypes.as_dtype(dtype))
