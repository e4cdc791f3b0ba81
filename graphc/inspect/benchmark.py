"""`graphc.benchmark`: does the graph pay for itself, for this function and these arguments?"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from html import escape
from math import ceil
from statistics import median
from typing import Any

import numpy as np

from graphc.formats.extras import extra
from graphc.function import ConcreteFunction, Function
from graphc.trace import nest

Against = Mapping[str, Callable[..., Any]] | Iterable[Callable[..., Any]]

ROUNDS = 7
ROUND_SECONDS = 0.02  # a round of one of the two takes about this long, at least one call


@dataclass(frozen=True)
class Timing:
    """Seconds of one call: the median over rounds, the quickest and the slowest round."""

    name: str
    seconds: float
    low: float
    high: float
    note: str = ""


@dataclass(frozen=True)
class Benchmark:
    """Seconds of one call, eager and as a graph, and what the first call costs.

    The first call traces, improves, plans and loads; kernels that the disk cache holds already are
    not compiled again. ``cold`` is what it costs with an empty cache: the same, with the time that
    compiling its kernels took when it was done.
    """

    signature: str
    eager: float
    graph: float
    first_call: float
    cold: float | None = None
    others: tuple[Timing, ...] = ()
    spread: tuple[Timing, ...] = ()  # of eager and graph

    @property
    def speedup(self) -> float:
        """How many times as fast the graph is."""
        return self.eager / self.graph

    @property
    def break_even(self) -> int | None:
        """After how many calls the first call has paid for itself; None if it never does."""
        return self._calls(self.first_call)

    def _calls(self, cost: float) -> int | None:
        saved = self.eager - self.graph
        return ceil(cost / saved) if saved > 0 else None

    @property
    def verdict(self) -> str:
        """The answer in a few words."""
        if self.break_even is None:
            return "eager is as fast: leave the decorator out"
        return f"pays after {self.break_even:,} calls"

    def __str__(self) -> str:
        ranges = {t.name: f"  {_range(t)}" for t in self.spread}
        lines = [
            self.signature,
            f"  eager       {show(self.eager):>9}{ranges.get('eager', '')}",
            f"  graph       {show(self.graph):>9}   {self.speedup:.1f}x as fast"
            + ranges.get("graph", ""),
        ]
        for t in self.others:
            ratio = f"{t.seconds / self.graph:.2g}x the graph's time"
            lines.append(f"  {t.name:<11} {show(t.seconds):>9}   {ratio}  {_range(t)}{t.note}")
        lines.append(f"  first call  {show(self.first_call):>9}   {self.verdict}")
        if self.cold is not None and self.cold > self.first_call:
            calls = self._calls(self.cold)
            pays = f"; pays after {calls:,} calls" if calls is not None else ""
            lines.append(f"  cold        {show(self.cold):>9}   with nothing in the cache{pays}")
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        rows = [("eager", self.eager, "#bbbbbb"), ("graph", self.graph, "#4477aa")]
        rows += [(t.name, t.seconds, "#c9a227") for t in self.others]
        longest = max(seconds for _, seconds, _ in rows)
        bars = [
            f'<text x="0" y="{18 + 24 * i}" fill="currentColor">{escape(name)}</text>'
            f'<rect x="90" y="{6 + 24 * i}" width="{max(1, 300 * seconds / longest):.0f}" '
            f'height="16" fill="{colour}"/>'
            f'<text x="{98 + 300 * seconds / longest:.0f}" y="{18 + 24 * i}" '
            f'fill="currentColor">{show(seconds)}</text>'
            for i, (name, seconds, colour) in enumerate(rows)
        ]
        return (
            f"<pre>{escape(self.signature)}</pre>"
            f'<svg xmlns="http://www.w3.org/2000/svg" width="480" height="{6 + 24 * len(rows)}" '
            f'font-family="sans-serif" font-size="13">{"".join(bars)}</svg>'
            f"<p>{self.speedup:.1f}x as fast; first call {show(self.first_call)}, "
            f"{self.verdict}.</p>"
        )

    def plot(self, axes: Any = None) -> Any:
        """Bars with matplotlib, on ``axes`` or a new figure; returns the axes."""
        axes = axes or _new_axes()
        timings = [("eager", self.eager), ("graph", self.graph)]
        timings += [(t.name, t.seconds) for t in self.others]
        names, seconds = zip(*timings, strict=True)
        bars = axes.barh(names, [s * 1e6 for s in seconds])
        axes.bar_label(bars, [show(s) for s in seconds], padding=3)
        axes.invert_yaxis()
        axes.set(xlabel="microseconds a call", title=self.signature, xscale="log")
        return axes

    def to_dict(self) -> dict[str, Any]:
        """The figures as plain data."""
        return {
            "eager": self.eager, "graph": self.graph, "first_call": self.first_call,
            "cold": self.cold, "break_even": self.break_even,
            "others": {t.name: t.seconds for t in self.others},
        }  # fmt: skip


def benchmark(f: Callable[..., Any], *args: Any, against: Against = (), **kwargs: Any) -> Benchmark:
    """Measure `f(*args, **kwargs)` eagerly and as a graph; `f` may be decorated or not.

    ``against`` are other callables (a dict from names to callables, or a list of callables) that
    are called with the same arguments: numpy versions, or those of other libraries, wrapped so that
    they wait for their results. Everybody takes turns; figures are medians. A result that differs
    from the graph's is noted. Variables that the function updates get their values back.

    >>> benchmark(train_step, x, y)
    train_step(x: f32[64, 64], y: i64[64]) -> f32[]
      eager          412 us  (405 us .. 431 us)
      graph         21.3 us   19.3x as fast  (21.1 us .. 22 us)
      first call     310 ms   pays after 794 calls
      cold           745 ms   with nothing in the cache; pays after 1,907 calls
    """
    source = f if isinstance(f, Function) else Function(f)
    fresh = copy.copy(source)
    start = time.perf_counter()
    concrete = fresh.get_concrete_function(*args, **kwargs)
    traced = time.perf_counter() - start
    others = _named(against)
    with restored(concrete):
        start = time.perf_counter()
        result = fresh(*args, **kwargs)
        first_call = traced + time.perf_counter() - start
        notes = [_compared(call(*args, **kwargs), result) for call in others.values()]
        found = _interleaved({
            "eager": lambda: source.python_function(*args, **kwargs),
            "graph": lambda: fresh(*args, **kwargs),
            **{name: partial(call, *args, **kwargs) for name, call in others.items()},
        })  # fmt: skip
    eager, graph, *rest = found
    rest = [replace(t, note=note) for t, note in zip(rest, notes, strict=True)]
    kernels = concrete.function.executable.kernels
    cold = first_call + sum(max(k.compiling - k.seconds, 0.0) for k in kernels if k.from_cache)
    return Benchmark(
        concrete.pretty_printed_signature(), eager.seconds, graph.seconds, first_call, cold,
        tuple(rest), (eager, graph),
    )  # fmt: skip


@dataclass(frozen=True)
class Sizes:
    """Benchmarks of one function over a range of sizes."""

    found: dict[Any, Benchmark]

    @property
    def wins_from(self) -> Any:
        """The smallest size from which on the graph is the faster one at every size; else None."""
        winning = None
        for size, each in reversed(self.found.items()):
            if each.graph >= each.eager:
                break
            winning = size
        return winning

    def __str__(self) -> str:
        names = [t.name for t in next(iter(self.found.values())).others]
        head = f"{'size':>10}  {'eager':>9}  {'graph':>9}" + "".join(f"  {n:>9}" for n in names)
        lines = [head]
        for size, b in self.found.items():
            others = "".join(f"  {show(t.seconds):>9}" for t in b.others)
            lines.append(f"{size!s:>10}  {show(b.eager):>9}  {show(b.graph):>9}{others}")
        answer = "nowhere to the end" if self.wins_from is None else f"from {self.wins_from} on"
        return "\n".join([*lines, f"the graph is faster {answer}"])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"

    def plot(self, axes: Any = None) -> Any:
        """Curves with matplotlib, on ``axes`` or a new figure; returns the axes."""
        axes = axes or _new_axes()
        sizes, each = list(self.found), list(self.found.values())
        axes.plot(sizes, [b.eager for b in each], "o-", label="eager")
        axes.plot(sizes, [b.graph for b in each], "o-", label="graph")
        for i, t in enumerate(each[0].others):
            axes.plot(sizes, [b.others[i].seconds for b in each], "o-", label=t.name)
        axes.set(xlabel="size", ylabel="seconds a call", xscale="log", yscale="log")
        axes.legend()
        return axes


def benchmark_sizes(
    f: Callable[..., Any],
    make: Callable[[Any], Sequence[Any]],
    sizes: Iterable[Any],
    against: Against = (),
) -> Sizes:
    """Where does the graph begin to win? Benchmark ``f(*make(size))`` for each size.

    >>> benchmark_sizes(f, lambda n: (tf.ones([n]),), [10, 1_000, 100_000])
    """
    return Sizes({size: benchmark(f, *make(size), against=against) for size in sizes})


def _named(against: Against) -> dict[str, Callable[..., Any]]:
    if isinstance(against, Mapping):
        return dict(against)
    listed = list(against) if isinstance(against, Iterable) else [against]
    return {getattr(call, "__name__", f"other {i}"): call for i, call in enumerate(listed, 1)}


def _compared(found: Any, result: Any) -> str:
    """A note if another's result is not the graph's."""
    ours = [np.asarray(r) for r in nest.flatten(result) if r is not None]
    theirs = [np.asarray(r) for r in nest.flatten(found) if r is not None]
    same = len(ours) == len(theirs) and all(
        a.shape == b.shape and np.allclose(a, b, rtol=1e-3, atol=1e-5, equal_nan=True)
        for a, b in zip(ours, theirs, strict=True)
    )
    return "" if same else "  (its result differs)"


def _range(t: Timing) -> str:
    return f"({show(t.low)} .. {show(t.high)})"


def _new_axes() -> Any:
    return extra("matplotlib.pyplot", "plot", "plots need matplotlib").subplots(figsize=(7, 3.5))[1]


@contextmanager
def restored(concrete: ConcreteFunction) -> Iterator[None]:
    """Give the variables that a function uses their present values back at the end."""
    before = [(variable, variable.numpy().copy()) for variable in concrete.variables]
    try:
        yield
    finally:
        for variable, value in before:
            variable.assign(value)


def _interleaved(calls: Mapping[str, Callable[[], Any]]) -> list[Timing]:
    """The seconds of each call over rounds in which they take turns."""
    repeats = {
        name: max(1, round(ROUND_SECONDS / max(_seconds(call, 2), 1e-7)))
        for name, call in calls.items()
    }
    rounds = [
        {name: _seconds(call, repeats[name]) for name, call in calls.items()} for _ in range(ROUNDS)
    ]
    columns = {name: [found[name] for found in rounds] for name in calls}
    return [Timing(name, median(c), min(c), max(c)) for name, c in columns.items()]


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
