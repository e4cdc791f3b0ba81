"""``tf.random.experimental``: the names from before they were settled."""

from __future__ import annotations

from graphc.api.draws import fold_in as stateless_fold_in
from graphc.api.draws import index_shuffle, stateless_shuffle
from graphc.api.draws import split as stateless_split
from graphc.api.generator import (
    Algorithm,
    Generator,
    create_rng_state,
    get_global_generator,
    set_global_generator,
)  # fmt: skip

__all__ = [
    "Algorithm", "Generator", "create_rng_state", "get_global_generator", "index_shuffle",
    "set_global_generator", "stateless_fold_in", "stateless_shuffle", "stateless_split",
]  # fmt: skip
