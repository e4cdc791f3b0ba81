"""Datasets in `@function`s: the elements are fetched by Python, the loop's body is compiled."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as tf

Dataset = tf.data.Dataset


@pytest.fixture
def pairs():
    return Dataset.range(10).map(lambda x: (tf.cast(x, tf.float32), x))


def test_a_loop_over_a_dataset(pairs) -> None:
    @tf.function
    def total(w):
        s = 0.0
        for x, _ in pairs:
            s += x * w
        return s

    assert total(tf.constant(2.0)).numpy() == 90
    assert total(tf.constant(3.0)).numpy() == 135
    assert not total.fallbacks  # the body is compiled
    assert len(total.traces) == 1


def test_break_continue_and_enumerate(pairs) -> None:
    @tf.function
    def picked(dataset, last):
        s, n = tf.constant(0, tf.int64), 0
        for i, (_, y) in enumerate(dataset):
            if y == 3:
                continue
            if y > last:
                break
            s += y + i
            n += 1
        return s, n

    s, n = picked(pairs, tf.constant(6, tf.int64))
    assert (s.numpy(), n.numpy()) == (36, 6)
    s, n = picked(pairs.skip(2), tf.constant(6, tf.int64))
    assert (s.numpy(), n.numpy()) == (sum(y + y - 2 for y in (2, 4, 5, 6)), 4)


def test_leaving_a_loop_takes_no_element_more() -> None:
    @tf.function
    def above(it, bound):
        for x in it:
            if x > bound:
                return x
        return tf.constant(-1, tf.int64)

    it = iter(Dataset.range(8))
    assert above(it, tf.constant(3, tf.int64)).numpy() == 4
    assert next(it).numpy() == 5
    assert above(it, tf.constant(9, tf.int64)).numpy() == -1


def test_state_and_uneven_batches() -> None:
    total, seen = tf.Variable(0.0), tf.Variable(0)

    @tf.function
    def epoch(dataset):
        for batch in dataset:
            total.assign_add(tf.reduce_sum(batch))
            seen.assign_add(tf.shape(batch)[0])

    numbers = Dataset.range(10).map(lambda x: tf.cast(x, tf.float32)).batch(4)
    epoch(numbers)
    epoch(numbers)
    assert (total.numpy(), seen.numpy()) == (90, 20)


def test_a_gradient_step_over_a_dataset() -> None:
    w = tf.Variable(0.0)
    data = Dataset.from_tensor_slices((np.ones(8, "f4"), np.full(8, 3, "f4"))).batch(2).repeat(40)

    @tf.function
    def train():
        for x, y in data:
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(tf.square(w * x - y))
            w.assign_sub(0.1 * tape.gradient(loss, w))

    train()
    assert abs(w.numpy() - 3) < 1e-4


def test_zip_and_comprehension() -> None:
    @tf.function
    def dot(a, b):
        s = tf.constant(0, tf.int64)
        for x, y in zip(a, b, strict=False):
            s += x * y
        return s

    assert dot(Dataset.range(5), Dataset.range(4)).numpy() == 14

    @tf.function
    def doubled(a):
        return tf.stack([2 * x for x in a])

    assert doubled(Dataset.range(4)).numpy().tolist() == [0, 2, 4, 6]


def test_iterators_in_functions() -> None:
    @tf.function
    def two():
        it = iter(Dataset.range(3))
        return it.get_next() + 10 * next(it)

    assert two().numpy() == two().numpy() == 10
    it = iter(Dataset.range(3))

    @tf.function
    def following():
        return it.get_next()

    assert [following().numpy() for _ in range(3)] == [0, 1, 2]
    with pytest.raises(tf.errors.OutOfRangeError):
        following()


def test_reduce_in_a_function() -> None:
    @tf.function
    def total(start):
        return Dataset.range(5).reduce(start, lambda s, x: s + x)

    assert total(tf.constant(2, tf.int64)).numpy() == 12


def test_an_error_in_the_dataset_reaches_the_caller() -> None:
    bad = Dataset.range(4).map(lambda x: tf.gather([1, 2], x))

    @tf.function
    def total():
        s = 0
        for x in bad:
            s += x
        return s

    with pytest.raises(tf.errors.InvalidArgumentError):
        total()


def test_functions_of_functions_datasets() -> None:
    summed = Dataset.range(6).window(3).map(
        lambda w: w.reduce(np.int64(0), lambda s, x: s + x)
    )  # fmt: skip
    assert [int(v) for v in summed] == [3, 12]
    products = Dataset.range(3).flat_map(lambda x: Dataset.range(x + 1).map(lambda y: x * y))
    assert [int(v) for v in products] == [0, 0, 1, 0, 2, 4]
    assert products.element_spec == tf.TensorSpec([], tf.int64)
