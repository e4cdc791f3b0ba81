"""The run-time half of AutoGraph: Python where values are known, the graph where they are not.

Converted code calls these operators; each decides by what it is given.  A condition or an iterable
that is a tensor of the trace in progress is staged (`control_if`, `control_loops`); anything else
runs as Python would run it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from graphc import autograph
from graphc.errors import StagingError
from graphc.ops import ops
from graphc.trace import control_collect, control_if, control_loops, host_calls, nest
from graphc.trace.control_calls import callee
from graphc.trace.control_iter import staged_items
from graphc.trace.control_join import (
    Choice,
    assumption,
    compared,
    marked,
    note_test,
    raise_unless,
    truth,
    unused,
    used,
)
from graphc.trace.control_loops import Loop
from graphc.trace.control_values import (
    BREAK,
    CONTINUE,
    NEXT,
    RETURN,
    UNDEFINED,
    Exit,
    Exits,
    Outcome,
    State,
    Undefined,
    condition,
    here,
)
from graphc.trace.control_watch import Watch
from graphc.trace.dispatch import convert_to_tensor
from graphc.trace.growing import GrowingList, display, opened
from graphc.trace.host_value import HostValue
from graphc.trace.shape import TensorShape
from graphc.trace.state import FORWARDING, current
from graphc.trace.tensor import Operators as TensorOperators
from graphc.trace.tensor import SymbolicTensor

Block = Callable[..., Outcome]
Thunk = Callable[[], Any]

_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq,
    "!=": operator.ne, "is": operator.is_, "is not": operator.is_not,
}  # fmt: skip


class _Operators:
    """What converted code knows as ``ag``; see `graphc.autograph.Operators`."""

    undefined = UNDEFINED

    # --- statements ---

    def if_(
        self, test: Any, then: Block, other: Block | None, state: State, names: tuple[str, ...],
        rest: Block | None = None,
    ) -> Outcome:  # fmt: skip
        test = _value(test)
        if isinstance(test, SymbolicTensor):
            return control_if.staged_if(test, then, other, state, names, rest)
        if test:
            outcome = then(*state)
        else:
            outcome = state[: len(names)] if other is None else other(*state)
        return outcome if rest is None else control_if.resume(outcome, rest)

    def while_(
        self, test: Thunk, body: Block, state: State, names: tuple[str, ...],
        otherwise: Block | None = None, rest: Block | None = None,
    ) -> Outcome:  # fmt: skip
        return control_loops.python_while(Loop(body, names, test, otherwise, rest), state)

    def for_(
        self, items: Any, body: Block, state: State, names: tuple[str, ...],
        otherwise: Block | None = None, rest: Block | None = None,
    ) -> Outcome:  # fmt: skip
        loop = Loop(body, names, None, otherwise, rest)
        staged = staged_items(items)
        if staged is None:
            return control_loops.python_for(loop, items, state)
        return loop.finish(control_loops.stage_for(loop, staged, Exit(CONTINUE, state)))

    # --- exits ---

    def return_(self, value: Any, *state: Any) -> Exit:
        return Exit(RETURN, state, value)

    def break_(self, *state: Any) -> Exit:
        return Exit(BREAK, state)

    def continue_(self, *state: Any) -> Exit:
        return Exit(CONTINUE, state)

    def resume(self, result: Outcome, rest: Block) -> Outcome:
        """What follows a `with` statement whose body gave ``result``."""
        return control_if.resume(result, rest)

    def left(self, result: Outcome) -> bool:
        """Whether a statement inside a `try` or `with` left it."""
        if isinstance(result, Exits) and NEXT in result.kinds:
            raise StagingError(
                "`return`, `break` or `continue` under a condition on tensors cannot leave a"
                " `try` or `match` statement"
            )
        return type(result) is not tuple

    # --- expressions ---

    def and_(self, left: Any, right: Thunk) -> Any:
        left = _value(_tensor(left))
        if not isinstance(left, SymbolicTensor):
            return left and right()
        return _logical(left, right, "logical_and", False)

    def or_(self, left: Any, right: Thunk) -> Any:
        left = _value(_tensor(left))
        if not isinstance(left, SymbolicTensor):
            return left or right()
        return _logical(left, right, "logical_or", True)

    def not_(self, value: Any) -> Any:
        value = _value(value)
        if not isinstance(value, SymbolicTensor):
            return not value
        result = ops.logical_not(value if value.dtype.is_bool else ops.not_equal(value, 0))
        return note_test(result, assumption(value, False), assumption(value, True))

    def truth(self, value: Any) -> Any:
        """Python's own truth of a test where there is one; a symbolic tensor stays."""
        if isinstance(value, HostValue):
            return value.as_bool()
        try:
            return value if isinstance(value, SymbolicTensor) else bool(value)
        except TypeError:
            return value

    def compare(self, names: tuple[str, ...], left: Any, right: Any, *more: Thunk) -> Any:
        """A chain of comparisons: each operand is evaluated once, and only if it is needed."""
        result = _compare(names[0], left, right)
        if not more:
            return result

        def later() -> Any:
            return self.compare(names[1:], right, more[0](), *more[1:])

        if isinstance(result, SymbolicTensor):
            return _logical(result, later, "logical_and", False)
        return result and later()

    def ifexp(self, test: Any, then: Thunk, other: Thunk) -> Any:
        test = _value(test)
        if isinstance(test, SymbolicTensor):
            return control_if.choose(test, then, other)
        return then() if test else other()

    def matched(self, subject: Any, pattern: tuple[Any, ...], guard: Block | None = None) -> Any:
        return autograph.matched(self, subject, pattern, guard)

    def captured(self, subject: Any, pattern: tuple[Any, ...]) -> tuple[Any, ...]:
        return autograph.captured(self, subject, pattern)

    def fn(self, function: Any) -> Any:
        return callee(function, self)

    def island(
        self, block: Block, state: State, out: State | None = None, falls: bool = True,
        exits: State = (), counts: State = (), rest: Block | None = None, changes: State = (),
    ) -> Outcome:  # fmt: skip
        return host_calls.island(block, state, out, falls, exits, counts, rest, changes)

    def stored(
        self, value: Any, owner: Any, key: Any, done: bool = False, where: State | None = None
    ) -> Any:
        """A value that is assigned to an attribute or an element, which may outlive the call."""
        tracer = current.tracer
        if tracer is None or tracer.root.host is None or not host_calls.holds_tensors(value):
            return value
        return host_calls.stored(value, owner, key, done, where)

    def asserted(self, test: Any, message: Thunk | None = None) -> Any:
        """The condition of an `assert`; one on tensors is checked when the program runs."""
        test = _value(test)
        if not isinstance(test, SymbolicTensor):
            return test
        ok = test if test.dtype.is_bool else ops.not_equal(test, 0)
        raise_unless(ok, AssertionError() if message is None else AssertionError(message()))
        return True

    def raised(self, exception: Any) -> Any:
        """The exception of a `raise`, marked: in a staged branch it becomes a check."""
        exception = exception() if isinstance(exception, type) else exception
        return marked(host_calls.raisable(exception))

    def loop_options(self, maximum_iterations: Any, shape_invariants: list[Any]) -> None:
        """Options of the staged loop whose body is traced."""
        for tensor, shape in shape_invariants:
            wanted = TensorShape(getattr(shape, "shape", shape))
            if not wanted.is_compatible_with(tensor.shape):
                raise ValueError(f"a tensor of shape {tensor.shape} does not fit {wanted}")
        tracer = current.tracer
        while tracer is not None and tracer.loop is None:
            tracer = tracer.parent
        if tracer is not None and maximum_iterations is not None:
            tracer.loop.set_limit(maximum_iterations)

    def list_(self, elements: list[Any]) -> list[Any]:
        return display(elements)

    def collect(
        self, items: Any, value: Block, test: Block | None = None, unpack: int | None = None
    ) -> list[Any]:
        """A list comprehension."""
        if unpack is None:
            return control_collect.collect(items, value, test)
        on_item = control_collect.unpacking(unpack)
        return control_collect.collect(items, on_item(value), test and on_item(test))

    def item(self, items: Any, index: Any) -> Any:
        """``items[index]``"""
        if isinstance(index, HostValue) and not isinstance(items, HostValue):
            return current.tracer.root.host.call(operator.getitem, (items, index))  # type: ignore
        if isinstance(index, TensorOperators) and not isinstance(items, TensorOperators):
            return control_collect.picked(items, _value(index))
        return items[index]

    # --- names ---

    def name(self, name: str, value: Any) -> Any:
        if isinstance(value, SymbolicTensor):
            value.tracer.label(value, name)
        return value

    def use(self, value: Any, name: str) -> Any:
        """The value of a name that may have none."""
        if isinstance(value, Choice):
            return used(value, name)
        return unused(value, name) if isinstance(value, Undefined) else value

    def delete(self, value: Any, name: str) -> Any:
        self.use(value, name)
        return UNDEFINED

    def peek(self, read: Thunk) -> Any:
        """The value of a global or an outer variable that may have none."""
        try:
            value = read()
        except NameError:
            return UNDEFINED
        return UNDEFINED if any(map(_is_stale, nest.flatten(value))) else value


