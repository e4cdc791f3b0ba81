"""Systems of equations and decompositions."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from graphc.api.arguments import alike, known
from graphc.api.diagonals import band_part, diag, diag_part
from graphc.api.reductions import reduce_max, reduce_sum
from graphc.errors import InvalidArgumentError
from graphc.ir import dims, dtypes
from graphc.ops import ops
from graphc.trace.dispatch import convert_to_tensor
from graphc.trace.tensor import Tensor


def matrix_transpose(a: Any, name: str = "matrix_transpose", conjugate: bool = False) -> Tensor:
    """Exchange the last two axes."""
    x = convert_to_tensor(a)
    if len(x.dims) < 2:
        raise ValueError(f"matrix_transpose needs matrices, got shape {x.shape}")
    axes = tuple(range(len(x.dims) - 2))
    moved = ops.transpose(x, perm=(*axes, len(axes) + 1, len(axes)))
    return ops.conj(moved) if conjugate and x.dtype.is_complex else moved


def adjoint(matrix: Any, name: str | None = None) -> Tensor:
    """Exchange the last two axes and conjugate."""
    return matrix_transpose(matrix, conjugate=True)


# --- equations ------------------------------------------------------------------------------------


def inv(input: Any, adjoint: bool = False, name: str | None = None) -> Tensor:
    """Invert square matrices; a singular one raises ``InvalidArgumentError``."""
    x = ops.inverse(convert_to_tensor(input))
    return matrix_transpose(x, conjugate=True) if adjoint else x


def solve(matrix: Any, rhs: Any, adjoint: bool = False, name: str | None = None) -> Tensor:
    """Find x in ``matrix x = rhs`` for matrices [..., m, m] and [..., m, k]."""
    a, b = alike(matrix, rhs)
    return ops.solve(matrix_transpose(a, conjugate=True) if adjoint else a, b)


def triangular_solve(
    matrix: Any, rhs: Any, lower: bool = True, adjoint: bool = False, name: str | None = None
) -> Tensor:
    """Find x in ``matrix x = rhs`` where only one triangle of the matrix counts."""
    a, b = alike(matrix, rhs)
    return solve(band_part(a, -1, 0) if lower else band_part(a, 0, -1), b, adjoint)


def cholesky(input: Any, name: str | None = None) -> Tensor:
    """Find the lower triangular L with L L^H = input, which is symmetric and positive definite."""
    return ops.cholesky(convert_to_tensor(input))


def cholesky_solve(chol: Any, rhs: Any, name: str | None = None) -> Tensor:
    """Find x in ``chol chol^H x = rhs``."""
    low, b = alike(chol, rhs)
    return triangular_solve(low, triangular_solve(low, b), adjoint=True)


def lstsq(
    matrix: Any, rhs: Any, l2_regularizer: Any = 0.0, fast: bool = True, name: str | None = None
) -> Tensor:
    """Find the x with the least ``|matrix x - rhs|^2 + l2_regularizer |x|^2``, and of several the
    smallest.

    ``fast`` solves the normal equations; otherwise singular values tell what is singular.
    """
    a, b = alike(matrix, rhs)
    if not fast:
        return ops.matmul(pinv(a), b)
    m, n = a.dims[-2:]
    if isinstance(m, dims.Dim) or isinstance(n, dims.Dim):  # which equations is not known
        s, u, v = svd(a)
        share = ops.expand_dims(s / (s * s + l2_regularizer), axis=-2)
        return ops.matmul(v * ops.cast(share, dtype=a.dtype), ops.matmul(adjoint(u), b))
    t = adjoint(a)
    product = ops.matmul(t, a) if m >= n else ops.matmul(a, t)
    ridge = ops.multiply(ops.ones_like(ops.diag_part(product)), l2_regularizer)
    factor = cholesky(ops.add(product, ops.diag(ridge)))
    if m >= n:
        return cholesky_solve(factor, ops.matmul(t, b))
    return ops.matmul(t, cholesky_solve(factor, b))


def det(input: Any, name: str | None = None) -> Tensor:
    """Determinant of square matrices."""
    return ops.det(convert_to_tensor(input))


def logdet(matrix: Any, name: str | None = None) -> Tensor:
    """log(det(matrix)) of symmetric, positive definite matrices."""
    diagonal: Any = ops.diag_part(cholesky(matrix))
    return reduce_sum(ops.log(ops.real(diagonal)) * 2.0, -1)  # type: ignore[operator]


class LogDeterminant(NamedTuple):
    """What `slogdet` returns."""

    sign: Tensor
    log_abs_determinant: Tensor


def slogdet(input: Any, name: str | None = None) -> LogDeterminant:
    """Sign of the determinant, and the logarithm of its absolute value."""
    return LogDeterminant(*ops.slogdet(convert_to_tensor(input)))


# --- three diagonals ------------------------------------------------------------------------------


def _compact(diagonals: Any, form: str, who: str) -> Tensor:
    """The diagonals above, on and below the middle: [..., 3, n]."""
    if form == "matrix":
        return diag_part(diagonals, k=(-1, 1), align="LEFT_RIGHT")
    if form == "compact":
        return convert_to_tensor(diagonals)
    if form != "sequence":
        raise ValueError(f"{who}: diagonals_format is matrix, sequence or compact, got {form!r}")
    above, middle, below = alike(*diagonals)
    lead = ((0, 0),) * (len(middle.dims) - 1)
    if above.dims[-1] != middle.dims[-1]:
        above = ops.pad(above, paddings=(*lead, (0, 1)))
        below = ops.pad(below, paddings=(*lead, (1, 0)))
    return ops.stack(above, middle, below, axis=len(middle.dims) - 1)


def tridiagonal_solve(
    diagonals: Any, rhs: Any, diagonals_format: str = "compact", transpose_rhs: bool = False,
    conjugate_rhs: bool = False, name: str | None = None, partial_pivoting: bool = True,
    perturb_singular: bool = False,
) -> Tensor:  # fmt: skip
    """Find x in ``a x = rhs`` where a has three diagonals: above, on and below the middle.

    They are given as [..., 3, n] (compact), as three vectors (sequence) or as the matrix.
    """
    bands = _compact(diagonals, diagonals_format, "tridiagonal_solve")
    bands, b = alike(bands, rhs)
    vector = len(b.dims) == len(bands.dims) - 1
    if conjugate_rhs:
        b = ops.conj(b)
    if vector:
        b = ops.expand_dims(b, axis=-1)
    elif transpose_rhs:
        b = matrix_transpose(b)
    x = ops.tridiagonal_solve(bands, b)
    return ops.squeeze(x, axis=(-1,)) if vector else x


def tridiagonal_matmul(
    diagonals: Any, rhs: Any, diagonals_format: str = "compact", name: str | None = None
) -> Tensor:
    """Multiply matrices of three diagonals by matrices [..., n, k]."""
    bands, b = alike(_compact(diagonals, diagonals_format, "tridiagonal_matmul"), rhs)
    axis, n = len(b.dims) - 2, b.dims[-2]
    lead = (slice(None),) * axis
    above, middle, below = (
        ops.expand_dims(ops.strided_slice(bands, index=(*lead, i)), axis=-1) for i in range(3)
    )
    widths = ((0, 0),) * axis
    later = ops.strided_slice(b, index=(*lead, slice(1, n)))
    later = ops.pad(later, paddings=(*widths, (0, 1), (0, 0)))
    earlier = ops.strided_slice(b, index=(*lead, slice(0, n - 1)))
    earlier = ops.pad(earlier, paddings=(*widths, (1, 0), (0, 0)))
    return ops.add(
        ops.multiply(middle, b), ops.add(ops.multiply(above, later), ops.multiply(below, earlier))
    )


def banded_triangular_solve(
    bands: Any, rhs: Any, lower: bool = True, adjoint: bool = False, name: str | None = None
) -> Tensor:
    """Find x in ``a x = rhs`` for a triangular a of a few diagonals [..., k, n]: the main one comes
    first if a is ``lower``, last otherwise.  Element i of each band stands in row i.
    """
    held, b = alike(bands, rhs)
    count, n = held.dims[-2:]
    k = (-(count - 1), 0) if lower else (0, count - 1)
    a = diag(held, k=k, num_rows=n, num_cols=n, align="LEFT_RIGHT")
    return triangular_solve(a, b, lower, adjoint)


# --- decompositions -------------------------------------------------------------------------------


def eigh(tensor: Any, name: str | None = None) -> tuple[Tensor, Tensor]:
    """Ascending eigenvalues [..., n] and eigenvectors (columns) of symmetric matrices, of which the
    lower triangle is read.
    """
    return ops.eigh(convert_to_tensor(tensor))


def eigvalsh(tensor: Any, name: str | None = None) -> Tensor:
    """Ascending eigenvalues of symmetric matrices."""
    return eigh(tensor)[0]


def eigh_tridiagonal(
    alpha: Any, beta: Any, eigvals_only: bool = True, select: str = "a", select_range: Any = None,
    tol: Any = None, name: str | None = None,
) -> Any:  # fmt: skip
    """Eigenvalues of the symmetric matrix with ``alpha`` on its diagonal and ``beta`` beside it.

    ``select`` is 'a' (all) or 'i' (those with the numbers in ``select_range``, both included).
    """
    middle, beside = alike(alpha, beta)
    whole = ops.add(ops.diag(middle), diag(beside, k=-1))  # the upper triangle is not read
    values, vectors = ops.eigh(whole)
    if select not in ("a", "i"):
        raise InvalidArgumentError(f"eigh_tridiagonal: select is 'a' or 'i', got {select!r}")
    if select == "i":
        first, last = known(select_range, "select_range")
        part = slice(first, last + 1)
        values = ops.strided_slice(values, index=(part,))
        vectors = ops.strided_slice(vectors, index=(slice(None), part))
    return values if eigvals_only else (values, vectors)


def eig(tensor: Any, name: str | None = None) -> tuple[Tensor, Tensor]:
    """Eigenvalues [..., n] and eigenvectors (columns) of any square matrices, complex."""
    return ops.eig(convert_to_tensor(tensor))


def eigvals(tensor: Any, name: str | None = None) -> Tensor:
    """Eigenvalues of any square matrices, complex."""
    return eig(tensor)[0]


def qr(input: Any, full_matrices: bool = False, name: str | None = None) -> tuple[Tensor, Tensor]:
    """Orthogonal q and upper triangular r with q r = input."""
    return ops.qr(convert_to_tensor(input), full_matrices=bool(full_matrices))


def svd(
    tensor: Any, full_matrices: bool = False, compute_uv: bool = True, name: str | None = None
) -> Any:
    """Singular values s (descending) and vectors u, v: tensor = u diag(s) v^H.

    Returns (s, u, v), or s alone without ``compute_uv``.
    """
    s, u, v = ops.svd(convert_to_tensor(tensor), full_matrices=bool(full_matrices))
    return (s, u, v) if compute_uv else s


def matrix_rank(
    a: Any, tol: Any = None, validate_args: bool = False, name: str | None = None
) -> Tensor:
    """Number of singular values above a tolerance, int32."""
    x = convert_to_tensor(a)
    s: Any = svd(x, compute_uv=False)
    if tol is None:
        largest = dims.maximum(*x.dims[-2:])
        size = ops.extent(size=largest, dtype=s.dtype)
        tol = reduce_max(s, -1, keepdims=True) * size * float(np.finfo(s.dtype.np).eps)
    return reduce_sum(ops.cast(ops.greater(s, tol), dtype=dtypes.int32), -1)


def pinv(a: Any, rcond: Any = None, validate_args: bool = False, name: str | None = None) -> Tensor:
    """Moore and Penrose's inverse; singular values below ``rcond`` times the largest count as 0."""
    x = convert_to_tensor(a)
    s, u, v = svd(x)
    if rcond is None:
        largest = ops.extent(size=dims.maximum(*x.dims[-2:]), dtype=s.dtype)
        rcond = largest * (10 * float(np.finfo(s.dtype.np).eps))
    kept = ops.greater(s, reduce_max(s, -1, keepdims=True) * rcond)
    inverse = ops.select(kept, 1 / ops.select(kept, s, ops.ones_like(s)), ops.zeros_like(s))
    scaled = v * ops.cast(ops.expand_dims(inverse, axis=-2), dtype=x.dtype)
    return ops.matmul(scaled, adjoint(u))


