"""Variables: tensors that change.

A Variable owns one buffer.  Compiled functions update it in place, so a buffer that was handed out
(an eager read, a tape's memory) is marked shared and replaced before the next write: readers keep
their snapshot.
"""

from __future__ import annotations

import itertools
import re
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from graphc.errors import DTypeError, InvalidArgumentError
from graphc.ir import dtypes
from graphc.ir.dtypes import DType
from graphc.ops import ops
from graphc.trace.convert import to_array
from graphc.trace.dispatch import convert_to_tensor, quiet, record
from graphc.trace.indexing import set_item
from graphc.trace.initial import value_now
from graphc.trace.shape import TensorShape
from graphc.trace.slices import Scatters
from graphc.trace.state import current, recording
from graphc.trace.tensor import EagerTensor, Operators, SymbolicTensor, Tensor, show

STATE_LOCK = threading.RLock()  # held while a Variable's buffer is written
_keys = itertools.count()


class Storage:
    """Counts the exchanges of buffers, so that compiled calls notice them with one comparison."""

    version = 0


class Variable(Scatters):
    """A tensor with a value that can be assigned (TF: ``tf.Variable``).

    ``initial_value`` is anything that converts to a tensor, or a callable that returns it;
    ``shape`` and ``dtype`` never change.  Inside a ``@function`` reads and writes become state of
    the graph.
    """

    __slots__ = (
        "_array", "_shared", "_dtype", "_name", "key", "trainable", "constraint", "synchronization",
        "aggregation", "__weakref__", "__dict__",
    )  # fmt: skip

    def __new__(cls, *args: Any, **kwargs: Any) -> Variable:
        """In a graph of tf.compat.v1 a Variable of the graph, which has its value in sessions."""
        tracer = current.tracer
        static = cls is Variable and tracer is not None and tracer.root.static
        return object.__new__(tracer.root.variable_class if static else cls)  # type: ignore

    def __init__(
        self,
        initial_value: Any = None,
        trainable: bool | None = None,
        validate_shape: bool = True,
        caching_device: Any = None,
        name: str | None = None,
        variable_def: Any = None,
        dtype: Any = None,
        import_scope: Any = None,
        constraint: Callable[[Any], Any] | None = None,
        synchronization: Any = None,
        aggregation: Any = None,
        shape: Any = None,
    ) -> None:
        if initial_value is None:
            raise ValueError("a Variable needs an initial value")
        value = initial_value() if callable(initial_value) else initial_value
        self._array = _initial(value, dtype)
        if shape is not None and not TensorShape(self._array.shape).is_compatible_with(shape):
            raise ValueError(f"initial value has shape {self._array.shape}, not {tuple(shape)}")
        self._shared = False
        self._dtype = dtypes.of_numpy(self._array.dtype)
        self._name = current.scope + (name or "Variable")
        self.key = next(_keys)
        self.trainable = trainable is not False
        self.constraint = constraint
        self.synchronization, self.aggregation = synchronization, aggregation
        if current.tracer is not None:
            current.tracer.root.note_created(self)

    # --- what it is ---

    @property
    def name(self) -> str:
        return f"{self._name}:0"

    @property
    def symbol_name(self) -> str:
        """Its name as a value of a graph."""
        return re.sub(r"[^\w./]", "_", self._name)

    @property
    def dtype(self) -> DType:
        return self._dtype

    @property
    def dims(self) -> tuple[int, ...]:
        return self._array.shape

    @property
    def shape(self) -> TensorShape:
        return TensorShape(self._array.shape)

    @property
    def ndim(self) -> int:
        return self._array.ndim

    def get_shape(self) -> TensorShape:
        return self.shape

    @property
    def device(self) -> str:
        return "/job:localhost/replica:0/task:0/device:CPU:0"

    # --- reading ---

    def read(self) -> Tensor:
        """The value now: a snapshot, or the value at this point of the trace."""
        tracer = current.tracer
        if tracer is None:
            self.share()
            value: Tensor = EagerTensor(self._array)
        else:  # a new object for each read: tapes tell reads and computed tensors apart
            value = SymbolicTensor(tracer.read(self).value, tracer)
        if current.tapes:
            for tape in current.tapes:
                tape.notice(self)
            record(None, (self,), (value,), {})
        return value

    def value(self) -> Tensor:
        """The value as a tensor that gradients flow through."""
        return ops.identity(self)

    def read_value(self) -> Tensor:
        return self.value()

    def numpy(self) -> Any:
        return self._concrete("numpy()").numpy()

    def _concrete(self, use: str) -> EagerTensor:
        value = self.read() if current.tracer is not None else EagerTensor(self._array)
        if isinstance(value, SymbolicTensor):
            value._refuse(use)
        return value  # type: ignore[return-value]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        array = self._concrete("conversion to a numpy array")._array
        return array.astype(dtype) if dtype is not None else array.copy()

    def __bool__(self) -> bool:
        return bool(self._concrete("bool()"))

    def __int__(self) -> int:
        return int(self._concrete("int()"))

    def __float__(self) -> float:
        return float(self._concrete("float()"))

    def __index__(self) -> int:
        return self._concrete("use as an index").__index__()

    def __len__(self) -> int:
        return len(self._array)

    def __iter__(self) -> Any:
        return iter(self.value())

    def __format__(self, spec: str) -> str:
        return format(self._concrete("formatting"), spec)

    def __getitem__(self, index: Any) -> Any:
        return sliced(self.value()[index], self, index)

    # --- writing ---

    def assign(
        self, value: Any, use_locking: Any = None, name: Any = None, read_value: bool = True
    ) -> Any:
        """Replace the value; same shape and dtype.  Returns the Variable."""
        new = self._accept(value)
        if current.tracer is not None:
            return current.tracer.write(self, current.tracer.lift(new))
        self._store(new._array)  # type: ignore[attr-defined]
        return self

    def assign_add(
        self, delta: Any, use_locking: Any = None, name: Any = None, read_value: bool = True
    ) -> Any:
        """``self.assign(self + delta)``"""
        return self._update(ops.add, delta, np.add)

    def assign_sub(
        self, delta: Any, use_locking: Any = None, name: Any = None, read_value: bool = True
    ) -> Any:
        """``self.assign(self - delta)``"""
        return self._update(ops.subtract, delta, np.subtract)

    def _update(self, op: Any, delta: Any, fn: np.ufunc) -> Variable:
        if current.tracer is not None:
            with recording(()):
                return self.assign(op(self, self._accept(delta, broadcast=True)))
        change = self._accept(delta, broadcast=True)._array  # type: ignore[attr-defined]
        self.note_write()
        with STATE_LOCK, quiet():
            if self._shared:
                self._exchange(np.asarray(fn(self._array, change)))
            else:
                fn(self._array, change, out=self._array)
        return self

    def _accept(self, value: Any, broadcast: bool = False) -> Tensor:
        """The value as a tensor of this Variable's dtype and shape; refuses others."""
        new = convert_to_tensor(value, dtype_hint=self._dtype)
        if new.dtype is not self._dtype:
            raise DTypeError(
                f"variable {self._name} is {self._dtype.name}, the assigned value {new.dtype.name};"
                " use tf.cast"
            )
        if not new.shape.is_compatible_with(self.shape) and not (broadcast and new.ndim == 0):
            raise InvalidArgumentError(
                f"variable {self._name} has shape {self.shape}, the assigned value {new.shape}"
            )
        return new

    def note_write(self) -> None:
        """A host step that is run wants to know what it assigns."""
        if current.written is not None:
            current.written.setdefault(self.key, (self, self._array.copy()))

    def _store(self, array: np.ndarray) -> None:
        self.note_write()
        with STATE_LOCK:
            if self._shared:
                self._exchange(np.array(array, order="C", copy=True))
            else:
                np.copyto(self._array, array)

    def _exchange(self, array: np.ndarray) -> None:
        self._array, self._shared = array, False
        Storage.version += 1

    def share(self) -> None:
        """Promise that the current buffer will not change any more."""
        if not self._shared:
            self._shared = True
            Storage.version += 1

    def own(self) -> np.ndarray:
        """The buffer, free to be updated in place."""
        if self._shared:
            self._exchange(self._array.copy())
        return self._array

    # --- the rest ---

    def ref(self) -> Any:
        return super().ref()

    def __deepcopy__(self, memo: dict[int, Any]) -> Variable:
        copied = Variable(self._array, trainable=self.trainable)
        copied._name = self._name
        return copied

    def __repr__(self) -> str:
        if current.tracer is not None:
            return f"<tf.Variable '{self.name}' shape={self.shape} dtype={self.dtype.name}>"
        shown = show(self._array)
        return (
            f"<tf.Variable '{self.name}' shape={self.shape} dtype={self.dtype.name}, numpy={shown}>"
        )


