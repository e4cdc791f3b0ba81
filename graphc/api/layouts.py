"""Channels first or last, and arguments that are given once or for each axis."""

from __future__ import annotations

from typing import Any

from graphc.api.arguments import known
from graphc.errors import InvalidArgumentError
from graphc.ir import dims
from graphc.ops import ops
from graphc.trace.tensor import Tensor

_FORMATS = {1: ("NWC", "NCW"), 2: ("NHWC", "NCHW"), 3: ("NDHWC", "NCDHW")}


def channels_first(who: str, data_format: str | None, rank: int) -> bool:
    """Whether a data format has its channels in the second axis; ``rank`` counts inner axes."""
    if data_format is None:
        return False
    if data_format not in _FORMATS[rank]:
        known_ones = " or ".join(_FORMATS[rank])
        raise ValueError(f"{who}: data_format is {known_ones}, got {data_format!r}")
    return data_format.startswith("NC")


def rank_of(who: str, rank: int, data_format: str | None = None) -> int:
    """How many inner axes a tensor of ``rank`` axes has, or a data format names."""
    if data_format is not None:
        for inner, names in _FORMATS.items():
            if data_format in names:
                return inner
    if rank - 2 not in _FORMATS:
        raise InvalidArgumentError(f"{who}: needs 3, 4 or 5 axes, got {rank}")
    return rank - 2


def channels_last(x: Tensor, first: bool) -> Tensor:
    """[batch, channels, *sizes] as [batch, *sizes, channels], where channels come first."""
    rank = len(x.dims)
    return ops.transpose(x, perm=(0, *range(2, rank), 1)) if first else x


def as_given(x: Tensor, first: bool) -> Tensor:
    """The inverse of `channels_last`."""
    rank = len(x.dims)
    return ops.transpose(x, perm=(0, rank - 1, *range(1, rank - 1))) if first else x


def per_axis(who: str, what: str, value: Any, rank: int, first: bool = False) -> tuple[int, ...]:
    """A number for each inner axis from one number, one for each, or one for each axis of all."""
    found = known(value, what)
    listed = tuple(map(int, found)) if isinstance(found, list | tuple) else (int(found),)
    if len(listed) == 1:
        return listed * rank
    if len(listed) == rank + 2:
        inner = listed[2:] if first else listed[1:-1]
        if sorted(listed) != sorted((1, 1, *inner)):
            raise ValueError(f"{who}: {what} of batch and channels must be 1, got {listed}")
        return inner
    if len(listed) != rank:
        raise ValueError(f"{who}: {what} are 1, {rank} or {rank + 2} numbers, got {listed}")
    return listed


def padding_of(who: str, padding: Any, rank: int, first: bool = False) -> Any:
    """SAME, VALID or a pair of widths for each inner axis."""
    if isinstance(padding, str):
        if padding.upper() not in ("SAME", "VALID"):
            raise ValueError(f"{who}: padding is SAME, VALID or pairs of widths, got {padding!r}")
        return padding.upper()
    pairs = tuple((int(a), int(b)) for a, b in known(padding, "padding"))
    if len(pairs) == rank + 2:
        inner = pairs[2:] if first else pairs[1:-1]
        if any(map(any, pairs)) and sum(map(any, pairs)) != sum(map(any, inner)):
            raise ValueError(f"{who}: padding of batch and channels must be 0, got {pairs}")
        return inner
    return pairs


def flat_batch(who: str, x: Tensor, rank: int) -> tuple[Tensor, tuple[Any, ...]]:
    """The tensor with one batch axis, and the batch axes it had."""
    extra = len(x.dims) - rank - 1
    if extra < 1:
        raise InvalidArgumentError(f"{who}: needs {rank + 2} axes or more, got shape {x.shape}")
    lead = tuple(x.dims[:extra])
    if extra == 1:
        return x, lead
    return ops.reshape(x, shape=(dims.product(lead), *x.dims[extra:])), lead


def deep_batch(x: Tensor, lead: tuple[Any, ...]) -> Tensor:
    """The inverse of `flat_batch`."""
    return x if len(lead) == 1 else ops.reshape(x, shape=(*lead, *x.dims[1:]))
