"""Gradients of decompositions, whose operands are symmetric or whose results have free signs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc as tf

RANDOM = np.random.default_rng(3)
W = RANDOM.normal(size=(4, 3))
M = RANDOM.normal(size=(3, 3))


def symmetric(a: Any) -> Any:
    """A positive definite matrix with separate eigenvalues, made of any matrix."""
    return tf.matmul(a, a, transpose_b=True) + tf.constant(np.diag([3.0, 4.0, 6.0]))


def spectral(s: Any, v: Any) -> Any:
    """A function of singular or eigenvectors that their signs do not change."""
    return tf.reduce_sum(v[..., :1] * v[..., :1] * s[..., :1] * M[:, :1]) + tf.reduce_sum(s)


FUNCTIONS: dict[str, tuple[Callable[[Any], Any], np.ndarray]] = {
    "cholesky": (lambda x: tf.reduce_sum(tf.linalg.cholesky(symmetric(x)) * M), M),
    "eigenvalues": (lambda x: tf.reduce_sum(tf.linalg.eigvalsh(symmetric(x)) * M[0]), M),
    "eigenvectors": (lambda x: spectral(*tf.linalg.eigh(symmetric(x))), M),
    "left": (lambda x: spectral(*tf.linalg.svd(x)[:2][::1]), W[:3]),
    "right": (lambda x: spectral(*tf.linalg.svd(x)[::2]), W),
    "tall left": (lambda x: tf.reduce_sum(tf.linalg.svd(x)[1] ** 4 * W), W),
    "wide right": (lambda x: tf.reduce_sum(tf.linalg.svd(x)[2] ** 4 * W), W.T.copy()),
    "pinv": (lambda x: tf.reduce_sum(tf.linalg.pinv(x) * W.T), W),
    "logdet": (lambda x: tf.linalg.logdet(symmetric(x)), M),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients_of_decompositions(name: str) -> None:
    function, start = FUNCTIONS[name]
    x = tf.constant(start)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = function(x)
    found = tape.gradient(y, x).numpy()
    wanted = np.zeros_like(start)
    for place in np.ndindex(start.shape):
        moved = [start.copy(), start.copy()]
        moved[0][place] += 1e-6
        moved[1][place] -= 1e-6
        up, down = (float(function(tf.constant(m))) for m in moved)
        wanted[place] = (up - down) / 2e-6
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-7)


def test_decompositions_multiply_back() -> None:
    q, r = tf.linalg.qr(W)
    np.testing.assert_allclose(tf.matmul(q, r), W, atol=1e-12)
    s, u, v = tf.linalg.svd(W)
    np.testing.assert_allclose(tf.matmul(u * s, v, transpose_b=True), W, atol=1e-12)
    assert [t.shape for t in tf.linalg.svd(W, full_matrices=True)] == [(3,), (4, 4), (3, 3)]


def test_what_cannot_be_solved_is_an_error() -> None:
    singular = tf.ones([2, 2])
    with pytest.raises(tf.errors.InvalidArgumentError, match="inverse.*[Ss]ingular"):
        tf.linalg.inv(singular)
    with pytest.raises(tf.errors.InvalidArgumentError, match="square"):
        tf.linalg.det(tf.ones([2, 3]))
    with pytest.raises(tf.errors.InvalidArgumentError, match="cholesky"):
        tf.linalg.cholesky(-singular)