def _initial(value: Any, dtype: Any) -> np.ndarray:
    """A buffer of its own for the initial value."""
    want = None if dtype is None else dtypes.as_dtype(dtype)
    if isinstance(value, SymbolicTensor):
        value = EagerTensor(value_now(value))
    if isinstance(value, Operators):
        held = convert_to_tensor(value, want)
        array = held._array if isinstance(held, EagerTensor) else value._array  # type: ignore
        return np.array(array, order="C", copy=True)
    return to_array(value, want)


class _Assignable:
    """``v[index]``: a tensor that can also be assigned, as in TensorFlow."""

    __slots__ = ()
    origin: tuple[Variable, Any]

    def assign(self, value: Any, name: Any = None, read_value: bool = True) -> Variable:
        """Write ``value`` (broadcast to the slice) into the Variable."""
        variable, index = self.origin
        with recording(()):
            hint = convert_to_tensor(value, dtype_hint=variable.dtype)
            return variable.assign(set_item(variable.read(), index, hint))

    def assign_add(self, delta: Any, name: Any = None, read_value: bool = True) -> Variable:
        return self.assign(self + delta)  # type: ignore[operator]

    def assign_sub(self, delta: Any, name: Any = None, read_value: bool = True) -> Variable:
        return self.assign(self - delta)  # type: ignore[operator]


class SlicedTensor(_Assignable, EagerTensor):
    __slots__ = ()


class SlicedSymbol(_Assignable, SymbolicTensor):
    __slots__ = ()


def sliced(t: Any, variable: Variable, index: Any) -> Any:
    """Make the tensor assignable; the object stays the one that tapes have seen."""
    t.__class__ = SlicedTensor if isinstance(t, EagerTensor) else SlicedSymbol
    t.origin = (variable, index)
    return t
