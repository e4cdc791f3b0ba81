"""A chain of twelve elementwise operations on 1e7 float32."""

from __future__ import annotations

from functools import partial

from tests.benchmarks import chain

make = partial(chain.make, 10_000_000)
tensorflow, jax, torch = chain.tensorflow, chain.jax, chain.torch
