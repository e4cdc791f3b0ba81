"""Calls with ever new objects: what is kept stays the same."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest

import graphc as tf

pytestmark = pytest.mark.filterwarnings("ignore::graphc.errors.RetraceWarning")

ONE = tf.constant(1.0)


class Thing:
    def __init__(self, k):
        self.k = k

    @tf.function
    def call(self, x):
        return x * self.k


@tf.function
def on_tensor(x):
    return x + 1.0


@tf.function
def on_thing(thing, x):
    return x * thing.k


def fresh_tensor(n: int) -> None:
    assert float(on_tensor(tf.constant(float(n)))) == n + 1.0
    on_tensor(np.float32(n))


def fresh_object(n: int) -> None:
    assert float(on_thing(Thing(float(n % 3)), ONE)) == n % 3


def fresh_owner(n: int) -> None:
    assert float(Thing(float(n % 3)).call(ONE)) == n % 3


def fresh_closure(n: int) -> None:
    @tf.function
    def closure(x):
        return x * float(n % 3)

    assert float(closure(ONE)) == n % 3


def growth(call: Callable[[int], None], warm: int, count: int) -> int:
    """Bytes that ``count`` more calls leave behind."""
    for n in range(warm):
        call(n)
    gc.collect()
    tracemalloc.start()
    try:
        for n in range(20):
            call(n)
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        for n in range(count):
            call(n)
        gc.collect()
        return tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()


CASES = [fresh_object, fresh_owner, fresh_closure]


def test_fresh_tensors_leave_nothing() -> None:
    assert growth(fresh_tensor, 100, 5000) < 20_000


@pytest.mark.parametrize("call", CASES)
def test_fresh_objects_leave_nothing(call) -> None:
    assert growth(call, 150, 100) < 100_000  # 128 records are kept


@pytest.mark.slow
@pytest.mark.parametrize("call, count", [(fresh_tensor, 100_000), *((c, 1500) for c in CASES)])
def test_many_fresh_objects_leave_nothing(call, count) -> None:
    assert growth(call, 200, count) < 200_000
