"""One element of an op as Python text that numba compiles: templates of the ops, filled in."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphc.ir import dtypes
from graphc.ir.dtypes import DType
from graphc.ir.graph import Node
from graphc.ops.opdef import Reduce, Scalar

_PLACE = re.compile(r"\{(\w+)(?::(\w+))?\}")
_DIVISION = {
    "floordiv": "floor_divide", "floormod": "floor_modulo", "truncatediv": "truncate_divide",
    "truncatemod": "truncate_modulo",
}  # fmt: skip
# What a kernel returns when it stops: kind + 16 * (number of the node among those that can fail).
OUT_OF_RANGE, DIVISION_BY_ZERO, NEGATIVE_POWER, FALSE, NOT_FINITE = 1, 2, 3, 4, 5
KINDS = 16
FAILURES = {
    OUT_OF_RANGE: "an index is out of range", DIVISION_BY_ZERO: "integer division by zero",
    NEGATIVE_POWER: "integers to negative powers are not integers",
    FALSE: "a condition does not hold", NOT_FINITE: "NaN or infinity",
}  # fmt: skip
# Steps that LLVM vectorises only in another form: sums that may be reordered, extremes without
# branches.
_STEPS = {
    "{acc} + {x}": "radd_{t}({acc}, {x})",
    "{acc} * {x}": "rmul_{t}({acc}, {x})",
    "{x} if {x} > {acc} or {x} != {x} else {acc}": "rmax_{t}({acc}, {x})",
    "{x} if {x} < {acc} or {x} != {x} else {acc}": "rmin_{t}({acc}, {x})",
}
_BITWISE = {"{acc} or {x}": "{acc} | {x}", "{acc} and {x}": "{acc} & {x}"}


def literal(value: Any) -> str:
    """A number with its dtype: a bare 2.0 would turn an f32 kernel into f64."""
    dtype = dtypes.of_numpy(value.dtype)
    if dtype.is_bool:
        return "True" if value else "False"
    if dtype.is_integer:
        return f"{dtype.short}({int(value)})"
    number = float(value)
    short = str(value)  # 0.1 rather than 0.10000000149011612, where both are the same f32
    exact = (
        short if np.isfinite(number) and value.dtype.type(float(short)) == value else repr(number)
    )
    text = exact if np.isfinite(number) else f"np.{'nan' if number != number else 'inf'}"
    return f"{dtype.short}({'-' if number == -np.inf else ''}{text})"


def fill(template: str, words: dict[str, str], attrs: Any = None) -> str:
    """A template with ``{name}`` and ``{attr:name}`` replaced."""

    def replace(match: re.Match[str]) -> str:
        if match[2] is not None:
            return repr(attrs[match[2]])
        return words[match[1]]

    return _PLACE.sub(replace, template)


def wrapped(text: str, dtype: DType) -> str:
    """Integers wrap around in their own width; numba would widen them."""
    return f"{dtype.short}({text})" if dtype.is_integer else text


@dataclass(frozen=True)
class Surroundings:
    """What an expression may ask of the kernel it is written into."""

    indices: Sequence[str | None]  # the loop index along each of the result's dims
    check: Callable[..., None]  # (kind, condition, *details): the kernel stops where it holds
    number: Callable[[Any], str]  # the name of a size


def expression(node: Node, operands: Sequence[str], around: Surroundings) -> str:
    """An elementwise node's element."""
    dtype = node.output.type.dtype
    lower: Any = node.op.lower  # type: ignore[attr-defined]
    if isinstance(lower, Reduce):  # over nothing
        total = step(node, start(node), operands[0])
        return finish(node, total, lambda: "1")
    if not isinstance(lower, Scalar):  # a copy
        return operands[0]
    rule = _NAMED.get(lower.text)
    if rule is not None:
        return rule(node, operands, around)
    words = dict(zip(node.op.operands, operands, strict=False))  # type: ignore[attr-defined]
    first = node.inputs[0].type.dtype if node.inputs else dtype
    words |= {"T": dtype.short, "t": dtype.short, "S": first.short, "s": first.short}
    text = lower.text
    if first.is_floating:  # the kernels' abs is of integers
        text = text.replace("abs(", f"fabs_{first.short}(")
    return wrapped(fill(text, words, node.attrs), dtype)


