"""Nested structures, as tf.nest handles them."""

from __future__ import annotations

from collections import OrderedDict, namedtuple
from dataclasses import dataclass

import pytest

import graphc as tf

Point = namedtuple("Point", "x y")


@dataclass
class State:
    a: object
    b: object


def test_flatten_and_pack_round_trip() -> None:
    for structure in (
        1,
        [1, (2, [3])],
        {"b": 1, "a": [2]},
        Point(1, [2]),
        OrderedDict(z=1, a=2),
        State(1, (2, 3)),
        [],
    ):
        leaves = tf.nest.flatten(structure)
        assert tf.nest.pack_sequence_as(structure, leaves) == structure


def test_dicts_flatten_by_sorted_keys() -> None:
    assert tf.nest.flatten({"b": 1, "a": 2}) == [2, 1]


def test_map_structure_keeps_types() -> None:
    mapped = tf.nest.map_structure(lambda a, b: a + b, Point(1, [2]), Point(10, [20]))
    assert mapped == Point(11, [22]) and isinstance(mapped, Point)


def test_structures_that_differ_are_refused() -> None:
    with pytest.raises((TypeError, ValueError)):
        tf.nest.map_structure(lambda a, b: a, [1, 2], [1])
    with pytest.raises(TypeError, match="list and tuple"):
        tf.nest.assert_same_structure([1], (1,))
    with pytest.raises(ValueError, match="2 leaves, got 3"):
        tf.nest.pack_sequence_as([1, 2], [1, 2, 3])
