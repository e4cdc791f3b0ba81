"""Every elementwise function and reduction, for every dtype, on the values where corners are.

``python -m tests.namespaces.sweep`` (where tensorflow is installed) records what TensorFlow gives
in sweep.npz; where it has no kernel for a dtype, nothing is recorded.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

RECORD = Path(__file__).parent / "sweep.npz"
FLOATS = ("float16", "bfloat16", "float32", "float64")
INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
COMPLEX = ("complex64", "complex128")
DTYPES = ("bool", *INTEGERS, *FLOATS, *COMPLEX)

_REAL = [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.5, 40.0, -40.0, np.inf, -np.inf, np.nan]
_COMPLEX = [0, 1, -1, 2j, 1 + 1j, -0.5 - 2j, 3 - 4j]

UNARY = (
    "abs", "negative", "sign", "square", "math.reciprocal", "sqrt", "math.rsqrt", "floor",
    "math.ceil", "math.rint", "round", "exp", "math.expm1", "math.log", "math.log1p", "sin",
    "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh",
    "sigmoid", "math.softplus", "math.log_sigmoid", "math.erf", "math.erfc", "math.lgamma",
    "math.digamma", "math.is_nan", "math.is_inf", "math.is_finite", "math.conj", "math.real",
    "math.imag", "math.angle", "nn.relu", "nn.relu6", "nn.elu", "nn.selu", "nn.softsign",
    "nn.softmax", "nn.log_softmax", "nn.leaky_relu", "math.reciprocal_no_nan", "math.ndtri",
    "math.erfinv", "bitwise.invert", "logical_not", "zeros_like", "ones_like", "identity",
    "math.bessel_i0e", "math.zero_fraction", "math.count_nonzero", "math.l2_normalize",
    "math.cumsum", "math.cumprod", "math.cumulative_logsumexp", "sort", "argsort", "unique",
    "math.is_non_decreasing", "math.is_strictly_increasing", "transpose",
    "math.invert_permutation",
)  # fmt: skip
BINARY = (
    "add", "subtract", "multiply", "divide", "math.divide_no_nan", "math.floordiv",
    "math.floormod", "truncatediv", "truncatemod", "pow", "maximum", "minimum",
    "math.squared_difference", "less", "less_equal", "greater", "greater_equal", "equal",
    "not_equal", "atan2", "math.xlogy", "math.xlog1py", "math.xdivy", "math.multiply_no_nan",
    "realdiv", "bitwise.bitwise_and", "bitwise.bitwise_or", "bitwise.bitwise_xor",
    "bitwise.left_shift", "bitwise.right_shift", "logical_and", "logical_or", "math.logical_xor",
    "math.nextafter",
)  # fmt: skip
REDUCTIONS = (
    "reduce_sum", "reduce_mean", "reduce_prod", "reduce_max", "reduce_min", "reduce_any",
    "reduce_all", "reduce_logsumexp", "math.reduce_variance", "math.reduce_std",
    "math.reduce_euclidean_norm", "argmax", "argmin",
)  # fmt: skip


def numpy_dtype(name: str) -> Any:
    if name != "bfloat16":
        return np.dtype(name)
    import ml_dtypes

    return np.dtype(ml_dtypes.bfloat16)


def operand(name: str) -> np.ndarray:
    """A vector of a dtype with what is special about it."""
    kind = numpy_dtype(name)
    if name == "bool":
        return np.array([True, False, True])
    if name in INTEGERS:
        info = np.iinfo(kind)
        low = [info.min, -3, -1] if info.min else []
        return np.array([0, 1, 2, 7, *low, info.max], kind)
    with np.errstate(all="ignore"):
        return np.array(_COMPLEX if name in COMPLEX else _REAL).astype(kind)


def pairs(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Every value against every other; integers are not divided by zero, nor shifted too far."""
    x = operand(name)
    y = x[x != 0] if name in INTEGERS else x
    return x[:, None], y


def lines() -> dict[str, tuple[str, Any]]:
    """Key to function and arguments."""
    found: dict[str, tuple[str, Any]] = {}
    for dtype in DTYPES:
        x, y = pairs(dtype)
        for f in UNARY:
            found[f"{f} {dtype}"] = (f, (operand(dtype),))
        for f in BINARY:
            small = dtype in INTEGERS and ("shift" in f or f == "pow")
            found[f"{f} {dtype}"] = (f, (x, (y % 7).astype(y.dtype) if small else y))
        matrix = np.concatenate([operand(dtype), operand(dtype)[::-1]])[: 2 * (len(y) // 2)]
        matrix = matrix.reshape(2, -1)
        for f in REDUCTIONS:
            for axis in (0, 1, None):
                found[f"{f} {dtype} {axis}"] = (f, (matrix, axis))
            if "arg" not in f:
                found[f"{f} {dtype} empty"] = (f, (matrix[:0], 0))
            found[f"{f} {dtype} scalar"] = (f, (matrix[0, 0],))
        for other in DTYPES:
            found[f"cast {dtype} {other}"] = ("cast", (operand(dtype), other))
            found[f"saturate_cast {dtype} {other}"] = ("saturate_cast", (operand(dtype), other))
    return found


def call(tf: Any, name: str, args: Any) -> list[Any]:
    """The results of ``tf.name(*args)``."""
    function = tf
    for part in name.split("."):
        function = getattr(function, part)
    found = function(*(tf.constant(a) if isinstance(a, np.ndarray) else a for a in args))
    return list(found) if isinstance(found, tuple) else [found]


def record() -> None:
    import tensorflow as tf

    held = {}
    for key, (function, args) in lines().items():
        try:
            results = call(tf, function, args)
        except (tf.errors.OpError, TypeError, ValueError, AttributeError):
            continue
        for i, result in enumerate(results):
            value = result.numpy()
            if value.dtype.name == "bfloat16":
                held[quote(f"{key}#{i}") + "!"] = value.astype(np.float32)
            else:
                held[quote(f"{key}#{i}")] = value
    np.savez_compressed(RECORD, **held)


if __name__ == "__main__":
    record()
