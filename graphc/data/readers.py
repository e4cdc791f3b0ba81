"""Readers: one pass through a dataset, row by row or in blocks.

``next()`` gives a row, or None at the end.  ``take(n)`` gives the next n rows as columns, arrays
with one axis more; fewer only at the end, and None if there are none.  A batch is a block, so where
every reader on the way can cut blocks, no Python runs for a row.

What only chooses rows (shuffle, take, repeat, ...) is applied to their numbers where they lie in
memory: see `Gather`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

import graphc as tf
from graphc.data.structure import Row

Columns = list[np.ndarray]
CHUNK = 1024  # rows that are skipped at a time


class Reader:
    """One pass; ``cuts`` tells whether blocks are cheap."""

    cuts = False

    def next(self) -> Row | None:
        raise NotImplementedError

    def take(self, n: int) -> Columns | None:
        rows = self.rows(n)
        return stack(rows) if rows else None

    def rows(self, n: int) -> list[Row]:
        """The next n rows; fewer at the end."""
        found: list[Row] = []
        while len(found) < n:
            row = self.next()
            if row is None:
                break
            found.append(row)
        return found

    def close(self) -> None:
        """Nothing will be read any more."""


def stack(rows: Sequence[Row]) -> Columns:
    """Rows as columns."""
    columns = []
    for i, first in enumerate(rows[0]):
        if not isinstance(first, np.ndarray):
            raise tf.errors.InvalidArgumentError(
                f"cannot batch component {i}, which is a {type(first).__name__}; of a window, batch"
                " each dataset: `windows.flat_map(lambda w: w.batch(n))`"
            )
        made = np.empty((len(rows), *first.shape), first.dtype)
        for k, row in enumerate(rows):
            if row[i].shape != first.shape:
                raise tf.errors.InvalidArgumentError(
                    f"Cannot batch tensors with different shapes in component {i}. First element"
                    f" had shape {list(first.shape)} and element {k} had shape"
                    f" {list(row[i].shape)}."
                )
            made[k] = row[i][()] if first.ndim == 0 else row[i]
        columns.append(made)
    return columns


class Rows(Reader):
    """The rows of a list."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.left = iter(rows)

    def next(self) -> Row | None:
        return next(self.left, None)


class Numbers(Reader):
    """The numbers ``start, start + step, ...``, ``count`` of them."""

    cuts = True

    def __init__(self, count: int, start: int = 0, step: int = 1, dtype: Any = np.int64) -> None:
        self.start, self.step, self.dtype = start, step, dtype
        self.at, self.count = 0, count

    def advance(self, n: int) -> tuple[int, int]:
        """The places of the next n."""
        first = self.at
        self.at = min(first + n, self.count)
        return first, self.at

    def next(self) -> Row | None:
        first, last = self.advance(1)
        if first == last:
            return None
        return [np.array(self.start + first * self.step, self.dtype)]

    def take(self, n: int) -> Columns | None:
        first, last = self.advance(n)
        if first == last:
            return None
        return [self.start + np.arange(first, last, dtype=self.dtype) * self.dtype(self.step)]


class Gather(Reader):
    """Rows of arrays, in the order of the row numbers that another reader gives."""

    cuts = True

    def __init__(self, columns: Columns, order: Reader) -> None:
        self.columns, self.order = columns, order
        self.in_place = type(order) is Numbers and order.step == 1 and order.start == 0

    def next(self) -> Row | None:
        found = self.order.next()
        if found is None:
            return None
        at = found[0]
        return [c[at, ...] for c in self.columns]

    def take(self, n: int) -> Columns | None:
        if self.in_place:
            first, last = self.order.advance(n)  # type: ignore[attr-defined]
            return None if first == last else [c[first:last] for c in self.columns]
        found = self.order.take(n)
        return None if found is None else [c.take(found[0], axis=0) for c in self.columns]


