"""Control flow on tensors gives what the same code gives on Python numbers."""

from __future__ import annotations

import contextlib
import functools
from collections import namedtuple
from dataclasses import dataclass

import numpy as np
import pytest

import graphc as tf
from graphc import config
from graphc.trace import nest
from tests.autograph import cases_flow, cases_functions

# ruff: noqa: B007, F841, SIM201
Pair = namedtuple("Pair", "a b")


@pytest.fixture(autouse=True)
def interpreted():
    """The reference interpreter: these tests are about tracing."""
    with config.override(jit=False):
        yield


def plain(result):
    return nest.map_structure(lambda leaf: np.asarray(leaf).tolist(), result)


def check(fn, *values, traces=1):
    """Compare a staged function with plain Python for some integers."""
    staged = tf.function(fn)
    for v in values:
        assert plain(staged(tf.constant(v))) == plain(fn(v)), f"{v}\n{staged.converted_source}"
    assert staged.experimental_get_tracing_count() == traces


BOTH_WORLDS = [  # functions of one integer that mean the same on tensors
    cases_flow.sign, cases_flow.collatz, cases_flow.fib_tuple, cases_flow.pass_only,
    cases_flow.annotated, cases_functions.partial_and_lambda,
]  # fmt: skip


def last_item(x):
    best = 0
    for i in range(x + 1):
        if i % 3 == 2:
            best = i
    return best


def primes_below(x):
    count = 0
    for n in range(2, x):
        for d in range(2, n):
            if n % d == 0:
                break
        else:
            count += 1
    return count


def both_exits(x):
    for i in range(x):
        for j in range(i):
            if i * j > 6:
                return i, j
            if i + j == 5:
                break
        if i > 5:
            break
    else:
        return -1, -1
    return i, 0


def while_true_with_return(x):
    n = 0
    while True:
        n += x + 1
        if n > 20:
            return n
        if n % 7 == 0:
            break
    return -n


def mixed_conditions(x):
    n = 0
    go = True
    while go:
        n += 1
        go = n < x
    return n


def python_then_tensor_exit(x):
    total = 0
    for step in (1, 2, 3, 4):
        if total > x:
            break
        total += step
    return total, step


def early_returns(x):
    if x < 0:
        return -1
    if x == 0:
        return 0
    y = x * 2
    if y > 10:
        y = 10
        if x > 8:
            return 100
    return y


def nested_ternaries(x):
    return 10 if x < 1 else (20 if x < 3 else 30 if x != 5 else 40)


def logic(x):
    inside = 0 < x <= 5 and not x == 3 or x == 9
    return (1 if inside else 0), (2 if x in (1, 9) else 3)


def matched(x):
    match x:
        case 0 | 1:
            y = 10
        case 2 if y_is(2) > 1:
            y = 20
        case 5:
            return 50
        case _:
            y = -x
    return y


def y_is(v):
    return v if v > 1 else 0


def walrus(x):
    y = 0
    if (z := x - 2) > 0:
        y = z
    while (w := y * 2) < 9:
        y = y + w + 1
    return y, z, w


def recursion_on_python(x, depth=3):
    if depth == 0:
        return x
    if x > 4:
        return recursion_on_python(x - 3, depth - 1) + 1
    return recursion_on_python(x + 1, depth - 1)


def local_function(x):
    n = 0

    def bump(k):
        nonlocal n
        if k > 2:
            n += k
        return n

    for i in range(x):
        bump(i)
    return n, bump(x)


def structures(x):
    state = {"n": 0, "pair": Pair(x, 1), "list": [0, x]}
    for i in range(3):
        if i < x:
            pair = state["pair"]
            state = {"n": state["n"] + i, "pair": Pair(pair.b, pair.a), "list": [i, x]}
    return state["n"], state["pair"].a, state["list"]


def deleted_names(x):
    y = x
    if x > 2:
        t = y * 2
        y = t
        del t
    return y


def constants_become_tensors(x):
    a, b, c = 0, None, 1
    for i in range(x):
        a += 1
        c = c * 2 % 7
    return a, c


def left_from_with(x):
    with contextlib.nullcontext(x) as y:
        for i in range(5):
            if i * y > 6:
                return i
            y += 1
    return -y


def cleaned_up(x):
    log = []
    try:
        y = x * 2 if x > 2 else x
    finally:
        log.append(1)
    return y, len(log)


def lambda_sees_the_loop(x):
    total = 0
    for i in range(x):
        add = lambda v: v + i + total  # noqa: E731, B023
        total = add(1)
    return total


STAGED = [
    left_from_with, cleaned_up, lambda_sees_the_loop,
    last_item, primes_below, both_exits, while_true_with_return, mixed_conditions,
    python_then_tensor_exit, early_returns, nested_ternaries, logic, matched, walrus,
    recursion_on_python, local_function, structures, deleted_names, constants_become_tensors,
]  # fmt: skip


@pytest.mark.parametrize("fn", [*BOTH_WORLDS, *STAGED], ids=lambda f: f.__name__)
def test_tensors_take_the_path_that_numbers_take(fn) -> None:
    zero_is_fine = fn not in (both_exits, last_item)
    check(fn, *range(0 if zero_is_fine else 1, 12))


# --- iteration ------------------------------------------------------------------------------------


def test_rows_enumerate_zip_and_unpacking() -> None:
    @tf.function
    def f(m, v):
        total = tf.zeros([2])
        for i, (row, w) in enumerate(zip(m, v, strict=False)):
            total += row * w + float(i)
        a, b = v[:2]
        return total, a - b

    m, v = np.arange(6, dtype=np.float32).reshape(3, 2), np.float32([1, 2, 4])
    total, difference = f(tf.constant(m), tf.constant(v))
    np.testing.assert_allclose(total, (m * v[:, None]).sum(0) + 3)
    assert float(difference) == -1.0


