"""`f.profile(*args)`: where the time of a call goes, by user line, node and kernel."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from graphc.inspect import cost, html, machine
from graphc.inspect.benchmark import show
from graphc.inspect.call import Call
from graphc.inspect.roofline import roofline
from graphc.ir.graph import Node
from graphc.runtime.executable import Timed
from graphc.runtime.plan import Step

ROUNDS = 9
SECONDS = 0.5  # that all rounds may take; three are made in any case


@dataclass
class Spent:
    """Time and work of a step, a line or a kernel in one call.

    ``flops`` and ``bytes`` are what the types ask for (each operand and result moved once), not
    what the machine counted; they are 0 where sizes are not known.
    """

    name: str
    seconds: float = 0.0
    runs: int = 0
    flops: int = 0
    bytes: int = 0
    where: str = ""

    @property
    def gflops(self) -> float:
        return self.flops / self.seconds / 1e9 if self.seconds else 0.0

    @property
    def gbs(self) -> float:
        return self.bytes / self.seconds / 1e9 if self.seconds else 0.0

    def add(self, seconds: float, flops: int, bytes: int) -> None:
        self.seconds += seconds
        self.flops += flops
        self.bytes += bytes
        self.runs += 1


@dataclass
class Profile:
    """The steps of one call as they ran, and sums over them.

    The program is stopped between steps, so a profiled call is slower as a whole than a call;
    ``whole`` is the time of a call that is not stopped. Printing shows the lines, then the steps.
    """

    call: Call
    events: list[Timed]
    whole: float

    # --- sums ---

    @property
    def total(self) -> float:
        """Seconds in steps."""
        return sum(e.seconds for e in self.events)

    @property
    def steps(self) -> list[Spent]:
        """One entry for each step of the plan, in the order of first run."""
        return self._sum((id(e.step), _title(e.step), _place(e.step), e, 1.0) for e in self.events)

    @property
    def kernels(self) -> list[Spent]:
        """One entry for each compiled kernel, whichever steps share it."""
        keys = {k.text: k.key[:12] for k in self.call.executable.kernels}
        named = {s.text: keys.get(s.kernel.annotated if s.kernel else s.text, "")
                 for s in self.call.executable.steps()}  # fmt: skip
        return _sorted(self._sum(
            (e.step.text, f"{named[e.step.text]} {_title(e.step)}".strip(), "", e, 1.0)
            for e in self.events if e.step.text
        ))  # fmt: skip

    @property
    def nodes(self) -> list[Spent]:
        """One entry for each node; a fused kernel's time is shared by operations (an estimate)."""
        return _sorted(self._sum(
            (id(node), f"%{node.outputs[0].name} = {node.op.name}", str(node.loc or ""), e, share)
            for e in self.events for node, share in _shares(e)
        ))  # fmt: skip

    @property
    def lines(self) -> list[Spent]:
        """One entry for each of the user's lines, the dearest first (shares as for `nodes`)."""
        return _sorted(self._sum(
            (_key(node), str(node.loc or "no line") if node else "copies", "", e, share)
            for e in self.events for node, share in _shares(e) or [(None, 1.0)]
        ))  # fmt: skip

    def node_times(self) -> Iterator[tuple[float, Node, float]]:
        """(start, node, seconds) for each run of each node; shares as for `nodes`."""
        for event in self.events:
            for node, share in _shares(event):
                yield event.start, node, event.seconds * share

    @property
    def line_shares(self) -> dict[tuple[str, int], float]:
        """The part of the time of each (file, line)."""
        found: dict[tuple[str, int], float] = {}
        for event in self.events:
            for node, share in _shares(event):
                if node.loc is not None:
                    key = (node.loc.file, node.loc.line)
                    found[key] = found.get(key, 0.0) + event.seconds * share / self.total
        return found

    def _sum(self, parts: Iterable[tuple[Any, str, str, Timed, float]]) -> list[Spent]:
        found: dict[Any, Spent] = {}
        for key, name, where, event, share in parts:
            entry = found.setdefault(key, Spent(name, where=where))
            step = event.step
            work = cost.flops(step.node, event.sizes) if step.node is not None else 0
            entry.add(
                event.seconds * share,
                round(work * share),
                round(cost.traffic(step, event.sizes) * share),
            )
        return list(found.values())

    # --- forms ---

    def __str__(self) -> str:
        head = (
            f"{self.call.concrete.pretty_printed_signature()}\n"
            f"one call {show(self.whole)}; its steps, stopped one by one, {show(self.total)};"
            f" this machine: {machine.peak()}"
        )
        return "\n\n".join([
            head,
            show_entries("line", self.lines, self.total, "ops"),
            show_entries("step", self.steps, self.total),
        ])  # fmt: skip

    __repr__ = __str__

    def _repr_html_(self) -> str:
        parts = [
            html.pre(str(self).split("\n\n")[0]),
            html.table(*_rows("line", self.lines, self.total, "ops")),
            html.folded("steps", html.table(*_rows("step", self.steps, self.total))),
            html.folded("kernels", html.table(*_rows("kernel", self.kernels, self.total))),
            html.folded("roofline", self.roofline(), opened=True),
        ]
        return "".join(parts)

    def roofline(self) -> str:
        """An SVG picture: operations per byte of each step against operations per second, under
        the machine's roof."""
        return roofline(self.steps, machine.peak())

    def chrome_trace(self, path: str | Path | None = None) -> str:
        """The events as JSON for chrome://tracing or Perfetto, written to ``path`` if given."""
        text = json.dumps({"traceEvents": list(self._trace()), "displayTimeUnit": "ns"})
        if path is not None:
            Path(path).write_text(text, encoding="utf-8")
        return text

    def _trace(self) -> Iterator[dict[str, Any]]:
        for event in self.events:
            yield {
                "name": _title(event.step), "cat": event.step.kind, "ph": "X", "pid": 1, "tid": 1,
                "ts": event.start * 1e6, "dur": event.seconds * 1e6,
                "args": {"line": _place(event.step)},
            }  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """The sums as plain data."""

        def plain(entries: Sequence[Spent]) -> list[dict[str, Any]]:
            return [vars(e) | {"gflops": e.gflops, "gbs": e.gbs} for e in entries]

        return {
            "whole": self.whole, "total": self.total, "lines": plain(self.lines),
            "steps": plain(self.steps), "kernels": plain(self.kernels),
        }  # fmt: skip


