"""The reference evaluator: runs a graph node by node through each op's numpy rule.

It is the oracle that compiled programs are tested against, and what runs where nothing is compiled.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from graphc.errors import InvalidArgumentError
from graphc.ir import dims
from graphc.ir.dims import Dim, DimLike
from graphc.ir.graph import Graph, Node, Value
from graphc.ops import control

Arrays = Sequence[np.ndarray]
Sizes = dict[str, int]


class GuardError(InvalidArgumentError):
    """Sizes that tracing assumed to be equal are not; the function has to be traced for them."""


def evaluate(graph: Graph, arrays: Arrays, sizes: Mapping[str, int] | None = None) -> list[Any]:
    """The graph's results (outputs, then state updates) for arrays of its parameters."""
    with _quiet():
        return _evaluate(graph, arrays, sizes or {})


def _evaluate(graph: Graph, arrays: Arrays, outer: Mapping[str, int]) -> list[Any]:
    sizes = bind_sizes(graph.parameters, arrays, outer)
    held: dict[Value, Any] = dict(zip(graph.parameters, arrays, strict=True))
    for node, dead in zip(graph.nodes, _last_uses(graph), strict=True):
        results = evaluate_node(node, [held[v] for v in node.inputs], sizes)
        held.update(zip(node.outputs, results, strict=True))
        for value in dead:
            held.pop(value, None)
    return [held[v] for v in graph.results]


def evaluate_node(node: Node, arrays: Arrays, sizes: Sizes) -> list[Any]:
    """Run one node; dims that only its results tell are added to ``sizes``."""
    try:
        found = _call(node, arrays, sizes)
        results = [
            _as_declared(a, v.type.dtype.np) for a, v in zip(found, node.outputs, strict=True)
        ]
        for value, array in zip(node.outputs, results, strict=True):
            if len(value.type.symbols - sizes.keys()):
                _bind(value, array.shape, sizes)
    except Exception as error:
        if node.loc is not None:
            add_place(error, node)
        raise
    return results


def _call(node: Node, arrays: Arrays, sizes: Sizes) -> Sequence[Any]:
    op: Any = node.op
    if node.regions:
        return op.eager(partial(_evaluate, outer=sizes), node.regions, arrays, node.attrs)
    if op is control.guard:
        check_guard(node, sizes)
        return ()
    found = op.eager(*arrays, **{k: concrete(v, sizes) for k, v in node.attrs.items()})
    return found if op.many else (found,)


def _as_declared(array: Any, dtype: np.dtype) -> Any:
    if type(array) is np.ndarray and array.dtype is dtype:
        return array
    return np.asarray(array, dtype)


def concrete(value: Any, sizes: Mapping[str, int]) -> Any:
    """An attribute with its dims replaced by sizes."""
    if isinstance(value, Dim):
        return dims.evaluate(value, sizes)
    if type(value) is tuple:
        return tuple(concrete(v, sizes) for v in value)
    return value


# --- sizes ----------------------------------------------------------------------------------------


def bind_sizes(
    values: Sequence[Value], arrays: Arrays, outer: Mapping[str, int] | None = None
) -> Sizes:
    """What the symbols in the values' types stand for, read off the arrays' shapes."""
    sizes = dict(outer or {})
    bound: dict[str, tuple[Value, int]] = {}
    for value, array in zip(values, arrays, strict=True):
        if value.type.is_static:
            continue
        for dim, size in zip(value.type.shape, array.shape, strict=True):
            name = plain_symbol(dim)
            if name is None:
                continue
            first, known = bound.setdefault(name, (value, size))
            if known != size:
                raise GuardError(
                    f"{name} is {known} in %{first.name}: {first.type} but {size} in"
                    f" %{value.name}: {value.type}"
                )
            sizes[name] = size
    return sizes


def plain_symbol(dim: DimLike) -> str | None:
    """The name of a dim that is just a symbol."""
    if isinstance(dim, Dim) and len(dim.terms) == 1:
        (monomial, factor), *_ = dim.terms
        if factor == 1 and len(monomial) == 1 and not monomial[0].args:
            return monomial[0].name
    return None


def _bind(value: Value, shape: Sequence[int], sizes: Sizes) -> None:
    """Symbols that depend on data become known with the first value that carries them."""
    for dim, size in zip(value.type.shape, shape, strict=True):
        name = plain_symbol(dim)
        if name is not None:
            sizes.setdefault(name, size)


def check_guard(node: Node, sizes: Mapping[str, int]) -> None:
    """Raise ``GuardError`` unless the two dims of a guard have the same size."""
    a, b = node.attrs["a"], node.attrs["b"]
    left, right = dims.evaluate(a, sizes), dims.evaluate(b, sizes)
    if left != right:
        raise GuardError(f"sizes do not fit: {a} is {left}, but {b} is {right}")


# --- around the numpy calls -----------------------------------------------------------------------


def add_place(error: BaseException, node: Node) -> None:
    """Note the user's line that a node stands for, once an error."""
    note = f"in {node.op.name}, from {node.loc.file}, line {node.loc.line}" if node.loc else ""
    if note and not any(n.startswith("in ") for n in getattr(error, "__notes__", ())):
        error.add_note(note)


@contextmanager
def _quiet() -> Iterator[None]:
    """NaN and infinity are results, not warnings (``np.errstate`` alone costs 2 us a call)."""
    try:
        from numpy._core.umath import _extobj_contextvar, _make_extobj
    except ImportError:  # numpy keeps these to itself and may move them
        with np.errstate(all="ignore"):
            yield
        return
    token = _extobj_contextvar.set(_make_extobj(all="ignore"))
    try:
        yield
    finally:
        _extobj_contextvar.reset(token)



def _last_uses(graph: Graph) -> list[list[Value]]:
    """For each node the values that nothing reads after it; kept on the graph."""
    found: list[list[Value]] | None = graph.__dict__.get("_dead")
    if found is None:
        last = {v: i for i, node in enumerate(graph.nodes) for v in (*node.inputs, *node.outputs)}
        for value in graph.results:
            last.pop(value, None)
        found = [[] for _ in graph.nodes]
        for value, at in last.items():
            found[at].append(value)
        graph.__dict__["_dead"] = found
    return found
