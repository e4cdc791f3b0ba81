"""What TensorFlow keeps at its top level: ``tf.reshape``, ``tf.reduce_sum``, ..."""

from __future__ import annotations

from graphc.api.checks import (
    Assert, assert_equal, assert_greater, assert_less, assert_rank, timestamp,
)  # fmt: skip
from graphc.api.create import (
    complex, constant, eye, fill, linspace, meshgrid, one_hot, ones, ones_like, range,
    sequence_mask, zeros, zeros_like,
)  # fmt: skip
from graphc.api.einsum import einsum, tensordot
from graphc.api.elementwise import (
    abs, acos, acosh, add, add_n, asin, asinh, atan, atan2, atanh, clip_by_value, cos, cosh,
    divide, equal, exp, floor, greater, greater_equal, less, less_equal, logical_and,
    logical_not, logical_or, maximum, minimum, multiply, negative, not_equal, pow, realdiv,
    round, scalar_mul, sigmoid, sign, sin, sinh, sqrt, square, subtract, tan, tanh, truediv,
    truncatediv, truncatemod,
)  # fmt: skip
from graphc.api.indexing import (
    argsort, boolean_mask, gather, gather_nd, scatter_nd, searchsorted, slice, sort,
    strided_slice, tensor_scatter_nd_add, tensor_scatter_nd_max, tensor_scatter_nd_min,
    tensor_scatter_nd_sub, tensor_scatter_nd_update, where,
)  # fmt: skip
from graphc.api.matrices import matmul, norm
from graphc.api.reductions import (
    argmax, argmin, clip_by_global_norm, clip_by_norm, cumsum, reduce_all, reduce_any,
    reduce_logsumexp, reduce_max, reduce_mean, reduce_min, reduce_prod, reduce_sum,
)  # fmt: skip
from graphc.api.shapes import (
    bitcast, broadcast_static_shape, broadcast_to, cast, concat, ensure_shape, expand_dims,
    identity, identity_n, is_tensor, pad, rank, repeat, reshape, reverse, roll, saturate_cast,
    shape, shape_n, size, split, squeeze, stack, tile, transpose, unstack,
)  # fmt: skip
from graphc.api.checks import print_ as print

__all__ = [
    "Assert", "abs", "acos", "acosh", "add", "add_n", "argmax", "argmin", "argsort", "asin",
    "asinh", "assert_equal", "assert_greater", "assert_less", "assert_rank", "atan", "atan2",
    "atanh", "bitcast", "boolean_mask", "broadcast_static_shape", "broadcast_to", "cast",
    "clip_by_global_norm", "clip_by_norm", "clip_by_value", "complex", "concat", "constant",
    "cos", "cosh", "cumsum", "divide", "einsum", "ensure_shape", "equal", "exp", "expand_dims",
    "eye", "fill", "floor", "gather", "gather_nd", "greater", "greater_equal", "identity",
    "identity_n", "is_tensor", "less", "less_equal", "linspace", "logical_and", "logical_not",
    "logical_or", "matmul", "maximum", "meshgrid", "minimum", "multiply", "negative", "norm",
    "not_equal", "one_hot", "ones", "ones_like", "pad", "pow", "print", "range", "rank",
    "realdiv", "reduce_all", "reduce_any", "reduce_logsumexp", "reduce_max", "reduce_mean",
    "reduce_min", "reduce_prod", "reduce_sum", "repeat", "reshape", "reverse", "roll", "round",
    "saturate_cast", "scalar_mul", "scatter_nd", "searchsorted", "sequence_mask", "shape",
    "shape_n", "sigmoid", "sign", "sin", "sinh", "size", "slice", "sort", "split", "sqrt",
    "square", "squeeze", "stack", "strided_slice", "subtract", "tan", "tanh",
    "tensor_scatter_nd_add", "tensor_scatter_nd_max", "tensor_scatter_nd_min",
    "tensor_scatter_nd_sub", "tensor_scatter_nd_update", "tensordot", "tile", "timestamp",
    "transpose", "truediv", "truncatediv", "truncatemod", "unstack", "where", "zeros",
    "zeros_like",
]  # fmt: skip
