"""State beyond names: what staged code changes in lists, dicts, objects; names set late; `with`."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest

import graphc as tf
from graphc import config, errors
from graphc.trace import nest
from tests.trace.test_control import check


@pytest.fixture(autouse=True)
def interpreted():
    with config.override(jit=False):
        yield


class Entered:
    """A context manager that notes that it was left."""

    def __init__(self) -> None:
        self.exits = 0

    def __enter__(self) -> Entered:
        return self

    def __exit__(self, *exception: object) -> None:
        self.exits += 1


def same(fn, *arrays) -> None:
    """The staged function gives what the eager one gives, also for nested results."""
    tensors = [tf.constant(a) for a in arrays]
    found, wanted = nest.flatten(tf.function(fn)(*tensors)), nest.flatten(fn(*tensors))
    for x, y in zip(found, wanted, strict=True):
        np.testing.assert_allclose(np.asarray(x), np.asarray(y), rtol=1e-6)


# --- containers -----------------------------------------------------------------------------------


def test_lists_that_grow_in_a_loop_of_known_length() -> None:
    def rows(t):
        kept, pairs = [], [t[0]]
        for x in t:
            kept.append(x * 2)
            for y in t:
                pairs.append(x + y)
        return kept, pairs

    same(rows, np.array([1.0, 2.0, 3.0], np.float32))


def test_lists_that_grow_in_both_branches() -> None:
    def rows(t):
        kept = []
        for x in t:
            if x > 1.5:
                kept.append(x)
            else:
                kept.append(-x)
        return kept

    same(rows, np.array([1.0, 2.0, 3.0], np.float32))


def test_dicts_and_objects_that_a_loop_changes() -> None:
    def totals(t):
        note, seen = Entered(), {"count": 0, "sum": 0.0}

        def add(x):
            seen["sum"] += x

        for x in t:
            seen["count"] += 1
            note.exits = note.exits + x
            if x > 1.5:
                add(x)
        return seen, note.exits

    same(totals, np.array([1.0, 2.0, 3.0], np.float32))


def test_a_branch_that_is_not_taken_leaves_containers_alone() -> None:
    def changed(x):
        seen = {"a": 1}
        if x > 2:
            seen["a"] = x * 3
        return seen["a"]

    check(changed, 1, 3)


def test_a_container_must_keep_its_structure() -> None:
    def changed(x):
        seen = {}
        if x > 2:
            seen["x"] = x
        return seen

    with pytest.raises(errors.BranchMismatchError, match="'seen'"):
        tf.function(changed)(tf.constant(1))


# --- shapes that grow -----------------------------------------------------------------------------


def test_a_tensor_that_grows_in_a_loop() -> None:
    def repeated(t):
        out = t[:0]
        for x in t:
            if x > 1.5:
                out = tf.concat([out, tf.reshape(x, [1])], axis=0)
        return out

    same(repeated, np.array([1.0, 2.0, 3.0], np.float32))


# --- names that get their value late --------------------------------------------------------------


def test_a_name_that_an_inner_loop_defines() -> None:
    def last(n):
        for i in range(n):
            for j in range(i - 1):
                z = i * 10 + j
        return z

    staged = tf.function(last)
    assert staged(tf.constant(4)) == last(4)
    with pytest.raises(errors.UndefinedNameError, match="'z'"):
        staged(tf.constant(2))


def test_a_name_read_before_an_iteration_assigns_it() -> None:
    def summed(n):
        s = 0
        for i in range(n):
            s += z  # noqa: F821
            z = i  # noqa: F841
        return s

    with pytest.raises(errors.UndefinedNameError, match="'z' .*assign it before the loop"):
        tf.function(summed)(tf.constant(3))


def test_recursion_on_a_tensor_is_refused() -> None:
    def down(n):
        return down(n - 1) + 1 if n > 0 else n

    with pytest.raises(errors.StagingError, match="recursion"):
        tf.function(down, fallback="error")(tf.constant(3))


# --- with, Variables ------------------------------------------------------------------------------


def test_a_staged_return_from_a_with_statement() -> None:
    def scaled(x):
        y = x
        with Entered() as note:
            if x > 2:
                return x * 7
            y = y + 1
        z = y + note.exits
        return z

    check(scaled, 1, 2, 3)


def test_a_staged_break_from_a_with_statement() -> None:
    def until(x):
        s = x
        for i in range(x):
            with Entered():
                z = s * 2
                if z > 20:
                    break
                if i == 1:
                    continue
            s = s + z
        return s

    check(until, 1, 3, 9)


def test_exceptions_that_a_with_statement_catches() -> None:
    def caught(x):
        r = 0
        with suppress(ValueError):
            r = 1
            if x > 1:
                if x > 5:
                    return -1
                raise ValueError
            r = 2
        return r

    staged = tf.function(caught)
    assert [int(staged(v)) for v in (0, 2, 7)] == [2, 1, -1]


def test_a_variable_as_a_condition() -> None:
    on = tf.Variable(True)

    @tf.function
    def chosen(x):
        if on and not x < 0:
            return x
        return -x if on else x * 0

    assert [int(chosen(tf.constant(v))) for v in (2, -3)] == [2, 3]
    on.assign(False)
    assert int(chosen(tf.constant(2))) == 0


def test_the_right_side_of_and_is_traced_once() -> None:
    class Calls:
        count = 0

    @tf.function
    def both(x):
        def right():
            Calls.count += 1
            return x < 9

        return x > 1 and right()

    assert [bool(both(tf.constant(v))) for v in (0, 5, 10)] == [False, True, False]
    assert Calls.count == 1


def test_gradients_through_staged_loops_and_branches() -> None:
    def slope(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x
            for _ in tf.range(3):
                y = y * x
            if y > 10.0:
                y = y * 2.0
        return tape.gradient(y, x)

    same(slope, np.float32(2.0))
    same(slope, np.float32(1.0))
