"""What hand-written kernels are asked to do: a text and what its row holds.

An entry of a row is a value (its address), a dimension, a plain number, or one of the classes here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from graphc.ir.dims import DimLike


@dataclass(frozen=True)
class Call:
    """One call of a kernel."""

    text: str
    row: tuple[Any, ...]
    can_fail: bool = False


@dataclass(frozen=True)
class Gemm:
    """A row entry: the address of BLAS for a type."""

    short: str


@dataclass(frozen=True)
class Scratch:
    """A row entry: memory that a kernel uses while it runs."""

    bytes: DimLike
