"""The type of a value in a graph: an element type and a shape."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from graphc.errors import InvalidArgumentError
from graphc.ir import dims
from graphc.ir.dims import Dim, DimLike
from graphc.ir.dtypes import DType

Shape = tuple[DimLike, ...]


@dataclass(frozen=True)
class TensorType:
    """``f32[B, 10]``: what a graph knows of a tensor before it runs."""

    dtype: DType
    shape: Shape = ()

    @property
    def rank(self) -> int:
        return len(self.shape)

    @property
    def is_static(self) -> bool:
        return not any(isinstance(d, Dim) for d in self.shape)

    @property
    def size(self) -> DimLike:
        """The number of elements."""
        return dims.product(self.shape)

    @property
    def symbols(self) -> frozenset[str]:
        return frozenset().union(*(dims.symbols(d) for d in self.shape))

    def with_shape(self, shape: Iterable[DimLike]) -> TensorType:
        return TensorType(self.dtype, tuple(shape))

    def with_dtype(self, dtype: DType) -> TensorType:
        return TensorType(dtype, self.shape)

    def __str__(self) -> str:
        return f"{self.dtype.short}[{', '.join(map(str, self.shape))}]"

    __repr__ = __str__


def broadcast_dim(a: DimLike, b: DimLike) -> DimLike | None:
    """The dim two dims broadcast to, or None.  Two unknown ones are assumed equal."""
    if a == 1:
        return b
    if b == 1:
        return a
    if not dims.assume_equal(a, b):
        return None
    return a if isinstance(a, int) else b  # the known one of the two, if any


def broadcast_shapes(*shapes: Shape) -> Shape:
    """numpy's broadcasting rule; ``InvalidArgumentError`` if the shapes do not fit."""
    result: list[DimLike] = [1] * max(map(len, shapes), default=0)
    for shape in shapes:
        for at, dim in enumerate(reversed(shape), 1):
            joined = broadcast_dim(result[-at], dim)
            if joined is None:
                listed = " and ".join(show_shape(s) for s in shapes)
                raise InvalidArgumentError(f"shapes {listed} do not broadcast")
            result[-at] = joined
    return tuple(result)


def show_shape(shape: Shape) -> str:
    return f"[{', '.join(map(str, shape))}]"
