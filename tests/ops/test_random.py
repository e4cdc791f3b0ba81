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


# --- distributions with parameters, generators ----------------------------------------------------


def test_distributions_with_parameters_have_their_moments() -> None:
    tf.random.set_seed(6)
    n = 40_000
    alpha, beta = np.array([0.5, 3.0], np.float32), np.float32(2)
    z = tf.random.gamma([n], alpha, beta).numpy()
    assert z.shape == (n, 2) and z.min() > 0
    np.testing.assert_allclose(z.mean(0), alpha / beta, rtol=0.03)
    np.testing.assert_allclose(z.var(0), alpha / beta**2, rtol=0.06)
    p = tf.random.poisson([n], [0.5, 20.0]).numpy()
    np.testing.assert_allclose(p.mean(0), [0.5, 20], rtol=0.03)
    np.testing.assert_allclose(p.var(0), [0.5, 20], rtol=0.06)
    b = tf.random.stateless_binomial([n], [1, 2], 10.0, 0.3).numpy()
    assert b.dtype == np.int32
    np.testing.assert_allclose([b.mean(), b.var()], [3, 2.1], rtol=0.04)


def test_normal_draws_between_bounds_stay_there_also_in_the_tail() -> None:
    draw = tf.random.stateless_parameterized_truncated_normal
    x = draw([20_000], [1, 2], means=1.0, stddevs=2.0, minvals=9.0, maxvals=11.0).numpy()
    assert x.min() >= 9 and x.max() <= 11
    assert abs(x.mean() - 9.4337) < 0.02  # scipy.stats.truncnorm(4, 5, 1, 2).mean()


def test_gamma_draws_have_gradients_by_their_parameters() -> None:
    tf.random.set_seed(9)
    alpha, beta = tf.constant([0.5, 4.0]), tf.constant(2.0)
    with tf.GradientTape() as tape:
        tape.watch([alpha, beta])
        mean = tf.reduce_sum(tf.reduce_mean(tf.random.gamma([40_000], alpha, beta), 0))
    by_alpha, by_beta = tape.gradient(mean, [alpha, beta])
    np.testing.assert_allclose(by_alpha.numpy(), [0.5, 0.5], rtol=0.04)  # of alpha / beta
    np.testing.assert_allclose(by_beta.numpy(), -4.5 / 4, rtol=0.04)


def test_a_generator_has_a_stream_of_its_own() -> None:
    g = tf.random.Generator.from_seed(3)
    first = [g.normal([2]).numpy(), g.uniform([2], 0, 9, tf.int64).numpy()]
    tf.random.normal([5])
    g.reset_from_seed(3)
    again = [g.normal([2]).numpy(), g.uniform([2], 0, 9, tf.int64).numpy()]
    np.testing.assert_array_equal(first, again)
    copy = tf.random.Generator.from_state(g.state, alg="philox")
    np.testing.assert_array_equal(copy.normal([3]).numpy(), g.normal([3]).numpy())
    a, b = g.split(2)
    assert not np.array_equal(a.normal([3]).numpy(), b.normal([3]).numpy())
    assert g.make_seeds(4).shape == (2, 4) and g.state.shape == (3,)


def test_a_generator_draws_the_same_in_a_graph() -> None:
    g = tf.random.Generator.from_seed(5)
    compiled = tf.function(lambda: g.uniform([3]), autograph=False)
    graph = [compiled().numpy(), compiled().numpy()]
    g.reset_from_seed(5)
    np.testing.assert_array_equal(graph, [g.uniform([3]).numpy(), g.uniform([3]).numpy()])


def test_seeds_are_split_and_folded() -> None:
    seeds = tf.random.split([1, 2], 3)
    assert seeds.shape == (3, 2) and seeds.dtype == tf.int32
    assert len({tuple(row) for row in seeds.numpy().tolist()}) == 3
    folded = tf.random.fold_in([1, 2], 7)
    assert folded.numpy()[1] == 7
    np.testing.assert_array_equal(folded, tf.random.fold_in([1, 2], 7))
    places = tf.random.experimental.index_shuffle(tf.range(10), [1, 2], 9)
    assert sorted(places.numpy().tolist()) == list(range(10))
    whole = tf.random.stateless_uniform([99], [1, 2], None, None, tf.int32).numpy()
    assert whole.min() < -(2**29) and whole.max() > 2**29
