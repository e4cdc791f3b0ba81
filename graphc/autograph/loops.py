"""``while`` and ``for`` statements: one call with functions for the test and the body."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from graphc.autograph import jumps, quote
from graphc.autograph.context import Context
from graphc.autograph.if_ import returns
from graphc.autograph.scope import Facts

if TYPE_CHECKING:
    from graphc.autograph.frame import Frame

Rewritten = tuple[list[ast.stmt], bool]


def rewrite_while(
    frame: Frame, s: ast.While, facts: Facts, rest: Sequence[ast.stmt], context: Context
) -> Rewritten:
    """``while`` -> ``ag.while_(test, body, state, names)``."""
    carried = _carried(frame, facts)
    body = _body(frame, s, s.body, facts, carried, ())
    test = _test(frame, s, facts, carried)
    return _finish(frame, s, "while_", test, body, carried, facts, rest, context)


def rewrite_for(
    frame: Frame, s: ast.For, facts: Facts, rest: Sequence[ast.stmt], context: Context
) -> Rewritten:
    """``for`` -> ``ag.for_(items, body, state, names)``; the body's first argument is the item."""
    carried = _carried(frame, facts)
    iterable = frame.visit(s.iter, facts)
    simple = isinstance(s.target, ast.Name) and s.target.id not in {*carried, *frame.scope.shared}
    if simple:
        item, prologue = s.target.id, []  # type: ignore[attr-defined]
    else:
        item = frame.unit.fresh("item")
        target = frame.visit(s.target, facts)
        prologue = [quote.at(ast.Assign([target], quote.load(item)), s)]  # type: ignore[list-item]
    body = _body(frame, s, s.body, facts, carried, (item,), prologue)
    first: tuple[list[ast.stmt], ast.expr] = [], iterable  # type: ignore[assignment]
    return _finish(frame, s, "for_", first, body, carried, facts, rest, context)


def _carried(frame: Frame, facts: Facts) -> tuple[str, ...]:
    """What goes from one iteration to the next, or on to what follows."""
    return frame.scope.sort(facts.writes & facts.live_in)


def _body(
    frame: Frame, s: ast.While | ast.For, stmts: Sequence[ast.stmt], facts: Facts,
    carried: Sequence[str], first: Sequence[str], prologue: Sequence[ast.stmt] = (),
) -> ast.FunctionDef:  # fmt: skip
    inside = frame.scope.block(stmts)

    def end() -> list[ast.stmt]:
        if not inside.jumps:
            return returns(frame, carried, facts)
        return [ast.Return(quote.call("continue_", *frame.state(carried, facts).elts))]

    context = Context(end=end, own=False, loop=tuple(carried))
    return frame.function("body", carried, stmts, context, s, first, prologue)


def _test(
    frame: Frame, s: ast.While, facts: Facts, carried: Sequence[str]
) -> tuple[list[ast.stmt], ast.expr]:
    """The test as a function of the carried names."""
    test = frame.visit(s.test, facts)
    if not frame.scope.shared.intersection(carried):
        return [], quote.lambda_(test, carried)  # type: ignore[arg-type]
    context = Context(end=lambda: [ast.Return(test)], own=False)  # type: ignore[arg-type]
    made = frame.function("test", carried, [], context, s)
    return [made], quote.load(made.name)


def _finish(
    frame: Frame, s: ast.While | ast.For, name: str, first: tuple[list[ast.stmt], ast.expr],
    body: ast.FunctionDef, carried: Sequence[str], facts: Facts, rest: Sequence[ast.stmt],
    context: Context,
) -> Rewritten:  # fmt: skip
    made: list[ast.stmt] = [*first[0], body]
    orelse = None
    if s.orelse:
        inside = replace(
            jumps.in_function(frame, context), end=lambda: returns(frame, carried, facts)
        )
        writes = frame.scope.block(s.orelse).writes & facts.live_in
        bound = frame.scope.sort(writes - set(carried))
        orelse = frame.function("otherwise", carried, s.orelse, inside, s.orelse[0], bound=bound)
        made.append(orelse)
    arguments = [
        first[1],
        quote.load(body.name),
        frame.state(carried, facts),
        quote.strings(carried),
    ]
    if orelse is not None:
        arguments.append(quote.load(orelse.name))
    call = quote.call(name, *arguments)
    if not facts.jumps:
        return [*made, *frame.bind(carried, call)], False
    if context.inline:
        return made + jumps.leave_or_go_on(frame, call, carried, context), False
    after = jumps.rest_function(frame, carried, rest, context, facts)
    call.keywords = [ast.keyword("rest", quote.load(after.name))]
    return [*made, after, *jumps.leave(frame, call, context)], True
