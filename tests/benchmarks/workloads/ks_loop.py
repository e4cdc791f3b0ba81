"""Two histograms of 5000 scores, filled one by one in a loop with `if` and slice assignment."""

from __future__ import annotations

import numpy as np

from tests.benchmarks import training
from tests.benchmarks.workload import Data, Draw

BINS = 101


def make(tiny: bool) -> Data:
    draw, size = Draw(), 50 if tiny else 5000
    return Data([], [(draw.integers(2, size) > 0, draw.uniform(size))])


def tensorflow(tf, data):
    true, false = (tf.Variable(np.zeros(BINS, np.float32)) for _ in range(2))

    def ks(labels, scores):
        bins = tf.cast(100.0 * scores, tf.int32)
        true.assign(tf.zeros([BINS]))
        false.assign(tf.zeros([BINS]))
        for i in tf.range(tf.shape(labels)[0]):
            if labels[i]:
                true[bins[i]].assign(true[bins[i]] + 1.0)
            else:
                false[bins[i]].assign(false[bins[i]] + 1.0)
        rates = [tf.cumsum(v) / tf.reduce_sum(v) for v in (true, false)]
        return tf.reduce_max(tf.abs(rates[0] - rates[1]))

    return training.tf_program(tf, data, ks, [true, false])


def jax(jax, data):
    jnp, lax = jax.numpy, jax.lax

    def ks(state, labels, scores):
        bins = (100.0 * scores).astype(jnp.int32)

        def body(i, counts):
            true, false = counts
            at = bins[i]
            return lax.cond(
                labels[i],
                lambda: (true.at[at].add(1.0), false),
                lambda: (true, false.at[at].add(1.0)),
            )

        counts = lax.fori_loop(0, len(labels), body, (jnp.zeros(BINS), jnp.zeros(BINS)))
        rates = [jnp.cumsum(v) / v.sum() for v in counts]
        return state, jnp.abs(rates[0] - rates[1]).max()

    return training.jax_program(jax, data, ks)


def torch(torch, data, compiled):
    """Eager only: the compiler unrolls such a loop."""

    def ks(labels, scores):
        bins = (100.0 * scores).int()
        true, false = torch.zeros(BINS), torch.zeros(BINS)
        for i in range(len(labels)):
            if labels[i]:
                true[bins[i]] += 1.0
            else:
                false[bins[i]] += 1.0
        rates = [torch.cumsum(v, 0) / v.sum() for v in (true, false)]
        return (rates[0] - rates[1]).abs().max()

    return training.torch_program(torch, data, ks)


LIMITED = {"torch.compile": "unrolls the loop", "tensorflow XLA": "wants constant indices"}
