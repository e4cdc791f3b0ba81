"""Values that cross a staged branch or loop: exits, unset names, and what kinds there are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from graphc.errors import StagingError
from graphc.ir import dtypes
from graphc.ir.types import TensorType
from graphc.ops import ops
from graphc.trace import nest, staging
from graphc.trace.dispatch import convert_to_tensor
from graphc.trace.state import current, user_loc
from graphc.trace.tensor import Operators, SymbolicTensor, Tensor

NEXT, CONTINUE, BREAK, RETURN = range(4)
LOOP = CONTINUE  # `break` and `continue` leave the same names, so they share a payload
State = tuple[Any, ...]


class Undefined:
    """The value of a name that has none."""

    def __repr__(self) -> str:
        return "<undefined>"


UNDEFINED = Undefined()


class Unset(Undefined):
    """The value of a name that some path leaves without one; ``reason`` says which."""

    def __init__(self, reason: str) -> None:
        self.reason = reason


ABSENT = Undefined()  # a payload that a path does not have: never looked at there


class Leaf:
    """A carried tensor as a loop's staging knows it; ``weak``: it began as a Python number."""

    __slots__ = ("type", "weak")

    def __init__(self, type: TensorType, weak: bool = False) -> None:
        self.type, self.weak = type, weak

    def __repr__(self) -> str:
        return f"a tensor {self.type}"


# --- exits ----------------------------------------------------------------------------------------


class Exit:
    """A block left by `return`, `break` or `continue`; falling through is a plain tuple."""

    __slots__ = ("kind", "state", "value")

    def __init__(self, kind: int, state: State, value: Any = None) -> None:
        self.kind, self.state, self.value = kind, state, value


class Exits:
    """A block left in a way that is known at run time; a payload for each way."""

    __slots__ = ("kind", "kinds", "payloads")

    def __init__(self, kind: Any, kinds: frozenset[int], payloads: dict[int, State]) -> None:
        self.kind, self.kinds, self.payloads = kind, kinds, payloads


class Never:
    """A block that raised."""

    def __init__(self, exception: Exception) -> None:
        self.exception = exception


Outcome = Any  # tuple | Exit | Exits | Never


def group(kind: int) -> int:
    return LOOP if kind == BREAK else kind


def kinds_of(outcome: Outcome) -> frozenset[int]:
    """The ways a block may be left."""
    if isinstance(outcome, Never):
        return frozenset()
    if isinstance(outcome, Exits):
        return outcome.kinds
    return frozenset((outcome.kind if isinstance(outcome, Exit) else NEXT,))


def kind_of(outcome: Outcome) -> Any:
    """The way as a number, or a tensor."""
    if isinstance(outcome, Never):
        return ABSENT
    return NEXT if type(outcome) is tuple else outcome.kind


def payloads_of(outcome: Outcome) -> dict[int, State]:
    if isinstance(outcome, Never):
        return {}
    if isinstance(outcome, Exits):
        return outcome.payloads
    if isinstance(outcome, Exit):
        if outcome.kind == RETURN:
            return {RETURN: (outcome.value, *outcome.state)}
        return {LOOP: outcome.state}
    return {NEXT: outcome}


def outcome_of(kind: Any, kinds: frozenset[int], payloads: dict[int, State]) -> Outcome:
    """An outcome with these ways; a single way is a static one."""
    if len(kinds) > 1:
        return Exits(kind, kinds, {g: p for g, p in payloads.items() if g in map(group, kinds)})
    (only,) = kinds
    payload = payloads[group(only)]
    if only == NEXT:
        return payload
    if only == RETURN:
        return Exit(RETURN, payload[1:], payload[0])
    return Exit(only, payload)


def without(outcome: Exits, kind: int) -> Outcome:
    """The same where one way is known not to be taken."""
    return outcome_of(outcome.kind, outcome.kinds - {kind}, outcome.payloads)


# --- describing values ----------------------------------------------------------------------------


