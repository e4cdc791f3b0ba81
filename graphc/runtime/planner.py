"""Makes the plan of a graph: walks it once and emits the program."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from graphc.ir import dims, dtypes
from graphc.ir.dims import Dim, DimLike
from graphc.ir.graph import Graph, Node, Value
from graphc.ir.types import TensorType
from graphc.ops import control
from graphc.ops.loopnest import Unfit, can_stop
from graphc.ops.looporder import Loops, can_share_memory, loops_of
from graphc.ops.opdef import Host, Index
from graphc.runtime import flow
from graphc.runtime.calls import Call, Scratch
from graphc.runtime.codegen import loop_kernel
from graphc.runtime.driver import Op
from graphc.runtime.library import calls_of, changes_first
from graphc.runtime.nesttext import Argument
from graphc.runtime.plan import Buffer, Env, HostStep, Plan, Step, Target
from graphc.runtime.scalarloop import scalar_kernel


def make_plan(graph: Graph) -> Plan:
    """Plan a whole graph."""
    return Planner(graph).make()


class Planner:
    """The state of planning one graph; ``known`` are the symbols that are bound so far."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.plan = Plan(graph)
        self.known = self.plan.bound = _plain_symbols(graph.parameters)
        self.labels = 0

    # --- the whole ---

    def make(self) -> Plan:
        plan, graph = self.plan, self.graph
        env: Env = {}
        for i, value in enumerate(graph.inputs):
            env[value] = plan.buffer("input", value.type, value.name, place=i)
        outputs = [
            plan.buffer("output", v.type, v.name, place=i) for i, v in enumerate(graph.outputs)
        ]
        for i, slot in enumerate(graph.state):
            env[slot.value] = plan.buffer("state", slot.value.type, slot.value.name, place=i)
        boxed = len(graph.inputs) + len(graph.state) + len(outputs)
        if boxed:
            plan.program.emit(Op.UNBOX, plan.buffers[0].slot, boxed)
        self.emit(graph, env, self._root_targets(env, outputs))
        self._finish(env, outputs)
        plan.program.emit(Op.HALT)
        return plan

    def _root_targets(self, env: Env, outputs: Sequence[Buffer]) -> dict[Value, Target]:
        """Outputs are written where the caller put them, updates into the state they replace."""
        targets: dict[Value, Target] = {}
        for value, buffer in zip(self.graph.outputs, outputs, strict=True):
            if self._is_placed(value):
                targets.setdefault(value, Target(buffer))
        for slot in self.graph.state:
            if slot.update is not None and slot.update not in env:
                targets[slot.update] = Target(env[slot.value], slot.value, late_only=True)
        return targets

    def _is_placed(self, value: Value) -> bool:
        """Whether an output has its place before the program runs."""
        return value.type.symbols <= self.plan.bound and value.type.dtype.size > 0

    def _finish(self, env: Env, outputs: Sequence[Buffer]) -> None:
        """Copy what was not written in place: first outputs, then state."""
        plan = self.plan
        for value, buffer in zip(self.graph.outputs, outputs, strict=True):
            placed = self._is_placed(value)
            plan.results.append((value, buffer if placed else env[value]))
            if placed:
                self.copy(env[value], buffer)
        pending = [
            (env[s.value], env[s.update]) for s in self.graph.state
            if s.update is not None and env[s.update] is not env[s.value]
        ]  # fmt: skip
        plan.commits = pending
        sources = [self._apart(source, pending) for _, source in pending]
        for (state, _), source in zip(pending, sources, strict=True):
            self.copy(source, state)

    def _apart(self, source: Buffer, pending: Sequence[tuple[Buffer, Buffer]]) -> Buffer:
        """A copy of a buffer that another commit is about to overwrite."""
        if source.kind != "state" or not any(source is target for target, _ in pending):
            return source
        held = self.arena(source.type, source.name)
        self.copy(source, held)
        return held

    # --- nodes ---

    def emit(self, graph: Graph, env: Env, targets: Mapping[Value, Target]) -> None:
        """Emit the nodes of a graph or region; values find their buffers in ``env``."""
        native = self._native(graph)
        fallible = {n for n in graph.nodes if self._can_fail(n, n in native)}
        nodes = _fallible_first(graph, fallible)
        last_use = _last_uses(nodes, graph.results)
        final = max((i for i, n in enumerate(nodes) if n in fallible), default=-1)
        targets = _passed_back(nodes, last_use, targets)
        aliased = {v for n in nodes if _is_alias(n) for v in (*n.inputs, *n.outputs)}

        def usable(target: Target, at: int) -> bool:
            """Whether a result may overwrite what its place holds."""
            if target.late_only and final >= at:
                return False
            return target.old is None or last_use.get(target.old, -1) <= at

        for i, node in enumerate(nodes):
            wanted = {v: targets[v] for v in node.outputs if v in targets and usable(targets[v], i)}
            dying = {v: u for u, v in _dying(graph, node, last_use, aliased, i) if v not in wanted}
            places = {v: Target(env[u]) for v, u in dying.items() if env[u].kind == "arena"}
            self._node(node, env, places | wanted, node in native)

    def _native(self, graph: Graph) -> set[Node]:
        """The nodes that need no host; their sizes are known when the nodes before them ran."""
        known, found = self.known, set()
        for node in graph.nodes:
            if self._fits(node, known):
                found.add(node)
            known = known | _plain_symbols(node.outputs)
        return found

    def _fits(self, node: Node, known: frozenset[str]) -> bool:
        op: Any = node.op
        if op is control.guard or op is control.constant:
            return True
        values = (*node.inputs, *node.outputs)
        if any(not v.type.dtype.size for v in values):
            return _is_alias(node)
        if node.regions and op is not control.fused:
            return flow.fits(node, known)
        if not all(v.type.symbols <= known for v in values):
            return False
        return op is control.fused or _is_alias(node) or calls_of(node) is not None

    def _can_fail(self, node: Node, native: bool) -> bool:
        """Whether the node can stop the program: checks, host steps, regions with those."""
        op: Any = node.op
        if op is control.guard:
            return not (dims.symbols(node.attrs["a"]) | dims.symbols(node.attrs["b"])) <= self.known
        if not native:
            return True
        if node.regions:
            inner = [n for g in node.regions.values() for n in g.nodes]
            if op is control.fused:
                return any(map(can_stop, inner))
            return any(self._can_fail(n, self._fits(n, self.known)) for n in inner)
        return bool(op.effect or (op.can_fail and not _is_alias(node)))

    def knows(self, type: TensorType) -> bool:
        """Whether all sizes of a type are bound by now."""
        return type.symbols <= self.known

    def _node(self, node: Node, env: Env, targets: Mapping[Value, Target], native: bool) -> None:
        op: Any = node.op
        if op is control.guard:
            self.plan.guards.append(node)
        elif op is control.constant:
            self._constant(node.output, node.attrs["value"], env)
        elif _is_alias(node):
            env[node.output] = env[node.inputs[0]]
        elif not native:
            self._host(node, env, _why_host(node, self.known))
        elif op is control.fused:
            self._fused(node, env, targets)
        elif node.regions:
            flow.learn_length(self, node, env)
            if not self._scalar_loop(node, env, targets):
                flow.emit(self, node, env, targets)
        else:
            self._library(node, calls_of(node) or (), env, targets)

    def _constant(self, value: Value, array: np.ndarray, env: Env) -> None:
        env[value] = self.plan.buffer("constant", value.type, value.name, array=array)

    # --- kernels ---

    def _fused(self, node: Node, env: Env, targets: Mapping[Value, Target]) -> None:
        body = node.regions["body"]
        try:
            loops = loops_of(body.nodes, body.outputs)
        except Unfit as why:  # a hand-written graph may fuse what has no nest
            self._host(node, env, str(why))
            return
        outer = dict(zip(body.inputs, node.inputs, strict=True))
        outer.update(zip(body.outputs, node.outputs, strict=True))
        shared = self._place_results(node, loops, outer, env, targets)
        kernel = loop_kernel(loops, shared)
        held: dict[Any, Buffer] = {}
        row = [self._argument(a, outer, env, held) for a in kernel.arguments]
        step = self._call(node, kernel.text, row, env, kernel.pieces)
        step.in_place = tuple(f"%{env[outer[v]].name}" for v in shared)
        step.failures, step.kernel = kernel.failures, kernel
        if kernel.after is not None:
            row = [self._argument(a, outer, env, held) for a in kernel.after.arguments]
            step = self._call(node, kernel.after.text, row, env)
            step.reason, step.failures = "adds up the pieces", kernel.after.failures
            step.kernel = kernel.after

    def _scalar_loop(self, node: Node, env: Env, targets: Mapping[Value, Target]) -> bool:
        """Emit control flow on scalars as one kernel, if it is that."""
        if not all(self.knows(v.type) for v in node.outputs):
            return False
        try:
            kernel = scalar_kernel(node, self.known)
        except Unfit as why:
            self.plan.declined.append((node, str(why)))
            return False
        self._place_apart(node, env, targets)
        for value in {a.value for a in kernel.arguments if a.value is not None}:
            if value not in env:  # a table in the loop's body
                self._constant(value, _constants(node)[value], env)
        same = {a.value: a.value for a in kernel.arguments if a.value is not None}
        row = [self._argument(a, same, env, {}) for a in kernel.arguments]
        step = self._call(node, kernel.text, row, env)
        step.failures, step.kernel = kernel.failures, kernel
        step.in_place = tuple(f"%{n.output.name}" for n in kernel.in_place)
        return True

    def _argument(
        self, argument: Argument, outer: Mapping[Value, Value], env: Env, held: dict[Any, Buffer]
    ) -> int:
        """The slot of what a kernel is given; ``held`` is scratch memory that kernels share."""
        if argument.value is not None:
            return env[outer[argument.value]].slot
        if argument.kind == "size":
            return self.plan.number(argument.size)
        if argument.key is None:
            return self._scratch(argument.size).slot
        if argument.key not in held:
            held[argument.key] = self._scratch(argument.size)
        return self.touch(held[argument.key]).slot

    def _place_results(
        self, node: Node, loops: Loops, outer: Mapping[Value, Value], env: Env,
        targets: Mapping[Value, Target],
    ) -> dict[Value, Value]:  # fmt: skip
        """Choose the buffer of each result: the place it is wanted in, or a new one.

        Returns the outputs of the region that overwrite one of its inputs, with that input.
        """
        roots: dict[Buffer, list[Value]] = {}
        for root in loops.nest.roots:
            roots.setdefault(env[outer[root]], []).append(root)
        shared: dict[Value, Value] = {}
        used: set[Buffer] = set()
        for value in loops.nest.outputs:
            result = outer[value]
            target = targets.get(result)
            buffer = None if target is None or target.buffer in used else target.buffer
            if buffer in roots:
                olds = roots[buffer]
                if len(olds) > 1 or not can_share_memory(loops, olds[0], value):
                    buffer = None
                else:
                    shared[value] = olds[0]
            elif buffer is not None and any(env[v] is buffer for v in node.inputs):
                buffer = None
            env[result] = buffer or self.arena(result.type, result.name)
            used.add(env[result])
        return shared

    def _place_apart(self, node: Node, env: Env, targets: Mapping[Value, Target]) -> None:
        """Choose buffers for results that must not overlap with an operand, or one another."""
        used = {env[v] for v in node.inputs}
        for value in node.outputs:
            target = targets.get(value)
            free = target is not None and target.buffer not in used
            env[value] = target.buffer if free else self.arena(value.type, value.name)  # type: ignore
            used.add(env[value])

    def _place_over(self, node: Node, env: Env, targets: Mapping[Value, Target]) -> bool:
        """Let an op that changes part of its first operand change it in place, if it may."""
        if not changes_first(node):
            return False
        target, held = targets.get(node.output), env[node.inputs[0]]
        if target is None or target.buffer is not held:
            return False
        if any(env[v] is held for v in node.inputs[1:]):
            return False
        env[node.output] = held
        return True

    def _library(
        self, node: Node, calls: Sequence[Call], env: Env, targets: Mapping[Value, Target]
    ) -> None:
        changed = self._place_over(node, env, targets)
        if not changed:
            self._place_apart(node, env, targets)
        scratch: dict[Scratch, Buffer] = {}
        for call in calls[changed:]:  # the first one copies what is changed
            row = [self._entry(e, env, scratch) for e in call.row]
            step = self._call(node, call.text, row, env, call.pieces)
            step.failures = (node,)
            step.in_place = (f"%{env[node.output].name}",) if changed else ()

    def _entry(self, entry: Any, env: Env, scratch: dict[Scratch, Buffer]) -> int:
        """The slot of what a library kernel is given."""
        if isinstance(entry, Value):
            return env[entry].slot
        if not isinstance(entry, Scratch):
            return self.plan.number(entry)
        if entry not in scratch:
            scratch[entry] = self._scratch(entry.bytes)
        return self.touch(scratch[entry]).slot

    def _scratch(self, size: DimLike) -> Buffer:
        """Memory that kernels of one node use while they run."""
        return self.touch(self.arena(TensorType(dtypes.uint8, (size,)), "scratch"))

    def _call(
        self, node: Node, text: str, row: Sequence[int], env: Env, pieces: DimLike = 1
    ) -> Step:
        plan = self.plan
        values = tuple((v, self.touch(env[v])) for v in node.inputs)
        results = tuple((v, self.touch(env[v])) for v in node.outputs)
        spread = 0 if pieces == 1 else plan.number(pieces)
        at = plan.program.emit(Op.CALL, plan.kernel(text), plan.program.row(row), spread)
        plan.steps[at] = step = Step("kernel", node, text, "", values, results, pieces=pieces)
        return step

    # --- what Python does ---

    def _host(self, node: Node, env: Env, reason: str) -> None:
        """Let Python do the node with numpy."""
        plan = self.plan
        for value in node.outputs:
            env[value] = plan.buffer("host", value.type, value.name)
        values = tuple((v, self.touch(env[v])) for v in node.inputs)
        step = Step("host", node, "", reason, values, tuple((v, env[v]) for v in node.outputs))
        at = plan.program.emit(Op.HOST, plan.on_host(HostStep("node", step)))
        plan.steps[at] = step
        self.known |= _plain_symbols(node.outputs)

    def bind(self, node: Node, count: int) -> None:
        """Let Python learn the length of a loop's stacks from a slot, and place what needs it."""
        length = node.attrs["length"]
        at = self.plan.program.emit(
            Op.HOST, self.plan.on_host(HostStep("bind", None, length, count))
        )
        self.plan.steps[at] = Step("bind", node, reason=f"{length} is the number of iterations")
        self.known |= dims.symbols(length)

    def grow(self, stack: Buffer, index: int, row: TensorType) -> None:
        """Make sure that a stack has room for row ``index``."""
        capacity = self.plan.new_slot()
        size = self.plan.number(row.size * row.dtype.size)
        step = HostStep("grow", None, None, capacity, size, stack)
        self.plan.program.emit(Op.GROW, index, capacity, self.plan.on_host(step))

    # --- buffers ---

    def arena(self, type: TensorType, name: str) -> Buffer:
        """Memory for a value: in the arena, or its own where its size is known only later."""
        here = self.plan.here
        kind = "arena" if type.symbols <= self.plan.bound else "dynamic"
        return self.plan.buffer(kind, type, name, first=here, last=here)

    def touch(self, buffer: Buffer) -> Buffer:
        buffer.last = max(buffer.last, self.plan.here)
        return buffer

    def copy(self, source: Buffer, target: Buffer) -> None:
        """Copy all bytes of one buffer to another."""
        if source is target:
            return
        size = source.type.size * source.type.dtype.size
        self.touch(source)
        self.touch(target)
        at = self.plan.program.emit(Op.COPY, target.slot, source.slot, self.plan.number(size))
        self.plan.steps[at] = Step("copy", None, reason=f"%{source.name} to %{target.name}")

    def label(self, name: str) -> str:
        self.labels += 1
        return f"{name}{self.labels}"


