"""Rewriting the statements of one function.

A block of statements is rewritten in a `Context`: what stands at its end, how it is left, and
whether it is the body of the user's function itself or of a function made from a block.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from graphc.autograph import asserts, if_, islands, jumps, loops, protected, quote
from graphc.autograph.context import Context, Refusal, Statements, Unit
from graphc.autograph.expressions import Expressions
from graphc.autograph.scope import NONE, Facts, Names, Scope, analyse
from graphc.autograph.unfold import unfold


class Frame:
    """A function being rewritten."""

    def __init__(self, unit: Unit, scope: Scope, unsure_outside: Names = NONE) -> None:
        self.unit, self.scope = unit, scope
        self.unsure_outside = unsure_outside  # names of functions around that may have no value
        # what a `return` from a block must write back: names other functions can see
        lasting = (scope.captured | scope.foreign.keys()) & scope.shared
        self.lasting = scope.sort(lasting)
        self.through: set[str] = set()  # variables that block functions assign as they are
        self.first_param = scope.params[0] if scope.params else ""

    # --- names ---

    def unsure(self, facts: Facts) -> Names:
        return (self.scope.tracked - facts.defined) | self.unsure_outside

    def visit(self, node: ast.AST, facts: Facts) -> ast.AST:
        """Rewrite the expressions of a statement."""
        return Expressions(self, self.unsure(facts)).visit(node)

    def refuse(self, node: ast.AST, construct: str, reason: str) -> None:
        self.unit.refusals.append(Refusal(getattr(node, "lineno", 0), construct, reason))

    def state(self, names: Sequence[str], facts: Facts) -> ast.Tuple:
        """The current values of names; foreign ones may have none."""
        values: list[ast.expr] = []
        for name in names:
            value: ast.expr = quote.load(name)
            if name in self.scope.foreign and name in self.scope.tracked - facts.defined:
                value = quote.call("peek", quote.lambda_(value))
            values.append(value)
        return ast.Tuple(values, ast.Load())

    def bind(self, names: Sequence[str], value: ast.expr) -> Statements:
        """Take over the values a block left behind."""
        made: Statements = [quote.unpack(names, value)]
        for name in names:
            if name in self.scope.foreign and name in self.scope.tracked:
                test = ast.Compare(quote.load(name), [ast.Is()], [quote.operator("undefined")])
                made.append(ast.If(test, [ast.Delete([ast.Name(name, ast.Del())])], []))
        return made

    # --- functions made from blocks ---

    def function(
        self, base: str, params: Sequence[str], stmts: Sequence[ast.stmt], context: Context,
        like: ast.AST, first: Sequence[str] = (), prologue: Sequence[ast.stmt] = (),
        bound: Iterable[str] = (),
    ) -> ast.FunctionDef:  # fmt: skip
        """A function with the statements as its body.

        Names that other functions see are written through to the real variable.  ``first`` are
        parameters before the state, ``bound`` names keep the value they have now.
        """
        kept = [n for n in bound if n not in params]
        foreign = [n for n in kept if n in self.scope.foreign]
        kept = [n for n in kept if n not in foreign]
        shared = [n for n in (*params, *kept) if n in self.scope.shared]
        head = self.declare([*shared, *foreign])
        renamed = {n: self.unit.fresh(n) for n in shared}
        self.through |= set(shared) - self.scope.foreign.keys()
        if shared:
            values = [quote.load(renamed[n]) for n in shared]
            head.append(quote.unpack(shared, ast.Tuple(values, ast.Load())))
        body = head + list(prologue) + self.block(stmts, context)
        listed = [*first, *(renamed.get(n, n) for n in params)]
        held = {renamed.get(n, n): n for n in kept}
        made = quote.define(self.unit.fresh(base), listed, body or [ast.Pass()], held)
        return quote.at(made, like)

    def declare(self, shared: Sequence[str]) -> Statements:
        """``nonlocal`` and ``global`` statements for names that other functions see."""
        made: Statements = []
        for kind, statement in (("nonlocal", ast.Nonlocal), ("global", ast.Global)):
            names = [n for n in shared if self.scope.foreign.get(n, "nonlocal") == kind]
            if names:
                made.append(statement(names))
        return made

    def inner(self, node: ast.FunctionDef | ast.Lambda) -> None:
        """Rewrite a function defined inside."""
        seen = (self.scope.tracked & self.scope.shared) | self.unsure_outside
        around = self.unit.enclosing
        self.unit.enclosing |= self.scope.local
        rewrite_function(self.unit, node, seen)
        self.unit.enclosing = around

    def left_as_is(self, node: ast.stmt) -> ast.stmt:
        """A definition whose inside is not converted; only unset names are checked."""
        names = self.scope.tracked & self.scope.shared
        return _OnlyNames(self, names).visit(node) if names else node

    # --- blocks ---

    def block(self, stmts: Sequence[ast.stmt], context: Context) -> Statements:
        """Rewrite statements and add what stands at the block's end."""
        made: Statements = []
        for i, s in enumerate(stmts):
            facts = self.scope.facts[s]
            rest = stmts[i + 1 :] if facts.falls else []
            new, done = self.statement(s, facts, rest, context)
            made += [quote.at(n, s) for n in new]
            if done:
                return made
            if not facts.falls:
                return made
        return made + [quote.at(n, stmts[-1]) if stmts else n for n in context.end()]

    def statement(
        self, s: ast.stmt, facts: Facts, rest: Sequence[ast.stmt], context: Context
    ) -> tuple[Statements, bool]:
        """A statement rewritten, and whether ``rest`` has been taken into it."""
        if islands.is_marked(s):
            return islands.rewrite_statement(self, s, facts, rest, context)
        rule = _RULES.get(type(s))
        if rule is not None:
            return rule(self, s, facts, rest, context)
        return self.simple(s, facts), False

    def simple(self, s: ast.stmt, facts: Facts) -> Statements:
        before: Statements = []
        name = s.target.id if _changes_name(s) else ""  # type: ignore[attr-defined]
        if name in self.unsure(facts):
            before = [ast.Expr(quote.call("use", quote.load(name), quote.constant(name)))]
        islands.watch_store(s)
        new = self.visit(s, facts)
        if isinstance(new, ast.Assign) and _worth_a_name(new):
            name = new.targets[0].id  # type: ignore[attr-defined]
            new.value = quote.at(quote.call("name", quote.constant(name), new.value), new.value)
        return [*before, new]  # type: ignore[list-item]

    def delete(self, s: ast.Delete, facts: Facts) -> Statements:
        """``del h`` of a name that is kept track of sets it to `ag.undefined`."""
        made: Statements = []
        for target in s.targets:
            if (
                isinstance(target, ast.Name)
                and target.id in self.scope.tracked - self.scope.foreign.keys()
            ):
                value = quote.call("delete", quote.load(target.id), quote.constant(target.id))
                made.append(quote.assign(target.id, value))
            else:
                made.append(ast.Delete([self.visit(target, facts)]))  # type: ignore[list-item]
        return made

    def nested(self, context: Context) -> Context:
        """The context of the parts of a statement that stays Python's."""
        return replace(context, end=list, inline=True)


