"""Slices of a tensor by their indices, and the writes of Variables that take them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from graphc.errors import InvalidArgumentError
from graphc.ir import dtypes
from graphc.ir.dtypes import DType
from graphc.ops import REGISTRY, ops
from graphc.trace.dispatch import convert_to_tensor
from graphc.trace.shape import TensorShape
from graphc.trace.state import recording
from graphc.trace.tensor import Operators, Tensor


@dataclass(frozen=True, eq=False)
class IndexedSlices:
    """The slices ``values[i]`` at ``indices[i]`` of a tensor (TF: ``tf.IndexedSlices``).

    Where a tensor is wanted it becomes one of ``dense_shape``: zeros with the slices added.
    """

    values: Any
    indices: Any
    dense_shape: Any = None

    @property
    def dtype(self) -> DType:
        return convert_to_tensor(self.values).dtype

    @property
    def shape(self) -> TensorShape:
        if self.dense_shape is None:
            return TensorShape(None)
        return TensorShape(np.asarray(self.dense_shape).tolist())

    def __graphc_tensor__(self, dtype: Any = None, hint: Any = None) -> Tensor:
        if self.dense_shape is None:
            raise InvalidArgumentError("IndexedSlices without a dense_shape are no tensor")
        values, indices = convert_to_tensor(self.values), convert_to_tensor(self.indices)
        zero = convert_to_tensor(0, values.dtype)
        zeros = ops.broadcast_to(zero, shape=tuple(self.shape.as_list()))
        return ops.scatter_add(zeros, indices, values, axis=0)


def _parts(variable: Any, sparse_delta: Any) -> tuple[Tensor, Tensor]:
    """Positions and updates; the updates may be one number for all."""
    if not hasattr(sparse_delta, "indices"):
        raise TypeError(f"scatter methods take tf.IndexedSlices, got {sparse_delta!r}")
    rows = convert_to_tensor(sparse_delta.indices, dtype_hint=dtypes.int32)
    values = convert_to_tensor(sparse_delta.values, dtype_hint=variable.dtype)
    shape = (*rows.dims, *variable.dims[1:])
    values = values if values.dims == shape else ops.broadcast_to(values, shape=shape)
    return ops.expand_dims(rows, axis=-1), values


def _sparse(op: str, done: str) -> Any:
    def method(self: Any, sparse_delta: Any, use_locking: bool = False, name: Any = None) -> Any:
        with recording(()):
            return self.assign(REGISTRY[op](self.read(), *_parts(self, sparse_delta)))

    method.__doc__ = f"{done} slices, given as ``tf.IndexedSlices``.  Returns the Variable."
    return method


def _at_positions(op: str, done: str) -> Any:
    def method(self: Any, indices: Any, updates: Any, name: Any = None) -> Any:
        places = convert_to_tensor(indices, dtype_hint=dtypes.int32)
        with recording(()):
            new = convert_to_tensor(updates, dtype_hint=self.dtype)
            return self.assign(REGISTRY[op](self.read(), places, new))

    method.__doc__ = f"{done} elements or slices at positions.  Returns the Variable."
    return method


class Scatters(Operators):
    """Writes to parts of a Variable."""

    __slots__ = ()

    scatter_update = _sparse("tensor_scatter_update", "Replace")
    scatter_add = _sparse("tensor_scatter_add", "Add to")
    scatter_sub = _sparse("tensor_scatter_sub", "Subtract from")
    scatter_mul = _sparse("tensor_scatter_mul", "Multiply")
    scatter_max = _sparse("tensor_scatter_max", "Take the larger of")
    scatter_min = _sparse("tensor_scatter_min", "Take the smaller of")
    scatter_nd_update = _at_positions("tensor_scatter_update", "Replace")
    scatter_nd_add = _at_positions("tensor_scatter_add", "Add to")
    scatter_nd_sub = _at_positions("tensor_scatter_sub", "Subtract from")
    scatter_nd_max = _at_positions("tensor_scatter_max", "Take the larger of")
    scatter_nd_min = _at_positions("tensor_scatter_min", "Take the smaller of")

    def scatter_div(self, sparse_delta: Any, use_locking: bool = False, name: Any = None) -> Any:
        """Divide slices, given as ``tf.IndexedSlices``.  Returns the Variable."""
        places, values = _parts(self, sparse_delta)
        with recording(()):
            product = ops.tensor_scatter_mul(
                ops.ones_like(self.read()),
                places,
                values,  # type: ignore[attr-defined]
            )
            return self.assign(ops.divide(self.read(), product))  # type: ignore[attr-defined]

    def batch_scatter_update(
        self, sparse_delta: Any, use_locking: bool = False, name: Any = None
    ) -> Any:
        """Replace slices of each row of a batch: ``indices`` are [batch, n]."""
        rows = convert_to_tensor(sparse_delta.indices, dtype_hint=dtypes.int32)
        batch = ops.reshape(ops.iota(size=rows.dims[0], dtype=rows.dtype), shape=(-1, 1))
        places = ops.stack(ops.broadcast_to(batch, shape=rows.dims), rows, axis=2)
        return self.scatter_nd_update(places, sparse_delta.values)

    def gather_nd(self, indices: Any, name: Any = None) -> Tensor:
        """Take elements or slices at positions."""
        return ops.gather_nd(self, convert_to_tensor(indices, dtype_hint=dtypes.int32))

    def sparse_read(self, indices: Any, name: Any = None) -> Tensor:
        """Take slices at indices."""
        return ops.gather(self, convert_to_tensor(indices, dtype_hint=dtypes.int32), axis=0)
