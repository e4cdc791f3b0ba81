"""A step of a transformer block: attention of 4 heads, gelu, two layer normalisations; SGD."""

from __future__ import annotations

import numpy as np

from tests.benchmarks import training
from tests.benchmarks.workload import Data, Draw

HEADS, EPSILON = 4, 1e-5


def make(tiny: bool) -> Data:
    draw = Draw()
    batch, time, width, inner = (2, 5, 8, 12) if tiny else (8, 64, 128, 256)
    ones, zeros = np.ones(width, np.float32), np.zeros(width, np.float32)
    weights = [
        draw.glorot(width, 3 * width), np.zeros(3 * width, np.float32),
        draw.glorot(width, width), zeros,
        draw.glorot(width, inner), np.zeros(inner, np.float32), draw.glorot(inner, width), zeros,
        ones, zeros, ones, zeros,
    ]  # fmt: skip
    x, y = draw.normal(batch, time, width), draw.normal(batch, time, width)
    products = batch * time * (4 * width * width + 2 * width * inner + 2 * time * width)
    return Data(weights, [(x, y)], 6.0 * products)


def tensorflow(tf, data):
    def normal(x, scale, shift):
        mean, variance = tf.nn.moments(x, [-1], keepdims=True)
        return (x - mean) * tf.math.rsqrt(variance + EPSILON) * scale + shift

    def gelu(x):
        return 0.5 * x * (1.0 + tf.tanh(0.7978845608 * (x + 0.044715 * x * x * x)))

    def loss_of(weights, x, y):
        wqkv, bqkv, wo, bo, w1, b1, w2, b2, s1, t1, s2, t2 = weights
        batch, time, width = x.shape
        z = tf.reshape(x, [-1, width])
        qkv = tf.reshape(z @ wqkv + bqkv, [batch, time, 3, HEADS, width // HEADS])
        q, k, v = tf.unstack(tf.transpose(qkv, [2, 0, 3, 1, 4]))
        scores = tf.matmul(q, k, transpose_b=True) * (width // HEADS) ** -0.5
        mixed = tf.transpose(tf.matmul(tf.nn.softmax(scores), v), [0, 2, 1, 3])
        z = normal(z + tf.reshape(mixed, [-1, width]) @ wo + bo, s1, t1)
        z = normal(z + gelu(z @ w1 + b1) @ w2 + b2, s2, t2)
        return tf.reduce_mean(tf.square(z - tf.reshape(y, [-1, width])))

    return training.tensorflow(tf, data, loss_of, "sgd")


def jax(jax, data):
    jnp = jax.numpy

    def normal(x, scale, shift):
        mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
        return (x - mean) * jax.lax.rsqrt(variance + EPSILON) * scale + shift

    def loss_of(weights, x, y):
        wqkv, bqkv, wo, bo, w1, b1, w2, b2, s1, t1, s2, t2 = weights
        batch, time, width = x.shape
        z = x.reshape(-1, width)
        qkv = (z @ wqkv + bqkv).reshape(batch, time, 3, HEADS, width // HEADS)
        q, k, v = qkv.transpose(2, 0, 3, 1, 4)
        scores = q @ k.swapaxes(-1, -2) * (width // HEADS) ** -0.5
        mixed = (jax.nn.softmax(scores) @ v).transpose(0, 2, 1, 3)
        z = normal(z + mixed.reshape(-1, width) @ wo + bo, s1, t1)
        z = normal(z + jax.nn.gelu(z @ w1 + b1) @ w2 + b2, s2, t2)
        return jnp.mean((z - y.reshape(-1, width)) ** 2)

    return training.jax(jax, data, loss_of, "sgd")


def torch(torch, data, compiled):
    f = torch.nn.functional

    def loss_of(weights, x, y):
        wqkv, bqkv, wo, bo, w1, b1, w2, b2, s1, t1, s2, t2 = weights
        batch, time, width = x.shape
        z = x.reshape(-1, width)
        qkv = (z @ wqkv + bqkv).reshape(batch, time, 3, HEADS, width // HEADS)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        mixed = f.scaled_dot_product_attention(q, k, v).transpose(1, 2)
        z = f.layer_norm(z + mixed.reshape(-1, width) @ wo + bo, (width,), s1, t1, EPSILON)
        z = z + f.gelu(z @ w1 + b1, approximate="tanh") @ w2 + b2
        z = f.layer_norm(z, (width,), s2, t2, EPSILON)
        return torch.mean((z - y.reshape(-1, width)) ** 2)

    return training.torch(torch, data, loss_of, compiled, "sgd")
