"""Lists that grow, shrink and change in staged loops and branches are Python's lists."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as tf
from graphc import errors
from graphc.trace import nest
from graphc.trace.growing import GrowingList, Part

X = np.array([1.0, 2.0, -3.0, 4.0, -0.5], np.float32)


def plain(result):
    """Python's own numbers and lists; the shape of the result is part of it."""
    return nest.map_structure(lambda leaf: (np.asarray(leaf) * 1).round(4).tolist(), result)


def check(fn, *values):
    """A staged function gives what the same code gives on numpy's and Python's values."""
    staged = tf.function(fn)
    found = staged(*map(tf.constant, values))
    wanted = plain(fn(*values))
    assert plain(found) == wanted, staged.converted_source
    return found


# --- loops ----------------------------------------------------------------------------------------


def squares(n):
    out = []
    for i in range(n):
        out.append(i * i)
    return out


def evens_twice(n):
    out = [n]
    for i in range(n):
        if i % 2 == 0:
            out.append(i)
            out += [-i]
    return out, len(out)


def collatz(n):
    path = []
    while n > 1:
        path.append(n)
        n = n // 2 if n % 2 == 0 else 3 * n + 1
    return path


def until(n):
    out = []
    for i in range(n):
        if i == 3:
            break
        if i == 1:
            continue
        out.append(i)
    return out


def pairs(n):
    out = []
    for i in range(n):
        for j in range(3):
            out.append((i, j))
    return out


def triangle(n):
    out = []
    for i in range(n):
        for j in range(i):
            out.append(10 * i + j)
    return out


def two_lists(n):
    small, large = [], []
    for i in range(n):
        if i < 3:
            small.append(i)
        else:
            large.append(i)
    return small, large


def fibonacci(n):
    out = [0, 1]
    for _ in range(n):
        out.append(out[-1] + out[-2])
    return out


