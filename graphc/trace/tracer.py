"""Recording a graph: a tracer is a graph builder that knows what is captured and which Variables
change.

The tracer of a function is a root; each region (a branch, a loop body) has a tracer of its own
whose values are closed: what it uses of an outer trace becomes a parameter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphc.ir import dims
from graphc.ir.dims import Dim, DimLike
from graphc.ir.graph import Graph, GraphBuilder, Loc, Node, StateSlot, Value, rename
from graphc.ir.types import TensorType
from graphc.ops import OpDef, control, ops
from graphc.trace import static
from graphc.trace.dispatch import escaped, record, type_of
from graphc.trace.host_value import symbol
from graphc.trace.state import user_loc
from graphc.trace.tensor import EagerTensor, SymbolicTensor, Tensor

LITERAL_SIZE = 64  # larger eager tensors become captured inputs instead of constants in the text


@dataclass
class Held:
    """A Variable inside one trace: where it came in, and its value now."""

    entry: SymbolicTensor
    now: SymbolicTensor
    written: bool = False


class Tracer(GraphBuilder):
    """A graph under construction and its links to the trace around it."""

    static = False  # whether it is a graph of tf.compat.v1, which sessions run in parts

    def __init__(self, name: str, parent: Tracer | None = None) -> None:
        super().__init__(name)
        self.parent = parent
        self.root: Tracer = self if parent is None else parent.root
        self.captures: dict[int, tuple[Tensor, SymbolicTensor]] = {}
        self.variables: dict[Any, Held] = {}
        self.producers: dict[Value, Node] = {}
        self._constants: dict[Any, SymbolicTensor] = {}
        self.objects: dict[Any, Any] = {}  # Variables by key (root only)
        self.saved: dict[Node, Any] = {}  # loops that stack what their gradient needs
        self.symbols = 0
        self.guarded: set[tuple[DimLike, DimLike]] = set()
        self.created: list[Any] = []  # Variables made while tracing (root only)
        self.may_create = True
        self.host: Any = None  # see `host.Host` (root only)
        self.outer: Tracer | None = None  # the trace that this one was started in (root only)
        self.finished = False
        # What branches say about values that are one of several: see `control_join`.
        self.tests: dict[Value, Any] = {}  # root only
        self.assumed: dict[Value, frozenset[int]] = {}
        self.doubts: list[Exception] | None = None  # of a loop's body
        self.loop: Any = None  # the loop whose body it traces
        self.sizes: dict[Value, DimLike] = {}  # dims that scalars decide on at run time

    # --- values ---

    def add_parameter(self, type: TensorType, name: str) -> SymbolicTensor:
        return symbol(self.parameter(type, name), self)

    def constant(self, array: np.ndarray) -> SymbolicTensor:
        """A literal, shared within this trace."""
        key = (
            array.dtype.str,
            array.shape,
            array.tobytes() if array.dtype != object else id(array),
        )
        found = self._constants.get(key)
        if found is None:
            attrs = {"value": array}
            (value,) = self.emit(control.constant, (), attrs, loc=user_loc(), names=("c",))
            found = self._constants[key] = SymbolicTensor(value, self)
        return found

    def lift(self, t: Tensor) -> SymbolicTensor:
        """The tensor as a value of this trace: itself, a constant, or a captured parameter."""
        if isinstance(t, SymbolicTensor):
            if t.tracer is self:
                return t
            if self.parent is None and self._is_around(t):
                return self._captured(t)
            if self.parent is None or self.root is not t.tracer.root:
                raise escaped(t)
        elif t._array.size <= LITERAL_SIZE:  # type: ignore[attr-defined]
            return self.constant(t._array)  # type: ignore[attr-defined]
        return self._captured(t)

    def _captured(self, t: Tensor) -> SymbolicTensor:
        found = self.captures.get(id(t))
        if found is None:
            found = self.captures[id(t)] = (t, self._capture(t))
        return found[1]

    def _is_around(self, t: SymbolicTensor) -> bool:
        """Whether it belongs to the trace of the function that calls this one."""
        tracer = self.outer
        while tracer is not None and tracer is not t.tracer:
            tracer = tracer.parent or tracer.outer
        return tracer is not None and not tracer.finished

    def _capture(self, t: Tensor) -> SymbolicTensor:
        if self.parent is None:
            symbolic = isinstance(t, SymbolicTensor)
            type = t.value.type if symbolic else type_of(t._array)  # type: ignore[attr-defined]
            return self.add_parameter(type, "captured")
        if isinstance(t, SymbolicTensor) and t.tracer.finished:
            raise escaped(t)
        outer = self.parent.lift(t)
        return self.add_parameter(outer.value.type, outer.value.name)

    # --- calls ---

    def call(
        self,
        op: OpDef,
        tensors: Sequence[Tensor],
        attrs: Mapping[str, Any],
        regions: Mapping[str, Graph] | None = None,
        names: Sequence[str] = (),
    ) -> Any:
        """Append a node and let the tapes of this trace note it."""
        inputs = [self.lift(t) for t in tensors]
        attrs = {k: _frozen(v) for k, v in {**op.attrs, **attrs}.items()}
        values = self.emit(
            op, [t.value for t in inputs], attrs, regions, loc=user_loc(), names=names
        )
        outputs = tuple(symbol(v, self) for v in values)
        record(op, tensors, outputs, attrs, self.nodes[-1])
        return outputs if op.many else outputs[0]

    def emit(self, op: Any, inputs: Any, *args: Any, **more: Any) -> tuple[Value, ...]:
        values = super().emit(op, inputs, *args, **more)
        node = self.nodes[-1]
        self.producers.update(dict.fromkeys(values, node))
        return values

    def guard(self, left: DimLike, right: DimLike, loc: Loc | None) -> None:
        """Two dims were assumed equal: a node that is checked when the sizes are known."""
        if (left, right) not in self.guarded:
            self.guarded.add((left, right))
            self.nodes.append(Node(control.guard, (), (), {"a": left, "b": right}, {}, loc))

    def replace_node(self, old: Node, new: Node) -> None:
        """Exchange a node for one with the same first outputs (a loop that also stacks values)."""
        self.nodes[self.nodes.index(old)] = new
        self.producers.update(dict.fromkeys(new.outputs, new))

    # --- dims ---

    def fresh_symbol(self, base: str = "n") -> Dim:
        """A dimension that is known only when the program runs; unique in the whole trace."""
        self.root.symbols += 1
        return dims.symbol(f"{base}{self.root.symbols}")

    def static_value(self, t: SymbolicTensor) -> Any:
        return static.value_of(self, t.value)

    # --- names ---

    def label(self, t: SymbolicTensor, name: str) -> None:
        """Give a value the name the user assigned it to, unless it already has one."""
        node = self.producers.get(t.value)
        if t.tracer is self and node is not None and not self.finished:
            base = t.value.name.split(".")[0]
            if base == node.op.name.rsplit(".", 1)[-1]:
                rename(t.value, self.unique(name))

    # --- Variables ---

    def read(self, variable: Any) -> SymbolicTensor:
        """The value a Variable has at this point of the program.

        Gradients by what is read after an assignment are the Variable's, not the assigned value's.
        """
        held = self._held(variable)
        if held.written and held.now.dtype.is_differentiable:
            node = self.producers.get(held.now.value)
            if node is None or node.op is not ops.assigned:
                held.now = self.call(
                    ops.assigned, (held.entry, held.now), {}, names=[held.entry.value.name]
                )
        return held.now

    def write(self, variable: Any, value: SymbolicTensor) -> Any:
        """Give a Variable a value from here on.  Returns what its ``assign`` does."""
        held = self._held(variable)
        held.now, held.written = value, True
        return value if self.root.static else variable

    def _held(self, variable: Any) -> Held:
        held = self.variables.get(variable.key)
        if held is None:
            type = TensorType(variable.dtype, variable.dims)
            entry = self.add_parameter(type, variable.symbol_name)
            held = self.variables[variable.key] = Held(entry, entry)
            if self.parent is not None:
                self.parent.read(variable)
            self.root.remember(variable)
        return held

    def entry_of(self, variable: Any) -> SymbolicTensor:
        """The value a Variable came in with: gradients by the Variable arrive here."""
        return self._held(variable).entry

    def note_created(self, variable: Any) -> None:
        """A Variable was made while this function is traced (root only)."""
        if not self.may_create:
            raise ValueError(
                f"{self.name} created {variable.name!r} at {user_loc()} on a call that was not its"
                " first: a @function may create Variables only once. Make it outside, or only if it"
                " does not exist yet (`if self.v is None: self.v = tf.Variable(...)`)"
            )
        self.created.append(variable)

    def remember(self, variable: Any) -> None:
        """Keep the Variable object behind a key (root only)."""
        self.objects[variable.key] = variable

    # --- the end ---

    def finish_function(self, outputs: Sequence[Tensor]) -> Graph:
        """Close a root trace: Variables become state slots, captured tensors read-only ones."""
        results = [self.lift(t).value for t in outputs]
        slots = [
            StateSlot(h.entry.value, h.now.value if h.written else None, self.objects[key])
            for key, h in self.variables.items()
        ]
        slots += [StateSlot(inner.value, None, outer) for outer, inner in self.captures.values()]
        taken = {slot.value for slot in slots}
        self.inputs = [v for v in self.inputs if v not in taken]
        self.finished = True
        return self.finish(results, slots)


def _frozen(value: Any) -> Any:
    """Attributes as immutable literals."""
    if isinstance(value, list | tuple):
        return tuple(map(_frozen, value))
    if isinstance(value, np.generic) and not isinstance(value, np.ndarray):
        return value.item()
    if isinstance(value, EagerTensor):
        return _frozen(value._array.tolist())
    return value
