"""Shuffling: TensorFlow's buffer, for single rows and for blocks of row numbers."""

from __future__ import annotations

import hashlib
import os
from typing import Any

import numpy as np

from graphc.data.readers import Columns, Reader, Through
from graphc.data.structure import Row
from graphc.trace.rng import GLOBAL
from graphc.trace.state import tracing


class Seed:
    """Where the random numbers of a dataset come from (TF: global seed and op seed).

    With a seed of either kind a program gets the same numbers on every run; each pass through the
    dataset has others, unless ``fixed``.
    """

    def __init__(self, seed: int | None = None, fixed: bool = False) -> None:
        self.key = _key(seed)
        self.fixed = fixed
        self.passes = 0

    def generator(self) -> np.random.Generator:
        """The numbers of the next pass."""
        at = 0 if self.fixed else self.passes
        self.passes += 1
        return np.random.default_rng([*self.key, at])


def _key(seed: int | None) -> list[int]:
    known = [int(GLOBAL.state._array[0])] if GLOBAL.seeded else []
    if seed is not None:
        digest = hashlib.blake2b(str(int(seed)).encode(), digest_size=8).digest()
        return [*known, int.from_bytes(digest, "little")]
    if not known:
        return [int.from_bytes(os.urandom(8), "little")]
    with tracing(None):  # a dataset is made once, also when the code that makes it is traced
        return [int(n) for n in GLOBAL.next_key().numpy()]


class Shuffle(Through):
    """Rows in random order: each is drawn from a buffer that the following ones fill up."""

    def __init__(self, upstream: Reader, size: int, random: np.random.Generator) -> None:
        super().__init__(upstream)
        self.size, self.random = size, random
        self.buffer: Columns | None = None
        self.at = 0  # in the buffer, once it is in its final order
        self.drained = False

    def next(self) -> Row | None:
        found = self._draw(1)
        if not len(found[0]):
            return None
        return [c[0, ...] for c in found] if self.cuts else found[0][0]

    def take(self, n: int) -> Columns | None:
        if not self.cuts:
            return super().take(n)
        found = self._draw(n)
        return found if len(found[0]) else None

    def rows(self, n: int) -> list[Row]:
        return super().rows(n) if self.cuts else list(self._draw(n)[0])

    def _pull(self, n: int) -> Columns | None:
        """The next n rows as columns; where they cannot be cut, as one column of rows."""
        if self.cuts:
            return self.upstream.take(n)
        rows = self.upstream.rows(n)
        held = np.empty(len(rows), object)
        for i, row in enumerate(rows):
            held[i] = row
        return [held] if rows else None

    def _draw(self, n: int) -> Columns:
        if self.buffer is None:
            pulled = self._pull(self.size)
            if pulled is None:
                return [np.empty(0)]
            self.buffer = [c.copy() for c in pulled]
        fresh = None if self.drained else self._pull(n)
        out = [c[:0] for c in self.buffer] if fresh is None else self._exchange(fresh)
        missing = n - len(out[0])
        if not missing:
            return out
        if not self.drained:
            self.drained = True
            order = self.random.permutation(len(self.buffer[0]))
            self.buffer = [c[order] for c in self.buffer]
        rest = [c[self.at : self.at + missing] for c in self.buffer]
        self.at += missing
        return rest if not len(out[0]) else list(map(np.concatenate, zip(out, rest, strict=True)))

    def _exchange(self, fresh: Columns) -> Columns:
        """Put rows into random places, one after the other; what was there comes out."""
        buffer: Any = self.buffer
        count = len(fresh[0])
        places = self.random.integers(0, len(buffer[0]), count)
        by_place = np.argsort(places, kind="stable")  # equal places stay in order of time
        there = places[by_place]
        first = np.append(True, there[1:] != there[:-1])
        last = np.append(first[1:], True)
        later = np.flatnonzero(~first)
        out = []
        for held, new in zip(buffer, fresh, strict=True):
            made = np.empty_like(new)
            made[by_place[first]] = held[there[first]]
            made[by_place[later]] = new[by_place[later - 1]]
            held[there[last]] = new[by_place[last]]
            out.append(made)
        return out
