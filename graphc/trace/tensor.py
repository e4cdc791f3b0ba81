"""Tensors: eager ones hold an array, symbolic ones a value of a graph being traced.

Both share their operators (`Operators`), which Variables have too.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from graphc.errors import SymbolicValueError
from graphc.ir import dtypes
from graphc.ir.dims import DimLike
from graphc.ir.dtypes import BY_NUMPY, DType
from graphc.ir.graph import Value
from graphc.ops import REGISTRY, ops
from graphc.trace.shape import TensorShape
from graphc.trace.state import FORWARDING, NeedsValue, current, is_own

if TYPE_CHECKING:
    from graphc.trace.tracer import Tracer


def _binary(name: str) -> Callable[[Any, Any], Any]:
    op = REGISTRY[name]

    def forward(self: Any, other: Any) -> Any:
        if type(other) is not EagerTensor and _unknown(other):
            return NotImplemented
        return op(self, other)

    return forward


def _reflected(name: str) -> Callable[[Any, Any], Any]:
    op = REGISTRY[name]

    def backward(self: Any, other: Any) -> Any:
        if _unknown(other):
            return NotImplemented
        return op(other, self)

    return backward


def _unary(op: str) -> Callable[[Any], Any]:
    return lambda self: getattr(ops, op)(self)


_KNOWN = (int, float, complex, np.ndarray, np.generic, list, tuple)


def _unknown(other: Any) -> bool:
    """Whether an operand is of a class that may know better (it then gets its turn)."""
    return not isinstance(other, (Operators, *_KNOWN)) and hasattr(type(other), "__graphc_apply__")


def _logical(name: str, swapped: bool = False) -> Callable[[Any, Any], Any]:
    """Logical on bools, bitwise on integers."""

    def method(self: Any, other: Any) -> Any:
        if _unknown(other):
            return NotImplemented
        x, y = (other, self) if swapped else (self, other)
        return getattr(ops, f"{'bitwise' if self.dtype.is_integer else 'logical'}_{name}")(x, y)

    return method


class Operators:
    """Python's operators, as TensorFlow overloads them."""

    __slots__ = ()
    __array_priority__ = 100  # numpy arrays on the left defer to us

    __add__, __radd__ = _binary("add"), _reflected("add")
    __sub__, __rsub__ = _binary("subtract"), _reflected("subtract")
    __mul__, __rmul__ = _binary("multiply"), _reflected("multiply")
    __truediv__, __rtruediv__ = _binary("divide"), _reflected("divide")
    __floordiv__, __rfloordiv__ = _binary("floordiv"), _reflected("floordiv")
    __mod__, __rmod__ = _binary("floormod"), _reflected("floormod")

    def __divmod__(self, other: Any) -> tuple[Any, Any]:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> tuple[Any, Any]:
        return other // self, other % self

    __pow__, __rpow__ = _binary("pow"), _reflected("pow")
    __matmul__, __rmatmul__ = _binary("matmul"), _reflected("matmul")
    __and__, __rand__ = _logical("and"), _logical("and", swapped=True)
    __or__, __ror__ = _logical("or"), _logical("or", swapped=True)
    __xor__, __rxor__ = _logical("xor"), _logical("xor", swapped=True)
    __lt__, __le__ = _binary("less"), _binary("less_equal")
    __gt__, __ge__ = _binary("greater"), _binary("greater_equal")
    __neg__, __abs__ = _unary("negative"), _unary("abs")

    def __invert__(self) -> Any:
        return ops.logical_not(self) if self.dtype.is_bool else ops.invert(self)

    def __pos__(self) -> Any:
        return self

    def __eq__(self, other: object) -> Any:
        return self is other if other is None else _compare("equal", self, other)

    def __ne__(self, other: object) -> Any:
        return self is not other if other is None else _compare("not_equal", self, other)

    __hash__ = None  # type: ignore[assignment]  # TF: unhashable, use .ref()

    def ref(self) -> Reference:
        """A hashable reference to this tensor (TF: ``Tensor.ref``)."""
        return Reference(self)


def _compare(op: str, x: Any, y: Any) -> Any:
    if isinstance(y, str | bytes):
        y = dtypes.encoded(y)
    elif _unknown(y):
        return NotImplemented
    elif not isinstance(y, (Operators, *_KNOWN)):
        return op == "not_equal"
    return getattr(ops, op)(x, y)