def reorder(upstream: Reader, make: Callable[[Reader], Reader]) -> Reader:
    """What only chooses rows, applied to row numbers if that is possible."""
    if isinstance(upstream, Gather):
        return Gather(upstream.columns, make(upstream.order))
    return make(upstream)


class Through(Reader):
    """A reader of another one's rows."""

    def __init__(self, upstream: Reader) -> None:
        self.upstream = upstream
        self.cuts = upstream.cuts

    def close(self) -> None:
        self.upstream.close()


class Take(Through):
    """The first rows."""

    def __init__(self, upstream: Reader, count: int) -> None:
        super().__init__(upstream)
        self.left = count

    def next(self) -> Row | None:
        if not self.left:
            return None
        self.left -= 1
        return self.upstream.next()

    def take(self, n: int) -> Columns | None:
        n = min(n, self.left)
        self.left -= n
        return self.upstream.take(n) if n else None


class Skip(Through):
    """All rows but the first."""

    def __init__(self, upstream: Reader, count: int) -> None:
        super().__init__(upstream)
        self.left = count

    def _skip(self) -> None:
        step = self.upstream.take if self.cuts else self.upstream.rows
        while self.left > 0:
            if not step(min(CHUNK, self.left)):
                break
            self.left -= CHUNK
        self.left = 0

    def next(self) -> Row | None:
        self._skip()
        return self.upstream.next()

    def take(self, n: int) -> Columns | None:
        self._skip()
        return self.upstream.take(n)


class Shard(Through):
    """Row ``index`` of every ``count`` rows."""

    def __init__(self, upstream: Reader, count: int, index: int) -> None:
        super().__init__(upstream)
        self.count, self.index = count, index

    def next(self) -> Row | None:
        rows = self.upstream.rows(self.count)
        return rows[self.index] if len(rows) > self.index else None

    def take(self, n: int) -> Columns | None:
        if not self.cuts:
            return super().take(n)
        found = self.upstream.take(n * self.count)
        if found is None or len(found[0]) <= self.index:
            return None
        return [c[self.index :: self.count] for c in found]


class Chain(Reader):
    """One reader after the other.

    ``following(any)`` gives the next, or None after the last; it hears whether the one before had
    any rows.
    """

    def __init__(self, first: Reader, following: Callable[[bool], Reader | None]) -> None:
        self.reader: Reader | None = first
        self.cuts, self.following, self.any = first.cuts, following, False

    def _advance(self) -> None:
        self.reader, self.any = self.following(self.any), False

    def next(self) -> Row | None:
        while self.reader is not None:
            row = self.reader.next()
            if row is not None:
                self.any = True
                return row
            self._advance()
        return None

    def take(self, n: int) -> Columns | None:
        if not self.cuts:
            return super().take(n)
        parts: list[Columns] = []
        while n and self.reader is not None:
            found = self.reader.take(n)
            if found is not None:
                parts.append(found)
                n -= len(found[0])
                self.any = True
            if n:
                self._advance()
        return join(parts)

    def close(self) -> None:
        if self.reader is not None:
            self.reader.close()


def join(parts: Sequence[Columns]) -> Columns | None:
    """Blocks as one."""
    if len(parts) < 2:
        return parts[0] if parts else None
    return [np.concatenate(column) for column in zip(*parts, strict=True)]


def repeat(make: Callable[[], Reader], count: int) -> Reader:
    """Pass after pass; ``count`` < 0: for ever, but not over nothing."""
    first = make()
    if count == 0:
        return Take(first, 0)
    passes = itertools.count(1) if count < 0 else iter(range(1, count))

    def again(any_rows: bool) -> Any:
        go_on = (any_rows or count > 0) and next(passes, None) is not None
        return make() if go_on else None

    if not isinstance(first, Gather):
        return Chain(first, again)
    order = lambda any_rows: getattr(again(any_rows), "order", None)  # noqa: E731
    return Gather(first.columns, Chain(first.order, order))
