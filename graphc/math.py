"""``tf.math``: elementary functions, comparisons, reductions, running and segment sums."""

from __future__ import annotations

from graphc.api.activations import log_softmax, softmax, softsign
from graphc.api.elementwise import (
    abs, accumulate_n, acos, acosh, add, add_n, angle, asin, asinh, atan, atan2, atanh, ceil,
    conj, cos, cosh, digamma, divide, divide_no_nan, equal, erf, erfc, erfcinv, erfinv, exp,
    expm1, floor, floordiv, floormod, greater, greater_equal, imag, is_finite, is_inf, is_nan,
    less, less_equal, lgamma, log, log1p, log_sigmoid, logical_and, logical_not, logical_or,
    logical_xor, maximum, minimum, mod, multiply, multiply_no_nan, ndtri, negative, not_equal,
    polygamma, polyval, pow, real, reciprocal, reciprocal_no_nan, rint, round, rsqrt,
    scalar_mul, sigmoid, sign, sin, sinh, softplus, sqrt, square, squared_difference, subtract,
    tan, tanh, truediv, truncatediv, truncatemod, xdivy, xlog1py, xlogy,
)  # fmt: skip
from graphc.api.indexing import in_top_k, invert_permutation, top_k
from graphc.api.reductions import (
    argmax, argmin, bincount, confusion_matrix, count_nonzero, cumprod, cumsum,
    cumulative_logsumexp, is_non_decreasing, is_strictly_increasing, l2_normalize, reduce_all,
    reduce_any, reduce_euclidean_norm, reduce_logsumexp, reduce_max, reduce_mean, reduce_min,
    reduce_prod, reduce_std, reduce_sum, reduce_variance, segment_mean, segment_sum,
    unsorted_segment_max, unsorted_segment_mean, unsorted_segment_min, unsorted_segment_sqrt_n,
    unsorted_segment_sum, zero_fraction,
)  # fmt: skip

__all__ = [
    "abs", "accumulate_n", "acos", "acosh", "add", "add_n", "angle", "argmax", "argmin", "asin",
    "asinh", "atan", "atan2", "atanh", "bincount", "ceil", "confusion_matrix", "conj", "cos",
    "cosh", "count_nonzero", "cumprod", "cumsum", "cumulative_logsumexp", "digamma", "divide",
    "divide_no_nan", "equal", "erf", "erfc", "erfcinv", "erfinv", "exp", "expm1", "floor",
    "floordiv", "floormod", "greater", "greater_equal", "imag", "in_top_k",
    "invert_permutation", "is_finite", "is_inf", "is_nan", "is_non_decreasing",
    "is_strictly_increasing", "l2_normalize", "less", "less_equal", "lgamma", "log", "log1p",
    "log_sigmoid", "log_softmax", "logical_and", "logical_not", "logical_or", "logical_xor",
    "maximum", "minimum", "mod", "multiply", "multiply_no_nan", "ndtri", "negative",
    "not_equal", "polygamma", "polyval", "pow", "real", "reciprocal", "reciprocal_no_nan",
    "reduce_all", "reduce_any", "reduce_euclidean_norm", "reduce_logsumexp", "reduce_max",
    "reduce_mean", "reduce_min", "reduce_prod", "reduce_std", "reduce_sum", "reduce_variance",
    "rint", "round", "rsqrt", "scalar_mul", "segment_mean", "segment_sum", "sigmoid", "sign",
    "sin", "sinh", "softmax", "softplus", "softsign", "sqrt", "square", "squared_difference",
    "subtract", "tan", "tanh", "top_k", "truediv", "truncatediv", "truncatemod",
    "unsorted_segment_max", "unsorted_segment_mean", "unsorted_segment_min",
    "unsorted_segment_sqrt_n", "unsorted_segment_sum", "xdivy", "xlog1py", "xlogy",
    "zero_fraction",
]  # fmt: skip
