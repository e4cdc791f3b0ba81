"""A step of a text classifier: embedding, two convolutions, the maximum over time, dense."""

from __future__ import annotations

import numpy as np

from tests.benchmarks import training
from tests.benchmarks.workload import Data, Draw


def make(tiny: bool) -> Data:
    draw = Draw()
    words, length, width, filters, batch = (50, 20, 4, 6, 4) if tiny else (10000, 200, 8, 64, 32)
    weights = [
        draw.uniform(words, width, low=-0.05, high=0.05),
        draw.glorot(5, width, filters), np.zeros(filters, np.float32),
        draw.glorot(5, filters, filters), np.zeros(filters, np.float32),
        draw.glorot(filters, 1), np.zeros(1, np.float32),
    ]  # fmt: skip
    batches = [
        (draw.integers(words, batch, length), draw.integers(2, batch, 1).astype(np.float32))
        for _ in range(4)
    ]
    flops = 6.0 * batch * 5 * filters * ((length - 4) * width + (length - 8) * filters)
    return Data(weights, batches, flops)


def tensorflow(tf, data):
    def loss_of(weights, x, y):
        words, k1, b1, k2, b2, w, b = weights
        h = tf.nn.embedding_lookup(words, x)
        h = tf.nn.relu(tf.nn.conv1d(h, k1, 1, "VALID") + b1)
        h = tf.nn.relu(tf.nn.conv1d(h, k2, 1, "VALID") + b2)
        logits = tf.reduce_max(h, axis=1) @ w + b
        losses = tf.nn.sigmoid_cross_entropy_with_logits(labels=y, logits=logits)
        return tf.reduce_mean(losses)

    return training.tensorflow(tf, data, loss_of)


def jax(jax, data):
    jnp = jax.numpy

    def conv(x, k):
        return jax.lax.conv_general_dilated(
            x, k, (1,), "VALID", dimension_numbers=("NWC", "WIO", "NWC")
        )

    def loss_of(weights, x, y):
        words, k1, b1, k2, b2, w, b = weights
        h = jax.nn.relu(conv(words[x], k1) + b1)
        h = jax.nn.relu(conv(h, k2) + b2)
        z = h.max(axis=1) @ w + b
        return jnp.mean(jnp.maximum(z, 0) - z * y + jnp.log1p(jnp.exp(-jnp.abs(z))))

    return training.jax(jax, data, loss_of)


def torch(torch, data, compiled):
    f = torch.nn.functional

    def loss_of(weights, x, y):
        words, k1, b1, k2, b2, w, b = weights
        h = f.embedding(x, words).transpose(1, 2)
        h = torch.relu(f.conv1d(h, k1.permute(2, 1, 0), b1))
        h = torch.relu(f.conv1d(h, k2.permute(2, 1, 0), b2))
        return f.binary_cross_entropy_with_logits(h.amax(dim=2) @ w + b, y)

    return training.torch(torch, data, loss_of, compiled)
