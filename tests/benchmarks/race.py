"""Race the contestants of one workload: each in a process of its own, in interleaved rounds.

`python -m tests.benchmarks.race CONTESTANT WORKLOAD` answers commands on its standard input with
one JSON line each, so that only one process computes at any time, and slow spells of the machine
hit all alike.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from tests.benchmarks.contestants import CONTESTANTS

CHECKED_STEPS, TOLERANCE = 5, 1e-3
ROUND_SECONDS, BATCHES = 0.1, 10
SLOW = 0.5  # seconds; slower steps are checked and timed once
SLOWEST = 5.0  # seconds; of slower ones the first call is all there is, unless it compiles
PATIENCE = 240  # seconds for one answer
ROOT = Path(__file__).parents[2]


def environment(threads: int, caches: str) -> dict[str, str]:
    """Return the variables of a contestant's process; its disk caches lie in one folder."""
    count = dict.fromkeys(
        ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS",
         "TF_NUM_INTRAOP_THREADS"), str(threads)
    )  # fmt: skip
    folders = {
        name: os.path.join(caches, name)
        for name in ("GRAPHC_CACHE_DIR", "NUMBA_CACHE_DIR", "JAX_COMPILATION_CACHE_DIR",
                     "TORCHINDUCTOR_CACHE_DIR")
    }  # fmt: skip
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": ""}
    jax = {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
    # A team of OpenMP that spins between two kernels would hold the core of the next one's.
    passive = {"OMP_WAIT_POLICY": "passive", "NUMBA_THREADING_LAYER": "workqueue"}
    return {**os.environ, **count, **folders, **quiet, **jax, **passive, "PYTHONPATH": str(ROOT)}


@dataclass
class Result:
    """What one contestant did; times are in seconds."""

    name: str
    import_time: float | None = None
    cold: float | None = None  # the first call, with empty disk caches
    warm: float | None = None  # the first call of a later process
    rounds: list[float] = field(default_factory=list)  # seconds a step
    memory: float | None = None  # bytes at the peak, above what importing took
    peak: float | None = None  # bytes at the peak, all in all
    results: list[list[float]] | None = None
    is_slow: bool = False
    problem: str = ""  # why there are no figures

    @property
    def seconds(self) -> float | None:
        return median(self.rounds) if self.rounds and not self.problem else None

    @property
    def fastest(self) -> float | None:
        """The best round: what other work on the machine disturbed least."""
        return min(self.rounds) if self.rounds and not self.problem else None

    @property
    def spread(self) -> float | None:
        """How far the rounds lie apart, as a part of the median."""
        return (max(self.rounds) - min(self.rounds)) / median(self.rounds) if self.rounds else None


class Racer:
    """A process that runs one contestant on demand; once it has failed it answers None."""

    def __init__(
        self, workload: str, result: Result, python: str, environment: dict[str, str]
    ) -> None:
        self.result = result
        # Not a pipe: one that nobody reads could fill up.
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 (close() closes it)
        self._process = subprocess.Popen(
            [python, "-m", "tests.benchmarks.race", result.name, workload],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, text=True,
            env=environment, cwd=ROOT,
        )  # fmt: skip
        self.result.import_time = self._answer()

    def ask(self, *command: Any) -> Any:
        """Send one command and return the answer."""
        if self.result.problem:
            return None
        assert self._process.stdin
        with contextlib.suppress(BrokenPipeError):  # it ended: then there is no answer below
            print(json.dumps(command), file=self._process.stdin, flush=True)
        return self._answer()

    def _answer(self) -> Any:
        import select

        output = self._process.stdout
        assert output
        if not select.select([output], [], [], PATIENCE)[0]:
            self.result.problem = f"no answer within {PATIENCE} s"
            return None
        line = output.readline()
        answer = json.loads(line) if line else {"error": self._last_words()}
        if isinstance(answer, dict):
            self.result.problem = answer["error"]
            return None
        return answer

    def _last_words(self) -> str:
        self._errors.seek(0)
        lines = self._errors.read().strip().splitlines()
        return lines[-1][:200] if lines else f"ended with {self._process.wait()}"

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()
        self._errors.close()


def race(
    workload: str, pythons: dict[str, str], rounds: int, threads: int, first_calls: bool = True
) -> list[Result]:
    """Return each contestant's figures; `pythons` names the interpreter of each."""
    results = [Result(name) for name in pythons]
    with tempfile.TemporaryDirectory() as folder:
        racers = []
        for result in results:
            place = environment(threads, os.path.join(folder, result.name.replace(" ", "-")))
            open_racer = partial(Racer, workload, result, pythons[result.name], place)
            if first_calls and CONTESTANTS[result.name].compiles:
                racer = open_racer()
                result.cold = racer.ask("first")
                racer.close()
            if not result.problem:
                racers.append(open_racer())
                _check(racers[-1])
        for number in range(rounds):
            for racer in racers:
                if racer.result.is_slow and (number > 0 or racer.result.rounds):
                    continue
                seconds = racer.ask("time", ROUND_SECONDS)
                if seconds is not None:
                    racer.result.rounds.append(seconds)
        for racer in racers:
            result = racer.result
            result.memory, result.peak = racer.ask("memory") or (None, None)
            racer.close()
    return results


def _check(racer: Racer) -> None:
    """The first call, the results to compare, and whether the step is slow."""
    result, first = racer.result, racer.ask("first")
    if result.cold is None:
        result.cold = first
    else:
        result.warm = first
    if first is not None and first > SLOWEST and not CONTESTANTS[result.name].compiles:
        result.is_slow, result.rounds = True, [first]
        return
    seconds = racer.ask("time", 0.0)
    result.is_slow = seconds is not None and seconds > SLOW
    result.results = racer.ask("results", 1 if result.is_slow else CHECKED_STEPS)


def compare(results: list[Result], tolerance: float = TOLERANCE) -> None:
    """Disqualify whoever computed something else than most of the others."""
    from tests.benchmarks.agreement import apart

    known = [r for r in results if r.results and not r.problem]
    if len(known) < 2:
        return
    distances = {r.name: median(apart(r.results, s.results) for s in known) for r in known}
    for result in known:
        if not distances[result.name] <= tolerance:
            result.problem = f"wrong results: off by {distances[result.name]:.2g}"


def _serve(name: str, workload_name: str) -> None:
    """Answer commands until the parent closes the pipe."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a framework prints must not be taken for an answer

    def answer(value: Any) -> None:
        print(json.dumps(value), file=answers, flush=True)

    try:
        _commands(name, workload_name, answer)
    except Exception as error:
        text = str(error).strip().splitlines()
        answer({"error": f"{type(error).__name__}: {text[0][:150] if text else ''}"})
        raise


def _commands(name: str, workload_name: str, answer: Any) -> None:
    import importlib

    start = time.perf_counter()
    importlib.import_module(CONTESTANTS[name].module)
    answer(time.perf_counter() - start)
    baseline = _peak()

    from tests.benchmarks.contestants import Runner
    from tests.benchmarks.workload import workload

    module = workload(workload_name)
    if name in getattr(module, "LIMITED", {}):
        raise NotImplementedError(module.LIMITED[name])
    runner, seconds = Runner(name, module, module.make(tiny=False)), None
    for line in sys.stdin:
        kind, *numbers = json.loads(line)
        if kind == "first":
            seconds = _clock(runner, 1)
            answer(seconds)
        elif kind == "results":
            compared = getattr(module, "COMPARED", True)
            answer(runner.results(numbers[0]) if compared else None)
        elif kind == "time":
            seconds = _fastest(runner, numbers[0], seconds or 1.0)
            answer(seconds)
        else:
            peak = _peak()
            answer([peak - baseline, peak])


def _fastest(runner: Any, budget: float, pace: float) -> float:
    """Seconds a step in the best of the batches that fit into a round: others may be busy too."""
    steps = max(1, min(20_000, int(budget / BATCHES / max(pace, 1e-7))))
    best, end = float("inf"), time.perf_counter() + budget
    while best == float("inf") or time.perf_counter() < end:
        runner.reset()
        best = min(best, _clock(runner, steps) / steps)
    return best


def _clock(runner: Any, steps: int) -> float:
    start = time.perf_counter()
    runner.run(steps)
    return time.perf_counter() - start


def _peak() -> int:
    """Bytes this program has held at most.

    `ru_maxrss` starts with what the parent held when it forked, so Linux' own count goes first.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = re.search(r"VmHWM:\s*(\d+) kB", status.read_text(encoding="utf-8"))
        if line:
            return int(line[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    _serve(*sys.argv[1:3])
