"""Every printer on fixed input; ``python -m tests.inspect.printers`` writes the texts anew."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

import graphc as tf
from graphc.inspect.benchmark import Benchmark, Sizes, Timing
from graphc.inspect.diff import Diff
from graphc.inspect.machine import Peak
from graphc.inspect.profile import Spent, show_entries
from graphc.inspect.roofline import roofline
from graphc.inspect.svg import to_svg
from tests.inspect.steps import looped, scaled, step

GOLDEN = Path(__file__).parent / "golden"
X = np.linspace(-1, 1, 12, dtype=np.float32).reshape(4, 3)

FIGURES = Benchmark(
    "f(x: f32[2]) -> f32[2]", eager=400e-6, graph=20e-6, first_call=0.19, cold=0.75,
    others=(Timing("numpy", 60e-6, 55e-6, 70e-6, "  (its result differs)"),),
    spread=(Timing("eager", 400e-6, 390e-6, 1.2e-3), Timing("graph", 20e-6, 19e-6, 22e-6)),
)  # fmt: skip
SLOWER = Benchmark(
    "f(x: f32[2]) -> f32[2]", eager=1e-6, graph=4e-6, first_call=0.05,
    others=(Timing("numpy", 2e-6, 2e-6, 2e-6),),
)  # fmt: skip
SPENT = [
    Spent("%h = matmul", 40e-6, 1, 2_000_000, 80_000, "step.py:5"),
    Spent("%loss = fused tanh reduce_sum", 10e-6, 50, 5_000, 40_000, "step.py:6"),
    Spent("host %y = sort", 1e-6, 1, 0, 0),
]


def _why() -> str:
    scaled.clear()
    for factor in (1.0, 2.0):
        scaled(tf.eye(2), factor)
    scaled(tf.eye(3), 2.0)
    return "\n".join(map(str, scaled.explain(tf.eye(3), 2.0).why))


def _repro() -> str:
    with tempfile.TemporaryDirectory() as folder:
        return step.explain(X).repro("hidden", Path(folder) / "kernel.py").read_text()


def _untimed(text: str) -> str:
    """Times are never the same; neither are the folders of a checkout."""
    text = re.sub(r"\b\d+(\.\d+)? (us|ms|s)\b", "TIME", text)
    return re.sub(r"[^\s\"',]*/(?=tests/inspect/)", "", text)


PRINTERS: dict[str, Callable[[], str]] = {
    "graph.ir": lambda: str(step.graph(X)),
    "graph_locs.ir": lambda: step.graph(X).text(locs=True),
    "graph.svg": lambda: to_svg(step.graph(X)),
    "loop.svg": lambda: to_svg(looped.graph(tf.constant(9.0), tf.constant(3))),
    "converted.txt": lambda: str(looped.explain(tf.constant(9.0), tf.constant(3)).converted),
    "probe.txt": lambda: str(looped.probe(tf.constant(2.5), tf.constant(4))),
    "probe.html": lambda: looped.probe(tf.constant(2.5), tf.constant(4))._repr_html_(),
    "diffs.txt": lambda: str(step.explain(X).diffs),
    "diff.html": lambda: step.explain(X).diff()._repr_html_(),
    "same.txt": lambda: str(Diff(step.graph(X), step.graph(X))),
    "lines.txt": lambda: str(step.explain().lines),
    "place.txt": lambda: str(step.explain(X).at("steps.py:15")),
    "plan.txt": lambda: str(step.explain(X).plan),
    "steps.txt": lambda: str(step.explain(X).steps),
    "kernels.txt": lambda: str(step.explain(X).kernels),
    "repro.py.txt": _repro,
    "why.txt": _why,
    "benchmark.txt": lambda: str(FIGURES),
    "benchmark.html": FIGURES._repr_html_,
    "slower.txt": lambda: str(SLOWER),
    "sizes.txt": lambda: str(Sizes({10: SLOWER, 1000: FIGURES})),
    "profile.txt": lambda: show_entries("step", SPENT, 51e-6),
    "roofline.svg": lambda: roofline(SPENT, Peak(30e9, 200e9)),
}


def printed(name: str) -> str:
    """What a printer gives now, without what is never the same."""
    text = PRINTERS[name]()
    kept = name.startswith(("benchmark", "slower", "sizes", "profile"))
    return (text if kept else _untimed(text)).rstrip() + "\n"


if __name__ == "__main__":
    for name in PRINTERS:
        (GOLDEN / name).write_text(printed(name), encoding="utf-8")
