"""Lookup tables, eagerly and in functions. Expected ids and errors are TensorFlow's."""

from __future__ import annotations

import pytest

import graphc as tf

KEYS = tf.constant(["a", "b", "zz", "hello"])


@pytest.fixture
def table():
    pairs = tf.lookup.KeyValueTensorInitializer(["a", "b"], [1, 2])
    return tf.lookup.StaticHashTable(pairs, default_value=-1)


def test_a_static_table(table) -> None:
    assert table.lookup(KEYS).numpy().tolist() == [1, 2, -1, -1]
    assert table[tf.constant([["b"]])].numpy().tolist() == [[2]]
    assert table.size().numpy() == 2
    assert (table.key_dtype, table.value_dtype) == (tf.string, tf.int32)
    keys, values = table.export()
    assert dict(zip(keys.numpy(), values.numpy(), strict=True)) == {b"a": 1, b"b": 2}
    with pytest.raises(TypeError, match="Dtype of argument `keys`"):
        table.lookup(tf.constant([1]))


def test_a_table_in_a_function(table) -> None:
    @tf.function
    def total(keys):
        return tf.reduce_sum(table.lookup(keys) * 10)

    assert total(KEYS).numpy() == 10
    assert total(KEYS[:1]).numpy() == 10
    assert not total.fallbacks
    ids = tf.data.Dataset.from_tensor_slices(KEYS).map(table.lookup)
    assert [int(i) for i in ids] == [1, 2, -1, -1]


def test_a_key_with_two_values_is_refused() -> None:
    pairs = tf.lookup.KeyValueTensorInitializer(["a", "a"], [1, 2])
    with pytest.raises(tf.errors.InvalidArgumentError, match="different value for same key"):
        tf.lookup.StaticHashTable(pairs, 0)


def test_vocabularies_from_files(tmp_path) -> None:
    path = tmp_path / "words.txt"
    path.write_text("a\nb\nc\n")
    index = tf.lookup.TextFileIndex
    words = tf.lookup.TextFileInitializer(
        str(path), tf.string, index.WHOLE_LINE, tf.int64, index.LINE_NUMBER
    )
    table = tf.lookup.StaticVocabularyTable(words, num_oov_buckets=5)
    assert table.size().numpy() == 8
    assert table.lookup(KEYS).numpy().tolist() == OOV_IDS
    back = tf.lookup.TextFileInitializer(
        str(path), tf.int64, index.LINE_NUMBER, tf.string, index.WHOLE_LINE
    )
    names = tf.lookup.StaticHashTable(back, "?")
    assert names.lookup(tf.constant([2, 9], tf.int64)).numpy().tolist() == [b"c", b"?"]
    columns = tmp_path / "pairs.txt"
    columns.write_text("x 3\ny 4\n")
    pairs = tf.lookup.TextFileInitializer(
        str(columns), tf.string, 0, tf.int64, 1, delimiter=" "
    )  # fmt: skip
    assert tf.lookup.StaticHashTable(pairs, 0)[tf.constant("y")].numpy() == 4


OOV_IDS = [0, 1, 5, 4]  # by the hash that to_hash_bucket_fast has


def test_numbers_in_a_vocabulary() -> None:
    pairs = tf.lookup.KeyValueTensorInitializer(
        tf.constant([10, 20], tf.int64), tf.constant([0, 1], tf.int64)
    )
    table = tf.lookup.StaticVocabularyTable(pairs, 3)
    assert table.lookup(tf.constant([20, 10, 5, 6], tf.int64)).numpy().tolist() == NUMBER_IDS


NUMBER_IDS = [1, 0, 3, 4]


def test_a_table_that_changes() -> None:
    table = tf.lookup.experimental.MutableHashTable(tf.string, tf.float32, [0.0, 0.0])
    table.insert(["a", "b"], [[1.0, 2.0], [3.0, 4.0]])
    table.insert(["a"], [[5.0, 6.0]])
    assert table.lookup(KEYS[:3]).numpy().tolist() == [[5, 6], [3, 4], [0, 0]]
    table.remove(["b", "nobody"])
    assert table.size().numpy() == 1
    with pytest.raises(tf.errors.InvalidArgumentError, match="Expected shape"):
        table.insert(["a"], [[1.0]])

    counts = tf.lookup.experimental.DenseHashTable(
        tf.int64, tf.int64, 0, empty_key=-1, deleted_key=-2
    )

    @tf.function
    def count(keys):
        for key in keys:
            counts.insert(key, counts.lookup(key) + 1)
        return counts.size()

    assert count(tf.constant([3, 4, 3], tf.int64)).numpy() == 2
    assert counts[tf.constant([3, 4, 5], tf.int64)].numpy().tolist() == [2, 1, 0]
    with pytest.raises(tf.errors.InvalidArgumentError, match="empty_key"):
        counts.insert(tf.constant([-1], tf.int64), tf.constant([1], tf.int64))
