"""Random numbers: from the global generator, or as pure functions of a seed."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import numpy as np

from graphc.api.arguments import alike, known_shape, known_size, like
from graphc.api.shapes import cast
from graphc.errors import DTypeError, InvalidArgumentError
from graphc.function import function
from graphc.ir import dtypes
from graphc.ir.types import broadcast_shapes
from graphc.ops import REGISTRY, ops
from graphc.trace.dispatch import convert_to_tensor, static_value
from graphc.trace.rng import next_key
from graphc.trace.state import current
from graphc.trace.tensor import Tensor

# --- distributions, as functions of a key ---------------------------------------------------------


_LARGE = 1 << 12  # elements: more are drawn by a kernel also in eager code
_BELOW = 0.022750131948179195  # the share of a normal distribution below -2


def _draw(name: str, key: Tensor, shape: Any, dtype: Any, *bounds: Tensor) -> Tensor:
    attrs = dict(shape=shape) if dtype is None else dict(shape=shape, dtype=dtype)
    if current.tracer is None and math.prod(shape) >= _LARGE:
        return _compiled(name, *attrs.items())(key, *bounds)
    return REGISTRY[name](key, *bounds, **attrs)


@lru_cache(maxsize=256)
def _compiled(name: str, *attrs: tuple[str, Any]) -> Callable[..., Tensor]:
    return function(partial(REGISTRY[name], **dict(attrs)), autograph=False)


def draw_uniform(key: Tensor, shape: Any, minval: Any, maxval: Any, dtype: Any) -> Tensor:
    kind, size = dtypes.as_dtype(dtype), known_shape(shape)
    if kind.is_integer:
        if maxval is None and minval is not None:
            raise ValueError("uniform integers need maxval")
        if maxval is None:
            return _draw("random_bits", key, size, kind)
        low, high = (_as(v, kind) for v in (minval, maxval))
        return _draw("random_integers", key, size, None, low, high)
    draw = _draw("random_uniform", key, size, kind)
    minval, maxval = 0 if minval is None else minval, 1 if maxval is None else maxval
    low, high = (convert_to_tensor(v, dtype_hint=kind) for v in (minval, maxval))
    if static_value(minval) == 0 and static_value(maxval) == 1:
        return draw
    return ops.add(ops.multiply(draw, ops.subtract(high, low)), low)


def _as(value: Any, kind: Any) -> Tensor:
    t = convert_to_tensor(value, dtype_hint=kind)
    return t if t.dtype is kind else ops.cast(t, dtype=kind)


def draw_bits(key: Tensor, shape: Any, dtype: Any) -> Tensor:
    return _draw("random_bits", key, known_shape(shape), dtypes.as_dtype(dtype))


def draw_normal(key: Tensor, shape: Any, mean: Any, stddev: Any, dtype: Any) -> Tensor:
    kind, size = dtypes.as_dtype(dtype), known_shape(shape)
    return _spread(_draw("random_normal", key, size, kind), mean, stddev)


def draw_truncated(key: Tensor, shape: Any, mean: Any, stddev: Any, dtype: Any) -> Tensor:
    """By the inverse of the normal distribution's function between -2 and 2."""
    kind, size = dtypes.as_dtype(dtype), known_shape(shape)
    u: Any = _draw("random_uniform", key, size, dtypes.float64)
    z = ops.ndtri(u * (1 - 2 * _BELOW) + (_BELOW + 2.0**-54))
    z = ops.minimum(ops.maximum(z, -2), 2)
    return _spread(ops.cast(z, dtype=kind), mean, stddev)


def _spread(draw: Tensor, mean: Any, stddev: Any) -> Tensor:
    if static_value(stddev) != 1:
        draw = ops.multiply(draw, stddev)
    return draw if static_value(mean) == 0 else ops.add(draw, mean)


def draw_categorical(key: Tensor, logits: Any, num_samples: Any, dtype: Any) -> Tensor:
    """The Gumbel-max trick: the largest of the logits with noise added."""
    kind = dtypes.int64 if dtype is None else dtypes.as_dtype(dtype)
    x, count = cast(logits, dtypes.float64), known_size(num_samples, "num_samples")
    if len(x.dims) != 2:
        raise InvalidArgumentError(f"categorical: logits must be a matrix, got shape {x.shape}")
    shape = (x.dims[0], count, x.dims[1])
    u: Any = _draw("random_uniform", key, shape, dtypes.float64)
    noise = -ops.log(-ops.log(u + 2.0**-54))
    return ops.argmax(ops.expand_dims(x, axis=1) + noise, axis=2, output_type=kind)


def draw_shuffled(key: Tensor, value: Any) -> Tensor:
    x = convert_to_tensor(value)
    if not x.dims:
        return x
    return ops.gather(x, _permutation(key, x.dims[0]), axis=0)


