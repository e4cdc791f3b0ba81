"""Matrix products and what numpy's linalg offers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from graphc.errors import InvalidArgumentError
from graphc.ir import dims, dtypes
from graphc.ir.types import TensorType, broadcast_shapes
from graphc.ops.combinators import op, ops, rng, sum_to
from graphc.ops.opdef import Attrs, Library, Sample, Types


def _matrix(*shape: int) -> np.ndarray:
    return rng().normal(size=shape).astype(np.float32)


# --- matmul ---------------------------------------------------------------------------------------


def _matmul_type(types: Types, attrs: Attrs) -> TensorType:
    a, b = types
    if a.rank < 2 or b.rank < 2:
        raise InvalidArgumentError(f"matmul: both operands need two axes or more, got {a} and {b}")
    m, k = a.shape[-2:] if not attrs.get("transpose_a") else a.shape[:-3:-1]
    k2, n = b.shape[-2:] if not attrs.get("transpose_b") else b.shape[:-3:-1]
    if not dims.assume_equal(k, k2):
        raise InvalidArgumentError(f"matmul: inner dimensions differ, {k} and {k2}: {a} @ {b}{_flags(attrs)}")
    return a.with_shape((*broadcast_shapes(a.shape[:-2], b.shape[:-2]), m, n))


def _flags(attrs: Attrs) -> str:
    set_ = [name for name in ("transpose_a", "transpose_b") if attrs.get(name)]
    return f" with {' and '.join(set_)}" if set_ else ""


def _matmul(a: np.ndarray, b: np.ndarray, transpose_a: bool = False, transpose_b: bool = False) -> np.ndarray:
    a = np.swapaxes(a, -1, -2) if transpose_a else a
    b = np.swapaxes(b, -1, -2) if transpose_b else b
    return np.matmul(a, b)


def _matmul_grad(c: Any, g: Any) -> tuple[Any, Any]:
    a, b, ta, tb = c.a, c.b, c.transpose_a, c.transpose_b
    mul = ops.matmul
    if ta:
        da = mul(b, g, transpose_a=tb, transpose_b=True)
    else:
        da = mul(g, b, transpose_a=False, transpose_b=not tb)
    if tb:
        db = mul(g, a, transpose_a=True, transpose_b=ta)
    else:
        db = mul(a, g, transpose_a=not ta, transpose_b=False)
    return sum_to(da, a), sum_to(db, b)


def _products() -> Iterable[Sample]:
    for ta in (False, True):
        for tb in (False, True):
            a, b = _matrix(*((4, 3) if ta else (3, 4))), _matrix(*((5, 4) if tb else (4, 5)))
            yield Sample((a, b), {"transpose_a": ta, "transpose_b": tb})
    yield Sample((_matrix(2, 3, 4), _matrix(4, 5)))
    yield Sample((_matrix(2, 1, 3, 4), _matrix(3, 4, 2)))
    yield Sample((_matrix(3, 0), _matrix(0, 2)))


matmul = op(
    "matmul", "a b", _matmul_type, _matmul, attrs={"transpose_a": False, "transpose_b": False},
    types=dtypes.NUMERIC, grad=_matmul_grad, lower=Library("gemm"), samples=_products, expensive=True,
    doc="Product of matrices; axes before the last two broadcast.",
)  # fmt: skip

# --- diagonals --------------------------------------------------------------------------------------


def _diag_type(types: Types, attrs: Attrs) -> TensorType:
    return types[0].with_shape((*types[0].shape, types[0].shape[-1]))


def _diag(x: np.ndarray) -> np.ndarray:
    out = np.zeros((*x.shape, x.shape[-1]), x.dtype)
    np.einsum("...ii->...i", out)[...] = x
    return out


diag = op("diag", "x", _diag_type, _diag, grad=lambda c, g: ops.diag_part(g),
          samples=lambda: [Sample((_matrix(3),)), Sample((_matrix(2, 3),))],
          doc="Matrices with the last axis on their diagonal.")  # fmt: skip
diag_part = op(
    "diag_part", "x",
    lambda types, attrs: types[0].with_shape((*types[0].shape[:-2], _smaller(*types[0].shape[-2:]))),
    lambda x: np.diagonal(x, axis1=-2, axis2=-1).copy(), grad=lambda c, g: _diag_part_grad(c, g),
    samples=lambda: [Sample((_matrix(3, 3),))], doc="The diagonal of matrices.",
)  # fmt: skip


def _diag_part_grad(c: Any, g: Any) -> Any:
    if c.x.dims[-1] != c.x.dims[-2]:
        raise InvalidArgumentError("diag_part has a gradient for square matrices only")
    return ops.diag(g)


def _smaller(a: Any, b: Any) -> Any:
    return dims.minimum(a, b)


def _band(x: np.ndarray, lower: int, upper: int) -> np.ndarray:
    m, n = x.shape[-2:]
    i, j = np.ogrid[:m, :n]
    keep = ((lower < 0) | (i - j <= lower)) & ((upper < 0) | (j - i <= upper))
    return np.where(keep, x, x.dtype.type(0))


band_part = op(
    "band_part", "x", lambda types, attrs: types[0], _band, attrs={"lower": -1, "upper": -1},
    grad=lambda c, g: ops.band_part(g, lower=c.lower, upper=c.upper),
    samples=lambda: [Sample((_matrix(3, 4),), {"lower": 0, "upper": -1})],
    doc="Matrices with everything outside of a band set to zero; -1 keeps a whole triangle.",
)  # fmt: skip

# --- solvers (LAPACK, on the host) --------------------------------------------------------------------


def _square(who: str, types: Types) -> TensorType:
    x = types[0]
    if x.rank < 2 or not dims.assume_equal(x.shape[-1], x.shape[-2]):
        raise InvalidArgumentError(f"{who}: needs square matrices, got {x}")
    return x


def _well_conditioned() -> np.ndarray:
    a = _matrix(3, 3)
    return (a @ a.T + 3 * np.eye(3)).astype(np.float32)


def _lapack(name: str, fn: Callable[..., np.ndarray], grad: Any, doc: str) -> Any:
    return op(name, "x", lambda types, attrs: _square(name, types), fn, types=dtypes.DIFFERENTIABLE,
              grad=grad, can_fail=True, expensive=True, doc=doc,
              samples=lambda: [Sample((_well_conditioned(),))])  # fmt: skip


def _t(x: Any) -> Any:
    axes = tuple(range(len(x.dims) - 2))
    return ops.transpose(x, perm=(*axes, len(axes) + 1, len(axes)))


def _inverse_grad(c: Any, g: Any) -> Any:
    return -ops.matmul(ops.matmul(c.out, g, transpose_a=True), c.out, transpose_b=True)


def _cholesky_grad(c: Any, g: Any) -> Any:
    """Murray 2016, eq. 10: differentiation of the Cholesky decomposition."""
    low = c.out
    inverse = ops.inverse(low)
    inner = ops.band_part(ops.matmul(low, g, transpose_a=True), lower=-1, upper=0)
    inner = inner - ops.diag(ops.diag_part(inner)) * 0.5
    full = ops.matmul(ops.matmul(inverse, inner, transpose_a=True), inverse)
    return (full + _t(full)) * 0.5


inverse = _lapack("inverse", np.linalg.inv, _inverse_grad, "Inverse of square matrices.")
cholesky = _lapack("cholesky", np.linalg.cholesky, _cholesky_grad, "Lower triangular factor L of L L^T.")


def _det_type(types: Types, attrs: Attrs) -> TensorType:
    x = _square("det", types)
    return x.with_shape(x.shape[:-2])


def _det_grad(c: Any, g: Any) -> Any:
    scaled = ops.reshape(g * c.out, shape=(*g.dims, 1, 1))
    return scaled * _t(ops.inverse(c.x))


det = op("det", "x", _det_type, lambda x: np.asarray(np.linalg.det(x), x.dtype), grad=_det_grad,
         types=dtypes.DIFFERENTIABLE, samples=lambda: [Sample((_well_conditioned(),))],
         doc="Determinant of square matrices.")  # fmt: skip


def _solve_type(types: Types, attrs: Attrs) -> TensorType:
    a, b = _square("solve", types), types[1]
    if b.rank < 2 or not dims.assume_equal(a.shape[-1], b.shape[-2]):
        raise InvalidArgumentError(f"solve: {a} and {b} do not fit")
    return b.with_shape((*broadcast_shapes(a.shape[:-2], b.shape[:-2]), *b.shape[-2:]))


def _solve_grad(c: Any, g: Any) -> tuple[Any, Any]:
    db = ops.solve(_t(c.a), g)
    return -ops.matmul(db, c.out, transpose_b=True), db


solve = op("solve", "a b", _solve_type, np.linalg.solve, types=dtypes.DIFFERENTIABLE, grad=_solve_grad,
           can_fail=True, expensive=True, samples=lambda: [Sample((_well_conditioned(), _matrix(3, 2)))],
           doc="x in a x = b.")  # fmt: skip
