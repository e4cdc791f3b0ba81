"""``assert`` and ``raise``: they stay Python's statements; operators see what they are about."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import TYPE_CHECKING

from graphc.autograph import quote
from graphc.autograph.scope import Facts

if TYPE_CHECKING:
    from graphc.autograph.context import Context
    from graphc.autograph.frame import Frame

Rewritten = tuple[list[ast.stmt], bool]


def rewrite_assert(
    frame: Frame, s: ast.Assert, facts: Facts, rest: Sequence[ast.stmt], context: Context
) -> Rewritten:
    """``assert p, m`` -> ``assert ag.asserted(p, lambda: m), m``."""
    test = frame.visit(s.test, facts)
    arguments = [test]
    if s.msg is not None:
        s.msg = frame.visit(s.msg, facts)  # type: ignore[assignment]
        arguments.append(quote.lambda_(s.msg))  # type: ignore[arg-type]
    s.test = quote.call("asserted", *arguments)  # type: ignore[arg-type]
    return [s], False


def rewrite_raise(
    frame: Frame, s: ast.Raise, facts: Facts, rest: Sequence[ast.stmt], context: Context
) -> Rewritten:
    """``raise E(x)`` -> ``raise ag.raised(E(x))``: a staged branch turns it into a check."""
    if s.exc is not None:
        s.exc = quote.call("raised", frame.visit(s.exc, facts))  # type: ignore[arg-type]
    if s.cause is not None:
        s.cause = frame.visit(s.cause, facts)  # type: ignore[assignment]
    return [s], True
