"""Arithmetic that changes nothing, where this holds for every number: -0.0, NaN and infinities."""

from __future__ import annotations

import numpy as np

from graphc.ir.graph import Node, Value
from graphc.passes.rewrite import Site, rule

Answer = Value | str | None
# Results that are never -0.0 (if they are real), so that adding 0.0 changes nothing.
NEVER_MINUS_ZERO = ("abs", "square", "exp", "sigmoid", "cosh", "softplus", "logical_not", "extent")
COMPLEX = "complex arithmetic mixes both parts: infinities, NaN and -0.0 would change"


def _is(site: Site, value: Value, number: int) -> bool:
    found = site.uniform(value)
    return found is not None and found == number


@rule("multiply")
def mul_one(node: Node, site: Site) -> Answer:
    """x * 1 = x."""
    x, y = node.inputs
    if not _is(site, y, 1):
        x, y = y, x
    return _unless_complex(x) if _is(site, y, 1) and x.type == node.output.type else None


@rule("divide")
def div_one(node: Node, site: Site) -> Answer:
    """x / 1 = x."""
    x, y = node.inputs
    return _unless_complex(x) if _is(site, y, 1) and x.type == node.output.type else None


def _unless_complex(x: Value) -> Answer:
    return COMPLEX if x.type.dtype.is_complex else x


@rule("add")
def add_zero(node: Node, site: Site) -> Answer:
    """x + 0 = x for integers; for floats the zero must be negative: -0.0 + 0.0 is 0.0."""
    x, y = node.inputs
    if not _is(site, y, 0):
        x, y = y, x
    if not _is(site, y, 0) or x.type != node.output.type:
        return None
    dtype = x.type.dtype
    exact = dtype.is_integer or all(_signs(site.uniform(y)))
    if exact or (not dtype.is_complex and site.maker(x, *NEVER_MINUS_ZERO)):
        return x
    return "x + 0.0 is not x for -0.0"


@rule("subtract")
def sub_zero(node: Node, site: Site) -> Answer:
    """x - 0 = x; for floats the zero must be positive."""
    x, y = node.inputs
    if not _is(site, y, 0) or x.type != node.output.type:
        return None
    return "x - -0.0 is not x for -0.0" if any(_signs(site.uniform(y))) else x


def _signs(zero: np.generic) -> list[bool]:
    """Whether a zero is negative, for each of its parts."""
    if zero.dtype.kind in "iub":
        return [False]
    parts = (zero.real, zero.imag) if zero.dtype.kind == "c" else (zero,)
    return [bool(np.signbit(np.float64(part))) for part in parts]


@rule("negative", "logical_not", "invert", "conj", "reverse")
def twice(node: Node, site: Site) -> Answer:
    """-(-x) = x, and so for all that undo themselves."""
    inner = site.maker(node.inputs[0], node.op.name)
    if inner is None or inner.attrs != node.attrs:
        return None
    return inner.inputs[0]


@rule("add")
def add_negative(node: Node, site: Site) -> Answer:
    """x + -y = x - y."""
    for x, y in (node.inputs, node.inputs[::-1]):
        inner = site.maker(y, "negative")
        if inner is not None:
            return site.emit("subtract", x, inner.inputs[0])
    return None


@rule("subtract")
def sub_negative(node: Node, site: Site) -> Answer:
    """x - -y = x + y."""
    inner = site.maker(node.inputs[1], "negative")
    return None if inner is None else site.emit("add", node.inputs[0], inner.inputs[0])


@rule("multiply", "divide")
def both_negative(node: Node, site: Site) -> Answer:
    """(-x) * (-y) = x * y."""
    if node.op.name == "divide" and node.inputs[0].type.dtype.is_integer:
        return None  # the lowest integer has no negative
    inner = [site.maker(v, "negative") for v in node.inputs]
    if inner[0] is None or inner[1] is None:
        return None
    return site.emit(node.op.name, inner[0].inputs[0], inner[1].inputs[0])


@rule("pow")
def small_power(node: Node, site: Site) -> Answer:
    """x ** 1 = x and x ** 2 = x * x."""
    x, y = node.inputs
    power = site.uniform(y)
    if power is None or x.type.shape != node.output.type.shape:
        return None
    if power not in (1, 2):
        return None
    if x.type.dtype.is_complex:
        return COMPLEX
    return x if power == 1 else site.emit("square", x)


@rule("multiply")
def itself_squared(node: Node, site: Site) -> Answer:
    """x * x is the square, which reads its operand once."""
    x, y = node.inputs
    return site.emit("square", x) if x is y else None


@rule("select")
def same_branches(node: Node, site: Site) -> Answer:
    """The same value whatever the condition."""
    _, x, y = node.inputs
    return x if x is y and x.type == node.output.type else None


@rule("select")
def known_condition(node: Node, site: Site) -> Answer:
    """One of the two, if the condition is a constant."""
    condition, x, y = node.inputs
    known = site.uniform(condition)
    if known is None:
        return None
    taken = x if known else y
    return taken if taken.type == node.output.type else None


@rule("conj", "real")
def already_real(node: Node, site: Site) -> Answer:
    """Real numbers are their own conjugate and real part."""
    x = node.inputs[0]
    return None if x.type.dtype.is_complex else x


@rule("maximum", "minimum", "logical_and", "logical_or", "bitwise_and", "bitwise_or")
def with_itself(node: Node, site: Site) -> Answer:
    """max(x, x) = x, and so for all that are idempotent."""
    x, y = node.inputs
    return x if x is y else None
