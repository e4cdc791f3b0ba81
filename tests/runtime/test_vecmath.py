"""The vector maths: errors in units in the last place, special values, vectorisation."""

from __future__ import annotations

import math
import platform
import re
from collections.abc import Callable

import numpy as np
import pytest

from graphc.runtime import loader, vecmath
from graphc.runtime.native import Native
from tests.runtime.kernels import elementwise, loop, run

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
Function = Callable[[np.ndarray], np.ndarray]
TYPES = (np.float32, np.float64)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + e), e / (1 + e))


def _softplus(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def _erf(x: np.ndarray) -> np.ndarray:
    # itself good to 1 ulp of f64, which the bound allows for
    return np.array([math.erf(v) for v in x.astype(np.float64).tolist()])


# name -> the function on wide floats, bounds in ulp (f32, f64)
FUNCTIONS: dict[str, tuple[Function, tuple[float, float]]] = {
    "exp": (np.exp, (1.1, 1.1)),
    "expm1": (np.expm1, (2.0, 2.0)),
    "log": (np.log, (1.0, 1.0)),
    "log1p": (np.log1p, (2.0, 2.0)),
    "tanh": (np.tanh, (3.0, 3.0)),
    "sinh": (np.sinh, (3.0, 3.0)),
    "cosh": (np.cosh, (3.0, 3.0)),
    "asinh": (np.arcsinh, (2.2, 2.2)),
    "acosh": (np.arccosh, (2.2, 2.2)),
    "atanh": (np.arctanh, (3.0, 3.0)),
    "sigmoid": (_sigmoid, (3.0, 3.0)),
    "softplus": (_softplus, (2.5, 2.5)),
    "erf": (_erf, (1.2, 2.2)),
    "sin": (np.sin, (0.6, 1.0)),
    "cos": (np.cos, (0.6, 1.0)),
    "tan": (np.tan, (0.6, 1.0)),
    "asin": (np.arcsin, (1.0, 1.0)),
    "acos": (np.arccos, (1.0, 1.0)),
    "atan": (np.arctan, (1.0, 1.0)),
    "rsqrt": (lambda x: 1 / np.sqrt(x), (1.6, 1.6)),
    "sqrt": (np.sqrt, (0.5, 0.5)),
}
_BOTH = "exp expm1 log log1p tanh sinh cosh asinh acosh atanh sigmoid softplus erf rsqrt sqrt"
VECTORISED = {
    np.float32: f"{_BOTH} sin cos tan",
    np.float64: _BOTH,
}


def inputs(kind: type) -> np.ndarray:
    """Numbers of every size, dense where functions bend, and the special ones."""
    rng = np.random.default_rng(0)
    n, info = 20_000, np.finfo(kind)
    parts = [rng.uniform(-a, a, n) for a in (1e-3, 1, 6, 40, 800)]
    for sign in (1, -1):
        parts.append(sign * np.exp2(rng.uniform(-45, 45, n)))
        parts.append(sign * np.exp2(rng.uniform(info.minexp - info.nmant, info.maxexp, n)))
    edges = [0.0, info.tiny, info.smallest_subnormal, info.max, np.inf, 1.0, 0.5, 0.9, 0.9277344]
    edges += [22.0, 87.3, 88.72, 88.73, 89.4, 103.2, 103.98, 104.1, 709.78, 709.79, 710.4, 744.4]
    edges += [745.2, 746, 2.0**19, 2.0**28]
    parts.append(np.array([s * e for s in (1, -1) for e in edges] + [np.nan]))
    return np.concatenate(parts).astype(kind)


def ulps(found: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """How many units in the last place the finite results are off."""
    rounded = wanted.astype(found.dtype)
    finite = np.isfinite(rounded)
    unit = np.spacing(np.abs(rounded[finite])).astype(np.longdouble)
    return np.abs((found[finite].astype(np.longdouble) - wanted[finite]) / unit)


def same(found: np.ndarray, wanted: np.ndarray) -> bool:
    """Equal where the wanted result is not finite or zero, with its sign."""
    special = ~np.isfinite(wanted) | (wanted == 0)
    a, b = found[special], wanted[special]
    return bool(np.array_equal(a, b, equal_nan=True)) and bool(
        np.all((np.signbit(a) == np.signbit(b)) | np.isnan(b))
    )


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_errors_are_within_the_bounds(name: str, kind: type) -> None:
    function, bounds = FUNCTIONS[name]
    x = inputs(kind)
    found = elementwise(f"{name}_{'f32' if kind is np.float32 else 'f64'}(x[i])", x)
    wide = np.float64 if kind is np.float32 else np.longdouble
    wanted = function(x.astype(wide)).astype(np.longdouble)
    error = ulps(found, wanted)
    bound = bounds[kind is np.float64]
    worst = x[np.isfinite(wanted.astype(kind))][np.argmax(error)]
    assert np.max(error) <= bound, f"{name}({worst!r}) is {np.max(error):.2f} ulp off"
    assert same(found, wanted.astype(kind)), name


@pytest.mark.parametrize("kind", TYPES)
def test_pow_and_its_special_cases(kind: type) -> None:
    some = [0.0, 1, 2, 3, 0.5, 2.5, np.inf, 1e-40, 1e-38, 1e38, 16777215, 16777216, 1.0000001]
    special = np.array([s * v for s in (1, -1) for v in some] + [np.nan], kind)
    rng = np.random.default_rng(0)
    x, y = (a.ravel() for a in np.meshgrid(special, special))
    x = np.concatenate([x, np.exp(rng.uniform(-20, 20, 10_000))]).astype(kind)
    y = np.concatenate([y, rng.uniform(-5, 5, 10_000)]).astype(kind)
    found = elementwise(f"pow_{'f32' if kind is np.float32 else 'f64'}(x[i], y[i])", x, y)
    wide = np.float64 if kind is np.float32 else np.longdouble
    wanted = np.power(x.astype(wide), y.astype(wide)).astype(np.longdouble)
    assert np.max(ulps(found, wanted)) <= 1.0
    assert same(found, wanted.astype(kind))


@pytest.mark.parametrize("kind", TYPES)
def test_loops_over_them_are_vectorised(kind: type) -> None:
    short = "f32" if kind is np.float32 else "f64"
    scalar = []
    for name in VECTORISED[kind].split():
        code = loader.record(loop(f"{name}_{short}(x[i])", short, short)).llvm()
        if not re.search(rf"<\d+ x {'float' if kind is np.float32 else 'double'}>", code):
            scalar.append(name)
    assert not scalar


def test_pow_and_maximum_are_vectorised() -> None:
    for expression in (
        "pow_f32(x[i], y[i])",
        "maximum_f32(x[i], y[i])",
        "x[i] if x[i] > y[i] else y[i]",
    ):
        assert "x float>" in loader.record(loop(expression, "f32", "f32")).llvm(), expression


def test_the_machine_code_has_packed_instructions() -> None:
    code = loader.record(loop("exp_f32(x[i])", "f32", "f32")).assembly()
    if "86" not in platform.machine():
        pytest.skip("the names of instructions are x86's")
    assert re.search(r"\bv?f?(?:mul|add|madd\d+)ps\b", code)


def test_f32_kernels_do_not_compute_in_f64() -> None:
    for name in ["exp", "log", "tanh", "sigmoid", "erf", "softplus"]:
        code = loader.record(loop(f"{name}_f32(x[i])", "f32", "f32")).llvm()
        assert not re.search(r"fpext|x double>|f(?:add|mul|sub) \w* ?double", code), name


def test_reassociated_sums_are_vectorised() -> None:
    text = """def kernel(slots, row):
    x = ptr_f32(slots[row[0]])
    total = f32(0)
    for i in range(slots[row[2]]):
        total = radd_f32(total, x[i])
    ptr_f32(slots[row[1]])[0] = total
    return 0
"""
    assert "x float>" in loader.record(text).llvm()


def test_storage_formats_round_as_numpy_and_ml_dtypes() -> None:
    import ml_dtypes

    x = inputs(np.float32)
    x = np.concatenate([x, np.arange(0, 2**32, 65537, np.int64).astype(np.uint32).view(np.float32)])
    for short, kind in (("f16", np.float16), ("bf16", ml_dtypes.bfloat16)):
        text = loop(f"{short}_from_f32(x[i])", "f32", "u16")
        out = np.zeros(len(x), np.uint16)
        assert run(text, x, out, len(x)) == 0
        wanted = x.astype(kind)
        numbers = ~np.isnan(x)
        assert np.array_equal(out[numbers], wanted.view(np.uint16)[numbers])
        back = np.zeros(len(x), np.float32)
        assert run(loop(f"f32_from_{short}(x[i])", "u16", "f32"), out, back, len(x)) == 0
        assert np.array_equal(back, wanted.astype(np.float32), equal_nan=True)


SCALARS = [
    f for name, f in vecmath.FUNCTIONS.items()
    if name.endswith(("_f32", "_f64")) and "from" not in name
]  # fmt: skip


@pytest.mark.parametrize("function", SCALARS, ids=lambda f: f.name)
def test_kernels_mean_the_same_as_python(function: Native) -> None:
    kind = np.float32 if function.name.endswith("f32") else np.float64
    x = np.array([0.3, 0.9, 1.7, 2.0, 5.5], kind)
    y = np.array([1.5, -0.5, 2.0, 3.0, 0.25], kind)
    operands = len(next(iter(function.cases)))
    expression = f"{function.name}(x[i]{', y[i]' if operands == 2 else ''})"
    found = elementwise(expression, x, y if operands == 2 else None)
    wanted = [function(*pair[:operands]) for pair in zip(x, y, strict=True)]
    assert np.allclose(found, np.array(wanted, kind), rtol=1e-6, equal_nan=True)
