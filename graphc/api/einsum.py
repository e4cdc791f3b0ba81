"""Sums of products over named axes: einsum and tensordot, by transposes and matrix products."""

from __future__ import annotations

import string
from collections.abc import Iterable, Sequence
from typing import Any

from graphc.api.arguments import alike, known
from graphc.errors import InvalidArgumentError
from graphc.ir import dims
from graphc.ir.dims import DimLike
from graphc.ops import ops
from graphc.trace.tensor import Tensor


def tensordot(a: Any, b: Any, axes: Any, name: str | None = None) -> Tensor:
    """Sum products over axes of both tensors.

    ``axes`` is a pair of lists of axes, or a number n: the last n of ``a``, the first n of ``b``.
    """
    x, y = alike(a, b)
    left, right = _contracted(known(axes, "axes"), len(x.dims), len(y.dims))
    free_x = [i for i in range(len(x.dims)) if i not in left]
    free_y = [i for i in range(len(y.dims)) if i not in right]
    rows, columns = [x.dims[i] for i in free_x], [y.dims[i] for i in free_y]
    p = _as_matrix(x, free_x, left)
    q = _as_matrix(y, right, free_y)
    return ops.reshape(ops.matmul(p, q), shape=(*rows, *columns))


def _as_matrix(x: Tensor, rows: Sequence[int], columns: Sequence[int]) -> Tensor:
    order = (*rows, *columns)
    moved = x if order == tuple(range(len(order))) else ops.transpose(x, perm=order)
    sizes = (_product(x.dims[i] for i in part) for part in (rows, columns))
    return ops.reshape(moved, shape=tuple(sizes))


def _contracted(axes: Any, rank_x: int, rank_y: int) -> tuple[list[int], list[int]]:
    if isinstance(axes, int):
        if not 0 <= axes <= min(rank_x, rank_y):
            raise InvalidArgumentError(f"tensordot: {axes} axes of ranks {rank_x} and {rank_y}")
        return list(range(rank_x - axes, rank_x)), list(range(axes))
    left, right = ([a] if isinstance(a, int) else list(a) for a in axes)
    if len(left) != len(right):
        raise InvalidArgumentError(f"tensordot: {len(left)} axes of a and {len(right)} of b")
    return [a % rank_x for a in left], [a % rank_y for a in right]


def _product(sizes: Iterable[DimLike]) -> DimLike:
    return dims.product(tuple(sizes))


def einsum(equation: str, *inputs: Any, **kwargs: Any) -> Tensor:
    """Sum products by Einstein's notation: ``einsum('bij,jk->bik', a, b)``.

    ``...`` stands for any axes, which broadcast; a letter that one operand has twice takes its
    diagonal.  Operands are combined two at a time, from the left.
    """
    if not inputs:
        raise ValueError("einsum needs at least one tensor")
    operands = alike(*inputs)
    terms, result = _parse(equation, operands)
    letters, total = _without_repeats(terms[0], operands[0])
    for i, (other, y) in enumerate(zip(terms[1:], operands[1:], strict=True)):
        later = set(result).union(*terms[i + 2 :])
        letters, total = _contract(letters, total, other, y, later)
    letters, total = _fold(letters, total, set(result))
    missing = [c for c in result if c not in letters]
    if missing:
        raise InvalidArgumentError(f"einsum: {missing[0]!r} of the result is in no operand")
    return _ordered(letters, total, result)


