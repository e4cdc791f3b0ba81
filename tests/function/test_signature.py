"""Which calls share a trace: Python values, objects, structures, specs and open sizes."""

from __future__ import annotations

import enum
import functools
import gc
from collections import OrderedDict, defaultdict, namedtuple
from dataclasses import dataclass

import numpy as np
import pytest

import graphc as tf

pytestmark = pytest.mark.filterwarnings("ignore::graphc.errors.RetraceWarning")

Point = namedtuple("Point", "x y")


@dataclass(frozen=True)
class State:
    a: object
    b: object = 3


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


class Thing:
    pass


class Equal:
    """All are equal, but not the same."""

    def __init__(self, n):
        self.n = n

    def __eq__(self, other):
        return isinstance(other, Equal)

    def __hash__(self):
        return 0


def counted(**options):
    @tf.function(**options)
    def f(x):
        return tf.constant(0)

    return f


ONE = tf.constant(1.0)


@pytest.mark.parametrize(
    "values, traces",
    [
        ([1, 1.0, True, 1 + 0j, np.float32(1), "1", b"1", None], 8),
        ([0.0, -0.0, float("nan"), float("nan")], 3),
        ([np.float32(1), np.float32(2), tf.constant(3.0), np.array(4, np.float32)], 1),
        ([np.array(["a"]), np.array(["bcd"]), np.array(["e"], object), tf.constant(["f"])], 1),
        ([tf.ones([2]), tf.ones([3]), tf.ones([2], tf.int32), tf.ones([2, 1])], 4),
        ([[ONE, 2], (ONE, 2), Point(ONE, 2), {"x": ONE, "y": 2}, State(ONE, 2)], 5),
        ([[ONE, 2], [tf.constant(5.0), 2], [ONE, 3], [ONE, [2]], [ONE]], 4),
        ([{"a": 1, "b": 2}, {"a": 1, "b": 2}, {"a": 2, "b": 1}, OrderedDict(a=1, b=2)], 3),
        ([defaultdict(int, a=1), defaultdict(int, a=1)], 1),
        ([Colour.RED, Colour.BLUE, Colour.RED], 2),
        ([{1, 2}, {2, 1}, {1, 3}, frozenset([1, 2]), {True, 2}], 4),
        ([range(3), range(3), range(4), slice(1, 2), slice(1, 2), slice(1, 2.0)], 4),
        ([tf.float32, tf.float32, tf.int32, tf.TensorShape([1]), tf.TensorShape([None])], 4),
        ([int, float, int, len, len, ...], 4),
        ([np.dtype("f4"), np.dtype("f4"), np.dtype("f8")], 2),
        ([[], (), {}, [[]], [()]], 5),
    ],
)  # fmt: skip
def test_values_are_told_apart(values, traces) -> None:
    f = counted()
    for value in values:
        f(value)
    assert f.experimental_get_tracing_count() == traces
    for value in values:
        f(value)
    assert f.experimental_get_tracing_count() == traces


def test_objects_count_by_identity_even_if_they_are_equal() -> None:
    @tf.function
    def f(thing, x):
        return x * thing.n

    two, three = Equal(2.0), Equal(3.0)
    assert [float(f(o, ONE)) for o in (two, three, two)] == [2.0, 3.0, 2.0]
    assert f.experimental_get_tracing_count() == 2


def test_a_dead_object_takes_its_trace_along() -> None:
    @tf.function
    def f(thing, x):
        return x * thing.n

    for n in range(50):  # a new object is likely to come to the same address
        thing = Thing()
        thing.n = float(n)
        assert float(f(thing, ONE)) == n
        assert len(f.traces) == 1
        del thing
    gc.collect()
    assert not f.traces and f.experimental_get_tracing_count() == 50


def test_objects_in_cycles_and_inside_structures_die_too() -> None:
    f = counted()
    thing = Thing()
    thing.me = thing
    f({"a": [thing, ONE]})
    assert len(f.traces) == 1
    del thing
    gc.collect()
    assert not f.traces


def test_unhashable_and_slotted_objects_count_by_identity() -> None:
    class Slotted:
        __slots__ = ()
        __hash__ = None

    f = counted()
    one, two = Slotted(), Slotted()
    for value in (one, two, one):
        f(value)
    assert f.experimental_get_tracing_count() == 2


