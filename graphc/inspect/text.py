"""Graphs as text that runs: read a graph back, put passes over it, evaluate it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc.ir.graph import Graph
from graphc.ir.parse import parse as parse_text
from graphc.ir.verify import verify
from graphc.ops import REGISTRY
from graphc.passes.base import Pipeline
from graphc.runtime.executable import Executable
from graphc.runtime.interpreter import evaluate


def parse(text: str) -> Graph:
    """Read what ``print(graph)`` printed; raises ``ParseError`` with line and column.

    The graph is verified: ``VerifyError`` if it breaks a rule of the IR.
    """
    graph = parse_text(text, REGISTRY)
    verify(graph)
    return graph


def improved(graph: Graph, passes: str) -> Graph:
    """The graph after the passes named in a text such as ``"cse, dce"``."""
    steps = Pipeline.parse(passes).run(graph)
    return steps[-1].after if steps else graph


def random_inputs(graph: Graph, seed: int, size: int = 4) -> list[np.ndarray]:
    """Values for the inputs and the state of a graph; unknown sizes become ``size``."""
    random = np.random.default_rng(seed)
    made = []
    for value in graph.parameters:
        shape = tuple(d if isinstance(d, int) else size for d in value.type.shape)
        dtype = value.type.dtype
        numbers: Any = random.standard_normal(shape)
        if not dtype.is_floating:
            numbers = random.integers(0, 2, shape)
        made.append(np.asarray(numbers, dtype.np))
    return made


def run(graph: Graph, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Outputs of the compiled graph, then the state it leaves; both checked by the interpreter."""
    count = len(graph.inputs)
    expected = evaluate(graph, [np.array(a) for a in arrays])
    state = [np.array(a) for a in arrays[count:]]
    outputs = Executable(graph).run([np.array(a) for a in arrays[:count]], state)
    updated = [a for a, s in zip(state, graph.state, strict=True) if s.update is not None]
    results = [*outputs, *updated]
    for found, want in zip(results, expected, strict=True):
        np.testing.assert_allclose(found, want, rtol=1e-4, atol=1e-5)
    return results
