"""A step of k-means: 10^4 points of 16 features, 32 centres."""

from __future__ import annotations

from tests.benchmarks import training
from tests.benchmarks.workload import Data, Draw


def make(tiny: bool) -> Data:
    draw, (points, width, centres) = Draw(), (40, 3, 4) if tiny else (10_000, 16, 32)
    x = draw.normal(points, width)
    return Data([x[:centres].copy()], [(x,)])


def tensorflow(tf, data):
    centres = tf.Variable(data.weights[0])
    number = data.weights[0].shape[0]

    def step(x):
        differences = tf.expand_dims(x, 1) - centres
        squares = tf.reduce_sum(tf.square(differences), axis=2)
        nearest = tf.argmin(squares, axis=1)
        sums = tf.math.unsorted_segment_sum(x, nearest, number)
        counts = tf.math.unsorted_segment_sum(tf.ones_like(x[:, 0]), nearest, number)
        centres.assign(sums / tf.maximum(counts, 1.0)[:, None])
        return tf.reduce_mean(tf.reduce_min(squares, axis=1))

    return training.tf_program(tf, data, step, [centres])


def jax(jax, data):
    jnp = jax.numpy

    def step(centres, x):
        squares = ((x[:, None] - centres) ** 2).sum(axis=2)
        nearest = squares.argmin(axis=1)
        sums = jax.ops.segment_sum(x, nearest, len(centres))
        counts = jax.ops.segment_sum(jnp.ones(len(x)), nearest, len(centres))
        return sums / jnp.maximum(counts, 1.0)[:, None], squares.min(axis=1).mean()

    return training.jax_program(jax, data, step, data.weights[0])


def torch(torch, data, compiled):
    centres = torch.tensor(data.weights[0])

    @compiled
    def moved(centres, x):
        squares = ((x[:, None] - centres) ** 2).sum(dim=2)
        distance, nearest = squares.min(dim=1)
        sums = torch.zeros_like(centres).index_add(0, nearest, x)
        counts = torch.zeros(len(centres)).index_add(0, nearest, torch.ones(len(x)))
        return sums / counts.clamp(min=1.0)[:, None], distance.mean()

    def step(x):
        found, loss = moved(centres, x)
        centres.copy_(found)
        return loss

    return training.torch_program(
        torch, data, step, lambda: centres.copy_(torch.from_numpy(data.weights[0]))
    )
