"""Printing, and checks that name what failed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from graphc.api.arguments import alike, known, like
from graphc.api.reductions import reduce_all
from graphc.errors import InvalidArgumentError
from graphc.ir import dims, dtypes
from graphc.ops import ops
from graphc.trace import nest
from graphc.trace.dispatch import convert_to_tensor
from graphc.trace.tensor import Operators, Tensor

# --- print ----------------------------------------------------------------------------------------


class _Slot:
    """Where a tensor of a nested structure is to be printed."""

    def __repr__(self) -> str:
        return "\0"


def print_(*inputs: Any, **kwargs: Any) -> None:
    """Print tensors and Python values on every call, also from inside a graph (TF: ``tf.print``).

    Keywords: ``output_stream`` (sys.stderr; sys.stdout, or 'file://...'), ``summarize`` (3: how
    many elements are shown at the ends of an axis, -1 for all), ``sep``, ``end``, ``name``.
    """
    options = {"output_stream": sys.stderr, "summarize": 3, "sep": " ", "end": "\n", "name": None}
    unknown = kwargs.keys() - options.keys()
    if unknown:
        raise ValueError(f"print takes no {', '.join(sorted(unknown))}")
    options.update(kwargs)
    pieces, values = _pieces(inputs, str(options["sep"]))
    summarize = 3 if options["summarize"] is None else options["summarize"]
    ops.print(
        *values, template=tuple(pieces), sep="", end=str(options["end"]),
        output=_stream(options["output_stream"]), summarize=summarize,
    )  # fmt: skip


def _pieces(inputs: Any, sep: str) -> tuple[list[str | None], list[Tensor]]:
    """Text, and None for each tensor, in the order in which they are printed."""
    pieces: list[str | None] = []
    values: list[Tensor] = []
    for i, item in enumerate(inputs):
        leaves = [convert_to_tensor(v) for v in nest.flatten(item) if isinstance(v, Operators)]
        shown = nest.map_structure(lambda v: _Slot() if isinstance(v, Operators) else v, item)
        first, *rest = (str(shown) if leaves else str(item)).split("\0")
        pieces.append((sep if i else "") + first)
        for text in rest:
            pieces += [None, text]
        values += leaves
    return [p for p in pieces if p != ""], values


def _stream(given: Any) -> str:
    if isinstance(given, str):
        return {"sys.stdout": "stdout", "sys.stderr": "stderr"}.get(given, given)
    for name in ("stderr", "stdout"):
        if given is None or given is getattr(sys, name):
            return name
    raise ValueError(f"output_stream is sys.stdout, sys.stderr or 'file://...', got {given!r}")


# --- numbers --------------------------------------------------------------------------------------


def check_numerics(tensor: Any, message: str, name: str | None = None) -> Tensor:
    """Return the tensor; raise ``InvalidArgumentError`` if it holds NaN or infinities."""
    return ops.check_numerics(convert_to_tensor(tensor), message=message)


def assert_all_finite(x: Any, message: str, name: str | None = None) -> Tensor:
    """Return the tensor, if every element is a finite number."""
    return check_numerics(x, message)


# --- conditions -----------------------------------------------------------------------------------


def Assert(condition: Any, data: Any, summarize: Any = None, name: str | None = None) -> None:
    """Raise ``InvalidArgumentError`` with ``data`` if the condition is false."""
    listed = data if isinstance(data, list | tuple) else [data]
    _require(convert_to_tensor(condition), "Expected the condition to be true. Data:", *listed)


def _require(ok: Tensor, *message: Any) -> None:
    """Raise unless ``ok``; tensors in the message are shown as they are when it fails."""
    tensors = [convert_to_tensor(d) for d in message if isinstance(d, Operators)]
    template = tuple(None if isinstance(d, Operators) else str(d) for d in message)
    ops.raise_unless(ok, *tensors, exception="InvalidArgumentError", template=template)


def _headed(message: str | None, text: str) -> str:
    return f"{message}\n{text}" if message else text


def _pairwise(name: str, op: str, words: str) -> Callable[..., None]:
    def check(
        x: Any, y: Any, message: str | None = None, summarize: Any = None, name: str | None = None
    ) -> None:
        a, b = alike(x, y)
        ok = reduce_all(getattr(ops, op)(a, b))
        text = f"Condition x {words} y did not hold."
        _require(ok, _headed(message, text), "x:", a, "y:", b)

    check.__doc__ = f"Raise ``InvalidArgumentError`` unless x {words} y for every element."
    check.__name__, check.__qualname__ = name, name
    return check


assert_equal = _pairwise("assert_equal", "equal", "==")
assert_less = _pairwise("assert_less", "less", "<")
assert_less_equal = _pairwise("assert_less_equal", "less_equal", "<=")
assert_greater = _pairwise("assert_greater", "greater", ">")
assert_greater_equal = _pairwise("assert_greater_equal", "greater_equal", ">=")
_differ = _pairwise("assert_none_equal", "not_equal", "!=")


def assert_none_equal(
    x: Any, y: Any, summarize: Any = None, message: str | None = None, name: str | None = None
) -> None:
    """Raise ``InvalidArgumentError`` unless x != y for every element."""
    _differ(x, y, message)


def _signwise(name: str, check: Callable[..., None], words: str) -> Callable[..., None]:
    def call(
        x: Any, message: str | None = None, summarize: Any = None, name: str | None = None
    ) -> None:
        check(x, 0, message)

    call.__doc__ = f"Raise ``InvalidArgumentError`` unless every element is {words}."
    call.__name__, call.__qualname__ = name, name
    return call


assert_positive = _signwise("assert_positive", assert_greater, "above 0")
assert_negative = _signwise("assert_negative", assert_less, "below 0")
assert_non_negative = _signwise("assert_non_negative", assert_greater_equal, "0 or above")
assert_non_positive = _signwise("assert_non_positive", assert_less_equal, "0 or below")


def assert_near(
    x: Any, y: Any, rtol: Any = None, atol: Any = None, message: str | None = None,
    summarize: Any = None, name: str | None = None,
) -> None:  # fmt: skip
    """Raise unless |x - y| <= atol + rtol |y|; both default to ten times the dtype's epsilon."""
    a, b = alike(x, y)
    epsilon = 10 * float(np.finfo(a.dtype.np).eps)
    slack = ops.multiply(ops.abs(b), epsilon if rtol is None else rtol)
    bound = ops.add(slack, like(epsilon if atol is None else atol, slack))
    ok = reduce_all(ops.less_equal(ops.abs(ops.subtract(a, b)), bound))
    _require(ok, _headed(message, "x and y are not near."), "x:", a, "y:", b)


