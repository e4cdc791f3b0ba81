"""What a pass is, what it reports, and pipelines of passes written as one line of text."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import Protocol

from graphc import config
from graphc.errors import VerifyError
from graphc.ir.graph import Graph, Node
from graphc.ir.text import show_value
from graphc.ir.verify import verify

DEFAULT = "inline, fold, algebra, cse, dce, scans, hoist, parts, dce, fuse, dce"
# Where each pass is: a module that has a function of this name, imported when it first runs.
MODULES = {
    "inline": "graphc.passes.inline",
    "fold": "graphc.passes.fold",
    "algebra": "graphc.passes.rewrite",
    "cse": "graphc.passes.cse",
    "scans": "graphc.passes.scans",
    "hoist": "graphc.passes.hoist",
    "parts": "graphc.passes.parts",
    "dce": "graphc.passes.dce",
    "fuse": "graphc.passes.fuse",
}


@dataclass(frozen=True)
class Applied:
    """A rule changed a node."""

    rule: str
    node: Node
    detail: str = ""

    def __str__(self) -> str:
        return _sentence(self.rule, self.node, self.detail)


@dataclass(frozen=True)
class Declined:
    """A rule left a node as it is, and why."""

    rule: str
    node: Node
    reason: str

    def __str__(self) -> str:
        return _sentence(self.rule, self.node, self.reason)


def _sentence(rule: str, node: Node, detail: str) -> str:
    """``mul_one %h.1 = multiply  step.py:5``, then the detail."""
    results = ", ".join(map(show_value, node.outputs))
    place = f"  {node.loc}" if node.loc is not None else ""
    what = f"{rule} {results}{' = ' if results else ''}{node.op.name}{place}"
    return f"{what}: {detail}" if detail else what


@dataclass
class PassLog:
    """What one run of a pass did and refused to do."""

    changes: list[Applied] = field(default_factory=list)
    refusals: list[Declined] = field(default_factory=list)

    def applied(self, rule: str, node: Node, detail: str = "") -> None:
        self.changes.append(Applied(rule, node, detail))

    def declined(self, rule: str, node: Node, reason: str) -> None:
        self.refusals.append(Declined(rule, node, reason))


class Pass(Protocol):
    """Graph to graph; returns the same object if there is nothing to do."""

    def __call__(self, graph: Graph, log: PassLog) -> Graph: ...


@dataclass(frozen=True)
class Step:
    """One pass of one run: the graph before and after, and what was done."""

    name: str
    before: Graph
    after: Graph
    seconds: float
    applied: tuple[Applied, ...] = ()
    declined: tuple[Declined, ...] = ()

    @property
    def changed(self) -> bool:
        return self.after is not self.before

    def __str__(self) -> str:
        sizes = f"{len(self.before.nodes)} -> {len(self.after.nodes)} nodes"
        return f"{self.name}: {sizes}, {len(self.applied)} applied, {len(self.declined)} declined"


def find(name: str) -> Pass:
    """The pass of a name; its module is imported now."""
    return getattr(import_module(MODULES[name]), name)


@dataclass(frozen=True)
class Pipeline:
    """Passes in order; ``str(pipeline)`` is the text that `Pipeline.parse` reads."""

    names: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Pipeline:
        """Read names with commas between them; ``ValueError`` for one that is unknown."""
        names = tuple(part.strip() for part in text.split(",") if part.strip())
        for name in names:
            if name not in MODULES:
                raise ValueError(f"there is no pass {name!r}; there are {', '.join(MODULES)}")
        return cls(names)

    def __str__(self) -> str:
        return ", ".join(self.names)

    def run(self, graph: Graph) -> tuple[Step, ...]:
        """Run the passes, each on the result of the one before."""
        steps: list[Step] = []
        for name in self.names:
            step = run_pass(name, find(name), graph)
            steps.append(step)
            graph = step.after
        return tuple(steps)


def run_pass(name: str, function: Callable[[Graph, PassLog], Graph], graph: Graph) -> Step:
    """One pass on one graph; its result is verified if the options say so."""
    log = PassLog()
    start = time.perf_counter()
    after = function(graph, log)
    seconds = time.perf_counter() - start
    if config.options().verify:
        try:
            verify(after)
        except VerifyError as error:
            error.add_note(f"after the pass {name!r}; before it, the graph was\n{graph}")
            raise
    return Step(name, graph, after, seconds, tuple(log.changes), tuple(log.refusals))


def default_pipeline() -> Pipeline:
    return Pipeline.parse(DEFAULT)
