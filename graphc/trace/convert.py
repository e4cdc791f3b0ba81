"""Python and numpy values to arrays, with TensorFlow's dtype rules for weak values."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.errors import DTypeError
from graphc.ir import dtypes
from graphc.ir.dtypes import DType

# Python numbers and lists take the dtype of the tensor they meet, if their kind allows it.
_FITS = {"b": "b", "i": "iufc", "u": "iufc", "f": "fc", "c": "c", "O": "s", "U": "s", "S": "s"}


def to_array(value: Any, dtype: DType | None = None, hint: DType | None = None) -> np.ndarray:
    """A new array holding ``value``.

    ``dtype`` must be met (``DTypeError`` if it cannot); ``hint`` is taken if the kind of value
    allows it. Without either, Python ints become int32 (int64 if they do not fit), floats float32,
    and numpy arrays keep their dtype.
    """
    plain = type(value)
    if plain is float or plain is int:
        quick = _number(value, dtype or hint)
        if quick is not None:
            return quick
    if isinstance(value, np.ndarray | np.generic):
        array = np.asarray(value)
    else:
        array = _from_python(value)
        if dtype is None and hint is None:
            return _default(array)
    want = dtype or hint
    if want is None:
        return _native(array)
    if _kind_fits(array, want):
        return _checked_cast(array, want)
    if dtype is not None:
        raise DTypeError(f"cannot convert {_brief(value)} to a tensor of dtype {dtype.name}")
    return _native(array) if isinstance(value, np.ndarray | np.generic) else _default(array)


def _number(value: float, want: DType | None) -> np.ndarray | None:
    """The common case: a Python number as a scalar of a numeric dtype."""
    if type(value) is float:
        if want is None:
            return np.array(value, np.float32)
        return np.array(value, want.np) if want.kind == "f" else None
    if want is None or want.kind not in "fi":
        return None
    if want.kind == "i" and not want.min <= value <= want.max:
        return None
    return np.array(value, want.np)


def _from_python(value: Any) -> np.ndarray:
    if isinstance(value, str | bytes):
        return dtypes.encoded(value)
    if hasattr(value, "__array__") and not isinstance(value, list | tuple):
        return np.asarray(value)
    try:
        array = np.asarray(value)
    except OverflowError as error:
        raise DTypeError(f"{_brief(value)} does not fit any integer dtype") from error
    except UnicodeDecodeError:  # text and bytes
        return dtypes.encoded(value)
    except ValueError as error:
        raise ValueError(
            f"cannot convert {_brief(value)} to a tensor: the rows differ in length"
        ) from error
    if array.dtype.kind in "US":
        return dtypes.encoded(value)
    if array.dtype == object:
        raise DTypeError(  # TF: a ValueError; Python: a TypeError
            f"Attempt to convert a value ({_brief(value)}) with an unsupported type"
            f" ({type(value)}) to a Tensor."
        )
    return array


def _default(array: np.ndarray) -> np.ndarray:
    """Python's numbers in TensorFlow's default dtypes."""
    if array.dtype.kind == "i":
        info = np.iinfo(np.int32)
        if array.size and (array.min() < info.min or array.max() > info.max):
            return array.astype(np.int64, copy=False)
        return array.astype(np.int32)
    if array.dtype.kind == "u" and array.dtype.itemsize == 8:
        raise DTypeError(f"{_brief(array)} does not fit int32; give a dtype such as tf.uint64")
    if array.dtype == np.float64:
        return array.astype(np.float32)
    return _native(array)


def _native(array: np.ndarray) -> np.ndarray:
    """Keep the dtype; copy, because the user may change the array later."""
    held = dtypes.of_numpy(array.dtype)
    if held is dtypes.string:
        return dtypes.encoded(array)
    # ascontiguousarray would turn 0-d arrays into 1-d ones
    return np.array(array, dtype=held.np, order="C", copy=True)


def _kind_fits(array: np.ndarray, want: DType) -> bool:
    if array.size == 0 and array.dtype == np.float64:
        return True  # [] has no kind
    kinds = _FITS.get(array.dtype.kind)
    if kinds is None:
        kinds = "f" if array.dtype.name == "bfloat16" else ""
    return want.kind in kinds


def _checked_cast(array: np.ndarray, want: DType) -> np.ndarray:
    between_ints = want.is_integer and array.dtype.kind in "iu" and array.size
    if between_ints and (int(array.min()) < want.min or int(array.max()) > want.max):
        raise DTypeError(f"{_brief(array)} does not fit {want.name}")
    if want is dtypes.string:
        return dtypes.encoded(array)
    return np.array(array, dtype=want.np, order="C", copy=True)


def _brief(value: Any) -> str:
    text = repr(value.tolist() if isinstance(value, np.ndarray) else value)
    return text if len(text) <= 60 else text[:57] + "..."
