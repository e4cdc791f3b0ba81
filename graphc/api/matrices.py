"""Linear algebra: products, triangles and diagonals, solvers, decompositions, norms."""

from __future__ import annotations

from typing import Any

from graphc.api.arguments import alike, known_axes
from graphc.api.reductions import reduce_max, reduce_sum
from graphc.api.solvers import svd
from graphc.errors import InvalidArgumentError
from graphc.ir import dtypes
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
