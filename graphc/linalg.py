"""``tf.linalg``: products, diagonals, solvers."""

from __future__ import annotations

import builtins
import string
from typing import Any

from graphc.array_ops import eye, known
from graphc.errors import InvalidArgumentError
from graphc.math import reduce_max, reduce_sum
from graphc.ops import ops
from graphc.trace.dispatch import convert_to_tensor
from graphc.trace.tensor import Tensor

__all__ = [
    "band_part", "cholesky", "det", "diag", "diag_part", "einsum", "eye", "inv", "matmul",
    "matrix_transpose", "matvec", "norm", "set_diag", "solve", "tensordot", "trace",
]  # fmt: skip


def matmul(
    a: Any, b: Any, transpose_a: bool = False, transpose_b: bool = False, adjoint_a: bool = False,
    adjoint_b: bool = False, a_is_sparse: bool = False, b_is_sparse: bool = False,
    output_type: Any = None, name: str | None = None,
) -> Tensor:  # fmt: skip
    """Matrix product; axes before the last two broadcast."""
    x = convert_to_tensor(a, dtype_hint=getattr(b, "dtype", None))
    y = convert_to_tensor(b, dtype_hint=x.dtype)
    x = ops.conj(x) if adjoint_a and x.dtype.is_complex else x
    y = ops.conj(y) if adjoint_b and y.dtype.is_complex else y
    return ops.matmul(x, y, transpose_a=transpose_a or adjoint_a, transpose_b=transpose_b or adjoint_b)


def matvec(a: Any, b: Any, transpose_a: bool = False, name: str | None = None, **unused: Any) -> Tensor:
    """Product of matrices and vectors."""
    column = ops.expand_dims(convert_to_tensor(b), axis=-1)
    return ops.squeeze(matmul(a, column, transpose_a), axis=(-1,))


def tensordot(a: Any, b: Any, axes: Any, name: str | None = None) -> Tensor:
    """Sum of products over axes of both tensors; a number means the last of a and the first of b."""
    x = convert_to_tensor(a)
    y = convert_to_tensor(b, dtype_hint=x.dtype)
    left, right = _contracted(known(axes, "axes"), len(x.dims), len(y.dims))
    free_x = [i for i in range(len(x.dims)) if i not in left]
    free_y = [i for i in range(len(y.dims)) if i not in right]
    inner = _product(x.dims[i] for i in left)
    p = ops.reshape(ops.transpose(x, perm=(*free_x, *left)), shape=(_product(x.dims[i] for i in free_x), inner))
    q = ops.reshape(ops.transpose(y, perm=(*right, *free_y)), shape=(inner, _product(y.dims[i] for i in free_y)))
    shape = (*(x.dims[i] for i in free_x), *(y.dims[i] for i in free_y))
    return ops.reshape(ops.matmul(p, q), shape=shape)


def _contracted(axes: Any, rank_x: int, rank_y: int) -> tuple[list[int], list[int]]:
    if isinstance(axes, int):
        return list(range(rank_x - axes, rank_x)), list(range(axes))
    left, right = ([a] if isinstance(a, int) else list(a) for a in axes)
    if len(left) != len(right):
        raise InvalidArgumentError(f"tensordot: {len(left)} axes of a and {len(right)} of b")
    return [a % rank_x for a in left], [a % rank_y for a in right]


def _product(dims: Any) -> Any:
    total: Any = 1
    for d in dims:
        total = total * d
    return total


def einsum(equation: str, *inputs: Any, **kwargs: Any) -> Tensor:
    """Einstein's sums: transposes, broadcasts and matrix products, two operands at a time."""
    operands = [convert_to_tensor(x) for x in inputs]
    terms, result = _parse(equation, operands)
    letters, total = terms[0], operands[0]
    for i, (other, y) in enumerate(zip(terms[1:], operands[1:], strict=True)):
        later = set(result).union(*terms[i + 2 :])
        kept = [c for c in dict.fromkeys(letters + other) if c in later]
        total = _contract(letters, total, other, y, kept)
        letters = "".join(kept)
    letters, total = _without_repeats(letters, total)
    folded = [i for i, c in enumerate(letters) if c not in result]
    if folded:
        total = ops.reduce_sum(total, axis=tuple(folded))
        letters = "".join(c for c in letters if c in result)
    order = tuple(letters.index(c) for c in result)
    return total if order == tuple(range(len(order))) else ops.transpose(total, perm=order)


def _parse(equation: str, operands: list[Tensor]) -> tuple[list[str], str]:
    """Letters of each operand and of the result; an ellipsis becomes capital letters."""
    text = equation.replace(" ", "")
    left, arrow, right = text.partition("->")
    terms = left.split(",")
    if len(terms) != len(operands):
        raise InvalidArgumentError(f"einsum: {equation!r} names {len(terms)} operands, got {len(operands)}")
    unused = [c for c in string.ascii_letters if c not in text]
    widest = builtins.max((len(x.dims) - len(t.replace("...", "")) for t, x in zip(terms, operands, strict=True)
                           if "..." in t), default=0)  # fmt: skip
    dots = "".join(unused[:widest])
    for i, (t, x) in enumerate(zip(terms, operands, strict=True)):
        extra = len(x.dims) - len(t.replace("...", ""))
        if "..." not in t and extra:
            raise InvalidArgumentError(f"einsum: {t!r} does not fit a tensor of {len(x.dims)} axes")
        terms[i] = t.replace("...", dots[len(dots) - extra :] if extra else "")
    if arrow:
        return terms, right.replace("...", dots)
    joined = "".join(terms)
    return terms, dots + "".join(sorted(c for c in set(joined) if joined.count(c) == 1 and c not in dots))


