"""A step of a small convolution net on 28x28x1 (25 4x4, pool, 50 5x5, pool, dense), batch 64."""

from __future__ import annotations

import numpy as np

from tests.benchmarks import training
from tests.benchmarks.perceptron import cross_entropy
from tests.benchmarks.workload import Data, Draw


def make(tiny: bool) -> Data:
    draw, batch, (one, two) = Draw(), 4 if tiny else 64, (3, 4) if tiny else (25, 50)
    zeros = [np.zeros(n, np.float32) for n in (one, two, 10)]
    filters = [draw.glorot(4, 4, 1, one), draw.glorot(5, 5, one, two), draw.glorot(16 * two, 10)]
    weights = [a for pair in zip(filters, zeros, strict=True) for a in pair]
    batches = [(draw.uniform(batch, 28, 28, 1), draw.integers(10, batch)) for _ in range(4)]
    first, second, dense = 25 * 25 * 16 * one, 8 * 8 * 25 * one * two, 160 * two
    return Data(weights, batches, batch * (4.0 * first + 6.0 * second + 6.0 * dense))


def tensorflow(tf, data):
    def loss_of(weights, x, y):
        k1, b1, k2, b2, w, b = weights
        h = tf.nn.relu(tf.nn.conv2d(x, k1, 1, "VALID") + b1)
        h = tf.nn.max_pool2d(h, 2, 2, "VALID")
        h = tf.nn.relu(tf.nn.conv2d(h, k2, 1, "VALID") + b2)
        h = tf.nn.max_pool2d(h, 2, 2, "VALID")
        logits = tf.reshape(h, [h.shape[0], -1]) @ w + b
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits)
        return tf.reduce_mean(losses)

    return training.tensorflow(tf, data, loss_of)


def jax(jax, data):
    lax = jax.lax

    def conv(x, k):
        return lax.conv_general_dilated(
            x, k, (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC")
        )

    def pool(x):
        return lax.reduce_window(x, -np.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")

    def loss_of(weights, x, y):
        k1, b1, k2, b2, w, b = weights
        h = pool(jax.nn.relu(conv(x, k1) + b1))
        h = pool(jax.nn.relu(conv(h, k2) + b2))
        return cross_entropy(jax, h.reshape(len(h), -1) @ w + b, y)

    return training.jax(jax, data, loss_of)


def torch(torch, data, compiled):
    f = torch.nn.functional

    def loss_of(weights, x, y):
        k1, b1, k2, b2, w, b = weights
        k1, k2 = k1.permute(3, 2, 0, 1), k2.permute(3, 2, 0, 1)
        h = x.permute(0, 3, 1, 2)
        h = f.max_pool2d(torch.relu(f.conv2d(h, k1, b1)), 2)
        h = f.max_pool2d(torch.relu(f.conv2d(h, k2, b2)), 2)
        h = h.permute(0, 2, 3, 1).reshape(len(x), -1)
        return f.cross_entropy(h @ w + b, y.long())

    return training.torch(torch, data, loss_of, compiled)
