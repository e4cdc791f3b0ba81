"""A text progress bar in the format that Keras users know."""

from __future__ import annotations

import sys
import time
from collections.abc import Container, Iterable
from typing import TextIO

__all__ = ["Progbar"]


class Progbar:
    """Show how far a loop has come, its speed, and running averages of its metrics.

    `target` is the number of steps, or None when it is unknown. A terminal or a notebook sees one
    line that is redrawn at most every `interval` seconds; a log file, which cannot be redrawn, gets
    the finished line only. `verbose=0` is silent and `verbose=2` writes the finished line without
    a bar. Metrics named in `stateful_metrics` are shown as given instead of averaged.

    >>> bar = Progbar(23)
    >>> for step in range(23):
    ...     bar.update(step + 1, [("loss", 0.5)])
    23/23 [==============================] - 0s 6us/step - loss: 0.5000
    """

    def __init__(
        self,
        target: int | None,
        width: int = 30,
        verbose: int = 1,
        interval: float = 0.05,
        stateful_metrics: Iterable[str] = (),
        unit_name: str = "step",
    ) -> None:
        self.target = target
        self.width = width
        self.verbose = verbose
        self.interval = interval
        self.unit_name = unit_name
        self.stateful_metrics: Container[str] = frozenset(stateful_metrics)
        self._sums: dict[str, tuple[float, float]] = {}  # name: (weighted sum, weight)
        self._seen = 0
        self._drawn = 0
        self._start = time.perf_counter()
        self._last_draw = float("-inf")

    def add(self, steps: int, values: Iterable[tuple[str, float]] | None = None) -> None:
        """Move on by `steps`."""
        self.update(self._seen + steps, values)

    def update(
        self,
        current: int,
        values: Iterable[tuple[str, float]] | None = None,
        finalize: bool | None = None,
    ) -> None:
        """Say that `current` steps are done, and what was measured since the last update."""
        weight = max(current - self._seen, 1)
        for name, value in values or ():
            self._sums[name] = self._merged(name, float(value), weight)
        self._seen = current
        if finalize is None:
            finalize = self.target is not None and current >= self.target
        if self.verbose == 0:
            return
        if finalize:
            self._finish(current)
        elif self.verbose == 1:
            self._redraw(current)

    def _merged(self, name: str, value: float, weight: int) -> tuple[float, float]:
        if name in self.stateful_metrics:
            return value, 1.0
        total, count = self._sums.get(name, (0.0, 0.0))
        return total + value * weight, count + weight

    def _redraw(self, current: int) -> None:
        now = time.perf_counter()
        if now - self._last_draw < self.interval or not _redrawable(sys.stdout):
            return
        self._last_draw = now
        self._write(self._bar(current) + self._remaining(current, now) + self._metrics(), end="")

    def _finish(self, current: int) -> None:
        spent = time.perf_counter() - self._start
        per_step = _duration(spent / max(current, 1))
        head = self._bar(current) if self.verbose == 1 else f"{current}/{self._total()}"
        self._write(f"{head} - {spent:.0f}s {per_step}/{self.unit_name}{self._metrics()}", end="\n")

    def _write(self, line: str, end: str) -> None:
        redrawn = _redrawable(sys.stdout) and self.verbose == 1
        padding = " " * max(0, self._drawn - len(line)) if redrawn else ""
        self._drawn = len(line)
        sys.stdout.write(("\r" if redrawn else "") + line + padding + end)
        sys.stdout.flush()

    def _total(self) -> str:
        return "Unknown" if self.target is None else str(self.target)

    def _bar(self, current: int) -> str:
        if self.target is None:
            return f"{current:7d}/Unknown"
        total = self._total()
        full = (
            self.width if not self.target else min(self.width, self.width * current // self.target)
        )
        arrow = "=" if current >= self.target else ">"
        filled = "=" * (full - 1) + arrow if full else ""
        return f"{current:{len(total)}d}/{total} [{filled:.<{self.width}}]"

    def _remaining(self, current: int, now: float) -> str:
        spent = now - self._start
        if self.target is None:
            return f" - {spent:.0f}s"
        rest = round(spent / max(current, 1) * (self.target - current))
        hours, minutes, seconds = rest // 3600, rest // 60 % 60, rest % 60
        if hours:
            return f" - ETA: {hours}:{minutes:02d}:{seconds:02d}"
        return f" - ETA: {minutes}:{seconds:02d}" if minutes else f" - ETA: {seconds}s"

    def _metrics(self) -> str:
        averages = ((name, total / n) for name, (total, n) in self._sums.items())
        return "".join(f" - {name}: {_number(value)}" for name, value in averages)


def _redrawable(stream: TextIO) -> bool:
    """Tell whether a carriage return goes back to the start of the line: a terminal or notebook."""
    return stream.isatty() or "ipykernel" in type(stream).__module__


def _duration(seconds: float) -> str:
    if seconds >= 1:
        return f"{seconds:.0f}s"
    return f"{seconds * 1e3:.0f}ms" if seconds >= 1e-3 else f"{seconds * 1e6:.0f}us"


def _number(value: float) -> str:
    return f"{value:.4f}" if abs(value) > 1e-3 or value == 0 else f"{value:.4e}"
