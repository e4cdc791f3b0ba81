"""Comprehensions, and elements of Python's containers at an index that is a tensor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc.ir import dtypes
from graphc.ir.types import TensorType
from graphc.ops import ops
from graphc.trace import control_if, control_loops, staging
from graphc.trace.control_iter import staged_items
from graphc.trace.control_loops import Loop
from graphc.trace.control_values import CONTINUE, Exit, is_tensor_like, type_of
from graphc.trace.growing import GrowingList, display
from graphc.trace.state import FORWARDING, current
from graphc.trace.tensor import SymbolicTensor

One = Callable[[Any], Any]


def collect(items: Any, value: One, test: One | None = None) -> list[Any]:
    """``[value(v) for v in items if test(v)]``; also where tensors decide how long that is."""
    staged = None if current.tracer is None else staged_items(items)
    known = None if staged is None or test is not None else staged.known()
    if known is not None:
        staged, items = None, known
    if staged is None and test is None:
        return display([value(v) for v in items])
    made = display([])

    def body(item: Any) -> Any:
        keep = True if test is None else test(item)
        if isinstance(keep, SymbolicTensor):
            control_if.staged_if(keep, lambda: made.append(value(item)) or (), None, (), ())
        elif keep:
            made.append(value(item))
        return ()

    if staged is None:
        for item in items:
            body(item)
    else:
        loop = Loop(body, ())
        loop.finish(control_loops.stage_for(loop, staged, Exit(CONTINUE, ())))
    return made


def unpacking(count: int) -> Callable[[Callable[..., Any]], One]:
    """Turns functions of several names into functions of an item."""

    def on_item(function: Callable[..., Any]) -> One:
        def call(item: Any) -> Any:
            values = tuple(item)
            if len(values) < count:
                raise ValueError(
                    f"not enough values to unpack (expected {count}, got {len(values)})"
                )
            if len(values) > count:
                raise ValueError(f"too many values to unpack (expected {count})")
            return function(*values)

        return call

    return on_item


# --- subscripts -----------------------------------------------------------------------------------


def picked(items: Any, index: Any) -> Any:
    """``items[index]`` where the index is a tensor."""
    if not isinstance(index, SymbolicTensor):
        return items[index]
    if isinstance(items, GrowingList) and not (items.is_known and not _alike(items.known())):
        return items[index]
    if isinstance(items, list | tuple):
        return GrowingList(items)[index] if _alike(items) else _one_of(list(items), index)
    if isinstance(items, range):
        return _one_of(list(items), index) if len(items) < 2 else GrowingList(items)[index]
    return items[index]


FORWARDING.add(picked.__code__)


def _alike(values: Any) -> bool:
    """Whether one tensor can hold all of these as they are."""
    kinds = {type_of(v) if is_tensor_like(v) else type(v) for v in values}
    (kind, *more) = kinds or {None}
    return not more and (kind in (int, float, bool) or isinstance(kind, TensorType))


def _one_of(values: list[Any], index: Any) -> Any:
    """An element of a list of whatever there is: a choice of them."""
    count = len(values)
    at = index if index.dtype is dtypes.int32 else ops.cast(index, dtype=dtypes.int32)
    at = ops.select(ops.less(at, 0), ops.add(at, count), at)
    inside = ops.logical_and(ops.greater_equal(at, 0), ops.less(at, count))
    staging.emit_assert(inside, IndexError, ["list index out of range"])
    result = values[-1]
    for i, value in reversed(list(enumerate(values[:-1]))):
        result = control_if.choose(ops.equal(at, i), lambda v=value: v, lambda r=result: r)
    return result