# --- LU -------------------------------------------------------------------------------------------


def lu(
    input: Any, output_idx_type: Any = dtypes.int32, name: str | None = None
) -> tuple[Tensor, Tensor]:
    """Factors L (below the diagonal, which is 1) and U in one matrix, and the order p of rows:
    ``L U = input[p]``.
    """
    return ops.lu(convert_to_tensor(input), output_idx_type=dtypes.as_dtype(output_idx_type))


def _factors(lower_upper: Any) -> tuple[Tensor, Tensor]:
    both = convert_to_tensor(lower_upper)
    strict = band_part(both, -1, 0)
    strict = ops.subtract(strict, ops.diag(ops.diag_part(both)))
    lower = ops.add(strict, ops.diag(ops.ones_like(ops.diag_part(both))))
    return lower, band_part(both, 0, -1)


def lu_solve(
    lower_upper: Any, perm: Any, rhs: Any, validate_args: bool = False, name: str | None = None
) -> Tensor:
    """Find x in ``a x = rhs``, given ``lu(a)``."""
    lower, upper = _factors(lower_upper)
    order = convert_to_tensor(perm)
    last = len(order.dims) - 1
    moved = ops.gather(alike(lower, rhs)[1], order, axis=last, batch_dims=last)
    return triangular_solve(upper, triangular_solve(lower, moved), lower=False)


def lu_reconstruct(
    lower_upper: Any, perm: Any, validate_args: bool = False, name: str | None = None
) -> Tensor:
    """The matrix whose ``lu`` is given."""
    order = convert_to_tensor(perm)
    last = len(order.dims) - 1
    rows = ops.argsort(order, axis=last)
    return ops.gather(ops.matmul(*_factors(lower_upper)), rows, axis=last, batch_dims=last)


def lu_matrix_inverse(
    lower_upper: Any, perm: Any, validate_args: bool = False, name: str | None = None
) -> Tensor:
    """The inverse of the matrix whose ``lu`` is given."""
    return ops.inverse(lu_reconstruct(lower_upper, perm))


# --- functions of matrices ------------------------------------------------------------------------


def expm(input: Any, name: str | None = None) -> Tensor:
    """Exponential of square matrices."""
    return ops.expm(convert_to_tensor(input))


def logm(input: Any, name: str | None = None) -> Tensor:
    """Logarithm of complex square matrices."""
    return ops.logm(convert_to_tensor(input))


def sqrtm(input: Any, name: str | None = None) -> Tensor:
    """Square root of square matrices; raises ``InvalidArgumentError`` if a real one has none."""
    return ops.sqrtm(convert_to_tensor(input))
