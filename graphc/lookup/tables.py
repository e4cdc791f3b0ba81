"""Lookup tables: from keys to values; in graphs they are asked by host steps."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.api.texts import as_string, to_hash_bucket_fast
from graphc.errors import InvalidArgumentError
from graphc.io.files import files_of
from graphc.io.records import open_file
from graphc.io.steps import Spec, constant, host, strings
from graphc.ir import dtypes
from graphc.ops import ops
from graphc.trace.dispatch import convert_to_tensor
from graphc.trace.tensor import Tensor

# --- what a table is filled with ------------------------------------------------------------------


class TextFileIndex:
    """Which part of a line: all of it, or its number (TF: ``tf.lookup.TextFileIndex``)."""

    WHOLE_LINE = -2
    LINE_NUMBER = -1


class KeyValueTensorInitializer:
    """Keys and values [n] (TF: ``tf.lookup.KeyValueTensorInitializer``)."""

    def __init__(
        self, keys: Any, values: Any, key_dtype: Any = None, value_dtype: Any = None,
        name: str | None = None,
    ) -> None:  # fmt: skip
        self._keys = np.ravel(constant(keys, key_dtype))
        self._values = np.ravel(constant(values, value_dtype))
        self.key_dtype = dtypes.of_numpy(self._keys.dtype)
        self.value_dtype = dtypes.of_numpy(self._values.dtype)
        if len(self._keys) != len(self._values):
            raise InvalidArgumentError(
                f"there are {len(self._keys)} keys and {len(self._values)} values"
            )

    def pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """The keys and the values."""
        return self._keys, self._values


class TextFileInitializer:
    """Keys and values from the lines of a file (TF: ``tf.lookup.TextFileInitializer``).

    An index is a column, or one of `TextFileIndex`.
    """

    def __init__(
        self, filename: Any, key_dtype: Any, key_index: int, value_dtype: Any, value_index: int,
        vocab_size: int | None = None, delimiter: str = "\t", name: str | None = None,
        value_index_offset: int = 0,
    ) -> None:  # fmt: skip
        self.key_dtype, self.value_dtype = dtypes.as_dtype(key_dtype), dtypes.as_dtype(value_dtype)
        self._file = files_of(filename)[0]
        self._indices = key_index, value_index
        self._size, self._delimiter = vocab_size, delimiter
        self._offset = value_index_offset
        for what, index, dtype in (("key", key_index, self.key_dtype),
                                   ("value", value_index, self.value_dtype)):  # fmt: skip
            wanted = {-2: dtypes.string, -1: dtypes.int64}.get(index, dtype)
            if dtype is not wanted:
                raise ValueError(
                    f"Signature mismatch. {what.capitalize()}s must be dtype {wanted!r} for this"
                    f" index, got {dtype!r}."
                )

    def pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """The keys and the values; the file is read now."""
        file = open_file(self._file)
        try:
            lines = [line.rstrip(b"\r\n") for line in iter(file.readline, b"")]
        finally:
            file.close()
        if self._size is not None and len(lines) < self._size:
            raise InvalidArgumentError(
                f"Invalid vocab_size in {self._file}: expected {self._size} but got {len(lines)}"
            )
        lines = lines[: self._size]
        kinds = self.key_dtype, self.value_dtype
        keys, values = (
            _column(lines, i, k, self._delimiter) for i, k in zip(self._indices, kinds, strict=True)
        )
        offset = self._offset if self._indices[1] == TextFileIndex.LINE_NUMBER else 0
        return keys, values + offset if offset else values


def _column(lines: list[bytes], index: int, dtype: Any, delimiter: str) -> np.ndarray:
    if index == TextFileIndex.LINE_NUMBER:
        return np.arange(len(lines), dtype=np.int64)
    fields = lines
    if index != TextFileIndex.WHOLE_LINE:
        try:
            fields = [line.split(delimiter.encode())[index] for line in lines]
        except IndexError as error:
            raise InvalidArgumentError(f"a line has no column {index}") from error
    if dtype is dtypes.string:
        return strings(fields)
    try:
        return np.array([f.decode() for f in fields]).astype(dtype.np)
    except ValueError as error:
        raise InvalidArgumentError(
            f"a field of column {index} is no {dtype.name}: {error}"
        ) from error


# --- tables ---------------------------------------------------------------------------------------


class _Lookup:
    """What is asked with keys of one dtype."""

    key_dtype: Any

    def lookup(self, keys: Any, name: str | None = None) -> Any:
        """The values of keys, in the keys' structure: dense, ragged or sparse.

        Raises ``TypeError`` for keys of another dtype.
        """
        if hasattr(keys, "with_flat_values"):  # a RaggedTensor
            return keys.with_flat_values(self.lookup(keys.flat_values))
        if hasattr(keys, "dense_shape"):  # a SparseTensor
            return keys.with_values(self.lookup(keys.values))
        return self._values_of(self._keys(keys))

    def __getitem__(self, keys: Any) -> Any:
        return self.lookup(keys)

    def _keys(self, keys: Any) -> Tensor:
        t = convert_to_tensor(keys, dtype_hint=self.key_dtype)
        if t.dtype is not self.key_dtype:
            raise TypeError(
                f"Dtype of argument `keys` must be {self.key_dtype!r}, received: {t.dtype!r}"
            )
        return t

    def _values_of(self, t: Tensor) -> Tensor:
        raise NotImplementedError


class Table(_Lookup):
    """Keys and values in a dictionary; other keys have the default. Values may have axes."""

    def __init__(self, key_dtype: Any, value_dtype: Any, default: Any, name: str) -> None:
        self.key_dtype, self.value_dtype = dtypes.as_dtype(key_dtype), dtypes.as_dtype(value_dtype)
        self._default = constant(default, self.value_dtype)
        self._held: dict[Any, Any] = {}
        self.name = name

    @property
    def resource_handle(self) -> Any:
        return self

    def _values_of(self, t: Tensor) -> Tensor:
        sizes = [d if isinstance(d, int) else None for d in t.dims]
        shape = [*sizes, *self._default.shape]
        return host(self._find, [t], Spec(self.value_dtype, shape))[0]

    def _find(self, keys: np.ndarray) -> list[np.ndarray]:
        get, default = self._held.get, self._default
        found = [get(k, default) for k in keys.ravel().tolist()]
        made = np.empty((len(found), *default.shape), self.value_dtype.np)
        for i, value in enumerate(found):
            made[i] = value[()] if isinstance(value, np.ndarray) and not value.ndim else value
        return [made.reshape((*keys.shape, *default.shape))]

    def size(self, name: str | None = None) -> Tensor:
        """How many keys there are, i64."""
        return host(lambda: [np.array(len(self._held))], [], Spec(dtypes.int64))[0]

    def export(self, name: str | None = None) -> tuple[Tensor, Tensor]:
        """All keys and their values."""

        def step() -> list[np.ndarray]:
            keys = list(self._held)
            values = np.empty((len(keys), *self._default.shape), self.value_dtype.np)
            for i, key in enumerate(keys):
                values[i] = self._held[key]
            kind = self.key_dtype
            listed = strings(keys) if kind is dtypes.string else np.array(keys, kind.np)
            return [listed, values]

        specs = Spec(self.key_dtype, [None]), Spec(self.value_dtype, [None, *self._default.shape])
        keys, values = host(step, [], *specs)
        return keys, values


class StaticHashTable(Table):
    """A table that is filled once (TF: ``tf.lookup.StaticHashTable``).

    Raises ``InvalidArgumentError`` if a key has two values.
    """

    def __init__(
        self, initializer: Any, default_value: Any, name: str | None = None,
        experimental_is_anonymous: bool = False,
    ) -> None:  # fmt: skip
        kinds = initializer.key_dtype, initializer.value_dtype
        super().__init__(*kinds, default_value, name or "hash_table")
        keys, values = initializer.pairs()
        for key, value in zip(keys.tolist(), values, strict=True):
            if self._held.setdefault(key, value) != value:
                raise InvalidArgumentError(
                    f"HashTable has different value for same key. Key {key} has"
                    f" {self._held[key]} and trying to add value {value}"
                )

    @property
    def default_value(self) -> Any:
        return self._default[()]


class StaticVocabularyTable(_Lookup):
    """Ids of words: those of a table, and for others one of ``num_oov_buckets`` more, by hash
    (TF: ``tf.lookup.StaticVocabularyTable``).
    """

    def __init__(
        self, initializer: Any, num_oov_buckets: int, lookup_key_dtype: Any = None,
        name: str | None = None, experimental_is_anonymous: bool = False,
    ) -> None:  # fmt: skip
        if num_oov_buckets <= 0:
            raise ValueError("`num_oov_buckets` must be > 0; use StaticHashTable instead")
        if initializer is not None and initializer.value_dtype is not dtypes.int64:
            raise TypeError("Invalid `value_dtype`, expected int64.")
        self._table = None if initializer is None else StaticHashTable(initializer, -1)
        given = initializer.key_dtype if initializer is not None else dtypes.string
        self.key_dtype = given if lookup_key_dtype is None else dtypes.as_dtype(lookup_key_dtype)
        self.value_dtype = dtypes.int64
        self._buckets, self.name = num_oov_buckets, name or "vocabulary"

    def _known(self) -> int:
        return 0 if self._table is None else len(self._table._held)

    def size(self, name: str | None = None) -> Tensor:
        """How many ids there are, i64."""
        return convert_to_tensor(self._known() + self._buckets, dtypes.int64)

    def _values_of(self, t: Tensor) -> Tensor:
        """Ids, i64."""
        words = t if t.dtype is dtypes.string else as_string(t)
        others = ops.add(to_hash_bucket_fast(words, self._buckets), np.int64(self._known()))
        if self._table is None:
            return others
        if t.dtype is not self._table.key_dtype:
            t = ops.cast(t, dtype=self._table.key_dtype)
        ids = self._table.lookup(t)
        return ops.select(ops.greater_equal(ids, np.int64(0)), ids, others)


class MutableHashTable(Table):
    """A table that changes (TF: ``tf.lookup.experimental.MutableHashTable``)."""

    def __init__(
        self, key_dtype: Any, value_dtype: Any, default_value: Any,
        name: str = "MutableHashTable", checkpoint: bool = True,
        experimental_is_anonymous: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(key_dtype, value_dtype, default_value, name)

    def insert(self, keys: Any, values: Any, name: str | None = None) -> None:
        """Give keys values, new ones or others."""
        t = convert_to_tensor(values, dtype_hint=self.value_dtype)
        if t.dtype is not self.value_dtype:
            raise TypeError(
                f"Dtype of argument `values` must be {self.value_dtype!r}, received: {t.dtype!r}"
            )
        host(self._insert, [self._keys(keys), t])

    def _insert(self, keys: np.ndarray, values: np.ndarray) -> list[Any]:
        inner = self._default.shape
        if values.shape != keys.shape + inner:
            raise InvalidArgumentError(
                f"Expected shape {keys.shape + inner} for value, got {values.shape}"
            )
        flat = values.reshape(-1, *inner)
        self._check(keys)
        for key, value in zip(keys.ravel().tolist(), flat, strict=True):
            self._held[key] = value.copy() if inner else value
        return []

    def _check(self, keys: np.ndarray) -> None:
        """Whether these keys can be in the table."""

    def remove(self, keys: Any, name: str | None = None) -> None:
        """Forget keys; those that are not there do not matter."""

        def step(array: np.ndarray) -> list[Any]:
            self._check(array)
            for key in array.ravel().tolist():
                self._held.pop(key, None)
            return []

        host(step, [self._keys(keys)])

    erase = remove


class DenseHashTable(MutableHashTable):
    """A table that changes; two keys are not for use (TF: ``DenseHashTable``)."""

    def __init__(
        self, key_dtype: Any, value_dtype: Any, default_value: Any, empty_key: Any,
        deleted_key: Any, initial_num_buckets: int | None = None,
        name: str = "MutableDenseHashTable", checkpoint: bool = True,
        experimental_is_anonymous: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(key_dtype, value_dtype, default_value, name)
        reserved = [constant(k, self.key_dtype).tolist() for k in (empty_key, deleted_key)]
        if reserved[0] == reserved[1]:
            raise InvalidArgumentError("Empty and deleted keys cannot be equal")
        self._reserved = {"empty": reserved[0], "deleted": reserved[1]}

    def _check(self, keys: np.ndarray) -> None:
        for what, key in self._reserved.items():
            if key in keys.ravel().tolist():
                raise InvalidArgumentError(f"Using the {what}_key as a table key is not allowed")

    def _find(self, keys: np.ndarray) -> list[np.ndarray]:
        self._check(keys)
        return super()._find(keys)
