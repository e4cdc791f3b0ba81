"""``tf.while_loop``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc.errors import InvalidArgumentError
from graphc.ir import dtypes
from graphc.ops import ops
from graphc.trace import nest
from graphc.trace.control import OPERATORS
from graphc.trace.dispatch import convert_to_tensor
from graphc.trace.rows import Tracked
from graphc.trace.shape import TensorShape


def while_loop(
    cond: Callable[..., Any], body: Callable[..., Any], loop_vars: Any,
    shape_invariants: Any = None,
    parallel_iterations: int = 10, back_prop: bool = True, swap_memory: bool = False,
    maximum_iterations: Any = None, name: str | None = None,
) -> Any:  # fmt: skip
    """Repeat ``loop_vars = body(*loop_vars)`` while ``cond(*loop_vars)``; returns the last ones.

    ``loop_vars`` is a list, tuple or namedtuple of (nested) tensors and TensorArrays, and so is
    the result.  Dims that change from one iteration to the next are found; ``shape_invariants``
    checks that they are as expected.

    Raises ``ValueError`` for no loop variables, ``LoopCarryError`` if a dtype, rank or structure
    changes, ``InvalidArgumentError`` if a shape does not fit its invariant.
    """
    for what, fn in (("cond", cond), ("body", body)):
        if not callable(fn):
            raise TypeError(f"while_loop: {what} must be callable, got {fn!r}")
    if not isinstance(loop_vars, list | tuple):
        raise TypeError(f"while_loop: loop_vars must be a list or tuple, got {loop_vars!r}")
    if not loop_vars:
        raise ValueError("while_loop: loop_vars is empty")
    start = tuple(_tensors(v) for v in loop_vars)
    invariants = None if shape_invariants is None else tuple(shape_invariants)
    _check(start, invariants)
    test, step = OPERATORS.fn(cond), OPERATORS.fn(body)

    def iterate(count: Any, *values: Any) -> tuple[Any, ...]:
        found = step(*values)
        listed = tuple(found) if isinstance(found, list | tuple) else (found,)
        if isinstance(found, tuple) and hasattr(found, "_fields") and len(values) == 1:
            listed = (found,)
        if len(listed) != len(values):
            raise ValueError(
                f"while_loop: body returns {len(listed)} values for {len(values)} loop variables"
            )
        listed = tuple(_tensors(v) for v in listed)
        _check(listed, invariants)
        return (count + 1, *listed)

    limit = None if maximum_iterations is None else convert_to_tensor(maximum_iterations)

    def going(count: Any, *values: Any) -> Any:
        go = convert_to_tensor(test(*values))
        if limit is None:
            return go
        return ops.logical_and(go, ops.less(count, ops.cast(limit, dtype=dtypes.int32)))

    names = ("the number of iterations", *(f"loop_vars[{i}]" for i in range(len(start))))
    counter = convert_to_tensor(0)
    result = OPERATORS.while_(going, iterate, (counter, *start), names)[1:]
    if hasattr(loop_vars, "_fields"):
        return type(loop_vars)(*result)
    return type(loop_vars)(result)


def _tensors(structure: Any) -> Any:
    """A loop variable with its numbers as tensors: that it is staged must not depend on them."""

    def leaf(v: Any) -> Any:
        return v if v is None or isinstance(v, Tracked) else convert_to_tensor(v)

    return nest.map_structure(leaf, structure)


def _check(values: tuple[Any, ...], invariants: Any) -> None:
    """Refuse loop variables of shapes that their invariants exclude."""
    if invariants is None:
        return
    if len(values) != len(invariants):
        raise ValueError(
            f"while_loop: {len(invariants)} shape_invariants for {len(values)} loop variables"
        )
    for value, shapes in zip(values, invariants, strict=True):
        _check_one(value, shapes)


def _check_one(value: Any, shapes: Any) -> None:
    if nest.is_nested(value):
        for (_, part), (_, shape) in zip(nest.children(value), nest.children(shapes), strict=True):
            _check_one(part, shape)
    elif value is not None and not isinstance(value, Tracked) and shapes is not None:
        wanted = TensorShape(getattr(shapes, "shape", shapes))
        if not wanted.is_compatible_with(value.shape):
            raise InvalidArgumentError(
                f"while_loop: a loop variable of shape {value.shape} does not fit its shape"
                f" invariant {wanted}"
            )
