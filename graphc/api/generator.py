"""``tf.random.Generator``: a stream of random numbers of its own, with its state in a Variable."""

from __future__ import annotations

import enum
import os
from typing import Any

import numpy as np

from graphc.api import draws
from graphc.api.shapes import cast
from graphc.ir import dtypes
from graphc.ops import ops
from graphc.trace.dispatch import convert_to_tensor
from graphc.trace.state import recording
from graphc.trace.tensor import Tensor
from graphc.trace.variable import Variable


class Algorithm(enum.Enum):
    """How the words are made; there is one way, Philox, whatever is asked for."""

    PHILOX = 1
    THREEFRY = 2
    AUTO_SELECT = 3


def create_rng_state(seed: Any, alg: Any = None) -> Tensor:
    """The state of a new generator: int64 [3], a counter of 128 bits and the seed."""
    key = int(seed) & 0xFFFFFFFFFFFFFFFF
    return convert_to_tensor(np.array([0, 0, key], np.uint64).astype(np.int64))


class Generator:
    """A stream of random numbers (TF: ``tf.random.Generator``).

    Make one with `from_seed`, `from_non_deterministic_state` or `from_state`.  Every draw moves its
    ``state``, a Variable, in eager code and in graphs alike.
    """

    def __init__(self, copy_from: Generator | None = None, state: Any = None, alg: Any = None):
        first = copy_from.state if copy_from is not None else state
        if first is None:
            raise ValueError("a Generator is made by from_seed, from_state, ...")
        value = cast(first, dtypes.int64)
        self._state = Variable(value, trainable=False, name="StateVar", dtype=dtypes.int64)
        self.algorithm = Algorithm.PHILOX.value

    @classmethod
    def from_seed(cls, seed: Any, alg: Any = None) -> Generator:
        """A stream that is the same for the same seed."""
        return cls(state=create_rng_state(seed))

    @classmethod
    def from_non_deterministic_state(cls, alg: Any = None) -> Generator:
        """A stream that is another in each program."""
        return cls.from_seed(int.from_bytes(os.urandom(8), "little"))

    @classmethod
    def from_state(cls, state: Any, alg: Any = None) -> Generator:
        """The stream that another generator's ``state`` would go on with."""
        return cls(state=state)

    @classmethod
    def from_key_counter(cls, key: Any, counter: Any, alg: Any = None) -> Generator:
        """The stream of a key at a counter (two numbers, the low one first)."""
        low, high = counter
        return cls(state=ops.stack(*(cast(v, dtypes.int64) for v in (low, high, key)), axis=0))

    # --- state ---

    @property
    def state(self) -> Variable:
        return self._state

    @property
    def key(self) -> Tensor:
        return self._state[2]

    def reset(self, state: Any) -> None:
        """Go on from another state."""
        self._state.assign(state)

    def reset_from_seed(self, seed: Any) -> None:
        """Begin again with a seed."""
        self._state.assign(create_rng_state(seed))

    def reset_from_key_counter(self, key: Any, counter: Any) -> None:
        """Go on at a key and a counter."""
        self._state.assign(Generator.from_key_counter(key, counter).state)

    def skip(self, delta: Any) -> Tensor:
        """Move on by ``delta`` draws; returns the state before."""
        before = self._state.read_value()
        self._move(delta)
        return before

    def _move(self, by: Any) -> None:
        step = ops.multiply(np.array([1, 0, 0], np.int64), cast(by, dtypes.int64))
        self._state.assign_add(step)

    def _key(self) -> Tensor:
        """A key for one draw; the state moves on."""
        with recording(()):
            words = convert_to_tensor(self._state.read())
            self._move(1)
            return ops.cast(ops.gather(words, np.array([2, 0], np.int32)), dtype=dtypes.uint64)

    # --- draws ---

    def normal(
        self, shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = dtypes.float32,
        name: str | None = None,
    ) -> Tensor:  # fmt: skip
        """Draw from a normal distribution."""
        return draws.draw_normal(self._key(), shape, mean, stddev, dtype)

    def truncated_normal(
        self, shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = dtypes.float32,
        name: str | None = None,
    ) -> Tensor:  # fmt: skip
        """Draw from a normal distribution without values beyond two standard deviations."""
        return draws.draw_truncated(self._key(), shape, mean, stddev, dtype)

    def uniform(
        self, shape: Any, minval: Any = 0, maxval: Any = None, dtype: Any = dtypes.float32,
        name: str | None = None,
    ) -> Tensor:  # fmt: skip
        """Draw uniformly from [minval, maxval)."""
        return draws.draw_uniform(self._key(), shape, minval, maxval, dtype)

    def uniform_full_int(
        self, shape: Any, dtype: Any = dtypes.uint64, name: str | None = None
    ) -> Tensor:
        """Draw integers of the whole range of a dtype."""
        return draws.draw_bits(self._key(), shape, dtype)

    def binomial(
        self, shape: Any, counts: Any, probs: Any, dtype: Any = dtypes.int32,
        name: str | None = None,
    ) -> Tensor:  # fmt: skip
        """Draw numbers of successes in ``counts`` trials of probability ``probs``."""
        return draws.draw_binomial(self._key(), shape, counts, probs, dtype)

    def make_seeds(self, count: Any = 1) -> Tensor:
        """Draw seeds for stateless functions: int64 [2, count]."""
        return self.uniform_full_int([2, count], dtypes.int64)

    def split(self, count: int = 1) -> list[Generator]:
        """Make new generators, each with a stream of its own."""
        seeds = self.uniform_full_int([count], dtypes.int64)
        zero = convert_to_tensor(np.zeros((), np.int64))
        keys = ops.unstack(seeds, axis=0)
        return [Generator(state=ops.stack(zero, zero, key, axis=0)) for key in keys]


_global: Generator | None = None


def get_global_generator() -> Generator:
    """The generator that programs share."""
    global _global
    if _global is None:
        _global = Generator.from_non_deterministic_state()
    return _global


def set_global_generator(generator: Generator) -> None:
    """Replace the generator that programs share."""
    global _global
    _global = generator
