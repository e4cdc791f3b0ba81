"""What arguments may be: shapes, axes, sizes that must be known while a function is traced."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from graphc.errors import InvalidArgumentError
from graphc.ir.dims import Dim, DimLike
from graphc.ops import ops
from graphc.trace.dispatch import convert_to_tensor, static_value
from graphc.trace.indexing import data_size
from graphc.trace.shape import TensorShape
from graphc.trace.state import current
from graphc.trace.static import elements_of
from graphc.trace.tensor import Operators, SymbolicTensor, Tensor


def known(value: Any, what: str) -> Any:
    """A size or axis as a number or symbolic dim; refuses what only running tells."""
    found = static_value(value)
    if found is None:
        raise InvalidArgumentError(
            f"{what} depends on values that are known only when the function runs; graphc needs it"
            " while tracing (sizes made from tf.shape are known)"
        )
    return found


def known_shape(shape: Any, what: str = "a size") -> tuple[DimLike, ...]:
    """A shape as a tuple of ints and symbolic dims."""
    if isinstance(shape, Operators):
        parts = _elements(convert_to_tensor(shape), what)
    elif isinstance(shape, np.ndarray):
        parts = shape.reshape(-1).tolist()
    else:
        parts = list(shape) if isinstance(shape, list | tuple | TensorShape) else [shape]
    return tuple(known_size(d, what) for d in parts)


def _elements(shape: Any, what: str) -> list[Any]:
    """The elements of a scalar or vector: numbers where they are known, else tensors."""
    if len(shape.dims) > 1 or not all(isinstance(d, int) for d in shape.dims):
        raise InvalidArgumentError(f"{what}: a shape is a vector of known length, got {shape}")
    if not shape.dims:
        return [shape]
    if not isinstance(shape, SymbolicTensor):
        return shape._array.tolist()
    found = elements_of(shape.tracer, shape.value)
    return [shape[i] if d is None else d for i, d in enumerate(found)]  # type: ignore[index]


def known_size(value: Any, what: str = "a size") -> DimLike:
    """A size as a number or dim; one that only running tells becomes a dim of its own."""
    found = static_value(value)
    if found is None:
        return _bound(convert_to_tensor(value), what)
    if isinstance(found, list):
        raise InvalidArgumentError(f"{what} must be a scalar, got {found}")
    return found if isinstance(found, Dim) else operator.index(found)


def _bound(n: Any, what: str) -> DimLike:
    """The dim that a scalar tensor decides on when the function runs."""
    sizes = current.tracer.sizes  # type: ignore[union-attr]
    if n.value not in sizes:
        sizes[n.value] = ops.sized(n, what=what, size=data_size()).dims[0]
    return sizes[n.value]


def natural(size: DimLike, what: str) -> DimLike:
    """The size, if it is not negative."""
    if isinstance(size, int) and size < 0:
        raise InvalidArgumentError(f"{what} must not be negative, got {size}")
    return size


def known_axes(axis: Any, rank: int) -> tuple[int, ...]:
    """Axes as sorted non-negative ints, so that equal reductions look alike; None means all."""
    if axis is None:
        return tuple(range(rank))
    found = known(axis, "axis")
    listed = [int(a) for a in (found if isinstance(found, list | tuple) else [found])]
    for a in listed:
        if not -rank <= a < rank:
            raise InvalidArgumentError(f"axis {a} is out of range for a tensor with {rank} axes")
    axes = sorted({a % rank for a in listed})
    if len(axes) != len(listed):
        raise InvalidArgumentError(f"an axis is named twice in {tuple(listed)}")
    return tuple(axes)


def known_tuple(value: Any, what: str) -> tuple[Any, ...]:
    """One number or several, as a tuple."""
    found = known(value, what)
    return tuple(found) if isinstance(found, list | tuple) else (found,)


def like(value: Any, other: Any) -> Tensor:
    """A tensor; Python numbers take the dtype of another tensor."""
    return convert_to_tensor(value, dtype_hint=other.dtype)


def alike(*values: Any) -> list[Tensor]:
    """Tensors of one dtype: Python numbers take the dtype of the first tensor among them."""
    hint = next((v.dtype for v in values if isinstance(v, Operators)), None)
    first = convert_to_tensor(values[0], dtype_hint=hint)
    return [first, *(like(v, first) for v in values[1:])]
