"""`@function`: the one place where conversion, tracing, passes and execution are put together."""

from graphc.function.concrete import ConcreteFunction
from graphc.function.polymorphic import Function, function
from graphc.function.spec import TensorSpec

__all__ = ["ConcreteFunction", "Function", "TensorSpec", "function"]
