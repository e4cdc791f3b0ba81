"""A step of gradient descent of softmax regression on 10^5 rows of 20 features, 10 classes."""

from __future__ import annotations

import numpy as np

from tests.benchmarks import training
from tests.benchmarks.perceptron import cross_entropy
from tests.benchmarks.workload import Data, Draw


def make(tiny: bool) -> Data:
    draw, rows = Draw(), 50 if tiny else 100_000
    batches = [(draw.normal(rows, 20), draw.integers(10, rows))]
    weights = [draw.normal(20, 10, scale=0.1), np.zeros(10, np.float32)]
    return Data(weights, batches, 800.0 * rows)


def tensorflow(tf, data):
    def loss_of(weights, x, y):
        w, b = weights
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=x @ w + b)
        return tf.reduce_mean(losses)

    return training.tensorflow(tf, data, loss_of, "sgd")


def jax(jax, data):
    def loss_of(weights, x, y):
        w, b = weights
        return cross_entropy(jax, x @ w + b, y)

    return training.jax(jax, data, loss_of, "sgd")


def torch(torch, data, compiled):
    def loss_of(weights, x, y):
        w, b = weights
        return torch.nn.functional.cross_entropy(x @ w + b, y.long())

    return training.torch(torch, data, loss_of, compiled, "sgd")
