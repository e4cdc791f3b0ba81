"""``tf.debugging`` and ``tf.print``: checks that name what failed, and printing from graphs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from graphc.ops import ops
from graphc.trace import nest
from graphc.trace.dispatch import convert_to_tensor
from graphc.trace.tensor import Operators, Tensor

__all__ = [
    "Assert", "assert_all_finite", "assert_equal", "assert_greater", "assert_greater_equal",
    "assert_less", "assert_less_equal", "assert_near", "assert_negative", "assert_non_negative",
    "assert_none_equal", "assert_positive", "check_numerics",
]  # fmt: skip


def print_(*inputs: Any, output_stream: Any = None, summarize: int = 3, sep: str = " ", end: str = "\n", name: str | None = None) -> None:
    """Print tensors and Python values, also from inside a graph (TF: ``tf.print``; to stderr by default)."""
    template: list[str | None] = []
    values: list[Tensor] = []
    for item in inputs:
        if isinstance(item, Operators):
            template.append(None)
            values.append(convert_to_tensor(item))
        elif nest.is_nested(item) and any(isinstance(v, Operators) for v in nest.flatten(item)):
            _add_nested(item, template, values)
        else:
            template.append(str(item))
    stream = {None: "stderr", sys.stderr: "stderr", sys.stdout: "stdout"}.get(output_stream, output_stream)
    if not isinstance(stream, str):
        raise ValueError(f"output_stream is sys.stdout, sys.stderr or 'file://...', got {stream!r}")
    ops.print(*values, template=tuple(template), sep=sep, end=end, output=stream, summarize=summarize)


def _add_nested(item: Any, template: list[str | None], values: list[Tensor]) -> None:
    for leaf in nest.flatten(item):
        template.append(None if isinstance(leaf, Operators) else str(leaf))
        if isinstance(leaf, Operators):
            values.append(convert_to_tensor(leaf))


def check_numerics(tensor: Any, message: str, name: str | None = None) -> Tensor:
    """The tensor; raises ``InvalidArgumentError`` with ``message`` if it holds NaN or infinities."""
    return ops.check_numerics(convert_to_tensor(tensor), message=message)


def assert_all_finite(x: Any, message: str, name: str | None = None) -> Tensor:
    """The tensor, if every element is a finite number."""
    return check_numerics(x, message)


def Assert(condition: Any, data: Any, summarize: int | None = None, name: str | None = None) -> None:  # noqa: N802
    """Raise ``InvalidArgumentError`` with ``data`` if the condition is false."""
    listed = [d if isinstance(d, Operators) else str(d) for d in (data or [])]
    _require(convert_to_tensor(condition), "assertion failed:", listed)


def _require(ok: Tensor, message: str, data: list[Any]) -> None:
    tensors = [convert_to_tensor(d) for d in data if isinstance(d, Operators)]
    template = (message, *(None if isinstance(d, Operators) else d for d in data))
    ops.raise_unless(ok, *tensors, exception="InvalidArgumentError", template=template)


def _pairwise(name: str, op: str, words: str) -> Callable[..., None]:
    def check(x: Any, y: Any, message: str | None = None, summarize: int | None = None, name: str | None = None) -> None:
        a = convert_to_tensor(x)
        b = convert_to_tensor(y, dtype_hint=a.dtype)
        ok = ops.reduce_all(getattr(ops, op)(a, b))
        _require(ok, f"{message + ': ' if message else ''}condition x {words} y did not hold:", [a, b])

    check.__doc__ = f"Raise ``InvalidArgumentError`` unless x {words} y for every element."
    check.__name__ = check.__qualname__ = name
    return check


assert_equal = _pairwise("assert_equal", "equal", "==")
assert_none_equal = _pairwise("assert_none_equal", "not_equal", "!=")
assert_less = _pairwise("assert_less", "less", "<")
assert_less_equal = _pairwise("assert_less_equal", "less_equal", "<=")
assert_greater = _pairwise("assert_greater", "greater", ">")
assert_greater_equal = _pairwise("assert_greater_equal", "greater_equal", ">=")


def assert_positive(x: Any, message: str | None = None, summarize: int | None = None, name: str | None = None) -> None:
    """Raise unless every element is above zero."""
    assert_greater(x, 0, message)


def assert_non_negative(x: Any, message: str | None = None, summarize: int | None = None, name: str | None = None) -> None:
    """Raise unless no element is below zero."""
    assert_greater_equal(x, 0, message)


def assert_negative(x: Any, message: str | None = None, summarize: int | None = None, name: str | None = None) -> None:
    """Raise unless every element is below zero."""
    assert_less(x, 0, message)


def assert_near(x: Any, y: Any, rtol: Any = None, atol: Any = None, message: str | None = None, summarize: int | None = None, name: str | None = None) -> None:
    """Raise unless |x - y| <= atol + rtol |y|; the tolerances default to ten times the dtype's epsilon."""
    import numpy as np

    a: Any = convert_to_tensor(x)
    b: Any = convert_to_tensor(y, dtype_hint=a.dtype)
    epsilon = 10 * float(np.finfo(a.dtype.np).eps)
    bound = (epsilon if atol is None else atol) + ops.abs(b) * (epsilon if rtol is None else rtol)
    ok = ops.reduce_all(ops.less_equal(ops.abs(a - b), bound))
    _require(ok, f"{message + ': ' if message else ''}x and y are not near:", [a, b])