def _title(step: Step) -> str:
    names = ", ".join(f"%{v.name}" for v, _ in step.outputs)
    if step.node is None:
        return f"{step.kind} {names}"
    inner = step.node.regions.get("body") if step.node.op.name == "fused" else None
    ops = [n.op.name for n in inner.nodes if n.op.name != "constant"] if inner else []
    what = f"fused {' '.join(ops)}" if ops else step.node.op.name
    kind = "host " if step.kind == "host" else ""
    return f"{kind}{names} = {what if len(what) < 50 else what[:49] + '…'}"


def _place(step: Step) -> str:
    return str(step.node.loc) if step.node is not None and step.node.loc else ""


def _key(node: Node | None) -> Any:
    if node is None:
        return "copies"
    return (node.loc.file, node.loc.line) if node.loc is not None else None


def _shares(event: Timed) -> list[tuple[Node, float]]:
    """The nodes behind a step, with the part of its time that is put down to each."""
    node = event.step.node
    if node is None:
        return []
    if node.op.name != "fused":
        return [(node, 1.0)]
    work = [(n, max(cost.flops(n, event.sizes), 1)) for n in node.regions["body"].nodes
            if n.op.name != "constant"]  # fmt: skip
    total = sum(w for _, w in work)
    return [(n, w / total) for n, w in work]


def _sorted(entries: list[Spent]) -> list[Spent]:
    return sorted(entries, key=lambda e: -e.seconds)


def _rows(
    what: str, entries: Sequence[Spent], total: float, counted: str = "runs"
) -> tuple[list[str], list[list[str]]]:
    head = ["time", "share", counted, "GFLOP/s", "GB/s", what]
    body = [
        [show(e.seconds), f"{e.seconds / total:.0%}" if total else "", f"{e.runs}",
         f"{e.gflops:.3g}" if e.flops else "", f"{e.gbs:.3g}" if e.bytes else "",
         f"{e.name}  {e.where}".rstrip()]
        for e in entries
    ]  # fmt: skip
    return head, body


def show_entries(what: str, entries: Sequence[Spent], total: float, counted: str = "runs") -> str:
    """A table as text: times with their share of ``total`` seconds, rates where known."""
    head, body = _rows(what, entries, total, counted)
    widths = [max(len(row[i]) for row in [head, *body]) for i in range(5)]
    lines = [
        "  ".join([*(f"{c:>{w}}" for c, w in zip(row, widths, strict=False)), row[5]])
        for row in [head, *body]
    ]
    return "\n".join(lines)


def profile(function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Profile:
    """Where the time of ``function(*args, **kwargs)`` goes; Variables keep their values."""
    return profile_call(Call.of(function, args, kwargs))


def profile_call(call: Call) -> Profile:
    """Run a call step by step some times; each step's time is the median over the rounds.

    What has effects besides Variables, such as printing, runs once.
    """
    executable = call.executable
    state = call.state()
    if call.graph.effect:
        start = time.perf_counter()
        events = executable.profile(call.arrays, state)
        return Profile(call, events, time.perf_counter() - start)
    executable.run(list(call.arrays), state)  # compiles
    rounds: list[list[Timed]] = []
    whole: list[float] = []
    begin = time.perf_counter()
    while len(rounds) < 3 or (len(rounds) < ROUNDS and time.perf_counter() - begin < SECONDS):
        start = time.perf_counter()
        executable.run(list(call.arrays), state)
        whole.append(time.perf_counter() - start)
        rounds.append(executable.profile(call.arrays, state))
    return Profile(call, _typical(rounds), median(whole))


def _typical(rounds: list[list[Timed]]) -> list[Timed]:
    """The events of a round with their median times; rounds that went another way do not count."""
    first = rounds[0]
    alike = [r for r in rounds if [e.step for e in r] == [e.step for e in first]]
    return [
        replace(first[i], seconds=median(r[i].seconds for r in alike)) for i in range(len(first))
    ]
