"""Sorting by packed numbers, and unique by a table, give what numpy's stable sort gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as tf

RNG = np.random.default_rng(1)
COUNT = 5000  # above the size from which numbers are packed
VECTORS = {
    "few int32": RNG.integers(-5, 5, COUNT).astype(np.int32),
    "int32": RNG.integers(-(2**31), 2**31, COUNT).astype(np.int32),
    "uint32": RNG.integers(0, 2**32, COUNT).astype(np.uint32),
    "uint64": RNG.integers(0, 2**63, COUNT).astype(np.uint64) * np.uint64(2),
    "small uint64": RNG.integers(0, 9, COUNT).astype(np.uint64),
    "int64": RNG.integers(0, 9, COUNT),
    "float32": RNG.normal(size=COUNT).astype(np.float32),
    "zeros of both signs": RNG.choice(np.array([-0.0, 0, 1, -1, np.inf, -np.inf], "f4"), COUNT),
    "not a number": RNG.choice(np.array([np.nan, 1, -1], np.float32), COUNT),
    "float64": RNG.normal(size=COUNT),
}


@pytest.mark.parametrize("x", VECTORS.values(), ids=VECTORS)
def test_argsort_is_stable(x: np.ndarray) -> None:
    np.testing.assert_array_equal(tf.argsort(x), np.argsort(x, kind="stable"))
    last = COUNT - 1
    down = last - np.argsort(x[::-1], kind="stable")[::-1]
    np.testing.assert_array_equal(tf.argsort(x, direction="DESCENDING"), down)


@pytest.mark.parametrize("x", VECTORS.values(), ids=VECTORS)
def test_unique_in_order_of_appearance(x: np.ndarray) -> None:
    numbers: dict[Any, int] = {}
    places = []
    for i, each in enumerate(x.tolist()):
        key = ("nan", i) if each != each else each
        places.append(numbers.setdefault(key, len(numbers)))
    found, where, counts = tf.unique_with_counts(x)
    np.testing.assert_array_equal(where, places)
    np.testing.assert_array_equal(counts, np.bincount(places))
    np.testing.assert_array_equal(tf.gather(found, where), x)


def test_in_top_k_as_tensorflow() -> None:
    """Ties count for the target; a row that is not finite has no targets (TensorFlow 2.21)."""
    inf = np.inf
    p = np.array([[inf, 1, 2], [-inf, 1, 2], [np.nan, 1, 2], [1, 2, 2], [1, 2, 3], [1, 2, 3]], "f4")
    targets = np.array([2, 2, 2, 1, 3, 0], np.int32)
    expected = [False, False, False, True, False, False]
    both = tf.math.in_top_k, tf.function(lambda t, p, k: tf.math.in_top_k(t, p, k))
    for in_top_k in both:
        assert in_top_k(tf.constant(targets), tf.constant(p), 2).numpy().tolist() == expected


def test_in_top_k_of_many_classes() -> None:
    p = RNG.normal(size=(50, 200)).astype(np.float32)
    p[5, 199] = np.nan
    targets = RNG.integers(-3, 203, 50).astype(np.int32)
    graph = tf.function(lambda t, p, k: tf.math.in_top_k(t, p, k))
    for k in (0, 1, 50, 150, 300):
        args = tf.constant(targets), tf.constant(p), k
        np.testing.assert_array_equal(tf.math.in_top_k(*args), graph(*args))
