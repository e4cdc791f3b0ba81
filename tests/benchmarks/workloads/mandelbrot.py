"""Rounds until a point of a 32x32 picture escapes, added up."""

from __future__ import annotations

import numpy as np

from tests.benchmarks import training
from tests.benchmarks.workload import Data

ROUNDS = 100


def make(tiny: bool) -> Data:
    side = 4 if tiny else 32
    y, x = np.meshgrid(np.linspace(-1.2, 1.2, side), np.linspace(-2, 0.6, side), indexing="ij")
    return Data([], [(x.ravel().astype(np.float32), y.ravel().astype(np.float32))])


def tensorflow(tf, data):
    def rounds(xs, ys):
        total = tf.constant(0)
        for i in tf.range(tf.shape(xs)[0]):
            x, y, count = tf.constant(0.0), tf.constant(0.0), tf.constant(0)
            while x * x + y * y < 4.0 and count < ROUNDS:
                x, y = x * x - y * y + xs[i], 2.0 * x * y + ys[i]
                count += 1
            total += count
        return total

    return training.tf_program(tf, data, rounds, [])


def jax(jax, data):
    jnp, lax = jax.numpy, jax.lax

    def rounds(state, xs, ys):
        def inside(carry):
            x, y, count = carry
            return (x * x + y * y < 4.0) & (count < ROUNDS)

        def body(i, total):
            def once(carry):
                x, y, count = carry
                return x * x - y * y + xs[i], 2.0 * x * y + ys[i], count + 1

            start = jnp.float32(0), jnp.float32(0), jnp.int32(0)
            return total + lax.while_loop(inside, once, start)[2]

        return state, lax.fori_loop(0, len(xs), body, jnp.int32(0))

    return training.jax_program(jax, data, rounds)


def torch(torch, data, compiled):
    """Eager only: the compiler unrolls such a loop."""

    def rounds(xs, ys):
        total = 0
        for i in range(len(xs)):
            x, y, count = torch.tensor(0.0), torch.tensor(0.0), 0
            while x * x + y * y < 4.0 and count < ROUNDS:
                x, y = x * x - y * y + xs[i], 2.0 * x * y + ys[i]
                count += 1
            total += count
        return torch.tensor(total)

    return training.torch_program(torch, data, rounds)


LIMITED = {"torch.compile": "unrolls the loop"}
