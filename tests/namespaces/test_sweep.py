"""Every elementwise function and reduction gives what TensorFlow gives, for every dtype."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest

import graphc as tf
from tests.namespaces import sweep

FUNCTIONS = (*sweep.UNARY, *sweep.BINARY, *sweep.REDUCTIONS, "cast", "saturate_cast")
TOLERANCE = {"float16": 4e-3, "bfloat16": 3e-2, "float32": 1e-5, "complex64": 2e-5}
# Where graphc differs on purpose, and why; docs/operations.md says the same to users.
DIFFERENT = {
    r"reduce_(any|all) (?!bool).* scalar": "TensorFlow lets numbers pass if they are scalars",
    r"saturate_cast .*": "TensorFlow's limits are rounded to the narrower of both dtypes",
    r"unique (float16|bfloat16)": "TensorFlow tells 0 and -0 apart in short floats only",
    r"cast bfloat16 uint(8|16)": "TensorFlow rounds negative bfloat16 to 0, other floats not",
    r"math.erf float64": "TensorFlow gives NaN at infinity",
    r"nn.leaky_relu float64": "TensorFlow keeps alpha in float32",
    r"nn.softmax .*": "with NaN and infinities in one row TensorFlow gives zeros, graphc NaN",
    r"math.log1p complex.*": "TensorFlow gives NaN for the angle of log(0)",
    r"(divide|realdiv|math.xdivy|pow) complex.*": "x/0 and 0^0 are C++'s in TensorFlow",
    r"(sigmoid|math.squared_difference|math.xlogy) complex.*": "not defined for complex numbers",
    r"reduce_mean complex.* empty": "TensorFlow gives 0, for real numbers NaN",
}


@cache
def recorded() -> dict[str, np.ndarray]:
    with np.load(sweep.RECORD) as file:
        held = {key: file[key] for key in file.files}
    short = sweep.numpy_dtype("bfloat16")
    return {k.rstrip("!"): v.astype(short) if k.endswith("!") else v for k, v in held.items()}


def cases(function: str) -> list[tuple[str, Any]]:
    """Keys and arguments of a function for which TensorFlow has a result."""
    found = [(key, args) for key, (f, args) in sweep.lines().items() if f == function]
    return [
        (key, args)
        for key, args in found
        if quote(f"{key}#0") in recorded() and not any(re.fullmatch(p, key) for p in DIFFERENT)
    ]


def expect(key: str, results: list[Any]) -> None:
    for i, result in enumerate(results):
        found, wanted = np.asarray(result.numpy()), recorded()[quote(f"{key}#{i}")]
        assert (found.dtype, found.shape) == (wanted.dtype, wanted.shape), key
        if found.dtype.kind in "fcV":
            wide = np.complex128 if found.dtype.kind == "c" else np.float64
            tolerance = TOLERANCE.get(found.dtype.name, 1e-9)
            np.testing.assert_allclose(
                found.astype(wide), wanted.astype(wide), tolerance, tolerance / 100, err_msg=key
            )
        else:
            np.testing.assert_array_equal(found, wanted, err_msg=key)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_eager_results_are_tensorflows(function: str) -> None:
    for key, args in cases(function):
        expect(key, sweep.call(tf, function, args))


def in_a_graph(function: str, rest: Any) -> Callable[..., Any]:
    return tf.function(lambda *xs: sweep.call(tf, function, (*xs, *rest)), autograph=False)


@pytest.mark.slow
@pytest.mark.parametrize("function", FUNCTIONS)
def test_kernels_give_tensorflows_results(function: str) -> None:
    for key, args in cases(function):
        arrays = [a for a in args if isinstance(a, np.ndarray | np.generic)]
        compiled = in_a_graph(function, args[len(arrays) :])
        expect(key, compiled(*map(tf.constant, arrays)))


def test_what_differs_is_still_different() -> None:
    """A line of the table that is true no more is to be taken out."""

    def differs(key: str) -> bool:
        function, args = sweep.lines()[key]
        try:
            expect(key, sweep.call(tf, function, args))
        except (AssertionError, tf.errors.InvalidArgumentError):
            return True
        return False

    known = [key for key in sweep.lines() if quote(f"{key}#0") in recorded()]
    for pattern in DIFFERENT:
        assert any(differs(key) for key in known if re.fullmatch(pattern, key)), pattern
