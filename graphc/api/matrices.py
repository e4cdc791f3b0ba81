"""Linear algebra: products, triangles and diagonals, solvers, decompositions, norms."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from graphc.api.arguments import alike, known, known_axes, like
from graphc.api.reductions import reduce_max, reduce_sum
from graphc.errors import InvalidArgumentError
from graphc.ir import dims, dtypes
from graphc.ops import ops
from graphc.trace.dispatch import convert_to_tensor
from graphc.trace.tensor import Tensor

# --- products -------------------------------------------------------------------------------------


def matmul(
    a: Any, b: Any, transpose_a: bool = False, transpose_b: bool = False, adjoint_a: bool = False,
    adjoint_b: bool = False, a_is_sparse: bool = False, b_is_sparse: bool = False,
    output_type: Any = None, grad_a: bool = False, grad_b: bool = False, name: str | None = None,
) -> Tensor:  # fmt: skip
    """Multiply matrices [..., m, k] and [..., k, n]; axes before the last two broadcast.

    Raises ``InvalidArgumentError`` if the inner sizes differ, ``DTypeError`` if the dtypes do.
    """
    if (transpose_a and adjoint_a) or (transpose_b and adjoint_b):
        raise ValueError("matmul: a matrix is either transposed or adjoint, not both")
    x, y = alike(a, b)
    x = ops.conj(x) if adjoint_a and x.dtype.is_complex else x
    y = ops.conj(y) if adjoint_b and y.dtype.is_complex else y
    flags = dict(transpose_a=bool(transpose_a or adjoint_a))
    product = ops.matmul(x, y, transpose_b=bool(transpose_b or adjoint_b), **flags)
    return product if output_type is None else ops.cast(product, dtype=dtypes.as_dtype(output_type))


def matvec(
    a: Any, b: Any, transpose_a: bool = False, adjoint_a: bool = False, a_is_sparse: bool = False,
    b_is_sparse: bool = False, name: str | None = None,
) -> Tensor:  # fmt: skip
    """Multiply matrices [..., m, n] by vectors [..., n]."""
    x, y = alike(a, b)
    column = ops.expand_dims(y, axis=-1)
    return ops.squeeze(matmul(x, column, transpose_a, adjoint_a=adjoint_a), axis=(-1,))


def cross(a: Any, b: Any, name: str | None = None) -> Tensor:
    """Cross product of vectors of three elements along the last axis."""
    x, y = alike(a, b)
    if x.dims[-1:] != (3,) or y.dims[-1:] != (3,):
        raise InvalidArgumentError(f"cross: vectors have 3 elements, got {x.shape} and {y.shape}")

    def turned(t: Tensor, by: int) -> Tensor:
        return ops.roll(t, shift=(by,), axis=(-1,))

    first = ops.multiply(turned(x, -1), turned(y, 1))
    return ops.subtract(first, ops.multiply(turned(x, 1), turned(y, -1)))


# --- transposes, triangles, diagonals -------------------------------------------------------------


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


def _offsets(x: Tensor) -> Any:
    """Column less row for each place of a matrix."""
    rows, columns = x.dims[-2:]
    i = ops.reshape(ops.iota(size=rows, dtype=dtypes.int32), shape=(rows, 1))
    return ops.subtract(ops.iota(size=columns, dtype=dtypes.int32), i)


def band_part(input: Any, num_lower: Any, num_upper: Any, name: str | None = None) -> Tensor:
    """Set everything outside of a band to zero; -1 keeps a whole triangle."""
    x = convert_to_tensor(input)
    if len(x.dims) < 2:
        raise InvalidArgumentError(f"band_part needs matrices, got shape {x.shape}")
    lower, upper = known(num_lower, "num_lower"), known(num_upper, "num_upper")
    offsets, kept = _offsets(x), None
    for bound, inside in (
        (lower, lambda n: ops.greater_equal(offsets, -n)),
        (upper, lambda n: ops.less_equal(offsets, n)),
    ):
        if bound >= 0:
            kept = inside(bound) if kept is None else ops.logical_and(kept, inside(bound))
    return x if kept is None else ops.select(kept, x, ops.zeros_like(x))


def _main_diagonal(k: Any, who: str) -> None:
    if k != 0:
        raise InvalidArgumentError(f"{who}: only the main diagonal (k=0) is supported, got k={k}")


def diag(
    diagonal: Any, name: str = "diag", k: Any = 0, num_rows: int = -1, num_cols: int = -1,
    padding_value: Any = 0, align: str = "RIGHT_LEFT",
) -> Tensor:  # fmt: skip
    """Make matrices with the last axis on their main diagonal and zeros elsewhere."""
    _main_diagonal(k, "diag")
    return ops.diag(convert_to_tensor(diagonal))


def diag_part(
    input: Any, name: str = "diag_part", k: Any = 0, padding_value: Any = 0,
    align: str = "RIGHT_LEFT",
) -> Tensor:  # fmt: skip
    """Take the main diagonal of matrices."""
    _main_diagonal(k, "diag_part")
    return ops.diag_part(convert_to_tensor(input))


def set_diag(
    input: Any, diagonal: Any, name: str = "set_diag", k: Any = 0, align: str = "RIGHT_LEFT"
) -> Tensor:
    """Replace the main diagonal of matrices."""
    _main_diagonal(k, "set_diag")
    x = convert_to_tensor(input)
    new = ops.expand_dims(like(diagonal, x), axis=-1)  # row i holds the i-th element
    rows, size = x.dims[-2], new.dims[-2]
    if rows != size:  # more rows than columns: the rows below are not touched
        lead = ((0, 0),) * (len(new.dims) - 2)
        new = ops.pad(new, paddings=(*lead, (0, rows - size), (0, 0)))
    return ops.select(ops.equal(_offsets(x), 0), new, x)


def trace(x: Any, name: str | None = None) -> Tensor:
    """Sum of the main diagonal."""
    return reduce_sum(ops.diag_part(convert_to_tensor(x)), -1)


def tensor_diag(diagonal: Any, name: str | None = None) -> Tensor:
    """Make a tensor of twice the axes with the elements on its diagonal."""
    x = convert_to_tensor(diagonal)
    square = ops.diag(ops.reshape(x, shape=(-1,)))
    return ops.reshape(square, shape=(*x.dims, *x.dims))


def tensor_diag_part(input: Any, name: str | None = None) -> Tensor:
    """Take the diagonal of a tensor whose axes come in two equal halves."""
    x = convert_to_tensor(input)
    half = x.dims[: len(x.dims) // 2]
    count = dims.product(half)
    return ops.reshape(ops.diag_part(ops.reshape(x, shape=(count, count))), shape=half)


# --- solvers --------------------------------------------------------------------------------------


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
    """Find the lower triangular L with L L^T = input, which is symmetric and positive definite."""
    return ops.cholesky(convert_to_tensor(input))


def cholesky_solve(chol: Any, rhs: Any, name: str | None = None) -> Tensor:
    """Find x in ``chol chol^T x = rhs``."""
    low, b = alike(chol, rhs)
    return triangular_solve(low, triangular_solve(low, b), adjoint=True)


def det(input: Any, name: str | None = None) -> Tensor:
    """Determinant of square matrices."""
    return ops.det(convert_to_tensor(input))


def logdet(matrix: Any, name: str | None = None) -> Tensor:
    """log(det(matrix)) of symmetric, positive definite matrices."""
    return reduce_sum(ops.log(ops.diag_part(cholesky(matrix))), -1) * 2.0  # type: ignore[operator]


class LogDeterminant(NamedTuple):
    """What `slogdet` returns."""

    sign: Tensor
    log_abs_determinant: Tensor


def slogdet(input: Any, name: str | None = None) -> LogDeterminant:
    """Sign of the determinant, and the logarithm of its absolute value."""
    value = det(input)
    return LogDeterminant(ops.sign(value), ops.log(ops.abs(value)))


# --- decompositions -------------------------------------------------------------------------------


def eigh(tensor: Any, name: str | None = None) -> tuple[Tensor, Tensor]:
    """Ascending eigenvalues [..., n] and eigenvectors (columns) of symmetric matrices."""
    return ops.eigh(convert_to_tensor(tensor))


def eigvalsh(tensor: Any, name: str | None = None) -> Tensor:
    """Ascending eigenvalues of symmetric matrices."""
    return eigh(tensor)[0]


def qr(input: Any, full_matrices: bool = False, name: str | None = None) -> tuple[Tensor, Tensor]:
    """Orthogonal q and upper triangular r with q r = input."""
    return ops.qr(convert_to_tensor(input), full_matrices=bool(full_matrices))


def svd(
    tensor: Any, full_matrices: bool = False, compute_uv: bool = True, name: str | None = None
) -> Any:
    """Singular values s (descending) and vectors u, v: tensor = u diag(s) v^T.

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
        size = ops.extent(size=largest, dtype=x.dtype)
        tol = reduce_max(s, -1, keepdims=True) * size * float(np.finfo(x.dtype.np).eps)
    return reduce_sum(ops.cast(ops.greater(s, tol), dtype=dtypes.int32), -1)


