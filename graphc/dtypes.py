"""``tf.dtypes``: element types and conversions between them."""

from __future__ import annotations

from graphc.api.create import complex
from graphc.api.shapes import cast, saturate_cast
from graphc.ir.dtypes import (
    DType,
    as_dtype,
    bfloat16,
    complex64,
    complex128,
    float16,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    string,
    uint8,
    uint16,
    uint32,
    uint64,
)  # fmt: skip
from graphc.ir.dtypes import bool_ as bool
from graphc.ir.dtypes import float16 as half
from graphc.ir.dtypes import float64 as double

__all__ = [
    "DType",
    "as_dtype",
    "bfloat16",
    "bool",
    "cast",
    "complex",
    "complex64",
    "complex128",
    "double",
    "float16",
    "float32",
    "float64",
    "half",
    "int8",
    "int16",
    "int32",
    "int64",
    "saturate_cast",
    "string",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
]  # fmt: skip
