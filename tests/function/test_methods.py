"""Functions as methods, callables of other kinds, copies, metadata, eager mode."""

from __future__ import annotations

import copy
import functools
import gc
import inspect
import pickle
import weakref

import pytest

import graphc as tf

ONE = tf.constant(1.0)


class Scale:
    def __init__(self, k):
        self.k = tf.Variable(k)

    @tf.function
    def __call__(self, x):
        return x * self.k

    @tf.function
    def call(self, x, *, plus=0.0):
        return x * self.k + plus


class Plain:
    """Can be pickled: its state is a number."""

    def __init__(self, k):
        self.k = k

    @tf.function
    def call(self, x):
        return x * self.k


@tf.function
def module_level(x):
    return x + 1.0


def test_equal_objects_have_traces_of_their_own() -> None:
    class Same(Plain):
        def __eq__(self, other):
            return True

        __hash__ = None

    two, three = Same(2.0), Same(3.0)
    assert [float(o.call(ONE)) for o in (two, three, two)] == [2.0, 3.0, 2.0]


def test_objects_with_slots_have_methods() -> None:
    class Slotted:
        __slots__ = ("k",)

        @tf.function
        def call(self, x):
            return x * self.k

    two, three = Slotted(), Slotted()
    two.k, three.k = 2.0, 3.0
    assert [float(o.call(ONE)) for o in (two, three, two)] == [2.0, 3.0, 2.0]
    assert two.call.experimental_get_tracing_count() == 1


def test_methods_do_not_keep_their_object() -> None:
    scale = Scale(2.0)
    assert float(scale.call(ONE)) == 2.0
    seen, variable = weakref.ref(scale), weakref.ref(scale.k)
    before = len(Scale.call._methods)
    del scale
    gc.collect()
    assert seen() is None and variable() is None and len(Scale.call._methods) == before - 1
    assert float(Scale(3.0).call(ONE)) == 3.0  # a temporary object lives through the call


def test_results_do_not_keep_objects() -> None:
    class Chain:
        @tf.function
        def add(self, other, x):
            return self, [other, x + 1.0]

    chain, other = Chain(), Plain(1.0)
    for _ in range(2):
        found, (second, y) = chain.add(other, ONE)
        assert found is chain and second is other and float(y) == 2.0
    seen = weakref.ref(chain), weakref.ref(other)
    del chain, other, found, second
    gc.collect()
    assert [ref() for ref in seen] == [None, None]


def test_static_and_class_methods_in_both_orders() -> None:
    class A:
        k = 2.0

        @staticmethod
        @tf.function
        def inside(x):
            return x + 1.0

        @tf.function
        @staticmethod
        def outside(x):
            return x + 2.0

        @classmethod
        @tf.function
        def of_class(cls, x):
            return x * cls.k

        @tf.function
        @classmethod
        def for_class(cls, x):
            return x * cls.k

    class B(A):
        k = 3.0

    for owner in (A, A()):
        found = [f(ONE) for f in (owner.inside, owner.outside, owner.of_class, owner.for_class)]
        assert list(map(float, found)) == [2.0, 3.0, 2.0, 2.0]
    for owner in (B, B()):
        assert float(owner.of_class(ONE)) == float(owner.for_class(ONE)) == 3.0


def test_inheritance_with_super_and_calls_of_the_class() -> None:
    class A:
        @tf.function
        def call(self, x):
            return x + 1.0

    class B(A):
        @tf.function
        def call(self, x):
            return super().call(x) * 10.0

    assert float(B().call(ONE)) == 20.0 and float(A().call(ONE)) == 2.0
    assert float(A.call(A(), ONE)) == 2.0


def test_functions_made_of_other_callables() -> None:
    class Model:
        def __init__(self):
            self.v = tf.Variable(2.0)
            self.call = tf.function(self.call)

        def call(self, x, k=1.0):
            return x * self.v * k

        def __call__(self, x):
            if x > 0.0:
                return x * self.v
            return -x

        @property
        def staged(self):
            return self.call

    model = Model()
    assert float(model.call(ONE)) == 2.0 and float(model.staged(ONE, k=3.0)) == 6.0
    assert str(inspect.signature(model.call)) == "(x, k=1.0)"
    called = tf.function(model)
    assert float(called(ONE)) == 2.0 and float(called(-ONE)) == 1.0
    partial = tf.function(functools.partial(lambda x, y, z=1.0: x * y + z, y=2.0))
    assert float(partial(ONE)) == 3.0 and float(partial(ONE, z=3.0)) == 5.0
    assert float(functools.partial(module_level, ONE)()) == 2.0
    assert float(tf.function(module_level)(ONE)) == float(tf.function(Scale(2.0).call)(ONE)) == 2.0


def test_decorators_in_both_orders() -> None:
    def doubled(fn):
        @functools.wraps(fn)
        def wrapper(*args, **kwargs):
            return fn(*args, **kwargs) * 2.0

        return wrapper

    @tf.function
    @doubled
    def inside(x):
        return x if x > 0.0 else -x

    @doubled
    @tf.function
    def outside(x):
        return x if x > 0.0 else -x

    assert float(inside(-ONE)) == float(outside(-ONE)) == 2.0
    assert (inside.__name__, outside.__name__) == ("inside", "outside")


