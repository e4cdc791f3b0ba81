"""Slices of axes of unknown size: the type says what numpy does, for every size."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

import graphc as tf
from graphc.ir import dims
from graphc.ops.index import slice_bounds

BOUNDS = (None, -3, -1, 0, 1, 2, 4)
B = dims.symbol("B")


@pytest.mark.parametrize("step", [None, 1, 2, 3, -1, -2])
def test_symbolic_bounds_are_numpys(step: int | None) -> None:
    for start, stop in product(BOUNDS, BOUNDS):
        part = slice(start, stop, step)
        first, count, stride = slice_bounds(part, B)
        for size in range(7):
            places = range(size)[part]
            assert dims.evaluate(count, {"B": size}) == len(places), (part, size, str(count))
            if places:
                assert dims.evaluate(first, {"B": size}) == places.start, (part, size, str(first))
                assert stride == places.step


def test_symbolic_counts_are_readable() -> None:
    texts = {
        "max(B-1, 0)": [slice(1, None), slice(None, -1)],
        "max(B-2, 0)": [slice(1, -1), slice(2, None)],
        "B": [slice(None), slice(0, None), slice(None, None, -1)],
    }
    for text, parts in texts.items():
        for part in parts:
            count = slice_bounds(part, B)[1]
            assert str(count).replace("-1+B", "B-1") == text, part


def test_a_symbolic_bound_that_ends_the_axis_is_the_axis() -> None:
    assert slice_bounds(slice(None, B), B)[1] == B
    assert slice_bounds(slice(None, B - 1), B)[1] == dims.maximum(B - 1, 0)


def test_an_index_beyond_an_unknown_size_is_an_error_when_it_is_known() -> None:
    @tf.function(input_signature=[tf.TensorSpec([None])], autograph=False)
    def third(x):
        return x[2]

    assert float(third(tf.constant([1.0, 2.0, 3.0]))) == 3.0
    with pytest.raises(tf.errors.InvalidArgumentError, match="2"):
        third(tf.constant([1.0]))


@pytest.mark.parametrize(
    "index",
    [0, -1, (slice(None), 1), (..., 0), (None, 1), (slice(None, None, -2), ..., None), (1, 2)],
)
def test_basic_indexing_is_numpys(index) -> None:
    x = np.arange(24.0, dtype=np.float32).reshape(3, 4, 2)
    np.testing.assert_array_equal(tf.constant(x)[index].numpy(), x[index])
