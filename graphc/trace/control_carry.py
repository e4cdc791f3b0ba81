"""What a staged loop carries from one iteration to the next, found as a fixpoint.

Each leaf of a carried value is a Python constant, a tensor type with unknown dims, or undefined;
a name that has several of these in turn is a choice of them.
The body is traced with them; where it gives something wider, they are widened and it is traced
again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from graphc.errors import LoopCarryError
from graphc.ir import dims, dtypes
from graphc.ir.types import TensorType
from graphc.ops import ops
from graphc.trace import nest
from graphc.trace.control_join import Choice, options_of, path, place_of, tag_among, unites
from graphc.trace.control_values import (
    ABSENT,
    UNDEFINED,
    Leaf,
    State,
    Undefined,
    Unset,
    as_dtype,
    describe,
    is_number,
    is_tensor_like,
    is_weak,
    kind_of_value,
    same_constant,
    type_of,
    weak_dtype,
    zeros_of,
)
from graphc.trace.dispatch import convert_to_tensor
from graphc.trace.growing import GrowingList
from graphc.trace.rows import Later, Tracked
from graphc.trace.state import current

MAX_ROUNDS = 12
MAX_OPTIONS = 8  # of a name whose values are of several kinds


class Carry:
    """The carried names of one loop.

    A name that is None, a string or nothing at all in some iterations is carried as a choice: with
    a number that tells which it is.
    """

    def __init__(self, names: Sequence[str], state: State, loc: Any) -> None:
        self.names, self.loc = list(names), loc
        self.before = list(state)
        self.now: list[Any] = [abstract(value) for value in state]
        # the options that names surely have after an iteration
        self.ended: list[int | None] = [None] * len(state)
        self.changed = True
        self.rounds = 0

    # --- the abstract state ---

    def leaves(self) -> list[tuple[str, Leaf]]:
        """The leaves that are carried, with names."""
        return [
            (name, leaf)
            for name, value in zip(self.names, self.now, strict=True)
            for leaf in nest.flatten(value)
            if isinstance(leaf, Leaf)
        ]

    def types(self) -> list[TensorType]:
        return [leaf.type for _, leaf in self.leaves()]

    def labels(self) -> list[str]:
        return [name if name.isidentifier() else "" for name, _ in self.leaves()]

    def state(self, tensors: Sequence[Any]) -> State:
        """The values of the names in an iteration, with ``tensors`` for the leaves."""
        blank = Unset(
            f"an iteration may read it before it is assigned in the loop at {self.loc};"
            " assign it before the loop"
        )
        return self._filled(tensors, blank)

    def after(self, tensors: Sequence[Any], ran: bool) -> State:
        """The values after the loop; ``ran``: the body is known to have run."""
        blank = Unset(f"the loop at {self.loc} ran no iteration that gives it one")
        state = self._filled(tensors, blank)
        return tuple(
            value._options[end] if ran and end is not None else value
            for value, end in zip(state, self.ended, strict=True)
        )

    def _filled(self, tensors: Sequence[Any], blank: Unset) -> State:
        source = iter(tensors)

        def leaf(v: Any) -> Any:
            if not isinstance(v, Leaf):
                return blank if v is UNDEFINED else v
            tensor = next(source)
            tensor.weak = v.weak and v.type.dtype.is_integer
            return tensor

        return tuple(
            value
            if isinstance(value, Tracked)
            else nest.map_structure(leaf, value)
            if nest.is_nested(value)
            else leaf(value)
            for value in self.now
        )

    # --- tensors for the leaves ---

    def initial(self) -> list[Any]:
        """The carried tensors before the first iteration."""
        return self._tensors(self.before)

    def outputs(self, state: State) -> list[Any]:
        """The carried tensors after an iteration."""
        tensors = self._tensors(state)
        return [_fitted(t, leaf.type) for t, (_, leaf) in zip(tensors, self.leaves(), strict=True)]

    def _tensors(self, state: Sequence[Any]) -> list[Any]:
        return [t for now, v in zip(self.now, state, strict=True) for t in _leaves_of(now, v)]

    # --- widening ---

    def settles(self, state: State, doubts: Sequence[Exception]) -> bool:
        """Widen to what an iteration gave; True if that changed nothing.

        ``doubts`` are what its branches raised: true of the last round, else of its values only.
        """
        if self._absorb(state):
            return False
        for error in doubts:
            raise error
        return True

    def _absorb(self, state: State) -> bool:
        self.changed = False
        self.now = [
            self._join(name, now, value)
            for name, now, value in zip(self.names, self.now, state, strict=True)
        ]
        self.ended = [
            place_of(now._options, v) if isinstance(now, Choice) and not isinstance(v, Choice)
            else None
            for now, v in zip(self.now, state, strict=True)
        ]  # fmt: skip
        self.rounds += 1
        if self.changed and self.rounds > MAX_ROUNDS:
            raise LoopCarryError(
                f"the types of {', '.join(map(repr, self.names))} do not settle in the loop at"
                f" {self.loc}"
            )
        return self.changed

    def _join(self, name: str, now: Any, value: Any) -> Any:
        if value is ABSENT or value is now:
            return now
        if isinstance(now, GrowingList):  # the name gets another list: it is its elements
            self.changed = True
            now = [abstract(v) for _, v in nest.children(now)]
        if now is ABSENT:
            self.changed = True
            return abstract(value, wide=True)
        if isinstance(now, Later) and is_tensor_like(value):
            self.changed = True
            made = type_of(value)
            size = now.count if now.count == made.shape[0] else _outside(made).shape[0]
            return Leaf(made.with_shape((size, *_outside(made).shape[1:])))
        if isinstance(now, Choice) or isinstance(value, Choice):
            return self._join_choice(name, now, value)
        kinds = {kind_of_value(now), kind_of_value(value)}
        if kinds == {"tensor"}:
            return self._join_leaf(name, now, value)
        if kinds == {"nested"}:
            return self._join_nested(name, now, value)
        if kinds == {"undefined"} or (kinds == {"python"} and same_constant(now, value)):
            return now
        return self._join_choice(name, now, value)

    def _join_nested(self, name: str, now: Any, value: Any) -> Any:
        if not nest.same_container(now, value):
            raise self._mismatch(name, now, value, "structure")
        pairs = zip(nest.children(now), nest.children(value), strict=True)
        parts = [(k, self._join(path(now, name, k), a, b)) for (k, a), (_, b) in pairs]
        return nest.rebuild(now, parts)

    def _join_choice(self, name: str, now: Any, value: Any) -> Any:
        """A name that has values of several kinds."""
        options = list(options_of(now))
        if not isinstance(now, Choice):
            options = [now if kind_of_value(now) == "undefined" else abstract(now, wide=True)]
        for option in options_of(value):
            at = place_of(options, option)
            if at is not None:
                options[at] = self._join(name, options[at], option)
                continue
            if {"nested", "tensor"} <= {kind_of_value(v) for v in (*options, option)}:
                raise self._mismatch(name, now, value, "structure")
            self.changed = True
            options.append(UNDEFINED if isinstance(option, Unset) else abstract(option, wide=True))
        if len(options) > MAX_OPTIONS:
            raise LoopCarryError(
                f"{name!r} has too many different values in the loop at {self.loc}:"
                f" {', '.join(map(describe, options[:3]))}, ...; give it a tensor"
            )
        if isinstance(now, Choice):
            return Choice(now._tag, tuple(options))
        self.changed = True
        return Choice(Leaf(TAG), tuple(options))

    def _join_leaf(self, name: str, now: Any, value: Any) -> Any:
        if not isinstance(now, Leaf):
            return self._join_constant(name, now, value)
        joined = self._join_types(name, now, _type_beside(value, now.type.dtype), value)
        if joined.weak and not (is_weak(value) or is_number(value)):
            self.changed = True
            return Leaf(joined.type)
        return joined

    def _join_constant(self, name: str, now: Any, value: Any) -> Any:
        if same_constant(now, value):
            return now
        if not is_number(now):
            raise self._mismatch(name, now, value, "type")
        self.changed = True
        if is_number(value):
            dtype = weak_dtype(now, value)
            if dtype is None:
                raise self._mismatch(name, now, value, "type")
            return Leaf(TensorType(dtype), weak=True)
        if is_weak(value) and not isinstance(now, bool):
            return Leaf(TensorType(weak_dtype(now, 0)), weak=True)
        other = type_of(value)
        if other.dtype is dtypes.python:
            return Leaf(other)
        before = convert_to_tensor(now, dtype_hint=other.dtype)
        if before.dtype is not other.dtype or other.rank:
            raise self._mismatch(name, now, value, "dtype" if not other.rank else "rank")
        return Leaf(other)

    def _join_types(self, name: str, now: Leaf, other: TensorType, value: Any) -> Leaf:
        if now.type.dtype is dtypes.python:
            return now
        if other.dtype is dtypes.python:
            self.changed = True
            return Leaf(other)
        if now.type.rank != other.rank:
            raise self._mismatch(name, now, value, "rank")
        if now.type.dtype is not other.dtype:
            if not (now.weak and other.dtype.kind in "iuf"):
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


def abstract(value: Any, wide: bool = False) -> Any:
    """A value with leaves for its tensors; numbers stay constants unless ``wide``."""

    def leaf(v: Any) -> Any:
        if isinstance(v, Later):
            return v if v.type is None else Leaf(v.type)
        if is_tensor_like(v) and not _is_variable(v):
            return Leaf(_outside(type_of(v)) if wide else type_of(v))
        if wide and is_number(v):
            return Leaf(TensorType(weak_dtype(v, v)), weak=True)
        return v

    if isinstance(value, Tracked):  # `control_watch` knows what it holds
        return value
    if not nest.is_nested(value):
        return leaf(value)
    if not any(
        is_tensor_like(v) or is_number(v) or isinstance(v, Later) for v in nest.flatten(value)
    ):
        return value
    return nest.map_structure(leaf, value)


def _type_beside(value: Any, dtype: Any) -> TensorType:
    """The type that a value has where a tensor of this dtype is carried."""
    if dtype is dtypes.python:
        return TensorType(dtype)
    if is_number(value):
        return TensorType(convert_to_tensor(value, dtype_hint=dtype).dtype)
    return TensorType(dtype) if is_weak(value) and dtype.kind in "iufc" else type_of(value)


def _leaves_of(now: Any, value: Any) -> Iterator[Any]:
    """The tensors that a value has for the leaves of ``now``, zeros where it has none."""
    if isinstance(now, Tracked):
        return
    if isinstance(now, Leaf) and isinstance(value, Later):
        yield value.typed(now.type)
    elif isinstance(now, Leaf):
        absent = isinstance(value, Undefined)
        yield zeros_of(now.type) if absent else as_dtype(value, now.type.dtype)
    elif isinstance(now, Choice):
        tag = 0 if value is ABSENT else tag_among(now._options, value)
        yield convert_to_tensor(tag)
        for option in now._options:
            held = next((v for v in options_of(value) if unites(option, v)), ABSENT)
            yield from _leaves_of(option, held)
    elif nest.is_nested(now):
        absent = isinstance(value, Undefined)
        parts = [(None, ABSENT)] * len(list(nest.children(now))) if absent else nest.children(value)
        for (_, part), (_, held) in zip(nest.children(now), parts, strict=True):
            yield from _leaves_of(part, held)


TAG = TensorType(dtypes.int32)
LOOP_DIM = "k"


def _grows(dim: Any) -> bool:
    """Whether a dim stands for any size, because it differs between iterations."""
    return str(dim).startswith(LOOP_DIM) and str(dim)[1:].isdigit()


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