def _without_repeats(letters: str, x: Tensor) -> tuple[str, Tensor]:
    """Diagonals for letters that an operand has twice."""
    while len(set(letters)) < len(letters):
        c = next(c for c in letters if letters.count(c) > 1)
        i, j = letters.index(c), letters.rindex(c)
        rest = [k for k in range(len(letters)) if k not in (i, j)]
        x = ops.diag_part(ops.transpose(x, perm=(*rest, i, j)))
        letters = "".join(letters[k] for k in rest) + c
    return letters, x


def _contract(a: str, x: Tensor, b: str, y: Tensor, kept: list[str]) -> Tensor:
    """The product of two operands, summed over the letters that nobody needs."""
    (a, x), (b, y) = _without_repeats(a, x), _without_repeats(b, y)
    for letters, other in ((a, b), (b, a)):  # letters of one operand alone that are summed
        alone = tuple(i for i, c in enumerate(letters) if c not in other and c not in kept)
        if alone and letters is a:
            x, a = ops.reduce_sum(x, axis=alone), "".join(c for c in a if c in other or c in kept)
        elif alone:
            y, b = ops.reduce_sum(y, axis=alone), "".join(c for c in b if c in other or c in kept)
    batch = [c for c in a if c in b and c in kept]
    inner = [c for c in a if c in b and c not in kept]
    rows, columns = [c for c in a if c not in b], [c for c in b if c not in a]
    size = {c: d for letters, t in ((a, x), (b, y)) for c, d in zip(letters, t.dims, strict=True) if d != 1}

    def laid_out(letters: str, t: Tensor, order: list[list[str]]) -> Tensor:
        t = ops.transpose(t, perm=tuple(letters.index(c) for part in order for c in part))
        groups = [_product(size.get(c, 1) for c in part) for part in order[1:]]
        shape = [*(t.dims[: len(order[0])]), *groups]
        return ops.reshape(t, shape=tuple(shape))

    p = laid_out(a, x, [batch, rows, inner])
    q = laid_out(b, y, [batch, inner, columns])
    product = ops.matmul(p, q)
    full = (*product.dims[: len(batch)], *(size.get(c, 1) for c in rows + columns))
    product = ops.reshape(product, shape=tuple(full))
    now = batch + rows + columns
    return ops.transpose(product, perm=tuple(now.index(c) for c in kept))


# --- matrices ---------------------------------------------------------------------------------------------


def matrix_transpose(a: Any, name: str = "matrix_transpose", conjugate: bool = False) -> Tensor:
    """The last two axes exchanged."""
    x = convert_to_tensor(a)
    axes = tuple(range(len(x.dims) - 2))
    return ops.transpose(x, perm=(*axes, len(axes) + 1, len(axes)))


def diag(diagonal: Any, name: str = "diag", **unused: Any) -> Tensor:
    """Matrices with the last axis on their diagonal."""
    return ops.diag(convert_to_tensor(diagonal))


def diag_part(input: Any, name: str = "diag_part", **unused: Any) -> Tensor:
    """The diagonal of matrices."""
    return ops.diag_part(convert_to_tensor(input))


def set_diag(input: Any, diagonal: Any, name: str = "set_diag", **unused: Any) -> Tensor:
    """Matrices with another diagonal."""
    x: Any = convert_to_tensor(input)
    new = ops.diag(convert_to_tensor(diagonal, dtype_hint=x.dtype))
    hole = x - ops.band_part(x, lower=0, upper=0)
    return hole + new


def band_part(input: Any, num_lower: int, num_upper: int, name: str | None = None) -> Tensor:
    """Zero outside of a band; -1 keeps a whole triangle."""
    return ops.band_part(convert_to_tensor(input), lower=int(num_lower), upper=int(num_upper))


def trace(x: Any, name: str | None = None) -> Tensor:
    """The sum of the diagonal."""
    return ops.reduce_sum(ops.diag_part(convert_to_tensor(x)), axis=-1)


def inv(input: Any, adjoint: bool = False, name: str | None = None) -> Tensor:
    """Inverse of square matrices; a singular one raises ``InvalidArgumentError``."""
    return ops.inverse(convert_to_tensor(input))


def det(input: Any, name: str | None = None) -> Tensor:
    """Determinant of square matrices."""
    return ops.det(convert_to_tensor(input))


def cholesky(input: Any, name: str | None = None) -> Tensor:
    """The lower triangular L with L L^T = input."""
    return ops.cholesky(convert_to_tensor(input))


def solve(matrix: Any, rhs: Any, adjoint: bool = False, name: str | None = None) -> Tensor:
    """x in ``matrix x = rhs``."""
    a = convert_to_tensor(matrix)
    return ops.solve(matrix_transpose(a) if adjoint else a, convert_to_tensor(rhs, dtype_hint=a.dtype))


def norm(tensor: Any, ord: Any = "euclidean", axis: Any = None, keepdims: bool | None = None, name: str | None = None) -> Tensor:
    """Vector norms: 'euclidean', 1, 2, a positive number, or infinity."""
    x: Any = convert_to_tensor(tensor)
    keep = bool(keepdims)
    if ord in ("euclidean", "fro", 2):
        return ops.sqrt(reduce_sum(ops.square(x), axis, keep))
    size = ops.abs(x)
    if ord == float("inf"):
        return reduce_max(size, axis, keep)
    if ord == 1:
        return reduce_sum(size, axis, keep)
    if isinstance(ord, int | float) and ord > 0:
        return ops.pow(reduce_sum(ops.pow(size, ord), axis, keep), 1.0 / ord)
    raise ValueError(f"norm: ord is 'euclidean', a positive number or infinity, got {ord!r}")
