"""Matrix products: every flag, every edge, and NaN where NaN belongs."""

from __future__ import annotations

import numpy as np
import pytest

from graphc.runtime import blas
from tests.runtime.kernels import SHORT, run

TYPES = (np.float32, np.float64)
FLAGS = [(a, b) for a in (False, True) for b in (False, True)]


def product(
    a: np.ndarray, b: np.ndarray, ta: bool, tb: bool, c: np.ndarray | None = None, batch: int = 1,
    shared: str = "",
) -> np.ndarray:  # fmt: skip
    """The kernel's product, of stacks of matrices for a ``batch``; added to ``c`` if given."""
    m, k = a.shape[-2:][::-1] if ta else a.shape[-2:]
    n = b.shape[-2] if tb else b.shape[-1]
    accumulate = c is not None
    if c is None:
        c = np.full((*((batch,) if batch != 1 else ()), m, n), np.nan, a.dtype)
    short = SHORT[a.dtype]
    steps = [
        0 if name in shared else size for name, size in (("a", m * k), ("b", k * n), ("c", m * n))
    ]
    sizes = (batch, m, n, k, int(ta), int(tb))
    text = blas.gemm_text(short, accumulate)
    assert run(text, blas.gemm_slot_value(short), a, b, c, *sizes, *steps) == 0
    return c


def matrices(
    m: int, n: int, k: int, ta: bool, tb: bool, kind: type
) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(m + 10 * n + 100 * k)
    a = rng.standard_normal((k, m) if ta else (m, k))
    b = rng.standard_normal((n, k) if tb else (k, n))
    return a.astype(kind), b.astype(kind)


@pytest.fixture(params=["numpy's", "scipy's"])
def library(request, monkeypatch) -> None:
    """Each of the two sources of BLAS, which have different calling conventions."""
    if request.param == "scipy's":
        found = {short: blas._scipys("s" if short == "f32" else "d") for short in ("f32", "f64")}
        monkeypatch.setattr(blas, "gemm", found.__getitem__)


SHAPES = [(1, 1, 1), (3, 4, 5), (1, 7, 9), (7, 1, 9), (7, 9, 1), (64, 30, 10), (33, 65, 129)]


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize(("ta", "tb"), FLAGS)
def test_products(kind: type, ta: bool, tb: bool, library: None) -> None:
    for m, n, k in SHAPES:
        a, b = matrices(m, n, k, ta, tb, kind)
        wanted = (a.T if ta else a).astype(np.longdouble) @ (b.T if tb else b).astype(np.longdouble)
        error = np.abs(product(a, b, ta, tb) - wanted)
        assert np.max(error) <= 2 * k * np.finfo(kind).eps * np.max(np.abs(wanted) + 1)


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize(("ta", "tb"), FLAGS)
def test_empty_operands(kind: type, ta: bool, tb: bool, library: None) -> None:
    for m, n, k in [(3, 4, 0), (1, 1, 0), (1, 5, 0), (5, 1, 0)]:
        a, b = matrices(m, n, k, ta, tb, kind)
        assert np.array_equal(product(a, b, ta, tb), np.zeros((m, n)))
    for m, n, k in [(0, 3, 2), (3, 0, 2), (0, 0, 0)]:
        a, b = matrices(m, n, k, ta, tb, kind)
        assert product(a, b, ta, tb).size == 0


@pytest.mark.parametrize("kind", TYPES)
def test_batches_with_and_without_a_shared_operand(kind: type) -> None:
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((5, 3, 4)).astype(kind), rng.standard_normal((5, 4, 2)).astype(kind)
    assert np.allclose(product(a, b, False, False, batch=5), a @ b, rtol=1e-5)
    one = b[0].copy()
    assert np.allclose(product(a, one, False, False, batch=5, shared="b"), a @ one, rtol=1e-5)


@pytest.mark.parametrize("kind", TYPES)
def test_products_that_are_added(kind: type) -> None:
    a, b = matrices(3, 4, 5, False, False, kind)
    c = np.ones((3, 4), kind)
    assert np.allclose(product(a, b, False, False, c), 1 + a @ b, rtol=1e-5)


@pytest.mark.parametrize("special", [np.nan, np.inf])
@pytest.mark.parametrize(("ta", "tb"), FLAGS)
def test_nan_and_infinity_meet_zeros(special: float, ta: bool, tb: bool) -> None:
    """0 * NaN is NaN: some BLAS skip zeros in a vector."""
    for m, n, k in [(1, 1, 1), (1, 5, 7), (5, 1, 7), (5, 7, 1), (5, 7, 9), (64, 64, 64)]:
        a, b = (np.zeros_like(v) for v in matrices(m, n, k, ta, tb, np.float32))
        a.flat[0] = special
        wanted = np.zeros((m, n), bool)
        wanted[0] = True
        assert np.array_equal(np.isnan(product(a, b, ta, tb)), wanted), (m, n, k)
