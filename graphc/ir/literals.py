"""Attributes as text: numbers exactly, dims, dtypes, slices, arrays; what has no text says so."""

from __future__ import annotations

import base64
import json
import math
import re
from typing import Any

import numpy as np

from graphc.ir import dtypes
from graphc.ir.dims import FUNCTIONS, Dim
from graphc.ir.dtypes import DType

READABLE_SIZE = 64  # elements; larger arrays are printed as base64
CONSTANTS = {
    "None": None, "True": True, "False": False, "Ellipsis": Ellipsis,
    "nan": math.nan, "inf": math.inf,
}  # fmt: skip
RESERVED = frozenset(CONSTANTS) | frozenset(dtypes.BY_SHORT) | {"slice", "complex", "dim", "bytes"}
_WORD = re.compile(r"[A-Za-z_]\w*")


def quote(text: str) -> str:
    """A string in double quotes, all in ASCII."""
    return json.dumps(text)


def literal(value: Any) -> str:
    """The text of an attribute; `is_opaque` tells whether it can be read back."""
    match value:
        case None | bool():
            return str(value)
        case np.ndarray() | np.generic():
            return _array(np.asarray(value))
        case int():
            return str(value)
        case float():
            return _float(value)
        case complex():
            return f"complex({_float(value.real)}, {_float(value.imag)})"
        case str():
            return quote(value)
        case bytes():
            return f"bytes({quote(base64.b64encode(value).decode())})"
        case tuple():
            return f"({', '.join(map(literal, value))}{',' if len(value) == 1 else ''})"
        case list():
            return f"[{', '.join(map(literal, value))}]"
        case slice():
            return f"slice({literal(value.start)}, {literal(value.stop)}, {literal(value.step)})"
        case DType():
            return value.short
        case Dim():
            return _dim(value)
    return "Ellipsis" if value is Ellipsis else _object(value)


def is_opaque(value: Any) -> bool:
    """Whether an attribute has no text that says all of it: a Python function, say."""
    if isinstance(value, tuple | list):
        return any(map(is_opaque, value))
    if isinstance(value, np.ndarray) and value.dtype == object:
        return not all(isinstance(v, str | bytes) for v in value.reshape(-1))
    return literal(value).startswith("<") if not isinstance(value, np.ndarray) else False


def _dim(value: Dim) -> str:
    text = str(value)
    plain = all(word in FUNCTIONS or word not in RESERVED for word in _WORD.findall(text))
    return text if plain else f"dim({quote(text)})"


def _object(value: Any) -> str:
    if isinstance(value, type):
        return f"{value.__module__}.{value.__qualname__}"
    name = getattr(value, "__qualname__", None) or type(value).__qualname__
    return f"<{name}>".replace("<<", "<").replace(">>", ">")


def _float(value: float) -> str:
    return repr(value)  # inf, -inf, nan and -0.0 are what `read_float` takes


# --- arrays ---------------------------------------------------------------------------------------


def _array(array: np.ndarray) -> str:
    dtype = dtypes.of_numpy(array.dtype)
    if array.dtype == object or dtype.kind == "s":
        return f"{_header(dtype, array)}({_nested(array.tolist(), _text)})"
    array = array.astype(dtype.np, copy=False)  # in the machine's byte order
    if array.size <= READABLE_SIZE and (array.size or array.ndim == 1):
        text = _nested(array.tolist(), _element(dtype))
        if _reads_back(array, dtype):
            return f"{dtype.short}({text})"
    data = base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
    shape = ", ".join(map(str, array.shape))
    return f"{dtype.short}[{shape}]({quote(data)})"


def _text(value: Any) -> str:
    """A string of a tensor: readable if it is text."""
    if isinstance(value, bytes):
        try:
            return quote(value.decode())
        except UnicodeDecodeError:
            pass
    return literal(value)


def _header(dtype: DType, array: np.ndarray) -> str:
    empty = not array.size and array.ndim != 1
    return f"{dtype.short}[{', '.join(map(str, array.shape))}]" if empty else dtype.short


def _nested(value: Any, show: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_nested(v, show) for v in value)}]"
    return show(value)


def _element(dtype: DType) -> Any:
    """How an element is shown: the shortest text that gives the same number."""
    if dtype.is_floating and dtype.size < 8:
        return lambda value: _float(float(str(dtype.np.type(value))))
    return literal


def _reads_back(array: np.ndarray, dtype: DType) -> bool:
    """Whether the shown elements give the same bits (other NaNs than the usual do not)."""
    flat = np.ascontiguousarray(array).reshape(-1)
    if dtype.is_complex:
        flat = flat.view(dtype.real_dtype.np)
    floats = dtype.is_floating or dtype.is_complex
    shown = [float(str(v)) for v in flat] if floats else flat.tolist()
    return np.array(shown, flat.dtype).tobytes() == flat.tobytes()
