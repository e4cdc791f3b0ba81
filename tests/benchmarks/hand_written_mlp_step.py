"""The limit: one training step of the 64-30-10 classifier as a single hand-written numba function.

What makes it quick, each point measured: no allocation (products write into given arrays); the four
parameters, and likewise their gradients and both Adam moments, lie in one vector, so Adam is one
loop; all stores come after the loads, or LLVM would not vectorise; the softmax subtracts the row
maxima first and takes all 640 exponentials in one flat loop; few arguments, because unpacking an
array costs numba about 0.1 us. A user would need a day for it, and another for the next model.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from tests.benchmarks.problem import (
    BATCH,
    BETA1,
    BETA2,
    CLASSES,
    EPSILON,
    FEATURES,
    HIDDEN,
    RATE,
    Contestant,
    Problem,
)

F32 = np.float32
ZERO, ONE = F32(0), F32(1)
KEEP1, KEEP2, TINY = F32(BETA1), F32(BETA2), F32(EPSILON)
# Where each parameter ends in the vector of all parameters.
W1 = FEATURES * HIDDEN
B1 = W1 + HIDDEN
W2 = B1 + HIDDEN * CLASSES
B2 = W2 + CLASSES


@njit(fastmath=True, error_model="numpy", cache=True)
def adam(state, step_size):
    """Move parameters and moments by one step; LLVM inlines this loop into `train_step`."""
    weight, first, second, gradient = state[0], state[1], state[2], state[3]
    for k in range(weight.size):
        g = gradient[k]
        m = first[k] + (g - first[k]) * (ONE - KEEP1)
        v = second[k] + (g * g - second[k]) * (ONE - KEEP2)
        w = weight[k] - step_size * m / (np.sqrt(v) + TINY)
        first[k] = m
        second[k] = v
        weight[k] = w


@njit(fastmath=True, error_model="numpy", cache=True)
def train_step(x, y, state, hidden, d_hidden, p, count, rate):
    """Do one step in place and return the loss.

    `state: f32[4, 2260]` holds parameters, both moments and gradients; `hidden` and `d_hidden`
    are work space `f32[64, 30]`, and `p: f32[64, 10]` holds logits, then probabilities, then their
    gradient.
    """
    rows = x.shape[0]
    weight, gradient = state[0], state[3]
    w1, b1 = weight[:W1].reshape(FEATURES, HIDDEN), weight[W1:B1]
    w2, b2 = weight[B1:W2].reshape(HIDDEN, CLASSES), weight[W2:B2]
    g_w1, g_b1 = gradient[:W1].reshape(FEATURES, HIDDEN), gradient[W1:B1]
    g_w2, g_b2 = gradient[B1:W2].reshape(HIDDEN, CLASSES), gradient[W2:B2]

    np.dot(x, w1, hidden)
    for i in range(rows):
        for j in range(HIDDEN):
            hidden[i, j] = max(hidden[i, j] + b1[j], ZERO)
    np.dot(hidden, w2, p)

    loss = ZERO
    for i in range(rows):
        largest = p[i, 0] + b2[0]
        for j in range(CLASSES):
            p[i, j] += b2[j]
            largest = max(largest, p[i, j])
        for j in range(CLASSES):
            p[i, j] -= largest
        loss -= p[i, y[i]]
    flat = p.reshape(-1)
    for k in range(flat.size):
        flat[k] = np.exp(flat[k])

    share = ONE / F32(rows)
    g_b2[:] = ZERO
    for i in range(rows):
        total = ZERO
        for j in range(CLASSES):
            total += p[i, j]
        loss += np.log(total)
        scale = share / total
        for j in range(CLASSES):
            p[i, j] *= scale
        p[i, y[i]] -= share
        for j in range(CLASSES):
            g_b2[j] += p[i, j]

    np.dot(hidden.T, p, g_w2)
    np.dot(p, w2.T, d_hidden)
    g_b1[:] = ZERO
    for i in range(rows):
        for j in range(HIDDEN):
            d = d_hidden[i, j] if hidden[i, j] > ZERO else ZERO
            d_hidden[i, j] = d
            g_b1[j] += d
    np.dot(x.T, d_hidden, g_w1)

    adam(state, rate * np.sqrt(ONE - KEEP2**count) / (ONE - KEEP1**count))
    return loss * share


def hand_written_step(problem: Problem) -> Contestant:
    """Return the step over the batches of `problem`."""
    start = np.concatenate([array.ravel() for array in problem.weights])
    state = np.zeros((4, B2), F32)
    hidden, d_hidden = np.zeros((BATCH, HIDDEN), F32), np.zeros((BATCH, HIDDEN), F32)
    p = np.zeros((BATCH, CLASSES), F32)
    rate, count = F32(RATE), 0
    batches = list(zip(problem.images, problem.labels, strict=True))

    def reset() -> None:
        nonlocal count
        count = 0
        state[...] = 0
        state[0] = start

    def step(index: int) -> np.float32:
        nonlocal count
        count += 1
        x, y = batches[index % len(batches)]
        return train_step(x, y, state, hidden, d_hidden, p, F32(count), rate)

    reset()
    return Contestant(step, reset)
