"""The vocabulary: one file per family; importing the package fills the registry."""

from graphc.ops import control, elementwise
from graphc.ops.combinators import ops
from graphc.ops.opdef import REGISTRY, OpDef, install_dispatch

__all__ = ["REGISTRY", "OpDef", "control", "elementwise", "install_dispatch", "ops"]
