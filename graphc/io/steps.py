"""Functions that only the host can do: run at once, or as steps of a graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from graphc.errors import InvalidArgumentError, SymbolicValueError
from graphc.ir import dtypes
from graphc.trace.dispatch import convert_to_tensor
from graphc.trace.state import current, recording, tracing
from graphc.trace.streams import call_step
from graphc.trace.tensor import EagerTensor, Tensor


class Spec(NamedTuple):
    """What a step gives: None among the sizes is one that only running tells."""

    dtype: Any
    shape: Sequence[int | None] | None = ()


def host(
    function: Callable[..., Sequence[Any]], inputs: Sequence[Tensor], *specs: Spec
) -> list[Tensor]:
    """``function`` of the inputs' arrays, which gives a list of arrays like ``specs``."""
    if current.tracer is None:
        found = function(*(t._array for t in inputs))  # type: ignore[attr-defined]
        return [EagerTensor(np.asarray(a, s.dtype.np)) for a, s in zip(found, specs, strict=True)]
    for spec in specs:
        if spec.shape is None:
            raise SymbolicValueError(
                "the number of axes of this result is known only when the program runs"
            )
    return list(call_step(function, inputs, specs))


def constant(value: Any, dtype: Any = None) -> np.ndarray:
    """The array of a value that is known, also while a function is traced."""
    with tracing(None), recording(()):
        return np.asarray(convert_to_tensor(value, dtype))


def text(value: Any, what: str) -> Tensor:
    """A tensor of strings."""
    t = convert_to_tensor(value, dtype_hint=dtypes.string)
    if t.dtype is not dtypes.string:
        raise InvalidArgumentError(f"{what} must be of dtype string, got {t.dtype.name}")
    return t


def scalar(value: Any, what: str) -> Tensor:
    """A string."""
    t = text(value, what)
    if t.dims:
        raise InvalidArgumentError(f"{what} must be a scalar, got shape {t.shape}")
    return t


def strings(values: Sequence[bytes], shape: Sequence[int] | None = None) -> np.ndarray:
    """Strings as an array."""
    made = np.empty(len(values), object)
    made[:] = values
    return made if shape is None else made.reshape(shape)


def each(function: Callable[[bytes], bytes], t: Tensor) -> Tensor:
    """A function from bytes to bytes, of each string."""

    def step(array: np.ndarray) -> list[np.ndarray]:
        return [strings([function(s) for s in array.ravel().tolist()], array.shape)]

    sizes = [d if isinstance(d, int) else None for d in t.dims]
    return host(step, [t], Spec(dtypes.string, sizes))[0]
