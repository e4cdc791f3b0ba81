"""A step of a 784-128-10 classifier with dropout and Adam, batch 64."""

from __future__ import annotations

from tests.benchmarks import perceptron
from tests.benchmarks.workload import Data, Draw

RATE = 0.2


def make(tiny: bool) -> Data:
    draw, batch, sizes = Draw(), 8 if tiny else 64, (40, 16, 10) if tiny else (784, 128, 10)
    batches = [(draw.uniform(batch, sizes[0]), draw.integers(10, batch)) for _ in range(8)]
    flops = batch * (6 * sizes[1] * sizes[2] + 4 * sizes[0] * sizes[1])
    return Data(draw.dense(*sizes), batches, flops)


def tensorflow(tf, data):
    program = perceptron.tensorflow(tf, data, RATE)
    program.check = perceptron.tensorflow(tf, data)
    return program


def jax(jax, data):
    program = perceptron.jax(jax, data, RATE)
    program.check = perceptron.jax(jax, data)
    return program


def torch(torch, data, compiled):
    program = perceptron.torch(torch, data, compiled, RATE)
    program.check = perceptron.torch(torch, data, compiled)
    return program
