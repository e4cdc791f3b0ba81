"""The block with its gradient; heads lie side by side in memory, so their products need no copy
but the one that splits them."""

from __future__ import annotations

import numpy as np
from numba import njit

from tests.benchmarks.hand_written.flat import trained
from tests.benchmarks.hand_written.vectors import FLAGS, ONE, F, exp, tanh
from tests.benchmarks.training import SGD_RATE
from tests.benchmarks.workload import Data, Program
from tests.benchmarks.workloads.transformer import EPSILON, HEADS

ZERO, HALF, A, B = F(0), F(0.5), F(0.7978845608), F(0.044715)


@njit(**FLAGS)
def normal(x, product, bias, scale, shift, hat, rows_scale, out):
    """Layer normalisation of x + product + bias; keeps the normalised rows and 1 / deviation."""
    rows, width = x.shape
    for r in range(rows):
        mean = square = ZERO
        for k in range(width):
            v = x[r, k] + product[r, k] + bias[k]
            hat[r, k] = v
            mean += v
        mean /= F(width)
        for k in range(width):
            square += (hat[r, k] - mean) ** 2
        inverse = ONE / np.sqrt(square / F(width) + F(EPSILON))
        rows_scale[r] = inverse
        for k in range(width):
            hat[r, k] = (hat[r, k] - mean) * inverse
            out[r, k] = hat[r, k] * scale[k] + shift[k]


@njit(**FLAGS)
def normal_gradient(d, hat, rows_scale, scale, g_scale, g_shift, g_bias):
    """Turn the gradient of the output into that of the sum, in place."""
    rows, width = d.shape
    for r in range(rows):
        mean = slope = ZERO
        for k in range(width):
            g_scale[k] += d[r, k] * hat[r, k]
            g_shift[k] += d[r, k]
            d[r, k] *= scale[k]
            mean += d[r, k]
            slope += d[r, k] * hat[r, k]
        mean /= F(width)
        slope /= F(width)
        for k in range(width):
            d[r, k] = (d[r, k] - mean - hat[r, k] * slope) * rows_scale[r]
            g_bias[k] += d[r, k]


