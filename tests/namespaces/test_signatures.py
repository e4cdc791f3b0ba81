"""Public functions take TensorFlow's parameters, by the same names and in the same order."""

from __future__ import annotations

import pytest

import graphc as tf
from tests.namespaces.signatures import find, names, parameters, recorded

# Keywords that TensorFlow collects in **kwargs are spelled out where that helps the reader.
SPELLED_OUT = ("einsum", "linalg.einsum", "meshgrid")


@pytest.mark.parametrize("name", names())
def test_parameters_are_tensorflows(name: str) -> None:
    wanted = recorded().get(name)
    assert wanted is not None, f"TensorFlow has no tf.{name}"
    if name not in SPELLED_OUT:
        assert parameters(find(tf, name)) == wanted


@pytest.mark.parametrize("name", names())
def test_every_public_function_says_what_it_does(name: str) -> None:
    first = (find(tf, name).__doc__ or "").split("\n")[0]
    assert len(first) > 2 and not first.startswith(" ")
