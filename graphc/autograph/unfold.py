"""Statements written as simpler ones, before a function is looked at.

``match`` and expressions that assign a name under a condition (``a and (b := c)``) become ``if``
statements, ``finally`` blocks are copied to the jumps that leave their ``try``.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Sequence

from graphc.autograph import islands, quote
from graphc.autograph.context import Statements, Unit
from graphc.autograph.matches import as_ifs

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_OWN = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.Lambda)


def unfold(unit: Unit, function: ast.FunctionDef | ast.Lambda) -> None:
    """Rewrite a function's own statements in place; those of functions inside are left."""
    if isinstance(function, ast.FunctionDef):
        function.body = _statements(unit, function.body)


def _statements(unit: Unit, stmts: Sequence[ast.stmt]) -> Statements:
    return [new for s in stmts for new in _statement(unit, s)]


def _statement(unit: Unit, s: ast.stmt) -> Statements:
    if isinstance(s, _SCOPES) or islands.is_marked(s):
        return [s]
    if isinstance(s, ast.Match):
        return _statements(unit, as_ifs(unit, s))
    for block in _blocks(s):
        block[:] = _statements(unit, block)
    if isinstance(s, ast.Try) and s.finalbody and _jumps_inside(s):
        return _without_finally(unit, s)
    if isinstance(s, ast.While) and any(isinstance(n, ast.NamedExpr) for n in ast.walk(s.test)):
        return _endless(unit, s)
    return _Unwalrus(unit).statement(s)


def _blocks(s: ast.stmt) -> list[list[ast.stmt]]:
    """The blocks of statements inside a statement."""
    found = [getattr(s, name) for name in ("body", "orelse", "finalbody") if hasattr(s, name)]
    return found + [h.body for h in getattr(s, "handlers", ())]


# --- generators -----------------------------------------------------------------------------------

_TAKING_ALL = frozenset(("sum", "min", "max", "list", "tuple", "set", "frozenset", "sorted"))


class GeneratorsUsedUp(ast.NodeTransformer):
    """``sum(e for e in v)`` -> ``sum([e for e in v])``: what is used up at once can be staged."""

    def __init__(self, function: ast.AST) -> None:
        nodes = list(ast.walk(function))
        bound = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        bound.update(n.arg for n in nodes if isinstance(n, ast.arg))
        self.known = _TAKING_ALL - bound

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name in self.known and node.args and isinstance(node.args[0], ast.GeneratorExp):
            generator = node.args[0]
            made = ast.copy_location(ast.ListComp(generator.elt, generator.generators), generator)
            if target_names(made) is not None:
                node.args[0] = made
        return node


def target_names(node: ast.ListComp) -> list[str] | None:
    """The names that a comprehension's items are given to, if a function can stand for it."""
    g, *more = node.generators
    targets = g.target.elts if isinstance(g.target, ast.Tuple) else [g.target]
    names = [t.id for t in targets if isinstance(t, ast.Name)]
    simple = not more and not g.is_async and len(set(names)) == len(targets)
    if not simple or any(isinstance(n, ast.NamedExpr | ast.Await) for n in ast.walk(node)):
        return None
    return names


# --- finally --------------------------------------------------------------------------------------


def _without_finally(unit: Unit, s: ast.Try) -> Statements:
    """``try: A finally: B`` with a jump in A, as Python's compiler does it.

    Each jump becomes ``B; jump``, then come ``except BaseException: B; raise`` and B once more.
    """
    final, s.finalbody = s.finalbody, []
    for part in (s.body, s.orelse, *(h.body for h in s.handlers)):
        part[:] = _before_jumps(unit, part, final, in_loop=False)
    inner: Statements = [s] if s.handlers else s.body
    again = ast.copy_location(ast.Raise(), final[0])
    handler = ast.ExceptHandler(quote.load("BaseException"), None, [*copy.deepcopy(final), again])
    around = ast.Try(inner, [quote.at(handler, final[0])], [], [])
    return [quote.at(around, s), *final]


