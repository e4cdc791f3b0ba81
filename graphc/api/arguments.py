"""What arguments may be: shapes, axes, sizes that must be known while a function is traced."""

from __future__ import annotations

from typing import Any

from graphc.errors import InvalidArgumentError
from graphc.ir.dims import Dim, DimLike
from graphc.trace.dispatch import convert_to_tensor, static_value
from graphc.trace.indexing import data_size  # noqa: F401  (for the families)
from graphc.trace.shape import TensorShape
from graphc.trace.tensor import Operators, Tensor


def known(value: Any, what: str) -> Any:
    """A size or axis as a number or symbolic dim; refuses what only running tells."""
    found = static_value(value)
    if found is None:
        raise InvalidArgumentError(
            f"{what} depends on values that are known only when the function runs; graphc needs it"
            " while tracing (sizes made from tf.shape are known)"
        )
    return found


def known_shape(shape: Any, what: str = "the shape") -> tuple[DimLike, ...]:
    """A shape as a tuple of ints and symbolic dims."""
    found = known(list(shape) if isinstance(shape, TensorShape) else shape, what)
    listed = found if isinstance(found, list | tuple) else [found]
    return tuple(d if isinstance(d, Dim) else int(d) for d in listed)


def known_axes(axis: Any, rank: int) -> tuple[int, ...]:
    """Axes as sorted non-negative ints, so that equal reductions look alike; None means all."""
    if axis is None:
        return tuple(range(rank))
    found = known(axis, "axis")
    listed = [int(a) for a in (found if isinstance(found, list | tuple) else [found])]
    for a in listed:
        if not -rank <= a < rank:
            raise InvalidArgumentError(f"axis {a} is out of range for a tensor with {rank} axes")
    return tuple(sorted({a % rank for a in listed}))


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
