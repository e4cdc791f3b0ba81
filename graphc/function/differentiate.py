"""A graph under an eager tape: one forward and one backward graph, cut so that little is saved.

The joint graph is traced by replaying the function under a tape; after inlining and common-
subexpression elimination it is cut: what the results need is forward, the rest backward, and what
crosses is saved.
"""

from __future__ import annotations

from dataclasses import dataclass

from graphc.ir import dims
from graphc.ir.graph import Graph, Node, StateSlot, Value
from graphc.ir.substitute import own_symbols
from graphc.ops import control
from graphc.passes.base import Pipeline
from graphc.passes.edit import bound_by, symbols_of
from graphc.trace.replay import replay
from graphc.trace.state import recording, tracing
from graphc.trace.tape import GradientTape
from graphc.trace.tracer import Tracer

CLEAN = Pipeline.parse("inline, fold, algebra, cse, dce")


@dataclass(frozen=True)
class Derivative:
    """``forward``: outputs, then saved values; ``backward``: those and seeds -> gradients."""

    forward: Graph
    backward: Graph
    outputs: int
    seeded: tuple[int, ...]  # the outputs that take a gradient
    connected: tuple[bool, ...]  # the parameters that get one
    whole: Graph  # parameters and seeds -> gradients, as it was traced


def differentiate(graph: Graph, wanted: tuple[bool, ...]) -> Derivative:
    """Gradients of ``graph`` by the ``wanted`` ones of its parameters (inputs, then state)."""
    joint, seeds, connected = _joint(graph, wanted)
    whole = _whole(joint, len(graph.results), sum(connected))
    steps = CLEAN.run(joint)
    joint = steps[-1].after if steps else joint
    parameters, seed_values = (
        joint.inputs[: -len(seeds) or None],
        joint.inputs[len(joint.inputs) - len(seeds) :],
    )
    results = joint.outputs[: len(graph.results)]
    grads = joint.outputs[len(graph.results) :][: sum(connected)]
    early = _ancestors(joint, results, seed_values)
    forward_nodes = tuple(n for n in joint.nodes if n in early)
    backward_nodes = tuple(n for n in joint.nodes if n not in early and n.outputs)
    saved = _crossing(joint, early, backward_nodes, grads, seed_values)
    count = len(graph.outputs)
    updates = iter(results[count:])
    state = tuple(
        StateSlot(value, next(updates) if slot.update is not None else None, slot.key)
        for slot, value in zip(graph.state, parameters[len(graph.inputs) :], strict=True)
    )
    forward = Graph(
        graph.name,
        parameters[: len(graph.inputs)],
        forward_nodes,
        (*results[:count], *saved),
        state,
    )
    backward = Graph(f"{graph.name}_backward", (*saved, *seed_values), backward_nodes, tuple(grads))
    return Derivative(forward, backward, count, tuple(seeds), connected, whole)


def _joint(graph: Graph, wanted: tuple[bool, ...]) -> tuple[Graph, list[int], tuple[bool, ...]]:
    """Parameters and seeds in, results and gradients out."""
    tracer = Tracer(graph.name)
    used = {*own_symbols(graph), *(s for v in graph.parameters for s in v.type.symbols)}
    tracer.symbols = max(map(_number, used), default=0)  # those it makes must be others
    with tracing(tracer), recording(()):
        given = [tracer.add_parameter(v.type, v.name) for v in graph.parameters]
        with GradientTape(watch_accessed_variables=False) as tape:
            sources = [t for t, want in zip(given, wanted, strict=True) if want]
            tape.watch(sources)
            results = replay(graph, given, effects=True)
        seeded = [i for i, v in enumerate(graph.outputs) if v.type.dtype.is_differentiable]
        seeds = [
            tracer.add_parameter(results[i].value.type, f"d_{graph.outputs[i].name}")
            for i in seeded
        ]  # type: ignore[attr-defined]
        found = iter(tape.gradient([results[i] for i in seeded], sources, seeds))
        grads = [next(found) if want else None for want in wanted]
        outputs = [*results, *(g for g in grads if g is not None)]
        told = _tellers(tracer, [v.type.symbols for v in graph.parameters])
        joint = tracer.finish([*(tracer.lift(t).value for t in outputs), *told])
    return joint, seeded, tuple(g is not None for g in grads)


def _whole(joint: Graph, results: int, count: int) -> Graph:
    """The gradients alone; what the function prints and asserts has been seen to."""
    nodes = tuple(n for n in joint.nodes if n.outputs or n.op is control.guard)
    return joint.replace(nodes=nodes, outputs=joint.outputs[results:][:count])


def _number(symbol: str) -> int:
    digits = symbol[len(symbol.rstrip("0123456789")) :]
    return int(digits) if digits else 0


def _tellers(tracer: Tracer, given: list[frozenset[str]]) -> list[Value]:
    """Values that tell the sizes which the function finds out: seeds of such sizes tell them too,
    but only to the backward graph.
    """
    found: dict[str, Value] = {}
    for node in tracer.nodes:
        for value in node.outputs:
            for symbol in bound_by(value.type).difference(*given):
                found.setdefault(symbol, value)
    asked = frozenset().union(*(v.type.symbols for v in tracer.inputs))
    return [value for symbol, value in found.items() if symbol in asked]


def _ancestors(graph: Graph, values: tuple[Value, ...], seeds: tuple[Value, ...]) -> set[Node]:
    """The nodes that the values, or any effect that needs no seed, need, for
    their values and for sizes.
    """
    late = set(seeds)
    for n in graph.nodes:
        if not late.isdisjoint(n.inputs):
            late.update(n.outputs)
    effects = {n for n in graph.nodes if n.effect and late.isdisjoint(n.inputs)}
    tellers = {x: n for n in reversed(graph.nodes) for v in n.outputs for x in bound_by(v.type)}
    given = frozenset().union(*(v.type.symbols for v in graph.inputs if v not in seeds))
    found: set[Node] = set()
    todo = [*effects, *(graph.producer[v] for v in values if v in graph.producer)]
    while todo:
        node = todo.pop()
        if node in found:
            continue
        found.add(node)
        todo += [graph.producer[v] for v in node.inputs if v in graph.producer]
        todo += [tellers[x] for x in symbols_of(node) - given if x in tellers]
    return found


def _crossing(
    joint: Graph, early: set[Node], late: tuple[Node, ...], grads: tuple[Value, ...],
    seeds: tuple[Value, ...],
) -> tuple[Value, ...]:  # fmt: skip
    """What the backward graph takes from the forward one, in a stable order."""
    made = {v for n in late for v in n.outputs} | set(seeds)
    used = [v for n in late for v in n.inputs] + list(grads)
    saved = dict.fromkeys(v for v in used if v not in made)
    # Sizes that only attributes mention must be found at run time: save a value whose shape has
    # them.
    known = frozenset().union(*(_plain(v) for v in (*saved, *seeds)))
    needed = frozenset().union(*(v.type.symbols for n in late for v in n.outputs)) - known
    forward_values = [*joint.inputs, *(v for n in joint.nodes if n in early for v in n.outputs)]
    for symbol in sorted(needed):
        carrier = next((v for v in forward_values if symbol in _plain(v)), None)
        if carrier is not None:
            saved[carrier] = None
    return tuple(saved)


def _plain(value: Value) -> frozenset[str]:
    """Symbols that can be read off the value's shape."""
    return frozenset(
        str(d) for d in value.type.shape if isinstance(d, dims.Dim) and d == dims.symbol(str(d))
    )
