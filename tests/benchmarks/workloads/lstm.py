"""A step of an LSTM over 50 time steps, a loop in the graph, forward and backward."""

from __future__ import annotations

import numpy as np

from tests.benchmarks import training
from tests.benchmarks.workload import Data, Draw


def make(tiny: bool) -> Data:
    draw = Draw()
    time, batch, width, units = (5, 3, 4, 6) if tiny else (50, 32, 32, 32)
    weights = [
        draw.glorot(width, 4 * units), draw.glorot(units, 4 * units),
        np.zeros(4 * units, np.float32),
        draw.glorot(units, 1), np.zeros(1, np.float32),
    ]  # fmt: skip
    batches = [(draw.normal(time, batch, width), draw.normal(batch, 1)) for _ in range(4)]
    return Data(weights, batches, 6.0 * time * batch * 4 * units * (width + units))


def tensorflow(tf, data):
    def loss_of(weights, x, y):
        kernel, recurrent, bias, w, b = weights
        h = c = tf.zeros([x.shape[1], recurrent.shape[0]])
        for t in tf.range(tf.shape(x)[0]):
            z = x[t] @ kernel + h @ recurrent + bias
            i, f, g, o = tf.split(z, 4, axis=1)
            c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
            h = tf.sigmoid(o) * tf.tanh(c)
        return tf.reduce_mean(tf.square(h @ w + b - y))

    return training.tensorflow(tf, data, loss_of)


def jax(jax, data):
    jnp, sigmoid = jax.numpy, jax.nn.sigmoid

    def loss_of(weights, x, y):
        kernel, recurrent, bias, w, b = weights

        def cell(carry, now):
            h, c = carry
            i, f, g, o = jnp.split(now @ kernel + h @ recurrent + bias, 4, axis=1)
            c = sigmoid(f) * c + sigmoid(i) * jnp.tanh(g)
            h = sigmoid(o) * jnp.tanh(c)
            return (h, c), None

        zeros = jnp.zeros((x.shape[1], recurrent.shape[0]))
        (h, _), _ = jax.lax.scan(cell, (zeros, zeros), x)
        return jnp.mean((h @ w + b - y) ** 2)

    return training.jax(jax, data, loss_of)


def torch(torch, data, compiled):
    """With the library's own LSTM; its gates have the same order."""

    def loss_of(weights, x, y):
        kernel, recurrent, bias, w, b = weights
        zeros = x.new_zeros(1, x.shape[1], recurrent.shape[0])
        parts = [kernel.T, recurrent.T, bias, torch.zeros_like(bias)]
        _, h, _ = torch.lstm(x, (zeros, zeros), parts, True, 1, 0.0, True, False, False)
        return torch.mean((h[0] @ w + b - y) ** 2)

    return training.torch(torch, data, loss_of, compiled)
