"""The vocabulary: one file per family; importing the package fills the registry."""

from graphc.ops import (
    cast,
    control,
    conv,
    create,
    effects,
    elementwise,
    index,
    linalg,
    logic,
    matrices,
    order,
    pool,
    random,
    reduce,
    rows,
    shape,
    signal,
    special,
    strings,
)
from graphc.ops.combinators import ops
from graphc.ops.opdef import REGISTRY, OpDef, install_dispatch

__all__ = [
    "REGISTRY", "OpDef", "cast", "control", "conv", "create", "effects", "elementwise", "index",
    "install_dispatch", "linalg", "logic", "matrices", "ops", "order", "pool", "random", "reduce",
    "rows", "shape", "signal", "special", "strings",
]  # fmt: skip
