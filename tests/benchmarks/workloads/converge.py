"""Minimise a polynomial in a loop that ends when the gradient is small; the tape is inside."""

from __future__ import annotations

import numpy as np

from tests.benchmarks import training
from tests.benchmarks.workload import Data

RATE, SMALL = 0.01, 1e-4


def make(tiny: bool) -> Data:
    a, b, c = np.float32(1.0), np.float32(-2.0), np.float32(1.0)
    return Data([], [(a, b, c)])


def tensorflow(tf, data):
    def run(a, b, c):
        x, g, count = tf.constant(0.0), tf.constant(1.0), tf.constant(0)
        while tf.abs(g) > SMALL:
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = a * x * x + b * x + c
            g = tape.gradient(y, x)
            x = x - RATE * g
            count += 1
        return x, count

    return training.tf_program(tf, data, run, [])


def jax(jax, data):
    jnp = jax.numpy

    def run(state, a, b, c):
        slope = jax.grad(lambda x: a * x * x + b * x + c)

        def body(carry):
            x, _, count = carry
            g = slope(x)
            return x - RATE * g, g, count + 1

        start = jnp.float32(0), jnp.float32(1), jnp.int32(0)
        x, _, count = jax.lax.while_loop(lambda carry: jnp.abs(carry[1]) > SMALL, body, start)
        return state, (x, count)

    return training.jax_program(jax, data, run)


def torch(torch, data, compiled):
    @compiled
    def value(x, a, b, c):
        return a * x * x + b * x + c

    def run(a, b, c):
        x, g, count = torch.tensor(0.0), torch.tensor(1.0), 0
        while abs(g) > SMALL:
            x.requires_grad_(True)
            (g,) = torch.autograd.grad(value(x, a, b, c), x)
            x = x.detach() - RATE * g
            count += 1
        return x, torch.tensor(count)

    return training.torch_program(torch, data, run)
