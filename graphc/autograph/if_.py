"""``if`` statements: one call of ``ag.if_`` with a function for each branch."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from graphc.autograph import jumps, quote
from graphc.autograph.context import Context
from graphc.autograph.scope import Facts, Names

if TYPE_CHECKING:
    from graphc.autograph.frame import Frame

Rewritten = tuple[list[ast.stmt], bool]


def rewrite(
    frame: Frame, s: ast.If, facts: Facts, rest: Sequence[ast.stmt], context: Context
) -> Rewritten:
    """``if``, with the rest of the block inside where a branch may leave the block."""
    if not facts.jumps:
        return plain(frame, s, facts), False
    if context.inline:
        return _inline(frame, s, facts, context), False
    then, other = frame.scope.block(s.body), frame.scope.block(s.orelse)
    if then.falls and other.falls and rest:
        return _with_rest(frame, s, facts, rest, context), True
    return _tail(frame, s, facts, rest, context), True


def state_names(frame: Frame, s: ast.If, facts: Facts) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names that go into the branches and those that come out; the latter first."""
    live, out = _live(frame, s, facts), frame.scope.sort(facts.writes & facts.live_out)
    into = [n for n in out if n in live]
    return (*into, *frame.scope.sort((facts.writes & live) - set(out))), out


def _live(frame: Frame, s: ast.If, facts: Facts) -> Names:
    """Names that are live where the branches start: the test may assign some with ``:=``."""
    test = frame.scope.facts.get(s.test)
    return facts.live_in | test.writes if test is not None else facts.live_in


def returns(frame: Frame, names: Sequence[str], facts: Facts) -> list[ast.stmt]:
    return [ast.Return(frame.state(names, facts))]


def plain(frame: Frame, s: ast.If, facts: Facts) -> list[ast.stmt]:
    """An ``if`` that nothing leaves: its branches give the new values of the names they assign."""
    into, out = state_names(frame, s, facts)
    context = Context(end=lambda: returns(frame, out, facts), own=False)
    return [
        *(made := _branches(frame, s, s.body, s.orelse, into, context, out)),
        *frame.bind(out, _call(frame, s, facts, made, into, out)),
    ]


def _branches(
    frame: Frame, s: ast.If, body: Sequence[ast.stmt], orelse: Sequence[ast.stmt],
    into: Sequence[str], context: Context, out: Sequence[str] | None,
) -> list[ast.stmt]:  # fmt: skip
    """The branch functions; none for an empty ``else`` that hands on what it got."""
    then = frame.function("then", into, body, context, s)
    if not orelse and out is not None and tuple(into[: len(out)]) == tuple(out):
        return [then]
    return [then, frame.function("else", into, orelse, context, (orelse or [s])[0])]


def _call(
    frame: Frame, s: ast.If, facts: Facts, made: Sequence[ast.stmt], into: Sequence[str],
    out: Sequence[str], rest: ast.FunctionDef | None = None,
) -> ast.Call:  # fmt: skip
    names = [quote.load(f.name) for f in made if isinstance(f, ast.FunctionDef)]
    other = names[1] if len(names) > 1 else quote.constant(None)
    test = frame.visit(s.test, facts)
    more = [] if rest is None else [quote.load(rest.name)]
    return quote.call(
        "if_", test, names[0], other, frame.state(into, facts), quote.strings(out), *more
    )  # type: ignore[arg-type]


def _tail(
    frame: Frame, s: ast.If, facts: Facts, rest: Sequence[ast.stmt], context: Context
) -> list[ast.stmt]:
    """At most one branch goes on: the rest of the block belongs to that branch."""
    then, other = frame.scope.block(s.body), frame.scope.block(s.orelse)
    body = [*s.body, *rest] if then.falls else s.body
    orelse = [*s.orelse, *rest] if other.falls else s.orelse
    writes = facts.writes | frame.scope.block(rest).writes
    into = frame.scope.sort(writes & _live(frame, s, facts))
    inside = jumps.in_function(frame, context)
    out = context.loop or ()
    made = _branches(frame, s, body, orelse, into, inside, None)
    return made + jumps.leave(frame, _call(frame, s, facts, made, into, out), context)


def _with_rest(
    frame: Frame, s: ast.If, facts: Facts, rest: Sequence[ast.stmt], context: Context
) -> list[ast.stmt]:
    """Both branches may go on, and one may leave: the rest becomes a function."""
    into, out = state_names(frame, s, facts)
    inside = replace(jumps.in_function(frame, context), end=lambda: returns(frame, out, facts))
    made = _branches(frame, s, s.body, s.orelse, into, inside, out)
    after = jumps.rest_function(frame, out, rest, context, facts)
    call = _call(frame, s, facts, made, into, out, after)
    return [*made, after, *jumps.leave(frame, call, context)]


def _inline(frame: Frame, s: ast.If, facts: Facts, context: Context) -> list[ast.stmt]:
    """Inside a statement that stays Python's: leave at once, or go on below."""
    into, out = state_names(frame, s, facts)
    inside = replace(
        jumps.in_function(frame, context), end=lambda: returns(frame, out, facts), inline=False
    )
    made = _branches(frame, s, s.body, s.orelse, into, inside, out)
    call = _call(frame, s, facts, made, into, out)
    return made + jumps.leave_or_go_on(frame, call, out, context)
