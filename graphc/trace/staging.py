"""Control flow on tensors: regions are traced one by one, then emitted as one `if`, `while` or
`for` node.

What a region uses of the trace around it becomes a capture; Variables it reads become parameters
and those it writes become results.  A region that is not emitted is dropped with all it recorded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from graphc.errors import InvalidArgumentError
from graphc.ir import dtypes
from graphc.ir.dims import Dim
from graphc.ir.graph import Graph, Node, Value
from graphc.ir.types import TensorType
from graphc.ops import control, ops
from graphc.trace import dispatch
from graphc.trace.dispatch import as_operand, convert_to_tensor
from graphc.trace.gradient import zeros_like
from graphc.trace.host_value import symbol
from graphc.trace.state import current, tracing, user_loc
from graphc.trace.tensor import SymbolicTensor, Tensor
from graphc.trace.tracer import Held, Tracer


class Region(Tracer):
    """The tracer of a branch or a loop body; ``params`` are its declared parameters."""

    def __init__(self, label: str, types: Sequence[TensorType], names: Sequence[str]) -> None:
        parent = current.tracer
        if parent is None:
            raise InvalidArgumentError("control flow is staged only inside a @function")
        super().__init__(label, parent)
        named = names or ["x"] * len(types)
        self.params = [self.add_parameter(t, n) for t, n in zip(types, named, strict=True)]


def is_symbolic(x: Any) -> bool:
    """Whether ``x`` is a tensor of a trace in progress."""
    return isinstance(x, SymbolicTensor)


def constant(value: Any, dtype: Any = None) -> SymbolicTensor:
    """A literal of the current trace."""
    tracer = _tracer()
    return tracer.lift(dispatch.constant(value, None if dtype is None else dtypes.as_dtype(dtype)))


def convert(value: Any, like: TensorType | None = None) -> SymbolicTensor:
    """A value as a tensor of the current trace; numbers take ``like``'s dtype if they can."""
    return _tracer().lift(convert_to_tensor(value, dtype_hint=None if like is None else like.dtype))


def _tracer() -> Tracer:
    if current.tracer is None:
        raise InvalidArgumentError("nothing is being traced here")
    return current.tracer


@contextmanager
def region(
    label: str, types: Sequence[TensorType] = (), names: Sequence[str] = ()
) -> Iterator[Region]:
    """Trace what is called inside into a region of its own."""
    made = Region(label, types, names)
    with tracing(made):
        yield made


@contextmanager
def reopen(made: Region) -> Iterator[Region]:
    """Add more nodes to a region."""
    with tracing(made):
        yield made


def join(a: TensorType, b: TensorType) -> TensorType | None:
    """A type both fit: unequal dims become a fresh symbol.  None if dtypes or ranks differ."""
    if a.dtype is not b.dtype or a.rank != b.rank:
        return None
    tracer = _tracer()
    return a.with_shape(
        x if x == y else tracer.fresh_symbol() for x, y in zip(a.shape, b.shape, strict=True)
    )


# --- captures -------------------------------------------------------------------------------------


class _Captures:
    """The union of what several regions take from the trace around them, in one order."""

    def __init__(self, parent: Tracer, regions: Sequence[Region]) -> None:
        self.parent, self.regions = parent, regions
        self.variables: dict[Any, Any] = {}  # key -> Variable
        self.tensors: dict[int, Tensor] = {}
        for r in regions:
            self.variables.update((key, r.root.objects[key]) for key in r.variables)
            self.tensors.update((i, outer) for i, (outer, _) in r.captures.items())
        held = [(key, any(_wrote(r, key) for r in regions)) for key in self.variables]
        self.written = [key for key, yes in held if yes]
        self.only_read = [key for key, yes in held if not yes]

    def outer_variable(self, key: Any) -> Tensor:
        return self.variables[key].read()  # tapes notice the read

    def entries(self, r: Region, keys: Sequence[Any]) -> list[Value]:
        return [_held(r, self.variables[key]).entry.value for key in keys]

    def current(self, r: Region, keys: Sequence[Any]) -> list[Value]:
        return [_held(r, self.variables[key]).now.value for key in keys]

    def fixed(self, r: Region) -> list[Value]:
        """Parameters for what the regions only read."""
        read = self.entries(r, self.only_read)
        return read + [r.lift(t).value for t in self.tensors.values()]

    def outer_fixed(self) -> list[Tensor]:
        """Operands for the same."""
        return [*map(self.outer_variable, self.only_read), *self.tensors.values()]

    def write_back(self, results: Sequence[SymbolicTensor]) -> None:
        for key, result in zip(self.written, results, strict=True):
            self.parent.write(self.variables[key], result)


