"""Random pipelines give what a list of numbers gives, by rows and by blocks of any size."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc as tf

Dataset = tf.data.Dataset
Step = Callable[[Any, list[int], int], tuple[Any, list[int]]]

STEPS: dict[str, Step] = {
    "take": lambda d, r, a: (d.take(a), r[:a]),
    "skip": lambda d, r, a: (d.skip(a), r[a:]),
    "repeat": lambda d, r, a: (d.repeat(a % 4), r * (a % 4)),
    "shard": lambda d, r, a: (d.shard(a + 1, a // 2), r[a // 2 :: a + 1]),
    "map": lambda d, r, a: (d.map(lambda x: x * 2 + a), [x * 2 + a for x in r]),
    "sum": lambda d, r, a: (
        d.map(lambda x: tf.reduce_sum(tf.stack([x, x]))), [2 * x for x in r]
    ),
    "filter": lambda d, r, a: (
        d.filter(lambda x: x % 3 != a % 3), [x for x in r if x % 3 != a % 3]
    ),
    "unbatch": lambda d, r, a: (d.batch(a + 1).unbatch(), r),
    "zip": lambda d, r, a: (
        Dataset.zip((d, Dataset.range(9999))).map(lambda x, y: x + y),
        [x + i for i, x in enumerate(r)],
    ),
    "concatenate": lambda d, r, a: (d.concatenate(Dataset.range(a)), [*r, *range(a)]),
    "cache": lambda d, r, a: (d.cache(), r),
    "shuffle": lambda d, r, a: (d.shuffle(1 + a * 5), r),
}  # fmt: skip


@pytest.mark.parametrize("seed", range(40))
def test_pipeline(seed) -> None:
    rng = random.Random(seed)
    count = rng.randrange(20)
    made = Dataset.range(count) if seed % 2 else Dataset.from_tensor_slices(np.arange(count))
    expected, shuffled = list(range(count)), False
    for _ in range(rng.randrange(1, 7)):
        # after a shuffle only what keeps all elements has a known result
        kinds = ["map", "sum", "unbatch", "cache"] if shuffled else sorted(STEPS)
        kind = rng.choice(kinds)
        made, expected = STEPS[kind](made, expected, rng.randrange(8))
        shuffled = shuffled or kind == "shuffle"

    def check(found: list[int]) -> None:
        assert (sorted(found) if shuffled else found) == (
            sorted(expected) if shuffled else expected
        )

    check([int(x) for x in made])
    for size in (1, 3, 7):
        check([int(v) for block in made.batch(size) for v in block])
    check([int(v) for block in made.batch(3).unbatch().batch(5) for v in block])
    check([int(x) for x in made])
    assert int(made.cardinality()) in (tf.data.UNKNOWN_CARDINALITY, len(expected))
