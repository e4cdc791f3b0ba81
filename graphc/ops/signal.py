"""Fourier transforms over the last axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.errors import InvalidArgumentError
from graphc.ir import dims, dtypes
from graphc.ir.types import TensorType
from graphc.ops.combinators import op, ops, rng
from graphc.ops.opdef import Attrs, Host, Sample, Types

_REALS = frozenset((dtypes.float32, dtypes.float64))
_PAIRS = {dtypes.float32: dtypes.complex64, dtypes.float64: dtypes.complex128}
_FFT = dict(lower=Host("numpy transforms"), expensive=True)


def _last(rank: int) -> tuple[int, ...]:
    return tuple(range(-rank, 0))


def _enough(x: TensorType, rank: int) -> TensorType:
    if x.rank < rank:
        raise InvalidArgumentError(f"a transform of {rank} axes needs as many, got {x}")
    return x


def _places(x: Any, rank: int) -> Any:
    """How many elements are transformed together, as a scalar of x's dtype."""
    real = ops.extent(size=dims.product(tuple(x.dims[-rank:])), dtype=x.dtype.real_dtype)
    return ops.cast(real, dtype=x.dtype)


# --- complex --------------------------------------------------------------------------------------


def _fft(x: np.ndarray, rank: int = 1, inverse: bool = False) -> np.ndarray:
    if not x.size:
        return x.copy()
    if rank == 1:  # the general functions take twice the time for small ones
        return (np.fft.ifft if inverse else np.fft.fft)(x).astype(x.dtype, copy=False)
    return (np.fft.ifftn if inverse else np.fft.fftn)(x, axes=_last(rank)).astype(x.dtype)


def _fft_grad(c: Any, g: Any) -> Any:
    """The adjoint: the other direction, scaled by the number of places."""
    back = ops.fft(g, rank=c.rank, inverse=not c.inverse)
    return back / _places(g, c.rank) if c.inverse else back * _places(g, c.rank)


def _complexes() -> list[Sample]:
    g = rng()
    cases = [((4,), 1), ((2, 3), 1), ((2, 3), 2), ((2, 2, 3), 3), ((0, 3), 1)]
    found = []
    for inverse in (False, True):
        for shape, rank in cases:
            x = (g.normal(size=shape) + 1j * g.normal(size=shape)).astype(np.complex64)
            found.append(Sample((x,), {"rank": rank, "inverse": inverse}))
    return found


fft = op(
    "fft", "x", lambda types, attrs: _enough(types[0], attrs["rank"]), _fft, grad=_fft_grad,
    attrs={"rank": 1, "inverse": False}, types=dtypes.COMPLEXES, samples=_complexes,
    doc="Fourier transform over the last axes, or its inverse.", **_FFT,
)  # fmt: skip

# --- real -----------------------------------------------------------------------------------------


def _rfft_type(types: Types, attrs: Attrs) -> TensorType:
    x = _enough(types[0], attrs["rank"])
    return TensorType(_PAIRS[x.dtype], (*x.shape[:-1], x.shape[-1] // 2 + 1))


def _rfft(x: np.ndarray, rank: int = 1) -> np.ndarray:
    return np.fft.rfftn(x, axes=_last(rank)).astype(_PAIRS[dtypes.of_numpy(x.dtype)].np)


def _rfft_grad(c: Any, g: Any) -> Any:
    """The real part of the adjoint of the whole transform; what was cut off counts as 0."""
    size = c.x.dims[-1]
    widths = (*((0, 0),) * (len(g.dims) - 1), (0, size - g.dims[-1]))
    whole = ops.pad(g, paddings=widths)
    return ops.real(ops.fft(whole, rank=c.rank, inverse=True) * _places(whole, c.rank))


rfft = op(
    "rfft", "x", _rfft_type, _rfft, attrs={"rank": 1}, types=_REALS, grad=_rfft_grad,
    samples=lambda: [Sample((rng().normal(size=s).astype("f4"),), {"rank": r})
                     for s, r in (((4,), 1), ((2, 5), 1), ((3, 4), 2), ((2, 2, 3), 3))],
    doc="Fourier transform of real numbers over the last axes: the half that tells all.", **_FFT,
)  # fmt: skip


def _irfft_type(types: Types, attrs: Attrs) -> TensorType:
    x, size = _enough(types[0], attrs["rank"]), attrs["size"]
    if isinstance(size, int) and isinstance(x.shape[-1], int) and x.shape[-1] != size // 2 + 1:
        raise InvalidArgumentError(f"irfft: {x} has not the {size // 2 + 1} places of {size}")
    return TensorType(x.dtype.real_dtype, (*x.shape[:-1], size))


def _irfft(x: np.ndarray, size: int, rank: int = 1) -> np.ndarray:
    shape = (*x.shape[x.ndim - rank : -1], size)
    return np.fft.irfftn(x, s=shape, axes=_last(rank)).astype(x.real.dtype)


def _irfft_grad(c: Any, g: Any) -> Any:
    """Places that stand for two count twice: all but the first, and the middle of an even size."""
    size, half = c.size, c.x.dims[-1]
    at = ops.iota(size=half)
    doubled = ops.logical_and(ops.greater(at, 0), ops.less(at * 2, ops.extent(size=size)))
    weight = ops.cast(doubled, dtype=g.dtype) + 1
    kind = c.x.dtype
    return (
        ops.rfft(g, rank=c.rank)
        * ops.cast(weight, dtype=kind)
        / ops.cast(_places(g, c.rank), dtype=kind)
    )


def _halves() -> list[Sample]:
    g, found = rng(), []
    for shape, rank, size in (((3,), 1, 4), ((2, 3), 1, 5), ((3, 3), 2, 4)):
        x = (g.normal(size=shape) + 1j * g.normal(size=shape)).astype(np.complex64)
        found.append(Sample((x,), {"rank": rank, "size": size}, grad=rank == 1))
    return found


irfft = op(
    "irfft", "x", _irfft_type, _irfft, attrs={"size": 0, "rank": 1}, types=dtypes.COMPLEXES,
    grad=_irfft_grad, samples=_halves,
    doc="Inverse of rfft; ``size`` is that of the last axis of the result.", **_FFT,
)  # fmt: skip
