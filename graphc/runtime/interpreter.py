"""The reference interpreter: a graph node by node through the ops' numpy rules.

It is the oracle of every test, and what runs when nothing can be compiled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from graphc.errors import GraphcError, InvalidArgumentError
from graphc.ir import dims
from graphc.ir.dims import Dim
from graphc.ir.graph import Graph, Node, Value
from graphc.ops import control

Sizes = dict[str, int]


class GuardError(GraphcError):
    """Two sizes that tracing assumed equal are not: the function must be traced for these."""


Watch = Callable[[Node, Sequence[np.ndarray]], None]  # is told each node's results


def evaluate(
    graph: Graph,
    arrays: Sequence[np.ndarray],
    sizes: Sizes | None = None,
    watch: Watch | None = None,
) -> list[Any]:
    """The values of ``graph.results`` for values of ``graph.parameters``."""
    with np.errstate(all="ignore"):
        return _evaluate(graph, arrays, {} if sizes is None else dict(sizes), watch)


def _evaluate(
    graph: Graph, arrays: Sequence[np.ndarray], sizes: Sizes, watch: Watch | None
) -> list[Any]:
    held: dict[Value, Any] = {}
    for value, array in zip(graph.parameters, arrays, strict=True):
        held[value] = array
        bind(value, array, sizes)
    last = {v: i for i, node in enumerate(graph.nodes) for v in node.inputs}
    keep = set(graph.results)
    for i, node in enumerate(graph.nodes):
        results = run_node(node, [held[v] for v in node.inputs], sizes, watch)
        if watch is not None:
            watch(node, results)
        for value, result in zip(node.outputs, results, strict=True):
            held[value] = result
            bind(value, result, sizes)
        for value in node.inputs:
            if last[value] == i and value not in keep:
                held.pop(value, None)
    return [held[v] for v in graph.results]


def _evaluate_inside(
    sizes: Sizes, watch: Watch | None, graph: Graph, arrays: Sequence[np.ndarray]
) -> list[Any]:
    """A region; what it learns about sizes holds only inside of it."""
    return _evaluate(graph, arrays, dict(sizes), watch)


def run_node(
    node: Node, arrays: Sequence[np.ndarray], sizes: Sizes, watch: Watch | None = None
) -> list[np.ndarray]:
    """One op on arrays; a failure names the user's line."""
    op: Any = node.op
    if op is control.guard:
        check_guard(node, sizes)
        return []
    attrs = concrete(node.attrs, sizes)
    try:
        if node.regions:
            inner = partial(_evaluate_inside, sizes, watch)
            results = op.eager(inner, node.regions, arrays, attrs)
        else:
            results = op.eager(*arrays, **attrs)
            results = results if op.many else (results,)
    except GraphcError as error:
        raise located(error, node) from error.__cause__
    except (ValueError, IndexError, np.linalg.LinAlgError) as error:
        if op.effect or node.regions:  # the exception is the user's own, or has been told before
            raise located(error, node) from None
        raise located(InvalidArgumentError(f"{op.name}: {error}"), node) from error
    return [_coerced(r, v) for r, v in zip(results, node.outputs, strict=True)]


def _coerced(result: Any, value: Value) -> np.ndarray:
    """Exactly the inferred dtype (numpy scalars become 0-d arrays)."""
    array = np.asarray(result)
    want = value.type.dtype.np
    return array if array.dtype == want else array.astype(want)


def located(error: Exception, node: Node) -> Exception:
    """Add the user's line to an exception."""
    if node.loc is not None and not getattr(error, "__notes__", None):
        error.add_note(f"in {node.op.name} at {node.loc.file}:{node.loc.line}")
    return error


def bind(value: Value, array: Any, sizes: Sizes) -> None:
    """Learn the sizes of symbols from a value's shape."""
    for dim, size in zip(value.type.shape, np.shape(array), strict=True):
        if isinstance(dim, Dim) and len(dim.terms) == 1:
            (monomial, factor) = dim.terms[0]
            if factor == 1 and len(monomial) == 1 and not monomial[0].args:
                sizes.setdefault(monomial[0].name, size)


def check_guard(node: Node, sizes: Mapping[str, int]) -> None:
    """Raise `GuardError` unless the two dims of a guard are equal."""
    a, b = node.attrs["a"], node.attrs["b"]
    if (dims.symbols(a) | dims.symbols(b)) <= sizes.keys():
        x, y = dims.evaluate(a, sizes), dims.evaluate(b, sizes)
        if x != y:
            raise GuardError(f"dimension {a} is {x} and {b} is {y}, but they must be equal")


def concrete(attrs: Mapping[str, Any], sizes: Mapping[str, int]) -> dict[str, Any]:
    """Attributes with every symbolic dim replaced by its size."""
    return {name: _concrete(value, sizes) for name, value in attrs.items()}


def _concrete(value: Any, sizes: Mapping[str, int]) -> Any:
    if isinstance(value, Dim):
        # sizes of results that only running tells may be unknown here, and are not needed
        return dims.evaluate(value, sizes) if value.symbols <= sizes.keys() else value
    if isinstance(value, tuple):
        return tuple(_concrete(v, sizes) for v in value)
    if isinstance(value, slice):
        return slice(*(_concrete(v, sizes) for v in (value.start, value.stop, value.step)))
    return value
