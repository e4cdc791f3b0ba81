"""Graphs and their timings for TensorBoard (TF: ``tf.summary.trace_on``, ``trace_export``)."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from graphc.formats.wire import message
from graphc.function.concrete import observe
from graphc.inspect.call import Call
from graphc.inspect.profile import Profile, profile_call
from graphc.summary import events
from graphc.summary.graph_def import GraphDef, step_stats
from graphc.summary.writer import SummaryWriter, default_writer, get_step


class _Trace:
    """The functions that are called while a trace is on, each with its last arguments."""

    def __init__(self, graph: bool, profiler: bool, outdir: Any) -> None:
        self.graph, self.profiler, self.outdir = graph, profiler, outdir
        self.calls: dict[Any, Sequence[Any]] = {}
        self._end: Callable[[], None] | None = observe(self._note)

    def _note(self, concrete: Any, tensors: Sequence[Any]) -> None:
        self.calls[concrete] = tensors

    def end(self) -> None:
        if self._end is not None:
            self._end()
            self._end = None


_current: _Trace | None = None


def trace_on(graph: bool = True, profiler: bool = False, profiler_outdir: Any = None) -> None:
    """Note every ``@function`` that is called from now on, for `trace_export`.

    With ``profiler`` the last call of each is run again, step by step, when it is exported, on
    copies of its Variables.
    """
    global _current
    if _current is not None:
        warnings.warn("Trace already enabled", stacklevel=2)
        return
    _current = _Trace(graph, profiler, profiler_outdir)


def trace_off() -> None:
    """End a trace and forget it."""
    global _current
    if _current is not None:
        _current.end()
    _current = None


def trace_export(name: str, step: Any = None, profiler_outdir: Any = None) -> None:
    """Write the graphs noted since `trace_on` to the default writer, and end the trace.

    With the profiler, the times of nodes appear in the graph tab under ``name``, and
    ``<name>.trace.json`` in ``profiler_outdir`` (by default the writer's folder) opens in Perfetto
    and chrome://tracing.
    """
    trace = _current
    if trace is None:
        warnings.warn("Trace not enabled, use tf.summary.trace_on before", stacklevel=2)
        return
    writer = default_writer()
    if writer is None:
        raise ValueError("trace_export needs a default writer: use `with writer.as_default():`")
    step = get_step() if step is None else step
    if step is None:
        raise ValueError("No step set. Please specify one through the `step` argument")
    trace.end()
    try:
        if trace.calls:
            _export(trace, writer, name, int(step), profiler_outdir or trace.outdir)
        else:
            warnings.warn("no @tf.function was called since trace_on", stacklevel=2)
    finally:
        trace_off()


def _export(trace: _Trace, writer: SummaryWriter, name: str, step: int, outdir: Any) -> None:
    graphs, stats = [], []
    for concrete, tensors in trace.calls.items():
        prefix = f"{concrete.name}/" if len(trace.calls) > 1 else ""
        made = GraphDef(concrete.graph, prefix)
        graphs.append(made)
        if trace.profiler:
            writer.paused = True  # what the function writes it has written
            try:
                profile = profile_call(Call(concrete, tensors))
            finally:
                writer.paused = False
            stats.append(step_stats(_times(made, profile)))
            _save_trace(profile, Path(outdir or writer.logdir), f"{name}.{concrete.name}")
    if trace.graph:
        joined = b"".join(made.data for made in graphs)  # messages merge when they are put together
        writer.add(events.of_graph(joined))
        functions = ((4, message((1, g.data), (2, g.data), (3, g.data))) for g in graphs)
        run = message((3, joined), *functions)
        metadata = events.metadata("graph_run_metadata_graph", content=b"1")
        writer.add(events.of_summary(step, name, events.tensor_proto(run), metadata))
    if stats:
        run = message(*((1, part) for part in stats), (3, b"".join(g.data for g in graphs)))
        writer.add(events.of_run(step, name, run))
    writer.flush()


def _times(made: GraphDef, profile: Profile) -> dict[str, tuple[float, float]]:
    """Start and duration of each node of the traced graph; passes keep the names of values."""
    by_value = {n.outputs[0].name: name for n, name in made.names.items() if n.outputs}
    found: dict[str, tuple[float, float]] = {}
    for start, node, seconds in profile.node_times():
        name = by_value.get(node.outputs[0].name) if node.outputs else None
        if name is not None:
            first, spent = found.get(name, (start, 0.0))
            found[name] = (first, spent + seconds)
    return found


def _save_trace(profile: Profile, folder: Path, name: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    profile.chrome_trace(folder / f"{name}.trace.json")


def graph(graph_data: Any) -> bool:
    """Write a graph, such as ``f.graph(x)``, to the default writer; False if there is none."""
    writer = default_writer()
    if writer is None:
        return False
    writer.add(events.of_graph(GraphDef(graph_data).data))
    return True
