"""The user's source beside what it became: operations, kernels and time of each line."""

from __future__ import annotations

import linecache
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from graphc.inspect import cost
from graphc.ir.graph import Graph, Node
from graphc.runtime.executable import Executable

BAR = 10  # letters of a full bar


@dataclass(frozen=True)
class Line:
    """A line of the user's source; ``share`` is its part of the whole."""

    number: int
    text: str
    ops: int
    share: float


class Lines:
    """A function's source, each line with the nodes it made and its share of the time; without
    measured shares, of the work that the types ask for."""

    def __init__(self, graph: Graph, shares: Mapping[tuple[str, int], float] | None = None) -> None:
        self._what = "work" if shares is None else "time"
        shares = _work(graph) if shares is None else shares
        self.files: dict[str, list[Line]] = {}
        self._cells: dict[str, str] = {}
        counts: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
        for node in graph.walk():
            if node.loc is not None and node.op.name != "constant":
                counts[node.loc.file][node.loc.line] += 1
                self._cells[node.loc.file] = node.loc.cell
        for file, found in counts.items():
            source = linecache.getlines(file)
            self.files[file] = [
                Line(n, source[n - 1].rstrip() if n <= len(source) else "", found.get(n, 0),
                     shares.get((file, n), 0.0))
                for n in range(min(found), max(found) + 1)
            ]  # fmt: skip

    def _rows(self, file: str) -> list[tuple[str, str, str, str]]:
        return [
            (str(line.number), str(line.ops or ""), _bar(line.share), line.text)
            for line in self.files[file]
        ]

    def __str__(self) -> str:
        parts = []
        for file in self.files:
            parts.append(f"{self._cells[file] or file}\n line  ops  {self._what}")
            parts += [f"{a:>5}  {b:>3}  {c:{BAR + 5}}  {d}".rstrip() for a, b, c, d
                      in self._rows(file)]  # fmt: skip
        return "\n".join(parts)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"


def _work(graph: Graph) -> dict[tuple[str, int], float]:
    """The part of each line in the operations of a graph; unknown sizes count as 1."""
    found: dict[tuple[str, int], float] = defaultdict(float)
    for node in graph.walk():
        if node.loc is not None and not node.regions:
            found[node.loc.file, node.loc.line] += cost.flops(node, {})
    total = sum(found.values()) or 1.0
    return {place: work / total for place, work in found.items()}


def _bar(share: float) -> str:
    if not share:
        return ""
    return f"{share:4.0%} " + "█" * max(1, round(share * BAR))


@dataclass(frozen=True)
class Place:
    """What one line of the user's source became: nodes, the steps that compute them, the lines of
    kernels that stand for it."""

    place: str
    nodes: list[Node]
    steps: list[str]
    kernel_lines: list[str]

    def __str__(self) -> str:
        parts = [self.place, *(f"  node    {n!r}" for n in self.nodes)]
        parts += [f"  {s}" for s in self.steps]
        parts += [f"  code    {line}" for line in self.kernel_lines]
        return "\n".join(parts)

    __repr__ = __str__


def place(graph: Graph, executable: Executable, where: str) -> Place:
    """Everything that came of a line such as ``"step.py:6"``."""
    nodes = graph.at(where)
    steps, code = [], []
    for step in executable.steps():
        inside = [step.node, *_body(step.node)] if step.node is not None else []
        if any(n.loc is not None and str(n.loc) == where for n in inside):
            steps.append(str(step))
        if step.kernel is not None:
            listed = zip(step.kernel.text.splitlines(), step.kernel.lines, strict=False)
            code += [text.strip() for text, node in listed
                     if node is not None and str(node.loc) == where]  # fmt: skip
    return Place(where, nodes, steps, code)


def _body(node: Any) -> list[Node]:
    return [n for g in node.regions.values() for n in g.walk()]
