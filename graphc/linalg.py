"""``tf.linalg``: products, triangles and diagonals, solvers, decompositions, norms."""

from __future__ import annotations

from graphc.api.create import eye
from graphc.api.diagonals import (
    band_part,
    diag,
    diag_part,
    set_diag,
    tensor_diag,
    tensor_diag_part,
    trace,
)  # fmt: skip
from graphc.api.einsum import einsum, tensordot
from graphc.api.matrices import cross, matmul, matvec, norm, normalize
from graphc.api.reductions import global_norm, l2_normalize
from graphc.api.solvers import (
    adjoint,
    banded_triangular_solve,
    cholesky,
    cholesky_solve,
    det,
    eig,
    eigh,
    eigh_tridiagonal,
    eigvals,
    eigvalsh,
    expm,
    inv,
    logdet,
    logm,
    lstsq,
    lu,
    lu_matrix_inverse,
    lu_reconstruct,
    lu_solve,
    matrix_rank,
    matrix_transpose,
    pinv,
    qr,
    slogdet,
    solve,
    sqrtm,
    svd,
    triangular_solve,
    tridiagonal_matmul,
    tridiagonal_solve,
)  # fmt: skip

__all__ = [
    "adjoint", "band_part", "banded_triangular_solve", "cholesky", "cholesky_solve", "cross",
    "det", "diag", "diag_part", "eig", "eigh", "eigh_tridiagonal", "eigvals", "eigvalsh",
    "einsum", "expm", "eye", "global_norm", "inv", "l2_normalize", "logdet", "logm", "lstsq",
    "lu", "lu_matrix_inverse", "lu_reconstruct", "lu_solve", "matmul", "matrix_rank",
    "matrix_transpose", "matvec", "norm", "normalize", "pinv", "qr", "set_diag", "slogdet",
    "solve", "sqrtm", "svd", "tensor_diag", "tensor_diag_part", "tensordot", "trace",
    "triangular_solve", "tridiagonal_matmul", "tridiagonal_solve",
]  # fmt: skip
