"""How families of ops are declared: each combinator owns the rules its family shares.

`unary`, `binary`, `comparison`, `reduction` and `op` all end in one `OpDef` in the registry.
Broadcasting, un-broadcasting of gradients, axis normalisation and dtype rules are written here,
once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from graphc.errors import InvalidArgumentError
from graphc.ir import dtypes
from graphc.ir.dims import DimLike
from graphc.ir.dtypes import ANY, DType
from graphc.ir.types import TensorType, broadcast_shapes
from graphc.ops.opdef import (
    REGISTRY,
    Attrs,
    GradContext,
    Gradient,
    Lowering,
    OpDef,
    Reduce,
    Sample,
    Scalar,
    Types,
    register,
)

Samples = Callable[[], Iterable[Sample]]


class _Names:
    """The registry as a namespace, so that families can use each other: ``ops.reduce_sum(g)``."""

    def __getattr__(self, name: str) -> OpDef:
        try:
            return REGISTRY[name]
        except KeyError:
            raise AttributeError(f"there is no op called {name!r}") from None


ops = _Names()


def op(
    name: str,
    operands: str,
    infer: Callable[..., Any],
    eager: Callable[..., Any],
    *,
    types: frozenset[DType] = ANY,
    grad: Gradient | str | None = None,
    lower: Lowering | None = None,
    attrs: Mapping[str, Any] | None = None,
    samples: Samples | None = None,
    doc: str = "",
    **properties: bool,
) -> OpDef:
    """Declare an op.  ``operands`` are names separated by spaces, a last ``*name`` may repeat.

    ``grad`` is a rule ``(context, *result gradients) -> gradient(s)``, or the reason there is none.
    """
    names = operands.split()
    return register(
        OpDef(
            name=name,
            operands=tuple(n.lstrip("*") for n in names),
            type_rule=infer,
            eager=eager,
            grad=grad if callable(grad) else None,
            no_grad="" if callable(grad) else grad or "",
            lower=lower,
            attrs=dict(attrs or {}),
            samples=samples,
            dtypes=types,
            doc=doc,
            variadic=bool(names) and names[-1].startswith("*"),
            **properties,
        )
    )


# --- elementwise ----------------------------------------------------------------------------------


Rule = Callable[[GradContext, Any], Any]


def unary(
    name: str,
    fn: Callable[[np.ndarray], np.ndarray],
    scalar: str | None,
    *,
    grad: Rule | str,
    samples: Samples,
    types: frozenset[DType] = dtypes.FLOATS,
    result: DType | Callable[[DType], DType] | None = None,
    doc: str = "",
    **properties: bool,
) -> OpDef:
    """An op that maps each element by itself; ``result`` is its dtype if not the operand's."""

    def infer(found: Types, attrs: Attrs) -> TensorType:
        return found[0].with_dtype(_result(result, found[0].dtype))

    return op(
        name, "x", infer, fn, types=types, samples=samples, doc=doc, elementwise=True,
        grad=holomorphic(grad) if callable(grad) else grad,
        lower=Scalar(scalar) if scalar else None, **properties,
    )  # fmt: skip


def binary(
    name: str,
    fn: Callable[[np.ndarray, np.ndarray], np.ndarray],
    scalar: str | None,
    *,
    grad: tuple[Rule, Rule] | str,
    samples: Samples,
    types: frozenset[DType] = dtypes.NUMERIC,
    result: DType | Callable[[DType], DType] | None = None,
    doc: str = "",
    **properties: bool,
) -> OpDef:
    """An op on pairs of elements, broadcast as numpy does; ``grad`` has a rule for each operand."""
    return pointwise(name, "x y", fn, scalar, grad=grad, samples=samples, types=types,
                     result=result, doc=doc, **properties)  # fmt: skip


def pointwise(
    name: str,
    operands: str,
    fn: Callable[..., np.ndarray],
    scalar: str | None,
    *,
    grad: tuple[Rule | None, ...] | str,
    samples: Samples,
    types: frozenset[DType] = dtypes.FLOATS,
    result: DType | Callable[[DType], DType] | None = None,
    doc: str = "",
    **properties: bool,
) -> OpDef:
    """Like `binary`, on any number of named operands; a rule that is None gives no gradient."""

    def infer(found: Types, attrs: Attrs) -> TensorType:
        shape = broadcast_shapes(*(t.shape for t in found))
        return TensorType(_result(result, found[0].dtype), shape)

    rules = () if isinstance(grad, str) else (rule and holomorphic(rule) for rule in grad)
    return op(
        name, operands, infer, fn, types=types, samples=samples, doc=doc, elementwise=True,
        grad=grad if isinstance(grad, str) else per_operand(*rules),
        lower=Scalar(scalar) if scalar else None, **properties,
    )  # fmt: skip


def comparison(
    name: str, fn: Callable[..., np.ndarray], scalar: str, *, types: frozenset[DType], **more: Any
) -> OpDef:
    """A binary op that answers a bool; it has no gradient."""
    return binary(
        name, fn, scalar, types=types, result=dtypes.bool_,
        grad="a comparison is piecewise constant", **more,
    )  # fmt: skip


def _result(rule: DType | Callable[[DType], DType] | None, dtype: DType) -> DType:
    if rule is None or isinstance(rule, DType):
        return rule or dtype
    return rule(dtype)


def per_operand(*rules: Rule | None) -> Gradient:
    """A gradient of one rule for each operand, skipped where nobody asks for it.

    Each is summed over the axes along which its operand was broadcast.
    """

    def gradient(c: GradContext, g: Any) -> tuple[Any, ...]:
        return tuple(
            sum_to(rule(c, g), x) if needed and rule is not None else None
            for rule, x, needed in zip(rules, c.inputs, c.needed, strict=True)
        )

    return gradient


