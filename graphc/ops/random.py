"""Random numbers: pure functions of a key, so that eager and compiled code draw the same.

A key is ``u64[2]``: a seed and a counter.  Element i of a call is made from the four words that
Philox4x32-10 (Salmon et al., 2011) gives for (i, counter) under the seed, so any kernel can compute
any element alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from graphc.errors import DTypeError, InvalidArgumentError
from graphc.ir import dtypes
from graphc.ir.dtypes import DType
from graphc.ir.types import TensorType, broadcast_shapes, show_shape
from graphc.ops.combinators import op
from graphc.ops.opdef import Attrs, Host, Library, Sample, Types

_M0, _M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_W0, _W1 = 0x9E3779B9, 0xBB67AE85
_LOW = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)


def philox(key: np.ndarray, size: int) -> tuple[np.ndarray, ...]:
    """Four words of 32 bits for each index below ``size``, as uint64 arrays."""
    index = np.arange(size, dtype=np.uint64)
    counter = np.full(size, key[1], np.uint64)
    c0, c1, c2, c3 = index & _LOW, index >> _32, counter & _LOW, counter >> _32
    k0, k1 = int(key[0]) & 0xFFFFFFFF, int(key[0]) >> 32
    for _ in range(10):
        p0, p1 = _M0 * c0, _M1 * c2
        c0, c1 = (p1 >> _32) ^ c1 ^ np.uint64(k0), p1 & _LOW
        c2, c3 = (p0 >> _32) ^ c3 ^ np.uint64(k1), p0 & _LOW
        k0, k1 = (k0 + _W0) & 0xFFFFFFFF, (k1 + _W1) & 0xFFFFFFFF
    return c0, c1, c2, c3


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


def _truncated(key: np.ndarray, shape: Sequence[int], dtype: DType = dtypes.float32) -> np.ndarray:
    """By the inverse of the normal distribution's function between -2 and 2."""
    import scipy.special  # lazy: start-up time

    u = unit(philox(key, _size(shape)), dtypes.float64)
    low, high = scipy.special.ndtr(-2.0), scipy.special.ndtr(2.0)
    z = scipy.special.ndtri(low + (high - low) * (u + 2.0**-54))
    return np.clip(z, -2, 2).astype(dtype.np).reshape(tuple(shape))


def _integers(
    key: np.ndarray, low: np.ndarray, high: np.ndarray, shape: Sequence[int]
) -> np.ndarray:
    if np.any(low >= high):
        raise InvalidArgumentError(f"random integers need low < high, got {low} and {high}")
    words = philox(key, _size(shape))
    bits = ((words[0] << _32) | words[1]).reshape(tuple(shape))
    first, span = low.astype(np.uint64), high.astype(np.uint64) - low.astype(np.uint64)
    return (first + bits % span).astype(low.dtype)  # modulo 2^64, so that signs need no care


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


def _permutation(key: np.ndarray, size: int, dtype: DType = dtypes.int32) -> np.ndarray:
    words = philox(key, size)
    return np.argsort((words[0] << _32) | words[1], kind="stable").astype(dtype.np)


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
random_truncated = op(
    "random_truncated_normal", "key", _shaped, _truncated,
    lower=Host("the inverse normal distribution is scipy's"),
    doc="Standard normal, redrawn beyond two standard deviations.", **_SHAPED,
)  # fmt: skip
random_integers = op(
    "random_integers", "key low high", _integers_type, _integers, attrs={"shape": ()}, wide=True,
    grad=_DRAWN, can_fail=True, lower=Host("no kernel yet"),
    samples=lambda: [Sample((KEY, np.array(-2, t), np.array(9, t)), {"shape": s}, grad=False)
                     for t in ("i4", "i8") for s in ((5,), (), (0, 2))],
    doc="Integers in [low, high).",
)  # fmt: skip
random_permutation = op(
    "random_permutation", "key",
    lambda types, attrs: TensorType(attrs["dtype"], (attrs["size"],)), _permutation,
    attrs={"size": 0, "dtype": dtypes.int32}, grad=_DRAWN, lower=Host("sorting is numpy's"),
    samples=lambda: [Sample((KEY,), {"size": n}, grad=False) for n in (6, 0)],
    doc="The numbers below ``size`` in random order.",
)  # fmt: skip


def _categorical_type(types: Types, attrs: Attrs) -> TensorType:
    _key_type(types, "random_categorical")
    if types[1].rank != 2:
        raise InvalidArgumentError(f"random_categorical: logits must be a matrix, got {types[1]}")
    return TensorType(attrs["dtype"], (types[1].shape[0], attrs["count"]))


def _categorical(
    key: np.ndarray, logits: np.ndarray, count: int, dtype: DType = dtypes.int64
) -> np.ndarray:
    """The Gumbel-max trick: the largest of the logits with noise added."""
    u = _uniform(key, (logits.shape[0], count, logits.shape[1]), dtypes.float64)
    noise = -np.log(-np.log(u + 2.0**-54))
    return np.argmax(logits[:, None, :] + noise, axis=-1).astype(dtype.np)


random_categorical = op(
    "random_categorical", "key logits", _categorical_type, _categorical, wide=True, grad=_DRAWN,
    attrs={"count": 1, "dtype": dtypes.int64}, lower=Host("no kernel yet"),
    samples=lambda: [Sample((KEY, np.zeros((2, 3), "f4")), {"count": 4}, grad=False)],
    doc="Class indices drawn by unnormalised log probabilities.",
)  # fmt: skip
