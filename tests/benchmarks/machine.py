"""What the figures were measured on, and how fast it multiplies matrices."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

from tests.benchmarks.race import environment

# The largest of some: a busy machine only ever makes it slower.
PEAK = """
import json, time
import numpy as np
a, b, best = *np.ones((2, 1024, 1024), np.float32), 1e9
for _ in range(20):
    start = time.perf_counter()
    a @ b
    best = min(best, time.perf_counter() - start)
print(json.dumps(2 * 1024**3 / best))
"""


def machine(threads: int) -> dict[str, object]:
    """Versions, processor, and the peak of float32 products in operations a second."""
    answer = subprocess.run(
        [sys.executable, "-c", PEAK], env=environment(threads, os.devnull),
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return {
        "python": platform.python_version(),
        "processor": _processor(),
        "threads": threads,
        "load": os.getloadavg(),
        "product flops": json.loads(answer.stdout),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
