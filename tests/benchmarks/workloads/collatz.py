"""The longest Collatz sequence below a bound."""

from __future__ import annotations

import numpy as np

from tests.benchmarks import training
from tests.benchmarks.workload import Data


def make(tiny: bool) -> Data:
    return Data([], [(np.int64(30 if tiny else 2000),)])


def tensorflow(tf, data):
    def longest(bound):
        best = tf.constant(0, tf.int64)
        for start in tf.range(1, bound):
            n, steps = start, tf.constant(0, tf.int64)
            while n != 1:
                if n % 2 == 0:
                    n = n // 2
                else:
                    n = 3 * n + 1
                steps += 1
            best = tf.maximum(best, steps)
        return best

    return training.tf_program(tf, data, longest, [])


def jax(jax, data):
    jax.config.update("jax_enable_x64", True)
    jnp, lax = jax.numpy, jax.lax

    def one(carry):
        n, steps = carry
        return jnp.where(n % 2 == 0, n // 2, 3 * n + 1), steps + 1

    def longest(state, bound):
        def body(start, best):
            _, steps = lax.while_loop(lambda carry: carry[0] != 1, one, (start, jnp.int64(0)))
            return jnp.maximum(best, steps)

        return state, lax.fori_loop(jnp.int64(1), bound, body, jnp.int64(0))

    return training.jax_program(jax, data, longest)


def torch(torch, data, compiled):
    """Eager only: the compiler unrolls such a loop."""

    def longest(bound):
        best = torch.tensor(0)
        for start in range(1, int(bound)):
            n, steps = torch.tensor(start), 0
            while n != 1:
                n = n // 2 if n % 2 == 0 else 3 * n + 1
                steps += 1
            best = torch.maximum(best, torch.tensor(steps))
        return best

    return training.torch_program(torch, data, longest)


LIMITED = {"torch.compile": "unrolls the loop"}
