"""What each statement of a function reads, assigns and leaves by, and which names are live and
defined there.

Two passes over the structured program, bottom-up (`_Uses`) and top-down (`_Flow`): no fixpoint is
needed, so the cost is linear in the size of the function.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

Names = frozenset[str]
NONE: Names = frozenset()
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
BLOCKS = (ast.If, ast.While, ast.For)  # statements that become a call of an operator
PROTECTED = (ast.With, ast.AsyncWith, ast.Try, ast.TryStar)  # and do so if they are left by a jump


@dataclass(slots=True)
class Facts:
    """What is known of a statement or of a block."""

    reads: Names = NONE  # names whose value from before may be read
    writes: Names = NONE  # names that may be assigned or deleted
    kills: Names = NONE  # names that are assigned for certain where it ends normally
    deletes: Names = NONE
    jumps: Names = NONE  # "return", "break", "continue" that leave it
    falls: bool = True  # it may end normally
    calls: bool = False
    live_in: Names = NONE  # names read later, before it runs (at each iteration for loops)
    live_out: Names = NONE
    defined: Names = NONE  # names that have a value for certain before it runs


@dataclass
class Scope:
    """A function's names."""

    params: tuple[str, ...]
    facts: dict[ast.AST, Facts]
    body: Facts
    local: Names = NONE
    foreign: dict[str, str] = field(default_factory=dict)  # name -> "global" or "nonlocal"
    captured: Names = NONE  # used by functions defined inside
    shared: Names = NONE  # assigned where a block function must write through to the real variable
    tracked: Names = NONE  # hold `ag.undefined` while they have no value
    order: dict[str, int] = field(default_factory=dict)

    def sort(self, names: Iterable[str]) -> tuple[str, ...]:
        """Names in the order in which the function first mentions them."""
        return tuple(sorted(names, key=lambda n: (self.order.get(n, -1), n)))

    def block(self, stmts: Sequence[ast.stmt]) -> Facts:
        return sequence([self.facts[s] for s in stmts])


def parameters(args: ast.arguments) -> tuple[str, ...]:
    """All parameter names, in order."""
    listed = [*args.posonlyargs, *args.args, *args.kwonlyargs]
    listed += [a for a in (args.vararg, args.kwarg) if a is not None]
    return tuple(a.arg for a in listed)


def sequence(parts: Sequence[Facts]) -> Facts:
    """Facts of statements that run one after the other."""
    reads, writes, kills, deletes, jumps = set(), set(), set(), set(), set()
    falls, calls = True, False
    for f in parts:
        reads |= f.reads - kills
        writes |= f.writes
        kills = (kills - f.deletes) | f.kills
        deletes |= f.deletes
        jumps |= f.jumps
        calls |= f.calls
        if not f.falls:
            falls = False
            break
    return Facts(
        frozenset(reads), frozenset(writes), frozenset(kills), frozenset(deletes),
        frozenset(jumps), falls, calls,
    )  # fmt: skip


def either(parts: Sequence[Facts]) -> Facts:
    """Facts of alternatives."""
    falling = [f.kills for f in parts if f.falls]
    return Facts(
        NONE.union(*(f.reads for f in parts)),
        NONE.union(*(f.writes for f in parts)),
        falling[0].intersection(*falling[1:]) if falling else NONE,
        NONE.union(*(f.deletes for f in parts)),
        NONE.union(*(f.jumps for f in parts)),
        bool(falling),
        any(f.calls for f in parts),
    )


# --- expressions ----------------------------------------------------------------------------------


