"""Who runs the workloads, and how each compiles the plain functions of a workload."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from tests.benchmarks.workload import Data, Program, limit


@dataclass(frozen=True)
class Contestant:
    """A name of the table."""

    module: str  # what it imports
    build: Callable[[ModuleType, Any, Data], Program]  # (workload, framework, data)
    compiled: Callable[[Any, Callable[..., Any]], Callable[..., Any]] = lambda _, step: step
    peer: bool = True
    compiles: bool = True  # so that the first call is no measure of the others


def _tensorflow(workload: ModuleType, tf: Any, data: Data) -> Program:
    return workload.tensorflow(tf, data)


def _jax(workload: ModuleType, jax: Any, data: Data) -> Program:
    return workload.jax(jax, data)


def _torch(workload: ModuleType, torch: Any, data: Data) -> Program:
    return workload.torch(torch, data, lambda function: function)


def _torch_compiled(workload: ModuleType, torch: Any, data: Data) -> Program:
    return workload.torch(torch, data, torch.compile)


def _hand_written(workload: ModuleType, _: Any, data: Data) -> Program:
    module = limit(workload.__name__.rpartition(".")[2])
    if module is None:
        raise NotImplementedError("no kernel written by hand")
    return module.program(data)


CONTESTANTS = {
    "numba": Contestant("numba", _hand_written, peer=False),
    "graphc graph": Contestant(
        "graphc", _tensorflow, lambda tf, step: tf.function(step), peer=False
    ),
    "graphc eager": Contestant("graphc", _tensorflow, peer=False, compiles=False),
    "tensorflow graph": Contestant("tensorflow", _tensorflow, lambda tf, step: tf.function(step)),
    "tensorflow XLA": Contestant(
        "tensorflow", _tensorflow, lambda tf, step: tf.function(step, jit_compile=True)
    ),
    "jax": Contestant("jax", _jax, lambda jax, step: jax.jit(step, donate_argnums=0)),
    "torch": Contestant("torch", _torch, compiles=False),
    "torch.compile": Contestant("torch", _torch_compiled),
}


class Runner:
    """A compiled step over the batches of its workload."""

    def __init__(self, name: str, workload: ModuleType, data: Data) -> None:
        self._contestant = CONTESTANTS[name]
        self._framework = importlib.import_module(self._contestant.module)
        self._set(self._contestant.build(workload, self._framework, data))

    def _set(self, program: Program) -> None:
        step = self._contestant.compiled(self._framework, program.step)
        self._program, self._batches = program, program.batches
        self.step = self._threaded(step) if self._contestant.module == "jax" else step
        self.reset()

    def _threaded(self, step: Callable[..., Any]) -> Callable[..., Any]:
        """Hand the state of a pure step from call to call; wait, as a loop that logs does."""
        ready = self._framework.block_until_ready

        def advance(*batch: Any) -> Any:
            self._state, result = step(self._state, *batch)
            return ready(result)

        return advance

    def reset(self) -> None:
        """Go back to the initial weights."""
        self._program.reset()
        if self._contestant.module == "jax":  # a copy: the step takes over its buffers
            self._state = self._framework.tree.map(
                lambda leaf: self._framework.numpy.array(leaf, copy=True), self._program.state
            )

    def run(self, steps: int) -> None:
        step, batches = self.step, self._batches
        for index in range(steps):
            step(*batches[index % len(batches)])

    def results(self, steps: int) -> list[list[float]]:
        """What the first steps gave: from each result, at most 1000 numbers, evenly chosen."""
        program = self._program
        if program.check:
            self._set(program.check)
        self.reset()
        found = []
        for index in range(steps):
            result = self.step(*self._batches[index % len(self._batches)])
            found.append(_numbers(result))
        if program.check:
            self._set(program)
        return found


def _numbers(result: Any) -> list[float]:
    import numpy as np

    parts = result if isinstance(result, tuple | list) else [result]
    flat = [np.asarray(part, dtype=np.float64).ravel() for part in parts]
    return [float(x) for part in flat for x in part[:: max(1, part.size // 1000)]]
