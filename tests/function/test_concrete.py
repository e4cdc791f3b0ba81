"""Concrete functions: what they say of themselves, and how they are called."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as tf

ONE = tf.constant(1.0)


@tf.function
def scaled(x, n, y=2.0):
    return x * n * y


@tf.function
def product(x, y):
    return x * y


def test_what_it_says_of_itself() -> None:
    v, w = tf.Variable(1.0, name="v"), tf.Variable(1.0, trainable=False)

    @tf.function
    def f(x, n, *, d):
        return {"a": x * n * v + w, "b": (d["k"], None)}

    concrete = f.get_concrete_function(tf.TensorSpec([None, 2]), 3, d={"k": tf.constant(1)})
    (x, n), kwargs = concrete.structured_input_signature
    assert (x.shape.as_list(), x.dtype, x.name, n) == ([None, 2], tf.float32, "x", 3)
    assert kwargs["d"]["k"].dtype is tf.int32 and concrete.name == "f"
    outputs = concrete.structured_outputs
    assert outputs["a"].shape.as_list() == [None, 2] and outputs["b"][1] is None
    assert len(concrete.inputs) == len(concrete.outputs) == 2
    assert concrete.variables == (v, w) and concrete.trainable_variables == (v,)
    assert concrete.graph is f.graph(tf.TensorSpec([None, 2]), 3, d={"k": tf.constant(1)})
    signature = "f(x: f32[B1, 2], n=3, d: {'k': i32[]}) -> {'a': f32[B1, 2], 'b': (i32[], None)}"
    assert concrete.pretty_printed_signature() == signature
    assert repr(concrete) == f"<ConcreteFunction {signature}>"
    assert f.pretty_printed_concrete_signatures() == signature


def test_objects_in_signatures_are_shown_by_class() -> None:
    class Thing:
        pass

    concrete = tf.function(lambda t, x: x).get_concrete_function(Thing(), tf.ones([2]))
    assert concrete.pretty_printed_signature() == "<lambda>(t=<Thing>, x: f32[2]) -> f32[2]"


@pytest.mark.parametrize(
    "args, kwargs",
    [((ONE, 3), {}), ((ONE,), {"n": 3}), ((), {"n": 3, "x": ONE}), ((ONE, 3, 2.0), {}),
     ((ONE,), {}), ((), {"x": ONE}), ((1.0,), {}), ((np.float32(1),), {})],
)  # fmt: skip
def test_all_arguments_or_the_tensors_alone(args, kwargs) -> None:
    concrete = scaled.get_concrete_function(tf.TensorSpec([]), 3)
    assert float(concrete(*args, **kwargs)) == 6.0


def test_by_name_also_the_names_of_specs() -> None:
    x, y = tf.constant(3.0), tf.constant(1.0)
    concrete = product.get_concrete_function(y=tf.TensorSpec([]), x=tf.TensorSpec([]))
    assert float(concrete(x, y=y)) == float(concrete(y=y, x=x)) == 3.0
    named = product.get_concrete_function(tf.TensorSpec([], name="p"), tf.TensorSpec([], name="q"))
    assert float(named(p=x, q=y)) == 3.0


def test_nested_arguments_and_methods() -> None:
    class Model:
        v = tf.Variable(3.0)

        @tf.function
        def call(self, d):
            return d["b"] - d["a"][0] * self.v

    spec = tf.TensorSpec([])
    concrete = Model().call.get_concrete_function({"b": spec, "a": [spec]})
    assert float(concrete({"a": [tf.constant(1.0)], "b": tf.constant(5.0)})) == 2.0
    with pytest.raises(TypeError, match="argument d is .*traced for"):
        concrete({"b": ONE})


@pytest.mark.parametrize(
    "args, kwargs, message",
    [
        ((ONE, 4), {}, "scaled(x: f32[], n=3, y=2.0) -> f32[]: argument n is int 4, but the"
         " function was traced for int 3"),
        ((ONE, 3.0), {}, "scaled(x: f32[], n=3, y=2.0) -> f32[]: argument n is float 3.0, but the"
         " function was traced for int 3"),
        ((ONE,), {"q": ONE}, "scaled(x: f32[], n=3, y=2.0) -> f32[] got an unexpected keyword"
         " argument 'q'"),
        ((ONE,), {"x": ONE}, "scaled(x: f32[], n=3, y=2.0) -> f32[] got two values for 'x'"),
        ((), {}, "scaled(x: f32[], n=3, y=2.0) -> f32[] misses x"),
        ((ONE, ONE, ONE, ONE), {}, "scaled(x: f32[], n=3, y=2.0) -> f32[] takes 1 tensors, got 4"),
        ((tf.constant(1), 3), {}, "argument x is i32[], the function was traced for f32[]"),
        ((tf.ones([2]),), {}, "argument x is f32[2], the function was traced for f32[]"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(args, kwargs, message) -> None:
    concrete = scaled.get_concrete_function(tf.TensorSpec([]), 3)
    with pytest.raises(TypeError) as caught:
        concrete(*args, **kwargs)
    assert str(caught.value) == message


def test_a_concrete_function_inside_another_and_under_a_tape() -> None:
    concrete = product.get_concrete_function(tf.TensorSpec([]), tf.TensorSpec([]))
    assert float(tf.function(lambda x: concrete(x, x) + 1.0)(tf.constant(3.0))) == 10.0
    x = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        y = concrete(x, x)
    assert float(tape.gradient(y, x)) == 6.0