class FreeNames:
    """The free names of functions and comprehensions, each computed once."""

    def __init__(self) -> None:
        self._known: dict[ast.AST, tuple[Names, Names]] = {}

    def of(self, node: ast.AST) -> tuple[Names, Names]:
        """Names of the scopes around that the function reads, and that it assigns."""
        found = self._known.get(node)
        if found is None:
            found = self._known[node] = self._compute(node)
        return found

    def _compute(self, node: ast.AST) -> tuple[Names, Names]:
        reads, writes, outer = set(), set(), set()
        declared: set[str] = set()
        if isinstance(node, FUNCTIONS):
            writes.update(parameters(node.args))
            pending = list(node.body) if isinstance(node.body, list) else [node.body]
        else:
            pending = list(ast.iter_child_nodes(node))
        while pending:
            n = pending.pop()
            if isinstance(n, ast.Name):
                (reads if isinstance(n.ctx, ast.Load) else writes).add(n.id)
            elif isinstance(n, ast.Global | ast.Nonlocal):
                declared.update(n.names)
            elif isinstance(n, (*FUNCTIONS, ast.ClassDef)):
                inner_reads, inner_writes = self.of(n)
                reads |= inner_reads
                outer |= inner_writes
                pending.extend(_evaluated_outside(n))
                if not isinstance(n, ast.Lambda):
                    writes.add(n.name)
                continue
            elif isinstance(n, COMPREHENSIONS) and n is not node:
                inner_reads, inner_writes = self.of(n)
                reads |= inner_reads
                writes |= inner_writes
                continue
            else:
                writes.update(_bound_here(n))
            if isinstance(n, ast.NamedExpr) and isinstance(node, COMPREHENSIONS):
                outer.add(n.target.id)
                pending.append(n.value)
                continue
            pending.extend(ast.iter_child_nodes(n))
        own = writes - declared
        if isinstance(
            node, ast.ClassDef
        ):  # its names are seen by nobody else, and it may read both
            return frozenset(reads), frozenset((writes & declared) | outer)
        return frozenset((reads | (writes & declared)) - own), frozenset(
            (writes & declared) | (outer - own)
        )


def _evaluated_outside(node: ast.AST) -> list[ast.AST]:
    """The parts of a function or class definition that its surroundings evaluate."""
    if isinstance(node, ast.ClassDef):
        return [*node.decorator_list]
    found: list[ast.AST] = [*node.args.defaults, *(d for d in node.args.kw_defaults if d)]  # type: ignore[attr-defined]
    if not isinstance(node, ast.Lambda):
        found += node.decorator_list  # type: ignore[attr-defined]
        found += [
            a.annotation for a in ast.walk(node.args) if isinstance(a, ast.arg) and a.annotation
        ]  # type: ignore[attr-defined]
        if node.returns is not None:  # type: ignore[attr-defined]
            found.append(node.returns)  # type: ignore[attr-defined]
    return found


def _perhaps_evaluated(node: ast.AST) -> Sequence[ast.AST]:
    """The operands that an expression evaluates only on a condition."""
    if isinstance(node, ast.BoolOp):
        return node.values[1:]
    if isinstance(node, ast.IfExp):
        return node.body, node.orelse
    return node.comparators[1:] if isinstance(node, ast.Compare) else ()


