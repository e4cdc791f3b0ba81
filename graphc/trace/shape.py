"""TensorShape: what ``tensor.shape`` shows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from graphc.ir.dims import Dim, DimLike


class TensorShape(tuple):
    """A tuple of ints, ``None`` for a dimension unknown while tracing (TF: ``tf.TensorShape``)."""

    __slots__ = ()

    def __new__(cls, dims: Iterable[Any] | int = ()) -> TensorShape:
        listed = (dims,) if isinstance(dims, int) else dims
        try:
            sizes = [None if d is None else int(d) for d in listed]
        except ValueError:
            raise TypeError(f"Failed to convert {dims!r} to a shape: sizes are numbers") from None
        if any(d is not None and d < 0 for d in sizes):
            raise ValueError(f"Dimensions must be >= 0, got {sizes}")
        return super().__new__(cls, sizes)

    @classmethod
    def of(cls, dims: Iterable[DimLike]) -> TensorShape:
        """From graph dims: symbols become None."""
        return tuple.__new__(cls, (None if isinstance(d, Dim) else d for d in dims))

    @property
    def rank(self) -> int:
        return len(self)

    ndims = rank

    @property
    def dims(self) -> list[int | None]:
        return list(self)

    def as_list(self) -> list[int | None]:
        return list(self)

    def num_elements(self) -> int | None:
        total = 1
        for dim in self:
            if dim is None:
                return None
            total *= dim
        return total

    def is_fully_defined(self) -> bool:
        return None not in self

    def assert_is_fully_defined(self) -> None:
        if None in self:
            raise ValueError(f"shape {self} is not fully defined")

    def is_compatible_with(self, other: Iterable[int | None] | None) -> bool:
        if other is None:
            return True
        theirs = TensorShape(other)
        return len(self) == len(theirs) and all(
            a is None or b is None or a == b for a, b in zip(self, theirs, strict=True)
        )

    def concatenate(self, other: Iterable[int | None]) -> TensorShape:
        return TensorShape((*self, *TensorShape(other)))

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        return TensorShape(found) if isinstance(key, slice) else found

    def __add__(self, other: Iterable[int | None]) -> TensorShape:  # type: ignore[override]
        return self.concatenate(other)

    def __eq__(self, other: object) -> bool:
        return tuple(self) == tuple(other) if isinstance(other, tuple | list) else False

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return tuple.__hash__(self)

    def __repr__(self) -> str:
        return f"TensorShape({list(self)})"

    def __str__(self) -> str:
        return f"({', '.join(map(str, self))}{',' if len(self) == 1 else ''})"