def _wrote(r: Region, key: Any) -> bool:
    held = r.variables.get(key)
    return held is not None and held.written


def _held(r: Region, variable: Any) -> Held:
    r.read(variable)
    return r.variables[variable.key]


def _close(r: Region, inputs: Sequence[Value], outputs: Sequence[Value]) -> Graph:
    r.finished = True
    return Graph(r.name, tuple(inputs), tuple(r.nodes), tuple(outputs))


def _values(r: Region, outs: Sequence[Any]) -> list[Value]:
    with reopen(r):
        return [r.lift(as_operand(t)).value for t in outs]


# --- if -------------------------------------------------------------------------------------------


def emit_if(
    pred: Tensor,
    then_r: Region,
    then_outs: Sequence[Any],
    else_r: Region,
    else_outs: Sequence[Any],
    names: Sequence[str] = (),
) -> list[SymbolicTensor]:
    """An `if` node of two traced branches; dtypes of the results must agree, shapes are joined."""
    tracer = _tracer()
    outs = {r: _values(r, o) for r, o in ((then_r, then_outs), (else_r, else_outs))}
    held = _Captures(tracer, (then_r, else_r))
    operands = [held.outer_variable(k) for k in held.written] + held.outer_fixed()
    graphs = {}
    for label, r in (("then", then_r), ("else", else_r)):
        results = outs[r] + held.current(r, held.written)
        inputs = held.entries(r, held.written) + held.fixed(r)
        graphs[label] = _close(r, inputs, results)
    joined = _joined(tracer, graphs["then"], graphs["else"])
    named = list(names or [""] * len(then_outs))
    named += [held.variables[k].symbol_name for k in held.written]
    results = tracer.call(control.if_, [pred, *operands], {"joined": joined}, graphs, named)
    count = len(then_outs)
    held.write_back(results[count:])
    return list(results[:count])


def _joined(tracer: Tracer, a: Graph, b: Graph) -> tuple[Any, ...]:
    """Fresh symbols for the dims in which the branches' results differ."""
    found = []
    for at, (x, y) in enumerate(zip(a.outputs, b.outputs, strict=True)):
        for i, (p, q) in enumerate(zip(x.type.shape, y.type.shape, strict=True)):
            if p != q:
                found.append(((at, i), tracer.fresh_symbol()))
    return tuple(found)


# --- loops ----------------------------------------------------------------------------------------


def emit_while(
    init: Sequence[Any],
    cond_r: Region,
    cond_out: Any,
    body_r: Region,
    body_outs: Sequence[Any],
    names: Sequence[str] = (),
    stacked: Sequence[Any] = (),
) -> list[SymbolicTensor]:
    """A `while` node; both regions have one parameter per carried value, in one order.

    Returns the carried values, then those that each iteration gives to ``stacked``.
    """
    tracer = _tracer()
    cond_values, body_values = _values(cond_r, [cond_out]), _values(body_r, body_outs)
    rows = _values(body_r, stacked)
    held = _Captures(tracer, (cond_r, body_r))
    if any(_wrote(cond_r, key) for key in held.written):
        raise InvalidArgumentError("the condition of a staged `while` assigns a Variable")
    fixed = held.outer_fixed()
    start = [as_operand(t) for t in init]
    state = [held.outer_variable(k) for k in held.written]
    graphs = {}
    for label, r, outs in (("cond", cond_r, cond_values), ("body", body_r, body_values)):
        inputs = [p.value for p in r.params] + held.entries(r, held.written) + held.fixed(r)
        results = outs + (held.current(r, held.written) + rows if label == "body" else [])
        graphs[label] = _close(r, inputs, results)
    length = tracer.fresh_symbol("t") if rows else None
    attrs = {"carried": len(start) + len(state), "stacked": len(rows), "length": length,
             "count": False}  # fmt: skip
    return _loop(control.while_, held, [], start, state, [], fixed, attrs, graphs, names)


