"""The training step in each framework, as its users would write it.

Each function imports its framework, so that one that is not installed costs nothing but its row.
`tensorflow_style` is one source for graphc and TensorFlow alike.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.benchmarks.problem import (
    BETA1,
    BETA2,
    EPSILON,
    RATE,
    Contestant,
    Problem,
    numpy_step,
)


def tensorflow_style(tf: Any, problem: Problem, decorate: Callable[..., Any]) -> Contestant:
    """Return the step with Variables, `GradientTape` and Adam spelt out."""
    weights = [tf.Variable(array) for array in problem.weights]
    first = [tf.Variable(tf.zeros_like(array)) for array in problem.weights]
    second = [tf.Variable(tf.zeros_like(array)) for array in problem.weights]
    count = tf.Variable(0.0)
    w1, b1, w2, b2 = weights
    batches = [
        (tf.constant(x), tf.constant(y))
        for x, y in zip(problem.images, problem.labels, strict=True)
    ]

    @decorate
    def train_step(x, y):
        with tf.GradientTape() as tape:
            hidden = tf.nn.relu(x @ w1 + b1)
            logits = tf.matmul(hidden, w2) + b2
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits)
            loss = tf.reduce_mean(losses)
        gradients = tape.gradient(loss, weights)
        count.assign_add(1.0)
        rate = RATE * tf.sqrt(1.0 - BETA2**count) / (1.0 - BETA1**count)
        for w, m, v, g in zip(weights, first, second, gradients):  # noqa: B905 (as users write it)
            m.assign_add((g - m) * (1.0 - BETA1))
            v.assign_add((tf.square(g) - v) * (1.0 - BETA2))
            w.assign_sub(rate * m / (tf.sqrt(v) + EPSILON))
        return loss

    def reset() -> None:
        for variable, array in zip(weights, problem.weights, strict=True):
            variable.assign(array)
        for variable in first + second:
            variable.assign(tf.zeros_like(variable))
        count.assign(0.0)

    return Contestant(lambda index: train_step(*batches[index % len(batches)]), reset)


def graph(problem: Problem) -> Contestant:
    tf = importlib.import_module("graphc")
    return tensorflow_style(tf, problem, tf.function)


def eager(problem: Problem) -> Contestant:
    return tensorflow_style(importlib.import_module("graphc"), problem, lambda step: step)


def hand_written(problem: Problem) -> Contestant:
    from tests.benchmarks.hand_written_mlp_step import hand_written_step

    return hand_written_step(problem)


def tf_graph(problem: Problem) -> Contestant:
    tf = importlib.import_module("tensorflow")
    return tensorflow_style(tf, problem, tf.function)


def tf_xla(problem: Problem) -> Contestant:
    tf = importlib.import_module("tensorflow")
    return tensorflow_style(tf, problem, tf.function(jit_compile=True))


def tf_eager(problem: Problem) -> Contestant:
    return tensorflow_style(importlib.import_module("tensorflow"), problem, lambda step: step)


def jax(problem: Problem) -> Contestant:
    """Return a jitted pure step; it waits for each loss, as a loop that shows it does."""
    jax = importlib.import_module("jax")
    jnp = jax.numpy

    def loss_of(weights, x, y):
        w1, b1, w2, b2 = weights
        logits = jax.nn.relu(x @ w1 + b1) @ w2 + b2
        picked = jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], axis=1)
        return -picked.mean()

    def train_step(state, x, y):
        weights, first, second, count = state
        loss, gradients = jax.value_and_grad(loss_of)(weights, x, y)
        count = count + 1
        rate = RATE * jnp.sqrt(1 - BETA2**count) / (1 - BETA1**count)
        first = [m + (g - m) * (1 - BETA1) for m, g in zip(first, gradients, strict=True)]
        second = [v + (g * g - v) * (1 - BETA2) for v, g in zip(second, gradients, strict=True)]
        weights = [
            w - rate * m / (jnp.sqrt(v) + EPSILON)
            for w, m, v in zip(weights, first, second, strict=True)
        ]
        return (weights, first, second, count), loss

    compiled = jax.jit(train_step, donate_argnums=0)
    batches = [
        (jnp.asarray(x), jnp.asarray(y, jnp.int32))
        for x, y in zip(problem.images, problem.labels, strict=True)
    ]
    state: Any = None

    def reset() -> None:
        nonlocal state
        zeros = [np.zeros_like(array) for array in problem.weights]
        state = jax.tree.map(
            jnp.array, ([*problem.weights], zeros, [z.copy() for z in zeros], np.float32(0))
        )

    def step(index: int) -> object:
        nonlocal state
        state, loss = compiled(state, *batches[index % len(batches)])
        return loss.block_until_ready()

    reset()
    return Contestant(step, reset)


def torch(problem: Problem) -> Contestant:
    """Return the usual eager loop with the library's own fused Adam."""
    torch = importlib.import_module("torch")
    functional = torch.nn.functional
    torch.set_num_threads(1)
    weights = [torch.tensor(array, requires_grad=True) for array in problem.weights]
    w1, b1, w2, b2 = weights
    batches = [
        (torch.from_numpy(x), torch.from_numpy(y))
        for x, y in zip(problem.images, problem.labels, strict=True)
    ]
    adam: Any = None

    def reset() -> None:
        nonlocal adam
        with torch.no_grad():
            for weight, array in zip(weights, problem.weights, strict=True):
                weight.copy_(torch.from_numpy(array))
        adam = torch.optim.Adam(weights, RATE, (BETA1, BETA2), EPSILON, fused=True)

    def step(index: int) -> object:
        x, y = batches[index % len(batches)]
        adam.zero_grad()
        hidden = functional.relu(functional.linear(x, w1.T, b1))
        loss = functional.cross_entropy(functional.linear(hidden, w2.T, b2), y)
        loss.backward()
        adam.step()
        return loss.detach()

    reset()
    return Contestant(step, reset)


# Name in the table: how to build it, and its module (None: always there).
CONTESTANTS: dict[str, tuple[Callable[[Problem], Contestant], str | None]] = {
    "hand-written numba": (hand_written, None),
    "graphc graph": (graph, None),
    "graphc eager": (eager, None),
    "numpy float64": (numpy_step, None),
    "tensorflow graph": (tf_graph, "tensorflow"),
    "tensorflow XLA": (tf_xla, "tensorflow"),
    "tensorflow eager": (tf_eager, "tensorflow"),
    "jax": (jax, "jax"),
    "torch": (torch, "torch"),
}
