"""Rows of tables by number."""

from __future__ import annotations

from typing import Any

from graphc.api.arguments import like
from graphc.api.indexing import gather
from graphc.api.reductions import clip_by_norm, reduce_max
from graphc.api.shapes import cast, concat
from graphc.api.sparse import SparseTensor, combine_rows, fill_empty_rows, reshape_, retain
from graphc.errors import InvalidArgumentError
from graphc.ir import dims
from graphc.ops import ops
from graphc.trace.dispatch import convert_to_tensor
from graphc.trace.tensor import Tensor


def embedding_lookup(
    params: Any, ids: Any, max_norm: Any = None, name: str | None = None
) -> Tensor:
    """Take rows of a table [rows, ...]; with ``max_norm`` they are clipped to that norm.

    A list of tables is one table, cut into parts.
    """
    if isinstance(params, list | tuple):
        if not params:
            raise InvalidArgumentError("embedding_lookup: needs at least one table, got none")
        params = params[0] if len(params) == 1 else concat(list(params), 0)
    rows = convert_to_tensor(ids)
    found = gather(params, rows)
    if max_norm is None:
        return found
    return clip_by_norm(found, max_norm, tuple(range(len(rows.dims), len(found.dims))))


def embedding_lookup_sparse(
    params: Any, sp_ids: Any, sp_weights: Any, combiner: str | None = None, max_norm: Any = None,
    name: str | None = None, allow_fast_lookup: bool = False,
) -> Tensor:  # fmt: skip
    """For each row of ``sp_ids`` one vector: the sum, mean or ``sqrtn`` of the rows it names.

    ``sp_weights`` weighs them; rows without ids give zeros.  Raises ``TypeError`` unless the ids
    are sparse, ``ValueError`` for another combiner.
    """
    how = "mean" if combiner is None else combiner
    if how not in ("mean", "sqrtn", "sum"):
        raise ValueError(f"combiner must be one of 'mean', 'sqrtn' or 'sum', got {combiner!r}")
    if not isinstance(sp_ids, SparseTensor):
        raise TypeError(f"sp_ids must be SparseTensor, got {sp_ids!r}")
    rows = sp_ids.indices[:, 0]
    last = concat([rows, like([-1], rows)], 0)
    found = embedding_lookup(params, sp_ids.values, max_norm)
    weights = None if sp_weights is None else cast(sp_weights.values, found.dtype)
    return combine_rows(found, rows, reduce_max(last) + 1, how, weights)


def safe_embedding_lookup_sparse(
    embedding_weights: Any, sparse_ids: Any, sparse_weights: Any = None, combiner: str = "mean",
    default_id: Any = None, max_norm: Any = None, name: str | None = None,
    allow_fast_lookup: bool = False,
) -> Tensor:  # fmt: skip
    """`embedding_lookup_sparse` for any ids: negative ids, and weights that are not positive, are
    left out (of a sum only ids); rows that have nothing left get ``default_id``'s row, or zeros.
    """
    sizes = sparse_ids.sizes()
    flat = [dims.product(sizes[:-1]), sizes[-1]]
    ids = reshape_(sparse_ids, flat)
    weights = None if sparse_weights is None else reshape_(sparse_weights, flat)
    kept = ops.greater_equal(ids.values, like(0, ids.values))
    if weights is not None and combiner != "sum":
        kept = ops.logical_and(kept, ops.greater(weights.values, like(0, weights.values)))
    ids = retain(ids, kept)
    ids, empty = fill_empty_rows(ids, 0 if default_id is None else default_id)
    if weights is not None:
        weights, _ = fill_empty_rows(retain(weights, kept), 1.0)
    found = embedding_lookup_sparse(embedding_weights, ids, weights, combiner, max_norm)
    if default_id is None:
        empty = ops.reshape(empty, shape=(flat[0], *(1,) * (len(found.dims) - 1)))
        found = ops.select(empty, ops.zeros_like(found), found)
    return ops.reshape(found, shape=(*sizes[:-1], *found.dims[1:]))
