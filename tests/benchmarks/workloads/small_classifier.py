"""A step of a 2-4-8-1 classifier with Adam, batch 10."""

from __future__ import annotations

import numpy as np

from tests.benchmarks import training
from tests.benchmarks.workload import Data, Draw


def make(tiny: bool) -> Data:
    draw = Draw()
    x = draw.normal(8, 10, 2, scale=2)
    y = (np.hypot(x[..., :1], x[..., 1:]) > 2.3).astype(np.float32)
    return Data(draw.dense(2, 4, 8, 1), list(zip(x, y, strict=True)))


def tensorflow(tf, data):
    def loss_of(weights, x, y):
        w1, b1, w2, b2, w3, b3 = weights
        h = tf.nn.relu(tf.nn.relu(x @ w1 + b1) @ w2 + b2)
        p = tf.clip_by_value(tf.sigmoid(h @ w3 + b3), 1e-7, 1.0 - 1e-7)
        return -tf.reduce_mean(y * tf.math.log(p) + (1.0 - y) * tf.math.log(1.0 - p))

    return training.tensorflow(tf, data, loss_of)


def jax(jax, data):
    jnp, relu = jax.numpy, jax.nn.relu

    def loss_of(weights, x, y):
        w1, b1, w2, b2, w3, b3 = weights
        h = relu(relu(x @ w1 + b1) @ w2 + b2)
        p = jnp.clip(jax.nn.sigmoid(h @ w3 + b3), 1e-7, 1.0 - 1e-7)
        return -jnp.mean(y * jnp.log(p) + (1.0 - y) * jnp.log(1.0 - p))

    return training.jax(jax, data, loss_of)


def torch(torch, data, compiled):
    def loss_of(weights, x, y):
        w1, b1, w2, b2, w3, b3 = weights
        h = torch.relu(torch.relu(x @ w1 + b1) @ w2 + b2)
        p = torch.clip(torch.sigmoid(h @ w3 + b3), 1e-7, 1.0 - 1e-7)
        return -torch.mean(y * torch.log(p) + (1.0 - y) * torch.log(1.0 - p))

    return training.torch(torch, data, loss_of, compiled)
