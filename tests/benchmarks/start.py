"""What a new process pays: importing, and the first call of the digits step cold and warm.

`python -m tests.benchmarks.start NAME` prints the seconds of contestant NAME's first call.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from statistics import median

from tests.benchmarks.figures import Figure

IMPORT = "import time; t = time.perf_counter(); import {0}; print(time.perf_counter() - t)"
COLD, WARM = 3, 5


def importing() -> list[Figure]:
    """Time `import graphc` beside numpy, which it imports, and numba, which it must not."""
    times: dict[str, list[float]] = {"graphc": [], "numpy": [], "numba": []}
    for _ in range(7):
        for module, seconds in times.items():
            seconds.append(_run(["-c", IMPORT.format(module)]))
    reference = median(times["numpy"])
    return [
        Figure("import graphc", median(times["graphc"]), "import numpy", reference, "budget 0.3 s"),
        Figure("import numba", median(times["numba"]), "import numpy", reference),
    ]


def first_call() -> list[Figure]:
    """Time the first call with an empty and with a filled disk cache, each in a new process."""
    ours, numba = _cold_and_warm("graphc graph"), _cold_and_warm("hand-written numba")
    return [
        Figure("first call, cold", ours[0], "hand-written numba", numba[0], "budget 2 s"),
        Figure("first call, cache", ours[1], "hand-written numba", numba[1], "budget 0.5 s"),
    ]


def _cold_and_warm(name: str) -> tuple[float, float]:
    cold, warm = [], []
    for _ in range(COLD):
        with tempfile.TemporaryDirectory() as folder:
            cache = {"GRAPHC_CACHE_DIR": folder, "NUMBA_CACHE_DIR": folder}
            call = ["-m", "tests.benchmarks.start", name]
            cold.append(_run(call, cache))
            warm.extend(_run(call, cache) for _ in range(WARM // COLD + 1))
    return median(cold), median(warm)


def _run(arguments: list[str], environment: dict[str, str] | None = None) -> float:
    result = subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, **(environment or {})},
        check=True,
        capture_output=True,
        text=True,
    )
    return float(result.stdout)


def _first_call(name: str) -> float:
    """Return the seconds from a ready program to its first loss; building it imports no kernels."""
    import time

    from tests.benchmarks.contestants import CONTESTANTS
    from tests.benchmarks.problem import digits_problem

    problem = digits_problem()
    if name == "graphc graph":  # its variables and batches are eager work, not the first call
        contestant = CONTESTANTS[name][0](problem)
        start = time.perf_counter()
    else:  # numba itself is imported when the module with the kernel is
        start = time.perf_counter()
        contestant = CONTESTANTS[name][0](problem)
    float(contestant.step(0))  # type: ignore[arg-type]
    return time.perf_counter() - start


if __name__ == "__main__":
    print(_first_call(sys.argv[1]))
