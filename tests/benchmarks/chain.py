"""A chain of twelve elementwise operations, in each framework."""

from __future__ import annotations

from tests.benchmarks import training
from tests.benchmarks.workload import Data, Draw


def make(size: int, tiny: bool) -> Data:
    return Data([], [(Draw().normal(100 if tiny else size),)])


def _body(x, tanh, exp, sqrt):
    """Multiply, add, tanh, multiply, add, negate, exp, add, divide, sqrt, multiply, subtract."""
    y = tanh(x * 1.5 + 0.25)
    e = exp(-(y * y + y))
    return sqrt(e / (e + 1.0)) - x * 0.5


def tensorflow(tf, data):
    def chain(x):
        return _body(x, tf.tanh, tf.exp, tf.sqrt)

    return training.tf_program(tf, data, chain, [])


def jax(jax, data):
    jnp = jax.numpy

    def chain(state, x):
        return state, _body(x, jnp.tanh, jnp.exp, jnp.sqrt)

    return training.jax_program(jax, data, chain)


def torch(torch, data, compiled):
    @compiled
    def chain(x):
        return _body(x, torch.tanh, torch.exp, torch.sqrt)

    return training.torch_program(torch, data, chain)
