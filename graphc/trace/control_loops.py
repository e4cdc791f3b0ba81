"""Staged loops: `while`, `for` and loops that begin in Python and meet a tensor on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

from graphc.ir import dtypes
from graphc.ir.types import TensorType
from graphc.ops import ops
from graphc.trace import staging
from graphc.trace.control_carry import Carry
from graphc.trace.control_if import branch, merge, resume, split, traced
from graphc.trace.control_iter import Sequence_, TensorRange
from graphc.trace.control_lists import Growth
from graphc.trace.control_values import (
    ABSENT,
    CONTINUE,
    LOOP,
    NEXT,
    RETURN,
    Exit,
    Exits,
    Outcome,
    State,
    condition,
    here,
    kind_of,
    kinds_of,
    outcome_of,
    payloads_of,
    without,
)
from graphc.trace.control_watch import Watch
from graphc.trace.dispatch import convert_to_tensor
from graphc.trace.growing import GrowingList, only_grows
from graphc.trace.rows import Room, Tracked
from graphc.trace.state import located
from graphc.trace.streams import Stream
from graphc.trace.variable import Variable

Block = Callable[..., Outcome]
Step = Callable[[State], Any]
UNROLL = 16  # a Python `range` that meets a tensor exit is staged if more iterations remain


@dataclass(frozen=True)
class Loop:
    """A loop statement."""

    body: Block
    names: tuple[str, ...]
    test: Block | None = None
    otherwise: Block | None = None
    rest: Block | None = None
    limit: list[Any] = field(default_factory=list)  # the most iterations, if that is set
    # names that containers, by number, get in the body
    expected: dict[int, set[str]] = field(default_factory=dict)

    def finish(self, outcome: Outcome) -> Outcome:
        """What follows the loop: its `else`, then the rest of the block."""
        return resume(self._after(outcome), self.rest)

    def _after(self, outcome: Outcome) -> Outcome:
        if isinstance(outcome, Exits):
            return self._after_staged(outcome)
        if outcome.kind == RETURN:
            return outcome
        ended = outcome.kind == CONTINUE and self.otherwise is not None
        return self.otherwise(*outcome.state) if ended else outcome.state  # type: ignore[misc]

    def _after_staged(self, outcome: Exits) -> Outcome:
        if self.otherwise is not None and CONTINUE in outcome.kinds:
            left = without(outcome, CONTINUE)
            others = _ended(left) if isinstance(left, Exits) else self._after(left)
            return split(outcome, CONTINUE, self.otherwise, others)
        return _ended(outcome)


def _ended(outcome: Exits) -> Outcome:
    """A loop that was left by `break` or came to its end goes on with what follows."""
    kinds = frozenset(RETURN if k == RETURN else NEXT for k in outcome.kinds)
    payloads = {NEXT: outcome.payloads[LOOP]}
    if RETURN not in kinds:
        return payloads[NEXT]
    payloads[RETURN] = outcome.payloads[RETURN]
    returned = ops.equal(outcome.kind, RETURN)
    kind = ops.select(returned, staging.constant(RETURN), staging.constant(NEXT))
    return outcome_of(kind, kinds, payloads)


# --- loops that Python runs -----------------------------------------------------------------------


def python_while(loop: Loop, state: State) -> Outcome:
    """Run iterations until the test fails, or becomes a tensor."""
    test, body = loop.test, loop.body
    assert test is not None
    while True:
        flag = _value(test(*state))
        if staging.is_symbolic(flag):
            return loop.finish(stage_while(loop, Exit(CONTINUE, state)))
        if not flag:
            return loop.finish(Exit(CONTINUE, state))
        outcome = body(*state)
        if type(outcome) is tuple:
            state = outcome
        elif isinstance(outcome, Exits):
            return loop.finish(stage_while(loop, outcome))
        elif outcome.kind == CONTINUE:
            state = outcome.state
        else:
            return loop.finish(outcome)


def python_for(loop: Loop, items: Any, state: State) -> Outcome:
    """Run the body for each item of a Python iterable."""
    return loop.finish(_each(loop, items, iter(items), 0, state))


def _each(loop: Loop, items: Any, left: Iterator[Any], done: int, state: State) -> Outcome:
    """The iterations that are left; after an exit that depends on a tensor they are staged."""
    body = loop.body
    for item in left:
        outcome = body(item, *state)
        done += 1
        if type(outcome) is tuple:
            state = outcome
        elif isinstance(outcome, Exits):
            if CONTINUE not in outcome.kinds:
                return outcome
            if isinstance(items, range) and len(items) - done > UNROLL:
                return stage_for(loop, TensorRange(*_remaining(items, done)), outcome)
            return _conditionally(loop, items, left, done, outcome)
        elif outcome.kind == CONTINUE:
            state = outcome.state
        else:
            return outcome
    return Exit(CONTINUE, state)


def _remaining(items: range, done: int) -> tuple[int, int, int]:
    rest = items[done:]
    return rest.start, rest.stop, rest.step


def _conditionally(
    loop: Loop, items: Any, left: Iterator[Any], done: int, outcome: Exits
) -> Outcome:
    """The next iterations, where the loop has not been left."""
    return split(
        outcome, CONTINUE, lambda *state: _each(loop, items, left, done, state),
        without(outcome, CONTINUE),
    )  # fmt: skip


# --- loops in the graph ---------------------------------------------------------------------------


class _Changes(Exception):
    """A loop's body changes containers that it does not carry yet; their numbers."""


