"""``tf.quantization``: training as if numbers had few bits."""

from __future__ import annotations

from graphc.api.quantize import (
    fake_quant_with_min_max_args,
    fake_quant_with_min_max_vars,
    fake_quant_with_min_max_vars_per_channel,
)

__all__ = [
    "fake_quant_with_min_max_args", "fake_quant_with_min_max_vars",
    "fake_quant_with_min_max_vars_per_channel",
]  # fmt: skip
