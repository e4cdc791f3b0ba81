"""graphc: TensorFlow 2's way of programming, compiled.

>>> import graphc as tf
>>> @tf.function
... def f(x):
...     return tf.reduce_sum(x * x)
>>> f(tf.constant([1.0, 2.0, 3.0]))
<tf.Tensor: shape=(), dtype=float32, numpy=14.0>
"""

from __future__ import annotations

import builtins
from importlib import import_module
from typing import Any

from graphc import (
    bitwise,
    config,
    control_flow,
    debugging,
    dtypes,
    errors,
    linalg,
    math,
    nn,
    ragged,
    random,
    signal,
    sparse,
    strings,
)
from graphc.api.devices import DeviceSpec, device
from graphc.api.ragged import RaggedTensor
from graphc.api.sparse import SparseTensor
from graphc.control_flow import *
from graphc.function import (
    ConcreteFunction,
    Function,
    TensorSpec,
    function,
)
from graphc.ir.dtypes import (
    DType,
    as_dtype,
    bfloat16,
    complex64,
    complex128,
    float16,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    string,
    uint8,
    uint16,
    uint32,
    uint64,
)  # fmt: skip
from graphc.ir.dtypes import bool_ as bool
from graphc.ir.dtypes import float16 as half
from graphc.ir.dtypes import float64 as double
from graphc.module import Module
from graphc.toplevel import *
from graphc.trace import gradient_regions as _gradient_regions
from graphc.trace import indexing as _indexing
from graphc.trace import nest
from graphc.trace.custom import (
    custom_gradient,
    grad_pass_through,
    recompute_grad,
    stop_gradient,
)  # fmt: skip
from graphc.trace.dispatch import convert_to_tensor
from graphc.trace.shape import TensorShape
from graphc.trace.slices import IndexedSlices
from graphc.trace.state import current as _current
from graphc.trace.state import init_scope
from graphc.trace.symbolic import gradients, hessians
from graphc.trace.tape import GradientTape, UnconnectedGradients
from graphc.trace.tensor import Tensor
from graphc.trace.variable import Variable

__version__ = "0.1.0"
newaxis = None

# Loaded when first used: start-up time.
_LAZY = {
    "autodiff": "graphc.autodiff",
    "autograph": "graphc.autograph",
    "data": "graphc.data",
    "image": "graphc.image",
    "io": "graphc.io",
    "train": "graphc.train",
    "benchmark": "graphc.inspect.benchmark:benchmark",
    "compat": "graphc.compat",
    "Graph": "graphc.function.session:Graph",
    "benchmark_sizes": "graphc.inspect.benchmark:benchmark_sizes",
    "diff": "graphc.inspect.diff:diff",
    "initializers": "graphc.keras.initializers",
    "keras": "graphc.keras",
    "lookup": "graphc.lookup",
    "losses": "graphc.keras.losses",
    "metrics": "graphc.keras.metrics",
    "optimizers": "graphc.keras.optimizers",
    "summary": "graphc.summary",
    "Operation": "graphc.function.static_tracer:Operation",
    "parse": "graphc.inspect.text:parse",
    "quantization": "graphc.quantization",
    "sysconfig": "graphc.sysconfig",
    "test": "graphc.test",
    "version": "graphc.version",
}


def __getattr__(name: str) -> Any:
    target = _LAZY.get(name)
    if target is None:
        raise AttributeError(f"module 'graphc' has no attribute {name!r}")
    module, _, attribute = target.partition(":")
    found = import_module(module)
    found = getattr(found, attribute) if attribute else found
    globals()[name] = found
    return found


def executing_eagerly() -> builtins.bool:
    """Whether ops run at once; False while a function is traced."""
    return _current.tracer is None


def inside_function() -> builtins.bool:
    """Whether a function is being traced; False in eager code and static graphs."""
    return _current.tracer is not None and not _current.tracer.root.static


def get_current_name_scope() -> str:
    """The name scope that is entered, without its final slash."""
    return _current.scope.removesuffix("/")


def get_logger() -> Any:
    """The logger ``graphc`` of Python's logging."""
    import logging  # lazy: start-up time

    return logging.getLogger("graphc")