class _Staged:
    """A loop being staged: how it was left, the returned value, an index, its names, and what the
    containers hold that its body changes.
    """

    def __init__(
        self, loop: Loop, start: Outcome, index: Any, changing: tuple[int, ...],
        entered: list[Tracked],
    ) -> None:  # fmt: skip
        self.loop, self.loc = loop, here()
        counted = index is None and loop.test is None
        self.kinds = {CONTINUE, *kinds_of(start)}
        self.count = len(loop.names)
        self.newly_limited = False
        self.endless = False  # the test always holds: only the body ends the loop
        values = payloads_of(start).get(LOOP, ())
        self.watch = Watch((loop.body, loop.test), values, loop.expected)
        self.changing = changing
        entered += self.watch.enter(changing, counted)
        self.growable = self.watch.growable(changing)
        self.rooms: list[Room] = []  # one for each of these, if the loop is counted
        self.appended: dict[int, list[Any]] = {}  # what an iteration adds to lists' ends
        names = ("exit", "the returned value", "i", *loop.names, *map(self.watch.label, changing))
        self.carry = Carry(names, self._state(start, index), self.loc)

    def _state(self, outcome: Outcome, index: Any) -> State:
        """The carried values where an iteration ended like this."""
        if type(outcome) is tuple:
            outcome = Exit(CONTINUE, outcome)
        self.kinds |= kinds_of(outcome)
        payloads = payloads_of(outcome)
        own = payloads.get(LOOP, (ABSENT,) * self.count)
        contents = self.watch.contents()
        held = (contents[i] for i in self.changing)
        return (kind_of(outcome), payloads.get(RETURN, ABSENT), index, *own, *held)

    def own(self, values: State) -> State:
        """The loop's names among the carried values; containers get what is carried for them."""
        last = 3 + self.count
        self.watch.put(dict(zip(self.changing, values[last:], strict=True)))
        return values[3:last]

    def iterate(self, values: State, item: tuple[Any, ...] = (), index: Any = None) -> State:
        """Trace the body once; what it does not touch stays as it was."""
        own = self.own(values)
        self.reads = self.watch.reads()
        with ExitStack() as stack:
            for held, room in zip_longest(self.growable, self.rooms):
                stack.enter_context(held.adding(room))
            outcome = traced(lambda: self.loop.body(*item, *own))
        new = self.watch.new_names()
        for i, names in new.items():
            self.loop.expected.setdefault(i, set()).update(names)
        after = self._state(outcome, index)
        changed = {i: c for i, c in self.watch.changed().items() if i not in self.changing}
        self.watch.reset()
        if self.newly_limited or new:
            raise _Changes(self.changing)
        for i, held in changed.items():
            if not only_grows(self.watch.start[i], held):
                raise _Changes((*self.changing, i))
        self._check_reads(changed)
        self.appended = {i: c[len(self.watch.start[i]) :] for i, c in changed.items()}
        return tuple(b if a is ABSENT else a for a, b in zip(after, values, strict=True))

    def set_limit(self, iterations: Any) -> None:
        """The body says how often it runs at most."""
        if not self.loop.limit:
            self.loop.limit.append(iterations)
            self.newly_limited = True

    def _check_reads(self, growing: Iterable[int]) -> None:
        """A list that grows may not be read, unless it is carried."""
        for i, count in self.watch.reads().items():
            if i in growing and count != self.reads[i]:
                raise _Changes((*self.changing, i))

    def growth(self) -> Growth:
        """What lists grow by, in the body's region."""
        growth = Growth(self.watch, self.appended, self.loc)
        stretched = growth.stretched()
        if stretched:
            raise _Changes((*self.changing, *stretched))
        return growth

    def outcome(self, values: State) -> Outcome:
        """How the loop ended, from its last carried values."""
        own = self.own(values)
        kind, returned = values[:2]
        payloads = {LOOP: own}
        if returned is not ABSENT:
            payloads[RETURN] = returned
        kinds = frozenset(self.kinds)
        if self.endless and len(kinds) > 1:
            kinds -= {CONTINUE}
        return outcome_of(kind, kinds, payloads)

    def emit_while(self, test: Step, step: Callable[[State], State]) -> Outcome:
        """Trace until the carried types are stable, then emit."""
        carry = self.carry
        while True:
            types, labels = carry.types(), carry.labels()
            with staging.region("body", types, labels) as body_r:
                body_r.doubts, body_r.loop = [], self
                after = step(carry.state(body_r.params))
            if carry.settles(after, body_r.doubts):
                break
        with staging.reopen(body_r):
            outputs = carry.outputs(after)
            growth = self.growth()
            rows = growth.stacked()
        with staging.region("cond", types, labels) as cond_r:
            flag = self._test(carry.state(cond_r.params), test)
        self._check_reads(self.appended)
        with located(self.loc):
            results = staging.emit_while(
                carry.initial(), cond_r, flag, body_r, outputs, labels, stacked=rows
            )
            outcome = self.outcome(carry.after(results[: len(types)], self.endless))
            growth.extend(results[len(types) :], None)
        return outcome

    def _test(self, values: State, test: Step) -> Any:
        """The loop's condition: it was not left, and the test holds."""
        if not staging.is_symbolic(values[0]):
            flag = _flag(test(values))
            self.endless = flag is True
            return flag
        watch = Watch(())
        found = branch("then", watch, lambda: (_flag(test(values)),))
        (flag,) = found.outcome
        self.endless = flag is True
        on = ops.equal(values[0], CONTINUE)
        if self.endless:
            return on
        other = branch("else", watch, lambda: (False,))
        (result,) = merge(on, found, other, ("test",), watch, self.loc)
        return result


