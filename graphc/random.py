"""``tf.random``: draws from the global generator, in eager code and in graphs alike."""

from __future__ import annotations

from graphc.api.draws import (
    categorical,
    normal,
    shuffle,
    stateless_categorical,
    stateless_normal,
    stateless_truncated_normal,
    stateless_uniform,
    truncated_normal,
    uniform,
)  # fmt: skip
from graphc.trace.rng import set_seed

__all__ = [
    "categorical", "normal", "set_seed", "shuffle", "stateless_categorical", "stateless_normal",
    "stateless_truncated_normal", "stateless_uniform", "truncated_normal", "uniform",
]  # fmt: skip
