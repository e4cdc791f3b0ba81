"""Staged branches: both are traced, and what they give to names is joined."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphc.errors import StagingError
from graphc.ir.graph import Graph
from graphc.ops import control, ops
from graphc.trace import staging
from graphc.trace.control_join import Join, assumption, at_run_time, fill, is_own, narrowed
from graphc.trace.control_lists import grown_apart, join_lists
from graphc.trace.control_values import (
    ABSENT,
    NEXT,
    RETURN,
    Exits,
    Never,
    Outcome,
    State,
    condition,
    group,
    here,
    kind_of,
    kinds_of,
    outcome_of,
    payloads_of,
    without,
)
from graphc.trace.control_watch import Contents, Watch
from graphc.trace.replay import replay
from graphc.trace.staging import Region
from graphc.trace.state import NeedsValue, current, located, user_frame
from graphc.trace.tensor import SymbolicTensor

Block = Callable[..., Outcome]
_NOTHING: Mapping[Any, Any] = {}


def traced(block: Callable[[], Outcome]) -> Outcome:
    """Run a block inside a region; an exception of the program's own becomes a check.

    A loop's body is traced with carried values that may not be the last ones yet: what a branch
    says of them is kept as a doubt, and raised if the last round says it too.
    """
    try:
        return block()
    except Exception as error:
        if is_own(error):
            return at_run_time(error)
        around = current.tracer.parent  # type: ignore[union-attr]
        while around is not None and around.doubts is None:
            around = around.parent
        if around is None:
            raise
        around.doubts.append(error)
        return Never(error)


@dataclass
class Branch:
    """A traced branch: its region, how it was left, and the containers it changed."""

    region: Region
    outcome: Outcome
    contents: Contents


def branch(
    label: str, watch: Watch, block: Callable[[], Outcome], known: Mapping[Any, Any] = _NOTHING
) -> Branch:
    """Trace a branch, with what is ``known`` of choices; containers are left as they were."""
    with staging.region(label) as region:
        region.assumed.update(known)
        try:
            outcome = traced(block)
            if type(outcome) is tuple:
                outcome = tuple(map(narrowed, outcome))
        except RecursionError:
            error = StagingError(
                f"the recursion of {_caller()}() through the `if` at {here()} does not end while it"
                " is traced: whether it goes on depends on a tensor. Use a loop"
            )
            host = current.tracer.root.host  # type: ignore[union-attr]
            raise error if host is None else NeedsValue(error) from None
    made = Branch(region, outcome, watch.changed())
    watch.reset()
    return made


def _caller() -> str:
    frame = user_frame()
    return "a function" if frame is None else frame.f_code.co_name


def staged_if(
    test: Any, then: Block, other: Block | None, state: State, names: Sequence[str],
    rest: Block | None = None,
) -> Outcome:  # fmt: skip
    """An `if` on a tensor."""
    other = other or (lambda *given: given[: len(names)])
    pred, loc = condition(test, "`if`"), here()
    watch = Watch((then, other, rest), state)
    first = branch("then", watch, lambda: then(*state), assumption(test, True))
    second = branch("else", watch, lambda: other(*state), assumption(test, False))
    if rest is not None and _rest_inside(first, second, watch, rest):
        rest = None
    merged = merge(pred, first, second, names, watch, loc)
    return merged if rest is None else resume(merged, rest)


def _rest_inside(first: Branch, second: Branch, watch: Watch, rest: Block) -> bool:
    """Where only one branch goes on, what follows belongs to that branch."""
    if all(NEXT in kinds_of(b.outcome) for b in (first, second)):
        return False
    for b in (first, second):
        if NEXT in kinds_of(b.outcome):
            watch.put(b.contents)
            with staging.reopen(b.region):
                b.outcome = traced(lambda b=b: resume(b.outcome, rest))
            b.contents = watch.changed()
            watch.reset()
    return True


def resume(outcome: Outcome, rest: Block | None) -> Outcome:
    """Run what follows a statement if the statement did not leave the block."""
    if rest is None:
        return outcome
    if type(outcome) is tuple:
        return rest(*outcome)
    if not isinstance(outcome, Exits) or NEXT not in outcome.kinds:
        return outcome
    return split(outcome, NEXT, rest, without(outcome, NEXT))


def split(outcome: Exits, kind: int, go_on: Block, others: Outcome) -> Outcome:
    """Stage ``go_on`` where the outcome is of a kind; elsewhere it is ``others``."""
    pred = ops.equal(outcome.kind, kind)
    payload = outcome.payloads[group(kind)]
    watch = Watch((go_on,), payload)
    first = branch("then", watch, lambda: go_on(*payload))
    second = branch("else", watch, lambda: others)
    return merge(pred, first, second, (), watch, here())


def merge(
    pred: Any, first: Branch, second: Branch, names: Sequence[str], watch: Watch, loc: Any
) -> Outcome:
    """Emit the `if` of two traced branches and give back its outcome."""
    kinds = kinds_of(first.outcome) | kinds_of(second.outcome)
    join = Join(first.region, second.region, loc)
    a, b = payloads_of(first.outcome), payloads_of(second.outcome)
    templates = {}
    for g in sorted({*a, *b}):
        known = ("the returned value",) if g == RETURN else names
        templates[g] = join.values(a.get(g), b.get(g), known)
    kind = join.value(kind_of(first.outcome), kind_of(second.outcome), "exit")
    contents = _contents(join, first, second, watch)
    results: list[Any] = []
    if join.left or _acts(first.region) or _acts(second.region):
        with located(loc):
            results = staging.emit_if(
                pred, first.region, join.left, second.region, join.right, join.names
            )
    if not kinds:
        raise second.outcome.exception  # whatever the condition, this point is not reached
    watch.put({i: fill(t, results) for i, t in contents.items()})
    filled = {g: tuple(fill(t, results) for t in template) for g, template in templates.items()}
    return outcome_of(fill(kind, results), kinds, filled)


def _contents(join: Join, first: Branch, second: Branch, watch: Watch) -> Contents:
    """What changed containers hold after either branch."""
    found = {}
    for i in sorted({*first.contents, *second.contents}):
        sides = [
            ABSENT if isinstance(b.outcome, Never) else b.contents.get(i, watch.start[i])
            for b in (first, second)
        ]
        watch.level(i, *(s for s in sides if s is not ABSENT))
        if grown_apart(*sides, watch.container(i)):
            found[i] = join_lists(join, watch.start[i], *sides, f"the list {watch.label(i)!r}")
        else:
            found[i] = join.value(*sides, watch.label(i))
    return found


def _acts(region: Region) -> bool:
    """Whether a region that gives no values still does something."""
    written = any(held.written for held in region.variables.values())
    return written or any(
        node.op.effect or node.op.can_fail or node.regions for node in region.nodes
    )


def is_plain(region: Region) -> bool:
    """Whether running a region where it is not needed costs little and does nothing else."""
    written = any(held.written for held in region.variables.values())
    return not written and all(n.op.elementwise or n.op is control.constant for n in region.nodes)


def inline(region: Region, value: Any) -> Any:
    """Move a region without parameters into the trace around it; gives its value there."""
    if not isinstance(value, SymbolicTensor) or value.tracer is not region:
        return value
    tracer = region.parent
    assert tracer is not None
    taken = [(inner, outer) for outer, inner in region.captures.values()]
    taken += [(h.entry, tracer.read(region.root.objects[k])) for k, h in region.variables.items()]
    inputs = tuple(inner.value for inner, _ in taken)
    graph = Graph(region.name, inputs, tuple(region.nodes), (value.value,))
    return replay(graph, [outer for _, outer in taken])[0]


def choose(test: Any, then: Callable[[], Any], other: Callable[[], Any]) -> Any:
    """A ternary on a tensor."""
    result = staged_if(test, lambda: (then(),), lambda: (other(),), (), ("the result",))
    return result[0]
