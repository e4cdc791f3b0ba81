"""Programs that must do the same staged as they do as plain Python on eager tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc as tf


class Cases:
    """Collects functions with the inputs they are tried on."""

    def __init__(self) -> None:
        self.listed: list[Any] = []

    def __call__(self, *inputs: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        def keep(f: Callable[..., Any]) -> Callable[..., Any]:
            self.listed += [pytest.param(f, x, id=f"{f.__name__}-{x}") for x in inputs]
            return f

        return keep


def check(f: Callable[..., Any], x: Any) -> None:
    """Staged without any step in Python, ``f`` gives what it gives eagerly."""
    x = tf.constant(x, tf.float32) if x == [] else tf.constant(x)
    staged = tf.function(f, fallback="error")
    assert values(staged(x)) == values(f(x))


def values(result: Any) -> list[Any]:
    leaves = tf.nest.flatten(result)
    return [None if v is None else np.asarray(v, float).round(5).tolist() for v in leaves]
