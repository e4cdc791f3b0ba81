"""One measured figure, the table that shows many, and the clock that takes them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from statistics import median


@dataclass(frozen=True)
class Figure:
    """A time in seconds, beside the time of what it is compared with in the same run."""

    name: str
    seconds: float | None
    against: str = ""
    reference: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        if self.seconds is None or not self.reference:
            return None
        return self.seconds / self.reference

    def as_json(self) -> dict[str, object]:
        return {**asdict(self), "ratio": self.ratio}


def interleaved(
    calls: Mapping[str, Callable[[], object]], repeat: int, rounds: int = 7
) -> dict[str, float]:
    """Return seconds a call: the median over rounds in which all take turns.

    Turns make a slow spell of the machine hit all alike, so the ratios keep.
    """
    times: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()
    for _ in range(rounds):
        for name, call in calls.items():
            start = time.perf_counter()
            for _ in range(repeat):
                call()
            times[name].append((time.perf_counter() - start) / repeat)
    return {name: median(values) for name, values in times.items()}


def table(figures: Iterable[Figure]) -> str:
    """Return the figures as aligned text."""
    rows = [("what", "time", "ratio", "to", "")]
    for figure in figures:
        ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}x"
        rows.append((figure.name, shown(figure.seconds), ratio, figure.against, figure.note))
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    lines = []
    for name, seconds, ratio, against, note in rows:
        line = (
            f"{name:{widths[0]}}  {seconds:>{widths[1]}}  {ratio:>{widths[2]}}  {against}  {note}"
        )
        lines.append(line.rstrip())
    lines.insert(1, "-" * (sum(widths[:4]) + 6))
    return "\n".join(lines)


def shown(seconds: float | None) -> str:
    """Return a time in the unit that suits it."""
    if seconds is None:
        return "-"
    for factor, unit in ((1, "s"), (1e3, "ms"), (1e6, "us")):
        if seconds * factor >= 1 or unit == "us":
            return f"{seconds * factor:.3g} {unit}"
    raise AssertionError("unreachable")
