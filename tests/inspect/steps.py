"""The functions whose reports are kept as golden texts: their line numbers are part of them."""

from __future__ import annotations

import numpy as np

import graphc as tf

w = tf.Variable(np.full((3, 2), 0.5, np.float32), name="w")


@tf.function
def step(x):
    with tf.GradientTape() as tape:
        hidden = tf.tanh(x @ w)
        loss = tf.reduce_mean(hidden * hidden)
    w.assign_sub(0.1 * tape.gradient(loss, w))
    return loss


@tf.function
def looped(x, n):
    total = tf.constant(0.0)
    for i in tf.range(n):
        total += tf.math.log(x - tf.cast(i, tf.float32))
    return total


@tf.function
def scaled(x, factor):
    return tf.linalg.det(x) * factor
