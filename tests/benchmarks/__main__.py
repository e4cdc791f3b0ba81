"""Measure and print the tables: `python -m tests.benchmarks [--only NAME] [--quick] ...`.

Parts are the start and the call of graphc itself (`import`, `overhead`, `loops`) and the workloads.
Peers that are not installed are left out, with a line.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.benchmarks import report
from tests.benchmarks.contestants import CONTESTANTS
from tests.benchmarks.figures import Figure, table
from tests.benchmarks.machine import machine
from tests.benchmarks.race import compare, race
from tests.benchmarks.start import importing
from tests.benchmarks.workload import names, workload


def alone(module: str) -> list[Figure]:
    """Measure in a fresh process, so that nothing else is loaded."""
    command = [sys.executable, "-m", f"tests.benchmarks.{module}"]
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    rows = json.loads(answer)
    return [Figure(**{key: row[key] for key in row if key != "ratio"}) for row in rows]


PARTS: dict[str, Callable[[], list[Figure]]] = {
    "import": importing,
    "overhead": lambda: alone("overhead"),
    "loops": lambda: alone("loops"),
}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few rounds, no cold first calls")
    parser.add_argument("--list", action="store_true", help="show the names and stop")
    parser.add_argument("--only", action="append", metavar="NAME", help="a part or workload")
    parser.add_argument("--peers", default="all", help="all, none, or names with commas between")
    parser.add_argument("--peer-python", default=sys.executable, help="the peers' interpreter")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=Path, help="write the figures here too")
    return parser.parse_args()


def interpreters(peers: str, peer_python: str) -> dict[str, str]:
    """Return who takes part, and with which interpreter; name those who cannot."""
    wanted = set(CONTESTANTS) if peers == "all" else set(peers.split(",")) - {"none"}
    found, missing = {}, {}
    for name, contestant in CONTESTANTS.items():
        if not contestant.peer:
            found[name] = sys.executable
        elif any(name == one or name.startswith(f"{one} ") for one in wanted):
            if contestant.module not in missing:
                missing[contestant.module] = not _has(peer_python, contestant.module)
                if missing[contestant.module]:
                    print(f"{contestant.module}: not installed, left out", flush=True)
            if not missing[contestant.module]:
                found[name] = peer_python
    return found


def _has(python: str, module: str) -> bool:
    find = f"import importlib.util, sys; sys.exit(not importlib.util.find_spec({module!r}))"
    return subprocess.run([python, "-c", find], check=False).returncode == 0


def main() -> int:
    options = arguments()
    if options.list:
        print("\n".join([*PARTS, *names()]))
        return 0
    chosen = options.only or [*PARTS, *names()]
    unknown = set(chosen) - set(PARTS) - set(names())
    if unknown:
        sys.exit(f"no such part or workload: {', '.join(sorted(unknown))}; see --list")
    written: dict[str, Any] = {"machine": machine(options.threads), "parts": {}, "workloads": {}}
    pythons = interpreters(options.peers, options.peer_python)
    for name in chosen:
        if name in PARTS:
            figures = PARTS[name]()
            print(table(figures), end="\n\n", flush=True)
            written["parts"][name] = [figure.as_json() for figure in figures]
        else:
            rounds = 3 if options.quick else options.rounds
            results = race(name, pythons, rounds, options.threads, not options.quick)
            compare(results)
            flops = workload(name).make(tiny=False).flops
            print(report.table(name, results, flops), end="\n\n", flush=True)
            written["workloads"][name] = report.as_json(results)
        if options.json:  # after each, so that a run that is cut short leaves what it measured
            options.json.write_text(json.dumps(written, indent=1) + "\n")
    if written["workloads"]:
        print(report.summary(written["workloads"]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
