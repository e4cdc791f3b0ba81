"""``return``, ``break`` and ``continue`` as data: a block function that is left returns
``ag.return_(value, ...)``, ``ag.break_(...)`` or ``ag.continue_(...)`` with the state to keep.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from graphc.autograph import quote
from graphc.autograph.scope import Facts

if TYPE_CHECKING:
    from graphc.autograph.context import Context
    from graphc.autograph.frame import Frame

Rewritten = tuple[list[ast.stmt], bool]


def rewrite_return(
    frame: Frame, s: ast.Return, facts: Facts, rest: Sequence[ast.stmt], context: Context
) -> Rewritten:
    if s.value is not None:
        s.value = frame.visit(s.value, facts)  # type: ignore[assignment]
    if not context.own:
        value = s.value or quote.constant(None)
        s.value = quote.call("return_", value, *frame.state(frame.lasting, facts).elts)
    return [s], True


def rewrite_jump(
    frame: Frame, s: ast.Break | ast.Continue, facts: Facts, rest: Sequence[ast.stmt],
    context: Context,
) -> Rewritten:  # fmt: skip
    name = "break_" if isinstance(s, ast.Break) else "continue_"
    return [ast.Return(quote.call(name, *frame.state(context.loop or (), facts).elts))], True


def in_function(frame: Frame, context: Context) -> Context:
    """The context of a function made from the last part of a block."""
    if not context.own:
        return replace(context, inline=False)

    def end() -> list[ast.stmt]:
        values = [quote.load(n) for n in frame.lasting]
        return [ast.Return(quote.call("return_", quote.constant(None), *values))]

    return replace(context, own=False, end=end, inline=False)


def rest_function(
    frame: Frame, out: Sequence[str], rest: Sequence[ast.stmt], context: Context, facts: Facts
) -> ast.FunctionDef:
    """The rest of a block as a function of the names that the statement before it leaves.

    Other names that it assigns keep the values they have before that statement.
    """
    writes = frame.scope.block(rest).writes & facts.live_out
    bound = frame.scope.sort(writes - set(out))
    inside = in_function(frame, context)
    return frame.function(
        "rest", out, rest, inside, (rest or [ast.Pass(lineno=0, col_offset=0)])[0], bound=bound
    )


def leave(frame: Frame, call: ast.expr, context: Context) -> list[ast.stmt]:
    """Leave the block as ``call`` says."""
    if not context.own:
        return [ast.Return(call)]
    if not frame.lasting:
        return [ast.Return(quote.attribute(call, "value"))]
    held = frame.unit.fresh("exit")
    return [
        quote.assign(held, call),
        *frame.bind(frame.lasting, quote.attribute(quote.load(held), "state")),
        ast.Return(quote.attribute(quote.load(held), "value")),
    ]


def leave_or_go_on(
    frame: Frame, call: ast.expr, out: Sequence[str], context: Context
) -> list[ast.stmt]:
    """Leave the block if ``call`` says so; otherwise take the state and go on."""
    held = frame.unit.fresh("exit")
    test = quote.call("left", quote.load(held))
    return [
        quote.assign(held, call),
        ast.If(test, leave(frame, quote.load(held), context), []),
        *frame.bind(out, quote.load(held)),
    ]
