"""``tf.TensorArray``: tensors of one dtype under the numbers from 0."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from graphc.errors import EscapedTensorError, InvalidArgumentError, StagingError
from graphc.ir import dtypes
from graphc.ops import ops
from graphc.trace import rows
from graphc.trace.dispatch import convert_to_tensor, static_value
from graphc.trace.rows import Growable, Later
from graphc.trace.shape import TensorShape
from graphc.trace.state import current
from graphc.trace.tensor import Tensor


class TensorArray(Growable):
    """An array of tensors that is written element by element (TF: ``tf.TensorArray``).

    Eagerly it is a Python list; while a function is traced it is one tensor [size, ...], so its
    elements must have one shape, which is ``element_shape`` or that of the first element.  Methods
    that change it change it in place, and return it; so `ta = ta.write(i, x)` and
    `ta.write(i, x)` mean the same.  Elements that were never written are zeros.

    ``clear_after_read`` is accepted and of no effect: elements may be read again.

    Raises ``InvalidArgumentError`` for an index outside of [0, size), unless ``dynamic_size``.
    """

    def __init__(
        self, dtype: Any, size: Any = None, dynamic_size: bool | None = None,
        clear_after_read: bool | None = None, tensor_array_name: str | None = None,
        handle: Any = None, flow: Any = None, infer_shape: bool = True, element_shape: Any = None,
        colocate_with_first_write_call: bool = True, name: str | None = None,
    ) -> None:  # fmt: skip
        self.dtype = dtypes.as_dtype(dtype)
        self.dynamic_size = bool(dynamic_size)
        self.name = name or tensor_array_name or "TensorArray"
        self._what = "TensorArray" if self.name == "TensorArray" else f"TensorArray {self.name!r}"
        self._infer_shape = infer_shape
        self._element_shape = None if element_shape is None else TensorShape(element_shape)
        if size is None and not self.dynamic_size:
            raise ValueError(f"{self._what} needs a size, or dynamic_size=True")
        size = 0 if size is None else size
        self._tracer = current.tracer
        self._items: list[Any] = []
        self.changes = 0  # how often the elements were exchanged, eagerly
        self._count: Any = None  # of a dynamic one, while tracing
        if self._tracer is None:
            self._items = [None] * int(size)
        else:
            self.rows = Later(rows.dimension(size), self.dtype)
            if self._known_element():
                self.rows = self.rows.make(self.dtype, tuple(self._element_shape))  # type: ignore
            if self.dynamic_size:
                self._count = convert_to_tensor(size, dtype_hint=dtypes.int32)

    def _known_element(self) -> bool:
        return self._element_shape is not None and None not in self._element_shape.as_list()

    def like(self) -> Callable[[Any], TensorArray]:
        """Makes an array of this kind from its elements, stacked; keeps no trace alive."""
        known = {"dynamic_size": self.dynamic_size, "element_shape": self.element_shape}
        known |= {"name": self.name, "infer_shape": self._infer_shape}
        return partial(_filled, self.dtype, known)

    # --- what staged code sees ---

    def held(self) -> Any:
        if self._tracer is None:
            return list(self._items)
        return [self.rows] if self._count is None else [self.rows, self._count]

    def hold(self, held: Any) -> None:
        if self._tracer is None:
            self._items = list(held)
            self.changes += 1
        else:
            self.rows, *rest = held
            self._count = rest[0] if rest else None

    def reserve(self) -> None:
        if self._count is not None:
            super().reserve()

    def release(self) -> None:
        if self._count is not None:
            super().release()

    # --- properties ---

    @property
    def element_shape(self) -> TensorShape | None:
        """The elements' shape, as far as it is known; None before the first is written."""
        if self._element_shape is not None or not self._infer_shape:
            return self._element_shape
        if self._tracer is not None:
            return None if isinstance(self.rows, Later) else self.rows.shape[1:]
        return next((t.shape for t in self._items if t is not None), None)

    @property
    def flow(self) -> Any:
        """Nothing: the order of reads and writes needs no tensor."""
        return None

    handle = flow

    def size(self, name: str | None = None) -> Tensor:
        """The number of elements, i32[]."""
        if self._tracer is None:
            return convert_to_tensor(len(self._items), dtype=dtypes.int32)
        self._check_trace()
        if self._count is not None:
            return self._count
        return convert_to_tensor(rows.length(self.rows), dtype_hint=dtypes.int32)

    def __repr__(self) -> str:
        return f"<tf.TensorArray {self.name!r}, dtype={self.dtype.name}>"

    # --- elements ---

    def write(self, index: Any, value: Any, name: str | None = None) -> TensorArray:
        """Set an element; returns the array itself."""
        self._check_trace()
        element = self._element(value)
        if self._tracer is None:
            self._items_at(int(index), grow=True)[int(index)] = element
            self.changes += 1
        elif self._count is None:
            self.rows = rows.written(self.rows, index, element, self._what)
        else:
            at = convert_to_tensor(index, dtype_hint=dtypes.int32)
            at = at if at.dtype is dtypes.int32 else ops.cast(at, dtype=dtypes.int32)
            needed = ops.add(at, 1)
            if not self.pushed(None if at is self._count else at):
                self.rows = rows.roomy(self.rows, needed, element)
            self.rows = rows.written(self.rows, at, element, self._what)
            self._count = ops.maximum(self._count, needed)
        return self

    def read(self, index: Any, name: str | None = None) -> Tensor:
        """An element."""
        if self._tracer is None and current.tracer is None:
            found = self._items_at(int(index))[int(index)]
            return self._zeros() if found is None else found
        return ops.gather(self.stack(), convert_to_tensor(index), axis=0)

    def _items_at(self, index: int, grow: bool = False) -> list[Any]:
        """The elements; ``index`` must be among them."""
        size = len(self._items)
        if grow and self.dynamic_size and index >= size:
            self._items += [None] * (index + 1 - size)
        elif not 0 <= index < size:
            raise InvalidArgumentError(f"{self._what}: index {index} is not in [0, {size})")
        return self._items

    def _element(self, value: Any) -> Tensor:
        element = convert_to_tensor(value, dtype=self.dtype)
        known = self.element_shape
        if known is not None and not known.is_compatible_with(element.shape):
            raise InvalidArgumentError(
                f"{self._what}: its elements have shape {known}, the new one has {element.shape}"
            )
        return element

    def _zeros(self) -> Tensor:
        shape = self.element_shape
        if shape is None or None in shape.as_list():
            raise InvalidArgumentError(
                f"{self._what}: an element that was never written is read, and its shape is"
                " not known; give element_shape"
            )
        return convert_to_tensor(np.zeros(shape.as_list(), self.dtype.np))

    def _check_trace(self) -> None:
        if self._tracer is not None and current.tracer is None:
            raise EscapedTensorError(
                f"{self._what} belongs to the graph of @{self._tracer.root.name}; return it, or"
                " its stack(), from that function"
            )
        if self._tracer is None and current.tracer is not None:
            raise StagingError(
                f"{self._what} was made outside of the function that changes it; make it inside,"
                " or return its new elements"
            )

    # --- all elements ---

    def stack(self, name: str | None = None) -> Tensor:
        """All elements as one tensor [size, ...]."""
        if self._tracer is None:
            items = [self._zeros() if t is None else t for t in self._items]
            if items:
                return ops.stack(*items, axis=0)
            return convert_to_tensor(np.zeros((0, *self._zeros().dims), self.dtype.np))
        self._check_trace()
        if isinstance(self.rows, Later):
            self.rows = self.rows.make(self.dtype, self._zeros().dims)
        return rows.first(self.rows, self._count)

    def gather(self, indices: Any, name: str | None = None) -> Tensor:
        """The elements at indices, stacked."""
        return ops.gather(self.stack(), convert_to_tensor(indices), axis=0)

    def concat(self, name: str | None = None) -> Tensor:
        """All elements, joined along their first axis."""
        if self._tracer is None:
            return ops.concat(*(self._zeros() if t is None else t for t in self._items), axis=0)
        whole = self.stack()
        if len(whole.dims) < 2:
            raise InvalidArgumentError(f"{self._what}: concat needs elements with an axis")
        first, second, *rest = whole.dims
        return ops.reshape(whole, shape=(first * second, *rest))

    def unstack(self, value: Any, name: str | None = None) -> TensorArray:
        """Let the elements be the rows of a tensor; returns the array itself."""
        self._check_trace()
        whole = convert_to_tensor(value, dtype=self.dtype)
        if not whole.dims:
            raise InvalidArgumentError(f"{self._what}: unstack takes a tensor with an axis")
        if self._tracer is None:
            if not self.dynamic_size and whole.dims[0] != len(self._items):
                raise InvalidArgumentError(
                    f"{self._what}: {whole.dims[0]} rows do not fit a size of {len(self._items)}"
                )
            self._items = list(ops.unstack(whole, axis=0))
            self.changes += 1
        else:
            size = convert_to_tensor(rows.length(whole))
            if self._count is not None:
                self._count = size
            else:
                self._same_size(whole)
            self.rows = whole
        return self

    def _same_size(self, whole: Tensor) -> None:
        have = self.rows.count if isinstance(self.rows, Later) else self.rows.dims[0]
        size = whole.dims[0]
        if isinstance(have, int) and isinstance(size, int) and have != size:
            raise InvalidArgumentError(f"{self._what}: {size} rows do not fit a size of {have}")

    def scatter(self, indices: Any, value: Any, name: str | None = None) -> TensorArray:
        """Set the elements at indices to the rows of a tensor; returns the array itself."""
        whole = convert_to_tensor(value, dtype=self.dtype)
        known = static_value(convert_to_tensor(indices))
        if known is not None:
            for at, index in enumerate(known):
                self.write(index, whole[at])
            return self
        self._check_trace()
        if self._count is not None:
            raise StagingError(f"{self._what}: scatter needs known indices if its size may change")
        if isinstance(self.rows, Later):
            self.rows = self.rows.make(self.dtype, whole.dims[1:])
        places = ops.expand_dims(convert_to_tensor(indices), axis=-1)
        self.rows = ops.tensor_scatter_update(self.rows, places, whole)
        return self

    def split(self, value: Any, lengths: Any, name: str | None = None) -> TensorArray:
        """Let the elements be pieces of ``value`` along its first axis; returns the array."""
        whole = convert_to_tensor(value, dtype=self.dtype)
        sizes = static_value(convert_to_tensor(lengths))
        if sizes is None or any(not isinstance(n, int) for n in sizes):
            raise StagingError(f"{self._what}: split needs lengths that are known while tracing")
        if isinstance(whole.dims[0], int) and sum(sizes) != whole.dims[0]:
            raise InvalidArgumentError(
                f"{self._what}: pieces of {sum(sizes)} rows do not make {whole.dims[0]}"
            )
        pieces = ops.split(whole, sizes=tuple(sizes), axis=0)
        if self._tracer is None and (self.dynamic_size or len(pieces) == len(self._items)):
            self._items = list(pieces)  # their lengths may differ
            self.changes += 1
            return self
        for at, piece in enumerate(pieces):
            self.write(at, piece)
        return self

    def identity(self) -> TensorArray:
        """The array itself."""
        return self

    def close(self, name: str | None = None) -> None:
        """Let go of the elements."""
        self._items = [None] * len(self._items)
        self.changes += 1


def _filled(dtype: Any, known: dict[str, Any], whole: Any) -> TensorArray:
    return TensorArray(dtype, rows.length(whole), **known).unstack(whole)
