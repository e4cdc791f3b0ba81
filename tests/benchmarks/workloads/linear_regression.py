"""A step of gradient descent on two features, batch 10."""

from __future__ import annotations

import numpy as np

from tests.benchmarks import training
from tests.benchmarks.workload import Data, Draw


def make(tiny: bool) -> Data:
    draw = Draw()
    x = draw.uniform(8, 10, 2, low=-5, high=5)
    y = x @ np.float32([[2.0], [-3.0]]) + 3 + draw.normal(8, 10, 1)
    return Data([draw.normal(2, 1), np.zeros(1, np.float32)], list(zip(x, y, strict=True)))


def tensorflow(tf, data):
    def loss_of(weights, x, y):
        return tf.reduce_mean(tf.square(x @ weights[0] + weights[1] - y) / 2)

    return training.tensorflow(tf, data, loss_of, "sgd")


def jax(jax, data):
    def loss_of(weights, x, y):
        return jax.numpy.mean((x @ weights[0] + weights[1] - y) ** 2 / 2)

    return training.jax(jax, data, loss_of, "sgd")


def torch(torch, data, compiled):
    def loss_of(weights, x, y):
        return torch.mean((x @ weights[0] + weights[1] - y) ** 2 / 2)

    return training.torch(torch, data, loss_of, compiled, "sgd")
