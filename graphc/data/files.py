"""Datasets of files: lines, records, CSV."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np

import graphc as tf
from graphc.data.plans import UNKNOWN, Plan
from graphc.data.readers import Columns, Reader
from graphc.data.structure import Row
from graphc.io.codecs import Column, split_lines
from graphc.io.files import files_of
from graphc.io.records import compression, open_file, read_records
from graphc.io.steps import strings

Opened = Callable[[str], Iterator[Any]]


def matching(patterns: Any) -> np.ndarray:
    """The names of the files that match patterns, in order."""
    names = tf.io.matching_files(patterns).numpy()
    if not len(names):
        shown = ", ".join(map(os.fsdecode, np.ravel(tf.convert_to_tensor(patterns).numpy())))
        raise tf.errors.InvalidArgumentError(f"No files matched pattern: {shown}")
    return names


def processors() -> int:
    """How many processors this program may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Files(Plan):
    """What is in files, one file after the other; ``opened`` gives the items of one."""

    spec: Any = tf.TensorSpec([], tf.string)
    cardinality = UNKNOWN
    waits = True

    def __init__(self, title: str, filenames: Any, opened: Opened) -> None:
        self.title, self.opened = title, opened
        self.files = files_of(filenames)

    def reader(self) -> Reader:
        return FileReader(self.files, self.opened, _as_strings)


def _as_strings(items: Sequence[bytes]) -> Columns:
    return [strings(items)]


class FileReader(Reader):
    """Items of files, converted in blocks."""

    cuts = True

    def __init__(
        self, files: Sequence[str], opened: Opened, convert: Callable[[Sequence[Any]], Columns]
    ) -> None:
        self.files, self.opened, self.convert = iter(files), opened, convert
        self.items: Any = iter(())

    def take(self, n: int) -> Columns | None:
        found = list(islice(self.items, n))
        while len(found) < n:
            file = next(self.files, None)
            if file is None:
                break
            self.items = self.opened(file)
            found += islice(self.items, n - len(found))
        return self.convert(found) if found else None

    def next(self) -> Row | None:
        block = self.take(1)
        return None if block is None else [c[0, ...] for c in block]

    def close(self) -> None:
        if hasattr(self.items, "close"):
            self.items.close()


# --- kinds ----------------------------------------------------------------------------------------


def lines(filenames: Any, kind: Any) -> Files:
    """The lines of text files, without their ends."""
    how = compression(kind)

    def opened(path: str) -> Iterator[bytes]:
        file = open_file(path, how)
        try:
            while line := file.readline():
                yield line.removesuffix(b"\n").removesuffix(b"\r")
        finally:
            file.close()

    return Files("TextLineDatasetV2", filenames, opened)


def records(filenames: Any, kind: Any) -> Files:
    """The records of TFRecord files."""
    how = compression(kind)
    return Files("TFRecordDatasetV2", filenames, lambda path: read_records(path, how))


def fixed(filenames: Any, size: int, header: int, footer: int, kind: Any) -> Files:
    """Records of one size, after ``header`` bytes and before ``footer`` ones."""
    how = compression(kind)

    def opened(path: str) -> Iterator[bytes]:
        file = open_file(path, how)
        try:
            data = file.read()
        finally:
            file.close()
        body = len(data) - header - footer
        if body < 0 or body % size:
            raise tf.errors.InvalidArgumentError(
                f'Excluding the header ({header} bytes) and footer ({footer} bytes), input file "'
                f'{path}" has body length {body} bytes, which is not an exact multiple of the'
                f" record length ({size} bytes)."
            )
        yield from (data[i : i + size] for i in range(header, header + body, size))

    return Files("FixedLengthRecordDatasetV2", filenames, opened)


class Csv(Files):
    """The columns of CSV files; an element is a tuple of scalars."""

    def __init__(
        self, filenames: Any, defaults: Sequence[Any], kind: Any, header: bool, delimiter: str,
        quotes: bool, na: str, select: Sequence[int] | None, exclude: Sequence[int] | None,
    ) -> None:  # fmt: skip
        super().__init__("CsvDatasetV2", filenames, self._rows)
        self.columns = [Column(d) for d in defaults]
        if select is not None and exclude is not None:
            raise ValueError("Either select_cols or exclude_cols should be empty")
        if select is not None and len(select) != len(self.columns):
            raise tf.errors.InvalidArgumentError("select_cols should match output size")
        if select is not None and list(select) != sorted(set(select)):
            raise tf.errors.InvalidArgumentError(
                "select_cols should be strictly increasing indices"
            )
        self.kind, self.header, self.delimiter = compression(kind), header, delimiter
        self.quotes, self.na, self.select = quotes, na, select
        self.exclude = set(exclude or ())
        self.spec = tuple(tf.TensorSpec([], c.dtype) for c in self.columns)

    def _rows(self, path: str) -> Iterator[list[str]]:
        file = open_file(path, self.kind)
        try:
            texts = (line.decode("utf-8", "surrogateescape") for line in iter(file.readline, b""))
            rows = split_lines(texts, self.delimiter, self.quotes)
            for number, row in enumerate(rows):
                if row and (number or not self.header):
                    yield self._chosen(row)
        except csv.Error as error:
            raise tf.errors.InvalidArgumentError(f"{path}: {error}") from error
        finally:
            file.close()

    def _chosen(self, row: list[str]) -> list[str]:
        if self.exclude:
            row = [field for i, field in enumerate(row) if i not in self.exclude]
        if self.select is None:
            if len(row) != len(self.columns):
                raise tf.errors.InvalidArgumentError(
                    f"Expect {len(self.columns)} fields but have {len(row)} in record"
                )
            return row
        if self.select and self.select[-1] >= len(row):
            raise tf.errors.InvalidArgumentError(
                f"Expect at least {self.select[-1] + 1} fields but have {len(row)} in record"
            )
        return [row[i] for i in self.select]

    def reader(self) -> Reader:
        return FileReader(self.files, self.opened, self._converted)

    def _converted(self, rows: Sequence[list[str]]) -> Columns:
        parts = zip(*rows, strict=True)
        return [
            column.convert(fields, i, self.na)
            for i, (column, fields) in enumerate(zip(self.columns, parts, strict=True))
        ]