def stack_machine(n):
    todo, total = [n, n + 1], 0
    while len(todo) > 0:
        v = todo.pop()
        total += v
        if v > 2 and v % 2 == 0:
            todo.append(v // 2)
            todo.append(v // 2 - 1)
    return total


def table(n):
    dp = [0] * 9
    dp[0] = 1
    for i in range(1, n):
        dp[i] = dp[i - 1] * 2
    return dp


def swapped(n):
    pair, whole = [0, 1], [n]
    for i in range(n):
        pair = [pair[1], pair[0] + i]
        if i > 2:
            whole = [i]
    return pair, whole


def as_a_condition(n):
    out = [n]
    total = 0
    while out:
        v = out.pop()
        total += v
        if v > 1:
            out.append(v - 2)
    return total


def helper_fills(n):
    def fill(out, k):
        for i in range(k):
            out.append(i)

    out = []
    fill(out, n)
    fill(out, 2)
    return out


@pytest.mark.parametrize(
    "fn",
    [squares, evens_twice, collatz, until, pairs, triangle, two_lists, fibonacci, stack_machine,
     table, swapped, as_a_condition, helper_fills],
    ids=lambda f: f.__name__,
)  # fmt: skip
@pytest.mark.parametrize("n", [1, 7])
def test_lists_of_unknown_length(fn, n) -> None:
    check(fn, n)


def test_an_empty_list_comes_back_empty() -> None:
    found = check(two_lists, 2)
    assert found[1] == [] and type(found[0]) is list


def test_one_trace_serves_all_lengths() -> None:
    staged = tf.function(collatz)
    for n in (1, 2, 27):
        assert plain(staged(tf.constant(n))) == collatz(n)
    assert staged.experimental_get_tracing_count() == 1


def test_results_are_lists_of_tensors() -> None:
    found = tf.function(squares)(tf.constant(3))
    assert type(found) is list and all(isinstance(t, tf.Tensor) for t in found)


# --- what is done with such a list ----------------------------------------------------------------


def test_a_list_of_unknown_length_is_used_in_the_graph() -> None:
    @tf.function
    def used(x):
        out = []
        for v in x:
            if v > 0:
                out.append(tf.stack([v, -v]))
        total = tf.zeros([2])
        for row in out:
            total += row
        return (
            tf.stack(out), tf.stack(out, axis=1), tf.concat(out, 0), tf.add_n(out), len(out),
            out[0], out[-1], out[1:], total, sum(out), tf.reduce_max(out),
        )  # fmt: skip

    rows = [np.array([v, -v]) for v in X if v > 0]
    wanted = (
        np.stack(rows), np.stack(rows, 1), np.concatenate(rows), sum(rows), len(rows), rows[0],
        rows[-1], rows[1:], sum(rows), sum(rows), np.max(rows),
    )  # fmt: skip
    assert plain(used(tf.constant(X))) == plain(wanted)


def test_membership_and_copies() -> None:
    def used(n):
        out = []
        for i in range(n):
            out.append(i * 3)
        copied = list(out)
        copied.append(-1)
        return 6 in out, 7 in out, len(out), len(copied), max(out), out + [5]

    check(used, 4)


def test_python_asking_for_the_elements_is_told_why_not() -> None:
    @tf.function(fallback="error")
    def used(n):
        kept = []
        for i in range(n):
            kept.append(i)
        return tuple(kept)

    with pytest.raises(errors.SymbolicValueError, match="'kept'.*only when the program runs"):
        used(tf.constant(3))


def test_an_index_out_of_range_is_pythons_error() -> None:
    @tf.function
    def used(n):
        out = []
        for i in range(n):
            out.append(i)
        return out[3]

    assert int(used(tf.constant(4))) == 3
    with pytest.raises(IndexError, match="out of range"):
        used(tf.constant(3))


def test_a_list_passes_through_another_function() -> None:
    inner = tf.function(squares)

    @tf.function
    def outer(n):
        out = inner(n)
        out.append(n)
        return tf.stack(out), len(out)

    assert plain(outer(tf.constant(4))) == plain((np.array([0, 1, 4, 9, 4]), 5))


# --- branches -------------------------------------------------------------------------------------


@pytest.mark.parametrize("x", [-1, 1, 5])
def test_branches_may_add_different_numbers(x) -> None:
    def added(x):
        out = [x]
        if x > 3:
            out.append(x * 2)
            out.append(x * 3)
        elif x > 0:
            out.append(-x)
        out.append(7)
        return out

    check(added, x)


@pytest.mark.parametrize("x", [-1, 1])
def test_a_branch_may_take_away(x) -> None:
    def taken(x):
        out = [x, x + 1, x + 2]
        if x > 0:
            out.pop()
            out[0] = 9
        return out

    check(taken, x)


# --- mistakes -------------------------------------------------------------------------------------


def test_elements_must_be_alike() -> None:
    @tf.function
    def mixed(n):
        kept = [tf.constant(1.0)]
        for i in range(n):
            kept.append(i)
        return kept

    with pytest.raises(errors.StagingError, match=r"'kept' .*two types, f32\[\] and i32\[\]"):
        mixed(tf.constant(3))


def test_a_name_that_gets_a_longer_list_says_so() -> None:
    @tf.function
    def longer(n):
        kept = []
        for i in range(n):
            kept = [*kept, i]
        return kept

    with pytest.raises(errors.LoopCarryError, match="'kept' changes its structure"):
        longer(tf.constant(3))


def test_a_list_from_outside_says_what_to_do() -> None:
    kept = []

    @tf.function(fallback="error")
    def grows(n):
        for i in range(n):
            kept.append(i)

    with pytest.raises(errors.StagingError, match="'kept' grows .* make the list in the function"):
        grows(tf.constant(3))


# --- plain Python ---------------------------------------------------------------------------------


def test_lists_stay_pythons_where_nothing_is_staged() -> None:
    def types(x):
        a, b = [], [x]
        c = [v + 1 for v in (1, 2)]
        a.append(b)
        return type(a) is list and type(b) is list and type(c) is list

    assert tf.autograph.to_graph(types)(1)


def test_the_class_behaves_as_a_list() -> None:
    made = GrowingList([3, 1, 2])
    assert made == [3, 1, 2] and len(made) == 3 and made[1:] == [1, 2] and 1 in made
    made.sort()
    made.insert(0, 5)
    made.remove(2)
    del made[1]
    made *= 2
    made.extend(v for v in (8, 9))
    assert list(made) == [5, 3, 5, 3, 8, 9] and made.index(3) == 1 and made.count(5) == 2
    assert made.pop(0) == 5 and [*reversed(made)] == [9, 8, 3, 5, 3] and repr(made)[0] == "["
    assert [0] + made + [1] == [0, 3, 5, 3, 8, 9, 1] and isinstance(made, list)
    made.clear()
    assert not made


def test_parts_with_eager_tensors_settle() -> None:
    part = Part(tf.constant([1, 2, 3]), tf.constant([True, False, True]))
    assert plain(GrowingList([part, tf.constant(7)]).settled()) == [1, 3, 7]


# --- gradients ------------------------------------------------------------------------------------


def kept_squares(x):
    out = []
    for v in x:
        if v > 0:
            out.append(v * v)
        else:
            out.append(v)
            out.append(v * v * v)
    return tf.stack(out)


def kept_while(x):
    out, i = [x[0]], 0
    while i < 4:
        if x[i] > 0:
            out.append(x[i] * x[i] * x[i])
        i += 1
    return tf.stack(out)


def recurrence(x):
    out = [x[0], x[1]]
    for v in x:
        out.append(out[-1] * out[-2] + v)
    return tf.stack(out)


def grid(x):
    out = []
    for v in x:
        for w in x[:3]:
            out.append(v * w)
    return tf.stack(out)


def memo(x):
    dp = [x[0]] * 5
    for i in tf.range(1, 5):
        dp[i] = dp[i - 1] * x[i] + x[0]
    return tf.stack(dp)


@pytest.mark.parametrize(
    "fn", [kept_squares, kept_while, recurrence, grid, memo], ids=lambda f: f.__name__
)
@pytest.mark.parametrize("whole", [False, True], ids=["a function's", "in one graph"])
def test_gradients_of_lists(fn, whole) -> None:
    """First and second order, against the eager tape."""

    def slopes(f, x):
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                y = f(x)
                loss = tf.reduce_sum(y * y * y)
            g = inner.gradient(loss, x)
            again = tf.reduce_sum(g * g)
        return g, outer.gradient(again, x)

    x = tf.constant(X / 2)
    wanted = slopes(fn, x)
    found = tf.function(lambda x: slopes(fn, x))(x) if whole else slopes(tf.function(fn), x)
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-4, atol=1e-5)


def test_a_gradient_that_needs_a_size_for_each_iteration() -> None:
    @tf.function
    def grows(x, n):
        out = []
        for i in tf.range(n):
            for j in tf.range(i):
                out.append(x * tf.cast(j, tf.float32))
        return tf.stack(out)

    x = tf.constant(2.0)
    assert plain(grows(x, tf.constant(3))) == [0.0, 0.0, 2.0]
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = grows(x, tf.constant(4))
    assert float(tape.gradient(y, x)) == 4.0


# --- state inside of objects ----------------------------------------------------------------------


class Best:
    def __init__(self) -> None:
        self.best = None
        self.counts = {"seen": 0}
        self.last = [0, 0]

    def note(self, v) -> None:
        self.counts["seen"] += 1
        if v > 1:
            self.best = v
            self.last[1] = v


@pytest.mark.parametrize("n", [1, 5])
def test_attributes_that_begin_as_none_and_containers_inside_objects(n) -> None:
    def noted(n):
        held = Best()
        for i in range(n):
            held.note(i)
        none = held.best is None
        return none, held.counts["seen"], held.last[1]

    check(noted, n)
