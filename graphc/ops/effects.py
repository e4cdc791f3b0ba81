"""What a program does besides computing: printing, checking, calling Python."""

from __future__ import annotations

import builtins
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from graphc import errors
from graphc.errors import InvalidArgumentError
from graphc.ir import dtypes
from graphc.ir.types import TensorType
from graphc.ops.combinators import op
from graphc.ops.opdef import Attrs, Host, Library, Sample, Types

_NOTHING = "it has no result"


def show_value(x: Any, summarize: int = 3) -> str:
    """A value as ``tf.print`` shows it: no commas, edges of large arrays only."""
    array = np.asarray(x)
    if array.dtype == object:
        return " ".join(v if isinstance(v, str) else str(v) for v in array.reshape(-1))
    if array.ndim == 0:
        return _show_scalar(array[()])
    many = summarize >= 0 and any(n > 2 * summarize for n in array.shape)
    return np.array2string(
        array, separator=" ", threshold=0 if many else sys.maxsize, edgeitems=max(summarize, 1),
        max_line_width=sys.maxsize, formatter={"all": _show_scalar},
    )  # fmt: skip


def _show_scalar(value: Any) -> str:
    if isinstance(value, np.floating | float):
        return np.format_float_positional(value, trim="-", precision=None) if _plain(value) else _e(value)
    if isinstance(value, np.bool_ | bool):
        return "1" if value else "0"
    return str(value)


def _plain(value: Any) -> bool:
    return np.isfinite(value) and (value == 0 or 1e-5 <= abs(value) < 1e7)


def _e(value: Any) -> str:
    if not np.isfinite(value):
        return str(value)
    return np.format_float_scientific(value, trim="-", exp_digits=2)


def _print(*values: np.ndarray, template: tuple[str | None, ...], end: str = "\n", sep: str = " ",
           output: str = "stderr", summarize: int = 3) -> tuple[()]:  # fmt: skip
    given = iter(values)
    parts = [show_value(next(given), summarize) if t is None else t for t in template]
    text = sep.join(parts) + end
    if output in ("stdout", "stderr"):
        stream = getattr(sys, output)
        stream.write(text)
        stream.flush()
    else:
        with open(output.removeprefix("file://"), "a", encoding="utf-8") as file:
            file.write(text)
    return ()


print_ = op(
    "print", "*values", lambda types, attrs: (), _print, many=True, effect=True, wide=True,
    attrs={"template": (), "end": "\n", "sep": " ", "output": "stderr", "summarize": 3}, grad=_NOTHING,
    lower=Host("it writes to a stream"), samples=None,
    doc="Writes values in TensorFlow's format.",
)  # fmt: skip


def _exception(name: Any) -> type[Exception]:
    if isinstance(name, type):
        return name
    found = getattr(builtins, name, None) or getattr(errors, name, None)
    return found if isinstance(found, type) else InvalidArgumentError


def _raise_unless(ok: np.ndarray, *data: np.ndarray, exception: Any = "AssertionError",
                  template: tuple[Any, ...] = ()) -> tuple[()]:  # fmt: skip
    if not np.all(ok):
        given = iter(data)
        raise _exception(exception)(*(_unboxed(next(given)) if t is None else t for t in template))
    return ()


def _unboxed(value: np.ndarray) -> Any:
    return value[()] if value.ndim == 0 else value


raise_unless = op(
    "raise_unless", "ok *data", lambda types, attrs: (), _raise_unless, many=True, effect=True,
    wide=True, can_fail=True, attrs={"exception": "AssertionError", "template": ()}, grad=_NOTHING,
    lower=Library("raise_unless"), samples=None,
    doc="Raises an exception where a condition does not hold; None in the template stands for data.",
)  # fmt: skip


def _check_numerics(x: np.ndarray, message: str = "") -> np.ndarray:
    finite = np.isfinite(x)
    if not finite.all():
        kind = "NaN" if np.isnan(x).any() else "Inf"
        raise InvalidArgumentError(f"{message or 'check_numerics'}: tensor had {kind} values")
    return x


check_numerics = op(
    "check_numerics", "x", lambda types, attrs: types[0], _check_numerics, attrs={"message": ""},
    types=dtypes.FLOATS, grad=lambda c, g: g, can_fail=True, effect=True,
    lower=Library("check_numerics"),
    samples=lambda: [Sample((np.ones((2, 3), "f4"),), {"message": "weights"})],
    doc="The same value; raises if it holds NaN or infinities.",
)  # fmt: skip


def _py_type(types: Types, attrs: Attrs) -> tuple[TensorType, ...]:
    return tuple(TensorType(d, tuple(s)) for d, s in zip(attrs["dtypes"], attrs["shapes"], strict=True))


def _py_call(*values: np.ndarray, function: Callable[..., Any], dtypes: Any, shapes: Any) -> Any:
    found = function(*values)
    listed = found if isinstance(found, tuple | list) else (found,)
    if len(dtypes) == 0:
        return ()
    return tuple(np.asarray(v, d.np) for v, d in zip(listed, dtypes, strict=True))


py_call = op(
    "py_call", "*values", _py_type, _py_call, many=True, effect=True, wide=True, can_fail=True,
    attrs={"function": None, "dtypes": (), "shapes": ()}, grad="Python code is opaque",
    lower=Host("it is Python code"), samples=None, doc="A Python function on arrays.",
)  # fmt: skip


