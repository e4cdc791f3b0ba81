"""``with`` and ``try``: they stay Python's statements around blocks that are converted.

Where a block inside may leave them by a jump that depends on a tensor, their parts become functions
whose result says how they were left.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from graphc.autograph import if_, jumps, quote
from graphc.autograph.context import Context, Statements
from graphc.autograph.scope import BLOCKS, NONE, Facts, Names

if TYPE_CHECKING:
    from graphc.autograph.frame import Frame

Rewritten = tuple[Statements, bool]
_AROUND = (ast.Try, ast.TryStar, ast.With)


def rewrite_try(
    frame: Frame, s: ast.Try, facts: Facts, rest: Sequence[ast.stmt], context: Context
) -> Rewritten:
    """``try``; its ``else`` is dropped where the body never comes to its end."""
    if not frame.scope.block(s.body).falls:
        s.orelse = []  # what it assigns must not make names local here
    parts = [s.body, s.orelse, *(h.body for h in s.handlers)]
    if not context.inline and not s.finalbody and any(_leaves(frame, part) for part in parts):
        return _left_try(frame, s, facts, rest, context), True
    inside = frame.nested(context)
    s.body = frame.block(s.body, inside)
    for h in s.handlers:
        _handler(frame, h, facts, frame.block(h.body, inside))
    s.orelse = frame.block(s.orelse, inside)
    s.finalbody = frame.block(s.finalbody, inside)
    return [s], False


def rewrite_with(
    frame: Frame, s: ast.With, facts: Facts, rest: Sequence[ast.stmt], context: Context
) -> Rewritten:
    for item in s.items:
        item.context_expr = frame.visit(item.context_expr, facts)  # type: ignore[assignment]
        if item.optional_vars is not None:
            item.optional_vars = frame.visit(item.optional_vars, facts)  # type: ignore[assignment]
    if _leaves(frame, s.body) and not context.inline:
        return _left_with(frame, s, facts, rest, context), True
    s.body = frame.block(s.body, frame.nested(context)) or [ast.Pass()]
    return [s], False


def _leaves(frame: Frame, stmts: Sequence[ast.stmt]) -> bool:
    """Whether a statement that may depend on a tensor may leave the block."""
    return any(frame.scope.facts[s].jumps for s in stmts if isinstance(s, (*BLOCKS, *_AROUND)))


def _handler(frame: Frame, h: ast.ExceptHandler, facts: Facts, body: Statements) -> None:
    if h.type is not None:
        h.type = frame.visit(h.type, facts)  # type: ignore[assignment]
    if h.name and h.name in frame.scope.tracked:  # Python deletes the name at the end
        fresh = frame.unit.fresh(h.name)
        body = [quote.assign(h.name, quote.load(fresh)), *body]
        body.append(quote.assign(h.name, quote.operator("undefined")))
        h.name = fresh
    h.body = body or [ast.Pass()]


class _Parts:
    """Makes functions of the parts of a statement, which give how they were left to one name."""

    def __init__(
        self, frame: Frame, facts: Facts, context: Context, after: Sequence[ast.stmt] = ()
    ) -> None:
        """``after`` is a block that follows within the statement."""
        self.frame, self.facts, self.context = frame, facts, context
        wanted = facts.live_out.union(*(frame.scope.facts[b].live_in for b in after[:1]))
        self.out = frame.scope.sort(facts.writes & wanted)
        self.held = frame.unit.fresh("exit")
        # an exception may leave a part anywhere, so what lives on is live all through it
        self.lasting = facts.live_out & (facts.defined | frame.scope.tracked)
        self.made: Statements = []

    def run(
        self, base: str, stmts: Sequence[ast.stmt], like: ast.AST, bound: Names = NONE,
        first: Sequence[str] = (),
    ) -> ast.stmt:  # fmt: skip
        """Statements as a function, and the call of it; ``bound`` names have values there."""
        frame, known = self.frame, self.facts.live_in | bound
        writes = frame.scope.block(stmts).writes
        into = frame.scope.sort(writes & (known | self.lasting) - set(first))
        inside = replace(
            jumps.in_function(frame, self.context),
            end=lambda: if_.returns(frame, self.out, self.facts),
        )
        made = frame.function(base, into, stmts, inside, like, first)
        self.made.append(made)
        given = [
            value if n in known else quote.call("peek", quote.lambda_(value))
            for n, value in zip(into, frame.state(into, self.facts).elts, strict=True)
        ]
        call = ast.Call(quote.load(made.name), [*map(quote.load, first), *given], [])
        return quote.at(quote.assign(self.held, call), like)

    def leave(self, s: ast.stmt, rest: Sequence[ast.stmt], *more: ast.stmt) -> Statements:
        """The statement, then what follows it where it was not left."""
        after = jumps.rest_function(self.frame, self.out, rest, self.context, self.facts)
        call = quote.call("resume", quote.load(self.held), quote.load(after.name))
        return [*self.made, s, *more, after, *jumps.leave(self.frame, call, self.context)]


def _left_with(
    frame: Frame, s: ast.With, facts: Facts, rest: Sequence[ast.stmt], context: Context
) -> Statements:
    """A ``with`` that a block inside may leave: its body is a function, and so is what follows."""
    parts = _Parts(frame, facts, context)
    bound = frozenset(n.id for item in s.items for n in ast.walk(item) if isinstance(n, ast.Name))
    s.body = [parts.run("body", s.body, s, bound)]
    held = parts.held
    parts.made.append(quote.assign(held, quote.constant(None)))
    caught = ast.Compare(quote.load(held), [ast.Is()], [quote.constant(None)])
    # None: the context manager caught an exception of the body
    return parts.leave(
        s, rest, ast.If(caught, [quote.assign(held, frame.state(parts.out, facts))], [])
    )


def _left_try(
    frame: Frame, s: ast.Try, facts: Facts, rest: Sequence[ast.stmt], context: Context
) -> Statements:
    """A ``try`` that a block inside may leave: each part is a function, and so is what follows."""
    orelse = s.orelse
    parts = _Parts(frame, facts, context, orelse)
    s.body, s.orelse = [parts.run("body", s.body, s)], []
    for h in s.handlers:
        named = (h.name,) if h.name else ()
        h.body = [parts.run("handler", h.body, h, first=named)]
        if h.type is not None:
            h.type = frame.visit(h.type, facts)  # type: ignore[assignment]
    if orelse:
        writes = frame.scope.block(orelse).writes & facts.live_out
        inside = replace(
            jumps.in_function(frame, context), end=lambda: if_.returns(frame, parts.out, facts)
        )
        bound = frame.scope.sort(writes - set(parts.out))
        after = frame.function("otherwise", parts.out, orelse, inside, orelse[0], bound=bound)
        parts.made.append(after)
        resumed = quote.call("resume", quote.load(parts.held), quote.load(after.name))
        s.orelse = [quote.at(quote.assign(parts.held, resumed), orelse[0])]
    return parts.leave(s, rest)
