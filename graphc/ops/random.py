"""Random numbers: pure functions of a key, so that eager and compiled code draw the same.

A key is ``u64[2]``: a seed and a counter.  Element i of a call is made from the four words that
Philox4x32-10 (Salmon et al., 2011) gives for (i, counter) under the seed, so any kernel can compute
any element alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc.errors import DTypeError, InvalidArgumentError
from graphc.ir import dtypes
from graphc.ir.dtypes import DType
from graphc.ir.types import TensorType, broadcast_shapes, show_shape
from graphc.ops.combinators import op, ops, sum_to
from graphc.ops.opdef import Attrs, Host, Library, Sample, Types

# Multipliers of the two halves of a counter, one below the other, and what keys grow by.
_FACTORS = np.array([[0xD2511F53], [0xCD9E8D57]], np.uint64)
_STEPS = np.arange(10, dtype=np.uint64)[:, None] * np.array([0x9E3779B9, 0xBB67AE85], np.uint64)
_LOW = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)


_BLOCK = 1 << 14  # indices whose words stay in the processor's cache


def philox(key: np.ndarray, size: int) -> tuple[np.ndarray, ...]:
    """Four words of 32 bits for each index below ``size``, as uint64 arrays."""
    if size <= _BLOCK:
        return _philox(key, 0, size)
    parts = [_philox(key, i, min(i + _BLOCK, size)) for i in range(0, size, _BLOCK)]
    return tuple(map(np.concatenate, zip(*parts, strict=True)))


def _philox(key: np.ndarray, start: int, stop: int) -> tuple[np.ndarray, ...]:
    halves = np.array([[key[0] & _LOW, key[0] >> _32]], np.uint64)
    keys = ((halves + _STEPS) & _LOW)[:, :, None]
    keys = keys.astype(np.uint32)
    counters = np.empty((2, stop - start), np.uint64)
    counters[0], counters[1] = np.arange(start, stop, dtype=np.uint64), key[1]
    even, odd = _halves(counters)
    for k in keys:
        low, high = _halves(np.multiply(even, _FACTORS, dtype=np.uint64)[::-1])
        even, odd = high ^ odd ^ k, low
    return tuple(w.astype(np.uint64) for w in (even[0], odd[0], even[1], odd[1]))


def _halves(words: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The low and the high 32 bits of words of 64 bits, as views."""
    parts = words.astype("<u8", copy=False).view("<u4")
    return parts[..., ::2], parts[..., 1::2]


def unit(words: Sequence[np.ndarray], dtype: DType) -> np.ndarray:
    """Uniform floats in [0, 1): 24 bits for float32 and shorter, 53 bits for float64."""
    if dtype is dtypes.float64:
        bits = (words[0] << np.uint64(21)) | (words[1] >> np.uint64(11))
        return bits.astype(np.float64) * 2.0**-53
    return (words[0] >> np.uint64(8)).astype(np.float32) * np.float32(2.0**-24)


def _key_type(types: Types, who: str) -> None:
    if types[0] != TensorType(dtypes.uint64, (2,)):
        raise InvalidArgumentError(f"{who}: the key must be u64[2], got {types[0]}")


def _shaped(types: Types, attrs: Attrs) -> TensorType:
    _key_type(types, "random")
    return TensorType(attrs["dtype"], tuple(attrs["shape"]))


def _size(shape: Sequence[int]) -> int:
    return int(np.prod(shape, dtype=np.int64)) if len(shape) else 1


def _uniform(key: np.ndarray, shape: Sequence[int], dtype: DType = dtypes.float32) -> np.ndarray:
    return unit(philox(key, _size(shape)), dtype).astype(dtype.np).reshape(tuple(shape))


def _normal(key: np.ndarray, shape: Sequence[int], dtype: DType = dtypes.float32) -> np.ndarray:
    """Box-Muller: the first two uniforms of each element give one normal."""
    words = philox(key, _size(shape))
    kind = dtypes.float64 if dtype is dtypes.float64 else dtypes.float32
    u, v = unit(words[:2], kind), unit(words[2:], kind)
    one, two_pi = kind.np.type(1), kind.np.type(2 * np.pi)
    z = np.sqrt(kind.np.type(-2) * np.log(one - u)) * np.cos(two_pi * v)
    return z.astype(dtype.np).reshape(tuple(shape))


def _integers(
    key: np.ndarray, low: np.ndarray, high: np.ndarray, shape: Sequence[int]
) -> np.ndarray:
    if np.any(low >= high):
        raise InvalidArgumentError(f"random integers need low < high, got {low} and {high}")
    words = philox(key, _size(shape))
    bits = ((words[0] << _32) | words[1]).reshape(tuple(shape))
    first, span = low.astype(np.uint64), high.astype(np.uint64) - low.astype(np.uint64)
    return (first + bits % span).astype(low.dtype)  # modulo 2^64, so that signs need no care


def _bits(key: np.ndarray, shape: Sequence[int], dtype: DType = dtypes.uint64) -> np.ndarray:
    words = philox(key, _size(shape))
    return ((words[0] << _32) | words[1]).astype(dtype.np).reshape(tuple(shape))


def _integers_type(types: Types, attrs: Attrs) -> TensorType:
    _key_type(types, "random integers")
    low, high = types[1:]
    if low.dtype is not high.dtype or not low.dtype.is_integer:
        raise DTypeError(f"random integers: bounds must share an integer dtype, got {low}, {high}")
    shape = tuple(attrs["shape"])
    if len(broadcast_shapes(low.shape, high.shape, shape)) != len(shape):
        raise InvalidArgumentError(
            f"random integers: {low} and {high} do not fit {show_shape(shape)}"
        )
    return TensorType(low.dtype, shape)


