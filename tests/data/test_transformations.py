"""Batches of uneven elements, mixtures, groups, caches."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as tf
from tests.data.test_pipelines import values

Dataset = tf.data.Dataset


@pytest.fixture
def uneven():
    spec = tf.TensorSpec([None], tf.int32)
    return Dataset.from_generator(lambda: [[1], [1, 2], [1, 2, 3]], output_signature=spec)


def test_padded_batches(uneven) -> None:
    assert values(uneven.padded_batch(2)) == [[[1, 0], [1, 2]], [[1, 2, 3]]]
    padded = uneven.padded_batch(2, [4], padding_values=-1, drop_remainder=True)
    assert values(padded) == [[[1, -1, -1, -1], [1, 2, -1, -1]]]
    assert padded.element_spec == tf.TensorSpec([2, 4], tf.int32)
    both = Dataset.zip((uneven, Dataset.from_tensor_slices(["a", "b", "c"])))
    shapes = ([None], [])
    assert values(both.padded_batch(3, shapes, (9, "x")))[0] == (
        [[1, 9, 9], [1, 2, 9], [1, 2, 3]],
        [b"a", b"b", b"c"],
    )
    with pytest.raises(tf.errors.InvalidArgumentError, match="smaller size"):
        values(uneven.padded_batch(3, [2]))
    with pytest.raises(ValueError, match="not compatible"):
        Dataset.from_tensor_slices([[1, 2]]).padded_batch(2, [1])


def test_ragged_elements() -> None:
    rows = tf.ragged.constant([[1], [2, 3], []], dtype=tf.int32)
    sliced = Dataset.from_tensor_slices((rows, [1.0, 2.0, 3.0]))
    assert values(sliced) == [([1], 1.0), ([2, 3], 2.0), ([], 3.0)]
    assert values(sliced.padded_batch(3))[0][0] == [[1, 0], [2, 3], [0, 0]]
    (batch, _), = list(sliced.ragged_batch(3))  # fmt: skip
    assert batch.to_list() == rows.to_list()
    with pytest.raises(tf.errors.InvalidArgumentError, match="cannot batch component"):
        list(Dataset.from_tensor_slices([["a b"]]).map(tf.strings.split).batch(2))


def test_elements_of_different_shapes_are_never_stacked_unasked(uneven) -> None:
    joined = Dataset.from_tensor_slices([[7], [8]]).concatenate(uneven)
    expected = [[7], [8], [1], [1, 2], [1, 2, 3]]
    assert sorted(values(joined.shuffle(10))) == sorted(expected)
    assert values(joined.filter(lambda x: tf.size(x) > 0).cache()) == expected
    padded = uneven.padded_batch(1).unbatch()
    assert sorted(values(padded.shuffle(5))) == [[1], [1, 2], [1, 2, 3]]
    with pytest.raises(tf.errors.InvalidArgumentError, match="different shapes in component 0"):
        values(padded.batch(2))


def test_a_pass_asks_each_source_once() -> None:
    asked = []

    def count(name):
        asked.append(name)
        yield 1

    spec = tf.TensorSpec([], tf.int32)
    one, two = (
        Dataset.from_generator(count, output_signature=spec, args=[name]) for name in ("a", "b")
    )
    values(one.concatenate(two).batch(2))
    values(Dataset.zip((one, two)).shuffle(2).repeat(2))
    assert asked == [b"a", b"b"] * 3


def test_choices() -> None:
    parts = [Dataset.range(3), Dataset.range(10, 13)]
    chosen = Dataset.choose_from_datasets(parts, Dataset.range(2).repeat())
    assert values(chosen) == [0, 10, 1, 11, 2, 12]
    first = Dataset.choose_from_datasets(parts, Dataset.from_tensors(np.int64(0)).repeat())
    assert values(first) == [0, 1, 2]
    sampled = Dataset.sample_from_datasets(parts, [0.1, 0.9], seed=1)
    assert sorted(values(sampled)) == [0, 1, 2, 10, 11, 12]
    many = Dataset.sample_from_datasets([p.repeat() for p in parts], [0.1, 0.9], seed=1)
    large = sum(v >= 10 for v in values(many.take(1000)))
    assert 850 < large < 950
    with pytest.raises(tf.errors.InvalidArgumentError, match="out-of-range"):
        values(Dataset.choose_from_datasets(parts, Dataset.range(2, 3)))


def test_groups(uneven) -> None:
    grouped = Dataset.range(7).group_by_window(lambda x: x % 2, lambda key, w: w.batch(2), 2)
    assert values(grouped) == [[0, 2], [1, 3], [4, 6], [5]]
    assert grouped.element_spec == tf.TensorSpec([None], tf.int64)

    def length(x):
        return tf.shape(x)[0]

    buckets = uneven.repeat(2).bucket_by_sequence_length(length, [2, 3], [2, 2, 2])
    assert values(buckets) == [[[1], [1]], [[1, 2]] * 2, [[1, 2, 3]] * 2]
    wide = uneven.take(2).bucket_by_sequence_length(
        length, [2, 4], [2, 2, 2], pad_to_bucket_boundary=True
    )
    assert values(wide) == [[[1]], [[1, 2, 0]]]


def test_a_cache_asks_once(tmp_path) -> None:
    asked = []

    def count():
        asked.append(1)
        yield from range(3)

    made = Dataset.from_generator(count, output_signature=tf.TensorSpec([], tf.int32))
    kept = made.cache()
    values(kept.take(2))  # a pass that does not come to the end is not kept
    assert values(kept) == values(kept) == values(kept.batch(3))[0] == [0, 1, 2]
    assert len(asked) == 2
    asked.clear()
    filed = made.cache(str(tmp_path / "x"))
    assert values(filed) == values(filed) == [0, 1, 2]
    assert len(asked) == 1
    other = Dataset.from_tensor_slices([7]).cache(str(tmp_path / "x"))
    assert values(other) == [0, 1, 2]
    values(made.cache(str(tmp_path / "y")).take(1))
    assert {p.name for p in tmp_path.iterdir()} == {"x.cache"}


def test_a_cache_of_blocks_keeps_all_rows() -> None:
    kept = Dataset.range(10).map(lambda x: x * 2).cache()
    for size in (3, 4, 10):
        assert [v for b in values(kept.batch(size)) for v in b] == list(range(0, 20, 2))
    assert sorted(values(kept.shuffle(10))) == list(range(0, 20, 2))


def test_a_cached_order_stays() -> None:
    kept = Dataset.range(20).shuffle(20).cache()
    assert values(kept) == values(kept)


def test_resampling() -> None:
    rng = np.random.default_rng(0)
    labels = Dataset.from_tensor_slices((rng.random(4000) < 0.8).astype("i4"))
    for initial in (None, [0.2, 0.8]):
        made = labels.rejection_resample(lambda x: x, [0.5, 0.5], initial, seed=3)
        assert made.element_spec == (tf.TensorSpec([], tf.int32),) * 2
        kinds = [k for k, _ in values(made)]
        assert 0.45 < np.mean(kinds) < 0.55
        assert len(kinds) > 1200  # 1,600 at best: all of the rarer class, as many of the other
    with pytest.raises(ValueError, match="class_func"):
        labels.rejection_resample(lambda x: 0.5, [0.5, 0.5])


def test_saving_and_loading(tmp_path) -> None:
    made = Dataset.from_tensor_slices(([1, 2, 3], ["a", "b", "c"])).batch(2)
    made.save(str(tmp_path / "x"))
    back = Dataset.load(str(tmp_path / "x"), made.element_spec)
    assert values(back) == values(made)
    assert len(back) == 2
    with pytest.raises(tf.errors.NotFoundError):
        Dataset.load(str(tmp_path / "y"), made.element_spec)


def test_smaller_transformations() -> None:
    numbers = Dataset.from_tensor_slices([1, 2, 1, 3])
    assert values(numbers.unique()) == [1, 2, 3]
    assert values(Dataset.range(5).batch(3).rebatch(2)) == [[0, 1], [2, 3], [4]]
    assert values(numbers.concatenate(numbers.take(1)).batch(5)) == [[1, 2, 1, 3, 1]]
    with pytest.raises(TypeError, match="Incompatible"):
        numbers.concatenate(Dataset.from_tensor_slices([1.0]))
    safe = Dataset.range(4).map(lambda x: tf.gather([1, 2], x)).ignore_errors()
    assert values(safe) == [1, 2]
    assert values(Dataset.range(3).apply(lambda d: d.skip(1))) == [1, 2]
    checked = Dataset.range(3).apply(tf.data.experimental.assert_cardinality(2))
    with pytest.raises(tf.errors.FailedPreconditionError, match="at least 3 elements"):
        values(checked)


def test_options_are_merged() -> None:
    first, second = tf.data.Options(), tf.data.Options()
    first.deterministic = False
    second.threading.private_threadpool_size = 3
    made = Dataset.range(3).with_options(first).batch(2).with_options(second)
    assert made.options().deterministic is False
    assert made.options().threading.private_threadpool_size == 3
    with pytest.raises(AttributeError, match="nonsense"):
        first.nonsense = 1


def test_the_older_forms() -> None:
    older = tf.data.experimental
    parts = [Dataset.range(1), Dataset.range(10, 12)]
    order = Dataset.from_tensor_slices(np.array([0, 0, 1, 1]))
    assert values(older.choose_from_datasets(parts, order)) == [0, 10, 11]
    assert values(Dataset.range(2).apply(older.enumerate_dataset(5))) == [(5, 0), (6, 1)]
    turns = older.parallel_interleave(lambda x: Dataset.range(x), cycle_length=2)
    assert values(Dataset.range(1, 4).apply(turns)) == [0, 0, 1, 0, 1, 2]
    assert values(Dataset.range(5).apply(older.map_and_batch(lambda x: -x, 2))) == [
        [0, -1], [-2, -3], [-4],
    ]  # fmt: skip
    assert older.get_structure(Dataset.range(2)) == tf.TensorSpec([], tf.int64)
    assert values(Dataset.range(3).apply(older.take_while(lambda x: x < 1))) == [0]
