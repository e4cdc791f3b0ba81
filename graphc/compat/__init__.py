"""``tf.compat``: text in all its forms, and TensorFlow 1's static graphs (``tf.compat.v1``)."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

import numpy as np

bytes_or_text_types = (bytes, str)
complex_types = (complex, np.complexfloating)
integral_types = (int, np.integer)
real_types = (int, float, np.integer, np.floating)


def as_text(bytes_or_text: Any, encoding: str = "utf-8") -> str:
    """Bytes or text as text.  Raises ``TypeError`` for anything else."""
    if isinstance(bytes_or_text, bytes):
        return bytes_or_text.decode(encoding)
    if isinstance(bytes_or_text, str):
        return bytes_or_text
    raise TypeError(f"Expected binary or unicode string, got {bytes_or_text!r}")


as_str = as_text


def as_bytes(bytes_or_text: Any, encoding: str = "utf-8") -> bytes:
    """Bytes or text as bytes.  Raises ``TypeError`` for anything else."""
    if isinstance(bytes_or_text, bytes | bytearray):
        return bytes(bytes_or_text)
    return as_text(bytes_or_text).encode(encoding)


def as_str_any(value: Any, encoding: str = "utf-8") -> str:
    """Text of bytes, text or any object."""
    return as_text(value, encoding) if isinstance(value, bytes) else str(value)


def path_to_str(path: Any) -> Any:
    """A path object as text."""
    return as_str_any(os.fspath(path)) if hasattr(path, "__fspath__") else path


def dimension_value(dimension: Any) -> Any:
    """A dimension as a number or None: TensorFlow 1 had a class for it."""
    return getattr(dimension, "value", dimension)


def dimension_at_index(shape: Any, index: int) -> Any:
    return shape[index]


def forward_compatible(year: int, month: int, day: int) -> bool:
    """True: programs are not exchanged with older versions."""
    return True


def __getattr__(name: str) -> Any:
    if name in ("v1", "v2"):  # lazy: they are the whole library again
        return import_module("graphc.compat.v1" if name == "v1" else "graphc")
    raise AttributeError(f"module 'graphc.compat' has no attribute {name!r}")
