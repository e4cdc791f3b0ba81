"""Writing one row of a tensor: what arrays that fill up step by step are made of."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.errors import DTypeError, InvalidArgumentError
from graphc.ir import dims
from graphc.ir.types import TensorType
from graphc.ops.combinators import op, ops, rng
from graphc.ops.opdef import Attrs, Library, Sample, Types


def _set_row_type(types: Types, attrs: Attrs) -> TensorType:
    x, index, value = types
    if not index.dtype.is_integer or index.rank:
        raise DTypeError(f"set_row: the index must be an integer scalar, got {index}")
    if x.dtype is not value.dtype:
        raise DTypeError(f"set_row: {x} and its new row {value} differ in dtype")
    fits = x.rank == value.rank + 1 and all(map(dims.assume_equal, x.shape[1:], value.shape))
    if not fits:
        raise InvalidArgumentError(f"set_row: a row of type {value} does not fit {x}")
    return x


def _set_row(x: np.ndarray, index: np.ndarray, value: np.ndarray, what: str = "") -> np.ndarray:
    if not 0 <= index < len(x):
        raise InvalidArgumentError(f"{what or 'set_row'}: index {index} is not in [0, {len(x)})")
    out = x.copy()
    out[int(index)] = value
    return out


def _set_row_grad(c: Any, g: Any) -> tuple[Any, None, Any]:
    hole = ops.set_row(g, c.index, ops.zeros_like(c.value), what=c.what)
    return hole, None, ops.gather(g, c.index, axis=0)


def _samples() -> list[Sample]:
    def x(*shape: int) -> np.ndarray:
        return rng().normal(size=shape).astype(np.float32)

    return [
        Sample((x(4, 3), np.array(2, np.int32), x(3)), {}),
        Sample((x(4), np.array(0, np.int64), x()), {}),
        Sample((x(2, 0), np.array(1, np.int32), x(0)), {}),
    ]


set_row = op(
    "set_row", "x index value", _set_row_type, _set_row, attrs={"what": ""}, wide=True,
    grad=_set_row_grad, can_fail=True, lower=Library("set_row"), samples=_samples,
    doc="x with another row at an index; ``what`` names it in errors.",
)  # fmt: skip
