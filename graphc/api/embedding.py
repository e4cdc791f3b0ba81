"""Rows of tables by number."""

from __future__ import annotations

from typing import Any

from graphc.api.indexing import gather
from graphc.api.reductions import clip_by_norm
from graphc.api.shapes import concat
from graphc.errors import InvalidArgumentError
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
