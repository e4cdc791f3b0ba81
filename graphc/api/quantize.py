"""Fake quantization: floats rounded to the numbers that a few bits can stand for.

The formulas are those of ``tensorflow/core/kernels/fake_quant_ops_functor.h``.
"""

from __future__ import annotations

from typing import Any

from graphc.api.arguments import like
from graphc.ops import ops
from graphc.trace.custom import custom_gradient
from graphc.trace.dispatch import convert_to_tensor
from graphc.trace.tensor import Tensor


def _nudged(low: Any, high: Any, num_bits: int, narrow_range: bool) -> tuple[Any, Any, Any]:
    """The range moved so that 0 is one of its steps, and the size of a step."""
    if not 2 <= num_bits <= 16:
        raise ValueError(f"num_bits must be between 2 and 16, got {num_bits}")
    first, last = float(narrow_range), float(2**num_bits - 1)
    step = (high - low) / (last - first)
    zero = ops.floor(first - low / step + 0.5)
    zero = ops.minimum(ops.maximum(zero, first), last)
    return (first - zero) * step, (last - zero) * step, step


def fake_quant_with_min_max_vars(
    inputs: Any, min: Any, max: Any, num_bits: int = 8, narrow_range: bool = False,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Round to the ``2 ** num_bits`` steps between ``min`` and ``max``.

    Gradients pass where the input is in the range; the rest is that of ``min`` and ``max``.
    """
    x = convert_to_tensor(inputs)
    low, high = like(min, x), like(max, x)

    @custom_gradient
    def quantized(x: Any, low: Any, high: Any) -> Any:
        a, b, step = _nudged(low, high, num_bits, narrow_range)
        inside = ops.minimum(ops.maximum(x, a), b)
        y = ops.floor((inside - a) / step + 0.5) * step + a
        axes = tuple(range(len(x.dims) - len(low.dims)))  # of which each bound is one number

        def gradient(g: Any) -> Any:
            zero = ops.zeros_like(g)
            under, over = ops.less(x, a), ops.greater(x, b)
            within = ops.logical_not(ops.logical_or(under, over))
            sums = (ops.reduce_sum(ops.select(w, g, zero), axis=axes) for w in (under, over))
            return (ops.select(within, g, zero), *sums)

        return y, gradient

    return quantized(x, low, high)


def fake_quant_with_min_max_args(
    inputs: Any, min: float = -6, max: float = 6, num_bits: int = 8, narrow_range: bool = False,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Round to the ``2 ** num_bits`` steps between two numbers."""
    return fake_quant_with_min_max_vars(inputs, float(min), float(max), num_bits, narrow_range)


def fake_quant_with_min_max_vars_per_channel(
    inputs: Any, min: Any, max: Any, num_bits: int = 8, narrow_range: bool = False,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """`fake_quant_with_min_max_vars` with bounds [channels] for the last axis."""
    return fake_quant_with_min_max_vars(inputs, min, max, num_bits, narrow_range)
