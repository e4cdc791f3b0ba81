"""Random numbers: the published generator, distributions, seeds, eager and graph alike."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as tf
from graphc.ops.random import philox


def test_philox_gives_the_published_words() -> None:
    """Philox4x32-10 of counter 0 under key 0, from the authors' known answers."""
    words = philox(np.zeros(2, np.uint64), 1)
    assert [f"{int(w[0]):08x}" for w in words] == ["6627e8d5", "e169c58d", "bc57ac4c", "9b00dbd8"]


def test_elements_do_not_depend_on_the_size() -> None:
    key = np.array([5, 9], np.uint64)
    for few, many in zip(philox(key, 3), philox(key, 100), strict=True):
        np.testing.assert_array_equal(few, many[:3])


@pytest.mark.parametrize("dtype", [tf.float32, tf.float64])
def test_distributions_have_their_moments(dtype) -> None:
    tf.random.set_seed(1)
    count = 100_000
    u = tf.random.uniform([count], dtype=dtype).numpy()
    assert u.min() >= 0 and u.max() < 1
    np.testing.assert_allclose([u.mean(), u.var()], [0.5, 1 / 12], atol=5e-3)
    z = tf.random.normal([count], mean=2.0, stddev=3.0, dtype=dtype).numpy()
    np.testing.assert_allclose([z.mean(), z.std()], [2, 3], atol=3e-2)
    t = tf.random.truncated_normal([count], dtype=dtype).numpy()
    assert np.abs(t).max() <= 2
    np.testing.assert_allclose([t.mean(), t.std()], [0, 0.8796], atol=1e-2)


def test_integers_fill_their_range_evenly() -> None:
    tf.random.set_seed(2)
    drawn = tf.random.uniform([60_000], -2, 4, dtype=tf.int32).numpy()
    values, counts = np.unique(drawn, return_counts=True)
    assert values.tolist() == [-2, -1, 0, 1, 2, 3]
    assert np.abs(counts - 10_000).max() < 500
    with pytest.raises(ValueError, match="maxval"):
        tf.random.uniform([2], dtype=tf.int32)
    with pytest.raises(tf.errors.InvalidArgumentError, match="low < high"):
        tf.random.uniform([2], 3, 3, dtype=tf.int64)


def test_categorical_follows_the_logits() -> None:
    tf.random.set_seed(3)
    drawn = tf.random.categorical(np.log([[0.1, 0.6, 0.3]]), 20_000).numpy()
    shares = np.bincount(drawn[0], minlength=3) / 20_000
    np.testing.assert_allclose(shares, [0.1, 0.6, 0.3], atol=0.02)


def test_a_shuffle_is_a_permutation() -> None:
    tf.random.set_seed(4)
    x = tf.range(100)
    shuffled = tf.random.shuffle(x).numpy()
    assert shuffled.tolist() != list(range(100))
    assert sorted(shuffled.tolist()) == list(range(100))


def test_a_seed_starts_the_stream_again() -> None:
    def draws() -> list[float]:
        return [float(tf.random.uniform([])) for _ in range(3)]

    tf.random.set_seed(7)
    first = draws()
    assert len(set(first)) == 3, "every call draws anew"
    tf.random.set_seed(7)
    assert draws() == first
    tf.random.set_seed(8)
    assert draws() != first


def test_graphs_draw_what_eager_code_draws() -> None:
    def draw():
        return tf.random.uniform([4]), tf.random.normal([3])

    compiled = tf.function(draw, autograph=False)
    tf.random.set_seed(11)
    eager = [draw(), draw()]
    tf.random.set_seed(11)
    graph = [compiled(), compiled()]
    for (u1, z1), (u2, z2) in zip(eager, graph, strict=True):
        np.testing.assert_array_equal(u1.numpy(), u2.numpy())
        np.testing.assert_allclose(z1.numpy(), z2.numpy(), rtol=1e-5, atol=1e-6)
    assert not np.array_equal(graph[0][0].numpy(), graph[1][0].numpy())


def test_stateless_draws_depend_on_the_seed_alone() -> None:
    a, b = (tf.random.stateless_normal([5], seed=[1, 2]).numpy() for _ in range(2))
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, tf.random.stateless_normal([5], seed=[1, 3]).numpy())


def test_dropout_keeps_the_expectation() -> None:
    tf.random.set_seed(5)
    y = tf.nn.dropout(tf.ones([20_000]), 0.25).numpy()
    assert set(np.unique(y)) == {0.0, np.float32(1 / 0.75)}
    assert abs((y == 0).mean() - 0.25) < 0.02
    rows = tf.nn.dropout(tf.ones([50, 4]), 0.5, noise_shape=[50, 1]).numpy()
    assert all(len(set(row)) == 1 for row in rows.tolist())
    with pytest.raises(ValueError, match="rate"):
        tf.nn.dropout(tf.ones([2]), 1.0)