def _value(test: Any) -> Any:
    """What a test says where it is a Variable, or a list of unknown length."""
    if isinstance(test, GrowingList) and not test.is_known:
        return ops.greater(test.length(), 0)
    return test.value() if isinstance(test, Variable) else test


def _flag(test: Any) -> Any:
    test = _value(test)
    return condition(test, "`while`") if staging.is_symbolic(test) else bool(test)


def _with_changes(stage: Callable[[tuple[int, ...], list[Tracked]], Outcome]) -> Outcome:
    """Stage a loop, again for each container that turns out to change."""
    changing: tuple[int, ...] = ()
    entered: list[Tracked] = []
    while True:
        try:
            outcome = stage(changing, entered)
        except _Changes as found:
            changing = found.args[0]
            continue
        for container in entered:
            container.leave()
        return outcome


def stage_while(loop: Loop, start: Outcome) -> Outcome:
    """A `while` in the graph; ``start`` is how the last iteration in Python ended."""
    test = loop.test
    assert test is not None

    def stage(changing: tuple[int, ...], entered: list[Tracked]) -> Outcome:
        index = staging.constant(0, dtypes.int32) if loop.limit else None
        staged = _Staged(loop, start, index, changing, entered)

        def go_on(values: State) -> Any:
            flag = test(*staged.own(values))
            if not loop.limit:
                return flag
            return ops.logical_and(ops.less(values[2], _limit(loop)), _flag(flag))

        def step(values: State) -> State:
            return staged.iterate(values, index=None if index is None else values[2] + 1)

        return staged.emit_while(go_on, step)

    return _with_changes(stage)


