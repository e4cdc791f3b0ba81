"""What a new process pays before its first call: importing."""

from __future__ import annotations

import subprocess
import sys
from statistics import median

from tests.benchmarks.figures import Figure

IMPORT = "import time; t = time.perf_counter(); import {0}; print(time.perf_counter() - t)"


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


def _run(arguments: list[str]) -> float:
    result = subprocess.run(
        [sys.executable, *arguments], check=True, capture_output=True, text=True
    )
    return float(result.stdout)
