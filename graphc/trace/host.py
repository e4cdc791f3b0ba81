"""Host steps: places where a program calls Python, because only Python can do what is asked there.

A step gets the values of the tensors that its Python code refers to, and its result is a
`HostValue`.  Where an op needs that as a tensor, its dtype and rank must be known: the steps before
it are run on the arguments of the call that is traced.  The first run of the program takes over
what they gave, so that each step is run once for each call.
"""

from __future__ import annotations

import linecache
import operator
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphc import autograph
from graphc.errors import FallbackWarning, SymbolicValueError
from graphc.ir import dtypes
from graphc.ir.graph import Node, Value
from graphc.ir.types import TensorType
from graphc.ops import ops
from graphc.trace import nest
from graphc.trace.control_values import ABSENT
from graphc.trace.dispatch import convert_to_tensor
from graphc.trace.host_objects import drop_tensors, holds, reachable
from graphc.trace.host_steps import (
    Journal,
    Scalar,
    Step,
    Unbox,
    apply,
    call,
    given,
    has_steps,
    trying,
)
from graphc.trace.host_take import Taken
from graphc.trace.state import NeedsValue, current, recording, tracing, user_frame
from graphc.trace.tensor import EagerTensor, SymbolicTensor, Tensor

RunNode = Callable[[Node, Sequence[np.ndarray], dict[str, int]], list[np.ndarray]]


@dataclass(frozen=True)
class Fallback:
    """A statement that runs as Python on every call."""

    file: str
    line: int
    construct: str
    reason: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: `{self.construct}` runs as Python: {self.reason}"


class Slot:
    """An attribute or an element of an object that outlives the call."""

    is_stored: Any = None  # a value that a step has stored already
    is_frozen = False  # the trace began with a value of its own: what it comes to is not known

    def __init__(self, owner: Any, held: dict[Any, Any], key: Any) -> None:
        self.owner, self.held, self.key = owner, held, key
        self.before = held.get(key, ABSENT)

    def restore(self) -> None:
        """As it was before tracing, unless steps have put another value there."""
        if holds(SymbolicTensor, self.held.get(self.key)) and not self.is_frozen:
            del self.held[self.key]
            if self.before is not ABSENT:
                self.held[self.key] = self.before