def stage_for(loop: Loop, items: Sequence_ | Stream, start: Outcome) -> Outcome:
    """A `for` in the graph: counted, or a `while` if the body may leave it."""
    if isinstance(items, Stream):
        at = items.start()
        return _with_changes(
            lambda changing, entered: _stage_stream(loop, items, at, start, changing, entered)
        )
    length = items.length()
    if length.dtype is not dtypes.int32:
        length = ops.cast(length, dtype=dtypes.int32)
    return _with_changes(
        lambda changing, entered: _stage_for(loop, items, length, start, changing, entered)
    )


def _stage_for(
    loop: Loop, items: Sequence_, length: Any, start: Outcome, changing: tuple[int, ...],
    entered: list[Tracked],
) -> Outcome:  # fmt: skip
    if loop.limit:
        length = ops.minimum(length, _limit(loop))
    if kinds_of(start) == {CONTINUE}:
        found = _counted(_Staged(loop, start, None, changing, entered), items, length)
        if found is not None:
            return found
    staged = _Staged(loop, start, staging.constant(0, dtypes.int32), changing, entered)

    def step(values: State) -> State:
        index = values[2]
        return staged.iterate(values, (items.item(index, []),), index + 1)

    return staged.emit_while(lambda values: ops.less(values[2], length), step)


def _stage_stream(
    loop: Loop, items: Stream, at: Any, start: Outcome, changing: tuple[int, ...],
    entered: list[Tracked],
) -> Outcome:  # fmt: skip
    """A `while` that takes the next item of a pass in its test, unless the body has left it."""
    staged = _Staged(loop, start, staging.constant(0, dtypes.int32), changing, entered)

    def go_on(values: State) -> Any:
        more = items.advance(at)
        return ops.logical_and(ops.less(values[2], _limit(loop)), more) if loop.limit else more

    def step(values: State) -> State:
        return staged.iterate(values, (items.current(at),), values[2] + 1)

    return staged.emit_while(go_on, step)


def _limit(loop: Loop) -> Any:
    return ops.cast(convert_to_tensor(loop.limit[0]), dtype=dtypes.int32)


def _counted(staged: _Staged, items: Sequence_, length: Any) -> Outcome | None:
    """A counted loop; None if its body turns out to leave it."""
    carry, scanned = staged.carry, items.scanned()
    rows = [TensorType(t.dtype, tuple(t.dims[1:])) for t in scanned]
    while True:
        types, labels = carry.types(), carry.labels()
        params = [TensorType(dtypes.int32), *types, *rows]
        named = ["i", *labels, *["row"] * len(rows)]
        with staging.region("body", params, named) as body_r:
            body_r.doubts, body_r.loop = [], staged
            index, *tensors = body_r.params
            staged.rooms = [Room(index) for _ in staged.growable]
            item = items.item(index, tensors[len(types) :])
            after = staged.iterate(carry.state(tensors[: len(types)]), (item,))
        if staged.kinds != {CONTINUE}:
            return None
        if carry.settles(after, body_r.doubts):
            break
    count = _known(length)
    with staging.reopen(body_r):
        outputs = carry.outputs(after)
        growth = staged.growth()
        stacked = growth.stacked()
    with located(staged.loc):
        for held, room in zip(staged.growable, staged.rooms, strict=True):
            if not held.settle(room, length):
                raise _Changes(staged.changing)
        results = staging.emit_for(
            length, carry.initial(), body_r, outputs, labels, scanned=scanned, stacked=stacked,
            length=count if stacked else None,
        )  # fmt: skip
        outcome = staged.outcome(carry.after(results[: len(types)], (count or 0) > 0))
        growth.extend(results[len(types) :], count)
    return outcome


def _known(length: Any) -> int | None:
    known = length.tracer.static_value(length) if staging.is_symbolic(length) else length
    return known if isinstance(known, int) else None
