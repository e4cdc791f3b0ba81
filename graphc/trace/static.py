"""What is known of small integer tensors while tracing: `tf.shape(x)[0]` is the dimension `B`.

So reshapes, slices and ranges with computed shapes keep static or symbolic types instead of
unknown ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from graphc.ir import dims
from graphc.ir.graph import Node, Value

if TYPE_CHECKING:
    from graphc.trace.tracer import Tracer

SMALL = 64  # elements


def value_of(tracer: Tracer, value: Value) -> Any:
    """Nested lists of numbers and Dims, or None if the value is known only at run time."""
    found = _array(tracer, value, depth=0)
    return None if found is None or _has_gaps(found) else found.tolist()


def elements_of(tracer: Tracer, value: Value) -> list[Any]:
    """What is known of the elements of a short vector; None stands for the others."""
    found = _array(tracer, value, depth=0)
    found = _unknown(value) if found is None else found
    return [None] * value.type.shape[0] if found is None else found.tolist()  # type: ignore


def _unknown(value: Value) -> np.ndarray | None:
    """The elements of a small tensor of integers of which nothing is known."""
    shape = value.type.shape
    small = all(isinstance(d, int) for d in shape) and math.prod(shape) <= SMALL
    return np.full(shape, None, object) if small and value.type.dtype.is_integer else None


def _has_gaps(x: np.ndarray) -> bool:
    return x.dtype == object and any(v is None for v in x.reshape(-1))


def _array(tracer: Tracer, value: Value, depth: int) -> np.ndarray | None:
    node = tracer.producers.get(value)
    if node is None:
        return _captured(tracer, value, depth)
    if node.op.name == "constant":
        array = node.attrs["value"]
        return array if array.size <= SMALL else None
    rule = _RULES.get(node.op.name)
    if rule is None or depth > 32:
        return None
    operands = [] if rule is _shape else [_array(tracer, v, depth + 1) for v in node.inputs]
    if rule is _eager:
        pairs = zip(operands, node.inputs, strict=True)
        operands = [_unknown(v) if x is None else x for x, v in pairs]
    if any(x is None or (rule is not _eager and _has_gaps(x)) for x in operands):
        return None
    try:
        return rule(node, *operands)
    except (TypeError, ValueError, IndexError, ZeroDivisionError):
        return None


def _captured(tracer: Tracer, value: Value, depth: int) -> np.ndarray | None:
    """A parameter of a region stands for a value of the trace around it."""
    for outer, inner in tracer.captures.values():
        if inner.value is value and hasattr(outer, "tracer"):
            return _array(outer.tracer, outer.value, depth + 1)
        if inner.value is value:
            return outer._array if outer._array.size <= SMALL else None
    return None


def _shape(node: Node) -> np.ndarray:
    return np.array(node.inputs[0].type.shape, object)


def _objects(x: np.ndarray) -> np.ndarray:
    return np.asarray(x, object)


def _arithmetic(fn: Callable[[Any, Any], Any]) -> Callable[..., np.ndarray]:
    apply = np.frompyfunc(fn, 2, 1)
    return lambda node, x, y: _objects(apply(_objects(x), _objects(y)))


def _cast(node: Node, x: np.ndarray) -> np.ndarray | None:
    target = node.attrs["dtype"]
    return x if target.is_integer and x.dtype.kind in "iuO" else None


def _eager(node: Node, *arrays: np.ndarray) -> np.ndarray:
    return node.op.eager(*map(_objects, arrays), **node.attrs)  # type: ignore[attr-defined]


_RULES: dict[str, Callable[..., Any]] = {
    "shape_of": _shape,
    "cast": _cast,
    "identity": lambda node, x: x,
    "stop_gradient": lambda node, x: x,
    "add": _arithmetic(lambda a, b: a + b),
    "subtract": _arithmetic(lambda a, b: a - b),
    "multiply": _arithmetic(lambda a, b: a * b),
    "floordiv": _arithmetic(lambda a, b: a // b),
    "floormod": _arithmetic(lambda a, b: a % b),
    "maximum": _arithmetic(dims.maximum),
    "minimum": _arithmetic(dims.minimum),
    "reduce_prod": lambda node, x: _objects(dims.product(tuple(x.ravel().tolist()))),
    "stack": _eager,
    "concat": _eager,
    "reshape": _eager,
    "strided_slice": _eager,
    "squeeze": _eager,
    "expand_dims": _eager,
    "gather": _eager,
}