def _permutation(key: Tensor, size: Any) -> Tensor:
    """The numbers below ``size`` in random order, int32."""
    return ops.argsort(_draw("random_bits", key, (size,), dtypes.uint64), axis=0)


def draw_gamma(key: Tensor, shape: Any, alpha: Any, beta: Any, dtype: Any) -> Tensor:
    """Of a whole shape, to which alpha and beta broadcast."""
    kind = dtypes.as_dtype(dtype)
    a = convert_to_tensor(alpha, dtype_hint=kind)
    draw = ops.random_gamma(key, a, shape=known_shape(shape), dtype=kind)
    draw = ops.maximum(draw, float(np.finfo(kind.np).tiny))
    return draw if beta is None else ops.divide(draw, beta)


def draw_poisson(key: Tensor, shape: Any, rate: Any, dtype: Any) -> Tensor:
    size, kind = known_shape(shape), dtypes.as_dtype(dtype)
    return ops.random_poisson(key, cast(rate, dtypes.float64), shape=size, dtype=kind)


def draw_binomial(key: Tensor, shape: Any, counts: Any, probs: Any, dtype: Any) -> Tensor:
    n, p = (cast(v, dtypes.float64) for v in (counts, probs))
    size, kind = known_shape(shape), dtypes.as_dtype(dtype)
    return ops.random_binomial(key, n, p, shape=size, dtype=kind)


# --- from the global generator --------------------------------------------------------------------