def test_metadata() -> None:
    @tf.function
    def named(x: int, y=3, *rest, k: float = 1.0) -> int:
        """Doc."""
        return x

    assert (named.name, named.__name__, named.__doc__) == ("named", "named", "Doc.")
    assert named.__module__ == __name__ and named.__qualname__.endswith("<locals>.named")
    assert str(inspect.signature(named)) == str(inspect.signature(named.python_function))
    assert named.function_spec.arg_names == ["x", "y", "rest", "k"]
    assert tf.function(lambda x: x, name="other").name == "other"
    assert repr(named) == "<graphc.function named, 0 traces>"


def test_copies_have_state_and_traces_of_their_own() -> None:
    class Model:
        def __init__(self):
            self.v = tf.Variable(2.0)
            self.staged = tf.function(self.plain)

        def plain(self, x):
            return x * self.v

        @tf.function
        def call(self, x):
            return x * self.v

    model = Model()
    assert float(model.call(ONE)) == float(model.staged(ONE)) == 2.0
    other = copy.deepcopy(model)
    other.v.assign(5.0)
    assert float(model.call(ONE)) == float(model.staged(ONE)) == 2.0
    assert float(other.call(ONE)) == float(other.staged(ONE)) == 5.0
    assert float(copy.copy(module_level)(ONE)) == float(copy.deepcopy(module_level)(ONE)) == 2.0


def test_pickles() -> None:
    plain = Plain(2.0)
    plain.call(ONE)
    assert float(pickle.loads(pickle.dumps(plain)).call(ONE)) == 2.0
    assert float(pickle.loads(pickle.dumps(plain.call))(ONE)) == 2.0
    assert pickle.loads(pickle.dumps(module_level)) is module_level


def test_functions_run_eagerly_when_asked() -> None:
    eager = []

    class Model:
        @tf.function
        def call(self, x):
            eager.append(tf.executing_eagerly())
            return x + 1.0

    model = Model()
    model.call(ONE)
    tf.config.run_functions_eagerly(True)
    try:
        assert tf.config.functions_run_eagerly()
        assert float(model.call(ONE)) == float(model.call(x=ONE)) == 2.0
    finally:
        tf.config.run_functions_eagerly(False)
    model.call(ONE)
    assert eager == [False, True, True] and not tf.config.functions_run_eagerly()


def test_a_function_defined_inside_another_sees_its_tensors() -> None:
    @tf.function
    def outer(x):
        @tf.function
        def inner(y):
            return y * x

        total = inner(x) + inner(x + 1.0)
        if x > 0.0:
            total = total + inner(x * 2.0)
        return total

    assert float(outer(tf.constant(2.0))) == 18.0 and float(outer(tf.constant(-2.0))) == 6.0
    with tf.GradientTape() as tape:
        x = tf.Variable(2.0)
        y = outer(x)
    assert float(tape.gradient(y, x)) == 17.0


def test_a_method_that_sees_tensors_of_one_trace_is_traced_anew_in_the_next() -> None:
    held = {}

    @tf.function
    def inner(y):
        return y + held["x"]

    @tf.function(fallback="error")
    def outer(x):
        held["x"] = x
        return inner(x)

    assert float(outer(ONE)) == 2.0
    assert outer(tf.constant([2.0, 3.0])).numpy().tolist() == [4.0, 6.0]
    with pytest.raises(tf.errors.EscapedTensorError, match="@outer"):
        inner(ONE)


# --- Variables made by functions ------------------------------------------------------------------


class Lazy:
    def __init__(self):
        self.v = None
        self.built = False

    @tf.function
    def in_branch(self, x, flag):
        if flag:
            if self.v is None:
                self.v = tf.Variable(2.0, name="lazy")
            return x * self.v
        return x

    @tf.function
    def inner(self, x):
        if self.v is None:
            self.v = tf.Variable(2.0)
        return x * self.v

    @tf.function
    def outer(self, x):
        return self.inner(x) + 1.0

    @tf.function
    def several(self, x):
        if not self.built:
            self.built = True
            self.w, self.b = tf.Variable(tf.ones([2, 2])), tf.Variable(tf.zeros([2]))
        return x @ self.w + self.b

    @tf.function
    def where_a_tensor_says_so(self, x):
        if x > 0.0:
            if self.v is None:
                self.v = tf.Variable(2.0)
            return x * self.v
        return x


def test_variables_are_made_in_branches_callees_and_together() -> None:
    lazy = Lazy()
    found = [lazy.in_branch(ONE, flag) for flag in (True, False, True)]
    assert [float(t) for t in found] == [2.0, 1.0, 2.0]
    lazy = Lazy()
    assert float(lazy.outer(ONE)) == 3.0 and lazy.outer(tf.ones([2])).numpy().tolist() == [3, 3]
    assert lazy.several(tf.ones([1, 2])).numpy().tolist() == [[2.0, 2.0]]
    assert lazy.several(tf.ones([2, 2])).numpy().tolist() == [[2.0, 2.0]] * 2
    assert float(Lazy().where_a_tensor_says_so(ONE)) == 2.0


def test_a_variable_made_later_is_refused_with_its_name_and_line() -> None:
    lazy = Lazy()
    lazy.in_branch(ONE, False)
    with pytest.raises(ValueError) as caught:
        lazy.in_branch(ONE, True)
    line = inspect.getsourcelines(Lazy.in_branch.python_function)[1] + 4
    start = f"in_branch created 'lazy:0' at test_methods.py:{line} on a call that was not its first"
    assert str(caught.value).startswith(start)
    assert float(lazy.in_branch(ONE, False)) == 1.0
