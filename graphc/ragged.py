"""``tf.ragged``: rows of different length."""

from __future__ import annotations

from graphc.api.ragged import constant, map_flat_values, stack

__all__ = ["constant", "map_flat_values", "stack"]
