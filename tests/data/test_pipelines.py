"""Pipelines of arrays: values, types, cardinalities."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as tf

Dataset = tf.data.Dataset


def values(dataset):
    """The elements as plain Python values."""
    return [tf.nest.map_structure(lambda v: np.asarray(v).tolist(), e)
            for e in dataset.as_numpy_iterator()]  # fmt: skip


@pytest.fixture
def pairs():
    return Dataset.from_tensor_slices(np.arange(12).reshape(6, 2))


def test_slices_batches_and_chosen_rows(pairs) -> None:
    assert values(pairs.batch(4)) == [
        [[0, 1], [2, 3], [4, 5], [6, 7]],
        [[8, 9], [10, 11]],
    ]
    assert values(pairs.batch(4, drop_remainder=True)) == values(pairs.batch(4))[:1]
    assert values(pairs.repeat(2).skip(5).take(3)) == [[10, 11], [0, 1], [2, 3]]
    assert values(pairs.shard(2, 1)) == [[2, 3], [6, 7], [10, 11]]
    assert values(pairs.repeat().take(13).batch(13))[0][12] == [0, 1]
    assert values(pairs.take(-1)) == values(pairs)
    assert values(pairs.skip(-1)) == []


def test_an_endless_repetition_of_nothing_ends() -> None:
    assert values(Dataset.range(0).repeat()) == []
    assert values(Dataset.range(3).filter(lambda x: x > 5).repeat().batch(2)) == []


def test_structures() -> None:
    made = Dataset.from_tensor_slices(({"a": [1.0, 2.0], "b": ["x", "y"]}, [3, 4]))
    assert made.element_spec == (
        {"a": tf.TensorSpec([], tf.float32), "b": tf.TensorSpec([], tf.string)},
        tf.TensorSpec([], tf.int32),
    )
    assert values(made) == [({"a": 1.0, "b": b"x"}, 3), ({"a": 2.0, "b": b"y"}, 4)]
    mapped = made.map(lambda features, label: (features["a"] + 1.0, label))
    assert values(mapped.batch(2)) == [([2.0, 3.0], [3, 4])]


def test_the_users_array_may_change_afterwards() -> None:
    array = np.zeros(3)
    made = Dataset.from_tensor_slices(array)
    array[:] = 1
    assert values(made) == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("block", [1, 3, 64])
@pytest.mark.parametrize("buffer", [1, 5, 40, 100])
def test_shuffle_is_a_permutation(buffer, block) -> None:
    got = [n for b in values(Dataset.range(40).shuffle(buffer, seed=3).batch(block)) for n in b]
    assert sorted(got) == list(range(40))
    assert (got == list(range(40))) == (buffer == 1)
    # element i can be drawn as soon as it is in the buffer, not before
    assert all(value < at + buffer for at, value in enumerate(got))


def test_shuffle_of_computed_rows_keeps_rows_together() -> None:
    pairs = Dataset.range(50).map(lambda x: (x, x * x))
    for made in (pairs, pairs.map(lambda x, y: (x, tf.numpy_function(lambda v: v, [y], tf.int64)))):
        got = values(made.shuffle(7, seed=1))
        assert sorted(a for a, _ in got) == list(range(50))
        assert all(b == a * a for a, b in got)


def test_orders_depend_on_the_seeds() -> None:
    def orders(**options):
        made = Dataset.range(30).shuffle(30, **options)
        return values(made), values(made)

    tf.random.set_seed(7)
    first = orders(), orders()
    tf.random.set_seed(7)
    assert (orders(), orders()) == first
    assert first[0] != first[1]
    one, two = orders(seed=5)
    assert one != two
    assert orders(seed=5) == (one, two)
    one, two = orders(seed=5, reshuffle_each_iteration=False)
    assert one == two


def test_map_gives_tuples_for_lists_and_numbers_for_numbers() -> None:
    assert values(Dataset.range(2).map(lambda x: [x, 1])) == [(0, 1), (1, 1)]
    made = Dataset.range(2).map(lambda x: {"x": x, "y": [1.0, 2.0]})
    assert made.element_spec["y"] == tf.TensorSpec([2], tf.float32)


def elementwise(x, y):
    return tf.exp(x) * 2.0 + 1.0, tf.cast(y, tf.float32)


def reducing(x, y):
    return x - tf.reduce_mean(x), tf.reduce_max(x, keepdims=True), y


def broadcasting(x, y):
    return x * tf.cast(y, tf.float32), x + tf.constant([[1.0], [2.0]])


def branching(x, y):
    if y > 3:
        x = x * 2.0
    return x, tf.constant([y, 1])


def constant(x, y):
    return tf.constant([1, 2, 3])


@pytest.mark.parametrize("function", [elementwise, reducing, broadcasting, branching, constant])
def test_blocks_are_what_rows_are(function) -> None:
    rng = np.random.default_rng(0)
    data = rng.normal(size=(10, 3)).astype("f4"), np.arange(10)
    mapped = Dataset.from_tensor_slices(data).map(function)
    rows = [tf.nest.flatten(e) for e in mapped.as_numpy_iterator()]
    blocks = [tf.nest.flatten(e) for e in mapped.batch(4).as_numpy_iterator()]
    assert len(blocks) == 3
    for i in range(len(rows[0])):
        whole = np.concatenate([b[i] for b in blocks])
        assert whole.dtype == rows[0][i].dtype
        np.testing.assert_array_equal(whole, np.stack([r[i] for r in rows]))


def test_effects_happen_row_by_row_and_in_order() -> None:
    seen = []

    def note(x):
        seen.append(int(x))
        return x

    made = Dataset.range(5).map(lambda x: tf.numpy_function(note, [x], tf.int64)).batch(2)
    assert values(made) == [[0, 1], [2, 3], [4]]
    assert seen == [0, 1, 2, 3, 4]


def test_filters(pairs) -> None:
    kept = pairs.filter(lambda t: t[0] > 3)
    assert values(kept) == [[4, 5], [6, 7], [8, 9], [10, 11]]
    assert values(kept.batch(3)) == [[[4, 5], [6, 7], [8, 9]], [[10, 11]]]
    assert values(Dataset.range(9).take_while(lambda x: x < 3)) == [0, 1, 2]


def test_windows() -> None:
    numbers = Dataset.range(7)

    def windows(**options):
        return [values(w) for w in numbers.window(3, **options)]

    assert windows() == [[0, 1, 2], [3, 4, 5], [6]]
    assert windows(shift=2, stride=2) == [[0, 2, 4], [2, 4, 6], [4, 6], [6]]
    assert windows(shift=2, drop_remainder=True) == [[0, 1, 2], [2, 3, 4], [4, 5, 6]]
    assert windows(shift=5) == [[0, 1, 2], [5, 6]]
    flat = numbers.window(3, drop_remainder=True).flat_map(lambda w: w.batch(3))
    assert values(flat) == [[0, 1, 2], [3, 4, 5]]
    pairs = Dataset.zip((numbers, numbers)).window(2)
    summed = pairs.flat_map(lambda a, b: Dataset.zip((a.batch(2), b.batch(2))))
    assert values(summed)[0] == ([0, 1], [0, 1])


@pytest.mark.parametrize(
    ("cycle", "block", "expected"),
    [
        (1, 2, [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]),
        (2, 1, [0, 1, 0, 1, 0, 1, 2, 3, 2, 3, 2, 3]),
        (2, 2, [0, 0, 1, 1, 0, 1, 2, 2, 3, 3, 2, 3]),
        (5, 2, [0, 0, 1, 1, 2, 2, 3, 3, 0, 1, 2, 3]),
    ],
)
def test_interleave_takes_turns_as_tensorflow_does(cycle, block, expected) -> None:
    made = Dataset.range(4).interleave(
        lambda x: Dataset.from_tensors(x).repeat(3), cycle_length=cycle, block_length=block
    )
    assert values(made) == expected


def test_states() -> None:
    assert Dataset.range(5).reduce(np.int64(0), lambda s, x: s + x).numpy() == 10
    running = Dataset.range(5).scan(np.int64(0), lambda s, x: (s + x, s + x))
    assert values(running) == [0, 1, 3, 6, 10]
    grown = Dataset.range(3).reduce(np.zeros([0], "i8"), lambda s, x: tf.concat([s, [x]], 0))
    assert grown.numpy().tolist() == [0, 1, 2]
    with pytest.raises(TypeError, match="state"):
        Dataset.range(5).reduce(0, lambda s, x: x)


def test_generators() -> None:
    def count(n):
        yield from ((i, [1.0] * i) for i in range(n))

    specs = tf.TensorSpec([], tf.int32), tf.TensorSpec([None], tf.float32)
    made = Dataset.from_generator(count, output_signature=specs, args=[3])
    assert values(made) == [(0, []), (1, [1.0]), (2, [1.0, 1.0])]
    assert values(made) == values(made)
    assert made.element_spec == specs
    typed = Dataset.from_generator(lambda: [1, 2, 3], output_types=tf.int32)
    assert values(typed.map(lambda x: x * 2).batch(2)) == [[2, 4], [6]]
    assert typed.element_spec == tf.TensorSpec(None, tf.int32)


def test_iterators() -> None:
    made = Dataset.range(2)
    it = iter(made)
    assert it.get_next().numpy() == 0
    assert next(it).numpy() == 1
    assert not it.get_next_as_optional().has_value()
    with pytest.raises(tf.errors.OutOfRangeError, match="End of sequence"):
        it.get_next()
    with pytest.raises(StopIteration):
        next(it)
    assert made.take(1).get_single_element().numpy() == 0
    assert len(made) == 2
    assert bool(Dataset.range(0))


MISTAKES = [
    (ValueError, "rank >= 1", lambda: Dataset.from_tensor_slices(5)),
    (ValueError, "Dimensions 2 and 1", lambda: Dataset.from_tensor_slices(([1, 2], [1]))),
    ("Invalid", "greater than zero", lambda: Dataset.range(3).batch(0)),
    ("Invalid", "greater than zero", lambda: Dataset.range(3).shuffle(0)),
    ("Invalid", "between 0 and 1", lambda: Dataset.range(3).shard(2, 3)),
    ("Invalid", "more than one", lambda: Dataset.range(3).get_single_element()),
    ("Invalid", "empty", lambda: Dataset.range(0).get_single_element()),
    (ValueError, "tf.bool", lambda: Dataset.range(3).filter(lambda x: x)),
    (TypeError, "zip", lambda: Dataset.zip(Dataset.range(3), 3)),
    (TypeError, "infinite", lambda: len(Dataset.range(3).repeat())),
    (TypeError, "unknown", lambda: len(Dataset.range(3).filter(lambda x: x > 1))),
    (ValueError, "callable", lambda: Dataset.range(3).map(3)),
    (TypeError, "argument", lambda: Dataset.range(3).map(lambda a, b: a)),
    (ValueError, "scalar", lambda: Dataset.range(3).unbatch()),
    (TypeError, "Dataset", lambda: Dataset.range(3).flat_map(lambda x: x)),
    ("Invalid", "different shapes in component 0", lambda: values(
        Dataset.from_generator(lambda: [[1], [1, 2]], tf.int32).batch(2))),
    ("Invalid", "shape", lambda: values(
        Dataset.from_generator(lambda: [[1]], output_signature=tf.TensorSpec([], tf.int32)))),
    ("Invalid", "type", lambda: values(Dataset.from_generator(lambda: ["a"], tf.int32))),
]  # fmt: skip


@pytest.mark.parametrize("case", range(len(MISTAKES)))
def test_mistakes(case) -> None:
    kind, words, make = MISTAKES[case]
    kind = tf.errors.InvalidArgumentError if kind == "Invalid" else kind
    with pytest.raises(kind, match=words):
        make()


def test_an_error_in_a_function_names_the_users_line() -> None:
    def pick(x):
        return tf.gather([1, 2], x)

    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        values(Dataset.range(5).map(pick))
    line = pick.__code__.co_firstlineno + 1
    assert f"test_pipelines.py:{line}" in "".join(caught.value.__notes__)