def _bound_here(node: ast.AST) -> list[str]:
    """Names that a node binds without a `Name` of its own."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        return [(a.asname or a.name).split(".")[0] for a in node.names]
    if isinstance(node, ast.ExceptHandler):
        return [node.name] if node.name else []
    if isinstance(node, ast.MatchAs | ast.MatchStar):
        return [node.name] if node.name else []
    if isinstance(node, ast.MatchMapping):
        return [node.rest] if node.rest else []
    return []


class _Uses:
    """The bottom-up pass."""

    def __init__(self, free: FreeNames) -> None:
        self.facts: dict[ast.AST, Facts] = {}
        self.free = free
        self.captured: set[str] = set()
        self.changed_by_calls: set[str] = set()  # assigned by functions defined inside
        self.in_try: set[str] = set()  # assigned in blocks inside `try` and `with`
        self.foreign: dict[str, str] = {}
        self.order: dict[str, int] = {}

    def block(self, stmts: Sequence[ast.stmt]) -> Facts:
        return sequence([self.statement(s) for s in stmts])

    def statement(self, s: ast.stmt) -> Facts:
        rule = getattr(self, f"_{type(s).__name__.lower()}", None)
        found = rule(s) if rule is not None else self.expressions(s)
        self.facts[s] = found
        return found

    def expressions(self, *nodes: ast.AST | None) -> Facts:
        """Reads and writes of expressions, in which names are read before they are assigned."""
        reads, writes, perhaps = set(), set(), set()
        calls = False
        pending = [(n, writes) for n in reversed(nodes) if n is not None]
        while pending:
            n, target = pending.pop()
            if isinstance(n, ast.Name):
                self.order.setdefault(n.id, len(self.order))
                (reads if isinstance(n.ctx, ast.Load) else target).add(n.id)
            elif isinstance(n, (*FUNCTIONS, ast.ClassDef, ast.GeneratorExp)):
                self._inner(n, reads, perhaps)
                if not isinstance(n, ast.GeneratorExp):
                    pending.extend((part, target) for part in _evaluated_outside(n))
                else:
                    calls = True
                continue
            elif isinstance(n, COMPREHENSIONS):
                inner_reads, inner_writes = self.free.of(n)
                reads |= inner_reads
                perhaps |= inner_writes
                calls = True
                self._lambdas_inside(n)
                continue
            calls = calls or isinstance(n, ast.Call)
            later = _perhaps_evaluated(n)
            for part in reversed(list(ast.iter_child_nodes(n))):
                pending.append((part, perhaps if part in later else target))
        return Facts(frozenset(reads), frozenset(writes | perhaps), frozenset(writes), calls=calls)

    def _inner(self, node: ast.AST, reads: set[str], writes: set[str]) -> None:
        inner_reads, inner_writes = self.free.of(node)
        reads |= inner_reads
        self.captured |= inner_reads | inner_writes
        if isinstance(node, ast.GeneratorExp):
            writes |= inner_writes
        else:
            self.changed_by_calls |= inner_writes

    def _lambdas_inside(self, node: ast.AST) -> None:
        for n in ast.walk(node):
            if isinstance(n, ast.Lambda | ast.GeneratorExp):
                self.captured |= self.free.of(n)[0]

    # --- simple statements ---

    def _functiondef(self, s: ast.FunctionDef) -> Facts:
        f = self.expressions(s)
        self.order.setdefault(s.name, len(self.order))
        named = frozenset((s.name,))
        return Facts(
            f.reads, f.writes | named, f.kills | named, calls=f.calls or bool(s.decorator_list)
        )

    _asyncfunctiondef = _classdef = _functiondef

    def _import(self, s: ast.Import) -> Facts:
        names = frozenset(_bound_here(s))
        return Facts(NONE, names, names)

    _importfrom = _import

    def _assign(self, s: ast.Assign) -> Facts:
        return sequence([self.expressions(s.value), self.expressions(*s.targets)])

    def _annassign(self, s: ast.AnnAssign) -> Facts:
        if s.value is None:
            return Facts()
        return sequence([self.expressions(s.value), self.expressions(s.target)])

    def _augassign(self, s: ast.AugAssign) -> Facts:
        f = self.expressions(s.target, s.value)
        if isinstance(s.target, ast.Name):
            f.reads |= {s.target.id}
        return f

    def _delete(self, s: ast.Delete) -> Facts:
        f = self.expressions(s)
        names = frozenset(t.id for t in s.targets if isinstance(t, ast.Name))
        return Facts(f.reads | names, names, NONE, names)

    def _global(self, s: ast.Global | ast.Nonlocal) -> Facts:
        self.foreign.update(dict.fromkeys(s.names, type(s).__name__.lower()))
        return Facts()

    _nonlocal = _global

    def _return(self, s: ast.Return) -> Facts:
        f = self.expressions(s.value)
        f.jumps, f.falls = frozenset(("return",)), False
        return f

    def _break(self, s: ast.stmt) -> Facts:
        return Facts(jumps=frozenset((type(s).__name__.lower(),)), falls=False)

    _continue = _break

    def _raise(self, s: ast.Raise) -> Facts:
        f = self.expressions(s.exc, s.cause)
        f.falls = False
        return f

    # --- compound statements ---

    def _if(self, s: ast.If) -> Facts:
        test = self.facts[s.test] = self.expressions(s.test)
        return sequence([test, either([self.block(s.body), self.block(s.orelse)])])

    def _while(self, s: ast.While) -> Facts:
        test = self.facts[s.test] = self.expressions(s.test)
        body, orelse = self.block(s.body), self.block(s.orelse)
        forever = isinstance(s.test, ast.Constant) and bool(s.test.value)
        return self._loop(test, body, orelse, not forever)

    def _for(self, s: ast.For) -> Facts:
        target = self.expressions(s.target)
        body = sequence([target, self.block(s.body)])
        return self._loop(self.expressions(s.iter), body, self.block(s.orelse), True)

    _asyncfor = _for

    def _loop(self, head: Facts, body: Facts, orelse: Facts, ends: bool) -> Facts:
        both = either([body, orelse, Facts()])
        found = sequence([head, both])
        found.jumps = (body.jumps - {"break", "continue"}) | orelse.jumps
        found.falls = "break" in body.jumps or (ends and orelse.falls)
        found.kills = head.kills - both.deletes
        return found

    def _try(self, s: ast.Try) -> Facts:
        body, orelse = self.block(s.body), self.block(s.orelse)
        handlers = [self._handler(h) for h in s.handlers]
        final = self.block(s.finalbody)
        normal = sequence([body, orelse])
        # an exception may come at any point of the body, so its assignments hide nothing
        exposed = Facts(body.reads | orelse.reads)
        for part in (s.body, s.orelse, s.finalbody, *(h.body for h in s.handlers)):
            self._note_blocks(part)
        if normal.jumps.union(*(h.jumps for h in handlers)):  # its parts may become functions
            self.in_try |= normal.writes.union(*(h.writes for h in handlers))
        merged = sequence([exposed, either([normal, *handlers]), final])
        merged.reads = merged.reads.union(final.reads, *(h.reads for h in handlers))
        merged.writes |= final.writes  # it runs even where nothing falls through
        merged.deletes |= final.deletes
        merged.jumps |= final.jumps
        if not final.falls:
            merged.falls = False
        return merged

    _trystar = _try

    def _handler(self, h: ast.ExceptHandler) -> Facts:
        named = frozenset((h.name,)) if h.name else NONE
        f = sequence([self.expressions(h.type), Facts(NONE, named, named), self.block(h.body)])
        f.kills, f.deletes = f.kills - named, f.deletes | named
        return f

    def _with(self, s: ast.With) -> Facts:
        parts = []
        for item in s.items:
            parts.append(self.expressions(item.context_expr))
            if item.optional_vars is not None:
                parts.append(self.expressions(item.optional_vars))
        body = self.block(s.body)
        self._note_blocks(s.body)
        if body.jumps:  # its body may become a function
            self.in_try |= body.writes
        kept = Facts(
            body.reads, body.writes, body.kills, body.deletes, body.jumps, True, body.calls
        )
        if any("suppress" in ast.dump(item.context_expr) for item in s.items):
            kept.kills = NONE
        return sequence([*parts, kept])

    _asyncwith = _with

    def _note_blocks(self, stmts: Sequence[ast.stmt]) -> None:
        """An exception may leave a block inside after it has assigned names."""
        for s in stmts:
            if isinstance(s, BLOCKS):
                self.in_try |= self.facts[s].writes


# --- liveness and definedness ---------------------------------------------------------------------


@dataclass(frozen=True)
class _Targets:
    """Names live where the jumps go, and names that are live everywhere."""

    ret: Names
    brk: Names = NONE
    cont: Names = NONE
    always: Names = NONE

    def after(self, jumps: Names) -> Names:
        found = self.ret if "return" in jumps else NONE
        found |= self.brk if "break" in jumps else NONE
        return found | (self.cont if "continue" in jumps else NONE)


class _Flow:
    """The top-down pass."""

    def __init__(self, facts: dict[ast.AST, Facts]) -> None:
        self.facts = facts

    def block(
        self, stmts: Sequence[ast.stmt], live: Names, targets: _Targets, defined: Names
    ) -> Names:
        """Note what is live and defined at each statement; gives what is live at the start.

        That may be more than the statements read: an exception that a ``with`` or ``try`` inside
        catches leaves names as they were before it.
        """
        before = []
        for s in stmts:
            before.append(defined)
            f = self.facts[s]
            defined = (defined - f.deletes) | f.kills
        for s, known in zip(reversed(stmts), reversed(before), strict=True):
            f = self.facts[s]
            f.live_out = (live if f.falls else NONE) | targets.always  # what follows may be dead
            f.defined = known
            kept = f.live_out - f.kills if f.falls else NONE
            live = f.live_in = f.reads | kept | targets.after(f.jumps) | targets.always
            self._inside(s, f, targets)
            live = f.live_in  # loops need more than they read: what they hand on if they do not run
        return live

    def _inside(self, s: ast.stmt, f: Facts, targets: _Targets) -> None:
        rule = getattr(self, f"_{type(s).__name__.lower()}", None)
        if rule is not None:
            rule(s, f, targets)

    def _if(self, s: ast.If, f: Facts, targets: _Targets) -> None:
        known = f.defined | self.facts[s.test].kills
        for part in (s.body, s.orelse):
            start = self.block(part, f.live_out, targets, known)
            f.live_in |= (start & f.defined) - self.facts[s.test].kills

    def _while(self, s: ast.While | ast.For, f: Facts, targets: _Targets) -> None:
        # what is live at the start of an iteration is live when the loop starts, and after it
        f.live_in |= f.live_out
        f.defined -= f.deletes
        bound = f.defined
        if isinstance(s, ast.For):
            bound |= {n.id for n in ast.walk(s.target) if isinstance(n, ast.Name)}
        else:
            bound |= self.facts[s.test].kills
        f.live_in |= self.block(s.orelse, f.live_out, targets, f.defined) & f.defined
        more: Names | None = None
        while more is None or more:
            f.live_in |= more or NONE
            inner = _Targets(targets.ret, f.live_out, f.live_in, targets.always)
            start = self.block(s.body, f.live_in, inner, bound)
            more = (start & f.defined) - f.live_in - (bound - f.defined)

    _for = _asyncfor = _while

    def _try(self, s: ast.Try, f: Facts, targets: _Targets) -> None:
        caught = f.reads | f.live_out
        wide = _Targets(targets.ret | caught, targets.brk, targets.cont, targets.always | caught)
        known = f.defined - f.deletes
        start = self.block(s.body, f.live_out, wide, f.defined)
        f.live_in |= (start | caught) & f.defined
        done = f.defined
        for inner in s.body:
            done = (done - self.facts[inner].deletes) | self.facts[inner].kills
        self.block(s.orelse, f.live_out, wide, done)
        for h in s.handlers:
            self.block(h.body, f.live_out, wide, known | ({h.name} if h.name else NONE))
        self.block(s.finalbody, f.live_out, wide, known)

    _trystar = _try

    def _with(self, s: ast.With, f: Facts, targets: _Targets) -> None:
        known = f.defined
        for item in s.items:
            for n in ast.walk(item):
                if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store):
                    known |= {n.id}
        wide = _Targets(targets.ret, targets.brk, targets.cont, targets.always | f.live_out)
        start = self.block(s.body, f.live_out, wide, known)
        f.live_in |= ((start - (known - f.defined)) | f.live_out) & f.defined

    _asyncwith = _with


def analyse(
    node: ast.FunctionDef | ast.Lambda, free: FreeNames, defined_outside: Names | None = None
) -> Scope:
    """The scope of a function; ``defined_outside``: foreign names that have a value already."""
    body = node.body if isinstance(node.body, list) else [ast.Expr(node.body)]
    uses = _Uses(free)
    params = parameters(node.args)
    uses.order.update((n, i) for i, n in enumerate(params))
    total = uses.block(body)
    local = (total.writes | frozenset(params)) - uses.foreign.keys()
    captured = frozenset(uses.captured) & local
    foreign = frozenset(uses.foreign)
    changed = frozenset(uses.changed_by_calls) & (local | foreign)
    if changed:  # any call may change them
        for f in uses.facts.values():
            if f.calls:
                f.writes |= changed
    shared = (captured | foreign | frozenset(uses.in_try)) & (total.writes | changed | foreign)
    always = (captured | foreign) & shared
    start = frozenset(params) | (foreign if defined_outside is None else foreign & defined_outside)
    _Flow(uses.facts).block(body, NONE, _Targets(always, always=always), start)
    scope = Scope(
        params, uses.facts, total, local, uses.foreign, captured, shared, order=uses.order
    )
    tracked: set[str] = set()
    for s, f in uses.facts.items():
        if isinstance(s, BLOCKS):
            tracked |= (f.live_in & (total.writes | changed)) - f.defined
        if isinstance(s, BLOCKS) or (isinstance(s, PROTECTED) and f.jumps):
            tracked |= f.live_out & f.deletes
    scope.tracked = frozenset(tracked)
    return scope
