"""Shapes: reshapes, transposes, broadcasts, joins, splits, padding."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from graphc.errors import InvalidArgumentError
from graphc.ir import dims, dtypes
from graphc.ir.dims import DimLike
from graphc.ir.dtypes import DType
from graphc.ir.types import TensorType, broadcast_shapes, show_shape
from graphc.ops.combinators import normalize_axis, op, ops, rng, sum_to
from graphc.ops.opdef import Attrs, Index, Library, Sample, Scalar, Types


def _x(*shape: int) -> np.ndarray:
    return rng().normal(size=shape).astype(np.float32)


def _each(*cases: tuple[tuple[int, ...], dict[str, Any]]) -> Callable[[], list[Sample]]:
    return lambda: [Sample((_x(*shape),), attrs, exact=True) for shape, attrs in cases]


# --- reshape --------------------------------------------------------------------------------------


def _reshape_type(types: Types, attrs: Attrs) -> TensorType:
    x, shape = types[0], tuple(attrs["shape"])
    if any(isinstance(d, int) and d < -1 for d in shape):
        raise InvalidArgumentError(f"reshape: {show_shape(shape)} has a negative dimension")
    if shape.count(-1) > 1:
        raise InvalidArgumentError(f"reshape: only one dimension can be -1: {show_shape(shape)}")
    if -1 in shape:
        rest = dims.product(tuple(d for d in shape if d != -1))
        if rest == 0:
            raise InvalidArgumentError(
                f"reshape: {show_shape(shape)} has a 0, so its -1 could be anything"
            )
        shape = tuple(x.size // rest if d == -1 else d for d in shape)
    if not dims.assume_equal(x.size, dims.product(shape)):
        raise InvalidArgumentError(
            f"reshape: {x} has {x.size} elements, {show_shape(tuple(attrs['shape']))} cannot hold"
            " them"
        )
    return x.with_shape(shape)


reshape = op(
    "reshape", "x", _reshape_type, lambda x, shape: np.reshape(x, shape), attrs={"shape": ()},
    grad=lambda c, g: ops.reshape(g, shape=c.x.dims), lower=Index("reshape"),
    samples=_each(((3, 4), {"shape": (2, 6)}), ((3, 4), {"shape": (-1,)}), ((1,), {"shape": ()}),
                  ((0, 3), {"shape": (3, 0)}), ((2, 3, 4), {"shape": (6, -1)})),
    doc="The same elements in another shape; one dimension may be -1.",
)  # fmt: skip


def _expand_type(types: Types, attrs: Attrs) -> TensorType:
    x = types[0]
    axis = normalize_axis(attrs["axis"], x.rank + 1, "expand_dims")
    return x.with_shape((*x.shape[:axis], 1, *x.shape[axis:]))


expand_dims = op(
    "expand_dims", "x", _expand_type, lambda x, axis: np.expand_dims(x, axis), attrs={"axis": 0},
    grad=lambda c, g: ops.reshape(g, shape=c.x.dims), lower=Index("reshape"),
    samples=_each(((3, 4), {"axis": 0}), ((3, 4), {"axis": -1}), ((), {"axis": 0})),
    doc="An axis of size 1 is added.",
)  # fmt: skip


def _squeeze_axes(shape: Sequence[DimLike], axis: Any) -> tuple[int, ...]:
    if axis is None or axis == ():
        return tuple(i for i, d in enumerate(shape) if d == 1)
    listed = axis if isinstance(axis, tuple | list) else (axis,)
    axes = tuple(normalize_axis(a, len(shape), "squeeze") for a in listed)
    for a in axes:
        if not dims.assume_equal(shape[a], 1):
            raise InvalidArgumentError(f"squeeze: axis {a} of {show_shape(tuple(shape))} is not 1")
    return axes


def _squeeze_type(types: Types, attrs: Attrs) -> TensorType:
    axes = _squeeze_axes(types[0].shape, attrs["axis"])
    return types[0].with_shape(d for i, d in enumerate(types[0].shape) if i not in axes)


squeeze = op(
    "squeeze", "x", _squeeze_type, lambda x, axis=None: np.squeeze(x, _squeeze_axes(x.shape, axis)),
    attrs={"axis": None}, lower=Index("reshape"), grad=lambda c, g: ops.reshape(g, shape=c.x.dims),
    samples=_each(((1, 3, 1), {"axis": None}), ((1, 3, 1), {"axis": (0,)}), ((1, 3), {"axis": 0})),
    doc="Axes of size 1 are removed.",
)  # fmt: skip

# --- broadcast, transpose, reverse, roll ----------------------------------------------------------


def _broadcast_type(types: Types, attrs: Attrs) -> TensorType:
    shape = tuple(attrs["shape"])
    joined = broadcast_shapes(types[0].shape, shape)
    fits = len(joined) == len(shape) and all(map(dims.assume_equal, joined, shape))
    if not fits:
        raise InvalidArgumentError(
            f"broadcast_to: {types[0]} does not broadcast to {show_shape(shape)}"
        )
    return types[0].with_shape(shape)


broadcast_to = op(
    "broadcast_to", "x", _broadcast_type, lambda x, shape: np.broadcast_to(x, shape),
    attrs={"shape": ()}, grad=lambda c, g: sum_to(g, c.x), lower=Index("broadcast"),
    samples=_each(((4,), {"shape": (3, 4)}), ((3, 1), {"shape": (2, 3, 4)}), ((), {"shape": (2,)}),
                  ((1,), {"shape": (0,)})),
    doc="The elements repeated along axes of size 1.",
)  # fmt: skip


def _permutation(perm: Any, rank: int) -> tuple[int, ...]:
    if perm is None:
        return tuple(reversed(range(rank)))
    found = tuple(normalize_axis(p, rank, "transpose") for p in perm)
    if sorted(found) != list(range(rank)):
        raise InvalidArgumentError(f"transpose: {tuple(perm)} is no permutation of {rank} axes")
    return found


def _transpose_type(types: Types, attrs: Attrs) -> TensorType:
    perm = _permutation(attrs["perm"], types[0].rank)
    return types[0].with_shape(types[0].shape[p] for p in perm)


def _transpose_grad(c: Any, g: Any) -> Any:
    perm = _permutation(c.perm, len(c.x.dims))
    return ops.transpose(g, perm=tuple(sorted(range(len(perm)), key=perm.__getitem__)))


transpose = op(
    "transpose", "x", _transpose_type, lambda x, perm=None: np.transpose(x, perm),
    attrs={"perm": None}, grad=_transpose_grad, lower=Index("transpose"),
    samples=_each(((3, 4), {"perm": None}), ((2, 3, 4), {"perm": (1, 2, 0)}), ((), {"perm": None})),
    doc="Axes in another order; reversed if none is given.",
)  # fmt: skip


def _along_axes(types: Types, attrs: Attrs) -> TensorType:
    for axis in attrs["axis"]:
        normalize_axis(axis, types[0].rank)
    return types[0]


reverse = op(
    "reverse", "x", _along_axes, lambda x, axis: np.flip(x, axis), attrs={"axis": ()},
    grad=lambda c, g: ops.reverse(g, axis=c.axis), lower=Index("reverse"),
    samples=_each(((3, 4), {"axis": (0,)}), ((3, 4), {"axis": (0, -1)})), doc="Axes run backwards.",
)  # fmt: skip
roll = op(
    "roll", "x", _along_axes, lambda x, shift, axis: np.roll(x, shift, axis),
    attrs={"shift": (), "axis": ()}, lower=Library("roll"),
    grad=lambda c, g: ops.roll(g, shift=tuple(-s for s in c.shift), axis=c.axis),
    samples=_each(((3, 4), {"shift": (1,), "axis": (0,)}), ((0,), {"shift": (1,), "axis": (0,)}),
                  ((3, 4), {"shift": (5, -1), "axis": (0, 1)})),
    doc="Elements shifted along axes; what leaves at one end enters at the other.",
)  # fmt: skip

# --- joining and splitting ------------------------------------------------------------------------


def _part(rank: int, axis: int, part: Any) -> tuple[Any, ...]:
    """An index that cuts one axis only."""
    return (*(slice(None),) * axis, part, *(slice(None),) * (rank - axis - 1))


def _concat_type(types: Types, attrs: Attrs) -> TensorType:
    if not types:
        raise InvalidArgumentError("concat needs at least one tensor")
    first = types[0]
    axis = normalize_axis(attrs["axis"], first.rank, "concat")
    total: DimLike = 0
    for t in types:
        fits = t.rank == first.rank and all(
            i == axis or dims.assume_equal(t.shape[i], first.shape[i]) for i in range(t.rank)
        )
        if not fits:
            raise InvalidArgumentError(f"concat: {first} and {t} differ beyond axis {axis}")
        total = total + t.shape[axis]
    return first.with_shape((*first.shape[:axis], total, *first.shape[axis + 1 :]))


def _concat_grad(c: Any, g: Any) -> list[Any]:
    axis = normalize_axis(c.axis, len(g.dims))
    grads, start = [], 0
    for x, needed in zip(c.inputs, c.needed, strict=True):
        stop = start + x.dims[axis]
        index = _part(len(g.dims), axis, slice(start, stop))
        grads.append(ops.strided_slice(g, index=index) if needed else None)
        start = stop
    return grads


def _several() -> Iterable[Sample]:
    for axis in (0, 1, -1):
        yield Sample((_x(2, 3), _x(2, 3) + 1, _x(2, 3) - 1), {"axis": axis}, exact=True)
    yield Sample((_x(2, 3),), {"axis": 0}, exact=True)


concat = op(
    "concat", "*values", _concat_type, lambda *xs, axis=0: np.concatenate(xs, axis),
    attrs={"axis": 0}, grad=_concat_grad, lower=Library("concat"),
    samples=lambda: [*_several(), Sample((_x(0, 3), _x(2, 3)), {"axis": 0}, exact=True)],
    doc="Tensors joined along an axis.",
)  # fmt: skip


def _stack_type(types: Types, attrs: Attrs) -> TensorType:
    if not types:
        raise InvalidArgumentError("stack needs at least one tensor")
    first = types[0]
    for t in types[1:]:
        if t.rank != first.rank or not all(map(dims.assume_equal, t.shape, first.shape)):
            raise InvalidArgumentError(f"stack: the shapes of {first} and {t} differ")
    axis = normalize_axis(attrs["axis"], first.rank + 1, "stack")
    return first.with_shape((*first.shape[:axis], len(types), *first.shape[axis:]))


def _stack_grad(c: Any, g: Any) -> list[Any]:
    axis = normalize_axis(c.axis, len(g.dims))
    return [
        ops.strided_slice(g, index=_part(len(g.dims), axis, i)) if needed else None
        for i, needed in enumerate(c.needed)
    ]


stack = op(
    "stack", "*values", _stack_type, lambda *xs, axis=0: np.stack(xs, axis), attrs={"axis": 0},
    grad=_stack_grad, lower=Library("stack"), doc="Tensors of one shape joined along a new axis.",
    samples=lambda: [*_several(), Sample((_x(), np.array(1, "f4")), {"axis": 0}, exact=True)],
)  # fmt: skip


def _split_type(types: Types, attrs: Attrs) -> tuple[TensorType, ...]:
    x, sizes = types[0], attrs["sizes"]
    axis = normalize_axis(attrs["axis"], x.rank, "split")
    if not dims.assume_equal(x.shape[axis], sum(sizes)):
        raise InvalidArgumentError(f"split: sizes {sizes} do not add up to axis {axis} of {x}")
    return tuple(x.with_shape((*x.shape[:axis], n, *x.shape[axis + 1 :])) for n in sizes)


def _split(x: np.ndarray, sizes: Sequence[int], axis: int = 0) -> tuple[np.ndarray, ...]:
    return tuple(np.split(x, np.cumsum(sizes)[:-1], axis))


split = op(
    "split", "x", _split_type, _split, attrs={"sizes": (), "axis": 0}, many=True,
    grad=lambda c, *gs: ops.concat(*gs, axis=c.axis), lower=Library("split"),
    samples=_each(((4, 3), {"sizes": (1, 3), "axis": 0}), ((2, 3), {"sizes": (0, 2), "axis": 0}),
                  ((2, 6), {"sizes": (2, 2, 2), "axis": -1})),
    doc="Parts of given sizes along an axis.",
)  # fmt: skip


def _unstack_type(types: Types, attrs: Attrs) -> tuple[TensorType, ...]:
    x = types[0]
    axis = normalize_axis(attrs["axis"], x.rank, "unstack")
    count = x.shape[axis]
    if not isinstance(count, int):
        raise InvalidArgumentError(f"unstack: axis {axis} of {x} must be known while tracing")
    return (x.with_shape((*x.shape[:axis], *x.shape[axis + 1 :])),) * count


def _unstack(x: np.ndarray, axis: int = 0) -> tuple[np.ndarray, ...]:
    return tuple(np.asarray(row) for row in np.moveaxis(x, axis, 0))


unstack = op(
    "unstack", "x", _unstack_type, _unstack, attrs={"axis": 0}, many=True, lower=Library("unstack"),
    grad=lambda c, *gs: ops.stack(*gs, axis=c.axis) if gs else ops.zeros_like(c.x),
    samples=_each(((3, 4), {"axis": 0}), ((3, 4), {"axis": -1}), ((3,), {"axis": 0})),
    doc="The slices along an axis.",
)  # fmt: skip

# --- padding --------------------------------------------------------------------------------------


def _pad_type(types: Types, attrs: Attrs) -> TensorType:
    x, widths = types[0], attrs["paddings"]
    if len(widths) != x.rank or any(len(w) != 2 for w in widths):
        raise InvalidArgumentError(f"pad: {x} needs {x.rank} pairs of widths, got {widths}")
    if any(isinstance(w, int) and w < 0 for pair in widths for w in pair):
        raise InvalidArgumentError(f"pad: widths must not be negative, got {widths}")
    return x.with_shape(d + a + b for d, (a, b) in zip(x.shape, widths, strict=True))


def _pad(x: np.ndarray, paddings: Any, value: Any = 0) -> np.ndarray:
    out = np.full([d + a + b for d, (a, b) in zip(x.shape, paddings, strict=True)], value, x.dtype)
    out[tuple(slice(a, a + d) for d, (a, _) in zip(x.shape, paddings, strict=True))] = x
    return out


def _pad_grad(c: Any, g: Any) -> Any:
    index = tuple(slice(a, a + d) for d, (a, _) in zip(c.x.dims, c.paddings, strict=True))
    return ops.strided_slice(g, index=index)


pad = op(
    "pad", "x", _pad_type, _pad, attrs={"paddings": (), "value": 0}, grad=_pad_grad,
    lower=Library("pad"), doc="A constant added around: widths (before, after) of each axis.",
    samples=_each(((2, 3), {"paddings": ((1, 0), (2, 1))}), ((), {"paddings": ()}),
                  ((2, 3), {"paddings": ((0, 0), (0, 2)), "value": 1.5}),
                  ((0, 3), {"paddings": ((1, 1), (0, 0))})),
)  # fmt: skip

# --- the same value, and what shapes tell ---------------------------------------------------------


def _same_type(types: Types, attrs: Attrs) -> TensorType:
    return types[0]


identity = op("identity", "x", _same_type, lambda x: x, grad=lambda c, g: g,
              lower=Index("identity"), doc="The same value.",
              samples=_each(((3, 4), {}), ((), {})))  # fmt: skip
stop_gradient = op("stop_gradient", "x", _same_type, lambda x: x, lower=Index("identity"),
                   grad="gradients stop here on purpose",
                   samples=lambda: [Sample((_x(3),), grad=False)],
                   doc="The same value, a constant to gradients.")  # fmt: skip

assigned = op(
    "assigned", "before value", lambda types, attrs: types[1], lambda before, value: value,
    grad=lambda c, g: (g, None), lower=Scalar("{value}"), elementwise=True,
    samples=lambda: [Sample((_x(3), _x(3)), grad=False)],
    doc="The value of a Variable after an assignment.  Its gradient is the Variable's, whose value"
        " was ``before``: none passes through an assignment.",
)  # fmt: skip


def _ensure_type(types: Types, attrs: Attrs) -> TensorType:
    x, wanted = types[0], tuple(attrs["shape"])
    fits = len(wanted) == x.rank and all(
        w is None or dims.assume_equal(d, w) for d, w in zip(x.shape, wanted, strict=True)
    )
    if not fits:
        raise InvalidArgumentError(f"ensure_shape: {x} is not of shape {list(wanted)}")
    return x.with_shape(d if w is None else w for d, w in zip(x.shape, wanted, strict=True))


ensure_shape = op("ensure_shape", "x", _ensure_type, lambda x, shape: x, attrs={"shape": ()},
                  grad=lambda c, g: g, lower=Index("identity"),
                  samples=_each(((3, 4), {"shape": (None, 4)})), doc="Checks a shape.")  # fmt: skip


forget_shape = op(
    "forget_shape", "x", lambda types, attrs: types[0].with_shape(attrs["shape"]),
    lambda x, shape: x, attrs={"shape": ()}, lower=Index("identity"),
    grad=lambda c, g: ops.forget_shape(g, shape=c.x.dims),
    samples=_each(((3, 4), {"shape": (3, 4)})),
    doc="The same value with dims that are known only at run time (they grow in a loop).",
)  # fmt: skip


def _shape_type(types: Types, attrs: Attrs) -> TensorType:
    return TensorType(attrs["out_type"], (types[0].rank,))


def _shape_of(x: np.ndarray, out_type: DType = dtypes.int32) -> np.ndarray:
    return np.array(x.shape, out_type.np)


shape_of = op("shape_of", "x", _shape_type, _shape_of, attrs={"out_type": dtypes.int32},
              grad="sizes do not depend on values", lower=Library("shape_of"),
              samples=lambda: [Sample((_x(*s),), grad=False) for s in ((3, 4), (), (0, 2))],
              doc="The sizes of the axes, as a vector.")  # fmt: skip


def _likes() -> Iterable[Sample]:
    return [Sample((_x(*shape),), grad=False) for shape in ((3, 4), (), (0, 2))]


_LIKE = dict(grad="a constant", types=dtypes.FIXED, elementwise=True, samples=_likes)
zeros_like = op("zeros_like", "x", _same_type, np.zeros_like, lower=Scalar("{T}(0)"),
                doc="Zeros of the same type.", **_LIKE)  # fmt: skip
ones_like = op("ones_like", "x", _same_type, np.ones_like, lower=Scalar("{T}(1)"),
               doc="Ones of the same type.", **_LIKE)  # fmt: skip
