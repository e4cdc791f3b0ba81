"""``tf.sparse``: tensors of which only the elements that are not zero are kept."""

from __future__ import annotations

from graphc.api.sparse import (
    SparseTensor,
    add,
    eye,
    fill_empty_rows,
    from_dense,
    map_values,
    maximum,
    minimum,
    reorder,
    reset_shape,
    retain,
    segment_mean,
    segment_sqrt_n,
    segment_sum,
    softmax,
    sparse_dense_matmul,
    split,
    to_dense,
    to_indicator,
    transpose,
)
from graphc.api.sparse import concat_ as concat
from graphc.api.sparse import expand_dims_ as expand_dims
from graphc.api.sparse import reduce_max_ as reduce_max
from graphc.api.sparse import reduce_sum_ as reduce_sum
from graphc.api.sparse import reshape_ as reshape
from graphc.api.sparse import slice_ as slice

__all__ = [
    "SparseTensor", "add", "concat", "expand_dims", "eye", "fill_empty_rows", "from_dense",
    "map_values", "maximum", "minimum", "reduce_max", "reduce_sum", "reorder", "reset_shape",
    "reshape", "retain", "segment_mean", "segment_sqrt_n", "segment_sum", "slice", "softmax",
    "sparse_dense_matmul", "split", "to_dense", "to_indicator", "transpose",
]  # fmt: skip