KEY = np.array([7, 3], np.uint64)
_DRAWN = "a draw does not depend on the key smoothly"
_SHAPED = dict(
    attrs={"shape": (), "dtype": dtypes.float32}, grad=_DRAWN,
    samples=lambda: [Sample((KEY,), {"shape": s, "dtype": d}, grad=False)
                     for s in ((3, 4), (), (0,)) for d in (dtypes.float32, dtypes.float64)],
)  # fmt: skip
random_uniform = op("random_uniform", "key", _shaped, _uniform, lower=Library("random_uniform"),
                    doc="Uniform in [0, 1).", **_SHAPED)  # fmt: skip
random_normal = op("random_normal", "key", _shaped, _normal, lower=Library("random_normal"),
                   doc="Standard normal.", **_SHAPED)  # fmt: skip
random_integers = op(
    "random_integers", "key low high", _integers_type, _integers, attrs={"shape": ()}, wide=True,
    grad=_DRAWN, can_fail=True, lower=Library("random_integers"),
    samples=lambda: [Sample((KEY, np.array(-2, t), np.array(9, t)), {"shape": s}, grad=False)
                     for t in ("i4", "i8") for s in ((5,), (), (0, 2))],
    doc="Integers in [low, high).",
)  # fmt: skip
random_bits = op(
    "random_bits", "key", _shaped, _bits, attrs={"shape": (), "dtype": dtypes.uint64}, grad=_DRAWN,
    lower=Library("random_bits"), doc="Integers of the whole range of their dtype.",
    samples=lambda: [Sample((KEY,), {"shape": (3,), "dtype": d}, grad=False)
                     for d in (dtypes.uint64, dtypes.int32)],
)  # fmt: skip

# --- distributions with parameters ----------------------------------------------------------------


def numpys(key: np.ndarray) -> np.random.Generator:
    """numpy's generator for a key: its rejection methods take as many words as they need."""
    return np.random.Generator(np.random.Philox(key=[int(key[0]), int(key[1])]))


def _drawn_type(types: Types, attrs: Attrs) -> TensorType:
    _key_type(types, "random")
    shape = tuple(attrs["shape"])
    if len(broadcast_shapes(shape, *(t.shape for t in types[1:]))) != len(shape):
        raise InvalidArgumentError(f"random: {types[1:]} do not fit {show_shape(shape)}")
    return TensorType(attrs["dtype"], shape)


def _distribution(
    name: str, operands: str, draw: Any, params: Sequence[tuple[float, ...]], *, doc: str,
    dtype: DType = dtypes.float32, grad: Any = _DRAWN,
) -> Any:  # fmt: skip
    """Draws of ``draw(generator, *parameters, shape)``; the parameters broadcast to the shape."""

    def eager(
        key: np.ndarray, *given: np.ndarray, shape: Sequence[int] = (), dtype: DType = dtype
    ) -> np.ndarray:
        wide = [p.astype(np.float64) for p in given]
        return np.asarray(draw(numpys(key), *wide, tuple(shape)), dtype.np)

    def samples() -> list[Sample]:
        args = [np.array(p, np.float32) for p in params]
        return [Sample((KEY, *args), {"shape": s}, grad=False) for s in ((4, 2), (0, 2))]

    return op(name, "key " + operands, _drawn_type, eager, wide=True, can_fail=True, grad=grad,
              attrs={"shape": (), "dtype": dtype}, lower=Host("its loops have no known length"),
              samples=samples, doc=doc)  # fmt: skip


def _gamma_grad(c: Any, g: Any) -> tuple[Any, Any]:
    """By the implicit function: the draw moves so that its probability stays what it is."""
    a, x = c.alpha, c.out
    density = ops.exp(ops.xlogy(a - 1, x) - x - ops.lgamma(a))
    return None, sum_to(-g * ops.igamma_slope1(a, x) / density, a)


random_gamma = _distribution(
    "random_gamma", "alpha", lambda r, a, shape: r.standard_gamma(a, shape), ([0.5, 2.0],),
    grad=_gamma_grad, doc="Gamma distribution of rate 1.",
)  # fmt: skip
random_poisson = _distribution(
    "random_poisson", "rate", lambda r, rate, shape: r.poisson(rate, shape), ([0.5, 20.0],),
    doc="Poisson distribution.",
)  # fmt: skip
random_binomial = _distribution(
    "random_binomial", "counts probs",
    lambda r, n, p, shape: r.binomial(n.astype(np.int64), p, shape), ([5, 40], [0.5, 0.1]),
    dtype=dtypes.int32, doc="Binomial distribution.",
)  # fmt: skip


def _between(
    r: np.random.Generator, mean: np.ndarray, std: np.ndarray, low: np.ndarray, high: np.ndarray,
    shape: tuple[int, ...],
) -> np.ndarray:  # fmt: skip
    """By the inverse of the distribution's function, on the side where it is more precise."""
    import scipy.special  # lazy: start-up time

    a, b = (low - mean) / std, (high - mean) / std
    flip = a > 0
    a, b = np.where(flip, -b, a), np.where(flip, -a, b)
    first, last = scipy.special.ndtr(a), scipy.special.ndtr(b)
    z = np.clip(scipy.special.ndtri(first + (last - first) * r.random(shape)), a, b)
    return mean + std * np.where(flip, -z, z)


random_between = _distribution(
    "random_normal_between", "mean std low high", _between, ([0.0, 3.0], 1.0, -1.0, 2.0),
    doc="Normal distribution between two bounds.",
)  # fmt: skip
