"""Training steps around a loss, as users of each framework write them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tests.benchmarks.workload import Data, Program

RATE, BETA1, BETA2, EPSILON = 1e-3, 0.9, 0.999, 1e-7
SGD_RATE = 0.01
Loss = Callable[..., Any]  # (weights, *batch) -> loss


def tensorflow(tf: Any, data: Data, loss_of: Loss, optimizer: str = "adam") -> Program:
    """Variables, a tape, and the optimizer spelt out; for graphc and TensorFlow."""
    weights = [tf.Variable(a) for a in data.weights]
    update, slots = (tf_adam if optimizer == "adam" else _tf_sgd)(tf, weights)

    def step(*batch):
        with tf.GradientTape() as tape:
            loss = loss_of(weights, *batch)
        update(tape.gradient(loss, weights))
        return loss

    return tf_program(tf, data, step, weights + slots)


def tf_program(tf: Any, data: Data, step: Callable[..., Any], state: Sequence[Any]) -> Program:
    initial = [variable.numpy().copy() for variable in state]

    def reset() -> None:
        for variable, array in zip(state, initial, strict=True):
            variable.assign(array)

    batches = [tuple(tf.constant(a) for a in batch) for batch in data.batches]
    return Program(step, batches, state, reset)


def _tf_sgd(tf: Any, weights: list[Any]) -> tuple[Callable[[Any], None], list[Any]]:
    def update(gradients):
        for w, g in zip(weights, gradients):  # noqa: B905 (as users write it)
            w.assign_sub(SGD_RATE * g)

    return update, []


def tf_adam(tf: Any, weights: list[Any]) -> tuple[Callable[[Any], None], list[Any]]:
    first = [tf.Variable(tf.zeros_like(w)) for w in weights]
    second = [tf.Variable(tf.zeros_like(w)) for w in weights]
    count = tf.Variable(0.0)

    def update(gradients):
        count.assign_add(1.0)
        rate = RATE * tf.sqrt(1.0 - BETA2**count) / (1.0 - BETA1**count)
        for w, m, v, g in zip(weights, first, second, gradients):  # noqa: B905
            g = tf.convert_to_tensor(g)  # that of an embedding holds rows only
            m.assign_add((g - m) * (1.0 - BETA1))
            v.assign_add((tf.square(g) - v) * (1.0 - BETA2))
            w.assign_sub(rate * m / (tf.sqrt(v) + EPSILON))

    return update, [*first, *second, count]


def jax(jax: Any, data: Data, loss_of: Loss, optimizer: str = "adam") -> Program:
    """Return a pure step (state, *batch) -> (state, loss)."""
    jnp = jax.numpy

    def sgd(weights, *batch):
        loss, gradients = jax.value_and_grad(loss_of)(weights, *batch)
        return [w - SGD_RATE * g for w, g in zip(weights, gradients, strict=True)], loss

    def adam(state, *batch):
        weights, first, second, count = state
        loss, gradients = jax.value_and_grad(loss_of)(weights, *batch)
        state = jax_adam(jnp, weights, first, second, count, gradients)
        return state, loss

    zeros = [np.zeros_like(a) for a in data.weights]
    weights = list(data.weights)
    state = (weights, zeros, zeros, np.float32(0)) if optimizer == "adam" else weights
    return jax_program(jax, data, adam if optimizer == "adam" else sgd, state)


def jax_adam(jnp: Any, weights: Any, first: Any, second: Any, count: Any, gradients: Any) -> Any:
    count = count + 1
    rate = RATE * jnp.sqrt(1 - BETA2**count) / (1 - BETA1**count)
    first = [m + (g - m) * (1 - BETA1) for m, g in zip(first, gradients, strict=True)]
    second = [v + (g * g - v) * (1 - BETA2) for v, g in zip(second, gradients, strict=True)]
    weights = [
        w - rate * m / (jnp.sqrt(v) + EPSILON)
        for w, m, v in zip(weights, first, second, strict=True)
    ]
    return weights, first, second, count


def jax_program(jax: Any, data: Data, step: Callable[..., Any], state: Any = ()) -> Program:
    batches = [tuple(jax.numpy.asarray(a) for a in batch) for batch in data.batches]
    return Program(step, batches, state)


def torch(
    torch: Any, data: Data, loss_of: Loss, compiled: Callable[[Any], Any], optimizer: str = "adam"
) -> Program:
    """Return the usual loop body with the library's own optimizer."""
    weights = [torch.tensor(a, requires_grad=True) for a in data.weights]
    if optimizer == "adam":
        rule = torch.optim.Adam(weights, RATE, (BETA1, BETA2), EPSILON, fused=True)
    else:
        rule = torch.optim.SGD(weights, SGD_RATE)
    loss_of = compiled(loss_of)

    def step(*batch):
        rule.zero_grad()
        loss = loss_of(weights, *batch)
        loss.backward()
        rule.step()
        return loss.detach()

    def reset() -> None:
        rule.state.clear()
        with torch.no_grad():
            for weight, array in zip(weights, data.weights, strict=True):
                weight.copy_(torch.from_numpy(array))

    return torch_program(torch, data, step, reset)


def torch_program(
    torch: Any, data: Data, step: Callable[..., Any], reset: Callable[[], None] = lambda: None
) -> Program:
    batches = [tuple(torch.from_numpy(np.array(a)) for a in batch) for batch in data.batches]
    return Program(step, batches, (), reset)
