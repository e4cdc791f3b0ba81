"""What functions give back: structures as Python would, numbers as tensors."""

from __future__ import annotations

import enum
import threading
from collections import OrderedDict, defaultdict, namedtuple
from dataclasses import dataclass, field

import numpy as np
import pytest

import graphc as tf

pytestmark = pytest.mark.filterwarnings("ignore::graphc.errors.RetraceWarning")

Point = namedtuple("Point", "x y")


class Colour(enum.IntEnum):
    RED = 1


@dataclass
class State:
    a: object
    made: int = field(default=0, init=False)

    def __post_init__(self):
        self.made += 1


class Attrs:
    """As attrs makes them."""

    __attrs_attrs__ = (type("Attribute", (), {"name": "x"}), type("Attribute", (), {"name": "y"}))

    def __init__(self, x, y):
        self.x, self.y = x, y


def plain(structure):
    """Numbers instead of tensors."""
    return tf.nest.map_structure(
        lambda v: v.numpy().tolist() if isinstance(v, tf.Tensor) else v, structure
    )


@pytest.mark.parametrize(
    "value",
    [
        None, [], {}, (), [None, ()], Colour.RED, int, len, ..., range(3), frozenset([1]), {1, 2},
        tf.float32, tf.TensorShape([1, None]), slice(1, 2), threading.Lock,
    ],
)  # fmt: skip
def test_what_is_no_number_comes_back_as_it_is(value) -> None:
    f = tf.function(lambda v: v)
    assert f(value) == value and f(value) == value
    assert type(f(value)) is type(value)


@pytest.mark.parametrize("value", [1, 2.5, True, 1j, "ab", b"ab", np.float64(2), np.arange(3)])
def test_numbers_and_strings_become_tensors(value) -> None:
    f = tf.function(lambda v: v)
    expected = tf.constant(value)
    for _ in range(2):
        found = f(value)
        assert isinstance(found, tf.Tensor) and found.dtype is expected.dtype
        np.testing.assert_array_equal(found.numpy(), expected.numpy())


def test_strings_inside_and_beside_other_results() -> None:
    @tf.function
    def f(x, s):
        return "hello", x + 1.0, {"a": b"y", "s": s, "n": None}, [tf.constant(["p", "q"])]

    for word in ("one", "two"):
        hello, y, named, (letters,) = f(tf.constant(1.0), tf.constant(word))
        assert hello.numpy() == b"hello" and float(y) == 2.0 and named["a"].numpy() == b"y"
        assert named["s"].numpy() == word.encode() and named["n"] is None
        assert letters.numpy().tolist() == tf.constant(["p", "q"]).numpy().tolist()


def test_containers_keep_type_and_order() -> None:
    @tf.function
    def f(x):
        return {
            "z": x, "a": Point(x, [None, x]), "o": OrderedDict(q=x, b=x),
            "d": defaultdict(list, k=x), "s": State(x), "t": Attrs(x, "word"),
        }  # fmt: skip

    for n in (1.0, 2.0):
        out = f(tf.constant(n))
        assert list(out) == ["z", "a", "o", "d", "s", "t"] and list(out["o"]) == ["q", "b"]
        assert type(out["a"]) is Point and type(out["o"]) is OrderedDict
        assert plain(out["a"]) == Point(n, [None, n])
        assert out["d"]["new"] == [] and float(out["d"]["k"]) == n
        assert type(out["s"]) is State and float(out["s"].a) == n and int(out["s"].made) == 1
        assert float(out["t"].x) == n and out["t"].y.numpy() == b"word"


def test_containers_go_in_as_they_come_out() -> None:
    one, two = tf.constant(1.0), tf.constant(2.0)
    f = tf.function(lambda v: v)
    for value in (
        {"z": one, "a": two}, Point(one, [two]), OrderedDict(z=one, a=two), {1: one, "a": two},
        [one, (two, {"k": [one]})], {"a": [tf.ones([1]), tf.ones([2])]},
    ):  # fmt: skip
        assert plain(f(value)) == plain(value)
    state = f(State(one))
    assert float(state.a) == 1.0 and int(state.made) == 1
    assert float(f(Attrs(one, two)).y) == 2.0


def test_a_result_is_new_each_time() -> None:
    f = tf.function(lambda x: ([x, 1], {1, 2}))
    first, numbers = f(tf.constant(1.0))
    first.append("mine")
    numbers.add(3)
    again, others = f(tf.constant(1.0))
    assert len(again) == 2 and others == {1, 2}


def test_variables_come_back_as_their_values() -> None:
    v = tf.Variable(2.0)

    @tf.function
    def f():
        return [v, v.assign_add(1.0)]

    found = f()
    v.assign(0.0)
    assert [float(t) for t in found] == [3.0, 3.0] and isinstance(found[0], tf.Tensor)


def test_one_tensor_twice_and_an_argument_unchanged() -> None:
    x = tf.constant([1.0, 2.0])
    out = tf.function(lambda a, b: (a, a, b + 0.0))(x, x)
    assert plain(out) == ([1.0, 2.0],) * 3


def test_a_changed_argument_is_refused() -> None:
    @tf.function
    def f(values, more):
        values.append(values[0])
        return values

    given = [tf.constant(1.0)]
    with pytest.raises(ValueError, match="f changed its argument values, .* change a copy"):
        f(given, 1)
    assert len(given) == 1
    assert f.experimental_get_tracing_count() == 0

    @tf.function
    def pop(values):
        values = dict(values)
        values.pop("a")
        return values

    assert plain(pop({"a": tf.constant(1), "b": tf.constant(2)})) == {"b": 2}
