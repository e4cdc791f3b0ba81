"""What a staged loop carries from one iteration to the next, found as a fixpoint.

Each leaf of a carried value is a Python constant, a tensor type with unknown dims, or undefined.
The body is traced with them; where it gives something wider, they are widened and it is traced
again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.errors import LoopCarryError
from graphc.ir import dims, dtypes
from graphc.ir.types import TensorType
from graphc.ops import ops
from graphc.trace import nest
from graphc.trace.control_values import (
    ABSENT,
    UNDEFINED,
    Perhaps,
    State,
    Undefined,
    Unset,
    describe,
    is_number,
    is_tensor_like,
    same_constant,
    type_of,
    weak_dtype,
    zeros_of,
)
from graphc.trace.dispatch import convert_to_tensor
from graphc.trace.state import current

MAX_ROUNDS = 12


class Leaf:
    """A leaf that is a tensor inside the loop; ``weak``: it began as a Python number."""

    __slots__ = ("type", "weak")

    def __init__(self, type: TensorType, weak: bool = False) -> None:
        self.type, self.weak = type, weak

    def __repr__(self) -> str:
        return f"a tensor {self.type}"


class Carry:
    """The carried names of one loop.

    A name that only the body defines is carried with a bit that says whether it has a value yet.
    """

    def __init__(self, names: Sequence[str], state: State, loc: Any) -> None:
        self.names, self.loc = list(names), loc
        self.before = list(state)
        self.now: list[Any] = [self._abstract(_plain(value)) for value in state]
        # names that may have no value, and those among them that each iteration defines
        self.late = {i for i, value in enumerate(state) if isinstance(value, Perhaps)}
        self.sure: set[int] = set()
        reason = f"{READ_FIRST} {loc}; assign it before the loop"
        self.blank = [Unset(name, reason) for name in names]
        self.changed = True
        self.rounds = 0

    # --- the abstract state ---

    def _abstract(self, value: Any, wide: bool = False) -> Any:
        """Tensors become leaves; numbers stay constants unless ``wide``."""

        def leaf(v: Any) -> Any:
            if is_tensor_like(v) and not _is_variable(v):
                return Leaf(_outside(type_of(v)) if wide else type_of(v))
            if wide and is_number(v):
                return Leaf(TensorType(weak_dtype(v, v)), weak=True)
            return v

        if isinstance(value, Undefined) or not nest.is_nested(value):
            return value if isinstance(value, Undefined) else leaf(value)
        flat = nest.flatten(value)
        if not any(is_tensor_like(v) or is_number(v) for v in flat):
            return value
        return nest.pack_sequence_as(value, [leaf(v) for v in flat])

    def leaves(self) -> list[tuple[str, Leaf]]:
        """The leaves that are carried, with names."""
        found = []
        for name, value in zip(self.names, self.now, strict=True):
            found += [(name, leaf) for leaf in nest.flatten(value) if isinstance(leaf, Leaf)]
        return found + [("", Leaf(BIT)) for _ in self.late]

    def types(self) -> list[TensorType]:
        return [leaf.type for _, leaf in self.leaves()]

    def labels(self) -> list[str]:
        return [name if name.isidentifier() else "" for name, _ in self.leaves()]

    def state(self, tensors: Sequence[Any]) -> State:
        """The values of the names, with ``tensors`` for the leaves."""
        source = iter(tensors)
        values = [self._filled(value, source) for value in self.now]
        values = [b if v is UNDEFINED else v for v, b in zip(values, self.blank, strict=True)]
        for at in sorted(self.late):
            values[at] = Perhaps(self.names[at], values[at], next(source), self.loc)
        return tuple(values)

    def _filled(self, value: Any, source: Any) -> Any:
        if isinstance(value, Undefined):
            return value
        flat = nest.flatten(value)
        if not any(isinstance(v, Leaf) for v in flat):
            return value
        filled = [next(source) if isinstance(v, Leaf) else v for v in flat]
        return nest.pack_sequence_as(value, filled)

    # --- tensors for the leaves ---

    def initial(self) -> list[Any]:
        """The carried tensors before the first iteration."""
        return self._tensors(self.before)

    def outputs(self, state: State) -> list[Any]:
        """The carried tensors after an iteration."""
        tensors = self._tensors(state)
        return [_fitted(t, leaf.type) for t, (_, leaf) in zip(tensors, self.leaves(), strict=True)]

    def _tensors(self, state: Sequence[Any]) -> list[Any]:
        found = []
        for now, value in zip(self.now, state, strict=True):
            if isinstance(now, Undefined):
                continue
            leaves, value = nest.flatten(now), _plain(value)
            if isinstance(value, Undefined):
                found += [zeros_of(v.type) for v in leaves if isinstance(v, Leaf)]
                continue
            for leaf, v in zip(leaves, nest.flatten(value), strict=True):
                if isinstance(leaf, Leaf):
                    found.append(convert_to_tensor(v, dtype_hint=leaf.type.dtype))
        return found + [convert_to_tensor(_bit(state[at])) for at in sorted(self.late)]

    # --- widening ---

    def absorb(self, state: State) -> bool:
        """Widen to what an iteration gave; True if something changed."""
        self.changed = False
        self.sure.clear()
        self.now = [
            self._join(i, now, value)
            for i, (now, value) in enumerate(zip(self.now, state, strict=True))
        ]
        self.rounds += 1
        if self.changed and self.rounds > MAX_ROUNDS:
            raise LoopCarryError(
                f"the types of {', '.join(map(repr, self.names))} do not settle in the loop at"
                f" {self.loc}"
            )
        return self.changed

    def _join(self, at: int, now: Any, value: Any) -> Any:
        name = self.names[at]
        if value is self.blank[at]:
            return now
        if isinstance(value, Perhaps):
            if at not in self.late:
                self.late.add(at)
                self.changed = True
            value = value.value
        elif at in self.late:
            self.sure.add(at)
        if isinstance(value, Undefined):
            if isinstance(value, Unset) and isinstance(now, Undefined):
                return value
            if not isinstance(now, Undefined) and value is not ABSENT:
                self._may_vanish(at, value)
            return now
        if isinstance(now, Undefined):
            self.changed = True
            if now is not ABSENT:
                self.late.add(at)
            return self._abstract(value, wide=True)
        if not nest.is_nested(now) and not nest.is_nested(value):
            return self._join_leaf(name, now, value)
        if now is value:
            return now
        try:
            nest.assert_same_structure(now, value)
        except (TypeError, ValueError):
            raise self._mismatch(name, now, value, "structure") from None
        pairs = zip(nest.flatten_with_paths(now), nest.flatten(value), strict=True)
        return nest.pack_sequence_as(
            now, [self._join_leaf(name + path, a, b) for (path, a), b in pairs]
        )

    def _may_vanish(self, at: int, value: Any) -> None:
        """An iteration may leave a name without a value that had one before."""
        if isinstance(value, Unset):
            value.use()
        raise LoopCarryError(f"{self.names[at]!r} is deleted in the loop at {self.loc}")

    def _join_leaf(self, name: str, now: Any, value: Any) -> Any:
        if isinstance(value, Unset):
            value.use()
        if not isinstance(now, Leaf):
            return self._join_constant(name, now, value)
        if is_number(value):
            tensor = convert_to_tensor(value, dtype_hint=now.type.dtype)
            other = TensorType(tensor.dtype)
        elif is_tensor_like(value):
            other = type_of(value)
        else:
            raise self._mismatch(name, now, value, "type")
        return self._join_types(name, now, other, value)

    def _join_constant(self, name: str, now: Any, value: Any) -> Any:
        if same_constant(now, value):
            return now
        if not is_number(now) or not (is_number(value) or is_tensor_like(value)):
            raise self._mismatch(name, now, value, "type")
        self.changed = True
        if is_number(value):
            dtype = weak_dtype(now, value)
            if dtype is None:
                raise self._mismatch(name, now, value, "type")
            return Leaf(TensorType(dtype), weak=True)
        other = type_of(value)
        before = convert_to_tensor(now, dtype_hint=other.dtype)
        if before.dtype is not other.dtype or other.rank:
            raise self._mismatch(name, now, value, "dtype" if not other.rank else "rank")
        return Leaf(other)

    def _join_types(self, name: str, now: Leaf, other: TensorType, value: Any) -> Leaf:
        if now.type.rank != other.rank:
            raise self._mismatch(name, now, value, "rank")
        if now.type.dtype is not other.dtype:
            if not (now.weak and other.dtype.is_floating):
                raise self._mismatch(name, now, value, "dtype")
            self.changed = True
            return Leaf(TensorType(other.dtype, now.type.shape))
        if all(a == b or _grows(a) for a, b in zip(now.type.shape, other.shape, strict=True)):
            return now
        self.changed = True
        tracer = current.tracer
        assert tracer is not None
        shape = [
            a if a == b or _grows(a) else tracer.fresh_symbol(LOOP_DIM)
            for a, b in zip(now.type.shape, other.shape, strict=True)
        ]
        return Leaf(now.type.with_shape(shape), now.weak)

    def _mismatch(self, name: str, now: Any, value: Any, what: str) -> LoopCarryError:
        before = repr(now) if isinstance(now, Leaf) else describe_abstract(now)
        return LoopCarryError(
            f"{name if ' ' in name else repr(name)} changes its {what} in the loop at {self.loc}:"
            f" it is {before} before an iteration and {describe(value)} after it"
        )

    # --- after the loop ---

    def after(self, tensors: Sequence[Any], ran: bool) -> State:
        """The state after the loop; ``ran``: the body is known to have run."""
        state = list(self.state(tensors))
        for at in self.late & self.sure if ran else ():
            state[at] = state[at].value
        return tuple(state)


BIT = TensorType(dtypes.bool_)
READ_FIRST = "an iteration may read it before it is assigned in the loop at"
LOOP_DIM = "k"


def _grows(dim: Any) -> bool:
    """Whether a dim stands for any size, because it differs between iterations."""
    return str(dim).startswith(LOOP_DIM) and str(dim)[1:].isdigit()


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Perhaps) else value


def _bit(value: Any) -> Any:
    """Whether a name has a value."""
    return value.ran if isinstance(value, Perhaps) else not isinstance(value, Undefined)


def _is_variable(value: Any) -> bool:
    return hasattr(value, "assign")


def _outside(t: TensorType) -> TensorType:
    """The type as far as it is known outside of the body that made it."""
    tracer = current.tracer
    assert tracer is not None
    known = frozenset().union(*(v.type.symbols for v in tracer.root.inputs))
    return t.with_shape(
        d if isinstance(d, int) or dims.symbols(d) <= known else tracer.fresh_symbol(LOOP_DIM)
        for d in t.shape
    )


def _fitted(tensor: Any, want: TensorType) -> Any:
    """The tensor with a dim that grows made unknown."""
    have = type_of(tensor)
    if all(dims.same(a, b) is not False for a, b in zip(have.shape, want.shape, strict=True)):
        return tensor
    tracer = current.tracer
    assert tracer is not None
    shape = tuple(
        a if dims.same(a, b) is not False else tracer.fresh_symbol()
        for a, b in zip(have.shape, want.shape, strict=True)
    )
    return ops.forget_shape(tensor, shape=shape)


def describe_abstract(value: Any) -> str:
    if nest.is_nested(value):
        return f"{type(value).__name__} of {len(nest.flatten(value))}"
    return describe(value)
