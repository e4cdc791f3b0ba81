"""Race the contestants: each in a process of its own, rounds interleaved, losses compared.

A process answers commands on its standard input with one JSON line each, so that only one of them
computes at any time and slow spells of the machine hit all alike.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from tests.benchmarks.contestants import CONTESTANTS
from tests.benchmarks.problem import Contestant, digits_problem

REFEREE = "numpy float64"
# Losses are float32 sums over 64 rows; after 20 Adam steps the contestants differ in rounding only.
CHECKED_STEPS, LOSS_TOLERANCE = 20, 1e-4
# Small products gain nothing from threads, and idle workers of one process would disturb the next.
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)
BATCHES_SECONDS = 0.1  # how long a round of one contestant lasts, at least one batch
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": ""}


@dataclass
class Result:
    """What one contestant did; times are microseconds a step."""

    name: str
    first_call: float | None = None  # seconds, with whatever the disk caches hold
    losses: list[float] = field(default_factory=list)
    early: list[float] = field(default_factory=list)  # from the initial weights, by round
    late: float | None = None  # after many steps, when Adam's moments hold denormals
    problem: str = ""  # why there are no figures

    @property
    def microseconds(self) -> float:
        return median(self.early)


class Racer:
    """A process that runs one contestant on demand; once it has failed it answers None."""

    def __init__(self, name: str) -> None:
        self.result = Result(name)
        module = CONTESTANTS[name][1]
        if module is not None and importlib.util.find_spec(module) is None:
            self.result.problem = "not installed"
            return
        # Not a pipe: one that nobody reads could fill up.
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 (close() closes it)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.race", name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env={**os.environ, **ONE_THREAD, **QUIET},
        )

    def ask(self, *command: Any) -> Any:
        """Send one command and return the answer."""
        if self.result.problem:
            return None
        assert self._process.stdin and self._process.stdout
        with contextlib.suppress(BrokenPipeError):  # it ended: then there is no answer below
            print(json.dumps(command), file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        if line:
            return json.loads(line)
        self._errors.seek(0)
        last = self._errors.read().strip().splitlines()
        self.result.problem = last[-1] if last else "the process ended without a word"
        return None

    def close(self) -> None:
        if self.result.problem == "not installed":
            return
        self._process.kill()
        self._process.communicate()
        self._errors.close()


def race(names: Sequence[str], rounds: int, steps: int, late_from: int) -> list[Result]:
    """Return each contestant's figures; the referee must be among `names`."""
    racers = [Racer(name) for name in names]
    for racer in racers:
        racer.result.first_call = racer.ask("first")
        racer.result.losses = racer.ask("losses", CHECKED_STEPS) or []
    for _ in range(rounds):
        for racer in racers:
            racer.result.early.append(racer.ask("time", steps, 0))
    for racer in racers:
        racer.result.late = racer.ask("time", steps, late_from)
        racer.close()
    results = [racer.result for racer in racers]
    _compare(results)
    return results


def _compare(results: list[Result]) -> None:
    """Disqualify whoever computed something else than the referee."""
    expected = next(result.losses for result in results if result.name == REFEREE)
    for result in results:
        differences = [abs(a - b) for a, b in zip(result.losses, expected, strict=False)]
        if differences and not max(differences) <= LOSS_TOLERANCE:
            result.problem = f"wrong losses: off by {max(differences):.3g}"


def _serve(contestant: Contestant) -> None:
    """Answer commands until the parent closes the pipe."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a framework prints must not be taken for an answer
    for line in sys.stdin:
        kind, *numbers = json.loads(line)
        print(json.dumps(_answer(contestant, kind, numbers)), file=answers, flush=True)


def _answer(contestant: Contestant, kind: str, numbers: list[int]) -> Any:
    if kind == "first":
        return _seconds(contestant, 1)
    contestant.reset()
    if kind == "losses":
        return [float(contestant.step(index)) for index in range(numbers[0])]  # type: ignore
    steps, before = numbers
    _seconds(contestant, before)
    return _fastest_batch(contestant, steps, from_start=before == 0)


def _fastest_batch(contestant: Contestant, steps: int, from_start: bool) -> float:
    """Return microseconds a step in the best of the batches that fit into a short while."""
    best, end = float("inf"), time.perf_counter() + BATCHES_SECONDS
    while best == float("inf") or time.perf_counter() < end:
        if from_start:
            contestant.reset()
        best = min(best, _seconds(contestant, steps) / steps * 1e6)
    return best


def _seconds(contestant: Contestant, steps: int) -> float:
    step = contestant.step
    start = time.perf_counter()
    for index in range(steps):
        step(index)
    return time.perf_counter() - start


if __name__ == "__main__":
    _serve(CONTESTANTS[sys.argv[1]][0](digits_problem()))
