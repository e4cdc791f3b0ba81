"""One hidden layer, cross-entropy and Adam as a single function; dropout if its rate is not 0.

What makes it quick, each point measured: no allocation (products write into given arrays); the
parameters, and likewise their gradients and both moments, lie in one vector, so Adam is one loop;
the softmax subtracts the row maxima first and takes all exponentials in one flat loop; few
arguments, because unpacking an array costs numba about 0.1 us.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from tests.benchmarks.hand_written.flat import trained
from tests.benchmarks.hand_written.vectors import FLAGS, ONE, F, adam, exp
from tests.benchmarks.workload import Data, Program

ZERO = F(0)


@njit(**FLAGS)
def drop(h, dropped, seed):
    """Zero elements by a hash of their number; scale the others."""
    bound = np.uint32(dropped * 4294967295.0)
    scale = ONE / (ONE - dropped)
    flat = h.reshape(-1)
    for k in range(flat.size):
        word = np.uint32(k) * np.uint32(0x9E3779B1) + np.uint32(seed) * np.uint32(0x85EBCA77)
        word = np.uint32(word ^ (word >> np.uint32(16))) * np.uint32(0x7FEB352D)
        word = np.uint32(word ^ (word >> np.uint32(15))) * np.uint32(0x846CA68B)
        word = word ^ (word >> np.uint32(16))
        flat[k] = flat[k] * scale if word >= bound else ZERO


@njit(**FLAGS)
def softmax_gradient(p, b, y, g_b):
    """Turn logits without bias into the loss's gradient, in place; return the loss."""
    rows, classes = p.shape
    loss, share = ZERO, ONE / F(rows)
    for i in range(rows):
        largest = p[i, 0] + b[0]
        for j in range(classes):
            p[i, j] += b[j]
            largest = max(largest, p[i, j])
        for j in range(classes):
            p[i, j] -= largest
        loss -= p[i, y[i]]
    flat = p.reshape(-1)
    for k in range(flat.size):
        flat[k] = exp(flat[k])
    g_b[:] = ZERO
    for i in range(rows):
        total = ZERO
        for j in range(classes):
            total += p[i, j]
        loss += np.log(total)
        scale = share / total
        for j in range(classes):
            p[i, j] *= scale
        p[i, y[i]] -= share
        for j in range(classes):
            g_b[j] += p[i, j]
    return loss * share


@njit(**FLAGS)
def train_step(x, y, state, hidden, d_hidden, p, count, dropped):
    """Do one step in place and return the loss; `hidden`, `d_hidden` and `p` are work space."""
    rows, features = x.shape
    units, classes = hidden.shape[1], p.shape[1]
    end1 = features * units
    end2 = end1 + units + units * classes
    weight, gradient = state[0], state[3]
    w1, b1 = weight[:end1].reshape(features, units), weight[end1 : end1 + units]
    w2, b2 = weight[end1 + units : end2].reshape(units, classes), weight[end2:]
    g_w1, g_b1 = gradient[:end1].reshape(features, units), gradient[end1 : end1 + units]
    g_w2, g_b2 = gradient[end1 + units : end2].reshape(units, classes), gradient[end2:]
    scale = ONE / (ONE - dropped)

    np.dot(x, w1, hidden)
    for i in range(rows):
        for j in range(units):
            hidden[i, j] = max(hidden[i, j] + b1[j], ZERO)
    if dropped > ZERO:
        drop(hidden, dropped, count)
    np.dot(hidden, w2, p)
    loss = softmax_gradient(p, b2, y, g_b2)
    np.dot(hidden.T, p, g_w2)
    np.dot(p, w2.T, d_hidden)
    g_b1[:] = ZERO
    for i in range(rows):
        for j in range(units):
            d = d_hidden[i, j] * scale if hidden[i, j] > ZERO else ZERO
            d_hidden[i, j] = d
            g_b1[j] += d
    np.dot(x.T, d_hidden, g_w1)
    adam(state, F(count))
    return loss


def program(data: Data, dropped: float = 0.0) -> Program:
    rows, units, classes = len(data.batches[0][0]), data.weights[1].size, data.weights[3].size
    hidden, d_hidden = np.zeros((rows, units), F), np.zeros((rows, units), F)
    p, rate = np.zeros((rows, classes), F), F(dropped)

    def step(x, y, state, count):
        return train_step(x, y, state, hidden, d_hidden, p, count, rate)

    return trained(data, step)
