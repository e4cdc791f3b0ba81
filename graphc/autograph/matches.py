"""``match`` statements: simple patterns become an ``if`` chain, others stay Python's."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import TYPE_CHECKING

from graphc.autograph import if_, quote
from graphc.autograph.scope import Facts

if TYPE_CHECKING:
    from graphc.autograph.context import Context
    from graphc.autograph.frame import Frame

Rewritten = tuple[list[ast.stmt], bool]


def rewrite(
    frame: Frame, s: ast.Match, facts: Facts, rest: Sequence[ast.stmt], context: Context
) -> Rewritten:
    """Values, ``|`` and ``_`` are comparisons, which tensors understand."""
    if all(_is_simple(c.pattern, last=c is s.cases[-1] and c.guard is None) for c in s.cases):
        return _as_ifs(frame, s, facts, rest, context)
    s.subject = frame.visit(s.subject, facts)  # type: ignore[assignment]
    for case in s.cases:
        if case.guard is not None:
            case.guard = frame.visit(case.guard, facts)  # type: ignore[assignment]
        case.body = frame.block(case.body, frame.nested(context)) or [ast.Pass()]
    return [s], False


def _is_simple(pattern: ast.pattern, last: bool = False) -> bool:
    if isinstance(pattern, ast.MatchOr):
        return all(_is_simple(p) for p in pattern.patterns)
    if isinstance(pattern, ast.MatchAs):
        return last and pattern.pattern is None and pattern.name is None
    return isinstance(pattern, ast.MatchValue | ast.MatchSingleton)


def _test(pattern: ast.pattern, subject: str) -> ast.expr | None:
    if isinstance(pattern, ast.MatchOr):
        return ast.BoolOp(ast.Or(), [_test(p, subject) for p in pattern.patterns])  # type: ignore[misc]
    if isinstance(pattern, ast.MatchValue):
        return ast.Compare(quote.load(subject), [ast.Eq()], [pattern.value])
    if isinstance(pattern, ast.MatchSingleton):
        return ast.Compare(quote.load(subject), [ast.Is()], [quote.constant(pattern.value)])
    return None


def _as_ifs(
    frame: Frame, s: ast.Match, facts: Facts, rest: Sequence[ast.stmt], context: Context
) -> Rewritten:
    """``match`` as ``if``/``elif``; each has the facts that the whole statement has."""
    subject = frame.unit.fresh("subject")
    first = quote.assign(subject, frame.visit(s.subject, facts))  # type: ignore[arg-type]
    chain: list[ast.stmt] = []
    for case in reversed(s.cases):
        test = _test(case.pattern, subject)
        if test is not None and case.guard is not None:
            test = ast.BoolOp(ast.And(), [test, case.guard])
        if test is None:
            chain = case.body
            continue
        node = quote.at(ast.If(quote.at(test, case.pattern), case.body, chain), case.pattern)
        frame.scope.facts[node] = Facts(
            facts.reads, facts.writes, frozenset(), facts.deletes, facts.jumps, facts.falls,
            facts.calls, facts.live_in, facts.live_out, facts.defined,
        )  # fmt: skip
        chain = [node]
    if not s.cases or not chain or not isinstance(chain[0], ast.If):
        return [first, *frame.block([*chain, *rest], context)], True
    made, done = if_.rewrite(frame, chain[0], frame.scope.facts[chain[0]], rest, context)
    return [first, *made], done
