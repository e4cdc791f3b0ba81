"""Windows that slide over the inner axes of a tensor: what convolution and pooling share.

Tensors are [batch, *sizes, channels] here; other layouts are transposed by the public functions.
Sizes may be symbolic.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from graphc.errors import InvalidArgumentError
from graphc.ir import dims
from graphc.ir.dims import DimLike


@dataclass(frozen=True)
class Windows:
    """Where the windows lie, axis by axis."""

    sizes: tuple[DimLike, ...]  # of what they slide over
    kernel: tuple[DimLike, ...]  # places in a window
    strides: tuple[int, ...]  # between windows
    dilations: tuple[int, ...]  # between places
    before: tuple[DimLike, ...]  # how far the first window reaches out
    counts: tuple[DimLike, ...]  # of windows

    @property
    def taps(self) -> DimLike:
        """The number of places in a window."""
        return dims.product(self.kernel)

    @cached_property
    def widths(self) -> list[tuple[DimLike, DimLike]]:
        """Padding that lets every window lie inside."""
        return [
            (low, dims.maximum((count - 1) * s + (k - 1) * d + 1 - n - low, 0))
            for n, k, s, d, low, count in self._axes()
        ]

    @cached_property
    def tap_slices(self) -> list[tuple[slice, ...]]:
        """For each place of a window: where it meets the padded array, in all windows."""
        axes = [
            [slice(i * d, i * d + (count - 1) * s + 1 if count else 0, s) for i in range(k)]
            for _, k, s, d, _, count in self._axes()
        ]
        return [(slice(None), *parts) for parts in product(*axes)]

    def _axes(self) -> Iterator[Any]:
        return zip(self.sizes, self.kernel, self.strides, self.dilations, self.before, self.counts,
                   strict=True)  # fmt: skip


def windows(
    who: str, sizes: Sequence[DimLike], kernel: Sequence[DimLike], strides: Sequence[int],
    dilations: Sequence[int], padding: Any,
) -> Windows:  # fmt: skip
    """Lay windows; ``padding`` is SAME, VALID or (before, after) for each axis."""
    rank = len(sizes)
    for what, given in (("kernel sizes", kernel), ("strides", strides), ("dilations", dilations)):
        if len(given) != rank:
            raise InvalidArgumentError(f"{who}: needs {rank} {what}, got {tuple(given)}")
        if any(isinstance(v, int) and v < 1 for v in given):
            raise InvalidArgumentError(f"{who}: {what} must be positive, got {tuple(given)}")
    if not isinstance(padding, str) and (
        len(padding) != rank or any(len(p) != 2 or min(p) < 0 for p in padding)
    ):
        raise InvalidArgumentError(
            f"{who}: padding is SAME, VALID or {rank} pairs of widths, got {padding!r}"
        )
    laid = [
        _axis(who, n, k, s, d, padding if isinstance(padding, str) else padding[i])
        for i, (n, k, s, d) in enumerate(zip(sizes, kernel, strides, dilations, strict=True))
    ]
    before, counts = (tuple(part) for part in zip(*laid, strict=True))
    return Windows(
        tuple(sizes), tuple(kernel), tuple(strides), tuple(dilations), before, counts
    )  # fmt: skip


def _axis(
    who: str, size: DimLike, kernel: DimLike, stride: int, dilation: int, padding: Any
) -> tuple[DimLike, DimLike]:
    """Width before the first element, and number of windows."""
    reach = (kernel - 1) * dilation + 1
    if padding == "SAME":
        count = (size + (stride - 1)) // stride
        missing = reach - 1 if stride == 1 else (count - 1) * stride + reach - size
        return dims.maximum(missing, 0) // 2, count
    if isinstance(padding, str) and padding != "VALID":
        raise InvalidArgumentError(
            f"{who}: padding is SAME, VALID or pairs of widths, got {padding!r}"
        )
    low, high = (0, 0) if padding == "VALID" else padding
    room = size + (low + high)
    # for unknown sizes this is a guard: the graph is traced anew with a size that fails
    if not dims.assume_equal(dims.maximum(room, reach), room):
        padded = f" padded to {room}" if low or high else ""
        wide = f" ({reach} with dilation {dilation})" if dilation != 1 else ""
        raise InvalidArgumentError(
            f"{who}: a window of {kernel}{wide} does not fit into a size of {size}{padded}"
        )
    return low, (room - reach) // stride + 1


# --- on arrays ------------------------------------------------------------------------------------


def padded(x: np.ndarray, w: Windows, value: Any = 0) -> np.ndarray:
    """``x`` with a constant around, so that every window lies inside."""
    widths = w.widths
    if not any(map(any, widths)):
        return x
    shape = (x.shape[0], *(n + a + b for n, (a, b) in zip(w.sizes, widths, strict=True)))
    out = np.full((*shape, x.shape[-1]), value, x.dtype)
    out[inside(w)] = x
    return out


def inside(w: Windows) -> tuple[slice, ...]:
    """Where the array lies in its padded form."""
    parts = zip(w.before, w.sizes, strict=True)
    return (slice(None), *(slice(low, low + n) for low, n in parts))


def views(x: np.ndarray, w: Windows) -> np.ndarray:
    """All windows over a padded array, without a copy: [batch, *counts, *kernel, channels]."""
    first, *steps, last = x.strides
    between = (step * s for step, s in zip(steps, w.strides, strict=True))
    within = (step * d for step, d in zip(steps, w.dilations, strict=True))
    return as_strided(
        x, (len(x), *w.counts, *w.kernel, x.shape[-1]), (first, *between, *within, last),
        writeable=False,
    )  # fmt: skip