class Reference:
    """Hashable by identity of the tensor it holds."""

    __slots__ = ("_held",)

    def __init__(self, held: Any) -> None:
        self._held = held

    def deref(self) -> Any:
        return self._held

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Reference) and other._held is self._held

    def __hash__(self) -> int:
        return id(self._held)


class Tensor(Operators):
    """A multi-dimensional array of one dtype; immutable (TF: ``tf.Tensor``)."""

    __slots__ = ()

    dtype: DType
    dims: tuple[DimLike, ...]

    @property
    def shape(self) -> TensorShape:
        return TensorShape.of(self.dims)

    @property
    def ndim(self) -> int:
        return len(self.dims)

    rank = ndim

    def get_shape(self) -> TensorShape:
        return self.shape

    @property
    def device(self) -> str:
        return "/job:localhost/replica:0/task:0/device:CPU:0"

    def set_shape(self, shape: Any) -> None:
        if not self.shape.is_compatible_with(shape):
            raise ValueError(f"tensor of shape {self.shape} cannot be set to shape {shape}")


class EagerTensor(Tensor):
    """A tensor with a value: a thin, immutable wrapper around a numpy array."""

    __slots__ = ("_array", "origin", "_keras_mask", "__weakref__")

    def __init__(self, array: np.ndarray) -> None:
        self._array = array

    @property
    def dtype(self) -> DType:  # type: ignore[override]
        found = BY_NUMPY.get(self._array.dtype)
        return found if found is not None else dtypes.of_numpy(self._array.dtype)

    @property
    def dims(self) -> tuple[int, ...]:  # type: ignore[override]
        return self._array.shape

    def numpy(self) -> Any:
        """A copy of the value: an array, or a numpy scalar for a 0-d tensor."""
        array = self._array
        if array.ndim:
            return array.copy()
        return array[()]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if dtype is not None and np.dtype(dtype) != self._array.dtype:
            return self._array.astype(dtype)
        if copy:
            return self._array.copy()
        view = self._array.view()
        view.flags.writeable = False  # tensors are immutable
        return view

    def __bool__(self) -> bool:
        return bool(self._array)

    def __int__(self) -> int:
        return int(self._array)

    def __float__(self) -> float:
        return float(self._array)

    def __complex__(self) -> complex:
        return complex(self._array)

    def __index__(self) -> int:
        return self._array.__index__()

    def __round__(self, digits: int = 0) -> Any:
        return round(self._array[()], digits)

    def __format__(self, spec: str) -> str:
        return format(self._array[()], spec) if self._array.ndim == 0 else format(str(self), spec)

    def __len__(self) -> int:
        if not self._array.ndim:
            raise TypeError("a scalar tensor has no len()")
        return len(self._array)

    def __iter__(self) -> Iterator[EagerTensor]:
        if not self._array.ndim:
            raise TypeError("cannot iterate over a scalar tensor")
        if current.busy:  # a tape must see the rows being taken
            return (self[i] for i in range(len(self._array)))  # type: ignore[attr-defined,misc]
        return (EagerTensor(np.asarray(row)) for row in self._array)

    def tolist(self) -> Any:
        return self._array.tolist()

    def item(self) -> Any:
        return self._array.item()

    def __repr__(self) -> str:
        return (
            f"<tf.Tensor: shape={self.shape}, dtype={self.dtype.name}, numpy={show(self._array)}>"
        )

    def __str__(self) -> str:
        text = show(self._array, str)
        return f"tf.Tensor({text}, shape={self.shape}, dtype={self.dtype.name})"

    def __reduce__(self) -> tuple[Any, ...]:
        return EagerTensor, (self._array,)

    def __copy__(self) -> EagerTensor:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> EagerTensor:
        return self


def show(array: np.ndarray, form: Callable[[Any], str] = repr) -> str:
    """A value as TensorFlow prints it: scalars inline, matrices on lines of their own."""
    if array.ndim == 0:
        return str(array[()]) if array.dtype != object else repr(array[()])
    body = form(array)
    return f"\n{body}" if array.ndim > 1 or "\n" in body else body


def _asked_by_user(depth: int) -> bool:
    """Whether it is not graphc's own code that asks a tensor for its value."""
    code = sys._getframe(depth).f_code
    return code in FORWARDING or not is_own(code.co_filename)


