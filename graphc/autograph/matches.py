"""``match`` statements as ``if`` statements; the operators test descriptions of patterns."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from graphc.autograph import quote
from graphc.autograph.context import Statements, Unit


def as_ifs(unit: Unit, s: ast.Match) -> Statements:
    """``case P if G: body`` -> ``if ag.matched(subject, P) and G: body``, names taken before."""
    subject = unit.fresh("subject")
    chain: Statements = []
    for case in reversed(s.cases):
        chain = _case(unit, case, subject, chain)
    return [quote.at(quote.assign(subject, s.subject), s.subject), *chain]


def _case(unit: Unit, case: ast.match_case, subject: str, rest: Statements) -> Statements:
    names, pattern, body = sorted(_captures(case.pattern)), case.pattern, case.body
    if _takes_all(pattern):
        made = [_new(quote.assign(n, quote.load(subject)), pattern) for n in names]
        if case.guard is None:
            return [*made, *body]
        return [*made, ast.copy_location(ast.If(case.guard, body, rest), case.guard)]
    test = _test(pattern, subject)
    if not names:
        if case.guard is not None:
            test = ast.BoolOp(ast.And(), [test, case.guard])
        return [_new(ast.If(test, body, rest), pattern)]
    found = quote.call("captured", quote.load(subject), _described(pattern))
    take = _new(quote.unpack(names, found), pattern)
    if case.guard is None:
        return [_new(ast.If(test, [take, *body], rest), pattern)]
    # names keep what the pattern captured even if the guard then fails, as in Python
    fits = unit.fresh("fits")
    held = ast.BoolOp(ast.And(), [quote.load(fits), case.guard])
    return [
        _new(quote.assign(fits, test), pattern),
        _new(ast.If(quote.load(fits), [take], []), pattern),
        _new(ast.If(held, body, rest), pattern),
    ]


def _new(node: ast.stmt, pattern: ast.pattern) -> ast.stmt:
    return quote.at(node, ast.copy_location(ast.Pass(), pattern))


def _takes_all(pattern: ast.pattern) -> bool:
    return isinstance(pattern, ast.MatchAs) and pattern.pattern is None


def _captures(pattern: ast.pattern) -> set[str]:
    """The names that a pattern binds."""
    found = {getattr(p, n, None) for p in ast.walk(pattern) for n in ("name", "rest")}
    return found - {None}  # type: ignore[return-value]


def _test(pattern: ast.pattern, subject: str) -> ast.expr:
    """A pattern without structure as Python would write the test, others as a description."""
    if isinstance(pattern, ast.MatchValue):
        return ast.Compare(quote.load(subject), [ast.Eq()], [pattern.value])
    if isinstance(pattern, ast.MatchSingleton):
        return ast.Compare(quote.load(subject), [ast.Is()], [quote.constant(pattern.value)])
    if isinstance(pattern, ast.MatchOr) and not _captures(pattern):
        return ast.BoolOp(ast.Or(), [_test(p, subject) for p in pattern.patterns])
    return quote.call("matched", quote.load(subject), _described(pattern))


def _described(pattern: ast.pattern) -> ast.expr:
    """A pattern as the tuple that `patterns.match` reads."""

    def tuple_of(values: Sequence[ast.expr]) -> ast.expr:
        return ast.Tuple(list(values), ast.Load())

    def listed(patterns: Sequence[ast.pattern]) -> ast.expr:
        return tuple_of([_described(p) for p in patterns])

    match pattern:
        case ast.MatchValue(value):
            kind, parts = "value", [value]
        case ast.MatchSingleton(value):
            kind, parts = "is", [quote.constant(value)]
        case ast.MatchSequence(patterns):
            kind, parts = "sequence", [listed(patterns)]
        case ast.MatchStar(name):
            kind, parts = "star", [quote.constant(name)]
        case ast.MatchMapping(keys, patterns, rest):
            kind, parts = "mapping", [tuple_of(keys), listed(patterns), quote.constant(rest)]
        case ast.MatchClass(cls, patterns, names, named):
            kind, parts = "class", [cls, listed(patterns), quote.strings(names), listed(named)]
        case ast.MatchOr(patterns):
            kind, parts = "or", [listed(patterns)]
        case ast.MatchAs(inner, name):
            within = quote.constant(None) if inner is None else listed([inner])
            kind, parts = "as", [within, quote.constant(name)]
        case _:
            raise AssertionError(pattern)
    return tuple_of([quote.constant(kind), *parts])
