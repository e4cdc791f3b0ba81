"""Results: what a function returned while it was traced, and how a call gives the same."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

import numpy as np

from graphc.function.signature import is_weak_object
from graphc.ir import dtypes
from graphc.trace import nest
from graphc.trace.control_join import Choice, settled
from graphc.trace.dispatch import convert_to_tensor
from graphc.trace.host_value import HostValue
from graphc.trace.state import current
from graphc.trace.tensor import EagerTensor, Operators, Tensor
from graphc.trace.tensor_array import TensorArray

CONVERTIBLE = (int, float, complex, bool, str, bytes, np.ndarray, np.generic)

Pack = Callable[[Sequence[Any]], Any]


class Output(int):
    """The place of an output in a result structure."""


class BoxedOutput(Output):
    """The place of an object of Python's."""


class ArrayOutput(Output):
    """The place of the stacked elements of a `TensorArray`."""

    make: Callable[[Any], TensorArray]


class Passed:
    """An argument that is a result: a trace must not keep it alive."""

    def __init__(self, value: Any) -> None:
        self.get = weakref.ref(value)


def collect(result: Any, passed: Sequence[Any] = ()) -> tuple[Any, list[Tensor]]:
    """A result's structure, with tensors replaced by their places; numbers become tensors.

    Of the objects in ``passed`` no more than a weak reference is kept.
    """
    tensors: list[Tensor] = []
    known = {id(value) for value in passed}

    def place(leaf: Any) -> Any:
        if id(leaf) in known and is_weak_object(leaf):
            return Passed(leaf)
        if isinstance(leaf, TensorArray):
            tensors.append(leaf.stack())
            found = ArrayOutput(len(tensors) - 1)
            found.make = leaf.like()
            return found
        if not isinstance(leaf, (Operators, *CONVERTIBLE)) or _is_enum(leaf):
            return leaf
        if isinstance(leaf, HostValue):
            tensors.append(current.tracer.root.host.result(leaf))  # type: ignore[union-attr]
        else:
            tensors.append(convert_to_tensor(leaf))
        boxed = tensors[-1].dtype is dtypes.python
        return (BoxedOutput if boxed else Output)(len(tensors) - 1)

    leaves = [place(leaf) for leaf in nest.flatten(result)]
    return nest.pack_sequence_as(result, leaves), tensors


def _opened(result: Any) -> Any:
    return result._array[()] if isinstance(result, EagerTensor) else result


def _is_enum(leaf: Any) -> bool:
    return hasattr(type(leaf), "__members__")


def packer(structure: Any) -> Pack:
    """A function from outputs to a result of this structure; made once, for it is called often."""
    if isinstance(structure, BoxedOutput):
        return lambda results: _opened(results[structure])
    if isinstance(structure, ArrayOutput):
        return lambda results: structure.make(results[structure])
    if isinstance(structure, Output):
        return itemgetter(int(structure))
    if type(structure) is list:
        parts = [packer(child) for child in structure]
        return lambda results: [part(results) for part in parts]
    if type(structure) is tuple:
        parts = [packer(child) for child in structure]
        return lambda results: tuple([part(results) for part in parts])
    if type(structure) is dict:
        items = [(key, packer(child)) for key, child in structure.items()]
        return lambda results: {key: part(results) for key, part in items}
    if isinstance(structure, Passed):
        return lambda results: structure.get()
    if type(structure) is set:
        return lambda results: set(structure)  # the caller may change it
    if not nest.is_nested(structure):
        return lambda results: structure
    return _other(structure)


def _other(structure: Any) -> Pack:
    """Containers of the user's, and those of traced code that are settled when the run ends."""
    pairs = structure.items() if isinstance(structure, Mapping) else nest.children(structure)
    items = [(key, packer(child)) for key, child in pairs]

    def pack(results: Sequence[Any]) -> Any:
        return nest.rebuild(structure, [(key, part(results)) for key, part in items])

    if isinstance(structure, Choice) or hasattr(type(structure), "__graphc_kind__"):
        return lambda results: settled(pack(results))
    return pack
