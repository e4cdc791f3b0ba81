"""`graphc.benchmark`: does the graph pay for itself, for this function and these arguments?"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from math import ceil
from statistics import median
from typing import Any

from graphc.function import ConcreteFunction, Function

ROUNDS = 7
ROUND_SECONDS = 0.02  # a round of one of the two takes about this long, at least one call


@dataclass(frozen=True)
class Benchmark:
    """Seconds of one call, eager and as a graph, and what the first call costs.

    The first call traces, improves, plans and loads; kernels that the disk cache holds already are
    not compiled again.
    """

    signature: str
    eager: float
    graph: float
    first_call: float

    @property
    def speedup(self) -> float:
        """How many times as fast the graph is."""
        return self.eager / self.graph

    @property
    def break_even(self) -> int | None:
        """After how many calls the first call has paid for itself; None if it never does."""
        saved = self.eager - self.graph
        return ceil(self.first_call / saved) if saved > 0 else None

    @property
    def verdict(self) -> str:
        """The answer in a few words."""
        if self.break_even is None:
            return "eager is as fast: leave the decorator out"
        return f"pays after {self.break_even:,} calls"

    def __str__(self) -> str:
        return "\n".join(
            [
                self.signature,
                f"  eager       {show(self.eager):>9}",
                f"  graph       {show(self.graph):>9}   {self.speedup:.1f}x as fast",
                f"  first call  {show(self.first_call):>9}   {self.verdict}",
            ]
        )

    __repr__ = __str__

    def _repr_html_(self) -> str:
        rows = (("eager", self.eager, "#bbbbbb"), ("graph", self.graph, "#4477aa"))
        longest = max(self.eager, self.graph)
        bars = [
            f'<text x="0" y="{18 + 24 * i}" fill="currentColor">{name}</text>'
            f'<rect x="60" y="{6 + 24 * i}" width="{max(1, 300 * seconds / longest):.0f}" '
            f'height="16" fill="{colour}"/>'
            f'<text x="{68 + 300 * seconds / longest:.0f}" y="{18 + 24 * i}" '
            f'fill="currentColor">{show(seconds)}</text>'
            for i, (name, seconds, colour) in enumerate(rows)
        ]
        return (
            f"<pre>{escape(self.signature)}</pre>"
            '<svg xmlns="http://www.w3.org/2000/svg" width="480" height="54" '
            f'font-family="sans-serif" font-size="13">{"".join(bars)}</svg>'
            f"<p>{self.speedup:.1f}x as fast; first call {show(self.first_call)}, "
            f"{self.verdict}.</p>"
        )


def benchmark(f: Callable[..., Any], *args: Any, **kwargs: Any) -> Benchmark:
    """Measure `f(*args, **kwargs)` eagerly and as a graph; `f` may be decorated or not.

    Variables that the function updates get their values back.

    >>> benchmark(train_step, x, y)
    train_step(x: f32[64, 64], y: i64[64]) -> f32[]
      eager          412 us
      graph         21.3 us   19.3x as fast
      first call     310 ms   pays after 794 calls
    """
    source = f if isinstance(f, Function) else Function(f)
    fresh = copy.copy(source)
    start = time.perf_counter()
    concrete = fresh.get_concrete_function(*args, **kwargs)
    traced = time.perf_counter() - start
    with restored(concrete):
        start = time.perf_counter()
        fresh(*args, **kwargs)
        first_call = traced + time.perf_counter() - start
        eager, graph = _interleaved(
            lambda: source.python_function(*args, **kwargs), lambda: fresh(*args, **kwargs)
        )
    return Benchmark(concrete.pretty_printed_signature(), eager, graph, first_call)


@contextmanager
def restored(concrete: ConcreteFunction) -> Iterator[None]:
    """Give the variables that a function uses their present values back at the end."""
    before = [(variable, variable.numpy().copy()) for variable in concrete.variables]
    try:
        yield
    finally:
        for variable, value in before:
            variable.assign(value)


def _interleaved(*calls: Callable[[], Any]) -> list[float]:
    """Return the median seconds of each call over rounds in which they take turns."""
    repeats = [max(1, round(ROUND_SECONDS / max(_seconds(call, 2), 1e-7))) for call in calls]
    rounds = [
        [_seconds(call, repeat) for call, repeat in zip(calls, repeats, strict=True)]
        for _ in range(ROUNDS)
    ]
    return [median(column) for column in zip(*rounds, strict=True)]


def _seconds(call: Callable[[], Any], repeat: int) -> float:
    start = time.perf_counter()
    for _ in range(repeat):
        call()
    return (time.perf_counter() - start) / repeat


def show(seconds: float) -> str:
    """Return a time with three digits in the unit that suits it."""
    if seconds >= 1:
        return f"{seconds:.3g} s"
    return f"{seconds * 1e3:.3g} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.3g} us"
