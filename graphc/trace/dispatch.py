"""The single door: what happens when an op is called.

Nothing traces or records: run the numpy rule.  A tape records: run it and note it.  A trace is in
progress: append a node to the graph.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from graphc.errors import DTypeError, EscapedTensorError, GraphcError, InvalidArgumentError
from graphc.ir import dtypes
from graphc.ir.dims import Dim
from graphc.ir.types import TensorType
from graphc.ops import REGISTRY, OpDef, install_dispatch, opdef, ops
from graphc.trace.convert import to_array
from graphc.trace.state import current
from graphc.trace.tensor import EagerTensor, Operators, SymbolicTensor, Tensor

# --- numpy's floating point warnings: TensorFlow gives none ---------------------------------------

try:  # setting numpy's context variable takes 0.1 µs, np.errstate 1 µs: half of a small op
    from numpy._core.umath import _extobj_contextvar as _errors
    from numpy._core.umath import _make_extobj

    _IGNORE = _make_extobj(all="ignore")
    _silence, _restore = (lambda: _errors.set(_IGNORE)), _errors.reset
except ImportError:  # another numpy: the public way

    def _silence() -> Any:
        return np.seterr(all="ignore")

    def _restore(before: Any) -> None:
        np.seterr(**before)


@contextmanager
def quiet() -> Any:
    """No numpy warnings inside."""
    token = _silence()
    try:
        yield
    finally:
        _restore(token)


# --- eager ----------------------------------------------------------------------------------------


def apply(op: OpDef, args: Sequence[Any], attrs: Mapping[str, Any]) -> Any:
    """Call an op on tensors, Variables or anything that converts to a tensor."""
    if current.tracer is None:
        arrays = []
        for arg in args:
            if type(arg) is not EagerTensor:
                break
            arrays.append(arg._array)
        else:
            outputs = run_eager(op, arrays, attrs)
            if current.tapes:
                record(op, args, outputs if op.many else (outputs,), attrs)
            return outputs
    return _apply(op, args, attrs)


_checked: set[Any] = set()


def run_eager(op: OpDef, arrays: Sequence[np.ndarray], attrs: Mapping[str, Any]) -> Any:
    """The numpy rule on arrays, wrapped; mistakes come as graphc's errors."""
    if op.numpy_checks:
        first = arrays[0].dtype
        for array in arrays:
            if array.dtype is not first:
                break
        if array.dtype is not first or first not in op.numpy_dtypes:
            _check(op, arrays, attrs)
    else:
        _check(op, arrays, attrs)
    token = _silence()
    try:
        result = op.eager(*arrays, **attrs)
    except GraphcError:
        raise
    except (ValueError, IndexError, TypeError, OverflowError, np.linalg.LinAlgError) as error:
        op.infer([type_of(array) for array in arrays], {**op.attrs, **attrs}, {})
        raise InvalidArgumentError(f"{op.name}: {error}") from error
    finally:
        _restore(token)
    if type(result) is np.ndarray:
        return EagerTensor(result)
    if op.many:
        return tuple(EagerTensor(np.asarray(r)) for r in result)
    return EagerTensor(np.asarray(result))


def _check(op: OpDef, arrays: Sequence[np.ndarray], attrs: Mapping[str, Any]) -> None:
    """Apply the type rule once for each combination of types and attributes."""
    parts: list[Any] = [op]
    for array in arrays:
        parts.append(array.dtype)
        parts.append(array.shape)
    parts.extend(attrs.values())
    key: Any = tuple(parts)
    try:
        if key in _checked:
            return
    except TypeError:  # an attribute that cannot be hashed: check every time
        key = None
    op.infer([type_of(array) for array in arrays], {**op.attrs, **attrs}, {})
    if key is not None:
        if len(_checked) > 50_000:
            _checked.clear()
        _checked.add(key)


def type_of(array: np.ndarray) -> TensorType:
    return TensorType(dtypes.of_numpy(array.dtype), array.shape)


_ORDINARY = frozenset((EagerTensor, SymbolicTensor, int, float, bool, np.ndarray))


def runs_now(x: Any) -> bool:
    """Whether an op on this tensor just computes: nothing traces, records or checks it."""
    return type(x) is EagerTensor and not current.busy and opdef._dispatch is apply


# --- tapes and traces -----------------------------------------------------------------------------


def _apply(op: OpDef, args: Sequence[Any], attrs: Mapping[str, Any]) -> Any:
    for arg in args:  # pattern variables and the like answer in their own way
        if type(arg) not in _ORDINARY and hasattr(type(arg), "__graphc_apply__"):
            return arg.__graphc_apply__(op, args, attrs)
    tensors = _operands(op, args)
    tracer = current.tracer
    if tracer is not None:
        kept = _settle_weak(op, args, tensors)
        result = tracer.call(op, tensors, attrs)
        if kept:
            result.weak = True
        return result
    for t in tensors:
        if type(t) is not EagerTensor and isinstance(t, SymbolicTensor):
            raise escaped(t)
    outputs = run_eager(op, [t._array for t in tensors], attrs)
    if current.tapes:
        results = outputs if op.many else (outputs,)
        record(op, tensors, results, attrs)
    return outputs


def _operands(op: OpDef, args: Sequence[Any]) -> list[Tensor]:
    """Arguments as tensors: Variables are read, numbers take the dtype of the tensors."""
    hint = None
    tensors: list[Tensor] = []
    for arg in args:
        if type(arg) is EagerTensor or isinstance(arg, Tensor):
            if arg.dtype is dtypes.python and not op.wide:  # what Python knows becomes a tensor
                others = (a.dtype for a in args if isinstance(a, Operators))
                like = next((d for d in others if d is not dtypes.python), None)
                arg = convert_to_tensor(arg, dtype_hint=like)
            tensors.append(arg)
        elif isinstance(arg, Operators):
            tensors.append(arg.read())  # type: ignore[attr-defined]
        else:
            if hint is None and not op.wide:
                hint = next((a.dtype for a in args if isinstance(a, Operators)), None)
            tensors.append(constant(arg, hint=hint))
    return tensors


