"""Staged branches: both are traced, and what they give to names is joined."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from graphc.ops import ops
from graphc.trace import staging
from graphc.trace.control_values import (
    NEXT,
    RETURN,
    UNDEFINED,
    Exits,
    Join,
    Never,
    Outcome,
    State,
    condition,
    fill,
    group,
    here,
    kind_of,
    kinds_of,
    outcome_of,
    payloads_of,
    without,
)
from graphc.trace.staging import Region
from graphc.trace.state import located

Block = Callable[..., Outcome]
MARK = "__graphc_raised__"  # on exceptions that a converted `raise` statement raised


def traced(block: Callable[[], Outcome]) -> Outcome:
    """Run a block inside a region; an exception of a `raise` statement becomes a check."""
    try:
        return block()
    except Exception as error:
        if not getattr(error, MARK, False):
            raise
        staging.emit_assert(staging.constant(False), type(error), error.args)
        return Never(error)


def staged_if(
    test: Any, then: Block, other: Block | None, state: State, names: Sequence[str],
    rest: Block | None = None,
) -> Outcome:  # fmt: skip
    """An `if` on a tensor."""
    other = other or (lambda *given: given[: len(names)])
    pred, loc = condition(test, "`if`"), here()
    with staging.region("then") as then_r:
        first = traced(lambda: then(*state))
    with staging.region("else") as else_r:
        second = traced(lambda: other(*state))
    if rest is not None:
        first, second, rest = _rest_inside(then_r, first, else_r, second, rest)
    merged = merge(pred, then_r, first, else_r, second, names, loc)
    return merged if rest is None else resume(merged, rest)


def _rest_inside(
    then_r: Region, first: Outcome, else_r: Region, second: Outcome, rest: Block
) -> tuple[Outcome, Outcome, Block | None]:
    """Where only one branch goes on, what follows belongs to that branch."""
    goes_on = [NEXT in kinds_of(first), NEXT in kinds_of(second)]
    if all(goes_on):
        return first, second, rest
    if goes_on[0]:
        with staging.reopen(then_r):
            first = traced(lambda: resume(first, rest))
    if goes_on[1]:
        with staging.reopen(else_r):
            second = traced(lambda: resume(second, rest))
    return first, second, None


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
    with staging.region("then") as then_r:
        first = traced(lambda: go_on(*payload))
    with staging.region("else") as else_r:
        pass
    return merge(pred, then_r, first, else_r, others, (), here())


def merge(
    pred: Any, then_r: Region, first: Outcome, else_r: Region, second: Outcome,
    names: Sequence[str], loc: Any,
) -> Outcome:  # fmt: skip
    """Emit the `if` of two traced branches and give back its outcome."""
    kinds = kinds_of(first) | kinds_of(second)
    join = Join(then_r, else_r, loc)
    a, b = payloads_of(first), payloads_of(second)
    templates = {}
    for g in sorted({*a, *b}):
        known = ("the returned value",) if g == RETURN else names
        templates[g] = join.values(a.get(g), b.get(g), known)
    kind = join.value(kind_of(first), kind_of(second), "exit")
    results: list[Any] = []
    if join.left or _acts(then_r) or _acts(else_r):
        with located(loc):
            results = staging.emit_if(pred, then_r, join.left, else_r, join.right, join.names)
    if not kinds:
        raise second.exception  # whatever the condition, this point is not reached
    filled = {g: tuple(fill(t, results) for t in template) for g, template in templates.items()}
    return outcome_of(fill(kind, results), kinds, filled)


def _acts(region: Region) -> bool:
    """Whether a region that gives no values still does something."""
    written = any(held.written for held in region.variables.values())
    return written or any(
        node.op.effect or node.op.can_fail or node.regions for node in region.nodes
    )


def choose(test: Any, then: Callable[[], Any], other: Callable[[], Any], what: str) -> Any:
    """A ternary on a tensor."""
    result = staged_if(test, lambda: (then(),), lambda: (other(),), (), (what,))
    return result[0]


__all__ = ["UNDEFINED", "choose", "merge", "resume", "split", "staged_if", "traced"]