def holomorphic(rule: Rule) -> Rule:
    """Let a rule written for real numbers, linear in ``g``, serve complex ones too.

    TensorFlow's gradient of f is ``g * conj(f'(x))``.
    """

    def gradient(c: GradContext, g: Any) -> Any:
        return ops.conj(rule(c, ops.conj(g))) if g.dtype.is_complex else rule(c, g)

    return gradient


def sum_to(g: Any, like: Any) -> Any:
    """``g`` summed over the axes along which a tensor shaped as ``like`` was broadcast to it."""
    have, want = g.dims, like.dims
    if have == want:
        return g
    extra = len(have) - len(want)
    axes = tuple(range(extra)) + tuple(
        extra + i for i, d in enumerate(want) if d == 1 and have[extra + i] != 1
    )
    if axes:
        g = ops.reduce_sum(g, axis=axes, keepdims=extra == 0)
    return g if g.dims == want else ops.reshape(g, shape=want)


# --- reductions -----------------------------------------------------------------------------------


def reduction(
    name: str,
    fn: Callable[..., np.ndarray],
    lower: Reduce | None,
    *,
    grad: Callable[[GradContext, Any], Any] | str,
    samples: Samples,
    types: frozenset[DType] = dtypes.NUMERIC,
    result: DType | Callable[[DType], DType] | None = None,
    doc: str = "",
    **properties: bool,
) -> OpDef:
    """An op that folds the axes in ``axis`` (None: all) into one element each."""

    def infer(found: Types, attrs: Attrs) -> TensorType:
        x = found[0]
        axes = normalize_axes(attrs.get("axis"), x.rank, name)
        shape = reduced_shape(x.shape, axes, attrs.get("keepdims", False))
        return TensorType(_result(result, x.dtype), shape)

    def eager(x: np.ndarray, axis: Any = None, keepdims: bool = False) -> np.ndarray:
        axes = axis if axis is None or isinstance(axis, int) else tuple(axis)
        return fn(x, axis=axes, keepdims=keepdims)

    return op(
        name, "x", infer, eager, types=types, grad=grad, samples=samples, doc=doc, lower=lower,
        attrs={"axis": None, "keepdims": False}, **properties,
    )  # fmt: skip


def normalize_axes(axis: Any, rank: int, who: str = "axis") -> tuple[int, ...]:
    """Axes as sorted non-negative ints; None means all; raises for axes out of range."""
    if axis is None:
        return tuple(range(rank))
    listed = axis if isinstance(axis, Sequence | set | frozenset | np.ndarray) else (axis,)
    return tuple(sorted({normalize_axis(a, rank, who) for a in listed}))


def normalize_axis(axis: Any, rank: int, who: str = "axis") -> int:
    """One axis as a non-negative int below ``rank``."""
    index = int(axis)
    if not -rank <= index < rank:
        raise InvalidArgumentError(f"{who}: axis {index} is out of range for rank {rank}")
    return index % rank if rank else 0


def reduced_shape(
    shape: Sequence[DimLike], axes: Sequence[int], keepdims: bool
) -> tuple[DimLike, ...]:
    """The shape that is left when ``axes`` are folded."""
    if keepdims:
        return tuple(1 if i in axes else d for i, d in enumerate(shape))
    return tuple(d for i, d in enumerate(shape) if i not in axes)


def zero_of(t: Any) -> Any:
    """A scalar 0 of a tensor's dtype, to broadcast."""
    return ops.constant(value=np.zeros((), t.dtype.np))


def expand_like(g: Any, c: GradContext) -> Any:
    """The gradient of a reduction's result, broadcast back to its operand's shape."""
    x = c.inputs[0]
    axes = normalize_axes(c.attrs.get("axis"), len(x.dims))
    kept = reduced_shape(x.dims, axes, keepdims=True)
    if g.dims != kept:
        g = ops.reshape(g, shape=kept)
    return g if kept == x.dims else ops.broadcast_to(g, shape=x.dims)


# --- samples --------------------------------------------------------------------------------------


def rng() -> np.random.Generator:
    """A generator for samples: the same values in every run."""
    return np.random.default_rng(7)


def reals(low: float, high: float, *shapes: tuple[int, ...], grad: bool = True) -> Samples:
    """One float32 operand: the ODD numbers, and a range in several shapes, 0-d and empty too."""

    def samples() -> Iterable[Sample]:
        g = rng()
        yield Sample((ODD,), grad=False)
        for shape in shapes or ((3, 4), (), (0, 2), (17,)):
            yield Sample((g.uniform(low, high, shape).astype(np.float32),), grad=grad)

    return samples


# Where functions have their corners: both zeros, a half, the range's ends, infinities, NaN.
ODD = np.array([0.0, -0.0, 0.5, -1.5, 2.5, 3e38, -3e38, np.inf, -np.inf, np.nan], np.float32)
PAIRS = (((3, 4), (3, 4)), ((3, 4), (4,)), ((2, 1, 3), (4, 1)), ((), (2, 3)), ((0, 3), (1, 3)))


def pairs(
    low: float, high: float, *dtype_names: str, grad: bool = True, positive: bool = False
) -> Samples:
    """Two operands that broadcast; floats are checked for gradients, integers for values."""

    def samples() -> Iterable[Sample]:
        g = rng()
        if "float32" in (dtype_names or ("float32",)):
            yield Sample((ODD[:, None], ODD), grad=False)
        for dtype in dtype_names or ("float32", "int32"):
            for left, right in PAIRS:
                x, y = (g.uniform(low, high, s).astype(dtype) for s in (left, right))
                if positive and dtype.startswith(("int", "uint")):
                    y = np.maximum(np.abs(y), 1).astype(dtype)
                yield Sample((x, y), grad=grad and dtype == "float32")

    return samples