def uniform(
    shape: Any, minval: Any = 0, maxval: Any = None, dtype: Any = dtypes.float32, seed: Any = None,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Draw uniformly from [minval, maxval); ``maxval`` is 1 for floats, integers need one."""
    return draw_uniform(next_key(seed), shape, minval, maxval, dtype)


def _float(dtype: Any) -> Any:
    kind = dtypes.as_dtype(dtype)
    if not kind.is_floating:
        raise DTypeError(f"normal numbers are floats, not {kind.name}")
    return kind


def normal(
    shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = dtypes.float32, seed: Any = None,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Draw from a normal distribution."""
    return draw_normal(next_key(seed), shape, mean, stddev, _float(dtype))


def truncated_normal(
    shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = dtypes.float32, seed: Any = None,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Draw from a normal distribution without values beyond two standard deviations."""
    return draw_truncated(next_key(seed), shape, mean, stddev, _float(dtype))


def gamma(
    shape: Any, alpha: Any, beta: Any = None, dtype: Any = dtypes.float32, seed: Any = None,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Draw ``shape`` numbers for each ``alpha`` (shape parameter) and ``beta`` (rate, 1): the
    result has shape ``shape + alpha.shape``, and gradients by both.
    """
    kind = dtypes.as_dtype(dtype)
    a, b = (convert_to_tensor(1.0 if v is None else v, dtype_hint=kind) for v in (alpha, beta))
    rest = broadcast_shapes(a.dims, b.dims)
    beta = None if beta is None else b
    return draw_gamma(next_key(seed), (*known_shape(shape), *rest), a, beta, kind)


def poisson(
    shape: Any, lam: Any, dtype: Any = dtypes.float32, seed: Any = None, name: str | None = None
) -> Tensor:
    """Draw ``shape`` numbers for each rate in ``lam``: shape ``shape + lam.shape``."""
    rate = convert_to_tensor(lam)
    return draw_poisson(next_key(seed), (*known_shape(shape), *rate.dims), rate, dtype)


def shuffle(value: Any, seed: Any = None, name: str | None = None) -> Tensor:
    """Put the rows into random order."""
    return draw_shuffled(next_key(seed), value)


def categorical(
    logits: Any, num_samples: Any, dtype: Any = None, seed: Any = None, name: str | None = None
) -> Tensor:
    """Draw class indices [batch, num_samples] by logits [batch, classes]; int64 unless given."""
    return draw_categorical(next_key(seed), logits, num_samples, dtype)


def dropout(
    x: Any, rate: Any, noise_shape: Any = None, seed: Any = None, name: str | None = None
) -> Tensor:
    """Set elements to zero with probability ``rate``; what stays is scaled by 1 / (1 - rate).

    ``noise_shape`` has 1 where elements along an axis share their fate.
    """
    t = convert_to_tensor(x)
    if not t.dtype.is_floating:
        raise DTypeError(f"dropout scales what it keeps: it needs floats, got {t.dtype.name}")
    number = static_value(rate)
    if number is not None and not 0 <= number < 1:
        raise ValueError(f"dropout: rate must be in [0, 1), got {number}")
    if number == 0:
        return ops.identity(t)
    shape = t.dims
    if noise_shape is not None:
        listed = noise_shape if isinstance(noise_shape, list | tuple) else known_shape(noise_shape)
        given = zip(listed, t.dims, strict=True)
        shape = tuple(d if n is None else known_size(n) for n, d in given)
    share = like(rate, t)
    draw = _draw("random_uniform", next_key(seed), shape, t.dtype)
    kept = ops.greater_equal(draw, share)
    scaled = ops.divide(t, ops.subtract(1, share))
    return ops.select(kept, scaled, ops.constant(value=np.zeros((), t.dtype.np)))


# --- pure functions of a seed ---------------------------------------------------------------------


def _key(seed: Any) -> Tensor:
    """A seed, two integers, as a key."""
    words = convert_to_tensor(seed, dtype_hint=dtypes.int64)
    if words.dims != (2,):
        raise InvalidArgumentError(f"a stateless seed is two integers, got shape {words.shape}")
    return ops.cast(ops.cast(words, dtype=dtypes.int64), dtype=dtypes.uint64)


def stateless_uniform(
    shape: Any, seed: Any, minval: Any = 0, maxval: Any = None, dtype: Any = dtypes.float32,
    name: str | None = None, alg: str = "auto_select",
) -> Tensor:  # fmt: skip
    """Draw uniformly from [minval, maxval): the same numbers for the same seed [2].

    Integers need ``maxval``, or None for both bounds: then they fill the range of the dtype.
    """
    return draw_uniform(_key(seed), shape, minval, maxval, dtype)


def stateless_normal(
    shape: Any, seed: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = dtypes.float32,
    name: str | None = None, alg: str = "auto_select",
) -> Tensor:  # fmt: skip
    """Draw from a normal distribution: the same numbers for the same seed [2]."""
    return draw_normal(_key(seed), shape, mean, stddev, dtype)


def stateless_truncated_normal(
    shape: Any, seed: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = dtypes.float32,
    name: str | None = None, alg: str = "auto_select",
) -> Tensor:  # fmt: skip
    """Draw like `truncated_normal`: the same numbers for the same seed [2]."""
    return draw_truncated(_key(seed), shape, mean, stddev, dtype)


def stateless_parameterized_truncated_normal(
    shape: Any, seed: Any, means: Any = 0.0, stddevs: Any = 1.0, minvals: Any = -2.0,
    maxvals: Any = 2.0, name: str | None = None,
) -> Tensor:  # fmt: skip
    """Draw from normal distributions between ``minvals`` and ``maxvals``."""
    params = alike(means, stddevs, minvals, maxvals)
    kind = params[0].dtype
    return ops.random_normal_between(_key(seed), *params, shape=known_shape(shape), dtype=kind)


def stateless_categorical(
    logits: Any, num_samples: Any, seed: Any, dtype: Any = dtypes.int64, name: str | None = None
) -> Tensor:
    """Draw like `categorical`: the same indices for the same seed [2]."""
    return draw_categorical(_key(seed), logits, num_samples, dtype)


def stateless_gamma(
    shape: Any, seed: Any, alpha: Any, beta: Any = None, dtype: Any = dtypes.float32,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Draw from gamma distributions; ``alpha`` and ``beta`` broadcast to ``shape``."""
    return draw_gamma(_key(seed), shape, alpha, beta, dtype)


def stateless_poisson(
    shape: Any, seed: Any, lam: Any, dtype: Any = dtypes.int32, name: str | None = None
) -> Tensor:
    """Draw from Poisson distributions; ``lam`` broadcasts to ``shape``."""
    return draw_poisson(_key(seed), shape, lam, dtype)


def stateless_binomial(
    shape: Any, seed: Any, counts: Any, probs: Any, output_dtype: Any = dtypes.int32,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Draw numbers of successes in ``counts`` trials of probability ``probs``."""
    return draw_binomial(_key(seed), shape, counts, probs, output_dtype)


def stateless_shuffle(
    value: Any, seed: Any, alg: str = "auto_select", name: str | None = None
) -> Tensor:
    """Put the rows into an order that the seed [2] decides on."""
    return draw_shuffled(_key(seed), value)


def index_shuffle(index: Any, seed: Any, max_index: Any) -> Tensor:
    """Where a permutation of 0..max_index that the seed decides on takes an index."""
    at = convert_to_tensor(index)
    places = _permutation(_key(seed), known_size(max_index) + 1)
    return ops.gather(ops.cast(places, dtype=at.dtype), at, axis=0)


def split(seed: Any, num: Any = 2, alg: str = "auto_select") -> Tensor:
    """Make ``num`` new seeds [num, 2] of one."""
    kind = convert_to_tensor(seed, dtype_hint=dtypes.int32).dtype
    return draw_bits(_key(seed), (known_size(num, "num"), 2), kind)


def fold_in(seed: Any, data: Any, alg: str = "auto_select") -> Tensor:
    """Make a new seed [2] of one and an integer, a step's number say."""
    number = convert_to_tensor(data)
    return ops.stack(draw_bits(_key(seed), (), number.dtype), number, axis=0)
