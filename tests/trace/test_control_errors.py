"""What cannot be staged is refused at the user's line, naming the variable and what is wrong."""

from __future__ import annotations

import traceback

import pytest

import graphc as tf
from graphc import config, errors

# ruff: noqa: B007, F841


@pytest.fixture(autouse=True)
def interpreted():
    with config.override(jit=False):
        yield


def refused(fn, *args, error=errors.StagingError):
    """The message of the error and the offset of its line in the function."""
    staged = tf.function(fn, fallback="error")
    with pytest.raises(error) as caught:
        staged(*map(tf.constant, args))
    first = fn.__code__.co_firstlineno
    listed = traceback.extract_tb(caught.value.__traceback__)
    own = [f.lineno for f in listed if f.filename == __file__]
    return str(caught.value), own[-1] - first


def test_a_name_that_one_branch_does_not_define() -> None:
    def f(x):
        if x > 0:
            y = x
        return y + 1

    assert int(tf.function(f)(tf.constant(1))) == 2
    message, _ = refused(f, -1, error=errors.UndefinedNameError)
    assert "'y' has no value: the second branch of the `if` at" in message
    assert f"test_control_errors.py:{f.__code__.co_firstlineno + 1}" in message


def test_a_name_that_is_never_used_later_may_be_undefined() -> None:
    def f(x):
        if x > 0:
            y = x
        return x

    assert int(tf.function(f)(tf.constant(2))) == 2


def test_a_name_that_only_a_loop_defines() -> None:
    def f(n):
        for i in range(n):
            y = i * 2
        return y

    staged = tf.function(f)
    assert int(staged(tf.constant(3))) == 4
    with pytest.raises(errors.UndefinedNameError, match="'y' has no value: the loop at .*ran no"):
        staged(tf.constant(0))


def test_branches_of_different_dtype() -> None:
    def f(x):
        if x > 0:
            y = tf.constant(1)
        else:
            y = tf.constant(2.0)
        return y

    message, line = refused(f, 1, error=errors.BranchMismatchError)
    assert "'y'" in message and "i32[]" in message and "f32[]" in message and line == 1


def test_branches_of_different_structure() -> None:
    def f(x):
        if x > 0:
            y = x, x
        else:
            y = x
        return y

    message, line = refused(f, 1, error=errors.BranchMismatchError)
    assert "'y'" in message and "tuple of 2" in message and line == 1


def test_a_loop_variable_that_changes_its_dtype() -> None:
    def f(n):
        y = tf.constant(1)
        for i in range(n):
            y = y / 2
        return y

    message, line = refused(f, 3, error=errors.LoopCarryError)
    assert "'y'" in message and "i32[]" in message and line == 2


def test_a_loop_variable_that_changes_its_structure() -> None:
    def f(n):
        y = n
        while y < 5:
            y = (y, y)
        return y

    message, line = refused(f, 1, error=errors.LoopCarryError)
    assert "'y'" in message and line == 2


def test_a_condition_must_be_a_scalar() -> None:
    def f(x):
        if x > 0:
            return x
        return -x

    message, line = refused(f, [1, 2])
    assert "b1[2]" in message and "tf.reduce_all" in message and line == 1


def test_code_that_is_not_converted_says_so() -> None:
    @tf.autograph.do_not_convert
    def helper(x):
        return 1 if x > 0 else 2

    def f(x):
        return helper(x)

    message, line = refused(f, 1, error=errors.SymbolicValueError)
    assert "do_not_convert" in message


def test_a_value_cannot_leave_the_region_it_was_made_in() -> None:
    kept = []

    def f(x):
        if x > 0:
            kept.append(x + 1)
        return kept[0]

    message, _ = refused(f, 1, error=errors.GraphcError)
    assert "kept" in message or "list" in message or "belongs to" in message


def test_the_users_error_inside_a_branch_is_native() -> None:
    def f(x):
        if x > 0:
            y = tf.matmul(tf.ones([2, 3]), tf.ones([2, 3]))
        else:
            y = tf.ones([2, 3])
        return y

    message, line = refused(f, 1, error=errors.InvalidArgumentError)
    assert "matmul" in message and line == 2


def test_an_undefined_global_is_pythons_own_error() -> None:
    def f(x):
        if x > 0:
            return no_such_name  # noqa: F821
        return x

    _, line = refused(f, 1, error=NameError)
    assert line == 2