def emit_for(
    trip_count: Any,
    init: Sequence[Any],
    body_r: Region,
    body_outs: Sequence[Any],
    names: Sequence[str] = (),
    scanned: Sequence[Any] = (),
    stacked: Sequence[Any] = (),
    reverse: bool = False,
    length: Any = None,
) -> list[SymbolicTensor]:
    """A `for` node over 0..trip_count-1; returns the carried values, then the stacked ones.

    ``body_r.params`` are the i32 index, the carried values, a row of each ``scanned`` tensor.
    """
    tracer = _tracer()
    count = tracer.lift(convert_to_tensor(trip_count, dtype_hint=dtypes.int32))
    if count.dtype is not dtypes.int32:
        count = tracer.lift(ops.cast(count, dtype=dtypes.int32))
    body_values, rows = _values(body_r, body_outs), _values(body_r, stacked)
    held = _Captures(tracer, (body_r,))
    fixed = held.outer_fixed()
    start = [as_operand(t) for t in init]
    over = [as_operand(t) for t in scanned]
    state = [held.outer_variable(k) for k in held.written]
    k = len(start)
    params = [p.value for p in body_r.params]
    entries = held.entries(body_r, held.written)
    inputs = params[: 1 + k] + entries + params[1 + k :] + held.fixed(body_r)
    results = body_values + held.current(body_r, held.written) + rows
    if length is None and rows:
        length = trip_length(count)
    attrs = {"carried": k + len(state), "scanned": len(over), "stacked": len(rows),
             "length": length, "reverse": reverse}  # fmt: skip
    graphs = {"body": _close(body_r, inputs, results)}
    return _loop(control.for_, held, [count], start, state, over, fixed, attrs, graphs, names)


def trip_length(count: SymbolicTensor) -> Any:
    """The trip count as a dimension: known, or a fresh symbol."""
    known = count.tracer.static_value(count)
    return known if isinstance(known, int | Dim) else count.tracer.fresh_symbol("t")


def _loop(
    op: Any, held: _Captures, count: list[Any], start: list[Any], state: list[Any], over: list[Any],
    fixed: list[Any], attrs: dict[str, Any], graphs: dict[str, Graph], names: Sequence[str],
) -> list[SymbolicTensor]:  # fmt: skip
    operands = count + start + state + over + fixed
    rows = attrs["stacked"]
    named = list(names or [""] * len(start))
    named += [held.variables[k].symbol_name for k in held.written] + [""] * rows
    results = held.parent.call(op, operands, attrs, graphs, named)
    k = len(start)
    held.write_back(results[k : k + len(state)])
    return list(results[:k]) + list(results[k + len(state) :])


# --- loops that save what their gradient needs ----------------------------------------------------


Saved = tuple[list[SymbolicTensor], Any, SymbolicTensor]


def with_saved_carries(outputs: Sequence[SymbolicTensor]) -> Saved:
    """Make a loop node stack its carried values as they were at the start of each iteration.

    Those that change their shape are left out: see `fixed_carries`.
    ``outputs`` are the loop's results.  Returns the stacks, their length and the trip count.  The
    node is exchanged within its trace, and in the tapes that noted it: gradients of a gradient flow
    through what was saved.
    """
    tracer = outputs[0].tracer
    node = tracer.producers[outputs[0].value]  # it may have been exchanged before
    if node in tracer.saved:
        return tracer.saved[node]
    if node.attrs.get("saved"):  # replayed from a graph that saves already
        tracer.saved[node] = _saved(node, [SymbolicTensor(v, tracer) for v in node.outputs])
        return tracer.saved[node]
    new = _stacking(node, tracer)
    tracer.replace_node(node, new)
    known = {t.value: t for t in outputs}
    results = [known[v] if v in known else symbol(v, tracer) for v in new.outputs]
    for tape in current.tapes:
        tape.extend(outputs[0], results, new)
    tracer.saved[new] = _saved(new, results)
    return tracer.saved[new]


