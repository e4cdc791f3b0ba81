"""Changes of dtype, and the parts of complex numbers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from graphc.errors import DTypeError, UnimplementedError
from graphc.ir import dtypes
from graphc.ir.dtypes import DType
from graphc.ir.types import TensorType, broadcast_shapes
from graphc.ops.combinators import op, ops, per_operand, rng, unary
from graphc.ops.opdef import Attrs, Sample, Scalar, Types


def _target(types: Types, attrs: Attrs) -> TensorType:
    dtype = attrs["dtype"]
    if (dtype is dtypes.string) != (types[0].dtype is dtypes.string):
        raise UnimplementedError(f"cast: {types[0]} to {dtype.name}; use tf.strings")
    return types[0].with_dtype(dtype)


def _cast(x: np.ndarray, dtype: DType) -> np.ndarray:
    if x.dtype.kind == "c" and not dtype.is_complex:
        x = x.real
    if dtype.is_integer and dtypes.of_numpy(x.dtype).is_floating:
        return _to_integer(x, dtype)
    return x.astype(dtype.np, copy=False)


def _to_integer(x: np.ndarray, dtype: DType) -> np.ndarray:
    """Truncation; what does not fit, and NaN, becomes the lowest number in int32 and int64.

    C leaves those open; this is what x86 processors, and so TensorFlow on them, give.
    """
    if dtype not in (dtypes.int32, dtypes.int64):
        return _to_integer(x, dtypes.int64).astype(dtype.np)
    lowest = dtype.np.type(dtype.min)
    if x.size and x.min() >= float(lowest) and x.max() < -float(lowest):  # false with a NaN
        return x.astype(dtype.np)
    wide = x.astype(np.float64)  # exact for every float dtype
    fits = (wide >= float(lowest)) & (wide < -float(lowest))
    return np.where(fits, np.where(fits, wide, 0).astype(dtype.np), lowest)


def _cast_grad(c: Any, g: Any) -> Any:
    return ops.cast(g, dtype=c.x.dtype)


def _cast_samples() -> Iterable[Sample]:
    g = rng()
    x = g.uniform(-9, 9, (3, 4)).astype(np.float32)
    for name in ("float64", "int32", "int64", "int8", "bool", "float16", "bfloat16", "complex64"):
        yield Sample((x,), {"dtype": dtypes.as_dtype(name)}, grad=name == "float64")
    odd = np.array([np.nan, np.inf, -np.inf, 3e9, -3e9, 300, -1], np.float32)
    for dtype in (dtypes.int32, dtypes.int64, dtypes.uint8, dtypes.int16):
        yield Sample((odd,), {"dtype": dtype}, grad=False, exact=True)
    for name in ("int32", "uint8", "bool"):
        yield Sample((np.arange(3).astype(name),), {"dtype": dtypes.float32}, grad=False)
    yield Sample((np.array(2.5, np.float32),), {"dtype": dtypes.int32}, grad=False)


cast = op("cast", "x", _target, _cast, attrs={"dtype": dtypes.float32}, grad=_cast_grad,
          lower=Scalar("cast"), elementwise=True, wide=True, samples=_cast_samples,
          doc="The values in another dtype; floats are truncated to integers.")  # fmt: skip


def _saturate(x: np.ndarray, dtype: DType) -> np.ndarray:
    if dtype.is_bool or x.dtype.kind in "bc":
        return _cast(x, dtype)
    if not dtype.is_integer:  # infinities become the largest numbers, too
        source, target = dtypes.of_numpy(x.dtype), dtype.real_dtype
        low, high = max(source.min, target.min), min(source.max, target.max)
        return _cast(np.clip(x.astype(np.float64), low, high), dtype)
    whole = x if x.dtype.kind in "iu" else np.nan_to_num(x.astype(np.float64), nan=0.0)
    low, high = whole <= dtype.min, whole >= dtype.max
    inside = np.where(low | high, np.zeros_like(whole), whole).astype(dtype.np)
    limits = (dtype.np.type(dtype.min), dtype.np.type(dtype.max))
    return np.where(low, limits[0], np.where(high, limits[1], inside))


def _saturate_samples() -> Iterable[Sample]:
    for x in (np.array([np.nan, 300, -5, 7.9], "f4"), np.array([300, -5, 7], "i4")):
        yield Sample((x,), {"dtype": dtypes.uint8}, grad=False)


saturate_cast = op(
    "saturate_cast", "x", _target, _saturate, attrs={"dtype": dtypes.float32}, grad=_cast_grad,
    elementwise=True, wide=True, samples=_saturate_samples,
    doc="Like cast, but what does not fit becomes the nearest number that does; NaN becomes 0.",
)  # fmt: skip


def _bitcast_type(types: Types, attrs: Attrs) -> TensorType:
    x, dtype = types[0], attrs["dtype"]
    if x.dtype.size != dtype.size:
        raise DTypeError(f"bitcast: {x.dtype.name} and {dtype.name} differ in size")
    return x.with_dtype(dtype)


bitcast = op(
    "bitcast", "x", _bitcast_type, lambda x, dtype: np.array(x, order="C").view(dtype.np),
    attrs={"dtype": dtypes.float32}, grad="bits are not numbers", types=dtypes.FIXED,
    samples=lambda: [Sample((np.arange(4, dtype="i4"),), {"dtype": dtypes.float32}, grad=False)],
    doc="The same bits read as another dtype.",
)  # fmt: skip

# --- complex numbers ------------------------------------------------------------------------------


def _complex_samples() -> Iterable[Sample]:
    yield Sample((np.array([1 + 2j, -3j, 0.5], np.complex64),))
    yield Sample((np.array(1 - 1j, np.complex64),))


conj = unary("conj", np.conj, None, types=dtypes.NUMERIC, grad=lambda c, g: ops.conj(g),
             samples=_complex_samples, doc="Complex conjugate.")  # fmt: skip
real = unary("real", lambda x: np.real(x).copy(), None, types=dtypes.NUMERIC,
             result=lambda d: d.real_dtype, grad=lambda c, g: ops.cast(g, dtype=c.x.dtype),
             samples=_complex_samples, doc="Real part.")  # fmt: skip


def _turned(c: Any, g: Any) -> Any:
    """i g, and nothing for real numbers, which have no imaginary part."""
    if not c.x.dtype.is_complex:
        return ops.zeros_like(g)
    return ops.complex(ops.zeros_like(g), g)


imag = unary("imag", lambda x: np.imag(x).copy(), None, types=dtypes.FIXED,
             result=lambda d: d.real_dtype, grad=_turned, samples=_complex_samples,
             doc="Imaginary part.")  # fmt: skip


def _angle_grad(c: Any, g: Any) -> Any:
    if not c.x.dtype.is_complex:
        return ops.zeros_like(g)
    x, y = ops.real(c.x), ops.imag(c.x)
    norm = x * x + y * y
    return ops.complex(-g * y / norm, g * x / norm)


def _angle(x: np.ndarray) -> np.ndarray:
    if x.dtype.kind == "c":
        return np.angle(x).astype(x.real.dtype)
    return np.where(x < 0, x.dtype.type(np.pi), x.dtype.type(0))  # 0 for NaN, too


angle = unary("angle", _angle, None,
              types=dtypes.DIFFERENTIABLE, result=lambda d: d.real_dtype, grad=_angle_grad,
              samples=_complex_samples, doc="Argument of a complex number.")  # fmt: skip


def _joined(types: Types, attrs: Attrs) -> TensorType:
    dtype = dtypes.complex64 if types[0].dtype is dtypes.float32 else dtypes.complex128
    return TensorType(dtype, broadcast_shapes(types[0].shape, types[1].shape))


def _complex(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    joined = np.empty(np.broadcast_shapes(x.shape, y.shape), np.result_type(x, np.complex64))
    joined.real, joined.imag = x, y
    return joined


complex_ = op(
    "complex", "x y", _joined, _complex, types=frozenset((dtypes.float32, dtypes.float64)),
    grad=per_operand(lambda c, g: ops.real(g), lambda c, g: ops.imag(g)), elementwise=True,
    samples=lambda: [Sample((np.ones(2, "f4"), np.arange(2, dtype="f4"))),
                     Sample((np.ones((2, 1), "f4"), np.ones((), "f4")))],
    doc="A complex number from its parts.",
)  # fmt: skip
