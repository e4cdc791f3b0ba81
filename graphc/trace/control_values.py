"""Values that cross a staged branch or loop: exits, unset names, joining two values into one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from graphc.errors import BranchMismatchError, StagingError, UndefinedNameError
from graphc.ir import dtypes
from graphc.ir.types import TensorType
from graphc.ops import ops
from graphc.trace import nest, staging
from graphc.trace.dispatch import convert_to_tensor
from graphc.trace.staging import Region
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
    """The value of a name that only one path defines."""

    def __init__(self, name: str, reason: str) -> None:
        self.name, self.reason = name, reason

    def use(self) -> Any:
        raise UndefinedNameError(f"{self.name!r} may have no value here: {self.reason}")


class Perhaps(Undefined):
    """The value of a name that a loop defines if its body runs; ``ran`` tells at run time."""

    def __init__(self, name: str, value: Any, ran: Any, loc: Any) -> None:
        self.name, self.value, self.ran, self.loc = name, value, ran, loc

    def use(self) -> Any:
        message = (
            f"{self.name!r} has no value: the loop at {self.loc} ran no iteration that gives it one"
        )
        staging.emit_assert(self.ran, UndefinedNameError, [message])
        return self.value


ABSENT = Undefined()  # a payload that a path does not have: never looked at there


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
    if t.is_static or not t.symbols <= known:
        shape = tuple(d if isinstance(d, int) else 0 for d in t.shape)
        return staging.constant(np.zeros(shape, dtype.np), dtype)
    return ops.broadcast_to(staging.constant(np.zeros((), dtype.np), dtype), shape=t.shape)


# --- joining two branches -------------------------------------------------------------------------


class _Slot:
    """A place in a structure that the n-th result of the `if` fills."""

    __slots__ = ("index",)

    def __init__(self, index: int) -> None:
        self.index = index


def fill(template: Any, results: Sequence[Any]) -> Any:
    """A structure with its slots replaced."""
    if isinstance(template, Perhaps):
        value, ran = fill(template.value, results), fill(template.ran, results)
        return value if ran is True else Perhaps(template.name, value, ran, template.loc)
    leaves = nest.flatten(template)
    if not any(isinstance(leaf, _Slot) for leaf in leaves):
        return template
    filled = [results[leaf.index] if isinstance(leaf, _Slot) else leaf for leaf in leaves]
    return nest.pack_sequence_as(template, filled)


class Join:
    """Joins the values that two branches give to names; collects what the `if` must return."""

    def __init__(self, then_r: Region, else_r: Region, loc: Any) -> None:
        self.regions, self.loc = (then_r, else_r), loc
        self.left: list[Any] = []
        self.right: list[Any] = []
        self.names: list[str] = []

    def values(self, a: State | None, b: State | None, names: Sequence[str]) -> Any:
        """Templates for the values of several names; None: the branch does not come this way."""
        count = len(a if a is not None else b or ())
        a, b = (x if x is not None else (ABSENT,) * count for x in (a, b))
        named = list(names) if len(names) == count else [""] * count
        return tuple(self.value(x, y, n) for x, y, n in zip(a, b, named, strict=True))

    def value(self, a: Any, b: Any, name: str) -> Any:
        if a is ABSENT or b is ABSENT:
            return self._one_sided(b if a is ABSENT else a, 1 if a is ABSENT else 0, name)
        if same_constant(a, b) and not _holds_new(a, self.regions):
            return a
        if isinstance(a, Perhaps) or isinstance(b, Perhaps):
            return self._perhaps(a, b, name)
        if isinstance(a, Undefined) or isinstance(b, Undefined):
            return self._unset(a, b, name)
        if nest.is_nested(a) or nest.is_nested(b):
            return self._nested(a, b, name)
        return self._leaf(a, b, name)

    def _one_sided(self, value: Any, side: int, name: str) -> Any:
        """A value that the other branch does not need: there it is zero."""

        def leaf(v: Any) -> Any:
            if not is_tensor_like(v):
                return v
            with staging.reopen(self.regions[side]):
                tensor = convert_to_tensor(v)
            with staging.reopen(self.regions[1 - side]):
                other = zeros_of(type_of(tensor))
            return self._slot(*((tensor, other) if side == 0 else (other, tensor)), name)

        if not nest.is_nested(value):
            return leaf(value)
        return nest.pack_sequence_as(value, [leaf(v) for v in nest.flatten(value)])

    def _unset(self, a: Any, b: Any, name: str) -> Any:
        if isinstance(a, Undefined) and isinstance(b, Undefined):
            return a if isinstance(a, Unset) else b
        missing = "first" if isinstance(a, Undefined) else "second"
        known = a if isinstance(a, Unset) else b if isinstance(b, Unset) else None
        reason = f"the {missing} branch of the `if` at {self.loc} gives it none"
        return known or Unset(name, reason)

    def _perhaps(self, a: Any, b: Any, name: str) -> Any:
        """A value that at least one branch has under a condition only."""
        known = a if isinstance(a, Perhaps) else b
        bits = [v.ran if isinstance(v, Perhaps) else not isinstance(v, Undefined) for v in (a, b)]
        values = [v.value if isinstance(v, Perhaps) else v for v in (a, b)]
        values = [ABSENT if isinstance(v, Undefined) else v for v in values]
        return Perhaps(name, self.value(*values, name), self.value(*bits, ""), known.loc)

    def _nested(self, a: Any, b: Any, name: str) -> Any:
        if not (nest.is_nested(a) and nest.is_nested(b)):
            raise self._mismatch(a, b, name)
        try:
            nest.assert_same_structure(a, b)
        except (TypeError, ValueError):
            raise self._mismatch(a, b, name) from None
        pairs = zip(nest.flatten_with_paths(a), nest.flatten(b), strict=True)
        return nest.pack_sequence_as(a, [self.value(x, y, name + path) for (path, x), y in pairs])

    def _leaf(self, a: Any, b: Any, name: str) -> Any:
        """Numbers and tensors of one dtype; everything else must be equal."""
        numeric = [is_number(v) or is_tensor_like(v) for v in (a, b)]
        if not all(numeric):
            raise self._mismatch(a, b, name)
        hint = None
        if is_number(a) and is_number(b):
            hint = weak_dtype(a, b)
            if hint is None:
                raise self._mismatch(a, b, name)
        else:
            hint = type_of(b if is_number(a) else a).dtype
        tensors = []
        for region, v in zip(self.regions, (a, b), strict=True):
            with staging.reopen(region):
                tensors.append(convert_to_tensor(v, dtype_hint=hint))
        x, y = map(type_of, tensors)
        if x.dtype is not y.dtype or x.rank != y.rank:
            raise self._mismatch(*tensors, name)
        return self._slot(*tensors, name)

    def _slot(self, x: Any, y: Any, name: str) -> _Slot:
        self.left.append(x)
        self.right.append(y)
        self.names.append(_identifier(name))
        return _Slot(len(self.left) - 1)

    def _mismatch(self, a: Any, b: Any, name: str) -> BranchMismatchError:
        what = repr(name) if name.split("[")[0].isidentifier() else name or "its result"
        return BranchMismatchError(
            f"the `if` at {self.loc} gives {what} two kinds of values: {describe(a)} in the first"
            f" branch, {describe(b)} in the second"
        )


def _identifier(name: str) -> str:
    head = name.split("[")[0].split(".")[0]
    return head if head.isidentifier() else ""


def _holds_new(value: Any, regions: Sequence[Region]) -> bool:
    """Whether a value that both branches give was made inside one of them."""
    return any(isinstance(v, SymbolicTensor) and v.tracer in regions for v in nest.flatten(value))


def condition(test: Any, what: str) -> Any:
    """A symbolic test as a bool scalar."""
    type = test.value.type
    if type.rank:
        raise StagingError(
            f"the condition of this {what} is a tensor {type}, it must be a scalar;"
            " use tf.reduce_all or tf.reduce_any"
        )
    return test if type.dtype is dtypes.bool_ else ops.not_equal(test, 0)


Thunk = Callable[[], Any]
here = user_loc
