"""Matrix products, diagonals, and the decompositions of LAPACK."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from graphc.errors import InvalidArgumentError, UnimplementedError
from graphc.ir import dims, dtypes
from graphc.ir.types import TensorType, broadcast_shapes
from graphc.ops.combinators import holomorphic, op, ops, per_operand, rng
from graphc.ops.opdef import Attrs, Host, Library, Sample, Types


def _matrix(*shape: int) -> np.ndarray:
    return rng().normal(size=shape).astype(np.float32)


# --- matmul ---------------------------------------------------------------------------------------


def _matmul_type(types: Types, attrs: Attrs) -> TensorType:
    a, b = types
    if a.rank < 2 or b.rank < 2:
        raise InvalidArgumentError(f"matmul: both operands need two axes or more, got {a} and {b}")
    m, k = a.shape[:-3:-1] if attrs["transpose_a"] else a.shape[-2:]
    k2, n = b.shape[:-3:-1] if attrs["transpose_b"] else b.shape[-2:]
    if not dims.assume_equal(k, k2):
        flags = [name for name in ("transpose_a", "transpose_b") if attrs[name]]
        raise InvalidArgumentError(
            f"matmul: inner dimensions differ, {k} and {k2}: {a} @ {b}"
            + (f" with {' and '.join(flags)}" if flags else "")
        )
    return a.with_shape((*broadcast_shapes(a.shape[:-2], b.shape[:-2]), m, n))


def _matmul(
    a: np.ndarray, b: np.ndarray, transpose_a: bool = False, transpose_b: bool = False
) -> np.ndarray:
    a = np.swapaxes(a, -1, -2) if transpose_a else a
    b = np.swapaxes(b, -1, -2) if transpose_b else b
    if a.dtype.itemsize == 2 and a.dtype.kind not in "iu":  # short floats add up in float32
        return np.matmul(a.astype(np.float32), b.astype(np.float32)).astype(a.dtype)
    return np.matmul(a, b)


def _by_a(c: Any, g: Any) -> Any:
    if c.transpose_a:
        return ops.matmul(c.b, g, transpose_a=c.transpose_b, transpose_b=True)
    return ops.matmul(g, c.b, transpose_a=False, transpose_b=not c.transpose_b)


def _by_b(c: Any, g: Any) -> Any:
    if c.transpose_b:
        return ops.matmul(g, c.a, transpose_a=True, transpose_b=c.transpose_a)
    return ops.matmul(c.a, g, transpose_a=not c.transpose_a, transpose_b=False)


def _products() -> Iterable[Sample]:
    for ta in (False, True):
        for tb in (False, True):
            a, b = _matrix(*((4, 3) if ta else (3, 4))), _matrix(*((5, 4) if tb else (4, 5)))
            yield Sample((a, b), {"transpose_a": ta, "transpose_b": tb})
    yield Sample((_matrix(2, 3, 4), _matrix(4, 5)))
    yield Sample((_matrix(2, 1, 3, 4), _matrix(3, 4, 2)))
    yield Sample((_matrix(3, 0), _matrix(0, 2)))
    yield Sample((np.ones((2, 3), np.int32), np.ones((3, 2), np.int32)), grad=False)


matmul = op(
    "matmul", "a b", _matmul_type, _matmul, attrs={"transpose_a": False, "transpose_b": False},
    types=dtypes.NUMERIC, grad=per_operand(holomorphic(_by_a), holomorphic(_by_b)), expensive=True,
    lower=Library("gemm"), samples=_products,
    doc="Product of matrices; axes before the last two broadcast.",
)  # fmt: skip

# --- diagonals ------------------------------------------------------------------------------------


def _diag(x: np.ndarray) -> np.ndarray:
    out = np.zeros((*x.shape, x.shape[-1]), x.dtype)
    np.einsum("...ii->...i", out)[...] = x
    return out


def _diag_type(types: Types, attrs: Attrs) -> TensorType:
    if not types[0].rank:
        raise InvalidArgumentError(f"diag: needs a vector or more axes, got {types[0]}")
    return types[0].with_shape((*types[0].shape, types[0].shape[-1]))


diag = op("diag", "x", _diag_type, _diag, types=dtypes.FIXED, grad=lambda c, g: ops.diag_part(g),
          lower=Library("diag"), doc="Matrices with the last axis on their diagonal.",
          samples=lambda: [Sample((_matrix(*s),)) for s in ((3,), (2, 3), (0,))])  # fmt: skip


def _part_type(types: Types, attrs: Attrs) -> TensorType:
    x = types[0]
    if x.rank < 2:
        raise InvalidArgumentError(f"diag_part: needs matrices, got {x}")
    m, n = x.shape[-2:]
    return x.with_shape((*x.shape[:-2], m if m == n else dims.minimum(m, n)))


def _part_grad(c: Any, g: Any) -> Any:
    """A diagonal matrix, with zeros beyond the square where the operand was not square."""
    square, (m, n) = ops.diag(g), c.x.dims[-2:]
    if m == n:
        return square
    lead, size = ((0, 0),) * (len(c.x.dims) - 2), g.dims[-1]
    return ops.pad(square, paddings=(*lead, (0, m - size), (0, n - size)))


diag_part = op(
    "diag_part", "x", _part_type, lambda x: np.diagonal(x, axis1=-2, axis2=-1).copy(),
    types=dtypes.FIXED, grad=_part_grad, lower=Library("diag_part"),
    samples=lambda: [Sample((_matrix(*s),)) for s in ((3, 3), (2, 3, 4), (4, 2))],
    doc="The diagonal of matrices.",
)  # fmt: skip

# --- solvers and decompositions -------------------------------------------------------------------

LAPACK = frozenset((dtypes.float32, dtypes.float64, dtypes.complex64, dtypes.complex128))
SLOW = dict(lower=Host("LAPACK is called by numpy"), can_fail=True, expensive=True)


def square(who: str, x: TensorType) -> TensorType:
    if x.rank < 2 or not dims.assume_equal(x.shape[-1], x.shape[-2]):
        raise InvalidArgumentError(f"{who}: needs square matrices, got {x}")
    return x


def positive(*lead: int) -> np.ndarray:
    """Symmetric, positive definite, well conditioned."""
    a = _matrix(*lead, 3, 3)
    return (a @ np.swapaxes(a, -1, -2) + 3 * np.eye(3)).astype(np.float32)


def squares(grad: bool = True) -> Callable[[], Iterable[Sample]]:
    return lambda: [Sample((positive(*lead),), grad=grad) for lead in ((), (2,))]


def _t(x: Any) -> Any:
    axes = tuple(range(len(x.dims) - 2))
    return ops.transpose(x, perm=(*axes, len(axes) + 1, len(axes)))


def adjoint(x: Any) -> Any:
    """The conjugate of the transpose."""
    return ops.conj(_t(x)) if x.dtype.is_complex else _t(x)


def _sandwich(left: Any, middle: Any, right: Any) -> Any:
    """``left^T middle right^T``"""
    return ops.matmul(ops.matmul(left, middle, transpose_a=True), right, transpose_b=True)


inverse = op("inverse", "x", lambda types, attrs: square("inverse", types[0]), np.linalg.inv,
             grad=holomorphic(lambda c, g: -_sandwich(c.out, g, c.out)), types=LAPACK,
             samples=squares(), doc="Inverse of square matrices.", **SLOW)  # fmt: skip


def _det_type(types: Types, attrs: Attrs) -> TensorType:
    x = square("det", types[0])
    return x.with_shape(x.shape[:-2])


def _det_grad(c: Any, g: Any) -> Any:
    return ops.reshape(g * c.out, shape=(*g.dims, 1, 1)) * _t(ops.inverse(c.x))


det = op("det", "x", _det_type, lambda x: np.asarray(np.linalg.det(x), x.dtype), types=LAPACK,
         grad=holomorphic(_det_grad), samples=squares(), doc="Determinant of square matrices.",
         **SLOW)  # fmt: skip


def _solve_type(types: Types, attrs: Attrs) -> TensorType:
    a, b = square("solve", types[0]), types[1]
    if b.rank < 2 or not dims.assume_equal(a.shape[-1], b.shape[-2]):
        raise InvalidArgumentError(f"solve: {a} and {b} do not fit")
    return b.with_shape((*broadcast_shapes(a.shape[:-2], b.shape[:-2]), *b.shape[-2:]))


def _solve_by_a(c: Any, g: Any) -> Any:
    return -ops.matmul(ops.solve(_t(c.a), g), c.out, transpose_b=True)


solve = op(
    "solve", "a b", _solve_type, np.linalg.solve, types=LAPACK, doc="x in a x = b.",
    grad=per_operand(holomorphic(_solve_by_a), holomorphic(lambda c, g: ops.solve(_t(c.a), g))),
    samples=lambda: [Sample((positive(), _matrix(3, 2))), Sample((positive(2), _matrix(3, 1)))],
    **SLOW,
)  # fmt: skip


def triangle(x: Any, strict: bool = False) -> Any:
    """The lower triangle, with or without the diagonal."""
    rows, columns = (ops.iota(size=n, dtype=dtypes.int32) for n in x.dims[-2:])
    rows = ops.reshape(rows, shape=(x.dims[-2], 1))
    kept = ops.greater(rows, columns) if strict else ops.greater_equal(rows, columns)
    return ops.select(kept, x, ops.zeros_like(x))


def _cholesky_grad(c: Any, g: Any) -> Any:
    """Murray 2016, eq. 10: half of the diagonal, the lower triangle, made symmetric."""
    low, inverse = c.out, ops.inverse(c.out)
    inner = ops.matmul(adjoint(low), g)
    inner = (triangle(inner) + triangle(inner, strict=True)) * 0.5
    full = ops.matmul(ops.matmul(adjoint(inverse), inner), inverse)
    return (full + adjoint(full)) * 0.5


cholesky = op("cholesky", "x", lambda types, attrs: square("cholesky", types[0]),
              np.linalg.cholesky, types=LAPACK, grad=_cholesky_grad, samples=squares(grad=False),
              doc="Lower triangular factor L of L L^T.", **SLOW)  # fmt: skip


def gaps(x: Any) -> Any:
    """``1 / (x[j] - x[i])`` at (i, j), and 0 on the diagonal and for equal values."""
    last = len(x.dims)
    between = ops.expand_dims(x, axis=last - 1) - ops.expand_dims(x, axis=last)
    none = ops.equal(between, 0)
    found = 1 / ops.select(none, ops.ones_like(between), between)
    return ops.select(none, ops.zeros_like(found), found)


def _eigh_type(types: Types, attrs: Attrs) -> tuple[TensorType, TensorType]:
    x = square("eigh", types[0])
    return x.with_shape(x.shape[:-1]), x


def _eigh(x: np.ndarray) -> tuple[np.ndarray, ...]:
    """The values have the dtype of the matrix, as in TensorFlow."""
    return tuple(v.astype(x.dtype) for v in np.linalg.eigh(x))


def _eigh_grad(c: Any, by_values: Any, by_vectors: Any) -> Any:
    values, vectors = c.outputs
    turned = adjoint(vectors)
    inner = ops.matmul(turned, by_vectors) * gaps(values) + ops.diag(by_values)
    full = ops.matmul(ops.matmul(vectors, inner), turned)
    whole = full + adjoint(full)  # only the lower triangle of x is read
    return (triangle(whole) + triangle(whole, strict=True)) * 0.5


eigh = op("eigh", "x", _eigh_type, _eigh, many=True, types=LAPACK,
          grad=_eigh_grad, samples=squares(grad=False),
          doc="Ascending eigenvalues and eigenvectors (columns) of symmetric matrices.",
          **SLOW)  # fmt: skip


def _tall(who: str, x: TensorType) -> tuple[Any, Any, Any]:
    if x.rank < 2:
        raise InvalidArgumentError(f"{who}: needs matrices, got {x}")
    m, n = x.shape[-2:]
    return m, n, m if m == n else dims.minimum(m, n)


def _qr_type(types: Types, attrs: Attrs) -> tuple[TensorType, TensorType]:
    x, (m, n, k) = types[0], _tall("qr", types[0])
    inner = m if attrs["full_matrices"] else k
    return x.with_shape((*x.shape[:-2], m, inner)), x.with_shape((*x.shape[:-2], inner, n))


def _qr(x: np.ndarray, full_matrices: bool = False) -> tuple[np.ndarray, np.ndarray]:
    return tuple(np.linalg.qr(x, "complete" if full_matrices else "reduced"))


def _qr_grad(c: Any, by_q: Any, by_r: Any) -> Any:
    """Walter and Lehman 2010, for matrices with at least as many rows as columns."""
    q, r = c.outputs
    if c.full_matrices or q.dtype.is_complex or dims.same(q.dims[-1], r.dims[-1]) is False:
        raise UnimplementedError("qr has a gradient for the reduced form of real, tall matrices")
    m = ops.matmul(r, by_r, transpose_b=True) - ops.matmul(by_q, q, transpose_a=True)
    symmetric = triangle(m) + _t(triangle(m, strict=True))
    return ops.matmul(by_q + ops.matmul(q, symmetric), ops.inverse(r), transpose_b=True)


qr = op("qr", "x", _qr_type, _qr, many=True, attrs={"full_matrices": False}, types=LAPACK,
        grad=_qr_grad, doc="Orthogonal and upper triangular factor.",
        samples=lambda: [Sample((_matrix(4, 3),)), Sample((_matrix(2, 3, 3),)),
                         Sample((_matrix(2, 3),), grad=False),
                         Sample((_matrix(4, 2),), {"full_matrices": True}, grad=False)],
        **SLOW)  # fmt: skip


def _svd_type(types: Types, attrs: Attrs) -> tuple[TensorType, ...]:
    x, (m, n, k) = types[0], _tall("svd", types[0])
    left, right = (m, n) if attrs["full_matrices"] else (k, k)
    lead = x.shape[:-2]
    values = TensorType(x.dtype.real_dtype, (*lead, k))
    return values, x.with_shape((*lead, m, left)), x.with_shape((*lead, n, right))


def _svd(x: np.ndarray, full_matrices: bool = False) -> tuple[np.ndarray, ...]:
    u, s, vt = np.linalg.svd(x, full_matrices)
    return s, u, np.swapaxes(vt, -1, -2).conj()


def _svd_grad(c: Any, by_s: Any, by_u: Any, by_v: Any) -> Any:
    """Townsend 2016: rotations within the spaces of u and v, and out of them."""
    if c.full_matrices or c.x.dtype.is_complex:
        raise UnimplementedError("svd has a gradient for the reduced form of real matrices only")
    s, u, v = c.outputs
    apart, row = gaps(s * s), ops.expand_dims(s, axis=len(s.dims) - 1)

    def parts(x: Any, g: Any) -> tuple[Any, Any]:
        turned = ops.matmul(x, g, transpose_a=True)
        return apart * (turned - _t(turned)), (g - ops.matmul(x, turned)) / row

    (u_in, u_out), (v_in, v_out) = parts(u, by_u), parts(v, by_v)
    inner = u_in * row + _t(_t(v_in) * row) + ops.diag(by_s)
    full = ops.matmul(u, inner) + u_out
    return ops.matmul(full, v, transpose_b=True) + ops.matmul(u, v_out, transpose_b=True)


svd = op("svd", "x", _svd_type, _svd, many=True, attrs={"full_matrices": False}, types=LAPACK,
         grad=_svd_grad, samples=lambda: [Sample((_matrix(*s),), grad=False)
                                          for s in ((4, 3), (2, 3), (2, 3, 3))],
         doc="Singular values (descending), left and right singular vectors (columns).",
         **SLOW)  # fmt: skip