def _before_jumps(
    unit: Unit, stmts: Sequence[ast.stmt], final: Statements, in_loop: bool
) -> Statements:
    made: Statements = []
    for s in stmts:
        if isinstance(s, ast.Return):
            if s.value is not None and not isinstance(s.value, ast.Constant):
                held = unit.fresh("value")
                made.append(quote.at(quote.assign(held, s.value), s))
                s.value = quote.at(quote.load(held), s)
            made += copy.deepcopy(final)
        elif isinstance(s, ast.Break | ast.Continue) and not in_loop:
            made += copy.deepcopy(final)
        elif not isinstance(s, _SCOPES):
            loop = isinstance(s, ast.While | ast.For)
            for block in _blocks(s):
                own = loop and block is s.body  # type: ignore[attr-defined]
                block[:] = _before_jumps(unit, block, final, in_loop or own)
        made.append(s)
    return made


def _jumps_inside(s: ast.Try) -> bool:
    """Whether something in a ``try`` may leave it: a jump takes the state along."""
    parts = (s.body, s.orelse, *(h.body for h in s.handlers))
    pending = [b for part in parts for b in part]
    while pending:
        inner = pending.pop()
        if isinstance(inner, ast.Return | ast.Break | ast.Continue):
            return True
        if not isinstance(inner, _SCOPES):
            pending += [b for block in _blocks(inner) for b in block]
    return False


# --- names assigned in expressions ----------------------------------------------------------------


def _endless(unit: Unit, s: ast.While) -> Statements:
    """A test that assigns: ``while True: if not test: break``, so that its names are the body's."""
    leave: Statements = [ast.copy_location(ast.Break(), s)]
    made: Statements = []
    if s.orelse:
        done = unit.fresh("done")
        made.append(quote.at(quote.assign(done, quote.constant(False)), s))
        leave.insert(0, quote.at(quote.assign(done, quote.constant(True)), s))
    check = ast.copy_location(ast.If(_negated(s.test), leave, []), s)
    body = [*_statements(unit, [check]), *s.body]
    made.append(ast.copy_location(ast.While(quote.at(quote.constant(True), s), body, []), s))
    if s.orelse:
        ended = quote.at(quote.load(done), s)
        made.append(ast.copy_location(ast.If(ended, s.orelse, []), s.orelse[0]))
    return made


def _negated(test: ast.expr) -> ast.expr:
    return ast.copy_location(ast.UnaryOp(ast.Not(), test), test)


def _assigns(node: ast.AST) -> bool:
    return any(isinstance(n, ast.NamedExpr) for n in ast.walk(node))


def _assigns_later(node: ast.AST) -> bool:
    """Whether an expression assigns a name in a part that may not be evaluated."""
    if isinstance(node, _OWN):
        return False
    later: list[ast.expr] = []
    if isinstance(node, ast.BoolOp):
        later = node.values[1:]
    elif isinstance(node, ast.IfExp):
        later = [node.body, node.orelse]
    elif isinstance(node, ast.Compare):
        later = node.comparators[1:]
    return any(map(_assigns, later)) or any(map(_assigns_later, ast.iter_child_nodes(node)))


