"""Dimensions: an int, a symbol, or an integer polynomial of symbols.

Comparison of two dimensions answers True, False or *unknown* (``None``).  There is no solver: what
is unknown while tracing becomes a guard that is checked when the sizes are known.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import total_ordering

FUNCTIONS: dict[str, Callable[[int, int], int]] = {
    "floordiv": lambda a, b: a // b,
    "mod": lambda a, b: a % b,
    "max": max,
    "min": min,
}


@total_ordering
@dataclass(frozen=True)
class Atom:
    """A symbol (no arguments), or a function of dims that polynomials cannot express."""

    name: str
    args: tuple[DimLike, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}({', '.join(map(str, self.args))})" if self.args else self.name

    def __lt__(self, other: Atom) -> bool:
        return str(self) < str(other)

    def evaluate(self, sizes: Mapping[str, int]) -> int:
        if self.args:
            return FUNCTIONS[self.name](*(evaluate(arg, sizes) for arg in self.args))
        return sizes[self.name]


Monomial = tuple[Atom, ...]


@dataclass(frozen=True)
class Dim:
    """An integer polynomial: sorted ``(monomial, coefficient)`` pairs, no zero coefficients."""

    terms: tuple[tuple[Monomial, int], ...]

    def __add__(self, other: DimLike) -> DimLike:
        total = dict(self.terms)
        for monomial, factor in _terms(other):
            total[monomial] = total.get(monomial, 0) + factor
        return _canonical(total)

    __radd__ = __add__

    def __mul__(self, other: DimLike) -> DimLike:
        total: dict[Monomial, int] = {}
        for left, a in self.terms:
            for right, b in _terms(other):
                monomial = tuple(sorted(left + right))
                total[monomial] = total.get(monomial, 0) + a * b
        return _canonical(total)

    __rmul__ = __mul__

    def __neg__(self) -> DimLike:
        return self * -1

    def __sub__(self, other: DimLike) -> DimLike:
        return self + (-other)

    def __rsub__(self, other: DimLike) -> DimLike:
        return -self + other

    def __floordiv__(self, other: DimLike) -> DimLike:
        exact = _exact_quotient(self, other)
        return _atom("floordiv", self, other) if exact is None else exact

    def __rfloordiv__(self, other: int) -> DimLike:
        return _atom("floordiv", other, self)

    def __mod__(self, other: DimLike) -> DimLike:
        return 0 if _exact_quotient(self, other) is not None else _atom("mod", self, other)

    def __rmod__(self, other: int) -> DimLike:
        return _atom("mod", other, self)

    @property
    def symbols(self) -> frozenset[str]:
        found: set[str] = set()
        for monomial, _ in self.terms:
            for atom in monomial:
                found |= (
                    frozenset().union(*(symbols(a) for a in atom.args))
                    if atom.args
                    else {atom.name}
                )
        return frozenset(found)

    def __str__(self) -> str:
        text = ""
        # Constants last: B+1 reads better than 1+B.
        for monomial, factor in sorted(self.terms, key=lambda t: (not t[0], t[0])):
            sign = "-" if factor < 0 else "+" if text else ""
            names = "*".join(map(str, monomial))
            size = str(abs(factor)) if abs(factor) != 1 or not monomial else ""
            text += sign + "*".join(part for part in (size, names) if part)
        return text

    __repr__ = __str__


DimLike = int | Dim


def symbol(name: str) -> Dim:
    """The dimension that is called ``name``."""
    return Dim((((Atom(name),), 1),))


def _terms(value: DimLike) -> tuple[tuple[Monomial, int], ...]:
    return value.terms if isinstance(value, Dim) else (((), int(value)),)


def _canonical(total: dict[Monomial, int]) -> DimLike:
    kept = tuple(sorted((m, f) for m, f in total.items() if f))
    if not kept:
        return 0
    return kept[0][1] if len(kept) == 1 and not kept[0][0] else Dim(kept)


def _atom(name: str, *args: DimLike) -> Dim:
    return Dim((((Atom(name, args),), 1),))


def apply_function(name: str, *args: DimLike) -> DimLike:
    """A function of `FUNCTIONS` on dims; computed if they are known."""
    if not any(isinstance(a, Dim) for a in args):
        return FUNCTIONS[name](*args)  # type: ignore[arg-type]
    exact = {"floordiv": lambda a, b: a // b, "mod": lambda a, b: a % b}
    return exact.get(name, lambda a, b: a if a == b else _atom(name, a, b))(*args)


def _exact_quotient(value: Dim, divisor: DimLike) -> DimLike | None:
    if isinstance(divisor, Dim):
        if len(divisor.terms) != 1:
            return 1 if value == divisor else None
        atoms, scale = divisor.terms[0]
    else:
        atoms, scale = (), divisor
    total: dict[Monomial, int] = {}
    for monomial, factor in value.terms:
        rest = list(monomial)
        for atom in atoms:
            if atom not in rest:
                return None
            rest.remove(atom)
        if scale == 0 or factor % scale:
            return None
        total[tuple(rest)] = factor // scale
    return _canonical(total)


def maximum(a: DimLike, b: DimLike) -> DimLike:
    return apply_function("max", a, b)


def minimum(a: DimLike, b: DimLike) -> DimLike:
    return apply_function("min", a, b)


def product(dims: Iterator[DimLike] | tuple[DimLike, ...]) -> DimLike:
    return math.prod(dims, start=1)


def symbols(value: DimLike) -> frozenset[str]:
    return value.symbols if isinstance(value, Dim) else frozenset()


def evaluate(value: DimLike, sizes: Mapping[str, int]) -> int:
    """The size of a dimension when each symbol has the given size."""
    if not isinstance(value, Dim):
        return int(value)
    return sum(f * math.prod(a.evaluate(sizes) for a in m) for m, f in value.terms)


def same(a: DimLike, b: DimLike) -> bool | None:
    """Whether two dims are equal for every, no, or (None) some sizes of their symbols."""
    if a == b:
        return True
    rest = a - b
    return None if isinstance(rest, Dim) else False


def at_most(a: DimLike, b: DimLike) -> bool:
    """Whether ``a <= b`` is certain, for all sizes of their symbols."""
    return all(factor <= 0 for _, factor in _terms(a - b))


# Equalities that type rules had to assume; a graph builder collects them and turns them into
# guards.
_assumed: ContextVar[list[tuple[DimLike, DimLike]] | None] = ContextVar("assumed", default=None)


@contextmanager
def collecting() -> Iterator[list[tuple[DimLike, DimLike]]]:
    """Collect what ``assume_equal`` has to assume."""
    found: list[tuple[DimLike, DimLike]] = []
    token = _assumed.set(found)
    try:
        yield found
    finally:
        _assumed.reset(token)


def assume_equal(a: DimLike, b: DimLike) -> bool:
    """Whether the dims can be equal; notes the assumption when they only may be."""
    answer = same(a, b)
    if answer is None:
        found = _assumed.get()
        if found is not None:
            found.append((a, b))
    return answer is not False


def parse_dim(text: str) -> DimLike:
    """Read what ``str`` of a dim printed; ``ValueError`` for anything else."""
    try:
        return _read(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, KeyError, TypeError) as error:
        raise ValueError(f"{text!r} is not a dimension") from error


def _read(node: ast.expr) -> DimLike:
    match node:
        case ast.Constant(value=int(value)):
            return value
        case ast.Name(id=name):
            return symbol(name)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_read(operand)
        case ast.BinOp(left=left, op=operator, right=right):
            a, b = _read(left), _read(right)
            return {ast.Add: lambda: a + b, ast.Sub: lambda: a - b, ast.Mult: lambda: a * b}[
                type(operator)
            ]()
        case ast.Call(func=ast.Name(id=name), args=args) if name in FUNCTIONS:
            return _atom(name, *map(_read, args))
    raise TypeError("not a dimension")
