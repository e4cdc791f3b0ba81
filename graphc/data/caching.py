"""Datasets that keep their elements: in memory, or in a file."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import graphc as tf
from graphc.data.plans import From, Plan
from graphc.data.readers import Columns, Gather, Numbers, Reader, Rows, Through, join
from graphc.data.structure import Row, given, is_fixed
from graphc.formats.records import framed
from graphc.io import tensors
from graphc.io.records import read_records

SUFFIX = ".cache"


class Cached(From):
    """The elements of the first pass, kept for the following ones.

    Only a pass that comes to its end is kept, as in TensorFlow.
    """

    title = "CacheDataset"

    def __init__(self, source: Plan) -> None:
        super().__init__(source)
        self.columns: Columns | None = None
        self.rows: list[Row] | None = None

    def reader(self) -> Reader:
        if self.columns is not None:
            return Gather(self.columns, Numbers(len(self.columns[0])))
        if self.rows is not None:
            return Rows(self.rows)
        upstream = self.source.reader()
        if isinstance(upstream, Gather) and upstream.in_place:
            return upstream  # it lies in memory as it is
        if upstream.cuts and is_fixed(self.spec):
            return _KeepBlocks(upstream, self)
        return _KeepRows(upstream, self)


class _KeepRows(Through):
    """Rows as they come, handed over at the end."""

    def __init__(self, upstream: Reader, plan: Cached) -> None:
        super().__init__(upstream)
        self.cuts, self.plan, self.seen = False, plan, []

    def next(self) -> Row | None:
        row = self.upstream.next()
        if row is not None:
            self.seen.append(row)
        elif self.plan.rows is None:
            self.plan.rows = self.seen
        return row


class _KeepBlocks(Through):
    """Blocks as they come, handed over at the end."""

    def __init__(self, upstream: Reader, plan: Cached) -> None:
        super().__init__(upstream)
        self.plan, self.seen = plan, []

    def next(self) -> Row | None:
        block = self.take(1)
        return None if block is None else [c[0, ...] for c in block]

    def take(self, n: int) -> Columns | None:
        block = self.upstream.take(n)
        if block is not None:
            self.seen.append(block)
        if (block is None or len(block[0]) < n) and self.seen:
            self.plan.columns = join(self.seen)
        return block


class FileCached(From):
    """The elements of the first pass, kept in a file, also for other programs."""

    title = "CacheDataset"

    def __init__(self, source: Plan, name: str) -> None:
        super().__init__(source)
        check_writable(source.spec)
        self.path = Path(name + SUFFIX)

    def reader(self) -> Reader:
        return _FileRows(self.path, self.spec) if self.path.exists() else self.writer()

    def writer(self) -> Reader:
        """A pass that writes the file."""
        return _KeepInFile(self.source.reader(), self.path)


class _KeepInFile(Through):
    """Rows as they come; the file gets its name when it is complete."""

    def __init__(self, upstream: Reader, path: Path) -> None:
        super().__init__(upstream)
        self.cuts, self.path = False, path
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, self.part = tempfile.mkstemp(dir=path.parent, prefix=path.name)
        self.file: Any = os.fdopen(handle, "wb")

    def next(self) -> Row | None:
        row = self.upstream.next()
        if self.file is not None:
            if row is not None:
                for array in row:
                    self.file.write(framed(tensors.serialize(array)))
            else:
                self.file.close()
                self.file = None
                os.replace(self.part, self.path)
        return row

    def close(self) -> None:
        super().close()
        if self.file is not None:
            self.file.close()
            self.file = None
            os.unlink(self.part)


class _FileRows(Reader):
    def __init__(self, path: Path, spec: Any) -> None:
        self.spec, self.records = given(spec), read_records(os.fspath(path))

    def next(self) -> Row | None:
        row = []
        for spec in self.spec:
            record = next(self.records, None)
            if record is None:
                return None
            row.append(tensors.parse(record, spec.dtype))
        return row

    def close(self) -> None:
        self.records.close()


def check_writable(spec: Any) -> None:
    """Only tensors can be written to a file."""
    for leaf in given(spec):
        if not isinstance(leaf, tf.TensorSpec):
            raise TypeError(f"only tensors can be written to a file, got {leaf!r}")


def save(plan: Plan, path: str) -> None:
    """Write all elements to a file in a folder; it gets its name when it is complete."""
    check_writable(plan.spec)
    reader = FileCached(plan, os.path.join(path, "elements")).writer()
    try:
        while reader.next() is not None:
            pass
    finally:
        reader.close()


class Saved(Plan):
    """The elements that `save` has written."""

    title = "_LoadDataset"

    def __init__(self, path: str, spec: Any) -> None:
        self.path, self.spec = Path(path) / f"elements{SUFFIX}", spec
        components = sum(1 for _ in read_records(os.fspath(self.path)))
        self.cardinality = components // max(len(given(spec)), 1)

    def reader(self) -> Reader:
        return _FileRows(self.path, self.spec)