def _value(value: Any) -> Any:
    """A Variable's value, while a graph is traced."""
    if isinstance(value, HostValue):
        return value.as_bool()
    if isinstance(value, TensorOperators) and current.tracer is not None:
        return convert_to_tensor(value)
    if isinstance(value, GrowingList) and not value.is_known:
        return ops.greater(value.length(), 0)
    return truth(value) if isinstance(value, Choice) else value


def _tensor(value: Any) -> Any:
    """An operand of `and` or `or`, whose value may be the result: Python must know its own."""
    return bool(value) and value if isinstance(value, HostValue) else value


def _logical(left: Any, right: Thunk, op: str, short: bool) -> Any:
    """`and`/`or`: an element-wise op if the right side is cheap, else it runs only if needed."""
    pred = condition(left, "`and`" if op == "logical_and" else "`or`")
    watch = Watch((right,))
    needed = control_if.branch(
        "right", watch, lambda: (_value(right()),), assumption(left, not short)
    )
    # what the left side says holds wherever the result is not the short one
    says = [{}, {}]
    says[short] = assumption(left, not short)
    if not needed.contents and isinstance(needed.outcome, tuple):
        value = needed.outcome[0]
        if _is_flag(value) and control_if.is_plain(needed.region):
            result = getattr(ops, op)(pred, control_if.inline(needed.region, value))
            return note_test(result, *says)
    known = control_if.branch("left", watch, lambda: (short,))
    sides = (needed, known) if op == "logical_and" else (known, needed)
    (result,) = control_if.merge(pred, *sides, ("the result",), watch, here())
    return note_test(result, *says)