def _constants(node: Node) -> dict[Value, np.ndarray]:
    """The constants in a node's regions."""
    inner = (n for region in node.regions.values() for n in region.walk())
    return {n.output: n.attrs["value"] for n in inner if n.op is control.constant}


def _is_alias(node: Node) -> bool:
    """Whether the result is the operand's memory in another shape."""
    lower = getattr(node.op, "lower", None)
    return isinstance(lower, Index) and lower.kind in ("reshape", "identity")


def _last_uses(nodes: Sequence[Node], results: Sequence[Value]) -> dict[Value, int]:
    """The last node that reads a value's memory, also through another shape of it."""
    last: dict[Value, int] = dict.fromkeys(results, len(nodes))
    for i, node in reversed(list(enumerate(nodes))):
        until = max([i, *(last.get(v, i) for v in node.outputs)]) if _is_alias(node) else i
        for value in node.inputs:
            last[value] = max(last.get(value, until), until)
    return last


def _dying(
    graph: Graph, node: Node, last_use: Mapping[Value, int], aliased: set[Value], at: int
) -> Iterator[tuple[Value, Value]]:
    """Operands that nobody reads after a kernel, each with a result that may take its place."""
    if node.op is not control.fused:
        return
    free = [v for v in node.outputs if v not in aliased]
    for value in node.inputs:
        # what comes from outside of a region may be read again
        if value not in graph.producer or value in aliased or last_use[value] > at:
            continue
        match = next((v for v in free if v.type == value.type), None)
        if match is not None:
            free.remove(match)
            yield value, match


