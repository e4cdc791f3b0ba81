"""Matrix products: every flag, every edge, blocks, pieces, and NaN where NaN belongs."""

from __future__ import annotations

import numpy as np
import pytest

from graphc.ir import dims
from graphc.runtime import products
from graphc.runtime.executable import Executable
from graphc.runtime.planner import make_plan
from tests.runtime.graphs import Build

TYPES = ("float32", "float64")
FLAGS = [(a, b) for a in (False, True) for b in (False, True)]


def product(a: np.ndarray, b: np.ndarray, ta: bool = False, tb: bool = False) -> np.ndarray:
    """What the kernels find, run twice: memory that is used again must not matter."""
    g = Build()
    x, y = g.input(*a.shape, dtype=a.dtype), g.input(*b.shape, dtype=b.dtype, name="y")
    executable = Executable(g.done(g.matmul(x, y, transpose_a=ta, transpose_b=tb)))
    assert not executable.plan.host
    first, second = (executable.run([a, b], [])[0] for _ in range(2))
    np.testing.assert_array_equal(first, second)
    return first


def matrices(
    m: int, n: int, k: int, ta: bool, tb: bool, kind: str
) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(m + 10 * n + 100 * k)
    a = rng.standard_normal((k, m) if ta else (m, k))
    b = rng.standard_normal((n, k) if tb else (k, n))
    return a.astype(kind), b.astype(kind)


def assert_product(m: int, n: int, k: int, ta: bool, tb: bool, kind: str) -> None:
    a, b = matrices(m, n, k, ta, tb, kind)
    wanted = (a.T if ta else a).astype(np.longdouble) @ (b.T if tb else b).astype(np.longdouble)
    error = np.abs(product(a, b, ta, tb) - wanted)
    assert np.max(error) <= 2 * k * np.finfo(kind).eps * np.max(np.abs(wanted) + 1)


SHAPES = [(1, 1, 1), (3, 4, 5), (1, 7, 9), (7, 1, 9), (7, 9, 1), (64, 30, 10), (33, 65, 129)]


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize(("ta", "tb"), FLAGS)
def test_products(kind: str, ta: bool, tb: bool) -> None:
    for m, n, k in SHAPES:
        assert_product(m, n, k, ta, tb, kind)


@pytest.mark.parametrize(("ta", "tb"), FLAGS)
def test_blocks_and_pieces_end_anywhere(
    monkeypatch: pytest.MonkeyPatch, ta: bool, tb: bool
) -> None:
    """Little blocks, every B packed, lines of A that are copied, and pieces of any size."""
    monkeypatch.setattr(products, "DEPTH", 16)
    monkeypatch.setattr(products, "SMALL", 0)
    monkeypatch.setattr(products, "PAGE", 64)
    monkeypatch.setattr(products, "WORK", 1000)
    for m, n, k in ((17, 19, 16), (48, 70, 33), (97, 33, 48), (16, 40, 64), (25, 17, 5)):
        assert_product(m, n, k, ta, tb, "float32")


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize(("ta", "tb"), FLAGS)
def test_empty_operands(kind: str, ta: bool, tb: bool) -> None:
    for m, n, k in [(3, 4, 0), (1, 1, 0), (20, 80, 0)]:
        a, b = matrices(m, n, k, ta, tb, kind)
        assert np.array_equal(product(a, b, ta, tb), np.zeros((m, n)))
    for m, n, k in [(0, 3, 2), (3, 0, 2), (0, 0, 0)]:
        a, b = matrices(m, n, k, ta, tb, kind)
        assert product(a, b, ta, tb).size == 0


@pytest.mark.parametrize(("ta", "tb"), FLAGS)
def test_batches_with_and_without_a_shared_operand(ta: bool, tb: bool) -> None:
    rng = np.random.default_rng(0)
    for m, n, k, batch in ((3, 2, 4, 5), (20, 40, 30, 3), (64, 16, 32, 70)):
        a = rng.standard_normal((batch, *((k, m) if ta else (m, k)))).astype("f4")
        b = rng.standard_normal((batch, *((n, k) if tb else (k, n)))).astype("f4")
        for x, y in ((a, b), (a, b[0].copy()), (a[0].copy(), b)):
            left, right = (np.swapaxes(v, -1, -2) if t else v for v, t in ((x, ta), (y, tb)))
            np.testing.assert_allclose(product(x, y, ta, tb), left @ right, rtol=1e-4, atol=1e-5)


def test_many_matrices_times_one_are_one_product() -> None:
    g = Build()
    plan = make_plan(g.done(g.matmul(g.input(7, 10, 6), g.input(6, 4, name="w"))))
    (step,) = plan.steps.values()
    assert 70 in plan.numbers and step.kind == "kernel"


def test_sizes_may_be_unknown() -> None:
    g = Build()
    m, n, k = (dims.symbol(s) for s in "mnk")
    out = g.matmul(g.input(m, k), g.input(n, k, name="y"), transpose_b=True)
    executable = Executable(g.done(out))
    for sizes in ((3, 4, 5), (1, 1, 1), (70, 50, 300), (40, 90, 1024), (5, 0, 2)):
        a, b = matrices(*sizes, False, True, "float32")
        np.testing.assert_allclose(executable.run([a, b], [])[0], a @ b.T, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("special", [np.nan, np.inf])
@pytest.mark.parametrize(("ta", "tb"), FLAGS)
def test_nan_and_infinity_meet_zeros(special: float, ta: bool, tb: bool) -> None:
    """0 * NaN is NaN: some libraries skip zeros in a vector."""
    for m, n, k in [(1, 1, 1), (1, 5, 7), (5, 1, 7), (5, 7, 1), (5, 7, 9), (64, 64, 64)]:
        a, b = (np.zeros_like(v) for v in matrices(m, n, k, ta, tb, "float32"))
        a.flat[0] = special
        wanted = np.zeros((m, n), bool)
        wanted[0] = True
        assert np.array_equal(np.isnan(product(a, b, ta, tb)), wanted), (m, n, k)