class SymbolicTensor(Tensor):
    """A value of a graph that is being traced; it has a type but no value yet.

    A ``weak`` one stands for a Python int that depends on tensors: it takes the dtype of the tensor
    it meets, as Python's numbers do.
    """

    __slots__ = ("value", "tracer", "weak", "origin", "_keras_mask", "__weakref__")

    def __init__(self, value: Value, tracer: Tracer, weak: bool = False) -> None:
        self.value = value
        self.tracer = tracer
        self.weak = weak

    @property
    def dtype(self) -> DType:  # type: ignore[override]
        return self.value.type.dtype

    @property
    def dims(self) -> tuple[DimLike, ...]:  # type: ignore[override]
        return self.value.type.shape

    @property
    def name(self) -> str:
        return f"{self.value.name}:0"

    @property
    def graph(self) -> Any:
        """The graph of tf.compat.v1, or the trace, that it belongs to."""
        return getattr(self.tracer.root, "graph", self.tracer.root)

    def eval(self, feed_dict: Any = None, session: Any = None) -> Any:
        """Its value in a session of tf.compat.v1, by default the one that is entered."""
        if not self.tracer.root.static:
            self._refuse(".eval()")
        return (session or self.graph.session()).run(self, feed_dict)

    def _refuse(self, use: str) -> NoReturn:
        error = SymbolicValueError(
            f"{use} needs the value of %{self.value.name}: {self.value.type}, but inside a"
            " @function a tensor has no value while it is traced. Use tensor operations (tf.cond,"
            " tf.where, tf.while_loop), or let AutoGraph convert this code: it does not convert"
            " generators, functions that call locals(), code marked do_not_convert, library code,"
            " and functions whose source cannot be found."
        )
        tracer = current.tracer
        if tracer is not None and tracer.root.host is not None and _asked_by_user(3):
            frame = sys._getframe(2)
            tracer.root.host.asked = frame.f_code, frame.f_lineno
            raise NeedsValue(error)
        raise error

    def __bool__(self) -> bool:
        self._refuse("bool() (an `if`, `while`, `and`, `or`, `not` or `assert` in Python)")

    def __int__(self) -> int:
        self._refuse("int()")

    def __float__(self) -> float:
        self._refuse("float()")

    def __complex__(self) -> complex:
        self._refuse("complex()")

    def __index__(self) -> int:
        self._refuse("use as an index or a range bound in Python")

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        self._refuse("conversion to a numpy array")

    def numpy(self) -> NoReturn:
        self._refuse(".numpy()")

    def item(self) -> NoReturn:
        self._refuse(".item()")

    def tolist(self) -> NoReturn:
        self._refuse(".tolist()")

    def __eq__(self, other: object) -> Any:
        if self.tracer.root.static:  # TF: in graphs of tf.compat.v1 tensors are keys of feed_dict
            return isinstance(other, SymbolicTensor) and other.value is self.value
        return Operators.__eq__(self, other)

    def __hash__(self) -> int:
        if self.tracer.root.static:
            return hash(self.value)
        if not _asked_by_user(2):
            raise TypeError("a tensor is not hashable")
        self._refuse("use as a key")

    def __format__(self, spec: str) -> str:
        if spec or self._is_asked_for_text():
            self._refuse("formatting")
        return repr(self)

    def __str__(self) -> str:
        if self._is_asked_for_text():
            self._refuse("text")
        return repr(self)

    def _is_asked_for_text(self) -> bool:
        tracer = current.tracer
        return tracer is not None and tracer.root.host is not None and _asked_by_user(3)

    def __len__(self) -> int:
        if not self.dims:
            raise TypeError("a scalar tensor has no len()")
        if isinstance(self.dims[0], int):
            return self.dims[0]
        self._refuse("len() of an unknown dimension (use tf.shape(x)[0])")

    def __iter__(self) -> Iterator[Any]:
        if not self.dims:
            raise TypeError("cannot iterate over a scalar tensor")
        if not isinstance(self.dims[0], int):
            self._refuse("iteration over an unknown dimension in Python")
        return (self[i] for i in range(self.dims[0]))

    def __repr__(self) -> str:
        return f"<tf.Tensor '{self.name}' shape={self.shape} dtype={self.dtype.name}>"