def _parse(equation: str, operands: Sequence[Tensor]) -> tuple[list[str], str]:
    """Letters of each operand and of the result; an ellipsis becomes unused letters."""
    text = equation.replace(" ", "")
    left, arrow, right = text.partition("->")
    terms = left.split(",")
    if len(terms) != len(operands):
        raise InvalidArgumentError(
            f"einsum: {equation!r} names {len(terms)} operands, got {len(operands)}"
        )
    named = [len(t.replace("...", "")) for t in terms]
    extra = [len(x.dims) - n for x, n in zip(operands, named, strict=True)]
    for term, count in zip(terms, extra, strict=True):
        if count < 0 or (count and "..." not in term):
            raise InvalidArgumentError(f"einsum: {term!r} does not fit a tensor of its rank")
    unused = [c for c in string.ascii_letters if c not in text]
    dots = "".join(unused[: max(extra)])
    terms = [t.replace("...", dots[len(dots) - n :]) for t, n in zip(terms, extra, strict=True)]
    if arrow:
        return terms, right.replace("...", dots)
    joined = "".join(terms)
    once = sorted(c for c in set(joined) if joined.count(c) == 1 and c not in dots)
    return terms, dots + "".join(once)


def _without_repeats(letters: str, x: Tensor) -> tuple[str, Tensor]:
    """Diagonals for letters that an operand has twice."""
    while len(set(letters)) < len(letters):
        c = next(c for c in letters if letters.count(c) > 1)
        i, j = letters.index(c), letters.rindex(c)
        rest = [k for k in range(len(letters)) if k not in (i, j)]
        x = ops.diag_part(ops.transpose(x, perm=(*rest, i, j)))
        letters = "".join(letters[k] for k in rest) + c
    return letters, x


def _fold(letters: str, x: Tensor, kept: set[str]) -> tuple[str, Tensor]:
    """Sum over the letters that nobody needs."""
    folded = tuple(i for i, c in enumerate(letters) if c not in kept)
    if folded:
        x = ops.reduce_sum(x, axis=folded)
    return "".join(c for c in letters if c in kept), x


def _ordered(letters: str, x: Tensor, wanted: str) -> Tensor:
    order = tuple(letters.index(c) for c in wanted)
    return x if order == tuple(range(len(order))) else ops.transpose(x, perm=order)


def _contract(a: str, x: Tensor, b: str, y: Tensor, later: set[str]) -> tuple[str, Tensor]:
    """The product of two operands, summed over what no later operand and no result needs."""
    b, y = _without_repeats(b, y)
    a, x = _fold(a, x, later | set(b))
    b, y = _fold(b, y, later | set(a))
    batch = "".join(c for c in a if c in b and c in later)
    inner = "".join(c for c in a if c in b and c not in later)
    rows = "".join(c for c in a if c not in b)
    columns = "".join(c for c in b if c not in a)
    size = _sizes(((a, x), (b, y)))
    p = _grouped(a, x, (batch, rows, inner), size)
    q = _grouped(b, y, (batch, inner, columns), size)
    product = ops.matmul(p, q)
    lead = product.dims[: len(batch)]
    shape = (*lead, *(size[c] for c in rows + columns))
    return batch + rows + columns, ops.reshape(product, shape=shape)


def _sizes(operands: Iterable[tuple[str, Tensor]]) -> dict[str, DimLike]:
    """The size of each letter; an axis of size 1 takes the other operand's."""
    found: dict[str, DimLike] = {}
    for letters, t in operands:
        for c, d in zip(letters, t.dims, strict=True):
            if found.get(c, 1) == 1:
                found[c] = d
            elif d != 1 and not dims.assume_equal(d, found[c]):
                raise InvalidArgumentError(f"einsum: {c!r} has size {found[c]} and size {d}")
    return found


def _grouped(
    letters: str, x: Tensor, groups: tuple[str, str, str], size: dict[str, DimLike]
) -> Tensor:
    """Axes as [batch..., first group, second group]; batch axes of size 1 broadcast."""
    moved = _ordered(letters, x, "".join(groups))
    batch = len(groups[0])
    summed = tuple(size[c] for c in groups[1] + groups[2])
    if moved.dims[batch:] != summed:  # an axis of size 1 meets a longer one
        moved = ops.broadcast_to(moved, shape=(*moved.dims[:batch], *summed))
    parts = (_product(size[c] for c in group) for group in groups[1:])
    return ops.reshape(moved, shape=(*moved.dims[:batch], *parts))