def pinv(a: Any, rcond: Any = None, validate_args: bool = False, name: str | None = None) -> Tensor:
    """Moore and Penrose's inverse; singular values below ``rcond`` times the largest count as 0."""
    x = convert_to_tensor(a)
    s, u, v = svd(x)
    if rcond is None:
        largest = ops.extent(size=dims.maximum(*x.dims[-2:]), dtype=x.dtype)
        rcond = largest * (10 * float(np.finfo(x.dtype.np).eps))
    kept = ops.greater(s, reduce_max(s, -1, keepdims=True) * rcond)
    inverse = ops.select(kept, 1 / ops.select(kept, s, ops.ones_like(s)), ops.zeros_like(s))
    return ops.matmul(v * ops.expand_dims(inverse, axis=-2), u, transpose_b=True)


# --- norms ----------------------------------------------------------------------------------------


def norm(
    tensor: Any, ord: Any = "euclidean", axis: Any = None, keepdims: bool | None = None,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Norms of vectors (one axis, or all elements) or of matrices (a pair of axes).

    ``ord``: 'euclidean' or 'fro', 1, 2, infinity, and for vectors any positive number.
    """
    x: Any = convert_to_tensor(tensor)
    keep, size = bool(keepdims), ops.abs(x)
    if ord in ("euclidean", "fro") or (ord == 2 and not isinstance(axis, list | tuple)):
        return ops.sqrt(reduce_sum(ops.square(size), axis, keep))
    if not isinstance(ord, int | float) or ord <= 0:
        raise ValueError(f"norm: ord is 'euclidean', 'fro' or a positive number, got {ord!r}")
    if isinstance(axis, list | tuple):
        return _matrix_norm(x, ord, axis, keep)
    if ord == float("inf"):
        return reduce_max(size, axis, keep)
    if ord == 1:
        return reduce_sum(size, axis, keep)
    return ops.pow(reduce_sum(ops.pow(size, float(ord)), axis, keep), 1.0 / ord)


def _matrix_norm(x: Tensor, ord: float, axis: Any, keep: bool) -> Tensor:
    rank = len(x.dims)
    rows, columns = (known_axes(a, rank)[0] for a in axis)
    if ord == 2:
        rest = [i for i in range(rank) if i not in (rows, columns)]
        values = svd(ops.transpose(x, perm=(*rest, rows, columns)), compute_uv=False)
        largest = reduce_max(values, -1)
        if not keep:
            return largest
        kept = tuple(1 if i in (rows, columns) else d for i, d in enumerate(x.dims))
        return ops.reshape(largest, shape=kept)
    folded, other = {1: (rows, columns), float("inf"): (columns, rows)}[ord]
    sums = reduce_sum(ops.abs(x), folded, keepdims=True)
    found = reduce_max(sums, other, keepdims=True)
    return found if keep else ops.squeeze(found, axis=(rows, columns))


def normalize(
    tensor: Any, ord: Any = "euclidean", axis: Any = None, name: str | None = None
) -> tuple[Tensor, Tensor]:
    """A tensor divided by its norm along axes, and the norm."""
    x = convert_to_tensor(tensor)
    size = norm(x, ord, axis, keepdims=True)
    return ops.divide(x, size), size
