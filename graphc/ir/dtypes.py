"""The table of element types, with TensorFlow's names and properties."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class DType:
    """An element type: ``tf.float32``, ``tf.int64``, ...

    Equal to its name and to the numpy type it stands for, as in TensorFlow (``tf.DType``).
    """

    name: str
    short: str  # as the IR prints it: f32, i64, b1
    kind: str  # b(ool) i(nt) u(int) f(loat) c(omplex) s(tring)
    size: int  # bytes an element; 0 for strings, which live on the host only
    storage_only: bool = False  # kernels load and store it, but compute in f32
    _numpy: Any = field(default=None, repr=False)

    @property
    def as_numpy_dtype(self) -> type:
        return self.np.type

    @property
    def np(self) -> np.dtype:
        """The numpy dtype that holds it."""
        if self._numpy is None:  # lazy: only bfloat16 needs ml_dtypes
            import ml_dtypes

            object.__setattr__(self, "_numpy", np.dtype(ml_dtypes.bfloat16))
        return self._numpy

    is_bool = property(lambda self: self.kind == "b")
    is_floating = property(lambda self: self.kind == "f")
    is_complex = property(lambda self: self.kind == "c")
    is_integer = property(lambda self: self.kind in "iu")
    is_unsigned = property(lambda self: self.kind == "u")
    is_numeric = property(lambda self: self.kind in "iufc")
    is_differentiable = property(lambda self: self.kind in "fc")
    base_dtype = property(lambda self: self)

    @property
    def real_dtype(self) -> DType:
        """The type of the real part."""
        return {complex64: float32, complex128: float64}.get(self, self)

    @property
    def min(self) -> Any:
        return self._limit("min")

    @property
    def max(self) -> Any:
        return self._limit("max")

    @property
    def limits(self) -> tuple[Any, Any]:
        return self.min, self.max

    def _limit(self, which: str) -> Any:
        if self.is_bool:
            return which == "max"
        if self.is_integer:
            return getattr(np.iinfo(self.np), which)
        if self.is_floating:
            return getattr(_finfo(self), which)
        raise TypeError(f"{self.name} has no {which}imum")

    def is_compatible_with(self, other: Any) -> bool:
        return self == other

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if other is None or isinstance(other, DType):
            return False
        try:
            return as_dtype(other) is self
        except TypeError:
            return False

    def __hash__(self) -> int:
        return hash(self.name)

    def __reduce__(self) -> tuple[Any, ...]:
        return as_dtype, (self.name,)

    def __repr__(self) -> str:
        return f"tf.{self.name}"

    def __str__(self) -> str:
        return f"<dtype: '{self.name}'>"


def _finfo(dtype: DType) -> Any:
    if dtype is bfloat16:
        import ml_dtypes  # lazy: optional at start-up

        return ml_dtypes.finfo(dtype.np)
    return np.finfo(dtype.np)


def _of(np_type: type, short: str, kind: str, **more: Any) -> DType:
    held = np.dtype(np_type)
    return DType(held.name, short, kind, held.itemsize, _numpy=held, **more)


bool_ = _of(np.bool_, "b1", "b")
int8, int16 = _of(np.int8, "i8", "i"), _of(np.int16, "i16", "i")
int32, int64 = _of(np.int32, "i32", "i"), _of(np.int64, "i64", "i")
uint8, uint16 = _of(np.uint8, "u8", "u"), _of(np.uint16, "u16", "u")
uint32, uint64 = _of(np.uint32, "u32", "u"), _of(np.uint64, "u64", "u")
float16 = _of(np.float16, "f16", "f", storage_only=True)
bfloat16 = DType("bfloat16", "bf16", "f", 2, storage_only=True)
float32, float64 = _of(np.float32, "f32", "f"), _of(np.float64, "f64", "f")
complex64, complex128 = _of(np.complex64, "c64", "c"), _of(np.complex128, "c128", "c")
string = DType("string", "str", "s", 0, _numpy=np.dtype(object))
python = DType("python", "py", "o", 0, _numpy=np.dtype(object))  # any object of Python's, boxed

ALL: tuple[DType, ...] = (
    bool_, int8, int16, int32, int64, uint8, uint16, uint32, uint64,
    float16, bfloat16, float32, float64, complex64, complex128, string,
)  # fmt: skip
INTEGERS = frozenset(d for d in ALL if d.is_integer)
FLOATS = frozenset(d for d in ALL if d.is_floating)
COMPLEXES = frozenset(d for d in ALL if d.is_complex)
DIFFERENTIABLE = FLOATS | COMPLEXES
NUMERIC = INTEGERS | FLOATS | COMPLEXES
REALS = INTEGERS | FLOATS
SIGNED = frozenset(d for d in NUMERIC if not d.is_unsigned)
FIXED = frozenset(d for d in ALL if d is not string)
ANY = frozenset(ALL)
BOOLS = frozenset((bool_,))

BY_SHORT = {d.short: d for d in (*ALL, python)}
BY_NUMPY: dict[np.dtype, DType] = {d._numpy: d for d in ALL if d._numpy is not None}
_BY_NAME = {d.name: d for d in ALL} | {
    "float": float32, "double": float64, "half": float16, "int": int32, "str": string,
}  # fmt: skip
_BY_PYTHON = {bool: bool_, int: int32, float: float32, complex: complex128, str: string,
              bytes: string}  # fmt: skip


def of_numpy(held: np.dtype) -> DType:
    """The DType of a numpy dtype; ``TypeError`` where graphc has none."""
    found = BY_NUMPY.get(held)
    if found is not None:
        return found
    if held.kind in "SUT" or held.kind == "O":
        return string
    if held.name == "bfloat16":
        BY_NUMPY[held] = bfloat16
        return bfloat16
    if held.byteorder in "<>":
        return of_numpy(held.newbyteorder("="))
    raise TypeError(f"graphc has no dtype for numpy's {held}")


def encoded(texts: Any) -> np.ndarray:
    """Strings as an array of bytes objects, which is how tensors hold them."""
    array = np.asarray(texts, object)
    flat = [v.encode() if isinstance(v, str) else v for v in array.reshape(-1)]
    if not all(isinstance(v, bytes) for v in flat):
        raise TypeError("a tensor of strings holds str and bytes only")
    held = np.empty(len(flat), object)
    held[:] = flat
    return held.reshape(array.shape)


def as_dtype(value: Any) -> DType:
    """Convert a DType, a name, a Python or numpy type to a DType (TF: ``tf.as_dtype``)."""
    if isinstance(value, DType):
        return value
    if isinstance(value, str) and value in _BY_NAME:
        return _BY_NAME[value]
    if isinstance(value, type) and value in _BY_PYTHON:
        return _BY_PYTHON[value]
    if isinstance(getattr(value, "dtype", None), DType):
        return value.dtype
    if value is None:
        raise TypeError("None is not a dtype")
    try:
        return of_numpy(np.dtype(value))
    except TypeError:
        raise TypeError(f"{value!r} is not a dtype") from None
