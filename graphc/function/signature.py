"""Signatures: which trace a call belongs to.

Tensors count by dtype and shape, Python values by type and value, Variables and other objects by
identity.
"""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from graphc.ir import dims, dtypes
from graphc.ir.dtypes import DType
from graphc.ir.types import TensorType
from graphc.trace import nest
from graphc.trace.dispatch import convert_to_tensor
from graphc.trace.shape import TensorShape
from graphc.trace.tensor import EagerTensor, SymbolicTensor, Tensor
from graphc.trace.variable import Variable


class TensorSpec:
    """Shape and dtype of an argument; ``None`` is a size that may vary (TF: ``tf.TensorSpec``)."""

    __slots__ = ("shape", "dtype", "name")

    def __init__(
        self, shape: Any = (), dtype: Any = dtypes.float32, name: str | None = None
    ) -> None:
        self.shape = None if shape is None else TensorShape(shape)
        self.dtype: DType = dtypes.as_dtype(dtype)
        self.name = name

    @classmethod
    def from_tensor(cls, tensor: Any, name: str | None = None) -> TensorSpec:
        return cls(tensor.shape, tensor.dtype, name)

    from_spec = from_tensor

    def is_compatible_with(self, other: Any) -> bool:
        fits = self.shape is None or other.shape.is_compatible_with(self.shape)
        return fits and other.dtype is self.dtype

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TensorSpec) and (self.shape, self.dtype, self.name) == (
            other.shape, other.dtype, other.name)  # fmt: skip

    def __hash__(self) -> int:
        return hash((self.shape, self.dtype))

    def __repr__(self) -> str:
        named = f", name={self.name!r}" if self.name else ""
        return f"TensorSpec(shape={self.shape}, dtype={self.dtype!r}{named})"


class Unknown:
    """The place of a tensor leaf in an argument structure."""

    def __repr__(self) -> str:
        return "tensor"


LEAF = Unknown()

# --- keys -----------------------------------------------------------------------------------------


def _number(value: Any) -> Any:
    # repr tells 1, 1.0, True, -0.0 and 0.0 apart and makes nan equal to itself
    return type(value), repr(value)


class Identity:
    """A key that is one object: equal only to itself, and never equal again once it is gone."""

    __slots__ = ("_get", "_hash")

    def __init__(self, value: Any) -> None:
        self._hash = id(value)
        try:
            self._get: Callable[[], Any] = weakref.ref(value)
        except TypeError:  # cannot be referenced weakly: keep it
            self._get = lambda: value

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Identity):
            return False
        mine = self._get()
        return mine is not None and mine is other._get()

    @property
    def gone(self) -> bool:
        return self._get() is None


KEYS: dict[type, Callable[[Any], Any]] = {
    EagerTensor: lambda t: (t._array.dtype, t._array.shape),
    np.ndarray: lambda a: (a.dtype, a.shape),
    Variable: lambda v: ("variable", v.key),
    SymbolicTensor: lambda t: ("symbolic", t.dtype, t.dims),
    TensorSpec: lambda s: ("spec", s.dtype, s.shape),
    **dict.fromkeys((int, float, bool, complex), _number),
    **dict.fromkeys((str, bytes, type(None), type, DType, TensorShape), lambda v: (type(v), v)),
}


def key_of(value: Any) -> Any:
    """A hashable key of one argument."""
    rule = KEYS.get(type(value))
    if rule is not None:
        return rule(value)
    if isinstance(value, Tensor):
        return KEYS[EagerTensor if isinstance(value, EagerTensor) else SymbolicTensor](value)
    if isinstance(value, Variable):
        return KEYS[Variable](value)
    if isinstance(value, np.generic):
        return (value.dtype, ())
    if nest.is_nested(value):
        children = tuple((k, key_of(child)) for k, child in nest.children(value))
        return type(value), children
    return Identity(value)


def is_tensor_like(value: Any) -> bool:
    """Whether an argument becomes a tensor of the graph."""
    return isinstance(value, Tensor | np.ndarray | np.generic | TensorSpec)


# --- binding --------------------------------------------------------------------------------------


