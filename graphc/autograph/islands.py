"""Parts of a function that stay Python's: islands.

An island is an expression or a statement that `ag.island` gets as a function, as it is written,
with the values of the names it reads.  Which parts these are is found out while functions are
traced (`widen`) and kept for each code object.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from graphc.autograph import jumps, quote
from graphc.autograph.context import Context, Statements
from graphc.autograph.scope import Facts

if TYPE_CHECKING:
    from graphc.autograph.expressions import Expressions
    from graphc.autograph.frame import Frame

Position = tuple[int, int, int, int]  # line, column, end line, end column
Place = tuple[bool, Position]  # whether it is a statement, and where
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_INERT = (
    ast.Name, ast.Constant, ast.Starred, ast.FormattedValue, ast.Slice, ast.Lambda,
    ast.GeneratorExp,
)  # fmt: skip
_STATEMENTS = (
    ast.Expr, ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Delete, ast.For, ast.While, ast.If,
    ast.Try, ast.TryStar, ast.With, ast.Assert,
)  # fmt: skip
_PRIVATE = (ast.NamedExpr, ast.Await, ast.Yield, ast.YieldFrom)


# --- which parts ----------------------------------------------------------------------------------


def place_of(node: ast.AST) -> Place | None:
    line = getattr(node, "lineno", None)
    if line is None:
        return None
    end = node.end_lineno or line, node.end_col_offset or 0  # type: ignore[attr-defined]
    return isinstance(node, ast.stmt), (line, node.col_offset, *end)  # type: ignore[attr-defined]


def mark(function: ast.AST, places: frozenset[Place]) -> None:
    """Mark the nodes that are islands."""
    for node in ast.walk(function):
        if place_of(node) in places and isinstance(node, ast.stmt | ast.expr):
            node.island = True  # type: ignore[union-attr]


def is_marked(node: ast.AST) -> bool:
    return hasattr(node, "island")


def _around(function: ast.AST, position: Position) -> list[ast.AST]:
    """The nodes around a position, the innermost last."""
    found: list[ast.AST] = []
    pending = list(ast.iter_child_nodes(function))
    while pending:
        node = pending.pop()
        place = place_of(node)
        if place is None:  # arguments, comprehensions, with items: no place of their own
            pending.extend(ast.iter_child_nodes(node))
        elif place[1][:2] <= position[:2] and position[2:] <= place[1][2:]:
            found.append(node)
            pending = list(ast.iter_child_nodes(node))
    return found


def widen(
    function: ast.AST, position: Position, places: frozenset[Place], statement: bool = False
) -> ast.AST | None:
    """The smallest part around a position that can be an island and is in none yet.

    None: there is none, the whole function must be Python's.
    """
    around = _around(function, position)
    known = next((i for i, n in enumerate(around) if place_of(n) in places), len(around))
    for node in reversed(around[:known]):
        if isinstance(node, _FUNCTIONS):
            return None
        if _can_be(node) and (isinstance(node, ast.stmt) or not statement):
            return node
    return None


def _can_be(node: ast.AST) -> bool:
    if isinstance(node, ast.stmt):
        inside = list(ast.walk(node))
        nested = (*_FUNCTIONS, ast.Global, ast.Nonlocal, *_PRIVATE[1:])
        return isinstance(node, _STATEMENTS) and not any(isinstance(n, nested) for n in inside)
    if not isinstance(node, ast.expr) or isinstance(node, _INERT):
        return False
    if not isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
        return False
    return not any(isinstance(n, _PRIVATE) for n in ast.walk(node))


def guards(function: ast.AST) -> Iterator[tuple[Position, Position, str | None]]:
    """Where exceptions or the end of a block are looked at: body, statement, context manager.

    Of the manager it is the name that its expression begins with; a ``try`` has none.
    """
    for node in ast.walk(function):
        if isinstance(node, ast.Try | ast.TryStar) and node.handlers:
            yield _span(node.body), place_of(node)[1], None  # type: ignore[index]
        elif isinstance(node, ast.With):
            for item in node.items:
                yield _span(node.body), place_of(node)[1], _root(item.context_expr)  # type: ignore[index]


def _span(stmts: Sequence[ast.stmt]) -> Position:
    first, last = place_of(stmts[0]), place_of(stmts[-1])
    return (*first[1][:2], *last[1][2:])  # type: ignore[index]


def assigned(function: ast.AST, name: str, places: frozenset[Place] = frozenset()) -> list[ast.AST]:
    """The values that a function gives a name and that can be islands, but are none yet."""
    found: list[ast.AST] = []
    for node in ast.walk(function):
        pairs: list[tuple[ast.expr, ast.expr | None]] = []
        if isinstance(node, ast.Assign):
            pairs = [(target, node.value) for target in node.targets]
        elif isinstance(node, ast.AnnAssign):
            pairs = [(node.target, node.value)]
        for target, value in pairs:
            if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
                pairs += zip(target.elts, value.elts, strict=False)
            elif isinstance(target, ast.Name) and target.id == name and value is not None:
                found.append(value)
    return [v for v in found if _can_be(v) and place_of(v) not in places]


READING = frozenset((
    "get", "keys", "values", "items", "copy", "index", "count", "tolist", "astype", "mean", "sum",
    "max", "min", "std", "var", "reshape", "dot", "numpy", "item", "join", "split", "strip",
    "format", "startswith", "endswith", "union", "intersection", "difference", "most_common",
))  # fmt: skip  # methods that leave their object as it is
_PURE = frozenset((
    "np", "numpy", "math", "json", "tf", "len", "sum", "max", "min", "sorted", "str", "repr",
    "float", "int", "bool", "print", "list", "tuple", "set", "dict", "any", "all", "isinstance",
    "zip", "enumerate", "range", "abs", "round",
))  # fmt: skip


def changed(node: ast.AST) -> set[str]:
    """Names of objects that the code may change."""
    found: set[str] = set()
    for n in ast.walk(node):
        if isinstance(n, ast.Subscript | ast.Attribute) and not isinstance(n.ctx, ast.Load):
            found.add(_root(n))
        elif isinstance(n, ast.AugAssign):
            found.add(_root(n.target))
        elif isinstance(n, ast.Call):
            if isinstance(n.func, ast.Attribute) and n.func.attr not in READING:
                found.add(_root(n.func))
            if _root(n.func) not in _PURE:
                found |= {a.id for a in n.args if isinstance(a, ast.Name)}
    return found


def _root(node: ast.AST) -> str:
    while isinstance(node, ast.Subscript | ast.Attribute | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


# --- rewriting ------------------------------------------------------------------------------------


def rewrite_expression(inside: Expressions, node: ast.expr) -> ast.expr:
    """``f(x)`` -> ``ag.island(lambda x: f(x), (x,))``."""
    frame = inside.frame
    names = frame.unit.free.of(ast.Tuple([node], ast.Load()))[0]
    own = frame.scope.local | frame.unit.enclosing | inside.bound
    taken = sorted(names & own)
    for n in ast.walk(node):
        if is_marked(n):
            del n.island  # type: ignore[attr-defined]
    given: list[ast.expr] = [inside.visit(quote.at(quote.load(n), node)) for n in taken]
    changes = sorted(changed(node) & set(taken))
    call = quote.call("island", quote.lambda_(node, taken), ast.Tuple(given, ast.Load()))
    call.keywords = [ast.keyword("changes", quote.strings(changes))] if changes else []
    return quote.at(call, node)


def rewrite_statement(
    frame: Frame, s: ast.stmt, facts: Facts, rest: Sequence[ast.stmt], context: Context
) -> tuple[Statements, bool]:
    """A statement as a function of the names it reads, which gives those it assigns."""
    changes = changed(s)
    part = _part(s)
    out = frame.scope.sort(facts.writes & (facts.live_out | (facts.live_in & facts.writes)))
    own = frame.scope.local | frame.unit.enclosing | frame.scope.foreign.keys()
    filled = facts.defined | frame.scope.tracked | (own - frame.scope.local)
    into = frame.scope.sort((facts.reads | facts.writes) & own & filled)
    unset: Statements = [quote.assign(n, quote.operator("undefined")) for n in out if n not in into]
    jumped = _Jumps(frame, context, facts).visit(s)
    given: list[ast.expr] = [quote.load(n) for n in out]
    end = [ast.Return(ast.Tuple(given + ([part[0]] if part else []), ast.Load()))]
    inside = replace(context, end=lambda: [], own=False)
    made = frame.function("island", into, [], inside, s, (), [*unset, jumped, *end])
    call = quote.call("island", quote.load(made.name), frame.state(into, facts), quote.strings(out))
    if changes & set(into):
        call.keywords = [ast.keyword("changes", quote.strings(sorted(changes & set(into))))]
    if part:  # code that follows sees the new value of an attribute or an element
        held = frame.unit.fresh("part")
        call.args[2] = quote.strings([*out, held])
        stored = quote.call("stored", quote.load(held), part[1], part[2], quote.constant(True))
        kept = ast.Assign([part[3]], stored)
        return [made, *frame.bind([*out, held], call), kept], False
    if not facts.jumps:
        return [made, *frame.bind(out, call)], False
    counts = len(context.loop or ()), 1 + len(frame.lasting)
    call.args += [quote.constant(facts.falls), quote.strings(sorted(facts.jumps))]
    call.args += [ast.Tuple([quote.constant(n) for n in counts], ast.Load())]
    if context.inline:
        return [made, *jumps.leave_or_go_on(frame, call, out, context)], False
    after = jumps.rest_function(frame, out, rest, context, facts)
    call.args.append(quote.load(after.name))
    return [made, after, *jumps.leave(frame, call, context)], True


def _part(s: ast.stmt) -> tuple[Any, ...] | None:
    """The attribute or element that a statement changes: value, object, key, target."""
    targets = s.targets if isinstance(s, ast.Assign) else [getattr(s, "target", None)]
    target = targets[0]
    if not isinstance(s, ast.Assign | ast.AugAssign) or len(targets) > 1:
        return None
    if not isinstance(target, ast.Attribute | ast.Subscript) or not _is_plain(target):
        return None
    key = quote.constant(target.attr) if isinstance(target, ast.Attribute) else target.slice
    value = copy.deepcopy(target)
    value.ctx = ast.Load()
    return value, copy.deepcopy(target.value), copy.deepcopy(key), copy.deepcopy(target)


def _is_plain(node: ast.AST) -> bool:
    """Whether a target may be evaluated again."""
    if isinstance(node, ast.Attribute):
        return _is_plain(node.value)
    if isinstance(node, ast.Subscript):
        return _is_plain(node.value) and isinstance(node.slice, ast.Constant | ast.Name)
    return isinstance(node, ast.Name)


def watch_store(s: ast.stmt) -> None:
    """``o.a = v`` -> ``o.a = ag.stored(v, o, "a", ...)``: what is stored may outlive the call.

    A statement that also reads what it stores says where it is, to become an island.
    """
    part = _part(s)
    if part is None:
        return
    text = ast.dump(part[0])
    reads = isinstance(s, ast.AugAssign) or any(
        ast.dump(n) == text for n in ast.walk(s.value) if isinstance(n, type(part[0]))
    )
    place = place_of(s)
    where = ast.Constant(None) if not reads or place is None else ast.Tuple(
        [quote.constant(n) for n in place[1]], ast.Load())  # fmt: skip
    call = quote.call("stored", s.value, part[1], part[2], quote.constant(False), where)
    s.value = quote.at(call, s.value)


class _Jumps(ast.NodeTransformer):
    """Jumps out of an island as data."""

    def __init__(self, frame: Frame, context: Context, facts: Facts) -> None:
        self.frame, self.context, self.facts = frame, context, facts
        self.loops = 0

    def visit(self, node: ast.AST) -> Any:
        if isinstance(node, ast.expr | ast.FunctionDef | ast.ClassDef):
            return node
        return super().visit(node)

    def visit_Return(self, node: ast.Return) -> ast.stmt:
        value = node.value or quote.constant(None)
        lasting = [quote.load(n) for n in self.frame.lasting]
        return quote.at(ast.Return(quote.call("return_", value, *lasting)), node)

    def visit_Break(self, node: ast.Break) -> ast.stmt:
        return node if self.loops else self._leave(node, "break_")

    def visit_Continue(self, node: ast.Continue) -> ast.stmt:
        return node if self.loops else self._leave(node, "continue_")

    def _leave(self, node: ast.stmt, name: str) -> ast.stmt:
        state = [quote.load(n) for n in self.context.loop or ()]
        return quote.at(ast.Return(quote.call(name, *state)), node)

    def visit_For(self, node: ast.For | ast.While) -> ast.stmt:
        self.loops += 1
        node.body = [self.visit(s) for s in node.body]
        self.loops -= 1
        node.orelse = [self.visit(s) for s in node.orelse]
        return node

    visit_While = visit_For  # type: ignore[assignment]
