"""Values that only Python knows, as traced code sees them: the results of host steps."""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable
from typing import Any

from graphc import autograph
from graphc.ir import dtypes
from graphc.ir.graph import Value
from graphc.ops import ops
from graphc.trace.state import current
from graphc.trace.tensor import Operators, SymbolicTensor


def _step(function: Callable[..., Any], *args: Any) -> Any:
    return current.tracer.root.host.call(function, args)  # type: ignore[union-attr]


def _binary(python: Callable[[Any, Any], Any], op: str, swapped: bool = False) -> Any:
    """Python's operator on the host; with a tensor on the other side, the op."""

    def method(self: Any, other: Any) -> Any:
        x, y = (other, self) if swapped else (self, other)
        if isinstance(other, Operators) and not isinstance(other, HostValue):
            return getattr(ops, op)(x, y)
        return _step(python, x, y)

    return method


def _unary(python: Callable[[Any], Any]) -> Any:
    return lambda self: _step(python, self)


class HostValue(SymbolicTensor):
    """Any object of Python's that a host step makes when the program runs.

    What is done with it is a host step too, until an op takes it as a tensor.
    """

    __slots__ = ()

    __add__, __radd__ = _binary(operator.add, "add"), _binary(operator.add, "add", True)
    __sub__ = _binary(operator.sub, "subtract")
    __rsub__ = _binary(operator.sub, "subtract", True)
    __mul__ = _binary(operator.mul, "multiply")
    __rmul__ = _binary(operator.mul, "multiply", True)
    __truediv__ = _binary(operator.truediv, "divide")
    __rtruediv__ = _binary(operator.truediv, "divide", True)
    __floordiv__ = _binary(operator.floordiv, "floordiv")
    __rfloordiv__ = _binary(operator.floordiv, "floordiv", True)
    __mod__, __rmod__ = _binary(operator.mod, "floormod"), _binary(operator.mod, "floormod", True)
    __pow__, __rpow__ = _binary(operator.pow, "pow"), _binary(operator.pow, "pow", True)
    __matmul__ = _binary(operator.matmul, "matmul")
    __rmatmul__ = _binary(operator.matmul, "matmul", True)
    __and__, __rand__ = (_binary(operator.and_, "logical_and", s) for s in (False, True))
    __or__, __ror__ = (_binary(operator.or_, "logical_or", s) for s in (False, True))
    __xor__, __rxor__ = (_binary(operator.xor, "logical_xor", s) for s in (False, True))
    __lt__, __le__ = _binary(operator.lt, "less"), _binary(operator.le, "less_equal")
    __gt__, __ge__ = _binary(operator.gt, "greater"), _binary(operator.ge, "greater_equal")
    __neg__, __pos__, __abs__ = map(_unary, (operator.neg, operator.pos, abs))
    __invert__ = _unary(operator.invert)
    _equal, _unequal = _binary(operator.eq, "equal"), _binary(operator.ne, "not_equal")

    def __eq__(self, other: object) -> Any:
        return self is other if other is self else self._equal(other)

    def __ne__(self, other: object) -> Any:
        return self._unequal(other)

    def __hash__(self) -> int:
        return self._refuse("hash()")

    def __getitem__(self, index: Any) -> Any:
        return _step(operator.getitem, self, index)

    def __setitem__(self, index: Any, value: Any) -> None:
        _step(operator.setitem, self, index, value)

    def __delitem__(self, index: Any) -> None:
        _step(operator.delitem, self, index)

    def __contains__(self, item: Any) -> bool:
        return self._refuse("`in`")

    def __iter__(self) -> Any:
        return self._refuse("iteration")

    def __len__(self) -> int:
        return self._refuse("len()")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return current.tracer.root.host.call(self, args, kwargs)  # type: ignore[union-attr]

    def __getattribute__(self, name: str) -> Any:
        """Attributes that converted code asks for are the object's."""
        if name.startswith("__") or not autograph.is_converted(sys._getframe(1).f_code):
            return object.__getattribute__(self, name)
        return _step(getattr, self, name)

    def __repr__(self) -> str:
        return f"<a value of Python's, %{self.value.name}>"

    # --- as tensors ---

    def as_tensor(self, dtype: Any = None, hint: Any = None) -> SymbolicTensor:
        """What ``convert_to_tensor`` makes of it."""
        return current.tracer.root.host.unboxed(self, dtype, hint)  # type: ignore[union-attr]

    def as_bool(self) -> SymbolicTensor:
        return current.tracer.root.host.typed(self, bool, dtypes.bool_)  # type: ignore[union-attr]

    def as_int(self) -> SymbolicTensor:
        found = current.tracer.root.host.typed(self, operator.index, dtypes.int32)  # type: ignore
        found.weak = True
        return found


def _in_place(python: Callable[[Any, Any], Any], plain: Any) -> Any:
    def method(self: Any, other: Any) -> Any:
        if isinstance(other, Operators) and not isinstance(other, HostValue):
            return plain(self, other)
        return _step(python, self, other)

    return method


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "and", "or", "xor"):
    _python = getattr(operator, f"i{_name}")
    setattr(HostValue, f"__i{_name}__", _in_place(_python, getattr(HostValue, f"__{_name}__")))


def symbol(value: Value, tracer: Any) -> SymbolicTensor:
    """A value of a graph as traced code sees it."""
    kind = HostValue if value.type.dtype is dtypes.python else SymbolicTensor
    return kind(value, tracer)


__all__ = ["HostValue", "symbol"]