def _is_flag(value: Any) -> bool:
    if isinstance(value, TensorOperators):
        return value.dtype.is_bool and not value.dims  # type: ignore[attr-defined]
    return isinstance(value, bool)


def _compare(name: str, left: Any, right: Any) -> Any:
    if isinstance(left, Choice) and name in _COMPARE:
        return compared(left, _COMPARE[name], right)
    if isinstance(left, HostValue) or isinstance(right, HostValue):
        return host_calls.compared(name, left, right)
    if name in ("in", "not in"):
        found = _contains(left, right)
        if name == "in":
            return found
        return ops.logical_not(found) if isinstance(found, SymbolicTensor) else not found
    return _COMPARE[name](left, right)


def _contains(item: Any, items: Any) -> Any:
    """``item in items`` where a tensor may be on either side."""
    items = opened(items)
    if isinstance(items, SymbolicTensor):
        return ops.reduce_any(ops.equal(items, item))
    listed = isinstance(items, list | tuple | range | set | frozenset)
    symbolic = isinstance(item, SymbolicTensor)
    if not listed or not (symbolic or any(isinstance(v, SymbolicTensor) for v in items)):
        return item in items
    found: Any = False
    for v in items:
        same = v == item
        found = ops.logical_or(found, ops.reduce_all(same)) if same is not False else found
    return found


FORWARDING.add(_contains.__code__)


def _is_stale(value: Any) -> bool:
    """Whether a tensor was made in a branch or loop body that has ended."""
    if not isinstance(value, SymbolicTensor):
        return False
    tracer = current.tracer
    while tracer is not None and tracer is not value.tracer:
        tracer = tracer.parent
    return tracer is None or tracer.finished


OPERATORS = _Operators()
autograph.install_operators(OPERATORS)
