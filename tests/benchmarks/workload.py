"""What a workload is: data that all contestants share, and one plain function for each framework.

A module in `workloads/` has `make(tiny)`, which draws weights and batches, `tensorflow(tf, data)`
(one source for graphc and TensorFlow), `jax(jax, data)` and `torch(torch, data, compiled)`.  The
limit, one numba function written by hand, is `hand_written/<name>.py` where there is one.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Data:
    """Arrays that every contestant starts from."""

    weights: Sequence[np.ndarray] = ()  # what training changes
    batches: Sequence[tuple[Any, ...]] = ((),)  # arguments of the steps, in turn
    flops: float = 0.0  # of the matrix products and convolutions of a step, if they count


@dataclass
class Program:
    """One contestant's step, not yet compiled, and the state it changes."""

    step: Callable[..., Any]
    batches: Sequence[tuple[Any, ...]]
    state: Any = ()  # variables that `reset` writes the initial values into; JAX: a pytree
    reset: Callable[[], None] = field(default=lambda: None)
    check: Program | None = None  # compared in its place: the same step without random numbers


def names() -> list[str]:
    """Return all workloads."""
    import tests.benchmarks.workloads as package

    return sorted(module.name for module in pkgutil.iter_modules(package.__path__))


def workload(name: str) -> ModuleType:
    return importlib.import_module(f"tests.benchmarks.workloads.{name}")


def limit(name: str) -> ModuleType | None:
    """Return the module of the kernel written by hand, None if there is none."""
    try:
        return importlib.import_module(f"tests.benchmarks.hand_written.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"tests.benchmarks.hand_written.{name}":
            raise
        return None


class Draw:
    """Random arrays of a workload, the same in every process."""

    def __init__(self, seed: int = 0) -> None:
        self.random = np.random.default_rng(seed)

    def normal(self, *shape: int, scale: float = 1.0) -> np.ndarray:
        return (self.random.standard_normal(shape) * scale).astype(np.float32)

    def uniform(self, *shape: int, low: float = 0.0, high: float = 1.0) -> np.ndarray:
        return self.random.uniform(low, high, shape).astype(np.float32)

    def integers(self, high: int, *shape: int) -> np.ndarray:
        return self.random.integers(0, high, shape).astype(np.int32)

    def glorot(self, *shape: int) -> np.ndarray:
        """Weights `[..., inputs, outputs]`, filters included."""
        receptive = int(np.prod(shape[:-2]))
        bound = np.sqrt(6.0 / (receptive * (shape[-2] + shape[-1])))
        return self.uniform(*shape, low=-bound, high=bound)

    def dense(self, *sizes: int) -> list[np.ndarray]:
        """Matrices and zero biases of a multi-layer perceptron."""
        found = []
        for inputs, outputs in zip(sizes, sizes[1:], strict=False):
            found += [self.glorot(inputs, outputs), np.zeros(outputs, np.float32)]
        return found
