"""Elements that a thread makes ahead."""

from __future__ import annotations

import threading

import pytest

import graphc as tf
from tests.data.test_pipelines import values


@pytest.fixture
def numbers(tmp_path):
    path = tmp_path / "n.txt"
    path.write_text("".join(f"{i}\n" for i in range(50)))
    return tf.data.TextLineDataset(str(path)).map(lambda s: tf.strings.to_number(s, tf.int64))


def threads() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name == "prefetch"]


@pytest.mark.parametrize("size", [0, 1, 3, tf.data.AUTOTUNE])
def test_the_elements_are_the_same(numbers, size) -> None:
    made = numbers.batch(7).prefetch(size)
    for _ in range(2):
        assert [v for b in values(made) for v in b] == list(range(50))
    assert values(numbers.prefetch(size).batch(20)) == values(numbers.batch(20))
    assert not threads()


def test_a_pass_that_is_given_up_leaves_no_thread(numbers) -> None:
    it = iter(numbers.prefetch(2))
    assert next(it).numpy() == 0
    assert threads()
    del it
    assert not threads()


def test_an_error_comes_in_its_turn(numbers) -> None:
    made = numbers.map(lambda x: 12 // (x - 3)).prefetch(10)
    it = iter(made)
    assert [next(it).numpy() for _ in range(3)] == [-4, -6, -12]
    with pytest.raises(tf.errors.InvalidArgumentError):
        next(it)
    assert next(it).numpy() == 12


def test_arrays_need_no_thread() -> None:
    it = iter(tf.data.Dataset.range(9).prefetch(2))
    assert next(it).numpy() == 0
    assert not threads()
