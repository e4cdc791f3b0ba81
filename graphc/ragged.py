"""``tf.ragged``: rows of different length."""

from __future__ import annotations

from graphc.api.ragged import constant
from graphc.api.ragged_ops import boolean_mask_ as boolean_mask
from graphc.api.ragged_ops import (
    map_flat_values,
    row_splits_to_segment_ids,
    segment_ids_to_row_splits,
    stack,
)  # fmt: skip
from graphc.api.ragged_ops import range_ as range

__all__ = [
    "boolean_mask", "constant", "map_flat_values", "range", "row_splits_to_segment_ids",
    "segment_ids_to_row_splits", "stack",
]  # fmt: skip