class _Unwalrus:
    """Takes expressions that assign under a condition apart, in the order of evaluation."""

    def __init__(self, unit: Unit) -> None:
        self.unit = unit
        self.made: Statements = []

    def statement(self, s: ast.stmt) -> Statements:
        fields = [(f, v) for f, v in ast.iter_fields(s) if isinstance(v, ast.expr)]
        if isinstance(s, ast.AugAssign) and _assigns_later(s.value):
            self._augmented(s)
            return self.made
        for name, value in fields:
            if name != "target" and _assigns_later(value):
                setattr(s, name, self.expression(value))
        return [*self.made, s]

    def _augmented(self, s: ast.AugAssign) -> None:
        if isinstance(s.target, ast.Name):  # its value from before counts
            before = self.held(quote.at(quote.load(s.target.id), s.target))
            value = quote.at(ast.BinOp(before, s.op, self.expression(s.value)), s)
            self.made.append(quote.at(ast.Assign([s.target], value), s))
            return
        s.value = self.expression(s.value)
        self.made.append(s)

    def held(self, value: ast.expr) -> ast.expr:
        """The value under a name of its own."""
        if isinstance(value, ast.Constant):
            return value
        name = self.unit.fresh("part")
        self.made.append(quote.at(quote.assign(name, value), value))
        return quote.at(quote.load(name), value)

    def expression(self, node: ast.expr) -> ast.expr:
        if not _assigns_later(node):
            return node
        if isinstance(node, ast.BoolOp):
            return self._boolean(node)
        if isinstance(node, ast.IfExp):
            return self._ternary(node)
        if isinstance(node, ast.Compare) and len(node.ops) > 1:
            return self._comparison(node)
        parts = [n for n in ast.iter_child_nodes(node) if isinstance(n, ast.expr | ast.keyword)]
        last = max(i for i, part in enumerate(parts) if _assigns_later(part))
        new = {id(part): self._part(part, i == last) for i, part in enumerate(parts[: last + 1])}
        return _exchanged(node, new)

    def _part(self, part: ast.expr | ast.keyword, last: bool) -> ast.AST:
        if isinstance(part, ast.keyword):
            part.value = self._part(part.value, last)  # type: ignore[assignment]
            return part
        if isinstance(part, ast.Starred):
            part.value = self._part(part.value, last)  # type: ignore[assignment]
            return part
        value = self.expression(part)
        return value if last else self.held(value)

    def _branch(self, name: str, value: ast.expr) -> Statements:
        inner = _Unwalrus(self.unit)
        value = inner.expression(value)
        return [*inner.made, quote.at(quote.assign(name, value), value)]

    def _boolean(self, node: ast.BoolOp) -> ast.expr:
        name = self.unit.fresh("part")
        self.made += self._branch(name, node.values[0])
        stmts = self.made
        for value in node.values[1:]:
            test = quote.at(quote.load(name), value)
            test = test if isinstance(node.op, ast.And) else _negated(test)
            branch = ast.copy_location(ast.If(test, self._branch(name, value), []), value)
            stmts.append(branch)
            stmts = branch.body
        return quote.at(quote.load(name), node)

    def _ternary(self, node: ast.IfExp) -> ast.expr:
        name, test = self.unit.fresh("part"), self.expression(node.test)
        branches = self._branch(name, node.body), self._branch(name, node.orelse)
        self.made.append(ast.copy_location(ast.If(test, *branches), node))
        return quote.at(quote.load(name), node)

    def _comparison(self, node: ast.Compare) -> ast.expr:
        """``a < b < c`` as ``(p := a) < (q := b) and q < c``."""
        name, stmts = self.unit.fresh("part"), self.made
        left = self.held(self.expression(node.left))
        for i, (op, right) in enumerate(zip(node.ops, node.comparators, strict=True)):
            inner = _Unwalrus(self.unit)
            right = inner.held(inner.expression(right))
            test = quote.at(ast.Compare(left, [op], [right]), node)
            stmts += [*inner.made, quote.at(quote.assign(name, test), node)]
            left = copy.copy(right)
            if i + 1 < len(node.ops):
                held = quote.at(quote.load(name), node)
                branch = ast.copy_location(ast.If(held, [], []), node)
                stmts.append(branch)
                stmts = branch.body
        return quote.at(quote.load(name), node)


def _exchanged(node: ast.expr, new: dict[int, ast.AST]) -> ast.expr:
    """The node with children exchanged by identity."""
    for name, value in ast.iter_fields(node):
        if isinstance(value, list):
            setattr(node, name, [new.get(id(v), v) for v in value])
        elif id(value) in new:
            setattr(node, name, new[id(value)])
    return node