class _OnlyNames(Expressions):
    """Checks names, converts nothing else."""

    def __init__(self, frame: Frame, names: Names) -> None:
        super().__init__(frame, names)

    def visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, ast.Name):
            return self.visit_Name(node)
        return self.generic_visit(node)


_PLAIN_VALUES = (
    ast.Constant, ast.List, ast.Dict, ast.Set, ast.Tuple, ast.Lambda, ast.JoinedStr, ast.Name,
    ast.ListComp, ast.DictComp, ast.SetComp, ast.GeneratorExp, ast.Attribute,
)  # fmt: skip


_GIVING_LISTS = ("list_", "collect")


def _changes_name(s: ast.stmt) -> bool:
    return isinstance(s, ast.AugAssign) and isinstance(s.target, ast.Name)


def _worth_a_name(s: ast.Assign) -> bool:
    """Whether the value may be a tensor that this statement makes."""
    target = s.targets[0]
    return (
        len(s.targets) == 1
        and isinstance(target, ast.Name)
        and not isinstance(s.value, _PLAIN_VALUES)
        and not (isinstance(s.value, ast.Call) and quote.is_operator(s.value.func, *_GIVING_LISTS))
    )


# --- which statement goes where -------------------------------------------------------------------


def _simple_rule(
    method: Callable[[Frame, ast.stmt, Facts], Statements],
) -> Callable[..., tuple[Statements, bool]]:
    return lambda frame, s, facts, rest, context: (method(frame, s, facts), False)


