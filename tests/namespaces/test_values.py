"""The public functions give what TensorFlow 2.21 gives: values, dtypes, shapes, gradients."""

from __future__ import annotations

import re
from functools import cache
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest

import graphc as tf
from tests.namespaces.oracle import CALLS, GRADIENTS, RECORD, arrays, call, first_and_second

# Lines whose results' number or rank depends on sizes that are unknown in one of the tests.
NEED_SIZES = ("tf.unstack", "tf.nn.dilation2d", "tf.nn.erosion2d", "tf.sparse.split")
# Lines for which TensorFlow's second gradient is wrong: it is 0 where elements are 0.
TENSORFLOW_IS_WRONG = (
    "z: tf.reduce_prod(x, 1)", "z: tf.math.unsorted_segment_prod(x, [0, 1, 0], 3)",
)  # fmt: skip


@cache
def recorded() -> dict[str, np.ndarray]:
    with np.load(RECORD) as file:
        found = {unquote(key): file[key] for key in file.files}
    return {key: v.astype(object) if v.dtype.kind == "S" else v for key, v in found.items()}


def wanted(line: str) -> list[np.ndarray]:
    found = recorded()
    keys = (f"{line}#{i}" for i in range(len(found)))
    results = []
    for key in keys:
        if key not in found:
            return results
        results.append(found[key])
    return results


def assert_close(found: list[Any], expected: list[np.ndarray], tolerance: float) -> None:
    assert len(found) == len(expected)
    for tensor, value in zip(found, expected, strict=True):
        array = np.asarray(tensor.numpy(), object if value.dtype == object else None)
        assert array.dtype == value.dtype and array.shape == value.shape
        if value.dtype.kind in "fc":
            np.testing.assert_allclose(array, value, rtol=tolerance, atol=tolerance / 10)
        else:
            np.testing.assert_array_equal(array, value)


@pytest.mark.parametrize("line", CALLS)
def test_eager_results_are_tensorflows(line: str) -> None:
    assert_close(call(tf, line, arrays()), wanted(line), 3e-5)


@pytest.mark.parametrize("unknown", [False, True], ids=["known", "unknown"])
@pytest.mark.parametrize("line", CALLS)
def test_graphs_give_the_same_with_and_without_known_sizes(line: str, unknown: bool) -> None:
    given = {k: x for k, x in arrays().items() if re.search(rf"\b{k}\b(?!')", line)}
    if unknown and (not given or line.startswith(NEED_SIZES)):
        return
    specs = [tf.TensorSpec([None] * x.ndim, x.dtype) for x in given.values()] if unknown else None

    def body(*tensors: Any) -> list[Any]:
        return call(tf, line, dict(zip(given, tensors, strict=True)))

    compiled = tf.function(body, input_signature=specs, autograph=False)
    assert_close(compiled(*map(tf.constant, given.values())), wanted(line), 3e-5)


@pytest.mark.parametrize("line", GRADIENTS)
def test_gradients_are_tensorflows(line: str) -> None:
    expected = wanted(line)
    found = first_and_second(tf, line)[: len(expected)]
    if line in TENSORFLOW_IS_WRONG:
        found, expected = found[:1], expected[:1]
    assert_close(found, expected, 1e-6)
