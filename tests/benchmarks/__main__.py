"""Print the ratio table: `python -m tests.benchmarks [--quick] [--only PART] [--json FILE]`."""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks import start
from tests.benchmarks.contestants import CONTESTANTS
from tests.benchmarks.convnet import convnet
from tests.benchmarks.figures import Figure, table
from tests.benchmarks.race import race

BASELINE = "hand-written numba"


def digits(quick: bool) -> list[Figure]:
    """Race all contestants on the digits step; ratios are to the hand-written one."""
    results = race(list(CONTESTANTS), rounds=3 if quick else 7, steps=300, late_from=1500)
    base = next(result for result in results if result.name == BASELINE)
    figures = []
    for result in results:
        name = f"digits step: {result.name}"
        if result.problem:
            figures.append(Figure(name, None, note=result.problem))
            continue
        figures.append(Figure(name, result.microseconds / 1e6, BASELINE, base.microseconds / 1e6))
    late = [r for r in results if r.late and base.late and r.name.startswith(("hand", "graphc"))]
    for result in late:
        name = f"digits step, late: {result.name}"
        figures.append(Figure(name, result.late / 1e6, BASELINE, base.late / 1e6))
    return figures


def alone(module: str) -> list[Figure]:
    """Measure in a fresh process, so that nothing else is loaded."""
    command = [sys.executable, "-m", f"tests.benchmarks.{module}"]
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    rows = json.loads(answer)
    return [Figure(**{key: row[key] for key in row if key != "ratio"}) for row in rows]


PARTS: dict[str, Callable[[bool], list[Figure]]] = {
    "import": lambda quick: start.importing(),
    "overhead": lambda quick: alone("overhead"),
    "loops": lambda quick: alone("loops"),
    "first-call": lambda quick: start.first_call(),
    "digits": digits,
    "convnet": convnet,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--only", choices=PARTS, action="append", help="measure this part only")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    options = parser.parse_args()
    figures: list[Figure] = []
    status = 0
    for name in options.only or PARTS:
        try:
            found = PARTS[name](options.quick)
        except subprocess.CalledProcessError as error:
            last = (error.stderr or "").strip().splitlines()[-1:]
            found, status = [Figure(name, None, note=f"failed: {' '.join(last)}")], 1
        figures += found
        print(table(found), end="\n\n", flush=True)
    if options.json:
        machine = {"python": platform.python_version(), "cpu": platform.processor()}
        rows = [figure.as_json() for figure in figures]
        options.json.write_text(json.dumps({"machine": machine, "figures": rows}, indent=1) + "\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