class Binding:
    """How calls of one Python function are bound: defaults filled in, keywords in their places."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.signature = inspect.signature(function)
        parameters = list(self.signature.parameters.values())
        plain = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        self.simple = all(p.kind in plain for p in parameters)
        self.count = len(parameters)
        self.names = [p.name for p in parameters]

    def canonical(
        self, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> tuple[tuple[Any, ...], dict]:
        """Arguments with defaults applied; positional ones as far as possible."""
        if not kwargs and self.simple and len(args) == self.count:
            return tuple(args), {}
        bound = self.signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return bound.args, bound.kwargs

    def describe(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, str]:
        """For each leaf, its path in the call and its type: what a retrace report shows."""
        found = {}
        for name, value in [*zip(self._labels(len(args)), args, strict=True), *kwargs.items()]:
            for path, leaf in nest.flatten_with_paths(value, name):
                found[path] = show_leaf(leaf)
        return found

    def _labels(self, count: int) -> list[str]:
        named = self.names[:count]
        return named + [f"arg{i}" for i in range(len(named), count)]


def show_leaf(leaf: Any) -> str:
    """An argument in a retrace report: ``f32[32, 3]``, ``int 3``, ``Model object``."""
    if isinstance(leaf, Tensor | Variable):
        kind = "variable " if isinstance(leaf, Variable) else ""
        return kind + str(TensorType(leaf.dtype, leaf.dims))
    if isinstance(leaf, np.ndarray | np.generic):
        return str(TensorType(dtypes.of_numpy(leaf.dtype), leaf.shape))
    if isinstance(leaf, TensorSpec):
        return f"{leaf.dtype.short}{list(leaf.shape or ())}"
    if isinstance(leaf, int | float | complex | str | bytes | type(None)):
        return f"{type(leaf).__name__} {leaf!r}"
    return f"{type(leaf).__name__} object"


def placeholder_type(leaf: Any, fresh: Callable[[], dims.Dim]) -> TensorType:
    """The graph type of an argument; unknown sizes of a TensorSpec become symbols."""
    if isinstance(leaf, TensorSpec):
        if leaf.shape is None:
            raise ValueError("a TensorSpec of unknown rank cannot be traced: give its rank")
        return TensorType(leaf.dtype, tuple(fresh() if d is None else d for d in leaf.shape))
    if isinstance(leaf, Tensor):
        return TensorType(leaf.dtype, leaf.dims)
    return TensorType(dtypes.of_numpy(leaf.dtype), leaf.shape)


def fit_to_specs(value: Any, spec: Any, path: str) -> Any:
    """A structure of arguments, converted and checked by a structure of specs."""
    if isinstance(spec, TensorSpec):
        return fit_to_spec(value, spec, path)
    if not nest.is_nested(spec):
        return value
    theirs, ours = list(nest.children(spec)), dict(nest.children(value))
    if not nest.is_nested(value) or [k for k, _ in theirs] != list(ours):
        raise TypeError(f"argument {path} is {value!r}, the input signature asks for {spec!r}")
    fitted = [(k, fit_to_specs(ours[k], s, f"{path}[{k!r}]")) for k, s in theirs]
    return nest.rebuild(value, fitted)


def fit_to_spec(value: Any, spec: Any, path: str) -> Any:
    """An argument of a function with an input signature, converted and checked."""
    if isinstance(value, TensorSpec):
        fits = value.dtype is spec.dtype and (
            spec.shape is None or spec.shape.is_compatible_with(value.shape)
        )
        if not fits:
            raise TypeError(
                f"argument {path} is {value}, which the signature {spec} does not allow"
            )
        return value
    try:
        t = convert_to_tensor(value, dtype_hint=spec.dtype)
    except (TypeError, ValueError) as error:
        raise TypeError(f"argument {path} cannot be converted to {spec}: {error}") from error
    if t.dtype is not spec.dtype or not (
        spec.shape is None or t.shape.is_compatible_with(spec.shape)
    ):
        raise TypeError(
            f"argument {path} is {show_leaf(t)}, but the input signature asks for {spec}"
        )
    return t
