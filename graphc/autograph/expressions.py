"""Rewriting expressions: calls, `and`, `or`, `not`, comparisons, ternaries, and reads of names that
may have no value.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from graphc.autograph import islands, quote
from graphc.autograph.scope import NONE, Names
from graphc.autograph.unfold import target_names

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
        self.bound: Names = NONE  # by comprehensions around

    def visit(self, node: ast.AST) -> Any:
        if islands.is_marked(node) and isinstance(node, ast.expr):
            return islands.rewrite_expression(self, node)
        return super().visit(node)

    # --- names ---

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if isinstance(node.ctx, ast.Load) and node.id in self.unsure:
            return quote.at(quote.call("use", node, quote.constant(node.id)), node)
        return node

    # --- calls ---

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """``f(x)`` -> ``ag.fn(f)(x)``."""
        if quote.is_operator(node.func):  # made by the rewriter, around what the user wrote
            if quote.is_operator(node.func, "stored"):
                node.args[0] = self.visit(node.args[0])
            return node
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        self.generic_visit(node)
        if name == "super":
            if not node.args and not node.keywords and self.frame.first_param:
                node.args = [quote.load("__class__"), quote.load(self.frame.first_param)]
                quote.at(node, node)
            return node
        node.func = quote.at(quote.call("fn", node.func), node.func)
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        """``a[i]`` -> ``ag.item(a, i)`` where the index may be a tensor."""
        self.generic_visit(node)
        if isinstance(node.ctx, ast.Store | ast.Del) or _is_known_index(node.slice):
            return node
        return quote.at(quote.call("item", node.value, node.slice), node)

    # --- logic ---

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        """``a and b`` -> ``ag.and_(a, lambda: b)``."""
        if self._assigning(node, node.values[1:]):
            return node
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
        if self._assigning(node, node.comparators[1:]):
            return node
        self.generic_visit(node)
        plain = not isinstance(node.ops[0], ast.In | ast.NotIn | ast.Is | ast.IsNot)
        simple = len(node.ops) == 1 and plain
        if simple:
            return node
        names = quote.strings(_COMPARISONS[type(op)] for op in node.ops)
        first, *later = node.comparators
        lazily = [quote.lambda_(operand) for operand in later]
        return quote.at(quote.call("compare", names, node.left, first, *lazily), node)

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        """``a if c else b`` -> ``ag.ifexp(c, lambda: a, lambda: b)``."""
        if self._assigning(node, (node.body, node.orelse)):
            return node
        self.generic_visit(node)
        branches = quote.lambda_(node.body), quote.lambda_(node.orelse)
        return quote.at(quote.call("ifexp", node.test, *branches), node)

    def _assigning(self, node: ast.expr, later: Sequence[ast.expr]) -> bool:
        """Whether a part that may not be evaluated assigns a name, in a lambda or comprehension.

        Elsewhere `unfold` has made it a statement; here it stays Python's.
        """
        if not any(isinstance(n, ast.NamedExpr) for part in later for n in ast.walk(part)):
            return False
        reason = "a part assigns a name with := in a lambda or comprehension"
        self.frame.refuse(node, type(node).__name__, reason)
        self.generic_visit(node)
        return True

    # --- lists ---

    def visit_List(self, node: ast.List) -> ast.expr:
        """``[]`` -> ``ag.list_([])``: it may grow."""
        self.generic_visit(node)
        fresh = not node.elts and isinstance(node.ctx, ast.Load)
        return quote.at(quote.call("list_", node), node) if fresh else node

    def visit_Assign(self, node: ast.Assign) -> ast.stmt:
        self.generic_visit(node)
        node.value = _growing(node.value)
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.stmt:
        node.target = self.visit(node.target)
        node.value = node.value and _growing(self.visit(node.value))
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
        inner.bound = self.bound | bound
        for child_field, value in ast.iter_fields(node):
            if isinstance(value, ast.AST):
                setattr(node, child_field, inner.visit(value))
        for i, g in enumerate(node.generators):  # type: ignore[attr-defined]
            g.iter = (self if i == 0 else inner).visit(g.iter)
            g.ifs = [inner.visit(test) for test in g.ifs]
        return node

    visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension

    def visit_ListComp(self, node: ast.ListComp) -> ast.expr:
        """``[f(v) for v in x if p(v)]`` -> ``ag.collect(x, lambda v: f(v), lambda v: p(v))``."""
        names = target_names(node)
        self._comprehension(node)
        if names is None:
            return node
        (g,) = node.generators
        lambdas = [quote.lambda_(node.elt, names)]
        if g.ifs:
            test = g.ifs[0] if len(g.ifs) == 1 else _all(g.ifs)
            lambdas.append(quote.lambda_(test, names))
        call = quote.call("collect", g.iter, *lambdas)
        if not isinstance(g.target, ast.Name):
            call.keywords.append(ast.keyword("unpack", quote.constant(len(names))))
        return quote.at(call, node)


def _growing(value: ast.expr) -> ast.expr:
    """Lists that get a name -> ``ag.list_([...])``, also several at once."""
    if isinstance(value, ast.Tuple):
        value.elts = [_growing(v) for v in value.elts]
    repeated = isinstance(value, ast.BinOp) and isinstance(value.left, ast.List)
    if repeated or isinstance(value, ast.List | ast.ListComp):
        return quote.at(quote.call("list_", value), value)
    return value


def _all(tests: list[ast.expr]) -> ast.expr:
    """``p and q`` as converted code says it."""
    result = tests[-1]
    for test in reversed(tests[:-1]):
        result = quote.call("and_", test, quote.lambda_(result))
    return result


def _is_known_index(index: ast.expr) -> bool:
    """Whether an index is surely none that is a tensor by itself."""
    if isinstance(index, ast.UnaryOp):
        index = index.operand
    return isinstance(index, ast.Constant | ast.Slice | ast.Tuple | ast.JoinedStr)