def test_methods_and_functions_as_arguments() -> None:
    class Scale:
        def __init__(self, k):
            self.k = k

        def plain(self, x):
            return x * self.k

        @tf.function
        def staged(self, x):
            return x * self.k

    @tf.function
    def call(g, x):
        return g(x)

    two, three = Scale(2.0), Scale(3.0)
    for _ in range(2):  # a bound method is a new object each time
        assert [float(call(g, ONE)) for g in (two.plain, three.plain)] == [2.0, 3.0]
        assert [float(call(g, ONE)) for g in (two.staged, three.staged)] == [2.0, 3.0]
    assert call.experimental_get_tracing_count() == 4
    double = functools.partial(lambda k, x: x * k, 2.0)
    assert float(call(double, ONE)) == float(call(double, ONE)) == 2.0
    assert call.experimental_get_tracing_count() == 5


def test_variables_as_arguments_are_themselves() -> None:
    v, w = tf.Variable(1.0), tf.Variable(2.0)

    @tf.function
    def f(variable):
        variable.assign_add(1.0)
        return variable * 2.0

    assert [float(f(v)), float(f(w)), float(f(v))] == [4.0, 6.0, 6.0]
    assert float(v) == float(w) == 3.0


def test_the_traces_not_used_for_longest_go_first() -> None:
    f = counted(cache_size=3)
    for n in (1, 2, 3, 1, 4):  # 1 was used again before 4 came
        f(n)
    assert f.experimental_get_tracing_count() == 4 and len(f.traces) == 3
    for n in (1, 3, 4):
        f(n)
    assert f.experimental_get_tracing_count() == 4
    f(2)
    assert f.experimental_get_tracing_count() == 5


def test_clear_forgets_everything() -> None:
    f = counted(reduce_retracing=True)
    for n in (1, 2, 3):
        f(tf.ones([n]))
    f.clear()
    assert not f.traces and not f.retraces and f.experimental_get_tracing_count() == 0
    f(tf.ones([1]))
    assert f.experimental_get_tracing_count() == 1


def test_all_forms_of_a_call_share_a_trace() -> None:
    @tf.function
    def f(x, y=2, *rest, k=1, **more):
        return x * y * k

    one = tf.constant(1)
    for _ in range(2):
        f(one), f(one, 2), f(x=one), f(one, y=2), f(one, k=1), f(y=2, x=one)
    assert f.experimental_get_tracing_count() == 1


def test_keywords_come_to_their_parameters() -> None:
    @tf.function
    def f(a, b, /, c, *rest, d, **more):
        return a, b, c, rest, d, more

    t = [tf.constant(i) for i in range(7)]

    def numbers(result):
        return tf.nest.map_structure(int, result)

    for _ in range(2):
        assert numbers(f(t[0], t[1], d=t[3], c=t[2])) == (0, 1, 2, (), 3, {})
        found = numbers(f(t[0], t[1], t[2], t[4], z=t[6], d=t[3], a=t[5]))
        assert found == (0, 1, 2, (4,), 3, {"z": 6, "a": 5})
        assert list(found[-1]) == ["z", "a"]


@pytest.mark.parametrize(
    "args, kwargs",
    [((), {}), ((1,), {}), ((1, 2, 3, 4), {}), ((1, 2), {"q": 1}), ((1,), {"y": 2}),
     ((1, 2, 3), {"z": 4}), ((1, 2), {"v": 4})],
)  # fmt: skip
def test_a_wrong_call_is_refused_in_pythons_words(args, kwargs) -> None:
    def f(x, y, /, z=1, *, w=2):
        return x

    class Model:
        def method(self, x, y, /, z=1, *, w=2):
            return x

    class Staged:
        method = tf.function(Model.method)

    for python, staged in ((f, tf.function(f)), (Model().method, Staged().method)):
        with pytest.raises(TypeError) as expected:
            python(*args, **kwargs)
        with pytest.raises(TypeError) as found:
            staged(*args, **kwargs)
        assert str(found.value) == str(expected.value)


# --- specs ----------------------------------------------------------------------------------------


def test_a_trace_for_open_sizes_takes_calls() -> None:
    f = counted()
    f.get_concrete_function(tf.TensorSpec([None, 2]))
    f(tf.ones([1, 2])), f(tf.ones([5, 2]))
    assert f.experimental_get_tracing_count() == 1
    f(tf.ones([5, 3])), f(tf.ones([5, 2], tf.int32))
    assert f.experimental_get_tracing_count() == 3


