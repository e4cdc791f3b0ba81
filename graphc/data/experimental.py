"""``tf.data.experimental``."""

from __future__ import annotations

from graphc.data.dataset import AUTOTUNE
from graphc.data.iterators import Optional
from graphc.data.plans import INFINITE as INFINITE_CARDINALITY
from graphc.data.plans import UNKNOWN as UNKNOWN_CARDINALITY

__all__ = ["AUTOTUNE", "INFINITE_CARDINALITY", "UNKNOWN_CARDINALITY", "Optional"]