# --- types and shapes, which are known while tracing ----------------------------------------------


def assert_rank(x: Any, rank: Any, message: str | None = None, name: str | None = None) -> None:
    """Raise ``ValueError`` unless ``x`` has ``rank`` axes."""
    assert_rank_in(x, (known(rank, "rank"),), message)


def assert_rank_in(x: Any, ranks: Any, message: str | None = None, name: str | None = None) -> None:
    """Raise ``ValueError`` unless the number of axes of ``x`` is one of ``ranks``."""
    found = len(convert_to_tensor(x).dims)
    if found not in list(ranks):
        listed = " or ".join(map(str, ranks))
        raise InvalidArgumentError(_headed(message, f"the rank must be {listed}, got {found}"))


def assert_rank_at_least(
    x: Any, rank: Any, message: str | None = None, name: str | None = None
) -> None:
    """Raise ``ValueError`` unless ``x`` has ``rank`` axes or more."""
    found = len(convert_to_tensor(x).dims)
    if found < known(rank, "rank"):
        raise InvalidArgumentError(
            _headed(message, f"the rank must be {rank} or more, got {found}")
        )


def assert_scalar(tensor: Any, message: str | None = None, name: str | None = None) -> Tensor:
    """Return the tensor, if it has no axes."""
    assert_rank(tensor, 0, message)
    return convert_to_tensor(tensor)


def assert_type(
    tensor: Any, tf_type: Any, message: str | None = None, name: str | None = None
) -> None:
    """Raise ``TypeError`` unless a tensor is of a dtype."""
    found, wanted = convert_to_tensor(tensor).dtype, dtypes.as_dtype(tf_type)
    if found is not wanted:
        raise TypeError(_headed(message, f"the dtype must be {wanted.name}, got {found.name}"))


def assert_integer(x: Any, message: str | None = None, name: str | None = None) -> None:
    """Raise ``TypeError`` unless a tensor is of an integer dtype."""
    found = convert_to_tensor(x).dtype
    if not found.is_integer:
        raise TypeError(_headed(message, f"the dtype must be an integer one, got {found.name}"))


def is_numeric_tensor(tensor: Any) -> bool:
    """Whether it is a tensor of numbers."""
    return isinstance(tensor, Operators) and tensor.dtype.is_numeric  # type: ignore[attr-defined]


def timestamp(name: str | None = None) -> Tensor:
    """Seconds since 1970, float64; inside a graph of the moment the op runs."""
    return ops.timestamp()


def assert_proper_iterable(values: Any) -> None:
    """Raise ``TypeError`` unless it is an iterable of things: no tensor, array or string."""
    if isinstance(values, Operators | np.ndarray | str | bytes):
        raise TypeError(f"expected a list or the like, got {type(values).__name__}")
    if not hasattr(values, "__iter__"):
        raise TypeError(f"expected an iterable, got {type(values).__name__}")


def assert_same_float_dtype(tensors: Any = None, dtype: Any = None) -> Any:
    """Return the float dtype that all tensors have; raise ``ValueError`` if they differ."""
    kinds = [convert_to_tensor(t).dtype for t in tensors or ()]
    kinds += [] if dtype is None else [dtypes.as_dtype(dtype)]
    found = kinds[0] if kinds else dtypes.float32
    if any(k is not found for k in kinds) or not found.is_floating:
        listed = ", ".join(k.name for k in kinds)
        raise ValueError(f"expected one floating point dtype, got {listed}")
    return found


def assert_shapes(
    shapes: Any, data: Any = None, summarize: Any = None, message: str | None = None,
    name: str | None = None,
) -> None:  # fmt: skip
    """Raise ``ValueError`` unless tensors have shapes, given as a dict or (tensor, shape) pairs.

    A size is a number, None for any, or a name that stands for one size wherever it is used.
    """
    sizes: dict[Any, Any] = {}
    pairs = shapes.items() if isinstance(shapes, dict) else shapes
    for x, wanted in pairs:
        t = convert_to_tensor(x.deref() if hasattr(x, "deref") else x)
        parts = [wanted] if isinstance(wanted, int | str) else list(wanted)
        if len(parts) != len(t.dims):
            raise ValueError(_headed(message, f"expected {len(parts)} axes, got shape {t.shape}"))
        for size, part in zip(t.dims, parts, strict=True):
            if part is None or part == ".":
                continue
            want = part if isinstance(part, int) else sizes.setdefault(part, size)
            if not dims.assume_equal(size, want):
                text = f"size {part} is {want}, but a tensor of shape {t.shape} has {size}"
                raise ValueError(_headed(message, text))