def is_number(value: Any) -> bool:
    return isinstance(value, bool | int | float | complex)


def is_tensor_like(value: Any) -> bool:
    return isinstance(value, Operators | np.ndarray | np.generic)


def kind_of_value(value: Any) -> str:
    """What may hold a value: a tensor, a nested structure, a `Choice`, or Python's own object."""
    if isinstance(value, Undefined):
        return "undefined"
    if is_number(value) or is_tensor_like(value) or isinstance(value, Leaf):
        return "tensor"
    if hasattr(type(value), "__graphc_tensor__") and not isinstance(value, list):
        return "choice"
    return "nested" if nest.is_nested(value) else "python"


def type_of(value: Any) -> TensorType:
    """The type of a tensor, Variable or array."""
    if isinstance(value, SymbolicTensor):
        return value.value.type
    if isinstance(value, np.ndarray | np.generic):
        return TensorType(dtypes.of_numpy(value.dtype), np.shape(value))
    return TensorType(value.dtype, tuple(value.dims))


def describe(value: Any) -> str:
    """A value as an error message shows it."""
    if isinstance(value, Undefined):
        return "undefined"
    if is_tensor_like(value):
        return f"a tensor {type_of(value)}"
    if nest.is_nested(value) and any(map(is_tensor_like, nest.flatten(value))):
        return f"{type(value).__name__} of {len(nest.flatten(value))}"
    text = repr(value)
    return f"{text if len(text) < 40 else type(value).__name__} ({type(value).__name__})"


def same_constant(a: Any, b: Any) -> bool:
    """Whether two Python values are one constant."""
    if a is b:
        return True
    if type(a) is not type(b) or is_tensor_like(a):
        return False
    try:
        return bool(a == b)
    except Exception:
        return False


def is_weak(value: Any) -> bool:
    """Whether a value is a Python int, or a tensor that stands for one."""
    return type(value) is int or (isinstance(value, SymbolicTensor) and value.weak)


def as_dtype(value: Any, dtype: Any) -> Any:
    """A number or tensor as a tensor; a weak one takes the dtype if it can."""
    if is_weak(value) and is_tensor_like(value) and dtype.kind in "iufc":
        return value if value.dtype is dtype else ops.cast(value, dtype=dtype)
    return convert_to_tensor(value, dtype_hint=dtype)


def weak_dtype(a: Any, b: Any) -> Any:
    """The dtype that two Python numbers share, or None."""
    if isinstance(a, bool) != isinstance(b, bool):
        return None
    if isinstance(a, bool):
        return dtypes.bool_
    if isinstance(a, complex) or isinstance(b, complex):
        return dtypes.complex128
    if isinstance(a, float) or isinstance(b, float):
        return dtypes.float32
    return dtypes.int32


def zeros_of(t: TensorType) -> Tensor:
    """A tensor of a type for places where no value is looked at; unknown dims may come out as 0."""
    tracer = current.tracer
    assert tracer is not None
    known = frozenset().union(*(v.type.symbols for v in tracer.root.inputs))
    dtype = t.dtype
    if dtype is dtypes.python:
        return convert_to_tensor(None, dtype_hint=dtype)
    if t.is_static or not t.symbols <= known:
        shape = tuple(d if isinstance(d, int) else 0 for d in t.shape)
        return staging.constant(np.zeros(shape, dtype.np), dtype)
    return ops.broadcast_to(staging.constant(np.zeros((), dtype.np), dtype), shape=t.shape)


def condition(test: Any, what: str) -> Any:
    """A symbolic test as a bool scalar."""
    type = test.value.type
    if type.dtype is dtypes.python:
        return test.as_bool()
    if type.rank:
        raise StagingError(
            f"the condition of this {what} is a tensor {type}, it must be a scalar;"
            " use tf.reduce_all or tf.reduce_any"
        )
    return test if type.dtype is dtypes.bool_ else ops.not_equal(test, 0)


Thunk = Callable[[], Any]
here = user_loc
