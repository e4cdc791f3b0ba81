"""Constants, control flow and calls: the ops that own regions, and what guards dims.

A region op's ``eager`` gets ``(evaluate, regions, arrays, attrs)``: ``evaluate(graph, arrays)``
runs a region. Captured values are operands; a region's parameters are listed with each op.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from graphc.errors import InvalidArgumentError
from graphc.ir import dims, dtypes
from graphc.ir.graph import Graph
from graphc.ir.types import TensorType
from graphc.ops.combinators import op
from graphc.ops.opdef import Attrs, Host, Sample, Types

Evaluate = Callable[[Graph, Sequence[np.ndarray]], list[np.ndarray]]
Regions = Mapping[str, Graph]


def _constant_type(types: Types, attrs: Attrs) -> TensorType:
    value = attrs["value"]
    return TensorType(dtypes.of_numpy(value.dtype), value.shape)


constant = op(
    "constant", "", _constant_type, lambda value: value, attrs={"value": None},
    grad="a constant depends on nothing",
    samples=lambda: [Sample((), {"value": np.array(2.5, np.float32)}, grad=False)],
    doc="A value that is part of the program.",
)  # fmt: skip


def _matches(given: Sequence[TensorType], region: Graph, who: str) -> None:
    wanted = [v.type for v in region.inputs]
    if len(wanted) != len(given):
        raise InvalidArgumentError(f"{who} takes {len(wanted)} values, got {len(given)}")
    for got, want, value in zip(given, wanted, region.inputs, strict=True):
        fits = got.dtype is want.dtype and got.rank == want.rank
        if not fits or any(
            dims.same(a, b) is False for a, b in zip(got.shape, want.shape, strict=True)
        ):
            raise InvalidArgumentError(f"{who}: %{value.name} is {want}, got {got}")


def _results(region: Graph) -> tuple[TensorType, ...]:
    return tuple(v.type for v in region.outputs)


# --- if -------------------------------------------------------------------------------------------


def _if_type(types: Types, attrs: Attrs, regions: Regions) -> tuple[TensorType, ...]:
    if types[0] != TensorType(dtypes.bool_):
        raise InvalidArgumentError(f"if: the condition must be b1[], got {types[0]}")
    for label in ("then", "else"):
        _matches(types[1:], regions[label], f"if: {label}")
    then, other = (_results(regions[label]) for label in ("then", "else"))
    if len(then) != len(other):
        raise InvalidArgumentError("if: the branches give different numbers of values")
    return tuple(_join(a, b, attrs, i) for i, (a, b) in enumerate(zip(then, other, strict=True)))


def _join(a: TensorType, b: TensorType, attrs: Attrs, at: int) -> TensorType:
    """Both branches' type; dims that differ take the symbols given in ``attrs['joined']``."""
    if a.dtype is not b.dtype or a.rank != b.rank:
        raise InvalidArgumentError(f"if: result {at} is {a} in one branch and {b} in the other")
    named = dict(attrs.get("joined", ()))
    return a.with_shape(
        x if x == y else named.get((at, i), x)
        for i, (x, y) in enumerate(zip(a.shape, b.shape, strict=True))
    )


def _run_if(evaluate: Evaluate, regions: Regions, arrays: Sequence[Any], attrs: Attrs) -> list[Any]:
    return evaluate(regions["then" if arrays[0] else "else"], arrays[1:])


if_ = op(
    "if", "pred *captures", _if_type, _run_if, attrs={"joined": ()}, wide=True, many=True,
    grad="differentiated as a region", samples=None, can_fail=True,
    doc="One of two regions, chosen by a bool scalar.",
)  # fmt: skip


# --- while ----------------------------------------------------------------------------------------


def _stacked(region: Graph, attrs: Attrs) -> tuple[TensorType, ...]:
    """Types of the results: carried values, then each iteration's values stacked."""
    carried, stacked = attrs["carried"], attrs.get("stacked", 0)
    yields = _results(region)
    if len(yields) != carried + stacked:
        raise InvalidArgumentError(
            f"loop body yields {len(yields)}, not {carried + stacked} values"
        )
    rows = (t.with_shape((attrs["length"], *t.shape)) for t in yields[carried:])
    return (*yields[:carried], *rows)


def _while_type(types: Types, attrs: Attrs, regions: Regions) -> tuple[TensorType, ...]:
    for label in ("cond", "body"):
        _matches(types, regions[label], f"while: {label}")
    if _results(regions["cond"]) != (TensorType(dtypes.bool_),):
        raise InvalidArgumentError("while: the condition must give b1[]")
    k = attrs["carried"]
    _matches(_results(regions["body"])[:k], _first(regions["body"], k), "while: next iteration")
    counts = (TensorType(dtypes.int32),) if attrs.get("count") else ()
    # Carried results have the parameters' types: those hold for every iteration, also for none.
    kept = tuple(v.type for v in regions["body"].inputs[:k])
    return kept + _stacked(regions["body"], attrs)[k:] + counts


def _first(region: Graph, count: int) -> Graph:
    return region.replace(inputs=region.inputs[:count])