def _stacking(node: Node, tracer: Tracer) -> Node:
    """The same loop with its carried values as further stacked results."""
    attrs, body = dict(node.attrs), node.regions["body"]
    is_while = node.op is control.while_
    first, k = (0 if is_while else 1), attrs["carried"]
    kept = attrs["stacked"]
    length = attrs["length"]
    if length is None:
        length = (
            tracer.fresh_symbol("t")
            if is_while
            else trip_length(SymbolicTensor(node.inputs[0], tracer))
        )
    entry = tuple(body.inputs[first + i] for i in fixed_carries(node))
    new_body = body.replace(outputs=body.outputs + entry)
    attrs |= {"stacked": kept + len(entry), "length": length, "saved": len(entry)}
    types = [v.type.with_shape((length, *v.type.shape)) for v in entry]
    added = [Value(tracer.unique(f"{v.name}.saved"), t) for v, t in zip(entry, types, strict=True)]
    outputs = [*node.outputs[: k + kept], *added]
    if is_while:
        trips = Value(tracer.unique("trips"), TensorType(dtypes.int32))
        outputs.append(node.outputs[-1] if attrs["count"] else trips)
        attrs["count"] = True
    regions = {**node.regions, "body": new_body}
    return Node(node.op, node.inputs, tuple(outputs), attrs, regions, node.loc)


def fixed_carries(node: Node) -> list[int]:
    """Which carried values of a loop have one shape in all iterations, so that they stack."""
    first, k = (0 if node.op is control.while_ else 1), node.attrs["carried"]
    body, given = node.regions["body"], node.inputs[first : first + k]
    carried = zip(given, body.inputs[first : first + k], body.outputs[:k], strict=True)
    return [
        i
        for i, (start, now, after) in enumerate(carried)
        if now.type.symbols <= start.type.symbols and now.type == after.type
    ]


def _saved(node: Node, results: Sequence[SymbolicTensor]) -> Saved:
    k = node.attrs["saved"]
    end = len(results) - bool(node.attrs.get("count"))
    is_while = node.op is control.while_
    count = results[-1] if is_while else SymbolicTensor(node.inputs[0], results[0].tracer)
    return list(results[end - k : end]), node.attrs["length"], count


# --- calls with their own gradient ----------------------------------------------------------------


def emit_custom_call(
    name: str,
    inputs: Sequence[Tensor],
    body_r: Region,
    outputs: Sequence[Any],
    vjp_r: Region,
    grads: Sequence[Any],
    by_variable: Mapping[Any, Any],
) -> list[SymbolicTensor]:
    """A `call` node with a ``vjp`` region: arguments, captures, result gradients -> gradients.

    ``by_variable`` has the gradients of Variables by their keys.
    """
    tracer = _tracer()
    body_values, grad_values = _values(body_r, outputs), _values(vjp_r, grads)
    held = _Captures(tracer, (body_r, vjp_r))
    if held.written:
        raise InvalidArgumentError("a function with a custom gradient assigns a Variable")
    fixed = held.outer_fixed()
    count = len(inputs)
    with reopen(vjp_r):  # captures get no gradient
        captures = [SymbolicTensor(v, vjp_r) for v in held.fixed(vjp_r)]
        found = [by_variable.get(key) for key in held.only_read]
        found += [None] * (len(captures) - len(found))
        pairs = zip(found, captures, strict=True)
        dense = [zeros_like(t) if g is None else convert_to_tensor(g) for g, t in pairs]
        grad_values += [vjp_r.lift(t).value for t in dense]
    body = _close(body_r, [p.value for p in body_r.params] + held.fixed(body_r), body_values)
    args, seeds = vjp_r.params[:count], vjp_r.params[count:]
    vjp_inputs = [p.value for p in args] + held.fixed(vjp_r) + [p.value for p in seeds]
    vjp = _close(vjp_r, vjp_inputs, grad_values)
    regions = {"body": body, "vjp": vjp}
    names = [v.name for v in body.outputs]
    return list(tracer.call(control.call, [*inputs, *fixed], {"name": name}, regions, names))


# --- asserts --------------------------------------------------------------------------------------


def emit_assert(pred_ok: Tensor, exception: type[Exception], args: Sequence[Any]) -> None:
    """Raise ``exception(*args)`` at run time where ``pred_ok`` is false."""
    tensors = [a for a in args if isinstance(a, Tensor)]
    template = tuple(None if isinstance(a, Tensor) else a for a in args)
    ops.raise_unless(pred_ok, *tensors, exception=exception, template=template)


__all__ = [
    "Region", "constant", "convert", "emit_assert", "emit_for", "emit_if", "emit_while",
    "is_symbolic", "join", "region", "reopen", "user_loc", "with_saved_carries",
]  # fmt: skip
