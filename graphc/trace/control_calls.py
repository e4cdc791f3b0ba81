"""Calls from converted code: callees are converted too, builtins know tensors."""

from __future__ import annotations

import functools
import sysconfig
from collections.abc import Callable, Iterable
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

from graphc import autograph
from graphc.errors import SourceNotFoundError
from graphc.ir import dtypes
from graphc.ops import ops
from graphc.trace.control_iter import (
    Sequence_,
    TensorEnumerate,
    TensorRange,
    TensorZip,
    staged_items,
)
from graphc.trace.control_values import is_number
from graphc.trace.state import PACKAGE, current
from graphc.trace.tensor import EagerTensor, Operators, SymbolicTensor

_LEFT_ALONE = tuple(
    str(Path(p)) + "/"
    for p in {sysconfig.get_path(k) for k in ("stdlib", "platstdlib", "purelib", "platlib")}
)


def callee(function: Any, operators: Any) -> Any:
    """What a converted function calls instead of ``function``."""
    kind = type(function)
    if kind is FunctionType:
        return _function(function, operators)
    if kind is MethodType:
        inner = function.__func__
        if type(inner) is not FunctionType:
            return function
        made = _function(inner, operators)
        return function if made is inner else MethodType(made, function.__self__)
    if kind is BuiltinFunctionType or kind is type:
        return _staged_builtin(function)
    if kind is functools.partial:
        made = callee(function.func, operators)
        return (
            function
            if made is function.func
            else functools.partial(made, *function.args, **function.keywords)
        )
    if isinstance(function, type):
        return function
    return _callable(function, operators)


def _callable(function: Any, operators: Any) -> Any:
    """An object with a `__call__` of the user's."""
    method = getattr(type(function), "__call__", None)  # noqa: B004
    if type(method) is not FunctionType or _is_library(method):
        return function
    made = _function(method, operators)
    return function if made is method else MethodType(made, function)


def _function(function: FunctionType, operators: Any) -> Any:
    known = function.__dict__.get("__graphc_converted__")
    if known is None and (autograph.is_left_alone(function) or _is_library(function)):
        return function
    try:
        return autograph.convert(function, operators)
    except SourceNotFoundError:  # it is called as it is; a tensor that it branches on will say so
        return function


@functools.lru_cache(maxsize=4096)
def _library_file(filename: str) -> bool:
    return filename.startswith((PACKAGE, *_LEFT_ALONE)) or filename.startswith("<frozen")


def _is_library(function: FunctionType) -> bool:
    """graphc itself, Python's library and installed packages are called as they are."""
    return _library_file(function.__code__.co_filename)


# --- builtins -------------------------------------------------------------------------------------


def _symbolic(*values: Any) -> bool:
    return any(isinstance(v, SymbolicTensor | Sequence_) for v in values)


def _staged_builtin(function: Any) -> Any:
    """A builtin that knows tensors, while a graph is being traced."""
    if current.tracer is None:
        return function
    try:
        return _BUILTINS.get(function, function)
    except TypeError:  # not hashable
        return function


def _range(*args: Any) -> Any:
    if any(isinstance(a, SymbolicTensor) for a in args):
        return TensorRange(*args)
    return range(*(int(a) if isinstance(a, EagerTensor) else a for a in args))


def _enumerate(iterable: Iterable[Any], start: Any = 0) -> Any:
    items = staged_items(iterable)
    if items is None and not _symbolic(start):
        return enumerate(iterable, start)
    if items is None:
        return zip(TensorRange(start, start + len(list(iterable))), iterable, strict=False)
    return TensorEnumerate(items, start)


def _zip(*iterables: Any, strict: bool = False) -> Any:
    return TensorZip(iterables) if _symbolic(*iterables) else zip(*iterables, strict=strict)


def _len(value: Any) -> Any:
    if isinstance(value, Sequence_):
        return value.length()
    if isinstance(value, SymbolicTensor) and value.dims and not isinstance(value.dims[0], int):
        return ops.strided_slice(ops.shape_of(value), index=(0,))
    return len(value)


def _number(python: Callable[..., Any], dtype: Any) -> Callable[..., Any]:
    def convert(*args: Any, **kwargs: Any) -> Any:
        if len(args) == 1 and isinstance(args[0], SymbolicTensor):
            x = args[0]
            if x.dtype is dtype:
                return x
            return ops.not_equal(x, 0) if dtype is dtypes.bool_ else ops.cast(x, dtype=dtype)
        return python(*args, **kwargs)

    return convert


def _extreme(python: Callable[..., Any], pairwise: str, reduce: str) -> Callable[..., Any]:
    def choose(*args: Any, **kwargs: Any) -> Any:
        if kwargs:
            return python(*args, **kwargs)
        if len(args) == 1:
            if not isinstance(args[0], SymbolicTensor):
                return choose(*args[0]) if _holds_symbolic(args[0]) else python(*args)
            return getattr(ops, reduce)(args[0], axis=0)
        if not _symbolic(*args):
            return python(*args)
        result = args[0]
        for other in args[1:]:
            result = getattr(ops, pairwise)(result, other)
        return result

    return choose


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
    return ops.cast(ops.rint(value), dtype=dtypes.int32) if value.dtype.is_floating else value


def _sorted(iterable: Any, *, key: Any = None, reverse: bool = False) -> Any:
    if isinstance(iterable, SymbolicTensor) and key is None:
        return ops.sort(iterable, axis=0, descending=bool(reverse))
    return sorted(iterable, key=key, reverse=reverse)


def _reversed(iterable: Any) -> Any:
    if isinstance(iterable, SymbolicTensor):
        return ops.reverse(iterable, axis=(0,))
    return reversed(iterable)


def _print(*values: Any, sep: str | None = " ", end: str | None = "\n", **kwargs: Any) -> None:
    if kwargs or not any(_symbolic(v) for v in values):
        print(*values, sep=sep, end=end, **kwargs)
        return
    tensors = [v for v in values if isinstance(v, Operators)]
    template = tuple(None if isinstance(v, Operators) else str(v) for v in values)
    ends = {"sep": " " if sep is None else sep, "end": "\n" if end is None else end}
    getattr(ops, "print")(*tensors, template=template, output="stdout", **ends)  # noqa: B009


_BUILTINS: dict[Any, Any] = {
    range: _range,
    enumerate: _enumerate,
    zip: _zip,
    len: _len,
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
}

__all__ = ["callee"]
