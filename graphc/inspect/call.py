"""A call taken apart: its trace and its values, to run beside the function and not through it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from graphc.function import ConcreteFunction, Function


class Call:
    """The trace for some arguments, with copies of all that it reads.

    Nothing that is done with it changes a Variable.
    """

    def __init__(self, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        self.function = function if hasattr(function, "explain") else Function(function)
        self.concrete: ConcreteFunction = self.function.get_concrete_function(*args, **kwargs)
        tensors = self.concrete.tensors_of(args, kwargs)
        self.arrays: list[np.ndarray] = [np.array(t.numpy()) for t in tensors]

    @property
    def graph(self) -> Any:
        return self.concrete.graph

    @property
    def executable(self) -> Any:
        return self.concrete.function.executable

    def state(self) -> list[np.ndarray]:
        """Copies of what the state of the graph holds now."""
        return [np.array(slot.key.numpy()) for slot in self.graph.state]
