"""What a program does besides computing: printing, checking, telling the time, calling Python."""

from __future__ import annotations

import builtins
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from graphc import errors
from graphc.errors import InvalidArgumentError
from graphc.ir import dtypes
from graphc.ir.dtypes import DType
from graphc.ir.types import TensorType
from graphc.ops.combinators import op, ops
from graphc.ops.opdef import Attrs, Host, Library, Sample, Types

_NOTHING = "it has no result"


def _no_results(types: Types, attrs: Attrs) -> tuple[TensorType, ...]:
    return ()


# --- print ----------------------------------------------------------------------------------------


def show_value(x: Any, summarize: int = 3) -> str:
    """A value as ``tf.print`` shows it: no commas, and of long axes the ends only."""
    array = np.asarray(x)
    if array.ndim == 0:
        return _show_element(array[()])
    ends = max(summarize, 1) if summarize >= 0 else sys.maxsize
    long = any(n > 2 * ends for n in array.shape)
    return np.array2string(
        array, separator=" ", threshold=0 if long else sys.maxsize, edgeitems=ends,
        max_line_width=sys.maxsize, formatter={"all": _show_element},
    )  # fmt: skip


def _show_element(value: Any) -> str:
    if isinstance(value, str | bytes):
        return f'"{value.decode() if isinstance(value, bytes) else value}"'
    if isinstance(value, np.bool_ | bool):
        return "1" if value else "0"
    if isinstance(value, np.floating | float) or type(value).__name__ == "bfloat16":
        return _show_float(value)
    return str(value)


def _show_float(value: Any) -> str:
    """The shorter of two precisions if it reads back as the same number."""
    digits, kind = (15, float) if isinstance(value, float) else (6, np.float32)
    short = f"{float(value):.{digits}g}"
    same = kind(short) == kind(value) or not np.isfinite(value)
    return short if same else f"{float(value):.{digits + (2 if kind is float else 3)}g}"


def _print(
    *values: np.ndarray, template: tuple[str | None, ...], end: str = "\n", sep: str = " ",
    output: str = "stderr", summarize: int = 3,
) -> tuple[()]:  # fmt: skip
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


def _print_samples() -> list[Sample]:
    attrs = {"template": ("x:", None), "output": "stdout"}
    return [Sample((np.arange(3, dtype=np.float32),), attrs, grad=False)]


print_ = op(
    "print", "*values", _no_results, _print, many=True, effect=True, wide=True, grad=_NOTHING,
    attrs={"template": (), "end": "\n", "sep": " ", "output": "stderr", "summarize": 3},
    lower=Host("it writes to a stream"), samples=_print_samples,
    doc="Writes values in TensorFlow's format; None in the template stands for the next value.",
)  # fmt: skip

# --- checks ---------------------------------------------------------------------------------------


def _exception(name: Any) -> Callable[..., Exception]:
    if callable(name):
        return name
    found = getattr(builtins, name, None) or getattr(errors, name, None)
    return found if isinstance(found, type) else InvalidArgumentError


def _raise_unless(
    ok: np.ndarray, *data: np.ndarray, exception: Any = "AssertionError",
    template: tuple[Any, ...] = (),
) -> tuple[()]:  # fmt: skip
    if not np.all(ok):
        given = iter(data)
        filled = [_unboxed(next(given)) if t is None else t for t in template]
        kind = _exception(exception)
        if isinstance(kind, type) and issubclass(kind, errors.OpError):
            raise kind("\n".join(map(str, filled)))  # TF: the data are part of the message
        raise kind(*filled)
    return ()


def _unboxed(value: np.ndarray) -> Any:
    return value[()] if np.ndim(value) == 0 else value


raise_unless = op(
    "raise_unless", "ok *data", _no_results, _raise_unless, many=True, effect=True, wide=True,
    can_fail=True, attrs={"exception": "AssertionError", "template": ()}, grad=_NOTHING,
    lower=Library("raise_unless"),
    samples=lambda: [Sample((np.array([True, True]), np.zeros(2)), {"template": (None,)},
                            grad=False)],
    doc="Raises an exception where a condition does not hold; None in the template is data.",
)  # fmt: skip


def _check_numerics(x: np.ndarray, message: str = "") -> np.ndarray:
    if not np.isfinite(x).all():
        found = [name for name, test in (("Inf", np.isinf), ("NaN", np.isnan)) if test(x).any()]
        raise InvalidArgumentError(f"{message} : Tensor had {' and '.join(found)} values")
    return x


check_numerics = op(
    "check_numerics", "x", lambda types, attrs: types[0], _check_numerics, attrs={"message": ""},
    types=dtypes.FLOATS, grad=lambda c, g: g, can_fail=True, effect=True,
    lower=Library("check_numerics"),
    samples=lambda: [Sample((np.ones(s, "f4"),), {"message": "w"}) for s in ((2, 3), (), (0,))],
    doc="The same value; raises if it holds NaN or infinities.",
)  # fmt: skip

# --- the world outside ----------------------------------------------------------------------------

timestamp = op("timestamp", "", lambda types, attrs: TensorType(dtypes.float64),
               lambda: np.asarray(time.time()), effect=True, lower=Host("it asks the clock"),
               grad="time does not depend on values", samples=lambda: [Sample((), grad=False)],
               doc="Seconds since 1970.")  # fmt: skip


def _py_type(types: Types, attrs: Attrs) -> tuple[TensorType, ...]:
    pairs = zip(attrs["dtypes"], attrs["shapes"], strict=True)
    return tuple(TensorType(dtype, tuple(shape)) for dtype, shape in pairs)


def _py_call(
    *values: np.ndarray, function: Callable[..., Any], dtypes: Sequence[DType], shapes: Any
) -> tuple[np.ndarray, ...]:
    found = function(*values)
    listed = found if isinstance(found, tuple | list) else (found,)
    return tuple(np.asarray(v, d.np) for v, d in zip(listed, dtypes, strict=True)) if dtypes else ()


def _py_grad(c: Any, *grads: Any) -> list[Any]:
    """What the function's own ``gradient`` gives, if it has one."""
    gradient = getattr(c.function, "gradient", None)
    if gradient is None:
        return [None] * len(c.inputs)
    back = gradient(len(c.outputs))
    smooth = [x for x in c.inputs if x.dtype.is_differentiable]
    kinds = dict(dtypes=tuple(x.dtype for x in smooth), shapes=tuple(x.dims for x in smooth))
    found = iter(ops.py_call(*c.inputs, *grads, function=back, **kinds))
    return [next(found) if x.dtype.is_differentiable else None for x in c.inputs]


def _doubled(x: np.ndarray) -> np.ndarray:
    return 2 * x


py_call = op(
    "py_call", "*values", _py_type, _py_call, many=True, effect=True, wide=True, can_fail=True,
    attrs={"function": None, "dtypes": (), "shapes": ()}, grad=_py_grad,
    lower=Host("it is Python code"), doc="A Python function on arrays.",
    samples=lambda: [Sample((np.ones(3, "f4"),), {"function": _doubled, "shapes": ((3,),),
                                                  "dtypes": (dtypes.float32,)}, grad=False)],
)  # fmt: skip
