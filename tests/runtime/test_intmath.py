"""Integer arithmetic, comparisons and the tests of floats agree with numpy and never trap."""

from __future__ import annotations

import numpy as np
import pytest

from graphc.runtime import intmath
from tests.runtime.kernels import SHORT, elementwise

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
INTEGERS = [np.dtype(f"{k}{n}") for k in "iu" for n in (1, 2, 4, 8)]
FLOATS = [np.dtype(np.float32), np.dtype(np.float64)]


def pairs(kind: np.dtype) -> tuple[np.ndarray, np.ndarray]:
    if kind.kind == "f":
        values = np.array(
            [0, -0.0, 1, -1, 2.5, -2.5, 7, -7, 0.1, 1e30, np.inf, -np.inf, np.nan], kind
        )
    else:
        info = np.iinfo(kind)
        middle = [v for v in (-7, -3, -2, -1, 0, 1, 2, 3, 5, 7, 8, 31) if info.min <= v <= info.max]
        values = np.array([info.min, info.min + 1, *middle, info.max - 1, info.max], kind)
    x, y = np.meshgrid(values, values)
    return x.ravel(), y.ravel()


def exact(found: np.ndarray, wanted: np.ndarray) -> None:
    assert np.array_equal(found, wanted.astype(found.dtype), equal_nan=found.dtype.kind == "f")


@pytest.mark.parametrize("kind", INTEGERS + FLOATS, ids=str)
@pytest.mark.parametrize("name", ["maximum", "minimum"])
def test_extremes_propagate_nan(name: str, kind: np.dtype) -> None:
    x, y = pairs(kind)
    wanted = getattr(np, name)(x, y)
    exact(elementwise(f"{name}(x[i], y[i])", x, y), wanted)
    exact(elementwise(f"{name}_{SHORT[kind]}(x[i], y[i])", x, y), wanted)


@pytest.mark.parametrize("kind", FLOATS, ids=str)
def test_pythons_max_and_min(kind: np.dtype) -> None:
    x, y = pairs(kind)
    exact(elementwise("max(x[i], y[i])", x, y), np.where(y > x, y, x))
    exact(elementwise("min(x[i], y[i])", x, y), np.where(y < x, y, x))


DIVISIONS = {
    "floor_divide": np.floor_divide, "floor_modulo": np.mod, "truncate_modulo": np.fmod,
}  # fmt: skip


@pytest.mark.parametrize("kind", INTEGERS + FLOATS, ids=str)
@pytest.mark.parametrize("name", DIVISIONS)
def test_division_as_numpy(name: str, kind: np.dtype) -> None:
    x, y = pairs(kind)
    exact(elementwise(f"{name}(x[i], y[i])", x, y), DIVISIONS[name](x, y))