def _run_while(
    evaluate: Evaluate, regions: Regions, arrays: Sequence[Any], attrs: Attrs
) -> list[Any]:
    k = attrs["carried"]
    carried, fixed, rows, count = list(arrays[:k]), list(arrays[k:]), [], 0
    while evaluate(regions["cond"], carried + fixed)[0]:
        results = evaluate(regions["body"], carried + fixed)
        carried = results[:k]
        rows.append(results[k:])
        count += 1
    counts = [np.asarray(count, np.int32)] if attrs.get("count") else []
    return carried + _stack(rows, regions["body"].outputs[k:]) + counts


def _stack(rows: list[list[np.ndarray]], values: Sequence[Any]) -> list[np.ndarray]:
    if rows:
        columns = zip(values, zip(*rows, strict=True), strict=True)
        return [_column(value.name, column) for value, column in columns]
    # No iteration ran: unknown dims of the rows are of no consequence.
    return [
        np.empty((0, *(d if isinstance(d, int) else 0 for d in v.type.shape)), v.type.dtype.np)
        for v in values
    ]


def _column(name: str, rows: Sequence[np.ndarray]) -> np.ndarray:
    shapes = {np.shape(row) for row in rows}
    if len(shapes) > 1:
        raise InvalidArgumentError(
            f"a loop keeps %{name} of each iteration, for its gradient or for a list, but its"
            f" shape changes: {sorted(shapes)[0]}, {sorted(shapes)[1]}"
        )
    return np.stack(rows)


while_ = op(
    "while", "*values", _while_type, _run_while, wide=True, many=True, can_fail=True,
    attrs={"carried": 0, "stacked": 0, "length": None, "count": False},
    grad="differentiated as a region", samples=None,
    doc="Repeats ``body`` while ``cond`` holds; both take ``(carried..., captures...)``.",
)  # fmt: skip


# --- for ------------------------------------------------------------------------------------------


def _for_type(types: Types, attrs: Attrs, regions: Regions) -> tuple[TensorType, ...]:
    body, k, j = regions["body"], attrs["carried"], attrs.get("scanned", 0)
    if types[0] != TensorType(dtypes.int32):
        raise InvalidArgumentError(f"for: the trip count must be i32[], got {types[0]}")
    rows = [t.with_shape(t.shape[1:]) for t in types[1 + k : 1 + k + j]]
    given = [TensorType(dtypes.int32), *types[1 : 1 + k], *rows, *types[1 + k + j :]]
    _matches(given, body, "for: body")
    carried = body.replace(inputs=body.inputs[1 : 1 + k])
    _matches(_results(body)[:k], carried, "for: next iteration")
    return tuple(v.type for v in carried.inputs) + _stacked(body, attrs)[k:]


def _run_for(
    evaluate: Evaluate, regions: Regions, arrays: Sequence[Any], attrs: Attrs
) -> list[Any]:
    body, k, j = regions["body"], attrs["carried"], attrs.get("scanned", 0)
    count = max(int(arrays[0]), 0)
    carried, scanned = list(arrays[1 : 1 + k]), arrays[1 + k : 1 + k + j]
    fixed, rows = list(arrays[1 + k + j :]), []
    order = range(count - 1, -1, -1) if attrs.get("reverse") else range(count)
    for i in order:
        slices = [x[i] for x in scanned]
        results = evaluate(
            body, [np.asarray(i, np.int32), *carried, *map(np.asarray, slices), *fixed]
        )
        carried = results[:k]
        rows.append(results[k:])
    if attrs.get("reverse"):
        rows.reverse()  # row i belongs to iteration index i, whatever the order
    return carried + _stack(rows, body.outputs[k:])


for_ = op(
    "for", "n *values", _for_type, _run_for, wide=True, many=True, can_fail=True,
    attrs={"carried": 0, "scanned": 0, "stacked": 0, "length": None, "reverse": False},
    grad="differentiated as a region", samples=None,
    doc="Counted: body(i, carried..., rows of scanned..., captures...) -> carried..., rows.",
)  # fmt: skip


# --- call, fused ----------------------------------------------------------------------------------


def _call_type(types: Types, attrs: Attrs, regions: Regions) -> tuple[TensorType, ...]:
    _matches(types, regions["body"], attrs.get("name") or "call")
    return _results(regions["body"])


def _run_call(
    evaluate: Evaluate, regions: Regions, arrays: Sequence[Any], attrs: Attrs
) -> list[Any]:
    return evaluate(regions["body"], arrays)


call = op(
    "call", "*args", _call_type, _run_call, attrs={"name": ""}, wide=True, many=True, can_fail=True,
    grad="differentiated as a region", samples=None, doc="The body of another function.",
)  # fmt: skip
fused = op(
    "fused", "*args", _call_type, _run_call, attrs={"kind": ""}, wide=True, many=True,
    grad="made after differentiation", samples=None, doc="Ops that one kernel computes together.",
)  # fmt: skip

guard = op(
    "guard", "", lambda types, attrs: (), lambda a, b: (), attrs={"a": 0, "b": 0}, many=True,
    effect=True, grad="it has no result", samples=None,
    lower=Host("checked when the sizes are bound, before the program runs"),
    doc="Two dims that tracing had to assume equal.",
)  # fmt: skip

REGION_OPS = frozenset((if_, while_, for_, call, fused))
