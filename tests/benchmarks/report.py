"""Tables of a race."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tests.benchmarks.figures import shown
from tests.benchmarks.race import Result

LIMIT = "numba"


def columns(rows: Sequence[Sequence[str]]) -> str:
    """Return aligned text; the first column to the left, others to the right, the last free."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [f"{row[0]:{widths[0]}}"]
        cells += [f"{cell:>{width}}" for cell, width in zip(row[1:-1], widths[1:-1], strict=True)]
        lines.append("  ".join([*cells, row[-1]]).rstrip())
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])


def table(title: str, results: Sequence[Result], flops: float = 0.0) -> str:
    times = {result.name: result.seconds for result in results}
    head = (
        title, "time", "spread", "fastest", "to numba", "GFLOP/s", "cold", "warm", "memory", "peak",
        "import", "",
    )  # fmt: skip
    rows = [head]
    for result in results:
        seconds, limit = result.seconds, times.get(LIMIT)
        rows.append((
            result.name,
            shown(seconds),
            "" if result.spread is None else f"{result.spread:.0%}",
            shown(result.fastest),
            f"{seconds / limit:.2f}x" if seconds and limit else "",
            f"{flops / seconds / 1e9:.1f}" if seconds and flops else "",
            shown(result.cold),
            shown(result.warm),
            _megabytes(result.memory),
            _megabytes(result.peak),
            shown(result.import_time),
            result.problem,
        ))  # fmt: skip
    return columns(rows)


def _megabytes(count: float | None) -> str:
    return "-" if count is None else f"{count / 2**20:.0f} MB"


def as_json(results: Sequence[Result]) -> dict[str, Any]:
    """Return the figures by contestant; times in seconds, memory in bytes."""
    return {
        r.name: {
            "seconds": r.seconds, "fastest": r.fastest, "spread": r.spread, "rounds": r.rounds,
            "cold": r.cold, "warm": r.warm, "memory": r.memory, "peak": r.peak,
            "import": r.import_time, "problem": r.problem,
        }
        for r in results
    }  # fmt: skip


def summary(workloads: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    """Return one row a workload: graphc beside the limit and the best of the others."""
    rows = [("workload", "graphc graph", "to numba", "best peer", "peer / graphc", "")]
    for name, found in workloads.items():
        seconds = {who: row["seconds"] for who, row in found.items() if row["seconds"]}
        ours, limit = seconds.pop("graphc graph", None), seconds.pop(LIMIT, None)
        seconds.pop("graphc eager", None)
        best = min(seconds, key=seconds.__getitem__, default="")
        rows.append((
            name,
            shown(ours),
            f"{ours / limit:.2f}x" if ours and limit else "",
            shown(seconds[best]) if best else "",
            f"{seconds[best] / ours:.2f}x" if ours and best else "",
            best or found.get("graphc graph", {}).get("problem", ""),
        ))  # fmt: skip
    return columns(rows)
