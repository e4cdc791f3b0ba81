"""``tf.data.TextLineDataset`` and its like: datasets of files."""

from __future__ import annotations

import collections
import csv
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

import numpy as np

import graphc as tf
from graphc.data import files
from graphc.data.dataset import AUTOTUNE, Dataset
from graphc.errors import UnimplementedError
from graphc.io.codecs import split_lines
from graphc.io.records import compression, open_file


class TextLineDataset(Dataset):
    """The lines of text files, without their ends (TF: ``tf.data.TextLineDataset``).

    ``filenames`` is a name, a list of names, or a dataset of them; ``compression_type`` "GZIP" or
    "ZLIB".  A pass raises ``NotFoundError`` for a file that is not there.
    """

    def __init__(
        self, filenames: Any, compression_type: Any = None, buffer_size: Any = None,
        num_parallel_reads: Any = None, name: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(files.lines(filenames, compression_type))


class TFRecordDataset(Dataset):
    """The records of TFRecord files, as strings (TF: ``tf.data.TFRecordDataset``).

    A pass raises ``DataLossError`` where a file is damaged.
    """

    def __init__(
        self, filenames: Any, compression_type: Any = None, buffer_size: Any = None,
        num_parallel_reads: Any = None, name: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(files.records(filenames, compression_type))


class FixedLengthRecordDataset(Dataset):
    """Records of ``record_bytes`` each (TF: ``tf.data.FixedLengthRecordDataset``)."""

    def __init__(
        self, filenames: Any, record_bytes: int, header_bytes: int | None = None,
        footer_bytes: int | None = None, buffer_size: Any = None, compression_type: Any = None,
        num_parallel_reads: Any = None, name: str | None = None,
    ) -> None:  # fmt: skip
        ends = int(header_bytes or 0), int(footer_bytes or 0)
        super().__init__(files.fixed(filenames, int(record_bytes), *ends, compression_type))


class CsvDataset(Dataset):
    """The rows of CSV files, as tuples of scalars (TF: ``tf.data.experimental.CsvDataset``).

    ``record_defaults`` holds for each column a dtype, if it must have a value, or a default.  A
    pass raises ``InvalidArgumentError`` for what is not of the dtype, or missing.
    """

    def __init__(
        self, filenames: Any, record_defaults: Sequence[Any], compression_type: Any = None,
        buffer_size: Any = None, header: bool = False, field_delim: str = ",",
        use_quote_delim: bool = True, na_value: str = "", select_cols: Sequence[int] | None = None,
        exclude_cols: Sequence[int] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(
            files.Csv(
                filenames, record_defaults, compression_type, header, field_delim, use_quote_delim,
                na_value, select_cols, exclude_cols,
            )
        )  # fmt: skip


# --- make_csv_dataset -----------------------------------------------------------------------------

TYPES = (tf.int32, tf.int64, tf.float32, tf.float64, tf.string)


def make_csv_dataset(
    file_pattern: Any, batch_size: int, column_names: Sequence[str] | None = None,
    column_defaults: Sequence[Any] | None = None, label_name: str | None = None,
    select_columns: Sequence[Any] | None = None, field_delim: str = ",",
    use_quote_delim: bool = True, na_value: str = "", header: bool = True,
    num_epochs: int | None = None, shuffle: bool = True, shuffle_buffer_size: int = 10000,
    shuffle_seed: int | None = None, prefetch_buffer_size: int | None = None,
    num_parallel_reads: int | None = None, sloppy: bool = False,
    num_rows_for_inference: int | None = 100, compression_type: Any = None,
    ignore_errors: bool = False, encoding: str = "utf-8",
) -> Dataset:  # fmt: skip
    """Batches of CSV files: dicts of columns, or pairs of such a dict and the column
    ``label_name``.

    Names come from the header, dtypes from ``column_defaults`` or the first rows.  Without
    ``num_epochs`` it has no end.
    """
    if encoding.lower().replace("-", "") not in ("utf8", "ascii"):
        raise UnimplementedError(f"CSV files are read as utf-8, not as {encoding!r}")
    names = [n.decode() for n in files.matching(file_pattern)]
    how = _How(field_delim, use_quote_delim, na_value, header, compression(compression_type))
    if column_names is None:
        if not header:
            raise ValueError("Cannot infer column names without a header line.")
        column_names = how.header_of(names)
    if len(column_names) != len(set(column_names)):
        raise ValueError("Cannot have duplicate column names.")
    chosen = _chosen(column_names, select_columns)
    if column_defaults is None:
        column_defaults = how.types(names, chosen, num_rows_for_inference)
    elif len(column_defaults) == len(column_names) > len(chosen):
        column_defaults = [column_defaults[i] for i in chosen]
    picked = [column_names[i] for i in chosen]
    if label_name is not None and label_name not in picked:
        raise ValueError(
            f"`label_name` provided must be one of the columns: {picked}. Received: {label_name}."
        )
    rows: Dataset = CsvDataset(
        names, column_defaults, compression_type, None, header, field_delim, use_quote_delim,
        na_value, chosen if len(chosen) < len(column_names) else None,
    )  # fmt: skip
    if ignore_errors:
        rows = rows.ignore_errors()
    if shuffle:
        rows = rows.shuffle(shuffle_buffer_size, shuffle_seed)
    rows = rows.repeat(num_epochs).batch(batch_size, drop_remainder=num_epochs is None)
    rows = rows.map(_packed(picked, label_name))
    return rows.prefetch(AUTOTUNE if prefetch_buffer_size is None else prefetch_buffer_size)


def _packed(names: Sequence[str], label: str | None) -> Callable[..., Any]:
    def pack(*columns: Any) -> Any:
        features = collections.OrderedDict(zip(names, columns, strict=True))
        if label is None:
            return features
        target = features.pop(label)
        return features, target

    return pack


def _chosen(names: Sequence[str], select: Sequence[Any] | None) -> list[int]:
    """The numbers of the columns that are wanted, which are given by number or name."""
    if select is None:
        return list(range(len(names)))
    found = []
    for column in select:
        if isinstance(column, int | np.integer):
            found.append(int(column))
        elif column in names:
            found.append(list(names).index(column))
        else:
            raise ValueError(
                f"Value '{column}' in `select_columns` is not in the columns: {names}."
            )
    return sorted(found)


class _How:
    """How CSV files are read, to look into them beforehand."""

    def __init__(self, delimiter: str, quotes: bool, na: str, header: bool, kind: str) -> None:
        self.delimiter, self.quotes, self.na = delimiter, quotes, na
        self.header, self.kind = header, kind

    def rows(self, name: str) -> Any:
        file = open_file(name, self.kind)
        try:
            texts = (line.decode("utf-8", "surrogateescape") for line in iter(file.readline, b""))
            yield from filter(None, split_lines(texts, self.delimiter, self.quotes))
        finally:
            file.close()

    def header_of(self, names: Sequence[str]) -> list[str]:
        first = next(self.rows(names[0]), [])
        for name in names[1:]:
            if next(self.rows(name), []) != first:
                raise ValueError("All input CSV files must have the same header.")
        return first

    def types(self, names: Sequence[str], chosen: Sequence[int], count: int | None) -> list[Any]:
        """A default of the first dtype in `TYPES` that fits a column's fields in the first rows."""
        levels = [-1] * len(chosen)
        all_rows = (
            row for name in names for row in islice(self.rows(name), int(self.header), None)
        )
        try:
            for row in islice(all_rows, count):
                for i, column in enumerate(chosen):
                    if row[column] not in ("", self.na):
                        levels[i] = max(levels[i], _level(row[column]))
        except (csv.Error, IndexError) as error:
            raise ValueError(
                f"Problem inferring types: CSV row {row} has another number of fields"
            ) from error
        found = [TYPES[level] for level in levels]  # -1: string
        return [tf.constant([""] if t is tf.string else [0], t) for t in found]


def _level(field: str) -> int:
    """The number of the first dtype in `TYPES` that can hold a field."""
    try:
        number = int(field)
        for level, bits in ((0, 31), (1, 63)):
            if -(2**bits) <= number < 2**bits:
                return level
    except ValueError:
        pass
    try:
        size = abs(float(field))
    except ValueError:
        return 4
    return 2 if size < np.finfo(np.float32).max else 3 if size < np.finfo(np.float64).max else 4
