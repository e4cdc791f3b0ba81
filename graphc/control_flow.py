"""Control flow as functions: ``tf.cond``, ``tf.case``, ``tf.while_loop``, ``tf.map_fn``, ..."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from graphc.ops import ops
from graphc.trace import nest, staging
from graphc.trace.dispatch import convert_to_tensor

__all__ = ["case", "cond", "group", "map_fn", "no_op", "switch_case", "while_loop"]


def cond(
    pred: Any,
    true_fn: Callable[[], Any] | None = None,
    false_fn: Callable[[], Any] | None = None,
    name: str | None = None,
) -> Any:
    """``true_fn()`` if ``pred`` holds, else ``false_fn()``; both must return the same structure."""
    if true_fn is None or false_fn is None:
        raise TypeError("cond takes true_fn and false_fn")
    if not staging.is_symbolic(pred):
        return true_fn() if pred else false_fn()
    with staging.region("then") as then_r:
        first = true_fn()
        then_outs = [convert_to_tensor(t) for t in nest.flatten(first) if t is not None]
    with staging.region("else") as else_r:
        second = false_fn()
        else_outs = [convert_to_tensor(t) for t in nest.flatten(second) if t is not None]
    nest.assert_same_structure(first, second)
    results = iter(staging.emit_if(pred, then_r, then_outs, else_r, else_outs))
    return nest.pack_sequence_as(
        first, [None if t is None else next(results) for t in nest.flatten(first)]
    )


def case(
    pred_fn_pairs: Any,
    default: Callable[[], Any] | None = None,
    exclusive: bool = False,
    strict: bool = False,
    name: str = "case",
) -> Any:
    """The function of the first condition that holds, else ``default``."""
    pairs = list(pred_fn_pairs)
    if not pairs:
        if default is None:
            raise ValueError("case needs at least one condition or a default")
        return default()
    (pred, fn), *rest = pairs
    if not rest and default is None:
        return fn()
    return cond(pred, fn, lambda: case(rest, default))


def switch_case(
    branch_index: Any,
    branch_fns: Any,
    default: Callable[[], Any] | None = None,
    name: str = "switch_case",
) -> Any:
    """The branch of an index; one out of range takes ``default``, or the last branch."""
    pairs = sorted(branch_fns.items()) if isinstance(branch_fns, dict) else [
        f if isinstance(f, tuple) else (i, f) for i, f in enumerate(branch_fns)]  # fmt: skip
    index = convert_to_tensor(branch_index)
    fallback = default or pairs[-1][1]
    tests = [(ops.equal(index, i), fn) for i, fn in pairs]
    return case(tests, fallback)


def while_loop(
    cond: Callable[..., Any], body: Callable[..., Any], loop_vars: Sequence[Any],
    shape_invariants: Any = None,
    parallel_iterations: int = 10, back_prop: bool = True, swap_memory: bool = False,
    maximum_iterations: Any = None, name: str | None = None,
) -> Any:  # fmt: skip
    """Repeat ``body(*loop_vars)`` while ``cond(*loop_vars)``; returns the last loop variables."""
    start = list(loop_vars)
    counter = convert_to_tensor(0)
    limit = None if maximum_iterations is None else convert_to_tensor(maximum_iterations)

    def test(count: Any, values: Sequence[Any]) -> Any:
        go = cond(*values)
        return (
            go if limit is None else ops.logical_and(convert_to_tensor(go), ops.less(count, limit))
        )

    first = test(counter, start)
    if not staging.is_symbolic(first) and not any(map(staging.is_symbolic, nest.flatten(start))):
        while test(counter, start):
            start = _as_list(body(*start))
            counter = counter + 1  # type: ignore[operator]
        return type(loop_vars)(start) if isinstance(loop_vars, list | tuple) else start
    init = [counter, *(convert_to_tensor(t) for t in nest.flatten(start))]
    types = [staging.convert(t).value.type for t in init]
    with staging.region("cond", types) as cond_r:
        count, *flat = cond_r.params
        go = test(count, nest.pack_sequence_as(start, flat))
    with staging.region("body", types) as body_r:
        count, *flat = body_r.params
        found = _as_list(body(*nest.pack_sequence_as(start, flat)))
        nest.assert_same_structure(start, found, check_types=False)
        outs = [count + 1, *(convert_to_tensor(t) for t in nest.flatten(found))]  # type: ignore
    results = staging.emit_while(init, cond_r, go, body_r, outs)
    packed = nest.pack_sequence_as(start, results[1:])
    return type(loop_vars)(packed) if isinstance(loop_vars, list | tuple) else packed


def _as_list(found: Any) -> list[Any]:
    return list(found) if isinstance(found, list | tuple) else [found]


def map_fn(
    fn: Callable[[Any], Any],
    elems: Any,
    dtype: Any = None,
    fn_output_signature: Any = None,
    name: str | None = None,
    **unused: Any,
) -> Any:
    """``fn`` on each row, the results stacked."""
    flat = [convert_to_tensor(t) for t in nest.flatten(elems)]
    if not any(map(staging.is_symbolic, flat)):
        rows = [
            fn(nest.pack_sequence_as(elems, [t[i] for t in flat])) for i in range(flat[0].shape[0])
        ]  # type: ignore
        return nest.map_structure(lambda *r: ops.stack(*map(convert_to_tensor, r), axis=0), *rows)
    types = [t.value.type for t in map(staging.convert, flat)]
    row_types = [t.with_shape(t.shape[1:]) for t in types]
    index = staging.constant(0).value.type
    with staging.region("body", [index, *row_types]) as r:
        found = fn(nest.pack_sequence_as(elems, r.params[1:]))
        outs = [convert_to_tensor(t) for t in nest.flatten(found)]
    count = ops.strided_slice(ops.shape_of(flat[0]), index=(0,))
    results = staging.emit_for(
        count, [], r, [], scanned=flat, stacked=outs, length=types[0].shape[0]
    )
    return nest.pack_sequence_as(found, results)


def group(*inputs: Any, name: str | None = None) -> None:
    """Nothing: graphs keep the order of effects by themselves."""


def no_op(name: str | None = None) -> None:
    """Nothing."""