@njit(**FLAGS)
def split(qkv, bias, parts):
    """[batch * time, n * heads * size] to [n, batch * heads, time, size], adding the bias."""
    number, groups, time, size = parts.shape
    for g in range(groups):
        for t in range(time):
            row = (g // HEADS) * time + t
            for p in range(number):
                at = (p * HEADS + g % HEADS) * size
                for k in range(size):
                    parts[p, g, t, k] = qkv[row, at + k] + bias[at + k]


@njit(**FLAGS)
def join(parts, out, bias):
    """The way back; adds up the columns into `bias`."""
    number, groups, time, size = parts.shape
    for g in range(groups):
        for t in range(time):
            row = (g // HEADS) * time + t
            for p in range(number):
                at = (p * HEADS + g % HEADS) * size
                for k in range(size):
                    out[row, at + k] = parts[p, g, t, k]
                    bias[at + k] += parts[p, g, t, k]


@njit(**FLAGS)
def attend(parts, p, mixed):
    groups, time, size = mixed.shape
    scale = ONE / np.sqrt(F(size))
    for g in range(groups):
        np.dot(parts[0, g], parts[1, g].T, p[g])
        for r in range(time):
            largest, total = p[g, r, 0], ZERO
            for k in range(time):
                largest = max(largest, p[g, r, k])
            for k in range(time):
                e = exp((p[g, r, k] - largest) * scale)
                p[g, r, k] = e
                total += e
            for k in range(time):
                p[g, r, k] /= total
        np.dot(p[g], parts[2, g], mixed[g])


@njit(**FLAGS)
def attend_gradient(parts, p, d_mixed, d_parts, d_p):
    groups, time, size = d_mixed.shape
    scale = ONE / np.sqrt(F(size))
    for g in range(groups):
        np.dot(p[g].T, d_mixed[g], d_parts[2, g])
        np.dot(d_mixed[g], parts[2, g].T, d_p)
        for r in range(time):
            total = ZERO
            for k in range(time):
                total += d_p[r, k] * p[g, r, k]
            for k in range(time):
                d_p[r, k] = (d_p[r, k] - total) * p[g, r, k] * scale
        np.dot(d_p, parts[1, g], d_parts[0, g])
        np.dot(d_p.T, parts[0, g], d_parts[1, g])


@njit(**FLAGS)
def gelu(inner, bias, out):
    for r in range(inner.shape[0]):
        for k in range(inner.shape[1]):
            v = inner[r, k] + bias[k]
            inner[r, k] = v
            out[r, k] = HALF * v * (ONE + tanh(A * (v + B * v * v * v)))


@njit(**FLAGS)
def gelu_gradient(inner, d, g_bias):
    for r in range(inner.shape[0]):
        for k in range(inner.shape[1]):
            v = inner[r, k]
            u = tanh(A * (v + B * v * v * v))
            slope = HALF * (ONE + u) + HALF * v * (ONE - u * u) * A * (ONE + F(3) * B * v * v)
            d[r, k] *= slope
            g_bias[k] += d[r, k]


@njit(**FLAGS)
def descend(state):
    for k in range(state.shape[1]):
        state[0, k] -= F(SGD_RATE) * state[1, k]


@njit(**FLAGS)
def train_step(
    x, y, state, weights, gradients, qkv, parts, p, mixed, joined, product, hat1, z1, hat2, z2,
    deviations, inner, active, d_p, d_parts, no_bias,
):  # fmt: skip
    wqkv, bqkv, wo, bo, w1, b1, w2, b2, s1, t1, s2, t2 = weights
    g_wqkv, g_bqkv, g_wo, g_bo, g_w1, g_b1, g_w2, g_b2, g_s1, g_t1, g_s2, g_t2 = gradients
    state[1] = ZERO
    np.dot(x, wqkv, qkv)
    split(qkv, bqkv, parts)
    attend(parts, p, mixed)
    join(mixed.reshape(1, mixed.shape[0], mixed.shape[1], mixed.shape[2]), joined, g_bo)
    np.dot(joined, wo, product)
    normal(x, product, bo, s1, t1, hat1, deviations[0], z1)
    np.dot(z1, w1, inner)
    gelu(inner, b1, active)
    np.dot(active, w2, product)
    normal(z1, product, b2, s2, t2, hat2, deviations[1], z2)

    loss = ZERO
    d = z2
    for r in range(d.shape[0]):
        for k in range(d.shape[1]):
            error = z2[r, k] - y[r, k]
            loss += error * error
            d[r, k] = error * F(2) / F(d.size)
    normal_gradient(d, hat2, deviations[1], s2, g_s2, g_t2, g_b2)
    np.dot(active.T, d, g_w2)
    np.dot(d, w2.T, active)
    gelu_gradient(inner, active, g_b1)
    np.dot(z1.T, active, g_w1)
    np.dot(active, w1.T, product)
    for r in range(d.shape[0]):
        for k in range(d.shape[1]):
            d[r, k] += product[r, k]
    g_bo[:] = ZERO
    normal_gradient(d, hat1, deviations[0], s1, g_s1, g_t1, g_bo)
    np.dot(joined.T, d, g_wo)
    np.dot(d, wo.T, product)
    split(product, no_bias, mixed.reshape(1, mixed.shape[0], mixed.shape[1], mixed.shape[2]))
    attend_gradient(parts, p, mixed, d_parts, d_p)
    join(d_parts, qkv, g_bqkv)
    np.dot(x.T, qkv, g_wqkv)
    descend(state)
    return loss / F(d.size)


def program(data: Data) -> Program:
    batch, time, width = data.batches[0][0].shape
    rows, groups, inner = batch * time, batch * HEADS, data.weights[4].shape[1]
    size = width // HEADS
    shapes = [
        (rows, 3 * width), (3, groups, time, size), (groups, time, time), (groups, time, size),
        (rows, width), (rows, width), (rows, width), (rows, width), (rows, width), (rows, width),
        (2, rows), (rows, inner), (rows, inner), (time, time), (3, groups, time, size), (width,),
    ]  # fmt: skip
    work = tuple(np.zeros(shape, F) for shape in shapes)
    ends = np.cumsum([0] + [a.size for a in data.weights])

    def step(x, y, state, count):
        views = [
            tuple(state[i][a:b].reshape(w.shape) for a, b, w in zip(ends, ends[1:], data.weights))  # noqa: B905
            for i in (0, 1)
        ]
        return train_step(x.reshape(rows, width), y.reshape(rows, width), state, *views, *work)

    return trained(data, step, rows=2)
