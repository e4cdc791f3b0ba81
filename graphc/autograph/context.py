"""What the parts of the rewriter hand to each other."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass, field

from graphc.autograph.scope import NONE, FreeNames, Names

Statements = list[ast.stmt]


class Unconvertible(Exception):
    """A whole function has to stay as it is; the refusal has been noted."""


@dataclass(frozen=True)
class Refusal:
    """A construct that was left as it is."""

    line: int
    construct: str
    reason: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.construct} is not converted: {self.reason}"


@dataclass
class Unit:
    """What all functions of one conversion share."""

    filename: str
    free: FreeNames = field(default_factory=FreeNames)
    refusals: list[Refusal] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)
    counts: dict[str, int] = field(default_factory=dict)
    enclosing: Names = NONE  # local names of the functions around the one being rewritten

    def fresh(self, base: str) -> str:
        """A name that occurs nowhere in the function."""
        while True:
            n = self.counts[base] = self.counts.get(base, 0) + 1
            name = f"{base}_{n}"
            if name not in self.taken:
                return name


@dataclass(frozen=True)
class Context:
    """Where a block stands."""

    end: Callable[[], Statements]  # what a block does where it ends normally
    own: bool = True  # in the user's function itself: `return` is Python's own
    loop: tuple[str, ...] | None = None  # what the loop around carries
    inline: bool = False  # inside a `try`, `with` or `match` that stays: the rest follows in place
