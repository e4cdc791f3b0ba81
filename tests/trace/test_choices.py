"""Names that are None, a string, an object or nothing at all on some paths, else tensors."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as tf
from graphc import errors
from tests.trace.staged import Cases, check

case = Cases()


@case([1.0, 5.0, 3.0], [-1.0, -5.0], [])
def best_of_rows(v):
    best = None
    for e in v:
        if best is None or e > best:
            best = e
    return best


@case(5, 0)
def last_index(n):
    last, i = None, 0
    while i < n:
        last = i
        i += 1
    return -1 if last is None else last


@case(0, 1, 4)
def best_pair(n):
    best = None
    for i in tf.range(n):
        score = (i * 7) % 5
        if best is None or score >= best[0]:
            best = (score, i)
    if best is not None:
        return best[0] * 100 + best[1]
    return tf.constant(-1)


@case(3, 0)
def nothing_first_in_a_branch(n):
    total = None
    for i in tf.range(n):
        if i == 0:
            total = i + 10
        else:
            total = tf.maximum(total, i * 6)
    return total


@case(1.0, -1.0)
def defined_under_the_same_condition(x):
    if x > 0:
        y = x * 2
    if x > 0:
        return y
    return x


@case(1.0, -1.0)
def maybe_none(x):
    y = x * 3 if x > 0 else None
    if y is not None and y > 1:
        return y
    return x


@case(1.0, -1.0)
def returns_nothing_on_one_path(x):
    if x > 0:
        return x * 2


@case(1.0, 0.0, -1.0)
def modes(x):
    if x > 0:
        mode = "up"
    elif x < 0:
        mode = "down"
    else:
        mode = "stay"
    step = 1.0 if mode == "up" else -1.0
    return x + step if mode != "stay" else x


@case(2, 7, 0)
def a_mode_that_changes_in_a_loop(n):
    mode, x = "up", 0
    for _ in tf.range(n):
        x = x + 1 if mode == "up" else x - 2
        if x > 2:
            mode = "down"
        elif x < 0:
            mode = "up"
    return x


@case(1.0, -1.0)
def functions(x):
    f = tf.exp if x > 0 else tf.abs
    g = (lambda v: v * 2) if x > 0 else None
    if g is not None:
        x = g(x)
    return f(x)


class Unit:
    def __init__(self, scale):
        self.scale = scale


@case(1.0, -1.0)
def objects(x):
    small, large = Unit(0.5), Unit(tf.constant(10.0))
    unit = small if x > 0 else large
    return x * unit.scale


@case(5, 0)
def read_before_assigned_in_a_branch(n):
    s = 0
    for i in tf.range(n):
        if i > 0:
            s += previous  # noqa: F821
        previous = i * 2  # noqa: F841
    return s


@case(4, 0)
def none_in_a_structure(n):
    state = {"best": None, "count": 0}
    for i in tf.range(n):
        if state["best"] is None or i % 3 > state["best"]:
            state["best"] = i % 3
        state["count"] += 1
    best = state["best"]
    return (-1 if best is None else best), state["count"]


@case([3.0, -1.0, 2.0], [1.0])
def two_unknowns(v):
    low = high = None
    for e in v:
        low = e if low is None else tf.minimum(low, e)
        if high is None or e > high:
            high = e
    return high - low


@pytest.mark.parametrize(("f", "x"), case.listed)
def test_staged_as_python_does(f, x) -> None:
    check(f, x)


def test_one_trace_serves_all_kinds() -> None:
    staged = tf.function(returns_nothing_on_one_path)
    assert staged(tf.constant(2.0)).numpy() == 4.0
    assert staged(tf.constant(-2.0)) is None
    assert staged.experimental_get_tracing_count() == 1


def test_a_choice_goes_through_a_nested_function() -> None:
    inner = tf.function(returns_nothing_on_one_path)

    @tf.function
    def outer(x):
        y = inner(x)
        return x if y is None else y + 1

    assert float(outer(tf.constant(2.0))) == 5.0
    assert float(outer(tf.constant(-2.0))) == -2.0


def test_gradients_through_a_value_that_may_be_none() -> None:
    @tf.function
    def slope(v):
        with tf.GradientTape() as tape:
            tape.watch(v)
            best = None
            for e in v:
                if best is None or e > best:
                    best = e
            y = best * best
        return tape.gradient(y, v)

    np.testing.assert_allclose(slope(tf.constant([1.0, 3.0, 2.0])), [0.0, 6.0, 0.0])


# --- what is wrong is said when the program comes there -------------------------------------------


def test_an_unset_name_is_an_error_where_it_is_used() -> None:
    @tf.function
    def f(x):
        if x > 0:
            y = x
        return y + 1

    assert float(f(tf.constant(2.0))) == 3.0
    with pytest.raises(errors.UndefinedNameError, match=r"'y' has no value: the second branch of"):
        f(tf.constant(-2.0))


def test_none_used_as_a_tensor_is_pythons_own_error() -> None:
    @tf.function
    def f(x):
        y = None
        if x > 0:
            y = x
        return y + 1.0

    assert float(f(tf.constant(2.0))) == 3.0
    with pytest.raises(TypeError, match="unsupported operand.*NoneType"):
        f(tf.constant(-2.0))


def test_a_mistake_in_a_branch_is_not_hidden_by_another_round() -> None:
    @tf.function
    def f(n):
        last = None
        for i in tf.range(n):
            if i > 1:
                tf.zeros([2]) + tf.zeros([3])
            last = i
        return last

    with pytest.raises(errors.InvalidArgumentError, match="broadcast"):
        f(tf.constant(3))


def test_a_name_with_ever_new_values() -> None:
    @tf.function
    def f(n):
        text = ""
        for _ in tf.range(n):
            text += "x"
        return text

    with pytest.raises(errors.LoopCarryError, match="'text' has too many different values"):
        f(tf.constant(3))


def test_a_name_that_may_be_none_against_itself() -> None:
    @tf.function
    def f(x):
        y = None
        if x > 0:
            y = x
        if y is None:
            y = -x
        z = x if x > 5 else None
        return y != y, y == y, z == z, z != y

    for x in (1.0, -1.0, 7.0):
        assert [bool(v) for v in f(tf.constant(x))] == [False, True, True, x < 5]
