"""`f.explain(*args)`: everything graphc did with a function, in parts that stand alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from graphc.inspect import html
from graphc.inspect.benchmark import Benchmark, benchmark, show
from graphc.ir.graph import Graph


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
    """What `explain` returns: print it, show it in a notebook, or take ``.source .converted .graph
    .optimized .steps .kernels .timings .retraces .memory`` one by one."""

    def __init__(self, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        self._function, self._args, self._kwargs = function, args, kwargs
        self._timed = True
        try:
            self._concrete = function.get_concrete_function(*args, **kwargs)
        except TypeError:
            if args or kwargs or not function.traces:
                raise
            self._timed = False  # it takes arguments: report on the trace used last
            self._concrete = function.traces[-1]
        _ = self.executable  # compile now: reading the parts must not change them

    # --- parts ---

    @cached_property
    def executable(self) -> Any:
        return self._concrete.function.executable

    @cached_property
    def source(self) -> Part:
        return Part("source", html.source_of(self._function))

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
        if not self._timed:
            return Part("timings", "none: give `explain` the arguments of a call")
        return benchmark(self._function, *self._args, **self._kwargs)

    @cached_property
    def retraces(self) -> Part:
        return Part("traces", "\n".join(map(str, self._function.retraces)))

    @cached_property
    def memory(self) -> Part:
        return Part("memory", str(self.executable.memory))

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
        parts = [
            html.pre(str(self)),
            html.folded("source", html.pre(str(self.source))),
            html.folded("converted source", html.pre(str(self.converted))),
            html.folded("graph as traced", html.graph_html(self.graph)),
            html.folded("graph after all passes", html.graph_html(self.optimized)),
            html.folded("what each pass did", html.pre(str(self.steps))),
            html.folded("kernels", html.pre(str(self.kernels))),
            html.folded("plan", html.pre(str(self.plan))),
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
            "retraces": str(self.retraces).splitlines(),
            "memory": str(self.memory),
            "timings": {} if isinstance(timings, Part) else
                       {"eager": timings.eager, "graph": timings.graph,
                        "first_call": timings.first_call, "break_even": timings.break_even},
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
