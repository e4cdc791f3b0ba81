"""Nested structures, as tf.nest handles them."""

from __future__ import annotations

from collections import OrderedDict, defaultdict, namedtuple
from dataclasses import dataclass, field
from types import MappingProxyType

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


class Attrs:
    """As attrs makes them."""

    __attrs_attrs__ = (type("Attribute", (), {"name": "x"}),)

    def __init__(self, x):
        self.x = x


def test_records_are_rebuilt_without_their_constructor() -> None:
    made = []

    @dataclass(frozen=True)
    class Counted:
        a: object
        b: object = field(default=1, init=False)

        def __post_init__(self):
            made.append(self)

    mapped = tf.nest.map_structure(lambda v: v * 10, [Counted(2), Attrs(3)])
    assert (mapped[0].a, mapped[0].b, mapped[1].x, len(made)) == (20, 10, 30, 1)


def test_mappings_keep_what_they_are() -> None:
    mapped = tf.nest.map_structure(lambda v: v + 1, defaultdict(list, b=1, a=2))
    assert list(mapped.items()) == [("b", 2), ("a", 3)] and mapped["new"] == []
    assert tf.nest.map_structure(lambda v: v + 1, MappingProxyType({"a": 1})) == {"a": 2}
    assert tf.nest.flatten([tf.float32, tf.TensorShape([1])]) == [tf.float32, tf.TensorShape([1])]


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


def test_dtypes_are_leaves() -> None:
    assert tf.nest.flatten((tf.float32, {"a": tf.int32})) == [tf.float32, tf.int32]