_RULES: dict[type, Callable[..., tuple[Statements, bool]]] = {
    ast.If: if_.rewrite,
    ast.While: loops.rewrite_while,
    ast.For: loops.rewrite_for,
    ast.Return: jumps.rewrite_return,
    ast.Break: jumps.rewrite_jump,
    ast.Continue: jumps.rewrite_jump,
    ast.Try: protected.rewrite_try,
    ast.TryStar: protected.rewrite_try,
    ast.With: protected.rewrite_with,
    ast.Assert: asserts.rewrite_assert,
    ast.Raise: asserts.rewrite_raise,
    ast.Delete: _simple_rule(Frame.delete),  # type: ignore[arg-type]
    ast.Global: _simple_rule(lambda *_: []),  # declared at the top instead
    ast.Nonlocal: _simple_rule(lambda *_: []),
}


# --- whole functions ------------------------------------------------------------------------------


def rewrite_function(
    unit: Unit, node: ast.FunctionDef | ast.Lambda, unsure_outside: Names = NONE,
    defined_outside: Names | None = None,
) -> None:  # fmt: skip
    """Rewrite a function in place."""
    reason = refused(node)
    if reason:
        unit.refusals.append(Refusal(node.lineno, getattr(node, "name", "lambda"), reason))
        return
    unfold(unit, node)
    scope = analyse(node, unit.free, defined_outside)
    frame = Frame(unit, scope, unsure_outside - scope.local)
    if isinstance(node, ast.Lambda):
        node.body = Expressions(frame, frame.unsure_outside).visit(node.body)
        return
    body = frame.block(node.body, Context(end=list))
    unset = scope.sort(scope.tracked & scope.local - set(scope.params))
    start = frame.declare(list(scope.foreign))
    if unset:
        start.append(ast.Assign([quote.store(n) for n in unset], quote.operator("undefined")))
    for name in scope.sort(frame.through - {*unset, *scope.params} - _bound(body)):
        # a declaration that gives no value: a block function assigns it as `nonlocal`
        start.append(ast.AnnAssign(quote.store(name), quote.constant("later"), None, 1))
    at = 1 if ast.get_docstring(node) is not None else 0
    body[at:at] = [quote.at(s, node) for s in start]
    node.body = body or [quote.at(ast.Pass(), node)]


def _bound(body: Statements) -> set[str]:
    """Names that statements bind, outside of the functions inside."""
    found: set[str] = set()
    pending: list[ast.AST] = list(body)
    while pending:
        n = pending.pop()
        if isinstance(n, ast.FunctionDef | ast.ClassDef | ast.Lambda):
            found.add(getattr(n, "name", ""))
            continue
        if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store):
            found.add(n.id)
        pending.extend(ast.iter_child_nodes(n))
    return found


def refused(node: ast.AST) -> str:
    """Why a whole function is left alone, or nothing."""
    if isinstance(node, ast.AsyncFunctionDef):
        return "coroutines run outside of the trace"
    pending = list(node.body) if isinstance(node.body, list) else [node.body]  # type: ignore[attr-defined]
    while pending:
        n = pending.pop()
        if isinstance(n, ast.Yield | ast.YieldFrom):
            return "generators run piece by piece, outside of the trace"
        if isinstance(n, ast.Call) and _needs_frame(n):
            return f"{n.func.id}() needs the function's names as they are"  # type: ignore[attr-defined]
        if not isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            pending.extend(ast.iter_child_nodes(n))
    return ""


def _needs_frame(node: ast.Call) -> bool:
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    if name in ("exec", "eval"):
        return len(node.args) == 1
    return name in ("locals", "vars", "dir") and not node.args
