"""The text of a loop's kernel: its arguments, and places where values are.

A scalar is the text of a variable or number, a small array is a numpy array of such texts, anything
else lies in memory and is an `Access`.  So moving the elements of small arrays is numpy's own work.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphc.ir import dims
from graphc.ir.dims import DimLike
from graphc.ir.graph import Node, Value
from graphc.ir.types import TensorType
from graphc.ops.loopnest import KERNEL_DTYPES, Access, Unfit, is_whole, whole
from graphc.runtime.nesttext import Argument
from graphc.runtime.scalars import KINDS, OUT_OF_RANGE

SMALL = 9  # elements of an array that are variables: a 3x3 matrix; more gain little
MAX_LINES = 500  # bounds the time to compile
SCOPES = 60  # pointers that LLVM is told to be apart
Place = str | np.ndarray | Access
_CASTS = frozenset(d.short for d in KERNEL_DTYPES)  # no variable is called i64


@dataclass(frozen=True)
class Memory:
    """What an `Access` of these kernels is rooted in: elements behind a pointer, from ``base``."""

    pointer: str
    type: TensorType
    base: str = ""


def is_small(type: TensorType) -> bool:
    """Whether each element is a variable (scalars are small arrays without axes)."""
    return type.is_static and type.size <= SMALL


def pointer_of(place: Place | None) -> str | None:
    return place.root.pointer if isinstance(place, Access) else None  # type: ignore[attr-defined]


def is_same_memory(a: Place, b: Place) -> bool:
    """Whether two places are all of the same memory."""
    whole_of_both = isinstance(a, Access) and isinstance(b, Access) and is_whole(a) and is_whole(b)
    return whole_of_both and a.root == b.root  # type: ignore[union-attr]


def is_free(place: Place, busy: set[str]) -> bool:
    """Whether a value is all of a memory that may change."""
    whole_of_it = isinstance(place, Access) and is_whole(place) and not place.root.base  # type: ignore[attr-defined]
    return whole_of_it and pointer_of(place) not in busy


class LoopText:
    """Lines of a kernel that is being written."""

    def __init__(self) -> None:
        self.arguments: list[Argument] = []
        self.pointers: dict[Value, str] = {}
        self.sizes: dict[Any, str] = {}
        self.head: list[str] = []
        self.lines: list[tuple[str, Node | None]] = []
        self.failures: list[Node] = []
        self.in_place: list[Node] = []
        self.count = self.buffers = 0
        self.depth = 1

    def add(self, text: str, node: Node | None = None) -> None:
        if len(self.lines) >= MAX_LINES:
            raise Unfit(f"more than {MAX_LINES} lines")
        self.lines.append(("    " * self.depth + text, node))

    def fresh(self, prefix: str = "v") -> str:
        self.count += 1
        name = f"{prefix}{self.count - 1}"
        return self.fresh(prefix) if name in _CASTS else name

    def define(self, text: str, node: Node | None = None, prefix: str = "v") -> str:
        """A new variable."""
        name = self.fresh(prefix)
        self.add(f"{name} = {text}", node)
        return name

    # --- arguments ---

    def declare(self, value: Value) -> Access:
        """Give a value its memory, which is an argument."""
        if value.type.dtype not in KERNEL_DTYPES:
            raise Unfit(f"kernels do not compute in {value.type.dtype.name}")
        if value not in self.pointers:
            argument = Argument("value", value)
            self.pointers[value] = self._pointer(argument, value.type.dtype.short)
        return whole(Memory(self.pointers[value], value.type))  # type: ignore[arg-type]

    def scratch(self, type: TensorType) -> Access:
        """Memory that the kernel uses while it runs."""
        argument = Argument("scratch", None, type.size * type.dtype.size)
        return whole(Memory(self._pointer(argument, type.dtype.short), type))  # type: ignore[arg-type]

    def _pointer(self, argument: Argument, short: str) -> str:
        at = len(self.arguments)
        self.arguments.append(argument)
        place, scope = f"slots[row[{at}]]", self.buffers
        self.buffers += 1
        text = f"buf_{short}({place}, {scope})" if scope < SCOPES else f"ptr_{short}({place})"
        self.head.append(f"    p{at} = {text}")
        return f"p{at}"

    def size(self, dim: DimLike) -> str:
        """A number that the kernel is given."""
        if isinstance(dim, int) and -SMALL <= dim <= SMALL:
            return str(dim)
        key = ("int", dim) if isinstance(dim, int) else dim
        if key not in self.sizes:
            at = len(self.arguments)
            self.arguments.append(Argument("size", None, dim))
            self.sizes[key] = f"n{at}"
            self.head.append(f"    n{at} = slots[row[{at}]]")
        return self.sizes[key]

    def check(self, node: Node, kind: int, condition: str, *details: str) -> None:
        """The kernel stops where a condition holds."""
        if node not in self.failures:
            self.failures.append(node)
        self.add(f"if {condition}:", node)
        for i, detail in enumerate(details):
            self.add(f"    slots[{i}] = {detail}")
        self.add(f"    return {kind + KINDS * self.failures.index(node)}")

    def position(self, node: Node, index: str, limit: DimLike) -> str:
        """An index as i64, in range."""
        at, size = self.define(f"i64({index})", node, "g"), self.size(limit)
        self.check(node, OUT_OF_RANGE, f"{at} < 0 or {at} >= {size}", at, size)
        return at

    # --- memory ---

    def element(self, access: Access, index: Sequence[int] = ()) -> str:
        """An element of memory as text, to be read or assigned."""
        pairs = zip(index, access.strides, strict=True)
        offset = sum((i * s for i, s in pairs), start=access.offset)
        parts = [p for p in (access.root.base, self.size(offset)) if p not in ("", "0")]  # type: ignore[attr-defined]
        return f"{pointer_of(access)}[{' + '.join(parts) or '0'}]"

    def load(self, access: Access, index: Sequence[int] = ()) -> str:
        text = self.element(access, index)
        return self.define(f"({text} != 0)" if _is_bool(access) else text, prefix="x")

    def store(self, access: Access, text: str, index: Sequence[int] = ()) -> None:
        self.add(f"{self.element(access, index)} = {f'u8({text})' if _is_bool(access) else text}")

    def part(self, access: Access, index: Sequence[str]) -> Access:
        """What lies at indices of the first axes."""
        root: Any = access.root
        depth = len(index)
        terms = [root.base] if root.base else []
        for at, step in zip(index, access.strides, strict=False):
            terms.append(at if step == 1 else f"{at} * {self.size(step)}")
        base = " + ".join(terms)
        moved: Any = Memory(root.pointer, root.type, base)
        return Access(moved, access.shape[depth:], access.strides[depth:], access.offset)

    def elements(self, place: Place) -> np.ndarray:
        """The variables of a small array; memory is read."""
        if isinstance(place, np.ndarray):
            return place
        if isinstance(place, str):
            return texts(place)
        found = np.empty(_small_shape(place), object)
        for at in np.ndindex(found.shape):
            found[at] = self.load(place, at)
        return found

    def copy(self, source: Place, target: Access, node: Node | None = None) -> None:
        """Write all elements of a value to memory."""
        if isinstance(source, Access) and dims.product(source.shape) not in range(SMALL + 1):
            depth, indices = self.depth, []
            for size in source.shape:
                indices.append(self.fresh("k"))
                self.add(f"for {indices[-1]} in range({self.size(size)}):", node)
                self.depth += 1
            inner = self.part(source, indices), self.part(target, indices)
            self.store(inner[1], self.load(inner[0]))
            self.depth = depth
            return
        source = self.elements(source)
        for at in np.ndindex(source.shape):
            self.store(target, source[at], at)


def texts(text: str) -> np.ndarray:
    """A scalar as an array without axes."""
    found = np.empty((), object)
    found[()] = text
    return found


def as_place(array: np.ndarray) -> Place:
    """A scalar's text, or the array."""
    return array if np.ndim(array) else np.asarray(array, object)[()]


def _is_bool(access: Access) -> bool:
    return access.root.type.dtype.is_bool


def _small_shape(access: Access) -> tuple[int, ...]:
    if dims.product(access.shape) not in range(SMALL + 1):
        raise Unfit("an array of many elements")
    return tuple(int(d) for d in access.shape)  # type: ignore[arg-type]
