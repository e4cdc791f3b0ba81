"""The vocabulary: one file per family; importing the package fills the registry."""

from graphc.ops import (
    cast,
    control,
    effects,
    elementwise,
    index,
    linalg,
    logic,
    nn,
    random,
    reduce,
    shape,
)
from graphc.ops.combinators import ops
from graphc.ops.opdef import REGISTRY, OpDef, install_dispatch

__all__ = [
    "REGISTRY", "OpDef", "cast", "control", "effects", "elementwise", "index", "install_dispatch",
    "linalg", "logic", "nn", "ops", "random", "reduce", "shape",
]  # fmt: skip
