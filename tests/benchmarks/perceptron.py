"""One hidden layer with relu, dropout if asked for, and cross-entropy, in each framework."""

from __future__ import annotations

from typing import Any

from tests.benchmarks import training
from tests.benchmarks.workload import Data, Program


def tensorflow(tf: Any, data: Data, dropped: float = 0.0) -> Program:
    def loss_of(weights, x, y):
        w1, b1, w2, b2 = weights
        h = tf.nn.relu(x @ w1 + b1)
        if dropped:
            h = tf.nn.dropout(h, dropped)
        logits = h @ w2 + b2
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits)
        return tf.reduce_mean(losses)

    return training.tensorflow(tf, data, loss_of)


def jax(jax: Any, data: Data, dropped: float = 0.0) -> Program:
    """The key of the dropout is part of the state; it advances with each step."""
    jnp = jax.numpy

    def loss_of(weights, x, y, key=None):
        w1, b1, w2, b2 = weights
        h = jax.nn.relu(x @ w1 + b1)
        if key is not None:
            kept = jax.random.bernoulli(key, 1 - dropped, h.shape)
            h = jnp.where(kept, h / (1 - dropped), 0)
        return cross_entropy(jax, h @ w2 + b2, y)

    program = training.jax(jax, data, loss_of)
    if not dropped:
        return program
    plain = program.step

    def step(state, x, y):
        training_state, key = state
        key, now = jax.random.split(key)
        training_state, loss = plain(training_state, x, y, now)
        return (training_state, key), loss

    return Program(step, program.batches, (program.state, jax.random.key(0)))


def cross_entropy(jax: Any, logits: Any, labels: Any) -> Any:
    picked = jax.numpy.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], axis=1)
    return -picked.mean()


def torch(torch: Any, data: Data, compiled: Any, dropped: float = 0.0) -> Program:
    functional = torch.nn.functional

    def loss_of(weights, x, y):
        w1, b1, w2, b2 = weights
        h = torch.relu(x @ w1 + b1)
        if dropped:
            h = functional.dropout(h, dropped)
        return functional.cross_entropy(h @ w2 + b2, y.long())

    return training.torch(torch, data, loss_of, compiled)
