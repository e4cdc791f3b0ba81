"""Control flow as jumps: regions are emitted in place, into one program.

Carried values have a buffer each for the whole loop; scanned and stacked tensors are windows that
move with the iteration.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from graphc.ir.dims import symbols
from graphc.ir.graph import Graph, Node, Value
from graphc.ir.types import TensorType
from graphc.ops import control
from graphc.runtime.driver import Op
from graphc.runtime.plan import Buffer, Env, Target

if TYPE_CHECKING:
    from graphc.runtime.planner import Planner


def fits(node: Node, known: frozenset[str]) -> bool:
    """Whether the sizes inside a region node are known when it starts, but a stack's length."""
    length = node.attrs.get("length")
    told = known | (symbols(length) if length is not None else frozenset())
    if not all(v.type.symbols <= told for v in (*node.inputs, *node.outputs)):
        return False
    for region in node.regions.values():
        values = (*region.inputs, *region.outputs)
        if not all(v.type.symbols <= known and v.type.dtype.size for v in values):
            return False
    return True


def emit(planner: Planner, node: Node, env: Env, targets: Mapping[Value, Target]) -> None:
    """Emit a node with regions; of their results those of an `if` may be wanted in a place."""
    if node.op is control.if_:
        _if(planner, node, env, targets)
        return
    rule = {control.while_: _while, control.for_: _for}.get(node.op, _call)
    rule(planner, node, env)


def _call(planner: Planner, node: Node, env: Env) -> None:
    region = node.regions["body"]
    inner = dict(zip(region.inputs, (env[v] for v in node.inputs), strict=True))
    planner.emit(region, inner, {})
    for value, result in zip(node.outputs, region.outputs, strict=True):
        env[value] = inner[result]


def _if(planner: Planner, node: Node, env: Env, targets: Mapping[Value, Target]) -> None:
    program = planner.plan.program
    pred, *operands = node.inputs
    kept = _changed_in_place(node, env, targets)
    results = [kept.get(v) or planner.arena(v.type, v.name) for v in node.outputs]
    other, end = planner.label("else"), planner.label("endif")
    program.emit(Op.JUMP_FALSE, other, planner.touch(env[pred]).slot)
    for label in ("then", "else"):
        region = node.regions[label]
        inner = dict(zip(region.inputs, (env[v] for v in operands), strict=True))
        olds = [_parameter(inner, buffer) for buffer in results]
        planner.emit(region, inner, _wanted(region, region.outputs, results, olds))
        _move(planner, [inner[v] for v in region.outputs], results)
        if label == "then":
            program.emit(Op.JUMP, end)
            program.label(other)
    program.label(end)
    for value in operands:
        planner.touch(env[value])
    for value, buffer in zip(node.outputs, results, strict=True):
        env[value] = planner.touch(buffer)


def _changed_in_place(node: Node, env: Env, targets: Mapping[Value, Target]) -> dict[Value, Buffer]:
    """Results of an `if` that are wanted where one of its operands is: an array that one branch
    sets a row of need not be copied in the other.
    """
    held = [env[v] for v in node.inputs]
    wanted = {v: targets[v].buffer for v in node.outputs if v in targets}
    return {v: b for v, b in wanted.items() if held.count(b) == 1 and b.type == v.type}


def _parameter(inner: Env, buffer: Buffer) -> Value | None:
    """The parameter of a region that lives in a buffer."""
    return next((v for v, b in inner.items() if b is buffer), None)


def _move(planner: Planner, sources: Sequence[Buffer], targets: Sequence[Buffer]) -> None:
    """Copy buffers to others, all at once."""
    moved = []
    for source, target in zip(sources, targets, strict=True):
        if source is not target and any(source is b for b in targets):
            held = planner.arena(source.type, source.name)  # it is about to change
            planner.copy(source, held)
            source = held
        moved.append((source, target))
    for source, target in moved:
        planner.copy(source, target)


def _wanted(
    region: Graph,
    values: Sequence[Value],
    buffers: Sequence[Buffer],
    olds: Sequence[Value | None] = (),
) -> dict[Value, Target]:
    """Where a region's results should be computed: those that are not results twice, or given."""
    given = olds or [None] * len(values)
    return {
        v: Target(b, old)
        for v, b, old in zip(values, buffers, given, strict=True)
        if region.outputs.count(v) == 1 and v not in region.inputs
    }


# --- loops ----------------------------------------------------------------------------------------


def _while(planner: Planner, node: Node, env: Env) -> None:
    plan, program, k = planner.plan, planner.plan.program, node.attrs["carried"]
    cond, body = node.regions["cond"], node.regions["body"]
    rows = body.outputs[k:]
    carried = _start(planner, env, node.inputs[:k])
    fixed = [env[v] for v in node.inputs[k:]]
    at = plan.new_slot()
    program.emit(Op.SET, at, 0)
    stacks = [_growing(planner, v) for v in node.outputs[k : k + len(rows)]]
    start = plan.here
    again, end = planner.label("while"), planner.label("endwhile")
    program.label(again)
    inner = dict(zip(cond.inputs, [*carried, *fixed], strict=True))
    planner.emit(cond, inner, {})
    program.emit(Op.JUMP_FALSE, end, planner.touch(inner[cond.outputs[0]]).slot)
    for stack, value in zip(stacks, rows, strict=True):
        planner.grow(stack, at, value.type)
    windows = [_window(planner, b, at, v.type) for b, v in zip(stacks, rows, strict=True)]
    inner = dict(zip(body.inputs, [*carried, *fixed], strict=True))
    _iteration(planner, body, inner, carried, body.inputs[:k], windows)
    program.emit(Op.ADD, at, 1)
    program.emit(Op.JUMP, again)
    program.label(end)
    results = [*carried, *stacks]
    if node.attrs.get("count"):
        results.append(planner.arena(node.outputs[-1].type, "count"))
        program.emit(Op.STORE, planner.touch(results[-1]).slot, at, 4)
    _close_loop(planner, start, [*carried, *fixed])
    if rows:
        planner.bind(node, at)
    env.update(zip(node.outputs, results, strict=True))


