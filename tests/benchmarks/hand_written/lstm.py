"""Products with the inputs once for all time steps; the gradients of the weights likewise."""

from __future__ import annotations

import numpy as np
from numba import njit

from tests.benchmarks.hand_written.flat import trained
from tests.benchmarks.hand_written.vectors import FLAGS, ONE, F, adam, sigmoid, tanh
from tests.benchmarks.workload import Data, Program

ZERO = F(0)


@njit(**FLAGS)
def cell(z, product, bias, c, h, gates):
    """Gates (i, f, g, o), cell state and its tanh of one step; `c: [2, batch, units]` old, new."""
    rows, units = h.shape
    for r in range(rows):
        for k in range(4 * units):
            z[r, k] += product[r, k] + bias[k]
        for k in range(units):
            i, f = sigmoid(z[r, k]), sigmoid(z[r, units + k])
            g, o = tanh(z[r, 2 * units + k]), sigmoid(z[r, 3 * units + k])
            new = f * c[0, r, k] + i * g
            u = tanh(new)
            c[1, r, k] = new
            h[r, k] = o * u
            gates[0, r, k], gates[1, r, k], gates[2, r, k] = i, f, g
            gates[3, r, k], gates[4, r, k] = o, u


@njit(**FLAGS)
def cell_gradient(d_z, d_h, d_c, c, gates, g_bias):
    rows, units = d_h.shape
    for r in range(rows):
        for k in range(units):
            i, f, g = gates[0, r, k], gates[1, r, k], gates[2, r, k]
            o, u = gates[3, r, k], gates[4, r, k]
            d = d_c[r, k] + d_h[r, k] * o * (ONE - u * u)
            d_z[r, k] = d * g * i * (ONE - i)
            d_z[r, units + k] = d * c[r, k] * f * (ONE - f)
            d_z[r, 2 * units + k] = d * i * (ONE - g * g)
            d_z[r, 3 * units + k] = d_h[r, k] * u * o * (ONE - o)
            d_c[r, k] = d * f
        for k in range(4 * units):
            g_bias[k] += d_z[r, k]


@njit(**FLAGS)
def train_step(x, y, state, count, z, d_z, c, h, gates, work, d):
    """`h` and `c` have one more step in front, which is zero."""
    time, rows, width = x.shape
    units = h.shape[2]
    wide = 4 * units
    ends = np.array([width * wide, (width + units) * wide, (width + units + 1) * wide])
    weight, gradient = state[0], state[3]
    kernel = weight[: ends[0]].reshape(width, wide)
    recurrent = weight[ends[0] : ends[1]].reshape(units, wide)
    bias, w, b = weight[ends[1] : ends[2]], weight[ends[2] : ends[2] + units], weight[-1]
    g_w = gradient[ends[2] : ends[2] + units]
    gradient[ends[1] :] = ZERO

    np.dot(x.reshape(-1, width), kernel, z.reshape(-1, wide))
    for t in range(time):
        np.dot(h[t], recurrent, work)
        cell(z[t], work, bias, c[t : t + 2], h[t + 1], gates[t])
    loss, last, d_h, d_c = ZERO, h[time], d[0], d[1]
    for r in range(rows):
        error = b - y[r, 0]
        for k in range(units):
            error += last[r, k] * w[k]
        loss += error * error
        error *= F(2) / F(rows)
        for k in range(units):
            g_w[k] += error * last[r, k]
            d_h[r, k] = error * w[k]
            d_c[r, k] = ZERO
        gradient[-1] += error
    for t in range(time - 1, -1, -1):
        cell_gradient(d_z[t], d_h, d_c, c[t], gates[t], gradient[ends[1] : ends[2]])
        np.dot(d_z[t], recurrent.T, d_h)
    flat = d_z.reshape(-1, wide)
    np.dot(x.reshape(-1, width).T, flat, gradient[: ends[0]].reshape(width, wide))
    before = h[:time].reshape(-1, units)
    np.dot(before.T, flat, gradient[ends[0] : ends[1]].reshape(units, wide))
    adam(state, F(count))
    return loss / F(rows)


def program(data: Data) -> Program:
    time, rows, _ = data.batches[0][0].shape
    units = data.weights[1].shape[0]
    shapes = [(time, rows, 4 * units)] * 2 + [(time + 1, rows, units)] * 2
    shapes += [(time, 5, rows, units), (rows, 4 * units), (2, rows, units)]
    work = [np.zeros(shape, F) for shape in shapes]
    return trained(data, lambda x, y, state, count: train_step(x, y, state, count, *work))
