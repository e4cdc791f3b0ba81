"""The state of the global random generator: a seed and a counter, in a Variable like any other.

So eager and compiled code draw from one stream, and a graph that uses random numbers has them as
its state.
"""

from __future__ import annotations

import hashlib
import os
from typing import Any

import numpy as np

from graphc.ops import ops
from graphc.trace.dispatch import convert_to_tensor
from graphc.trace.state import recording
from graphc.trace.tensor import Tensor
from graphc.trace.variable import Variable


class _Generator:
    """The stream that ``tf.random`` functions draw from."""

    def __init__(self) -> None:
        self.seeded = False
        first = int.from_bytes(os.urandom(8), "little")
        self.state = Variable(np.array([first, 0], np.uint64), trainable=False, name="rng")

    def seed(self, value: int) -> None:
        self.seeded = True
        self.state.assign(np.array([_mix(value), 0], np.uint64))

    def next_key(self, op_seed: int | None = None) -> Tensor:
        """A key that no other call gets: u64[2]."""
        with recording(()):
            key = self.state.read()
            self.state.assign(ops.add(key, np.array([0, 1], np.uint64)))
            if op_seed is None:
                return key
            if self.seeded:
                return ops.bitwise_xor(key, np.array([_mix(op_seed), 0], np.uint64))
            # without a global seed, an op's own seed alone decides
            counter = ops.multiply(key, np.array([0, 1], np.uint64))
            return ops.add(counter, np.array([_mix(op_seed), 0], np.uint64))


def _mix(seed: Any) -> int:
    """Spread a seed over 64 bits, the same on every machine."""
    digest = hashlib.blake2b(repr(int(seed)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little")


GLOBAL = _Generator()


def set_seed(seed: int) -> None:
    """Set the global seed: the stream starts again from it (TF: ``tf.random.set_seed``)."""
    GLOBAL.seed(seed)


def next_key(op_seed: int | None = None) -> Tensor:
    """A fresh key from the global generator."""
    return convert_to_tensor(GLOBAL.next_key(op_seed))
