"""Control flow as functions: ``tf.cond``, ``tf.while_loop``, ``tf.map_fn``, ``tf.py_function``."""

from __future__ import annotations

from graphc.control_flow.branches import case, cond, switch_case
from graphc.control_flow.host import numpy_function, py_function
from graphc.control_flow.loops import while_loop
from graphc.control_flow.maps import foldl, foldr, map_fn, scan, vectorized_map
from graphc.control_flow.scopes import control_dependencies, group, name_scope, no_op
from graphc.trace.tensor_array import TensorArray

__all__ = [
    "TensorArray", "case", "cond", "control_dependencies", "foldl", "foldr", "group", "map_fn",
    "name_scope", "no_op", "numpy_function", "py_function", "scan", "switch_case",
    "vectorized_map", "while_loop",
]  # fmt: skip
