"""A call taken apart: its trace and its values, to run beside the function and not through it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from graphc.function import ConcreteFunction, Function
from graphc.trace.tensor import Tensor


class Call:
    """The trace for some arguments, with copies of all that it reads.

    Nothing that is done with it changes a Variable.
    """

    def __init__(self, concrete: ConcreteFunction, tensors: Sequence[Tensor]) -> None:
        self.concrete = concrete
        self.arrays: list[np.ndarray] = [np.array(t.numpy()) for t in tensors]

    @classmethod
    def of(cls, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Call:
        """The call ``function(*args, **kwargs)``, traced if it was not."""
        staged = function if hasattr(function, "explain") else Function(function)
        concrete = staged.get_concrete_function(*args, **kwargs)
        return cls(concrete, concrete.tensors_of(args, kwargs))

    @property
    def graph(self) -> Any:
        return self.concrete.graph

    @property
    def executable(self) -> Any:
        return self.concrete.function.executable

    def state(self) -> list[np.ndarray]:
        """Copies of what the state of the graph holds now."""
        return [np.array(slot.key.numpy()) for slot in self.graph.state]
