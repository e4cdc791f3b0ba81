"""Lorenz' equations by the classic Runge-Kutta rule: 10^5 steps of a vector of three."""

from __future__ import annotations

import numpy as np

from tests.benchmarks import training
from tests.benchmarks.workload import Data

STEP = 0.001


def make(tiny: bool) -> Data:
    return Data([], [(np.float32([1, 1, 1]), np.int32(20 if tiny else 100_000))])


def _slope(s, stack):
    x, y, z = s[0], s[1], s[2]
    return stack([10.0 * (y - x), x * (28.0 - z) - y, x * y - (8.0 / 3.0) * z])


def _advance(s, stack):
    k1 = _slope(s, stack)
    k2 = _slope(s + (STEP / 2) * k1, stack)
    k3 = _slope(s + (STEP / 2) * k2, stack)
    k4 = _slope(s + STEP * k3, stack)
    return s + (STEP / 6) * (k1 + 2.0 * k2 + 2.0 * k3 + k4)


def tensorflow(tf, data):
    def trajectory(s, steps):
        for _ in tf.range(steps):
            s = _advance(s, tf.stack)
        return s

    return training.tf_program(tf, data, trajectory, [])


def jax(jax, data):
    def trajectory(state, s, steps):
        return state, jax.lax.fori_loop(0, steps, lambda _, s: _advance(s, jax.numpy.stack), s)

    return training.jax_program(jax, data, trajectory)


def torch(torch, data, compiled):
    advance = compiled(lambda s: _advance(s, torch.stack))

    def trajectory(s, steps):
        for _ in range(int(steps)):
            s = advance(s)
        return s

    return training.torch_program(torch, data, trajectory)


# Chaotic: after 10^5 steps one rounding more is another point, so tiny sizes alone are compared.
COMPARED = False