_ON_INTS = frozenset((
    "add", "subtract", "multiply", "floordiv", "floormod", "negative", "abs", "maximum", "minimum",
))  # fmt: skip


def _settle_weak(op: OpDef, args: Sequence[Any], tensors: list[Tensor]) -> bool:
    """Give weak operands the dtype of the tensors they meet; whether the result is weak too."""
    weak = [i for i, a in enumerate(args) if type(a) is SymbolicTensor and a.weak]
    if not weak or op.wide:
        return False
    alone = all(i in weak or type(a) is int for i, a in enumerate(args))
    if alone and op.name != "divide":
        return op.name in _ON_INTS
    others = (t.dtype for i, t in enumerate(tensors) if i not in weak)
    want = dtypes.float32 if alone else next(others)
    if want.kind in "iufc":
        for i in weak if not alone else range(len(tensors)):
            if tensors[i].dtype is not want:
                tensors[i] = apply(REGISTRY["cast"], [tensors[i]], {"dtype": want})
    return False


def record(
    op: Any, inputs: Any, outputs: Any, attrs: Any, node: Any = None, rule: Any = None
) -> None:
    """Let the tapes of the running trace (or of eager code) note a call."""
    for tape in current.tapes:
        if tape.tracer is current.tracer and not tape.paused:
            tape.note(op, inputs, outputs, attrs, node, rule)


def constant(value: Any, dtype: Any = None, hint: Any = None) -> Tensor:
    """A Python or numpy value as a tensor: eager, or a constant of the graph being traced."""
    if hasattr(type(value), "__graphc_tensor__"):
        return value.__graphc_tensor__(dtype, hint)
    if isinstance(value, list | tuple) and _holds_tensors(value):
        return _stack(value, dtype)  # the tensors tell the dtype better than a hint
    array = to_array(value, dtype, hint)
    tracer = current.tracer
    return EagerTensor(array) if tracer is None else tracer.constant(array)


def _holds_tensors(values: Any) -> bool:
    return any(
        isinstance(v, Operators)
        or hasattr(type(v), "__graphc_tensor__")
        or (isinstance(v, list | tuple) and _holds_tensors(v))
        for v in values
    )


def _stack(values: Sequence[Any], dtype: Any) -> Tensor:
    first = next((v for v in values if isinstance(v, Operators)), None)
    dtype = dtype or (None if first is None else first.dtype)
    return ops.stack(*(convert_to_tensor(v, dtype_hint=dtype) for v in values), axis=0)


def escaped(t: SymbolicTensor) -> EscapedTensorError:
    """The error for a symbolic tensor used outside the trace it belongs to."""
    return EscapedTensorError(
        f"%{t.value.name}: {t.value.type} belongs to the graph of @{t.tracer.root.name},"
        " which is not being traced here. Return it from that function, or use a tf.Variable."
    )


def convert_to_tensor(
    value: Any, dtype: Any = None, dtype_hint: Any = None, name: str | None = None
) -> Tensor:
    """Convert numbers, lists, arrays, Variables and tensors to a tensor (TF:
    ``tf.convert_to_tensor``).

    Raises ``DTypeError`` if a tensor's dtype is not the one asked for.
    """
    want = None if dtype is None else dtypes.as_dtype(dtype)
    if dtype_hint is dtypes.python or getattr(value, "dtype", None) is dtypes.python:
        return _of_python(value, want, dtype_hint)
    if isinstance(value, Operators):
        if want is not None and value.dtype is not want:
            raise DTypeError(
                f"tensor conversion requested dtype {want.name} for a tensor of dtype"
                f" {value.dtype.name}; use tf.cast"
            )
        return value if isinstance(value, Tensor) else value.value()  # type: ignore[attr-defined]
    hint = None if dtype_hint is None else dtypes.as_dtype(dtype_hint)
    return constant(value, want, hint)


def _of_python(value: Any, want: Any, hint: Any) -> Tensor:
    """A value of Python's as a tensor, or any value as one of Python's."""
    if hint is not dtypes.python:
        return value.as_tensor(want, None if hint is None else dtypes.as_dtype(hint))
    if isinstance(value, Tensor) and value.dtype is dtypes.python:
        return value
    return current.tracer.root.host.boxed(value)  # type: ignore[union-attr]


def as_operand(value: Any) -> Tensor:
    """A value as a tensor; one of Python's stays that."""
    return value if isinstance(value, Tensor) else convert_to_tensor(value)


def static_value(t: Any) -> Any:
    """A tensor's value if it is known now: nested lists of ints, floats, Dims; else None."""
    if isinstance(t, EagerTensor):
        return t._array.tolist()
    if isinstance(t, SymbolicTensor):
        return t.tracer.static_value(t)
    if isinstance(t, Operators):
        return None
    if isinstance(t, list | tuple):
        parts = [static_value(v) if isinstance(v, Operators) else v for v in t]
        return None if any(p is None for p in parts) else parts
    return t.tolist() if isinstance(t, np.ndarray | np.generic) else t


def is_known(value: Any) -> bool:
    """Whether a (nested) static value holds no symbol."""
    if isinstance(value, list | tuple):
        return all(map(is_known, value))
    return value is not None and not isinstance(value, Dim)


install_dispatch(apply)
Convert = Callable[..., Tensor]