def _passed_back(
    nodes: Sequence[Node], last_use: Mapping[Value, int], targets: Mapping[Value, Target]
) -> dict[Value, Target]:
    """Where a value is wanted that a row is set in, it is wanted before that as well."""
    extended = dict(targets)
    made = {v for n in nodes for v in n.outputs if n.op is control.if_ or changes_first(n)}
    for i, node in reversed(list(enumerate(nodes))):
        if not changes_first(node) or node.output not in extended:
            continue
        before = node.inputs[0]
        if before in made and last_use[before] == i:
            extended.setdefault(before, extended[node.output])
    return extended


def _fallible_first(graph: Graph, fallible: set[Node]) -> list[Node]:
    """What can fail, and what it needs, first; otherwise program order."""
    early: set[Node] = set()
    todo = list(fallible)
    while todo:
        node = todo.pop()
        if node not in early:
            early.add(node)
            todo.extend(p for v in node.inputs if (p := graph.producer.get(v)) is not None)
    rest = [n for n in graph.nodes if n not in early]
    return [n for n in graph.nodes if n in early] + rest


def _plain_symbols(values: Sequence[Value]) -> frozenset[str]:
    """The symbols that can be read off the values' shapes."""
    return frozenset(
        str(d)
        for v in values
        for d in v.type.shape
        if isinstance(d, Dim) and d == dims.symbol(str(d))
    )


def _why_host(node: Node, known: frozenset[str]) -> str:
    op: Any = node.op
    if node.regions:
        return "a region whose sizes change while it runs"
    if isinstance(op.lower, Host):
        return op.lower.reason
    symbols = frozenset().union(*(v.type.symbols for v in (*node.inputs, *node.outputs)))
    if not symbols <= known:
        return "its size is known only when it runs"
    return f"{op.name} has no kernel for these types" if op.lower else f"{op.name} has no kernel"
