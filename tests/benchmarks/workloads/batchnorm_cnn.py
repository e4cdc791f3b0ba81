"""A step of a convolution net with batch normalisation on 32x32x3, batch 64."""

from __future__ import annotations

import numpy as np

from tests.benchmarks import training
from tests.benchmarks.perceptron import cross_entropy
from tests.benchmarks.workload import Data, Draw

EPSILON = 1e-3


def make(tiny: bool) -> Data:
    draw, batch = Draw(), 4 if tiny else 64
    channels = (3, 4, 5) if tiny else (3, 32, 64)
    weights, flops, size = [], 0.0, 32
    for inputs, outputs in zip(channels, channels[1:], strict=False):
        # The second filter of each stage sees as many channels as it gives.
        for source in (inputs, outputs):
            weights += [draw.glorot(3, 3, source, outputs), np.ones(outputs, np.float32)]
            weights += [np.zeros(outputs, np.float32)]
            flops += (4.0 if source == 3 else 6.0) * size * size * 9 * source * outputs
        size //= 2
    weights += [draw.glorot(64 * channels[-1], 10), np.zeros(10, np.float32)]
    batches = [(draw.normal(batch, 32, 32, 3), draw.integers(10, batch)) for _ in range(4)]
    return Data(weights, batches, batch * flops)


def tensorflow(tf, data):
    def layer(x, kernel, scale, shift):
        x = tf.nn.conv2d(x, kernel, 1, "SAME")
        mean, variance = tf.nn.moments(x, [0, 1, 2])
        return tf.nn.relu(tf.nn.batch_normalization(x, mean, variance, shift, scale, EPSILON))

    def loss_of(weights, x, y):
        *layers, w, b = weights
        h = layer(layer(x, *layers[0:3]), *layers[3:6])
        h = tf.nn.max_pool2d(h, 2, 2, "VALID")
        h = layer(layer(h, *layers[6:9]), *layers[9:12])
        h = tf.nn.max_pool2d(h, 2, 2, "VALID")
        logits = tf.reshape(h, [h.shape[0], -1]) @ w + b
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits)
        return tf.reduce_mean(losses)

    return training.tensorflow(tf, data, loss_of)


def jax(jax, data):
    jnp, lax = jax.numpy, jax.lax

    def layer(x, kernel, scale, shift):
        x = lax.conv_general_dilated(
            x, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
        )
        mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
        return jax.nn.relu((x - mean) * (scale / jnp.sqrt(variance + EPSILON)) + shift)

    def pool(x):
        return lax.reduce_window(x, -np.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")

    def loss_of(weights, x, y):
        *layers, w, b = weights
        h = pool(layer(layer(x, *layers[0:3]), *layers[3:6]))
        h = pool(layer(layer(h, *layers[6:9]), *layers[9:12]))
        return cross_entropy(jax, h.reshape(len(h), -1) @ w + b, y)

    return training.jax(jax, data, loss_of)


def torch(torch, data, compiled):
    f = torch.nn.functional

    def layer(x, kernel, scale, shift):
        x = f.conv2d(x, kernel.permute(3, 2, 0, 1), padding=1)
        return torch.relu(f.batch_norm(x, None, None, scale, shift, True, 0.0, EPSILON))

    def loss_of(weights, x, y):
        *layers, w, b = weights
        h = x.permute(0, 3, 1, 2)
        h = f.max_pool2d(layer(layer(h, *layers[0:3]), *layers[3:6]), 2)
        h = f.max_pool2d(layer(layer(h, *layers[6:9]), *layers[9:12]), 2)
        h = h.permute(0, 2, 3, 1).reshape(len(x), -1)
        return f.cross_entropy(h @ w + b, y.long())

    return training.torch(torch, data, loss_of, compiled)
