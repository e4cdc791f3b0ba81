"""`f.probe(*args)`: what every node of a graph holds for these arguments; the first bad value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphc.errors import GraphcError
from graphc.inspect import html
from graphc.inspect.call import Call
from graphc.ir.graph import Node, Value
from graphc.ir.text import lines, show_value
from graphc.runtime.interpreter import evaluate


@dataclass
class Summary:
    """What a value was like over a call; a node in a loop is seen once for each time it runs.

    ``low``, ``high`` and ``mean`` are over the finite elements, None if there are none or if they
    are not numbers. ``nans`` and ``infs`` count elements.
    """

    shape: tuple[int, ...]
    low: float | None = None
    high: float | None = None
    mean: float | None = None
    nans: int = 0
    infs: int = 0
    runs: int = 0
    _count: int = 0

    @property
    def bad(self) -> bool:
        """Whether a NaN or an infinity was seen."""
        return bool(self.nans or self.infs)

    def add(self, array: np.ndarray) -> None:
        """Take in the result of one run."""
        self.runs += 1
        self.shape = array.shape
        if array.dtype.kind not in "fiubc" and array.dtype.name != "bfloat16":
            return
        numbers = np.abs(array) if array.dtype.kind == "c" else array
        numbers = numbers.astype(np.float64)
        finite = numbers[np.isfinite(numbers)]
        self.nans += int(np.isnan(numbers).sum())
        self.infs += int(np.isinf(numbers).sum())
        if not finite.size:
            return
        low, high, total = float(finite.min()), float(finite.max()), float(finite.sum())
        self.low = low if self.low is None else min(low, self.low)
        self.high = high if self.high is None else max(high, self.high)
        total += 0.0 if self.mean is None else self.mean * self._count
        self._count += finite.size
        self.mean = total / self._count

    def __str__(self) -> str:
        parts = [f"[{', '.join(map(str, self.shape))}]"]
        if self.low is not None:
            parts.append(f"{self.low:.4g} .. {self.high:.4g}, mean {self.mean:.4g}")
        parts += [f"{n:,} {what}" for n, what in ((self.nans, "NaN"), (self.infs, "Inf")) if n]
        parts += [f"{self.runs} runs"] if self.runs != 1 else []
        return "  ".join(parts)


class Probe:
    """The values of a call, node by node, as the reference interpreter computes them.

    ``probe["h"]`` is the `Summary` of the value ``%h``; ``first_bad`` the first node whose result
    holds a NaN or an infinity although its operands hold none (None if there is none). Printing
    shows the graph with its values. Variables keep their values; ``tf.print`` prints again.
    """

    def __init__(self, call: Call) -> None:
        self.graph = call.graph
        self.summaries: dict[Value, Summary] = {}
        self.first_bad: Node | None = None
        self.error: Exception | None = None  # what stopped the call, if something did
        state = call.state()
        for value, array in zip(self.graph.parameters, (*call.arrays, *state), strict=True):
            self._add(value, array)
        try:
            evaluate(self.graph, [*call.arrays, *state], watch=self._see)
        except GraphcError as error:
            self.error = error

    def _add(self, value: Value, array: Any) -> Summary:
        found = self.summaries.setdefault(value, Summary(np.shape(array)))
        found.add(np.asarray(array))
        return found

    def _see(self, node: Node, results: Sequence[np.ndarray]) -> None:
        found = [self._add(v, r) for v, r in zip(node.outputs, results, strict=True)]
        # a loop or a branch hands on what a node inside of it made: that one is named
        if self.first_bad is None and not node.regions and any(s.bad for s in found):
            self.first_bad = node

    def __getitem__(self, name: str) -> Summary:
        for value, found in self.summaries.items():
            if value.name == name.removeprefix("%"):
                return found
        raise KeyError(f"{self.graph.name} has no value %{name.removeprefix('%')}")

    @property
    def verdict(self) -> str:
        """The first bad value in one sentence."""
        if self.error is not None:
            notes = "; ".join(getattr(self.error, "__notes__", []))
            return f"stopped: {self.error}" + (f" ({notes})" if notes else "")
        if self.first_bad is None:
            given = [v for v in self.graph.parameters if self.summaries[v].bad]
            if given:
                return f"%{given[0].name} was given with NaN or Inf; no node made the first one"
            return "every value is finite"
        node = self.first_bad
        where = f" at {node.loc}" if node.loc else ""
        (value, *_) = [v for v in node.outputs if self.summaries[v].bad]
        operands = ", ".join(f"{show_value(v)} {self.summaries[v]}" for v in node.inputs
                             if v in self.summaries)  # fmt: skip
        return (
            f"first bad value: {show_value(value)} = {node.op.name}{where}:"
            f" {self.summaries[value]}" + (f"; of {operands}" if operands else "")
        )

    def rows(self) -> list[tuple[str, str, str]]:
        """(line of the graph's text, what it holds, the user's line) for each line."""
        head = [(f"  {v!r}", str(self.summaries[v]), "") for v in self.graph.parameters]
        found = []
        for text, node in lines(self.graph):
            if node is None or node.op.name == "constant":
                continue
            seen = [self.summaries[v] for v in node.outputs if v in self.summaries]
            held = " | ".join(map(str, seen)) if seen or not node.outputs else "did not run"
            found.append((text, held, str(node.loc or "")))
        return head + found

    def __str__(self) -> str:
        rows = self.rows()
        widths = [max((len(r[i]) for r in rows), default=0) for i in (0, 1)]
        widths[0] = min(widths[0], 60)
        body = [f"{a:{widths[0]}}  {b:{widths[1]}}  {c}".rstrip() for a, b, c in rows]
        return "\n".join([*body, self.verdict])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        table = html.table(("node", "value", "line"), self.rows())
        return f"<p>{html.escape(self.verdict)}</p>{table}"

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """The summaries by value name, as plain data."""
        keys = ("shape", "low", "high", "mean", "nans", "infs", "runs")
        return {
            v.name: {k: getattr(s, k) for k in keys} for v, s in self.summaries.items()
        }  # fmt: skip


def probe(function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Probe:
    """Run the call in the interpreter and note what every node holds."""
    return Probe(Call.of(function, args, kwargs))
