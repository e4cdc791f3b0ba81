"""tf.Module finds what it owns."""

from __future__ import annotations

import pytest

import graphc as tf


class Inner(tf.Module):
    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)
        self.w = tf.Variable([1.0], name="w")
        self.fixed = tf.Variable(2, trainable=False, name="fixed")


class Outer(tf.Module):
    def __init__(self) -> None:
        super().__init__()
        self.parts = {"a": [Inner("first")], "b": (Inner("second"),)}
        self.again = self.parts["a"][0]
        self.v = tf.Variable(3.0, name="v")

    @tf.Module.with_name_scope
    def make(self) -> tf.Variable:
        return tf.Variable(1.0, name="late")


def test_variables_and_modules_are_found_anywhere_and_once() -> None:
    outer = Outer()
    assert [m.name for m in outer.submodules] == ["first", "second"]
    assert [v.name for v in outer.variables] == ["v:0", "fixed:0", "w:0", "fixed:0", "w:0"]
    assert len(outer.trainable_variables) == 3 and len(outer.non_trainable_variables) == 2


def test_names_and_scopes() -> None:
    outer = Outer()
    assert outer.name == "outer" and outer.make().name == "outer/late:0"
    assert tf.Variable(1.0, name="late").name == "late:0"
    with pytest.raises(ValueError, match="'a b' is not a valid module name"):
        Inner("a b")


def test_a_function_trains_a_module() -> None:
    inner = Inner()

    @tf.function
    def step(x):
        inner.w.assign_add(x)
        return inner.w * 2.0

    assert step(tf.constant([2.0])).numpy() == [6.0] and inner.w.numpy() == [3.0]