@pytest.mark.parametrize("kind", INTEGERS, ids=str)
def test_truncating_division(kind: np.dtype) -> None:
    x, y = pairs(kind)
    whole = [int(abs(int(a)) // abs(int(b))) * (1 if (a < 0) == (b < 0) else -1) if b else 0
             for a, b in zip(x, y, strict=True)]  # fmt: skip
    bits = 8 * kind.itemsize
    wrapped = (
        np.array([v % 2**bits for v in whole], np.uint64).astype(f"u{kind.itemsize}").view(kind)
    )
    exact(elementwise("truncate_divide(x[i], y[i])", x, y), wrapped)


@pytest.mark.parametrize("kind", INTEGERS, ids=str)
def test_shifts_of_any_width(kind: np.dtype) -> None:
    x, y = pairs(kind)
    amounts = y[y >= 0]
    x = x[y >= 0]
    exact(elementwise("shift_left(x[i], y[i])", x, amounts), np.left_shift(x, amounts))
    exact(elementwise("shift_right(x[i], y[i])", x, amounts), np.right_shift(x, amounts))


@pytest.mark.parametrize("kind", INTEGERS, ids=str)
def test_integer_powers_wrap(kind: np.dtype) -> None:
    x, y = pairs(kind)
    x, y = x[(y >= 0) & (y < 40)], y[(y >= 0) & (y < 40)]
    exact(elementwise("power(x[i], y[i])", x, y), np.power(x, y))


@pytest.mark.parametrize("kind", INTEGERS + FLOATS, ids=str)
def test_sign(kind: np.dtype) -> None:
    x, _ = pairs(kind)
    exact(elementwise("sign(x[i])", x), np.sign(x))


@pytest.mark.parametrize("kind", FLOATS, ids=str)
@pytest.mark.parametrize("name", ["isnan", "isinf", "isfinite"])
def test_tests_of_floats(name: str, kind: np.dtype) -> None:
    x, _ = pairs(kind)
    assert np.array_equal(elementwise(f"{name}(x[i])", x, result="b1"), getattr(np, name)(x))


@pytest.mark.parametrize("kind", FLOATS, ids=str)
def test_rounding_halves_to_even(kind: np.dtype) -> None:
    x = np.array([0.5, 1.5, 2.5, -0.5, -1.5, 1e20, np.inf, np.nan, -0.0], kind)
    found = elementwise(f"rint_{SHORT[kind]}(x[i])", x)
    exact(found, np.rint(x))
    assert np.array_equal(np.signbit(found), np.signbit(np.rint(x)))


OPERATORS = {
    "abs(x[i])": np.abs, "-x[i]": np.negative, "x[i] + y[i]": np.add, "x[i] - y[i]": np.subtract,
    "x[i] * y[i]": np.multiply, "x[i] // y[i]": np.floor_divide, "x[i] % y[i]": np.mod,
    "x[i] & y[i]": np.bitwise_and, "x[i] | y[i]": np.bitwise_or, "x[i] ^ y[i]": np.bitwise_xor,
    "~x[i]": np.invert,
}  # fmt: skip


@pytest.mark.parametrize("kind", INTEGERS + FLOATS, ids=str)
def test_pythons_operators(kind: np.dtype) -> None:
    x, y = np.array([1, 2, 3, 100, 0, 7], kind), np.array([3, 1, 2, 4, 1, 2], kind)
    if kind.kind != "u":
        x, y = np.concatenate([x, -x]), np.concatenate([y, y])
    for expression, function in OPERATORS.items():
        if kind.kind == "f" and any(sign in expression for sign in "&|^~"):
            continue
        operands = (x, y) if "y[i]" in expression else (x,)
        exact(elementwise(expression, *operands), function(*operands))


@pytest.mark.parametrize("kind", INTEGERS + FLOATS, ids=str)
def test_comparisons_choices_and_bools(kind: np.dtype) -> None:
    x, y = np.array([1, 2, 3, 100, 0, 7], kind), np.array([3, 1, 3, 4, 1, 2], kind)
    short = SHORT[kind]
    exact(elementwise("x[i] if x[i] > y[i] else y[i]", x, y), np.where(x > y, x, y))
    exact(elementwise(f"{short}(not x[i] > y[i])", x, y), ~(x > y))
    for expression, wanted in {
        "b1(x[i])": x != 0, "x[i] == y[i]": x == y, "x[i] != y[i]": x != y, "x[i] <= y[i]": x <= y,
        "x[i] > y[i] and x[i] < 50 or y[i] == 1": (x > y) & (x < 50) | (y == 1),
    }.items():  # fmt: skip
        assert np.array_equal(elementwise(expression, x, y, "b1"), wanted), expression


@pytest.mark.parametrize("name", intmath.FUNCTIONS)
def test_kernels_mean_the_same_as_python(name: str) -> None:
    function = intmath.FUNCTIONS[name]
    for parameters, (result, _) in function.cases.items():
        kind = next(k for k, short in SHORT.items() if short == parameters[0])
        x, y = np.array([7, 3, 100, 0], kind), np.array([2, 3, 7, 1], kind)
        operands = "x[i], y[i]" if len(parameters) == 2 else "x[i]"
        found = elementwise(f"{name}({operands})", x, y if len(parameters) == 2 else None,
                            "b1" if result == "b1" else "")  # fmt: skip
        wanted = [function(*p[: len(parameters)]) for p in zip(x, y, strict=True)]
        exact(found, np.array(wanted).astype(found.dtype))
