"""Python's builtins where they meet tensors: what converted code calls instead."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable
from typing import Any

from graphc.errors import StagingError
from graphc.ir import dtypes
from graphc.ops import ops
from graphc.trace import control_if, nest, staging
from graphc.trace.control_collect import collect
from graphc.trace.control_iter import (
    Sequence_,
    TensorEnumerate,
    TensorRange,
    TensorZip,
    is_numeric,
    staged_items,
)
from graphc.trace.control_join import Choice, is_one_of, lift
from graphc.trace.control_math import MATH
from graphc.trace.control_values import is_number
from graphc.trace.dispatch import convert_to_tensor
from graphc.trace.growing import GrowingList, opened
from graphc.trace.host_value import HostValue
from graphc.trace.state import current
from graphc.trace.tensor import EagerTensor, Operators, SymbolicTensor


def _symbolic(*values: Any) -> bool:
    return any(isinstance(v, SymbolicTensor | Sequence_) for v in values)


def staged_builtin(function: Any, operators: Any) -> Any:
    """A builtin that knows tensors, while a graph is being traced."""
    if current.tracer is None:
        return function
    try:
        staged = _BUILTINS.get(function)
    except TypeError:  # not hashable
        return function
    if function in _CALLING:
        return lambda *args, **kwargs: _calling(staged or function, operators, args, kwargs)
    if staged is None or staged is _len or staged is _list:
        return staged or function
    return lambda *args, **kwargs: _of_each(staged, [*map(opened, args)], kwargs)


_CALLING = frozenset((
    max, min, sorted, map, filter, functools.reduce, itertools.accumulate, itertools.starmap,
    itertools.takewhile, itertools.dropwhile, itertools.filterfalse, itertools.groupby,
))  # fmt: skip


def _calling(function: Any, operators: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """A builtin that calls functions which it is given: they are converted."""

    def converted(value: Any) -> Any:
        return operators.fn(value) if callable(value) and type(value) is not Choice else value

    kwargs = {k: converted(v) for k, v in kwargs.items()}
    return _of_each(function, [opened(converted(a)) for a in args], kwargs)


def _of_each(staged: Callable[..., Any], args: list[Any], kwargs: dict[str, Any]) -> Any:
    """Call a builtin; an argument that is one of several values makes it one call for each."""
    at = next((i for i, a in enumerate(args) if isinstance(a, Choice)), None)
    if at is None or staged is _isinstance:
        return staged(*args, **kwargs)
    return lift(args[at], lambda v: _of_each(staged, [*args[:at], v, *args[at + 1 :]], kwargs))


def _isinstance(value: Any, types: Any) -> Any:
    if isinstance(value, Choice):
        return is_one_of(value, lambda v: isinstance(v, types))
    return isinstance(value, types)


def _unknown_length(items: Any) -> bool:
    """Whether only running tells how many items there are."""
    if isinstance(items, SymbolicTensor):
        return bool(items.dims) and not isinstance(items.dims[0], int)
    return isinstance(items, Sequence_)


def _range(*args: Any) -> Any:
    args = tuple(a.as_int() if isinstance(a, HostValue) else a for a in args)
    if any(isinstance(a, SymbolicTensor) for a in args):
        return TensorRange(*args)
    return range(*(int(a) if isinstance(a, EagerTensor) else a for a in args))


def _enumerate(iterable: Iterable[Any], start: Any = 0) -> Any:
    if _is_stream(iterable):  # TF: as a dataset of pairs
        return iterable.enumerate(start)  # type: ignore[attr-defined]
    items = staged_items(iterable)
    if items is None and not _symbolic(start):
        return enumerate(iterable, start)
    if items is None:
        return zip(TensorRange(start, start + len(list(iterable))), iterable, strict=False)
    return TensorEnumerate(items, start)


def _zip(*iterables: Any, strict: bool = False) -> Any:
    if iterables and all(map(_is_stream, iterables)):
        return iterables[0].zip(iterables)
    if not _symbolic(*iterables):
        return zip(*iterables, strict=strict)
    plain = [v for v in iterables if not isinstance(v, Operators | Sequence_)]
    if any(map(_unknown_length, iterables)) or all(map(is_numeric, plain)):
        return TensorZip(iterables, strict)
    return zip(*iterables, strict=strict)  # of objects, say, and the rows of a tensor


def _is_stream(items: Any) -> bool:
    return current.tracer is not None and hasattr(items, "__graphc_stream__")


def _list(items: Any = ()) -> Any:
    if isinstance(items, SymbolicTensor):
        made = GrowingList()
        made.extend(items)
        return made
    return items.copy() if isinstance(items, GrowingList) else GrowingList(items)


def _len(value: Any) -> Any:
    if isinstance(value, GrowingList):
        return value.length()
    if isinstance(value, Sequence_):
        return value.length()
    if isinstance(value, SymbolicTensor) and value.dims and not isinstance(value.dims[0], int):
        return ops.strided_slice(ops.shape_of(value), index=(0,))
    return len(value)


def _number(python: Callable[..., Any], dtype: Any) -> Callable[..., Any]:
    def convert(*args: Any, **kwargs: Any) -> Any:
        if len(args) == 1 and isinstance(args[0], SymbolicTensor):
            x = args[0]
            if x.dtype is not dtype:
                x = ops.not_equal(x, 0) if dtype is dtypes.bool_ else ops.cast(x, dtype=dtype)
            if python is int:
                x = ops.identity(x) if x is args[0] else x
                x.weak = True  # it takes the dtype of the tensors that it meets
            return _as_number(x, args[0])
        return python(*args, **kwargs)

    return convert


def _as_number(x: Any, given: Any) -> Any:
    """A scalar that stands for a Python number, where Python is handed one."""
    host = x.tracer.root.host
    if host is None or x.dims:
        return x
    x = ops.identity(x) if x is given else x
    host.add_number(x)
    return x


def _extreme(python: Callable[..., Any], pairwise: str, reduce: str) -> Callable[..., Any]:
    def choose(*args: Any, key: Any = None, **default: Any) -> Any:
        if len(args) == 1 and isinstance(args[0], SymbolicTensor) and key is None:
            return _extreme_of(args[0], reduce, python, default)
        values = args if len(args) > 1 else _listed(args[0])
        keys = values if key is None else [key(v) for v in values]
        if len(values) < 2 or not _symbolic(*keys):
            # the keys are there already, each to be asked for once
            source = iter(keys)
            named = default if key is None else {**default, "key": lambda _: next(source)}
            return python(values, **named)
        if any(getattr(k, "dims", ()) for k in keys):
            raise StagingError(
                f"{python.__name__}() compares numbers, and was given tensors of several elements;"
                f" use tf.{pairwise} or tf.{reduce}"
            )
        if key is None:
            hint = next(v for v in values if isinstance(v, SymbolicTensor)).dtype
            tensors = (convert_to_tensor(v, dtype_hint=hint) for v in values)
            return functools.reduce(getattr(ops, pairwise), tensors)
        better = getattr(ops, "greater" if python is max else "less")
        best, so_far = values[0], keys[0]
        for value, k in zip(values[1:], keys[1:], strict=True):
            test = better(k, so_far)
            best, so_far = control_if.choose(
                test, lambda new=(value, k): new, lambda old=(best, so_far): old
            )
        return best

    return choose


def _extreme_of(t: Any, reduce: str, python: Any, default: dict[str, Any]) -> Any:
    """The largest or smallest element of a vector."""
    if len(t.dims) != 1:
        raise StagingError(f"{python.__name__}() of a tensor {t.value.type}; use tf.{reduce}")
    if t.dims[0] == 0:
        return python([], **default)
    if isinstance(t.dims[0], int):
        return getattr(ops, reduce)(t, axis=0)
    some = ops.greater(_len(t), 0)
    if default:
        return control_if.choose(
            some, lambda: getattr(ops, reduce)(t, axis=0), lambda: default["default"]
        )
    staging.emit_assert(some, ValueError, [f"{python.__name__}() of an empty sequence"])
    return getattr(ops, reduce)(t, axis=0)


def _listed(values: Any) -> Any:
    """The values that an iterable gives; a sequence as it is."""
    return values if isinstance(values, list | tuple) else list(values)


def _holds_symbolic(values: Any) -> bool:
    return isinstance(values, list | tuple) and _symbolic(*values) and len(values) > 1


def _sum(iterable: Any, start: Any = 0) -> Any:
    if isinstance(iterable, SymbolicTensor):
        total = ops.reduce_sum(iterable, axis=0)
        return total if is_number(start) and start == 0 else total + start
    return sum(iterable, start)


def _any(iterable: Any) -> Any:
    return _truth(iterable, any, "reduce_any", ops_name="logical_or")


def _all(iterable: Any) -> Any:
    return _truth(iterable, all, "reduce_all", ops_name="logical_and")


def _truth(iterable: Any, python: Callable[..., Any], reduce: str, ops_name: str) -> Any:
    if isinstance(iterable, SymbolicTensor):
        return getattr(ops, reduce)(_number(bool, dtypes.bool_)(iterable), axis=0)
    if iter(iterable) is not iterable and not _holds_symbolic(iterable):
        return python(iterable)
    result: Any = python is all
    for value in iterable:
        if _symbolic(value) or _symbolic(result):
            result = getattr(ops, ops_name)(result, _number(bool, dtypes.bool_)(value))
        elif bool(value) is not (python is all):
            return python is not all
    return result


def _round(value: Any, digits: int | None = None) -> Any:
    if not isinstance(value, SymbolicTensor):
        return round(value, digits)
    if digits is not None:
        return ops.rint(value * 10.0**digits) / 10.0**digits
    return _number(int, dtypes.int32)(ops.rint(value)) if value.dtype.is_floating else value


def _sorted(iterable: Any, *, key: Any = None, reverse: bool = False) -> Any:
    if isinstance(iterable, SymbolicTensor) and key is None:
        if len(iterable.dims) != 1:
            raise StagingError(f"sorted() of a tensor {iterable.value.type}; use tf.sort")
        return _list(ops.sort(iterable, axis=0, descending=bool(reverse)))
    values = list(iterable)
    keys = values if key is None else [key(v) for v in values]
    if not _symbolic(*keys):
        source = iter(keys)
        return sorted(values, key=lambda _: next(source), reverse=reverse)
    order = ops.argsort(convert_to_tensor(keys), axis=0, descending=bool(reverse))
    columns = [
        ops.unstack(ops.gather(convert_to_tensor(list(column)), order, axis=0), axis=0)
        for column in zip(*map(nest.flatten, values), strict=True)
    ]
    return [nest.pack_sequence_as(values[0], row) for row in zip(*columns, strict=True)]


def _reversed(iterable: Any) -> Any:
    if isinstance(iterable, SymbolicTensor):
        return ops.reverse(iterable, axis=(0,))
    return iterable.reversed() if isinstance(iterable, TensorRange) else reversed(iterable)


def _filter(function: Any, iterable: Any) -> Any:
    values = iterable if isinstance(iterable, SymbolicTensor) else _listed(iterable)
    if not _symbolic(values, *(() if isinstance(values, SymbolicTensor) else values)):
        return filter(function, values)
    return collect(values, lambda v: v, function or (lambda v: v))


def _map(function: Any, *iterables: Any) -> Any:
    if not any(map(_unknown_length, iterables)):
        return map(function, *iterables)
    if len(iterables) == 1:
        return collect(iterables[0], function)
    return collect(TensorZip(iterables), lambda values: function(*values))


def _print(*values: Any, sep: str | None = " ", end: str | None = "\n", **kwargs: Any) -> None:
    if kwargs or not any(_symbolic(v) for v in values):
        print(*values, sep=sep, end=end, **kwargs)
        return
    tensors = [v for v in values if isinstance(v, Operators)]
    template = tuple(None if isinstance(v, Operators) else str(v) for v in values)
    ends = {"sep": " " if sep is None else sep, "end": "\n" if end is None else end}
    getattr(ops, "print")(*tensors, template=template, output="stdout", **ends)  # noqa: B009


_BUILTINS: dict[Any, Any] = {
    isinstance: _isinstance,
    range: _range,
    enumerate: _enumerate,
    zip: _zip,
    len: _len,
    list: _list,
    int: _number(int, dtypes.int32),
    float: _number(float, dtypes.float32),
    bool: _number(bool, dtypes.bool_),
    max: _extreme(max, "maximum", "reduce_max"),
    min: _extreme(min, "minimum", "reduce_min"),
    sum: _sum,
    any: _any,
    all: _all,
    print: _print,
    round: _round,
    sorted: _sorted,
    reversed: _reversed,
    filter: _filter,
    map: _map,
    **MATH,
}
