"""``tf.compat.v1``: static graphs, sessions, placeholders, variables by name, their optimizers.

What is not here is looked up in ``tf``: most functions of TensorFlow 1 are still the same.
"""

from __future__ import annotations

from typing import Any

import graphc as tf
from graphc.compat.v1 import layers, losses, train
from graphc.compat.v1.variables import (
    AUTO_REUSE,
    GraphKeys,
    Variable,
    add_to_collection,
    all_variables,
    assign,
    assign_add,
    assign_sub,
    get_collection,
    get_local_variable,
    get_variable,
    get_variable_scope,
    global_variables,
    global_variables_initializer,
    initialize_all_variables,
    local_variables,
    local_variables_initializer,
    report_uninitialized_variables,
    trainable_variables,
    variable_scope,
    variables_initializer,
)
from graphc.function.session import (
    Graph,
    InteractiveSession,
    Session,
    disable_eager_execution,
    enable_eager_execution,
    get_default_graph,
    get_default_session,
    placeholder,
    reset_default_graph,
)
from graphc.function.static_tracer import Operation

__all__ = [
    "AUTO_REUSE", "ConfigProto", "GPUOptions", "Graph", "GraphKeys", "InteractiveSession",
    "Operation", "Session", "Variable", "add_to_collection", "all_variables", "assign",
    "assign_add", "assign_sub", "disable_eager_execution", "disable_v2_behavior", "div",
    "enable_eager_execution", "enable_v2_behavior", "get_collection", "get_default_graph",
    "get_default_session", "get_local_variable", "get_variable", "get_variable_scope",
    "global_variables", "global_variables_initializer", "initialize_all_variables", "layers",
    "local_variables", "local_variables_initializer", "losses", "placeholder",
    "placeholder_with_default", "report_uninitialized_variables", "reset_default_graph",
    "to_double", "to_float", "to_int32", "to_int64", "train", "trainable_variables",
    "variable_scope", "variables_initializer",
]  # fmt: skip

# Names that moved to another place of the library since.
_MOVED = {
    "ceil": "math.ceil", "count_nonzero": "math.count_nonzero", "cumprod": "math.cumprod",
    "diag": "linalg.tensor_diag", "diag_part": "linalg.tensor_diag_part", "erf": "math.erf",
    "floordiv": "math.floordiv", "floormod": "math.floormod", "imag": "math.imag",
    "initializers": "keras.initializers", "is_finite": "math.is_finite",
    "is_inf": "math.is_inf", "is_nan": "math.is_nan", "lgamma": "math.lgamma", "log": "math.log",
    "log1p": "math.log1p", "log_sigmoid": "math.log_sigmoid", "logical_xor": "math.logical_xor",
    "matrix_band_part": "linalg.band_part", "matrix_determinant": "linalg.det",
    "matrix_diag": "linalg.diag", "matrix_inverse": "linalg.inv", "matrix_solve": "linalg.solve",
    "mod": "math.mod", "random_gamma": "random.gamma", "random_normal": "random.normal",
    "random_shuffle": "random.shuffle", "random_uniform": "random.uniform",
    "real": "math.real", "reciprocal": "math.reciprocal", "rint": "math.rint",
    "rsqrt": "math.rsqrt", "segment_mean": "math.segment_mean",
    "segment_sum": "math.segment_sum", "set_random_seed": "random.set_seed",
    "softplus": "math.softplus", "sparse_tensor_dense_matmul": "sparse.sparse_dense_matmul",
    "sparse_tensor_to_dense": "sparse.to_dense", "squared_difference": "math.squared_difference",
    "string_join": "strings.join", "string_to_number": "strings.to_number",
    "trace": "linalg.trace", "truncated_normal": "random.truncated_normal",
    "glorot_uniform_initializer": "keras.initializers.GlorotUniform",
    "truncated_normal_initializer": "keras.initializers.TruncatedNormal",
    "unsorted_segment_sum": "math.unsorted_segment_sum",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    found: Any = tf
    try:
        for part in _MOVED.get(name, name).split("."):
            found = getattr(found, part)
    except AttributeError:
        raise AttributeError(f"module 'graphc.compat.v1' has no attribute {name!r}") from None
    return found


def placeholder_with_default(input: Any, shape: Any, name: str | None = None) -> Any:
    """A tensor that a run may be given another value for."""
    return tf.identity(tf.convert_to_tensor(input))


def disable_v2_behavior() -> None:
    """Build graphs, as `disable_eager_execution` does."""
    disable_eager_execution()


def enable_v2_behavior() -> None:
    enable_eager_execution()


def div(x: Any, y: Any, name: str | None = None) -> Any:
    """Division as in Python 2: integers are divided to integers."""
    x = tf.convert_to_tensor(x)
    return tf.math.floordiv(x, y) if x.dtype.is_integer else tf.divide(x, y)


def to_float(x: Any, name: str | None = None) -> Any:
    return tf.cast(x, tf.float32)


def to_double(x: Any, name: str | None = None) -> Any:
    return tf.cast(x, tf.float64)


def to_int32(x: Any, name: str | None = None) -> Any:
    return tf.cast(x, tf.int32)


def to_int64(x: Any, name: str | None = None) -> Any:
    return tf.cast(x, tf.int64)


class GPUOptions:
    """Settings of a GPU, which nothing reads: graphc computes on the CPU."""

    def __init__(self, **settings: Any) -> None:
        vars(self).update(settings)


class ConfigProto:
    """Settings of a session; they are kept, and change nothing: sessions run on this CPU."""

    def __init__(self, **settings: Any) -> None:
        self.gpu_options = GPUOptions()
        vars(self).update(settings)