def _growing(planner: Planner, value: Value) -> Buffer:
    return planner.plan.buffer("growing", value.type, value.name)


def learn_length(planner: Planner, node: Node, env: Env) -> None:
    """Let the number of iterations of a `for` be the length of its stacks, if that is not known."""
    rows = node.outputs[node.attrs["carried"] :] if node.op is control.for_ else ()
    if rows and not planner.knows(rows[0].type):
        count = planner.plan.new_slot()
        planner.plan.program.emit(Op.LOAD, count, planner.touch(env[node.inputs[0]]).slot, 4)
        planner.bind(node, count)


def _for(planner: Planner, node: Node, env: Env) -> None:
    plan, program, attrs, body = (
        planner.plan,
        planner.plan.program,
        node.attrs,
        node.regions["body"],
    )
    k, j, reverse = attrs["carried"], attrs["scanned"], attrs["reverse"]
    rows = body.outputs[k:]
    trips, fixed = env[node.inputs[0]], [env[v] for v in node.inputs[1 + k + j :]]
    count, at = plan.new_slot(), plan.new_slot()
    program.emit(Op.LOAD, count, planner.touch(trips).slot, 4)
    carried = _start(planner, env, node.inputs[1 : 1 + k])
    stacks = [planner.arena(v.type, v.name) for v in node.outputs[k:]]
    index = planner.arena(body.inputs[0].type, "i")
    program.emit(Op.MOVE if reverse else Op.SET, at, count if reverse else 0)
    start = plan.here
    again, end = planner.label("for"), planner.label("endfor")
    program.label(again)
    if reverse:
        program.emit(Op.ADD, at, -1)
        program.emit(Op.JUMP_LT, end, at, plan.number(0))
    else:
        program.emit(Op.JUMP_GE, end, at, count)
    program.emit(Op.STORE, index.slot, at, 4)
    sources = [env[v] for v in node.inputs[1 + k : 1 + k + j]]
    params = body.inputs[1 + k : 1 + k + j]
    scanned = [_window(planner, b, at, v.type) for b, v in zip(sources, params, strict=True)]
    windows = [_window(planner, b, at, v.type) for b, v in zip(stacks, rows, strict=True)]
    inner = dict(zip(body.inputs, [index, *carried, *scanned, *fixed], strict=True))
    _iteration(planner, body, inner, carried, body.inputs[1 : 1 + k], windows)
    if not reverse:
        program.emit(Op.ADD, at, 1)
    program.emit(Op.JUMP, again)
    program.label(end)
    _close_loop(planner, start, [*carried, *fixed, *sources, *stacks, index])
    env.update(zip(node.outputs, [*carried, *stacks], strict=True))


def _start(planner: Planner, env: Env, values: Sequence[Value]) -> list[Buffer]:
    """Buffers for the carried values, holding their first ones."""
    made = []
    for value in values:
        buffer = planner.arena(value.type, value.name)
        planner.copy(env[value], buffer)
        made.append(buffer)
    return made


def _window(planner: Planner, stack: Buffer, index: int, type: TensorType) -> Buffer:
    """A window on row ``index`` of a stack; its slot is set anew in each iteration."""
    plan = planner.plan
    window = plan.buffer("moving", type, stack.name)
    step = plan.number(type.size * type.dtype.size)
    plan.program.emit(
        Op.OFFSET, window.slot, planner.touch(stack).slot, plan.program.row([index, step])
    )
    return window


def _iteration(
    planner: Planner,
    body: Graph,
    inner: Env,
    carried: Sequence[Buffer],
    params: Sequence[Value],
    windows: Sequence[Buffer],
) -> None:
    """One pass of a loop's body, ending with the new carried values in their buffers."""
    k, results = len(carried), body.outputs
    targets = _wanted(body, results[:k], carried, params)
    targets.update(_wanted(body, results[k:], windows))
    planner.emit(body, inner, targets)
    for value, row in zip(results[k:], windows, strict=True):
        planner.copy(inner[value], row)
    _move(planner, [inner[v] for v in results[:k]], carried)


def _close_loop(planner: Planner, start: int, used: Sequence[Buffer]) -> None:
    """What a loop touches stays alive until the loop ends."""
    end = planner.plan.here
    for buffer in used:
        planner.touch(buffer)
    for buffer in planner.plan.buffers:
        if buffer.kind == "arena" and buffer.last >= start:
            buffer.last = max(buffer.last, end)
            if buffer.first >= start:
                buffer.first = start