def _cast(node: Node, operands: Sequence[str], around: Surroundings) -> str:
    source, target = node.inputs[0].type.dtype, node.output.type.dtype
    x = operands[0]
    if source is target:
        return x
    if target.is_bool:
        return f"{x} != 0"
    if source.is_floating and target.is_integer and target not in (dtypes.int32, dtypes.int64):
        return f"{target.short}(i64({x}))"
    return f"{target.short}({x})"


def _power(node: Node, operands: Sequence[str], around: Surroundings) -> str:
    x, y = operands
    short = node.output.type.dtype.short
    if node.output.type.dtype.is_integer:
        around.check(NEGATIVE_POWER, f"{y} < 0")
        return wrapped(f"power({x}, {y})", node.output.type.dtype)
    return f"{x} * {x}" if y == f"{short}(2.0)" else f"pow_{short}({x}, {y})"


def _division(kind: str) -> Any:
    def rule(node: Node, operands: Sequence[str], around: Surroundings) -> str:
        x, y = operands
        dtype = node.output.type.dtype
        if dtype.is_integer:
            around.check(DIVISION_BY_ZERO, f"{y} == 0")
        elif kind == "floordiv":
            return f"floor_{dtype.short}({x} / {y})"
        return wrapped(f"{_DIVISION[kind]}({x}, {y})", dtype)

    return rule


def _one_hot(node: Node, operands: Sequence[str], around: Surroundings) -> str:
    target = node.output.type.dtype
    at = around.indices[node.attrs.get("axis", -1)] or "0"
    if target.is_bool:
        return f"i64({operands[0]}) == {at}"
    return f"{target.short}(1) if i64({operands[0]}) == {at} else {target.short}(0)"


def _iota(node: Node, operands: Sequence[str], around: Surroundings) -> str:
    return f"{node.output.type.dtype.short}({around.indices[0] or '0'})"


def _in_range(node: Node, operands: Sequence[str], around: Surroundings) -> str:
    x, size = operands[0], around.number(node.attrs["size"])
    around.check(OUT_OF_RANGE, f"{x} < 0 or {x} >= {size}", f"i64({x})", size)
    return x


def _extent(node: Node, operands: Sequence[str], around: Surroundings) -> str:
    return f"{node.output.type.dtype.short}({around.number(node.attrs['size'])})"


_NAMED: dict[str, Callable[..., str]] = {
    "cast": _cast, "pow": _power, "one_hot": _one_hot, "iota": _iota,
    "extent": _extent, "in_range": _in_range, **{kind: _division(kind) for kind in _DIVISION},
}  # fmt: skip


# --- reductions -----------------------------------------------------------------------------------


def start(node: Node) -> str:
    """A reduction's value before the first element."""
    dtype = node.output.type.dtype
    words = {"T": dtype.short}
    lower: Any = node.op.lower  # type: ignore[attr-defined]
    if "est}" in lower.start:
        low, high = (dtype.min, dtype.max) if not dtype.is_floating else (-np.inf, np.inf)
        words |= {"lowest": literal(dtype.np.type(low)), "highest": literal(dtype.np.type(high))}
    return fill(lower.start, words)


def is_float_sum(node: Node) -> bool:
    """Whether a reduction adds up floats, so that the order of many matters."""
    lower: Any = node.op.lower  # type: ignore[attr-defined]
    return node.output.type.dtype.is_floating and lower.step == "{acc} + {x}"


def step(node: Node, total: str, x: str) -> str:
    """A reduction's value after one more element."""
    dtype = node.output.type.dtype
    template = node.op.lower.step  # type: ignore[attr-defined]
    if dtype.is_floating:
        template = _STEPS.get(template, template)
    template = _BITWISE.get(template, template)
    words = {"acc": total, "x": x, "T": dtype.short, "t": dtype.short}
    return wrapped(fill(template, words), dtype)


def finish(node: Node, total: str, count: Callable[[], str]) -> str:
    """A reduction's result from its value after the last element."""
    dtype = node.output.type.dtype
    template = node.op.lower.finish  # type: ignore[attr-defined]
    if template == "{acc}":
        return total
    if dtype.is_integer and " / " in template:  # integer means are rounded down
        return wrapped(f"floor_divide({total}, {dtype.short}(max({count()}, 1)))", dtype)
    words = {"acc": total, "n": count(), "T": dtype.short, "t": dtype.short}
    return wrapped(fill(template, words), dtype)
