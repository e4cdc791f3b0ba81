"""Triangles, diagonals and bands of matrices."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from graphc.api.arguments import known, known_tuple, like
from graphc.api.reductions import reduce_sum
from graphc.errors import InvalidArgumentError
from graphc.ir import dims, dtypes
from graphc.ops import ops
from graphc.trace.dispatch import convert_to_tensor, static_value
from graphc.trace.tensor import EagerTensor, Tensor

_ALIGN = ("LEFT_RIGHT", "RIGHT_LEFT", "LEFT_LEFT", "RIGHT_RIGHT")


def _rows_and_columns(rows: Any, columns: Any) -> tuple[Any, Any]:
    """The row and the column of each place of a matrix."""
    i = ops.reshape(ops.iota(size=rows, dtype=dtypes.int32), shape=(rows, 1))
    return i, ops.reshape(ops.iota(size=columns, dtype=dtypes.int32), shape=(1, columns))


def _matrices(x: Any, who: str) -> Tensor:
    t = convert_to_tensor(x)
    if len(t.dims) < 2:
        raise InvalidArgumentError(f"{who} needs matrices, got shape {t.shape}")
    return t


@lru_cache(64)
def _band(rows: int, columns: int, lower: int, upper: int) -> EagerTensor:
    """Which elements of a matrix are in a band."""
    step = np.subtract.outer(np.arange(rows), np.arange(columns))
    lower, upper = (max(rows, columns) if n < 0 else n for n in (lower, upper))
    return EagerTensor((step <= lower) & (-step <= upper))


def band_part(input: Any, num_lower: Any, num_upper: Any, name: str | None = None) -> Tensor:
    """Set everything outside of a band to zero; a negative number keeps a whole triangle."""
    x = _matrices(input, "band_part")
    if isinstance(x, EagerTensor) and isinstance(num_lower, int) and isinstance(num_upper, int):
        return ops.select(_band(*x.dims[-2:], num_lower, num_upper), x, like(0, x))
    i, j = _rows_and_columns(*x.dims[-2:])
    kept = None
    for bound, first, second in ((num_lower, i, j), (num_upper, j, i)):
        number = static_value(bound)
        if isinstance(number, int) and number < 0:
            continue
        limit = ops.cast(convert_to_tensor(bound), dtype=dtypes.int32)
        inside = ops.less_equal(first, second + limit)
        if number is None:
            inside = ops.logical_or(inside, ops.less(limit, 0))
        kept = inside if kept is None else ops.logical_and(kept, inside)
    return x if kept is None else ops.select(kept, x, ops.zeros_like(x))


# --- bands of diagonals ---------------------------------------------------------------------------


class _Band:
    """Diagonals ``low`` to ``high`` (0 is the main one, above it they are positive) of [m, n].

    As an array they are [high - low + 1, length], the highest first; shorter ones are filled up at
    the side that ``align`` says: for those above the main diagonal, and for those below.
    """

    def __init__(self, k: Any, m: Any, n: Any, align: str) -> None:
        found = known_tuple(k, "k")
        self.low, self.high = found[0], found[-1]
        self.m, self.n, self.single = m, n, len(found) == 1
        if self.low > self.high:
            raise InvalidArgumentError(f"diagonals k must rise, got {found}")
        if align not in _ALIGN:
            raise ValueError(f"align is one of {', '.join(_ALIGN)}, got {align!r}")
        above, below = (side == "RIGHT" for side in align.split("_"))
        self.right = {True: above, False: below}
        self.length = _least(m + min(self.high, 0), n - max(self.low, 0))

    def sizes(self) -> tuple[Any, ...]:
        return (self.length,) if self.single else (self.high - self.low + 1, self.length)

    def offset(self, diagonal: Any) -> Any:
        """How far each diagonal (a tensor of their numbers) stands from the left."""
        length = ops.minimum(
            _size(self.m) + ops.minimum(diagonal, 0), _size(self.n) - ops.maximum(diagonal, 0)
        )
        free = _size(self.length) - length
        zero = ops.zeros_like(free)
        above = free if self.right[True] else zero
        below = free if self.right[False] else zero
        return ops.select(ops.greater_equal(diagonal, 0), above, below), length

    def places(self) -> tuple[Any, Any, Any]:
        """Row and column of each element of the array of diagonals, and whether it is one."""
        number, at = _rows_and_columns(self.high - self.low + 1, self.length)
        diagonal = self.high - number
        offset, length = self.offset(diagonal)
        step = at - offset
        inside = ops.logical_and(ops.greater_equal(step, 0), ops.less(step, length))
        step = ops.select(inside, step, ops.zeros_like(step))
        return step + ops.maximum(-diagonal, 0), step + ops.maximum(diagonal, 0), inside

    def elements(self) -> tuple[Any, Any]:
        """Which element of the flat array of diagonals stands at each place of the matrix, and
        whether there is one.
        """
        i, j = _rows_and_columns(self.m, self.n)
        diagonal = j - i
        inside = ops.logical_and(
            ops.greater_equal(diagonal, self.low), ops.less_equal(diagonal, self.high)
        )
        diagonal = ops.minimum(ops.maximum(diagonal, self.low), self.high)
        at = ops.minimum(i, j) + self.offset(diagonal)[0]
        at = ops.minimum(at, _size(self.length) - 1)
        return (self.high - diagonal) * _size(self.length) + at, inside


def _size(n: Any) -> Any:
    return ops.extent(size=n, dtype=dtypes.int32)


def _least(a: Any, b: Any) -> Any:
    return a if dims.same(a, b) else dims.minimum(a, b)


def _spread(values: Tensor, band: _Band, lead: tuple[Any, ...]) -> tuple[Any, Any]:
    """Diagonals at their places in matrices, and where those are."""
    at, inside = band.elements()
    flat = ops.reshape(values, shape=(*lead, dims.product(band.sizes())))
    return ops.gather(flat, at, axis=len(lead)), inside


def diag(
    diagonal: Any, name: str = "diag", k: Any = 0, num_rows: Any = -1, num_cols: Any = -1,
    padding_value: Any = 0, align: str = "RIGHT_LEFT",
) -> Tensor:  # fmt: skip
    """Make matrices with the last axis on diagonal ``k``, or the last two on a band of them.

    ``k`` is a number, or the lowest and the highest (0 is the main diagonal).  The matrices are as
    small as can be, or [num_rows, num_cols]; ``padding_value`` fills the rest.
    """
    x = convert_to_tensor(diagonal)
    low, high = (lambda t: (t[0], t[-1]))(known_tuple(k, "k"))
    rows, columns = known(num_rows, "num_rows"), known(num_cols, "num_cols")
    if (low, high, rows, columns) == (0, 0, -1, -1):
        return ops.diag(x)
    length = x.dims[-1]
    least = (length - min(high, 0), length + max(low, 0))
    rows, columns = _both(rows, columns, *least)
    band = _Band(k, rows, columns, align)
    lead = x.dims[: len(x.dims) - len(band.sizes())]
    found, inside = _spread(x, band, lead)
    return ops.select(inside, found, like(padding_value, x))


def _both(rows: Any, columns: Any, least_rows: Any, least_columns: Any) -> tuple[Any, Any]:
    """Sizes that are not given (-1): square if neither is."""
    if rows == -1 and columns == -1:
        both = dims.maximum(least_rows, least_columns)
        return both, both
    return least_rows if rows == -1 else rows, least_columns if columns == -1 else columns


def diag_part(
    input: Any, name: str = "diag_part", k: Any = 0, padding_value: Any = 0,
    align: str = "RIGHT_LEFT",
) -> Tensor:  # fmt: skip
    """Take diagonal ``k`` of matrices, or a band of diagonals [.., number, length].

    Shorter diagonals of a band are filled up with ``padding_value``.
    """
    x = _matrices(input, "diag_part")
    if known_tuple(k, "k") in ((0,), (0, 0)) and not isinstance(k, list | tuple):
        return ops.diag_part(x)
    lead, (m, n) = x.dims[:-2], x.dims[-2:]
    band = _Band(k, m, n, align)
    i, j, inside = band.places()
    flat = ops.reshape(x, shape=(*lead, m * n))
    found = ops.gather(flat, i * _size(n) + j, axis=len(lead))
    found = ops.select(inside, found, like(padding_value, x))
    return ops.reshape(found, shape=(*lead, *band.sizes()))


def set_diag(
    input: Any, diagonal: Any, name: str = "set_diag", k: Any = 0, align: str = "RIGHT_LEFT"
) -> Tensor:
    """Replace diagonal ``k`` of matrices, or a band of diagonals."""
    x = _matrices(input, "set_diag")
    band = _Band(k, *x.dims[-2:], align)
    new = like(diagonal, x)
    wanted = (*x.dims[:-2], *band.sizes())
    fits = len(new.dims) == len(wanted) and all(map(dims.assume_equal, new.dims, wanted))
    if not fits:
        raise InvalidArgumentError(f"set_diag: a diagonal of {x.shape} is not of {new.shape}")
    found, inside = _spread(new, band, x.dims[:-2])
    return ops.select(inside, found, x)


def trace(x: Any, name: str | None = None) -> Tensor:
    """Sum of the main diagonal."""
    return reduce_sum(ops.diag_part(convert_to_tensor(x)), -1)


def tensor_diag(diagonal: Any, name: str | None = None) -> Tensor:
    """Make a tensor of twice the axes with the elements on its diagonal."""
    x = convert_to_tensor(diagonal)
    flat = ops.diag(ops.reshape(x, shape=(-1,)))
    return ops.reshape(flat, shape=(*x.dims, *x.dims))


def tensor_diag_part(input: Any, name: str | None = None) -> Tensor:
    """Take the diagonal of a tensor whose axes come in two equal halves."""
    x = convert_to_tensor(input)
    half = x.dims[: len(x.dims) // 2]
    count = dims.product(half)
    return ops.reshape(ops.diag_part(ops.reshape(x, shape=(count, count))), shape=half)
