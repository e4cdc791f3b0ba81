"""`match`, `try`, `:=` and Python's numbers under conditions on tensors."""

from __future__ import annotations

from contextlib import contextmanager

import pytest

import graphc as tf
from tests.trace.staged import Cases, check

case = Cases()


# --- match ----------------------------------------------------------------------------------------


@case(1, 2, 3, 9, 4)
def values_and_guards(n):
    match n:
        case 1:
            return n * 10
        case 2 | 3:
            r = n * 100
        case _ if n > 5:
            r = n * 7
        case _:
            r = n
    return r


@case([1.0, 2.0], [3.0, -2.0])
def captures_with_a_guard(v):
    match (v[0], v[1]):
        case (a, b) if a > b:
            return a - b
        case (a, b):
            r = a + b
    return r


class Point:
    __match_args__ = ("x", "y")

    def __init__(self, x, y):
        self.x, self.y = x, y


@case(0, 1, 5)
def structures(n):
    total = n * 0
    for item in (Point(n, 1), {"k": n, "l": 2}, [n, 2, 3, 4], (n,), "text", 7):
        match item:
            case Point(0, y):
                total += y
            case Point(x=x):
                total += x * 10
            case {"k": 1, **rest}:
                total += rest["l"] * 100
            case {"k": k}:
                total += k * 1000
            case [1, *middle, last]:
                total += last * len(middle) * 10_000
            case [first, *_]:
                total += first
            case str() | 8:
                total += 1
            case int(number):
                total -= number
    return total


@case(2.0, -2.0)
def leaving_a_loop_from_a_match(x):
    for _ in tf.range(3):
        match ("k", x):
            case ("k", y) if y > 0:
                break
            case ("k", y):
                x = x + 1
    return x


# --- try ------------------------------------------------------------------------------------------


@case(1.0, -1.0, 5.0)
def returns_from_try(x):
    log = x * 0
    try:
        if x > 2:
            return x * 2, log
        if x > 0:
            return x, log
    finally:
        log = log + 1
    return -x, log


@case(1.0, -1.0, 5.0)
def all_parts_of_try(x):
    try:
        if x > 2:
            return x * 2
        y = x + 1
    except ValueError:
        y = x
    else:
        y = y + 1
    return y


@case(1.0, -1.0, 5.0)
def breaks_from_try(x):
    s = x * 0
    for _ in tf.range(5):
        try:
            if s > x + 2:
                break
            if s > x:
                continue
            s += 1
        finally:
            s += 0.5
    return s


@case(1.0, -1.0)
def a_handler_that_leaves(x):
    try:
        if x > 0:
            x = x + 1
        raise KeyError("always")
    except KeyError:
        if x > 0:
            return x
    return x * 100


# --- names assigned in expressions ----------------------------------------------------------------


@case(1.0, -1.0, 5.0)
def walrus_in_and(x):
    y = x
    if x > 0 and (y := x * 2) > 5:
        return y
    return y + 1


@case(1.0, -1.0)
def walrus_in_a_ternary(x):
    z = x
    r = (z := x + 1) * 2 if x > 0 else x
    return z + r, [z, (z := z * 2), z]


@case(3, 0)
def walrus_in_a_while_with_else(n):
    total = 0
    for i in range(n):
        while (k := i + total) < 4 and (m := k * 2) < 7:
            total += m + 1
        else:
            if k > 5:
                break
    return total


@case(0.5, 1.5, -2.5)
def chained(x):
    return 0 < (y := x * 2) < 2, y


# --- Python's numbers -----------------------------------------------------------------------------


@case(1.5, -1.5)
def a_sign(x):
    sign = 1 if x > 0 else -1
    return sign * x, x / (sign + 2), sign / 2


@case([1.0, -2.0, 3.0], [])
def a_mean_with_a_counter(v):
    count, total = 0, 0.0
    for e in v:
        if e > 0:
            count += 1
            total += e
    return total / (count + 1), count


@case(5, 0)
def items_of_range(n):
    x = tf.constant(0.5)
    for i in range(n):
        x = x * i + 1.5
    return x


@case([1.0, 2.0, 4.0])
def positions(v):
    total = tf.constant(0.0)
    for i, e in enumerate(v):
        total += e * i
    return total


@case(6, 3)
def bits(n):
    return n & 2, n | 8, n ^ 1, ~n


@pytest.mark.parametrize(("f", "x"), case.listed)
def test_staged_as_python_does(f, x) -> None:
    check(f, x)


def test_an_error_that_comes_after_another_does_not_come_first() -> None:
    @tf.function
    def f(x):
        if x > 0:
            raise KeyError(x)
        raise ValueError("always")

    with pytest.raises(KeyError):
        f(tf.constant(1))
    with pytest.raises(ValueError, match="always"):
        f(tf.constant(-1))


class Diverged(ArithmeticError):
    def __init__(self, step, *, loss, hint=None):
        super().__init__(f"diverged at step {step}")
        self.step, self.loss, self.hint = step, loss, hint


def test_an_exception_keeps_its_class_and_what_its_init_made_of_it() -> None:
    @tf.function
    def train(x):
        for step in tf.range(5):
            x = x * x
            if x > 100:
                raise Diverged("?", loss=[x, {"step": step}], hint=None)
        assert x < 10, ("too large", x)
        return x

    assert float(train(tf.constant(0.5))) < 0.5
    with pytest.raises(Diverged, match="diverged at step ?") as caught:
        train(tf.constant(3.0))
    error = caught.value
    assert error.args == ("diverged at step ?",) and error.hint is None
    assert float(error.loss[0]) == 6561.0 and int(error.loss[1]["step"]) == 2
    with pytest.raises(AssertionError) as caught:
        train(tf.constant(1.1))
    text, value = caught.value.args[0]
    assert text == "too large" and float(value) == pytest.approx(1.1**32, rel=1e-4)
    assert "Diverged" in str(train.graph(tf.constant(3.0)))


def test_a_name_deleted_in_a_with_that_is_left_early() -> None:
    @contextmanager
    def block():
        yield

    def f(x):
        c = 3
        with block():
            if x > 2:
                return x
            del c
        return c  # noqa: F821

    staged = tf.function(f, fallback="error")
    assert int(staged(tf.constant(5))) == 5
    with pytest.raises(NameError, match="'c'"):
        staged(tf.constant(1))
