"""What hand-written kernels are asked to do: a text and what its row holds.

An entry of a row is a value (its address), a dimension, a plain number, or one of the classes here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from graphc.ir.dims import DimLike

# A kernel whose work is cut into pieces finds in these slots which one to do, and of how many.
PIECE, PIECES = 2, 3


@dataclass(frozen=True)
class Call:
    """One call of a kernel, or of as many as there are pieces, which may run at the same time."""

    text: str
    row: tuple[Any, ...]
    can_fail: bool = False
    pieces: DimLike = 1


@dataclass(frozen=True, eq=False)
class Scratch:
    """A row entry: memory that the calls of one node use while they run."""

    bytes: DimLike
