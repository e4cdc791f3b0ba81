"""Elementary functions that LLVM vectorises, and Adam's loop: what numba lacks for float32.

Ranges and rare values are cut to what the workloads need, as one who writes for one program would.
Polynomials: Cephes (exp, log), Eigen's rational functions (tanh, erf).
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from tests.benchmarks.training import BETA1, BETA2, EPSILON, RATE

F, I = np.float32, np.int32  # noqa: E741
FLAGS = {"fastmath": True, "error_model": "numpy", "cache": True}
ONE, KEEP1, KEEP2, TINY, STEP = F(1), F(BETA1), F(BETA2), F(EPSILON), F(RATE)


@intrinsic
def as_float(context, word):
    def generate(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], ir.FloatType())

    return types.float32(types.int32), generate


@intrinsic
def as_word(context, number):
    def generate(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], ir.IntType(32))

    return types.int32(types.float32), generate


@njit(**FLAGS)
def exp(x):
    x = min(max(x, F(-87)), F(88))
    n = np.floor(x * F(1.44269504088896341) + F(0.5))
    r = x - n * F(0.693359375) + n * F(2.12194440e-4)
    p = F(1.9875691500e-4) * r + F(1.3981999507e-3)
    p = (p * r + F(8.3334519073e-3)) * r + F(4.1665795894e-2)
    p = (p * r + F(1.6666665459e-1)) * r + F(5.0000001201e-1)
    return (p * r * r + r + ONE) * as_float((I(n) + I(127)) << I(23))


@njit(**FLAGS)
def log(x):
    word = as_word(x) - I(0x3F3504F3)
    k = F(word >> I(23))
    f = as_float((word & I(0x7FFFFF)) + I(0x3F3504F3)) - ONE
    p = F(7.0376836292e-2) * f + F(-1.1514610310e-1)
    p = (p * f + F(1.1676998740e-1)) * f + F(-1.2420140846e-1)
    p = (p * f + F(1.4249322787e-1)) * f + F(-1.6668057665e-1)
    p = (p * f + F(2.0000714765e-1)) * f + F(-2.4999993993e-1)
    p = p * f + F(3.3333331174e-1)
    s = f * f
    return p * f * s - F(2.12194440e-4) * k - F(0.5) * s + f + F(0.693359375) * k


@njit(**FLAGS)
def tanh(x):
    x = min(max(x, F(-7.99)), F(7.99))
    s = x * x
    p = F(-2.76076847742355e-16) * s + F(2.00018790482477e-13)
    p = (p * s + F(-8.60467152213735e-11)) * s + F(5.12229709037114e-08)
    p = (p * s + F(1.48572235717979e-05)) * s + F(6.37261928875436e-04)
    p = (p * s + F(4.89352455891786e-03)) * x
    q = F(1.19825839466702e-06) * s + F(1.18534705686654e-04)
    return p / ((q * s + F(2.26843463243900e-03)) * s + F(4.89352518554385e-03))


@njit(**FLAGS)
def erf(x):
    x = min(max(x, F(-4)), F(4))
    s = x * x
    p = F(-2.72614225801306e-10) * s + F(2.77068142495902e-08)
    p = (p * s + F(-2.10102402082508e-06)) * s + F(-5.69250639462346e-05)
    p = (p * s + F(-7.34990630326855e-04)) * s + F(-2.95459980854025e-03)
    p = (p * s + F(-1.60960333262415e-02)) * x
    q = F(-1.45660718464996e-05) * s + F(-2.13374055278905e-04)
    q = (q * s + F(-1.68282697438203e-03)) * s + F(-7.37332916720468e-03)
    return p / (q * s + F(-1.42647390514189e-02))


@njit(**FLAGS)
def sigmoid(x):
    return ONE / (ONE + exp(-x))


@njit(**FLAGS)
def adam(state, count):
    """Move parameters and moments by one step; `state: f32[4, n]` ends with the gradients.

    All stores come after the loads, or LLVM would not vectorise.
    """
    weight, first, second, gradient = state[0], state[1], state[2], state[3]
    step_size = STEP * np.sqrt(ONE - KEEP2**count) / (ONE - KEEP1**count)
    for k in range(weight.size):
        g = gradient[k]
        m = first[k] + (g - first[k]) * (ONE - KEEP1)
        v = second[k] + (g * g - second[k]) * (ONE - KEEP2)
        w = weight[k] - step_size * m / (np.sqrt(v) + TINY)
        first[k] = m
        second[k] = v
        weight[k] = w
