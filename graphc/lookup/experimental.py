"""``tf.lookup.experimental``."""

from __future__ import annotations

from graphc.lookup.tables import DenseHashTable, MutableHashTable

__all__ = ["DenseHashTable", "MutableHashTable"]