def test_a_spec_of_known_shape_is_the_call_itself() -> None:
    f = counted()
    concrete = f.get_concrete_function(tf.TensorSpec([2], tf.float32))
    assert f.get_concrete_function(tf.ones([2])) is concrete
    f(tf.ones([2]))
    assert f.experimental_get_tracing_count() == 1


def test_a_signature_of_unknown_rank_traces_once_for_each_rank() -> None:
    @tf.function(input_signature=[tf.TensorSpec(None, tf.float32)])
    def f(x):
        return tf.reduce_sum(x) + tf.cast(tf.rank(x), tf.float32)

    shapes = [(), (2,), (2, 3), (4, 3), (7,)]
    assert [float(f(np.ones(s, np.float32))) for s in shapes] == [1.0, 3.0, 8.0, 14.0, 8.0]
    assert f.experimental_get_tracing_count() == 3
    assert float(f.get_concrete_function(tf.TensorSpec([None]))(tf.ones([3]))) == 4.0
    with pytest.raises(ValueError, match="leaves the rank open"):
        f.get_concrete_function()


def test_nested_signatures_and_their_errors() -> None:
    spec = {"a": tf.TensorSpec([None]), "b": [tf.TensorSpec([], tf.int32)]}

    @tf.function(input_signature=[spec])
    def f(d):
        return tf.reduce_sum(d["a"]) * tf.cast(d["b"][0], tf.float32)

    assert float(f({"a": [1.0, 2.0], "b": [3]})) == 9.0
    assert float(f({"a": np.ones(4, np.float32), "b": [tf.constant(2)]})) == 8.0
    assert f.experimental_get_tracing_count() == 1
    with pytest.raises(TypeError, match=r"argument d\['b'\]\[0\] is f32\[\], but .* asks for"):
        f({"a": [1.0], "b": [tf.constant(1.0)]})
    with pytest.raises(TypeError, match="the input signature asks for"):
        f({"a": [1.0]})


def test_signatures_with_defaults_keywords_and_more_arguments() -> None:
    spec = tf.TensorSpec([None])

    @tf.function(input_signature=[spec])
    def f(x, y=2.0, *, k=1.0):
        return x * y * k

    assert f([1.0]).numpy().tolist() == f(x=[1.0]).numpy().tolist() == [2.0]
    assert f([1.0, 2.0], k=3.0).numpy().tolist() == [6.0, 12.0]
    assert f([1.0], 5.0).numpy().tolist() == [5.0]
    assert f.experimental_get_tracing_count() == 3

    @tf.function(input_signature=[spec, spec])
    def total(*xs):
        return xs[0] + xs[1]

    assert total([1.0], [2.0]).numpy().tolist() == [3.0]
    with pytest.raises(TypeError, match="has 2 entries, but it takes 1 positional arguments"):
        tf.function(lambda x: x, input_signature=[spec, spec])


@pytest.mark.parametrize("option", ["reduce_retracing", "experimental_relax_shapes"])
def test_sizes_that_change_are_left_open_everywhere(option) -> None:
    @tf.function(**{option: True})
    def f(x, *, y, d):
        return tf.reduce_sum(x) + tf.reduce_sum(y) + tf.reduce_sum(d["k"][0])

    for n in range(1, 7):
        found = f(tf.ones([n]), y=tf.ones([n + 1]), d={"k": [np.ones([n, 2], np.float32)]})
        assert float(found) == 4 * n + 1
    assert f.experimental_get_tracing_count() == 2


def test_open_sizes_of_methods_ranks_and_dtypes() -> None:
    class Model:
        @tf.function(reduce_retracing=True)
        def total(self, x):
            return tf.reduce_sum(x)

    model = Model()
    for n in range(1, 6):
        assert float(model.total(tf.ones([n]))) == n
        assert int(model.total(tf.ones([n], tf.int32))) == n
        assert float(model.total(tf.ones([n, n]))) == n * n
    assert model.total.experimental_get_tracing_count() == 6


def test_what_is_kept_beside_traces_is_bounded() -> None:
    f = counted(reduce_retracing=True, cache_size=4)
    things = [Thing() for _ in range(30)]
    for n, thing in enumerate(things):
        f([tf.ones([1] * (n % 9)), thing])
    held = f._traces
    assert len(held.kept) == len(held.families) == 4 and len(held.quick) <= 32
    assert len(held._watched) <= 8 and len(f.retraces) == 4
    del things, thing
    gc.collect()
    assert not held.kept and not held.families and not held.quick and not held._watched