class Host:
    """The host steps of one trace; ``arguments`` are the values of its parameters, if known."""

    def __init__(
        self, run_node: RunNode, records: dict[tuple[str, int], Fallback], journal: Journal | None,
        reasons: Mapping[tuple[str, int], str], warn: bool, assigned: dict[Any, Any],
        note_assigned: Callable[[list[Any]], None],
    ) -> None:  # fmt: skip
        self.assigned, self.note_assigned = assigned, note_assigned  # Variables that steps assign
        self.run_node, self.records, self.warn = run_node, records, warn
        self.reasons = reasons  # why places have become islands
        self.leaves: list[Any] = []  # the tensors among the arguments
        self._outer: dict[Value, SymbolicTensor] = {}  # arguments that belong to a trace around
        self.journal = journal  # None: the arguments have no values
        self.arguments: dict[Value, np.ndarray] = {}
        self.numbers: set[Value] = set()  # tensors that stand for Python's numbers
        self.number_lines: set[tuple[str, int]] = set()  # where such numbers are made
        self.asked: Any = None  # code and line that asked for a value last
        self.reason = ""  # what was asked that only Python can do
        self.need: NeedsValue | None = None
        self.roots: list[Any] = []  # what there was before the call
        self.changed: dict[int, Any] = {}  # containers to which tracing has added tensors
        self._slots: dict[tuple[int, Any], Slot] = {}
        self._outer_ids: set[int] | None = None
        self.boundary: Any = None  # code of graphc's around the traced function
        self._values: dict[Value, np.ndarray] = {}
        self._sizes: dict[str, int] = {}
        self._done = 0  # nodes of the root that have been run
        self._unboxed: dict[Any, SymbolicTensor] = {}

    def add_number(self, t: SymbolicTensor) -> None:
        """A tensor stands for a Python number, which steps are to get."""
        self.numbers.add(t.value)
        frame = user_frame()
        if frame is not None:
            self.number_lines.add((frame.f_code.co_filename, frame.f_lineno))

    # --- steps ---

    def call(
        self, function: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """A step that calls a function."""
        return self.emit((function, tuple(args), dict(kwargs or {})), call, 1)[0]

    def boxed(self, value: Any) -> Any:
        """Any value as one of Python's."""
        return self.emit(value, given, 1, quietly=True)[0]

    def emit(
        self, value: Any, function: Callable[[Any], Any], results: int, quietly: bool = False,
        warn: bool = True,
    ) -> tuple[Any, ...]:  # fmt: skip
        """A step that applies ``function`` to a value, with ``results`` of Python's."""
        if not quietly:
            self._check_guards()
            self._record(warn)
        taken = Taken(value)
        held = taken.variables if quietly else self.assigned | taken.variables
        variables = tuple(held.values())
        root = current.tracer.root  # type: ignore[union-attr]
        step = Step(
            taken, function, results, self.reason, variables, root.objects, self.note_assigned
        )
        inputs = [*taken.inputs, *(v.read() for v in variables)]
        taken.close()
        found = ops.py_call(
            *inputs, function=step,
            dtypes=(dtypes.python,) * results + tuple(v.dtype for v in variables),
            shapes=((),) * results + tuple(v.dims for v in variables),
        )  # fmt: skip
        for variable, value in zip(variables, found[results:], strict=True):
            current.tracer.write(variable, value)  # type: ignore[union-attr]
        return found[:results]

    def typed(self, value: SymbolicTensor, convert: Callable[[Any], Any], dtype: Any) -> Any:
        """A value of Python's as a scalar."""
        return ops.py_call(value, function=Scalar(convert), dtypes=(dtype,), shapes=((),))[0]

    def unboxed(self, value: SymbolicTensor, dtype: Any, hint: Any) -> SymbolicTensor:
        """A value of Python's as the tensor that it converts to."""
        key = value.value, dtype, hint, current.tracer
        known = self._unboxed.get(key)
        if known is None:
            with tracing(None), recording(()):
                made: Any = convert_to_tensor(self.example(value), dtype, hint)
            tracer = current.tracer
            assert tracer is not None
            unknown = tuple(tracer.fresh_symbol() for _ in made.dims)
            step = Unbox(dtype, hint, made.dtype, len(made.dims))
            kinds = {"dtypes": (made.dtype,), "shapes": (unknown,)}
            known = self._unboxed[key] = ops.py_call(value, function=step, **kinds)[0]
        return known

    def result(self, value: SymbolicTensor) -> Tensor:
        """A value of Python's as a result of the function: a tensor, if eager code gives one."""
        try:
            held = self.example(value)
        except NeedsValue:
            return value
        plain = (EagerTensor, int, float, complex, bool, str, bytes, np.ndarray, np.generic)
        return self.unboxed(value, None, None) if isinstance(held, plain) else value

    def start(self, tracer: Any, roots: list[Any], boundary: Any) -> None:
        """Tracing begins: the parameters of the trace have the values of ``leaves``."""
        self.roots, self.boundary = roots, boundary
        for value, leaf in zip(tracer.inputs, self.leaves, strict=False):
            if not isinstance(leaf, SymbolicTensor):
                held = leaf._array if isinstance(leaf, EagerTensor) else np.asarray(leaf)
                self.arguments[value] = held
            else:
                self._outer[value] = leaf

    def slot(self, owner: Any, held: dict[Any, Any], key: Any) -> Slot:
        """The record of an attribute or an element that outlives the call and is assigned."""
        found = self._slots.get((id(held), key))
        if found is None:
            found = self._slots[id(held), key] = Slot(owner, held, key)
        return found

    def finish(self) -> None:
        """Objects that outlive the call get the values that they have at its end."""
        values = [(slot, slot.held.get(slot.key)) for slot in self._slots.values()]
        for slot, _ in values:  # as they are when the program runs
            slot.restore()
        self.reason = "it changes an object that outlives the call"
        for slot, value in values:
            if value is not slot.is_stored and not slot.is_frozen and self._is_ours(value):
                store = operator.setitem if slot.owner is slot.held else setattr
                self.emit((store, (slot.owner, slot.key, value), {}), apply, 0, warn=False)
        self.reason = ""

    def _is_ours(self, value: Any) -> bool:
        """Whether a value holds tensors, all of this trace and none of a region."""
        found = [v for v in nest.flatten(value) if isinstance(v, SymbolicTensor)]
        return bool(found) and all(v.tracer is current.tracer for v in found)

    def close(self) -> None:
        """Undo what tracing alone did to containers that outlive the call."""
        for container in self.changed.values():
            drop_tensors(container)
        for slot in self._slots.values():
            slot.restore()
        self.changed, self._slots = {}, {}
        self.roots, self.leaves = [], []
        self.arguments, self._values = {}, {}

    def outlives(self, value: Any) -> bool:
        """Whether an object can be reached from what was there before the call."""
        if self._outer_ids is None:
            self._outer_ids = {id(v) for v in reachable(self.roots)}
        return id(value) in self._outer_ids

    # --- what must be Python's as a whole ---

    def _check_guards(self) -> None:
        """A step raises when the program runs: a `try` around it must be Python's as well."""
        frame = sys._getframe(1)
        while frame is not None and frame.f_code is not self.boundary:
            code = frame.f_code
            if autograph.is_converted(code):
                for body, statement, manager in autograph.guards_of(code):
                    if body[0] <= frame.f_lineno <= body[2] and _is_foreign(frame, manager):
                        what = "`with`" if manager is not None else "`try`"
                        error = SymbolicValueError(f"{what} has a part that only Python can do")
                        self.need = NeedsValue(error, (code, statement))
                        raise self.need
            frame = frame.f_back  # type: ignore[assignment]

    def _record(self, warn: bool) -> None:
        frame = user_frame()
        if frame is None:
            return
        file, line = frame.f_code.co_filename, frame.f_lineno
        if (file, line) in self.records:
            return
        text = linecache.getline(file, line, frame.f_globals).strip() or frame.f_code.co_name
        reason = self.reason or "it uses a value that only Python knows"
        self.records[file, line] = Fallback(file, line, text, reason)
        if self.warn and warn:
            message = FallbackWarning(
                f"{file}:{line}: `{text}` runs as Python on every call: {reason}. The compiled"
                " program stops there and goes on after it: some 20 µs besides what Python takes;"
                " no gradient flows through it."
            )
            registry = frame.f_globals.setdefault("__warningregistry__", {})
            warnings.warn_explicit(message, FallbackWarning, file, line, registry=registry)

    # --- examples ---

    def example(self, value: SymbolicTensor) -> Any:
        """A value of Python's, for the arguments of the call that is traced or for made-up ones."""
        try:
            return self._array(value)[()]
        except _NoExample as why:
            error = SymbolicValueError(f"its dtype and rank cannot be found: {why}")
            raise NeedsValue(error) from None

    def _array(self, value: SymbolicTensor) -> np.ndarray:
        root = value.tracer.root
        if self.journal is not None:
            self._run_steps(root)
        known = self._values.get(value.value)
        return self._made_up(value.tracer, value.value) if known is None else known

    def _run_steps(self, root: Any) -> None:
        """Run the host steps of the root so far, with what they need."""
        nodes = root.nodes[self._done :]
        self._done = len(root.nodes)
        for node in nodes:
            if not has_steps(node) or not self._values.keys().isdisjoint(node.outputs):
                continue
            for v in node.inputs:
                self._evaluate(root, v, self._parameter)
            with trying(self.journal):
                self._run(node)

    def _run(self, node: Node) -> None:
        arrays = [self._values[v] for v in node.inputs]
        found = self.run_node(node, arrays, self._sizes)
        self._values.update(zip(node.outputs, found, strict=True))
        for v, array in zip(node.outputs, found, strict=True):
            _learn(v.type, array, self._sizes)

    def _evaluate(self, tracer: Any, value: Value, parameter: Callable[..., Any]) -> np.ndarray:
        """A value of a trace from what is known, without effects that have no result."""
        pending = [value]
        while pending:
            v = pending[-1]
            if v in self._values:
                pending.pop()
                continue
            node = tracer.producers.get(v)
            if node is None:
                self._values[v] = parameter(tracer, v)
                _learn(v.type, self._values[v], self._sizes)
                continue
            missing = [u for u in node.inputs if u not in self._values]
            if missing:
                pending.extend(missing)
            else:
                self._run(node)
        return self._values[value]

    def _parameter(self, tracer: Any, value: Value) -> np.ndarray:
        """A parameter of the root: an argument, a Variable, or a captured tensor."""
        if value in self.arguments:
            return self.arguments[value]
        if value in self._outer:
            return self._of_outer(self._outer[value])
        for key, held in tracer.variables.items():
            if held.entry.value is value:
                return tracer.objects[key]._array.copy()
        for outer, inner in tracer.captures.values():
            if inner.value is value:
                if isinstance(outer, EagerTensor):
                    return outer._array
                return self._of_outer(outer)
        return _ones(value.type, self._sizes)

    def _of_outer(self, outer: SymbolicTensor) -> np.ndarray:
        host = outer.tracer.root.host
        if host is None:
            return _ones(outer.value.type, self._sizes)
        return host._array(outer) if outer.dtype is dtypes.python else host._plain(outer)

    def _plain(self, t: SymbolicTensor) -> np.ndarray:
        parameter = self._parameter if t.tracer.parent is None else self._inside
        return self._evaluate(t.tracer, t.value, parameter)

    def _made_up(self, tracer: Any, value: Value) -> np.ndarray:
        """A value in a branch or a loop body, or for arguments that have none."""
        try:
            with trying(None):
                return self._evaluate(tracer, value, self._inside)
        except _NoExample:
            raise
        except Exception as error:
            raise _NoExample(f"for values made up, it raises {error!r}") from error

    def _inside(self, tracer: Any, value: Value) -> np.ndarray:
        if tracer.parent is None:
            return self._parameter(tracer, value)
        for outer, inner in tracer.captures.values():
            if inner.value is value:
                if isinstance(outer, EagerTensor):
                    return outer._array
                return self._evaluate(outer.tracer, outer.value, self._inside)
        for key, held in tracer.variables.items():
            if held.entry.value is value:
                return tracer.root.objects[key]._array.copy()
        return _ones(value.type, self._sizes)


class _NoExample(Exception):
    """Why a value of Python's is not known while tracing."""


def _ones(type: TensorType, sizes: dict[str, int]) -> np.ndarray:
    """A value made up: ones, and zeros for integers, which may be indices."""
    if type.dtype is dtypes.python:
        raise _NoExample("it is Python's own, and changes in a loop")
    shape = tuple(d if isinstance(d, int) else sizes.setdefault(str(d), 2) for d in type.shape)
    number = 0 if type.dtype.is_integer else 1
    if not type.dtype.size:
        return np.full(shape, "", object)
    return np.full(shape, number, type.dtype.np)


def _learn(type: TensorType, array: Any, sizes: dict[str, int]) -> None:
    for dim, size in zip(type.shape, np.shape(array), strict=True):
        if not isinstance(dim, int) and str(dim).isidentifier():
            sizes.setdefault(str(dim), size)


def _is_foreign(frame: Any, manager: str | None) -> bool:
    """Whether a `with` (None: a `try`) is not of graphc: it ends before the program runs."""
    if manager is None:
        return True
    found = frame.f_locals.get(manager, frame.f_globals.get(manager))
    name = getattr(found, "__name__", "") if not isinstance(found, type) else found.__module__
    origin = name if isinstance(name, str) and name else type(found).__module__
    return not (origin.startswith("graphc") or type(found).__module__.startswith("graphc"))


__all__ = ["Fallback", "Host", "Journal"]
