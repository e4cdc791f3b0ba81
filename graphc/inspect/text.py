"""Graphs as text that runs: read a graph back, put passes over it, evaluate and time it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from graphc.formats.whole import whole_file
from graphc.inspect.benchmark import show
from graphc.inspect.html import graph_html
from graphc.ir import dims
from graphc.ir.graph import Graph
from graphc.ir.parse import parse as parse_text
from graphc.ir.verify import verify
from graphc.ops import REGISTRY
from graphc.passes.base import Pipeline
from graphc.runtime.executable import Executable
from graphc.runtime.interpreter import evaluate

SECONDS = 0.2  # that `Program.time` measures for


class Program(Graph):
    """A graph that runs by itself; its state, if it has any, is given and returned as arrays."""

    def run(self, *arrays: Any) -> list[np.ndarray]:
        """The outputs, then the state as it is afterwards, for values of inputs and state.

        The compiled result is compared with the reference interpreter's: ``AssertionError`` if they
        differ.
        """
        return run(self, [np.asarray(a) for a in arrays])

    def optimized(self, passes: str) -> Program:
        """The graph after the passes named in a text such as ``"cse, dce"``."""
        return _program(improved(self, passes))

    def random_inputs(self, seed: int = 0, **sizes: int) -> list[np.ndarray]:
        """Values for inputs and state; ``sizes`` are those of symbolic dims (4 if not given)."""
        return random_inputs(self, seed, sizes)

    def time(self, *arrays: Any) -> str:
        """How long a call takes."""
        executable = Executable(self)
        given = [np.ascontiguousarray(a) for a in arrays]
        inputs, state = given[: len(self.inputs)], given[len(self.inputs) :]
        executable.run(inputs, state)
        calls, begin = 0, time.perf_counter()
        while (spent := time.perf_counter() - begin) < SECONDS:
            executable.run(inputs, state)
            calls += 1
        return f"{show(spent / calls)} a call, the mean of {calls}"

    def _repr_html_(self) -> str:
        return graph_html(self)


def _program(graph: Graph) -> Program:
    return Program(graph.name, graph.inputs, graph.nodes, graph.outputs, graph.state)


def parse(text: str) -> Program:
    """Read what ``print(graph)`` printed; raises ``ParseError`` with line and column.

    The graph is verified: ``VerifyError`` if it breaks a rule of the IR.
    """
    graph = parse_text(text, REGISTRY)
    verify(graph)
    return _program(graph)


def improved(graph: Graph, passes: str) -> Graph:
    """The graph after the passes named in a text such as ``"cse, dce"``."""
    steps = Pipeline.parse(passes).run(graph)
    return steps[-1].after if steps else graph


def random_inputs(graph: Graph, seed: int, sizes: Mapping[str, int] | None = None) -> list[Any]:
    """Values for the inputs and the state of a graph; sizes that are not given are 4."""
    random = np.random.default_rng(seed)
    known = {s: 4 for v in graph.parameters for s in v.type.symbols} | dict(sizes or {})
    made = []
    for value in graph.parameters:
        shape = tuple(dims.evaluate(d, known) for d in value.type.shape)
        dtype = value.type.dtype
        numbers: Any = random.standard_normal(shape)
        if not dtype.is_floating:
            numbers = random.integers(0, 2, shape)
        made.append(np.asarray(numbers, dtype.np))
    return made


def save(graph: Graph, arrays: Sequence[np.ndarray], path: str | Path) -> list[Path]:
    """Write a graph with the user's lines to ``path`` (.ir), and values beside it as .npz."""
    text, values = Path(path).with_suffix(".ir"), Path(path).with_suffix(".npz")
    with whole_file(text) as part:
        part.write_text(graph.text(locs=True) + "\n", encoding="utf-8")
    with whole_file(values) as part, open(part, "wb") as file:
        np.savez_compressed(file, *arrays)
    return [text, values]


def saved_inputs(path: str | Path) -> list[np.ndarray] | None:
    """The values that `save` wrote beside a graph's file, if they are there.

    Raises ``ValueError`` if they cannot be read.
    """
    values = Path(path).with_suffix(".npz")
    if not values.exists():
        return None
    try:
        with open(values, "rb") as raw, np.load(raw, allow_pickle=False) as file:
            return [file[name] for name in file.files]
    except (BadZipFile, KeyError, EOFError) as error:
        raise ValueError(f"{values} is damaged: {error}") from error


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
