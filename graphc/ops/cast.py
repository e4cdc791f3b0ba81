"""Changes of dtype, and the parts of complex numbers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from graphc.errors import DTypeError
from graphc.ir import dtypes
from graphc.ir.dtypes import DType
from graphc.ir.types import TensorType
from graphc.ops.combinators import binary, op, ops, rng, unary
from graphc.ops.opdef import Attrs, Sample, Scalar, Types


def _target(types: Types, attrs: Attrs) -> TensorType:
    dtype = attrs["dtype"]
    if (dtype is dtypes.string) != (types[0].dtype is dtypes.string):
        raise DTypeError(f"cast: {types[0]} cannot be cast to {dtype.name}; use tf.strings")
    return types[0].with_dtype(dtype)


def _cast(x: np.ndarray, dtype: DType) -> np.ndarray:
    if x.dtype.kind == "c" and not dtype.is_complex:
        x = x.real
    if dtype.is_integer and x.dtype.kind == "f":
        return _to_integer(x, dtype)
    return x.astype(dtype.np)


def _to_integer(x: np.ndarray, dtype: DType) -> np.ndarray:
    """Truncation; what does not fit, and NaN, becomes the lowest number in int32 and int64.

    The C language leaves those open; this is what x86 processors and TensorFlow on them give.
    """
    if dtype in (dtypes.int32, dtypes.int64):
        whole = np.trunc(x)
        fits = (whole >= float(dtype.min)) & (whole < -float(dtype.min))
        return np.where(fits, whole, 0).astype(dtype.np) + np.where(fits, 0, dtype.min).astype(dtype.np)
    return _to_integer(x, dtypes.int64).astype(dtype.np)


def _cast_grad(c: Any, g: Any) -> Any:
    source = c.x.dtype
    return ops.cast(g, dtype=source) if source.is_differentiable else None


def _cast_samples() -> Iterable[Sample]:
    g = rng()
    x = g.uniform(-9, 9, (3, 4)).astype(np.float32)
    for name in ("float64", "int32", "int64", "int8", "bool", "float16", "bfloat16", "complex64"):
        yield Sample((x,), {"dtype": dtypes.as_dtype(name)}, grad=name == "float64")
    odd = np.array([np.nan, np.inf, -np.inf, 3e9, -3e9], np.float32)
    yield Sample((odd,), {"dtype": dtypes.int32}, grad=False)
    for name in ("int32", "uint8", "bool"):
        yield Sample((np.arange(3).astype(name),), {"dtype": dtypes.float32}, grad=False)


cast = op("cast", "x", _target, _cast, attrs={"dtype": dtypes.float32}, grad=_cast_grad,
          types=dtypes.ANY, lower=Scalar("cast"), elementwise=True, samples=_cast_samples,
          doc="The values in another dtype; floats are truncated to integers.")  # fmt: skip


def _saturate(x: np.ndarray, dtype: DType) -> np.ndarray:
    if dtype.is_integer and x.dtype.kind in "iuf":
        x = np.nan_to_num(x, nan=0.0) if x.dtype.kind == "f" else x
        high, low = x >= float(dtype.max), x <= float(dtype.min)
        inside = np.where(high | low, 0, x).astype(dtype.np)
        return np.where(high, dtype.np.type(dtype.max), np.where(low, dtype.np.type(dtype.min), inside))
    return _cast(x, dtype)


saturate_cast = op(
    "saturate_cast", "x", _target, _saturate, attrs={"dtype": dtypes.float32}, grad=_cast_grad,
    samples=lambda: [Sample((np.array([300.0, -5.0, 7.0], "f4"),), {"dtype": dtypes.uint8}, grad=False)],
    doc="Like cast, but what does not fit becomes the nearest number that does.",
)  # fmt: skip


def _bitcast_type(types: Types, attrs: Attrs) -> TensorType:
    if types[0].dtype.size != attrs["dtype"].size:
        raise DTypeError(f"bitcast: {types[0].dtype.name} and {attrs['dtype'].name} differ in size")
    return types[0].with_dtype(attrs["dtype"])


bitcast = op("bitcast", "x", _bitcast_type, lambda x, dtype: np.ascontiguousarray(x).view(dtype.np).reshape(x.shape),
             attrs={"dtype": dtypes.float32}, grad="bits are not numbers",
             samples=lambda: [Sample((np.arange(4, dtype=np.int32),), {"dtype": dtypes.float32}, grad=False)],
             doc="The same bits read as another dtype.")  # fmt: skip


# --- complex ----------------------------------------------------------------------------------------


def _complex_samples() -> Iterable[Sample]:
    yield Sample((np.array([1 + 2j, -3j], np.complex64),), grad=False)
    yield Sample((np.array([1.0, -2.0], np.float32),), grad=True)


def _real_type(dtype: DType) -> DType:
    return dtype.real_dtype


def _to_complex(g: Any, like: Any) -> Any:
    return ops.cast(g, dtype=like.dtype) if like.dtype.is_complex else g


conj = unary("conj", np.conj, None, types=dtypes.NUMERIC, grad=lambda c, g: ops.conj(g),
             samples=_complex_samples, doc="Complex conjugate.")  # fmt: skip
real = unary("real", lambda x: np.real(x).copy(), None, types=dtypes.NUMERIC, result=_real_type,
             grad=lambda c, g: _to_complex(g, c.x), samples=_complex_samples,
             doc="Real part.")  # fmt: skip
imag = unary("imag", lambda x: np.imag(x).copy(), None, types=dtypes.NUMERIC, result=_real_type,
             grad=lambda c, g: _to_complex(g, c.x) * 1j if c.x.dtype.is_complex else g * 0,
             samples=lambda: [Sample((np.array([1 + 2j], np.complex64),), grad=False)],
             doc="Imaginary part.")  # fmt: skip
angle = unary("angle", lambda x: np.angle(x).astype(np.real(x).dtype), None, result=_real_type,
              types=dtypes.DIFFERENTIABLE, grad="not among the gradients yet",
              samples=lambda: [Sample((np.array([1 + 2j, -1j], np.complex64),), grad=False)],
              doc="Argument of a complex number.")  # fmt: skip


def _joined(dtype: DType) -> DType:
    return dtypes.complex64 if dtype is dtypes.float32 else dtypes.complex128


complex_ = binary(
    "complex", lambda x, y: np.asarray(x + 1j * y, np.result_type(x.dtype, np.complex64)), None,
    types=frozenset((dtypes.float32, dtypes.float64)), result=_joined,
    grad=lambda c, g: (ops.real(g), ops.imag(g)),
    samples=lambda: [Sample((np.ones(2, "f4"), np.arange(2, dtype="f4")), grad=False)],
    doc="A complex number from its parts.",
)  # fmt: skip
