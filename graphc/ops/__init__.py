"""The vocabulary: one file per family; importing the package fills the registry."""

from graphc.ops import (
    cast,
    control,
    create,
    effects,
    elementwise,
    index,
    linalg,
    logic,
    order,
    random,
    reduce,
    shape,
)
from graphc.ops.combinators import ops
from graphc.ops.opdef import REGISTRY, OpDef, install_dispatch

__all__ = [
    "REGISTRY", "OpDef", "cast", "control", "create", "effects", "elementwise", "index",
    "install_dispatch", "linalg", "logic", "ops", "order", "random", "reduce", "shape",
]  # fmt: skip
