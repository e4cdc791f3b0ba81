"""Rewriting expressions: calls, `and`, `or`, `not`, comparisons, ternaries, and reads of names that
may have no value.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, TypeVar

from graphc.autograph import quote
from graphc.autograph.scope import NONE, Names

if TYPE_CHECKING:
    from graphc.autograph.frame import Frame

Node = TypeVar("Node", bound=ast.AST)
_COMPARISONS = {
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=",
    ast.Is: "is", ast.IsNot: "is not", ast.In: "in", ast.NotIn: "not in",
}  # fmt: skip


class Expressions(ast.NodeTransformer):
    """Rewrites the expressions of a statement; ``unsure`` names are checked where they are read."""

    def __init__(self, frame: Frame, unsure: Names = NONE) -> None:
        self.frame, self.unsure = frame, unsure

    # --- names ---

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if isinstance(node.ctx, ast.Load) and node.id in self.unsure:
            return quote.at(quote.call("use", node, quote.constant(node.id)), node)
        return node

    # --- calls ---

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """``f(x)`` -> ``ag.fn(f)(x)``."""
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        self.generic_visit(node)
        if name == "super":
            if not node.args and not node.keywords and self.frame.first_param:
                node.args = [quote.load("__class__"), quote.load(self.frame.first_param)]
                quote.at(node, node)
            return node
        node.func = quote.at(quote.call("fn", node.func), node.func)
        return node

    # --- logic ---

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        """``a and b`` -> ``ag.and_(a, lambda: b)``."""
        later = node.values[1:]
        if any(map(_assigns, later)):
            self.frame.refuse(node, "and/or", "its right side assigns a name with :=")
            return self._left_alone(node)
        self.generic_visit(node)
        name = "and_" if isinstance(node.op, ast.And) else "or_"
        result = node.values[-1]
        for value in reversed(node.values[:-1]):
            result = quote.at(quote.call(name, value, quote.lambda_(result)), node)
        return result

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.op, ast.Not):
            return quote.at(quote.call("not_", node.operand), node)
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        """``a < b < c`` -> ``ag.compare(("<", "<"), a, b, lambda: c)``; also for ``in``."""
        self.generic_visit(node)
        simple = len(node.ops) == 1 and not isinstance(node.ops[0], ast.In | ast.NotIn)
        if simple:
            return node
        if any(map(_assigns, node.comparators[1:])):
            self.frame.refuse(node, "comparison", "a later operand assigns a name with :=")
            return node
        names = quote.strings(_COMPARISONS[type(op)] for op in node.ops)
        first, *later = node.comparators
        lazily = [quote.lambda_(operand) for operand in later]
        return quote.at(quote.call("compare", names, node.left, first, *lazily), node)

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        """``a if c else b`` -> ``ag.ifexp(c, lambda: a, lambda: b)``."""
        if _assigns(node.body) or _assigns(node.orelse):
            self.frame.refuse(node, "ternary", "a branch assigns a name with :=")
            return self._left_alone(node)
        self.generic_visit(node)
        branches = quote.lambda_(node.body), quote.lambda_(node.orelse)
        return quote.at(quote.call("ifexp", node.test, *branches), node)

    def _left_alone(self, node: ast.expr) -> ast.expr:
        self.generic_visit(node)
        return node

    # --- functions and comprehensions inside ---

    def visit_Lambda(self, node: ast.Lambda) -> ast.expr:
        self._defaults(node.args)
        self.frame.inner(node)
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.stmt:
        self._defaults(node.args)
        node.decorator_list = [self.visit(d) for d in node.decorator_list]
        self.frame.inner(node)
        return node

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.stmt:
        self.frame.refuse(node, "async def", "coroutines run outside of the trace")
        return self.frame.left_as_is(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.stmt:
        return self.frame.left_as_is(node)

    def _defaults(self, args: ast.arguments) -> None:
        args.defaults = [self.visit(d) for d in args.defaults]
        args.kw_defaults = [None if d is None else self.visit(d) for d in args.kw_defaults]

    def _comprehension(self, node: Node) -> Node:
        bound = {
            n.id
            for g in node.generators  # type: ignore[attr-defined]
            for n in ast.walk(g.target)
            if isinstance(n, ast.Name)
        }
        inner = Expressions(self.frame, self.unsure - bound)
        for child_field, value in ast.iter_fields(node):
            if isinstance(value, ast.AST):
                setattr(node, child_field, inner.visit(value))
        for i, g in enumerate(node.generators):  # type: ignore[attr-defined]
            g.iter = (self if i == 0 else inner).visit(g.iter)
            g.ifs = [inner.visit(test) for test in g.ifs]
        return node

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension


def _assigns(node: ast.AST) -> bool:
    return any(
        isinstance(n, ast.NamedExpr | ast.Await | ast.Yield | ast.YieldFrom) for n in ast.walk(node)
    )
