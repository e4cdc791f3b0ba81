"""``tf.map_fn``, ``tf.scan``, ``tf.foldl``: functions over the rows of tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc.errors import InvalidArgumentError
from graphc.function import function
from graphc.ir import dtypes
from graphc.ops import ops
from graphc.trace import nest
from graphc.trace.control import OPERATORS
from graphc.trace.control_iter import TensorRows, TensorZip
from graphc.trace.dispatch import convert_to_tensor
from graphc.trace.growing import GrowingList
from graphc.trace.state import current

Row = Callable[[Any], Any]


def map_fn(
    fn: Row,
    elems: Any,
    dtype: Any = None,
    parallel_iterations: Any = None,
    back_prop: bool = True,
    swap_memory: bool = False,
    infer_shape: bool = True,
    name: str | None = None,
    fn_output_signature: Any = None,
) -> Any:
    """``fn`` of each row of the tensors in ``elems``, the results stacked along a first axis.

    ``fn`` takes a row in the structure of ``elems`` and returns a structure of tensors of one
    shape.  ``fn_output_signature`` (or ``dtype``) is checked, and not needed otherwise.

    Raises ``InvalidArgumentError`` for scalars, for tensors with different numbers of rows, and if
    ``fn`` does not give the declared dtypes.
    """
    signature = dtype if fn_output_signature is None else fn_output_signature
    rows = _Rows("map_fn", elems)
    call = OPERATORS.fn(fn)

    def checked(row: Any) -> Any:
        return _declared("map_fn", nest.map_structure(_tensor, call(row)), signature)

    return rows.collect((), lambda state, row: ((), checked(row)))[1]


def vectorized_map(
    fn: Row, elems: Any, fallback_to_while_loop: bool = True, warn: bool = True
) -> Any:
    """``fn`` of each row of the tensors in ``elems``, the results stacked; see `map_fn`."""
    return map_fn(fn, elems)


def scan(
    fn: Callable[[Any, Any], Any], elems: Any, initializer: Any = None,
    parallel_iterations: int = 10, back_prop: bool = True, swap_memory: bool = False,
    infer_shape: bool = True, reverse: bool = False, name: str | None = None,
) -> Any:  # fmt: skip
    """All values of ``a = fn(a, row)``, stacked; ``a`` begins as ``initializer``.

    Without one it begins as the first row, which is then the first result too.  With ``reverse``
    the rows are taken from the last to the first; result i still belongs to row i.
    """
    rows = _Rows("scan", elems, reverse)
    call = OPERATORS.fn(fn)

    def step(state: Any, row: Any) -> tuple[Any, Any]:
        after = nest.map_structure(_tensor, call(state, row))
        return after, after

    if initializer is not None:
        results = rows.collect(nest.map_structure(_tensor, initializer), step)[1]
    else:
        first, rest = rows.split_first()
        found = rest.collect(first, step)[1]
        results = nest.map_structure(
            lambda a, b: ops.concat(ops.expand_dims(a, axis=0), b, axis=0), first, found
        )
    return nest.map_structure(_reversed, results) if reverse else results


def foldl(
    fn: Callable[[Any, Any], Any], elems: Any, initializer: Any = None,
    parallel_iterations: int = 10, back_prop: bool = True, swap_memory: bool = False,
    name: str | None = None,
) -> Any:  # fmt: skip
    """The last value of ``a = fn(a, row)`` over the rows; ``a`` begins as ``initializer``, or as
    the first row.
    """
    return _folded("foldl", fn, elems, initializer, False)


def foldr(
    fn: Callable[[Any, Any], Any], elems: Any, initializer: Any = None,
    parallel_iterations: int = 10, back_prop: bool = True, swap_memory: bool = False,
    name: str | None = None,
) -> Any:  # fmt: skip
    """`foldl` from the last row to the first."""
    return _folded("foldr", fn, elems, initializer, True)


def _folded(
    who: str, fn: Callable[[Any, Any], Any], elems: Any, initializer: Any, reverse: bool
) -> Any:
    rows = _Rows(who, elems, reverse)
    call = OPERATORS.fn(fn)
    if initializer is None:
        state, rows = rows.split_first()
    else:
        state = nest.map_structure(_tensor, initializer)
    step = lambda a, row: (nest.map_structure(_tensor, call(a, row)), None)  # noqa: E731
    return rows.collect(state, step)[0]


def carry(step: Callable[[Any, Any], tuple[Any, Any]], state: Any, elems: Any) -> tuple[Any, Any]:
    """Run ``state, result = step(state, row)`` over the rows; the last state and all results,
    stacked (None if ``result`` is).
    """
    return _Rows("carry", elems).collect(nest.map_structure(_tensor, state), OPERATORS.fn(step))


class _Rows:
    """The rows of the tensors in a structure."""

    def __init__(self, who: str, elems: Any, reverse: bool = False) -> None:
        self.who = who
        self.tensors = nest.map_structure(_tensor, elems)
        if not nest.flatten(self.tensors):
            raise ValueError(f"{who}: there are no elems")
        for t in nest.flatten(self.tensors):
            if not t.dims:
                raise InvalidArgumentError(f"{who}: elems must have rows, got a scalar")
        sizes = {t.dims[0] for t in nest.flatten(self.tensors) if isinstance(t.dims[0], int)}
        if len(sizes) > 1:
            raise InvalidArgumentError(f"{who}: elems have {sorted(sizes)} rows; one number is due")
        if reverse:
            self.tensors = nest.map_structure(_reversed, self.tensors)
        self.count = nest.flatten(self.tensors)[0].dims[0]

    def split_first(self) -> tuple[Any, _Rows]:
        """The first row, and the others."""
        if self.count == 0:
            raise InvalidArgumentError(f"{self.who}: there are no rows, and no initializer")
        first = nest.map_structure(lambda t: t[0], self.tensors)
        return first, _Rows(self.who, nest.map_structure(lambda t: t[1:], self.tensors))

    def collect(self, state: Any, step: Callable[[Any, Any], tuple[Any, Any]]) -> tuple[Any, Any]:
        """Run ``state, result = step(state, row)`` for each row; returns the last state and the
        results, stacked.
        """
        if self.count == 0 and current.tracer is None:  # only a trace tells what results would be
            return function(lambda t, s: _Rows(self.who, t).collect(s, step))(self.tensors, state)
        results = GrowingList()
        flat = nest.flatten(self.tensors)

        def body(item: Any, state: Any) -> tuple[Any]:
            row = nest.pack_sequence_as(self.tensors, item if len(flat) > 1 else [item])
            after, result = step(state, row)
            if result is not None:
                results.append(result)
            return (after,)

        rows: Any = self._staged(flat)
        (state,) = OPERATORS.for_(rows, body, (state,), (f"the state of tf.{self.who}",))
        return state, results.dense().rows if list.__len__(results) else None

    def _staged(self, flat: list[Any]) -> Any:
        if current.tracer is None:
            columns = [list(ops.unstack(t, axis=0)) for t in flat]
            return list(zip(*columns, strict=True)) if len(flat) > 1 else columns[0]
        staged = [current.tracer.lift(t) for t in flat]
        return TensorZip(staged) if len(staged) > 1 else TensorRows(staged[0])


def _tensor(value: Any) -> Any:
    return convert_to_tensor(value)


def _reversed(t: Any) -> Any:
    return ops.reverse(t, axis=(0,))


def _declared(who: str, result: Any, signature: Any) -> Any:
    """Check what a function gives against what was declared: dtypes, or specs."""
    if signature is None:
        return result
    leaves = nest.flatten(signature)
    found = nest.flatten(result)
    if len(leaves) != len(found):
        raise InvalidArgumentError(
            f"{who}: fn gives {len(found)} tensors, its signature declares {len(leaves)}"
        )
    for t, spec in zip(found, leaves, strict=True):
        want = dtypes.as_dtype(getattr(spec, "dtype", spec))
        if t.dtype is not want:
            raise InvalidArgumentError(f"{who}: fn gives {t.dtype.name}, declared is {want.name}")
        shape = getattr(spec, "shape", None)
        if shape is not None and not shape.is_compatible_with(t.shape):
            raise InvalidArgumentError(f"{who}: fn gives shape {t.shape}, declared is {shape}")
    return result
