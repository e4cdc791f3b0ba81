"""`TensorSpec`, and how arguments are fitted to an input signature."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from graphc.ir import dims, dtypes
from graphc.ir.dtypes import DType
from graphc.ir.types import TensorType
from graphc.trace import nest
from graphc.trace.dispatch import convert_to_tensor
from graphc.trace.shape import TensorShape
from graphc.trace.tensor import Tensor
from graphc.trace.variable import Variable


class TensorSpec:
    """Shape and dtype of an argument; ``None`` is a size that may vary (TF: ``tf.TensorSpec``).

    A ``shape`` of None leaves the rank open too: a function is then traced once for each rank.
    """

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
        """Whether a tensor, or all tensors of a spec, could be passed."""
        theirs = getattr(other, "shape", None)
        fits = self.shape is None or theirs is None or theirs.is_compatible_with(self.shape)
        return fits and other.dtype is self.dtype

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TensorSpec) and (self.shape, self.dtype, self.name) == (
            other.shape, other.dtype, other.name)  # fmt: skip

    def __hash__(self) -> int:
        return hash((self.shape, self.dtype))

    def __repr__(self) -> str:
        shape = "<unknown>" if self.shape is None else self.shape
        return f"TensorSpec(shape={shape}, dtype={self.dtype!r}, name={self.name!r})"


def is_tensor_like(value: Any) -> bool:
    """Whether an argument becomes a tensor of the graph."""
    return isinstance(value, Tensor | np.ndarray | np.generic | TensorSpec)


def map_arguments(
    value: Any, leaf: Callable[[Any], Any], other: Callable[[Any], Any] | None = None
) -> Any:
    """An argument with ``leaf`` applied to what becomes a tensor, in the order of `scan`.

    ``other`` is applied to the rest.
    """
    if is_tensor_like(value):
        return leaf(value)
    if not nest.is_nested(value):
        return value if other is None else other(value)
    pairs = value.items() if hasattr(value, "items") else nest.children(value)
    return nest.rebuild(value, [(k, map_arguments(child, leaf, other)) for k, child in pairs])


def show_leaf(leaf: Any) -> str:
    """An argument in a report: ``f32[32, 3]``, ``int 3``, ``Model object``."""
    if isinstance(leaf, Tensor | Variable):
        kind = "variable " if isinstance(leaf, Variable) else ""
        return kind + str(TensorType(leaf.dtype, leaf.dims))
    if isinstance(leaf, np.ndarray | np.generic):
        return str(TensorType(dtypes.of_numpy(leaf.dtype), leaf.shape))
    if isinstance(leaf, TensorSpec):
        sizes = "..." if leaf.shape is None else ", ".join(map(str, leaf.shape))
        return f"{leaf.dtype.short}[{sizes}]"
    if isinstance(leaf, int | float | complex | str | bytes | type(None)):
        return f"{type(leaf).__name__} {leaf!r}"
    return f"{type(leaf).__name__} object"


def placeholder_type(leaf: Any, fresh: Callable[[], dims.Dim]) -> TensorType:
    """The graph type of an argument; unknown sizes of a TensorSpec become symbols."""
    if isinstance(leaf, TensorSpec):
        if leaf.shape is None:
            raise ValueError(
                f"{leaf} leaves the rank open, and there is no argument to take it from: call the"
                " function with a tensor, or get_concrete_function with a spec that has a rank"
            )
        return TensorType(leaf.dtype, tuple(fresh() if d is None else d for d in leaf.shape))
    if isinstance(leaf, Tensor):
        return TensorType(leaf.dtype, leaf.dims)
    return TensorType(dtypes.of_numpy(leaf.dtype), leaf.shape)


# --- input signatures -----------------------------------------------------------------------------


def fit_to_specs(value: Any, spec: Any, path: str) -> Any:
    """A structure of arguments, converted and checked by a structure of specs."""
    if isinstance(spec, TensorSpec):
        return _fit(value, spec, path)
    if not nest.is_nested(spec):
        return value
    theirs = list(nest.children(spec))
    ours = dict(nest.children(value)) if nest.is_nested(value) else {}
    if [k for k, _ in theirs] != list(ours):
        raise TypeError(f"argument {path} is {value!r}, the input signature asks for {spec!r}")
    fitted = [(k, fit_to_specs(ours[k], s, f"{path}[{k!r}]")) for k, s in theirs]
    return nest.rebuild(value, fitted)


def _fit(value: Any, spec: TensorSpec, path: str) -> Any:
    """An argument of a function with an input signature, converted and checked."""
    if isinstance(value, TensorSpec):
        if not spec.is_compatible_with(value):
            raise TypeError(
                f"argument {path} is {value}, which the signature {spec} does not allow"
            )
        return value
    try:
        t = convert_to_tensor(value, dtype_hint=spec.dtype)
    except (TypeError, ValueError) as error:
        raise TypeError(f"argument {path} cannot be converted to {spec}: {error}") from error
    if not spec.is_compatible_with(t):
        raise TypeError(
            f"argument {path} is {show_leaf(t)}, but the input signature asks for {spec}"
        )
    return t


def ranked(spec: Any, fitted: Any) -> Any:
    """The specs of a signature; one of unknown rank takes it from the argument."""
    if isinstance(spec, TensorSpec):
        rank = getattr(fitted, "shape", None)
        if spec.shape is not None or rank is None:
            return spec
        return TensorSpec([None] * len(rank), spec.dtype, spec.name)
    if not nest.is_nested(spec):
        return spec
    parts = dict(nest.children(fitted))
    return nest.rebuild(fitted, [(k, ranked(s, parts[k])) for k, s in nest.children(spec)])
