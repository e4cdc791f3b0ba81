"""What differs between two graphs, line by line, by the user's names."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import unified_diff
from html import escape
from typing import Any

from graphc.ir.graph import Graph

ADDED, REMOVED = "#3c9a5f", "#c0504d"
CONTEXT = 2  # lines around a change
WIDTH = 160  # letters of a line


class Diff:
    """A unified diff of two graphs; empty (and falsy) if they read the same."""

    def __init__(self, before: Graph, after: Graph, names: tuple[str, str] = ("before", "after")):
        self.names = names
        self.lines = list(unified_diff(
            str(before).splitlines(), str(after).splitlines(), *names, lineterm="", n=CONTEXT
        ))  # fmt: skip

    @property
    def added(self) -> int:
        """How many lines only the second graph has."""
        return sum(line.startswith("+") for line in self.lines[2:])

    @property
    def removed(self) -> int:
        """How many lines only the first graph has."""
        return sum(line.startswith("-") for line in self.lines[2:])

    def __bool__(self) -> bool:
        return bool(self.lines)

    def __str__(self) -> str:
        return "\n".join(map(_short, self.lines)) or f"{' -> '.join(self.names)}: nothing changed"

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return f"<pre>{''.join(map(_coloured, str(self).splitlines()))}</pre>"


def _short(line: str) -> str:
    """Large constants make long lines, and are not what is looked for."""
    return line if len(line) <= WIDTH else line[: WIDTH - 1] + "…"


def _coloured(line: str) -> str:
    colour = {"+": ADDED, "-": REMOVED}.get(line[:1])
    text = escape(line) + "\n"
    # not a style: viewers of notebooks on the web take styles out
    return f'<font color="{colour}">{text}</font>' if colour else text


class Diffs:
    """One diff after the other: what each pass changed."""

    def __init__(self, parts: Sequence[Diff]) -> None:
        self.parts = list(parts)

    def __getitem__(self, name: str) -> Diff:
        """The diff of a pass, by its name."""
        for part in self.parts:
            if part.names[1] == name:
                return part
        raise KeyError(f"no pass {name!r}; there are {', '.join(p.names[1] for p in self.parts)}")

    def __str__(self) -> str:
        return "\n\n".join(map(str, self.parts))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return "".join(part._repr_html_() for part in self.parts)


def diff(before: Any, after: Any) -> Diff:
    """Compare two graphs, or two things that have one as ``.graph`` (traces, reports)."""
    graphs = [g if isinstance(g, Graph) else g.graph for g in (before, after)]
    for graph in graphs:
        if not isinstance(graph, Graph):
            raise TypeError(f"diff compares graphs, traces or reports, got {graph!r}")
    return Diff(*graphs)


def diff_traces(function: Any, before: int, after: int) -> Diff:
    """Compare two of a function's traces, by their place in ``function.traces``."""
    traces = function.traces
    try:
        found = [traces[before], traces[after]]
    except IndexError:
        raise ValueError(
            f"{function.name} has {len(traces)} traces: there are no traces {before} and {after}"
        ) from None
    return Diff(*(c.graph for c in found), names=tuple(c.pretty_printed_signature() for c in found))


def diff_steps(steps: Sequence[Any]) -> Diffs:
    """What each pass changed."""
    names = ["traced", *(s.name for s in steps)]
    pairs = zip(steps, names, names[1:], strict=False)
    return Diffs([Diff(s.before, s.after, (old, new)) for s, old, new in pairs])