def test_an_unknown_number_of_rows() -> None:
    @tf.function(input_signature=[tf.TensorSpec([None, 2])])
    def f(m):
        best, at = tf.constant(-1.0), -1
        for i, row in enumerate(m):
            s = tf.reduce_sum(row)
            if s > best:
                best, at = s, i
        return best, at

    for n in (1, 4, 0):
        m = np.arange(2 * n, dtype=np.float32).reshape(n, 2)
        best, at = f(tf.constant(m))
        assert (float(best), int(at)) == ((m[-1].sum(), n - 1) if n else (-1.0, -1))


def test_builtins_on_tensors() -> None:
    @tf.function
    def f(x, v):
        reduced = len(v), sum(v), max(v), any(v > 2), all(v > 2)
        return max(x, 3), min(x, 3, v[0]), abs(-x), int(float(x)), bool(x), *reduced, round(x / 2)

    found = f(tf.constant(5), tf.constant([1, 2, 3]))
    assert plain(found) == (5, 1, 5, 5, True, 3, 6, 3, True, False, 2)


def test_comprehensions_and_lists() -> None:
    @tf.function
    def f(v):
        doubled = [2 * e for e in v if True]
        grown = []
        for e in v:
            grown.append(e + 1)
        return sum(doubled), tf.stack(grown)

    total, grown = f(tf.constant([1, 2, 3]))
    assert int(total) == 12 and grown.numpy().tolist() == [2, 3, 4]


# --- state ----------------------------------------------------------------------------------------


class Account:
    def __init__(self):
        self.total = 0
        self.count = tf.Variable(0)

    def deposit(self, amount):
        if amount > 0:
            self.total = self.total + amount
            self.count.assign_add(1)


def test_attributes_changed_in_callees_inside_staged_code() -> None:
    account = Account()

    @tf.function
    def f(v):
        account.total = tf.constant(0)
        for amount in v:
            account.deposit(amount)
        result, account.total = account.total, 0
        return result

    assert int(f(tf.constant([5, -3, 2]))) == 7
    assert int(account.count.numpy()) == 2


def test_variables_in_branches_and_loops() -> None:
    v = tf.Variable(1.0)

    @tf.function
    def f(x, n):
        if x > 0:
            v.assign(x)
        for _ in range(n):
            v.assign(v * 2.0)
            if v > 50.0:
                break
        return v + 0.0

    assert float(f(tf.constant(3.0), tf.constant(2))) == 12.0
    assert float(f(tf.constant(-1.0), tf.constant(10))) == 96.0 and float(v.numpy()) == 96.0


@dataclass
class Point:
    x: object
    y: object


def test_dataclasses_and_dicts_as_state() -> None:
    @tf.function
    def f(n):
        p, d = Point(tf.constant(0), tf.constant(1)), {"k": tf.constant(2)}
        for i in range(n):
            p = Point(p.y, p.x + i)
            d["k"] = d["k"] * 2
        return p.x, p.y, d["k"]

    assert plain(f(tf.constant(3))) == (2, 2, 16) or plain(f(tf.constant(3)))[2] == 16


def test_a_tape_inside_staged_code() -> None:
    @tf.function
    def slope(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x * x if x > 0 else -x
            for _ in range(3):
                y = y * x
        return tape.gradient(y, x)

    assert float(slope(tf.constant(2.0))) == 5 * 2.0**4
    assert float(slope(tf.constant(-2.0))) == -4 * (-2.0) ** 3


def test_a_loop_variable_may_grow() -> None:
    @tf.function
    def f(n):
        x = tf.ones([1])
        for _ in range(n):
            x = tf.concat([x, 2 * x], 0)
        return x

    assert f(tf.constant(2)).numpy().tolist() == [1, 2, 2, 4]
    assert f(tf.constant(0)).numpy().tolist() == [1]


# --- exceptions -----------------------------------------------------------------------------------


class Refused(Exception):
    pass


def test_a_conditional_raise_keeps_class_and_arguments() -> None:
    @tf.function
    def f(x):
        if x < 0:
            raise Refused("negative", 7)
        return x * 2

    assert int(f(tf.constant(2))) == 4
    with pytest.raises(Refused) as caught:
        f(tf.constant(-2))
    assert caught.value.args == ("negative", 7)


def test_assert_on_tensors() -> None:
    @tf.function
    def f(x):
        assert x > 0, "must be positive"
        return x

    assert int(f(tf.constant(1))) == 1
    with pytest.raises(AssertionError, match="must be positive"):
        f(tf.constant(0))


def test_partials_and_callable_objects_are_staged() -> None:
    class Clip:
        def __call__(self, x):
            return x if x < 3 else 3

    add = functools.partial(lambda a, b: a + b if b > 0 else a, 10)

    @tf.function
    def f(x):
        return add(x) + Clip()(x)

    assert [int(f(tf.constant(v))) for v in (-1, 2, 9)] == [9, 14, 22]


def test_names_reach_the_graph() -> None:
    @tf.function
    def f(x):
        hidden = x * 2
        if x > 0:
            chosen = hidden + 1
        else:
            chosen = hidden
        return chosen

    graph = f.graph(tf.constant(1))
    names = {v.name for node in graph.nodes for v in node.outputs}
    assert {"hidden", "chosen"} <= names
