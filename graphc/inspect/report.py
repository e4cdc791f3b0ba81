"""`f.explain(*args)`: everything graphc did with a function, in parts that stand alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from graphc.inspect import html
from graphc.inspect.benchmark import Benchmark, benchmark, show
from graphc.inspect.call import Call
from graphc.inspect.diff import Diff, Diffs, diff_steps
from graphc.inspect.profile import Profile, profile_call
from graphc.inspect.repro import computed, kernel_file
from graphc.inspect.source import Lines, Place, place
from graphc.inspect.text import save
from graphc.inspect.values import Probe
from graphc.inspect.why import Answer, answers
from graphc.ir.graph import Graph
from graphc.runtime.interpreter import bind


@dataclass(frozen=True)
class Part:
    """A part of a report: text to print, with a title for the HTML form."""

    title: str
    text: str

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return f"<b>{self.title}</b>{html.pre(self.text)}"


class Report:
    """What `explain` returns: print it, show it in a notebook, or take its parts one by one.

    ``.source .lines .converted .graph .optimized .steps .diffs .plan .kernels .timings .profile
    .values .why .retraces .memory``; ``.at("file.py:6")`` tells what became of a line, ``.diff()``
    what passes changed, ``.save(path)`` and ``.repro(name, path)`` write files that run by
    themselves. Parts are made when they are asked for; none changes a Variable.
    """

    def __init__(self, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        self._function, self._args, self._kwargs = function, args, kwargs
        self._call: Call | None = None
        try:
            self._call = Call.of(function, args, kwargs)
            self._concrete = self._call.concrete
        except TypeError:
            if args or kwargs or not function.traces:
                raise
            self._concrete = function.traces[-1]  # it takes arguments: report on the last trace
        if self._call is not None:  # compile and bind memory now: reading must not change them
            self.executable.run(list(self._call.arrays), self._call.state())

    # --- parts ---

    @property
    def executable(self) -> Any:
        return self._concrete.function.executable

    @cached_property
    def source(self) -> Part:
        return Part("source", html.source_of(self._function))

    @cached_property
    def lines(self) -> Lines:
        """The source with the operations and the share of time of each line."""
        if self._call is None:
            return Lines(self.graph)
        return Lines(self.graph, self.profile.line_shares)

    @cached_property
    def converted(self) -> Part:
        return Part("converted source", self._function.converted_source)

    @property
    def graph(self) -> Graph:
        """The graph as traced."""
        return self._concrete.graph

    @property
    def optimized(self) -> Graph:
        """The graph after all passes."""
        return self._concrete.function.optimized

    @cached_property
    def steps(self) -> Part:
        """What each pass applied and declined, and why."""
        return Part("passes", "\n".join(_step_lines(self._concrete.function.steps)))

    @cached_property
    def diffs(self) -> Diffs:
        """What each pass changed, as a unified diff for each."""
        return diff_steps(self._concrete.function.steps)

    def diff(self) -> Diff:
        """What all passes together changed."""
        return Diff(self.graph, self.optimized, ("traced", "optimized"))

    @cached_property
    def kernels(self) -> Part:
        """The source of each kernel."""
        texts = [k.text for k in self.executable.kernels]
        return Part("kernels", "\n\n".join(texts) or "no kernels: everything runs on the host")

    @cached_property
    def plan(self) -> Part:
        return Part("plan", str(self.executable.plan))

    @cached_property
    def timings(self) -> Benchmark | Part:
        """Eager against graph for these arguments."""
        if self._call is None:
            return Part("timings", "none: give `explain` the arguments of a call")
        return benchmark(self._function, *self._args, **self._kwargs)

    @cached_property
    def profile(self) -> Profile:
        """Where the time of a call goes; ``ValueError`` without the arguments of a call."""
        return profile_call(self._the_call())

    @cached_property
    def values(self) -> Probe:
        """What every node holds; ``ValueError`` without the arguments of a call."""
        return Probe(self._the_call())

    def _the_call(self) -> Call:
        if self._call is None:
            raise ValueError("the report is on a trace: give `explain` the arguments of a call")
        return self._call

    @cached_property
    def retraces(self) -> Part:
        return Part("traces", "\n".join(map(str, self._function.retraces)))

    @cached_property
    def why(self) -> list[Answer]:
        """Why it was traced again, runs as Python or in numpy, was not fused; with remedies."""
        return answers(self._function, self._concrete.function.steps, self.executable.steps())

    @cached_property
    def memory(self) -> Part:
        return Part("memory", str(self.executable.memory))

    # --- questions and files ---

    def at(self, where: str) -> Place:
        """Nodes, steps and kernel lines that came of a line, as in ``report.at("step.py:6")``."""
        return place(self.graph, self.executable, where)

    def save(self, path: str | Path) -> list[Path]:
        """Write the traced graph (.ir) and the values of the call (.npz), to be replayed by
        ``python -m graphc run FILE.ir --passes ...`` without the user's program."""
        call = self._the_call()
        return save(self.graph, [*call.arrays, *call.state()], path)

    def repro(self, name: str, path: str | Path) -> Path:
        """Write the kernel that computes the value ``name`` as a Python file that runs alone."""
        wanted = name.removeprefix("%")
        for step in self.executable.steps():
            if wanted in computed(step):
                return kernel_file(step, self._sizes(), path)
        raise KeyError(f"no step computes %{wanted}; the plan is\n{self.plan}")

    def _sizes(self) -> dict[str, int]:
        sizes: dict[str, int] = {}
        if self._call is not None:
            arrays = (*self._call.arrays, *self._call.state())
            for value, array in zip(self.graph.parameters, arrays, strict=True):
                bind(value, np.asarray(array), sizes)
        return sizes

    # --- the whole ---

    def _overview(self) -> list[str]:
        ops = Counter(n.op.name for n in self.graph.walk() if n.op.name != "constant")
        common = "  ".join(f"{name} {count}" for name, count in ops.most_common(8))
        kernels = self.executable.kernels
        host = [s for s in self.executable.steps() if s.kind == "host"]
        lines = [
            self._concrete.pretty_printed_signature(),
            f"1 traces    {str(self.retraces).splitlines()[-1] if self.retraces.text else 'none'}",
            f"2 graph     {sum(ops.values())} nodes: {common}",
            f"3 passes    {_summary(self._concrete.function.steps)}",
            f"4 kernels   {len(kernels)} compiled, {len(host)} steps on the host",
            *(f"            host: {s}" for s in host[:5]),
            *(f"            Python: {f}" for f in self._function.fallbacks),
            f"5 memory    {self.memory}",
        ]
        return lines

    def __str__(self) -> str:
        return "\n".join([*self._overview(), "6 timings", *_indented(str(self.timings))])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        called = self._call is not None
        parts = [
            html.pre(str(self)),
            html.folded("source, line by line", self.lines._repr_html_(), opened=True),
            html.folded("converted source", html.pre(str(self.converted))),
            html.folded("graph as traced", html.graph_html(self.graph)),
            html.folded("graph after all passes", html.graph_html(self.optimized)),
            html.folded("what each pass did", html.pre(str(self.steps))),
            html.folded("what all passes changed", self.diff()._repr_html_()),
            html.folded("profile", self.profile._repr_html_()) if called else "",
            html.folded("kernels", html.pre(str(self.kernels))),
            html.folded("plan", html.pre(str(self.plan))),
            html.folded("why", html.pre("\n".join(map(str, self.why)))) if self.why else "",
            html.folded("traces", html.pre(str(self.retraces))),
        ]
        return "".join(parts)

    def to_dict(self) -> dict[str, Any]:
        """The report as plain data."""
        timings = self.timings
        return {
            "signature": self._concrete.pretty_printed_signature(),
            "source": str(self.source),
            "converted": str(self.converted),
            "graph": str(self.graph),
            "optimized": str(self.optimized),
            "steps": [
                {"name": s.name, "seconds": s.seconds, "nodes": len(s.after.nodes),
                 "applied": list(map(str, s.applied)), "declined": list(map(str, s.declined))}
                for s in self._concrete.function.steps
            ],
            "kernels": [k.text for k in self.executable.kernels],
            "why": [vars(answer) for answer in self.why],
            "retraces": str(self.retraces).splitlines(),
            "memory": str(self.memory),
            "timings": {} if isinstance(timings, Part) else timings.to_dict(),
            "profile": {} if self._call is None else self.profile.to_dict(),
        }  # fmt: skip


def _step_lines(steps: Sequence[Any]) -> list[str]:
    lines = []
    for s in steps:
        change = f"{len(s.before.nodes)} -> {len(s.after.nodes)} nodes, {show(s.seconds)}"
        lines.append(f"{s.name:10} {change}")
        lines += [f"    applied   {line}" for line in map(str, s.applied)]
        lines += [f"    declined  {line}" for line in map(str, s.declined)]
    return lines


def _summary(steps: Sequence[Any]) -> str:
    counts = [f"{s.name} {len(s.before.nodes)}->{len(s.after.nodes)}"
              for s in steps if len(s.before.nodes) != len(s.after.nodes)]  # fmt: skip
    seconds = sum(s.seconds for s in steps)
    return "   ".join(counts or ["nothing to improve"]) + f"   ({show(seconds)})"


def _indented(text: str) -> list[str]:
    return [f"  {line}" for line in text.splitlines()]


def explain(function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Report:
    """Trace and compile ``function`` for these arguments, and report on it.

    Without the arguments that it takes, the report is on the trace used last, without timings.
    """
    return Report(function, args, kwargs)
