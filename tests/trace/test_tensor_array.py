"""tf.TensorArray: eagerly, in graphs, in staged loops and branches, with gradients."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as tf
from graphc import errors

X = np.array([[1.0, 2.0], [-3.0, 4.0], [0.5, -1.0], [2.0, 0.25]], np.float32)
W = np.array([[0.5, -0.25], [0.125, 0.75]], np.float32)


def same(fn, *values):
    """The staged function and the eager one give the same."""
    tensors = [tf.constant(v) for v in values]
    found, wanted = tf.function(fn)(*tensors), fn(*tensors)
    for a, b in zip(tf.nest.flatten(found), tf.nest.flatten(wanted), strict=True):
        assert a.dtype == b.dtype and a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=1e-6)
    return wanted


# --- the class ------------------------------------------------------------------------------------


def test_reading_and_writing_eagerly() -> None:
    ta = tf.TensorArray(tf.float32, size=3, clear_after_read=False)
    again = ta.write(0, 1.0).write(2, [3.0][0])
    assert again is ta and int(ta.size()) == 3 and ta.dtype is tf.float32
    assert float(ta.read(2)) == 3.0 and float(ta.read(1)) == 0.0
    np.testing.assert_array_equal(ta.stack(), [1, 0, 3])
    np.testing.assert_array_equal(ta.gather([2, 0]), [3, 1])
    np.testing.assert_array_equal(ta.unstack([5.0, 6.0, 7.0]).stack(), [5, 6, 7])
    np.testing.assert_array_equal(ta.scatter([2, 1], [8.0, 9.0]).stack(), [5, 9, 8])
    assert ta.element_shape == () and not ta.dynamic_size and "float32" in repr(ta)


def test_pieces() -> None:
    def pieces(x):
        ta = tf.TensorArray(tf.float32, size=2).split(x, [2, 2])
        return ta.concat(), ta.read(1), ta.size()

    found = same(pieces, X)
    np.testing.assert_array_equal(found[0], X)
    np.testing.assert_array_equal(found[1], X[2:])
    ragged = tf.TensorArray(tf.float32, size=2, infer_shape=False).split(X, [1, 3])
    np.testing.assert_array_equal(ragged.concat(), X)


def test_one_that_grows_eagerly() -> None:
    ta = tf.TensorArray(tf.int32, size=0, dynamic_size=True)
    for i in range(3):
        ta.write(ta.size(), i * i)
    ta.write(5, 7)
    np.testing.assert_array_equal(ta.stack(), [0, 1, 4, 0, 0, 7])


@pytest.mark.parametrize("staged", [False, True], ids=["eager", "staged"])
@pytest.mark.parametrize("at", [-1, 3])
def test_an_index_out_of_range_names_index_and_size(staged, at) -> None:
    def write(i):
        ta = tf.TensorArray(tf.float32, size=3, name="states")
        return ta.write(i, 1.0).stack()

    call = tf.function(write) if staged else write
    with pytest.raises(
        errors.InvalidArgumentError, match=rf"'states': index {at} is not in \[0, 3"
    ):
        call(tf.constant(at))


@pytest.mark.parametrize("staged", [False, True], ids=["eager", "staged"])
def test_elements_of_another_type_are_refused(staged) -> None:
    def run(fn):
        return (tf.function(fn) if staged else fn)()

    def dtype():
        return tf.TensorArray(tf.float32, size=1).write(0, tf.constant(1)).stack()

    def shape():
        ta = tf.TensorArray(tf.float32, size=2).write(0, [1.0, 2.0])
        return ta.write(1, [1.0]).stack()

    def declared():
        return tf.TensorArray(tf.float32, 1, element_shape=[None, 2]).write(0, [1.0]).stack()

    def unknown():
        return tf.TensorArray(tf.float32, size=2).stack()

    with pytest.raises(errors.DTypeError, match="int32"):
        run(dtype)
    with pytest.raises(errors.InvalidArgumentError, match=r"shape \(2,\), the new one has \(1,\)"):
        run(shape)
    with pytest.raises(errors.InvalidArgumentError, match="the new one has"):
        run(declared)
    with pytest.raises(errors.InvalidArgumentError, match="give element_shape"):
        run(unknown)


def test_size_is_asked_for() -> None:
    with pytest.raises(ValueError, match="size"):
        tf.TensorArray(tf.float32)


def test_one_from_outside_is_not_changed_by_a_program() -> None:
    ta = tf.TensorArray(tf.float32, size=1).write(0, 4.0)
    assert float(tf.function(lambda: ta.read(0) + 1.0)()) == 5.0
    with pytest.raises(errors.StagingError, match="made outside"):
        tf.function(lambda: ta.write(0, 1.0).stack())()


def test_one_that_left_its_function_says_so() -> None:
    kept = []

    @tf.function
    def made(n):
        kept.append(tf.TensorArray(tf.int32, n, element_shape=[]))
        return n

    made(tf.constant(3))
    with pytest.raises(errors.EscapedTensorError, match=r"belongs to .*@made; return it"):
        kept[0].stack()


# --- staged ---------------------------------------------------------------------------------------


def rnn(x, w):
    n = tf.shape(x)[0]
    states, h = tf.TensorArray(tf.float32, n), tf.zeros([2])
    for i in tf.range(n):
        h = tf.tanh(tf.linalg.matvec(w, h) + x[i])
        states = states.write(i, h)
    return states.stack(), h


def in_place(x, w):
    ta = tf.TensorArray(tf.float32, 4)
    for i in tf.range(4):
        ta.write(3 - i, x[i])
    return ta.stack()


def some(x, w):
    ta = tf.TensorArray(tf.float32, 4, element_shape=[2])
    for i in tf.range(4):
        if tf.reduce_sum(x[i]) > 0:
            ta = ta.write(i, x[i] * x[i])
    return ta.stack(), ta.read(1)


def reading(x, w):
    ta = tf.TensorArray(tf.float32, 5).write(0, x[0])
    for i in tf.range(4):
        ta = ta.write(i + 1, ta.read(i) * x[i] + x[i])
    return ta.stack(), ta.gather([1, 4])


def growing(x, w):
    ta = tf.TensorArray(tf.float32, 0, dynamic_size=True)
    for i in tf.range(tf.shape(x)[0]):
        ta = ta.write(i, x[i] * x[i])
    return ta.stack(), ta.size()


def pushed(x, w):
    ta = tf.TensorArray(tf.float32, 1, dynamic_size=True).write(0, x[0])
    for i in tf.range(4):
        if x[i, 0] > 0:
            ta = ta.write(ta.size(), x[i] * x[i])
    return ta.stack()


def nested(x, w):
    ta = tf.TensorArray(tf.float32, 8)
    for i in tf.range(4):
        for j in tf.range(2):
            ta = ta.write(2 * i + j, x[i, j] * x[i, 1 - j])
    return ta.stack()


def unstacked(x, w):
    ta, s = tf.TensorArray(tf.float32, 4).unstack(x), tf.zeros([2])
    for i in tf.range(4):
        s += ta.read(i) * ta.read(3 - i)
    return s


def looped(x, w):
    def body(i, pair):
        ta, h = pair
        return i + 1, (ta.write(i, h * x[i]), h + x[i])

    ta = tf.TensorArray(tf.float32, 4)
    _, (ta, h) = tf.while_loop(lambda i, pair: i < 4, body, (0, (ta, tf.zeros([2]))))
    return ta.stack(), h


def branches(x, w):
    ta = tf.TensorArray(tf.float32, 2, element_shape=[2])
    ta = tf.cond(x[0, 0] > 0, lambda: ta.write(0, x[0]), lambda: ta.write(1, x[1]))
    return ta.stack()


PROGRAMS = [
    rnn, in_place, some, reading, growing, pushed, nested, unstacked, looped, branches,
]  # fmt: skip


@pytest.mark.parametrize("fn", PROGRAMS, ids=lambda f: f.__name__)
def test_staged_arrays(fn) -> None:
    same(fn, X, W)


@pytest.mark.parametrize("fn", PROGRAMS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("whole", [False, True], ids=["a function's", "in one graph"])
def test_gradients_of_arrays(fn, whole) -> None:
    """First and second order, against the eager tape."""

    def slopes(f, x):
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                y = tf.nest.flatten(f(x, tf.constant(W)))[0]
                loss = tf.reduce_sum(y * y * y)
            g = inner.gradient(loss, x)
            again = tf.reduce_sum(g * g)
        return g, outer.gradient(again, x)

    x = tf.constant(X)
    wanted = slopes(fn, x)
    found = tf.function(lambda x: slopes(fn, x))(x) if whole else slopes(tf.function(fn), x)
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)


def test_a_while_loop_of_unknown_length() -> None:
    def halves(n):
        ta, i = tf.TensorArray(tf.int32, 0, dynamic_size=True), 0
        while n > 0:
            ta = ta.write(i, n)
            n //= 2
            i += 1
        return ta.stack(), ta.size()

    staged = tf.function(halves)
    for n in (1, 37):
        assert staged(tf.constant(n))[0].numpy().tolist() == [n >> k for k in range(n.bit_length())]


# --- compiled -------------------------------------------------------------------------------------


@pytest.mark.parametrize("fn", [rnn, some, reading, nested], ids=lambda f: f.__name__)
@pytest.mark.parametrize("count", [4, 12], ids=["as variables", "in memory"])
def test_the_loop_is_native_and_rows_are_set_in_place(fn, count) -> None:
    x, w = np.resize(X, (count, 2)), W
    staged = tf.function(fn)
    staged(tf.constant(x), tf.constant(w))
    plan = staged.get_concrete_function(tf.constant(x), tf.constant(w)).function.executable.plan
    steps = list(plan.steps.values())
    assert not [str(s) for s in steps if s.kind == "host"]
    rows = [s for s in steps if s.node is not None and s.node.op.name == "set_row"]
    inside = [s for s in rows if s.in_place]
    loops = [s for s in steps if s.node is not None and s.node.op.name in ("for", "while")]
    assert loops or inside
    if count == 12 and fn in (rnn, reading):  # few elements are variables of the kernel
        assert [s for s in loops if s.in_place]
    assert len(rows) - len(inside) <= 2  # `reading` copies and sets before its loop


def test_a_growing_array_has_room_before_a_counted_loop() -> None:
    staged = tf.function(growing)
    staged(tf.constant(X), tf.constant(W))
    plan = staged.get_concrete_function(tf.constant(X), tf.constant(W)).function.executable.plan
    hosts = [s.node.op.name for s in plan.steps.values() if s.kind == "host"]
    assert "for" not in hosts and "while" not in hosts


# --- given and returned ---------------------------------------------------------------------------


def test_a_function_returns_an_array() -> None:
    @tf.function
    def squares(n):
        ta = tf.TensorArray(tf.int32, 0, dynamic_size=True)
        for i in tf.range(n):
            ta = ta.write(i, i * i)
        return {"all": ta, "count": n}

    for n in (4, 0, 2):
        found = squares(tf.constant(n))
        assert isinstance(found["all"], tf.TensorArray) and found["all"].dtype == tf.int32
        assert found["all"].stack().numpy().tolist() == [i * i for i in range(n)]
        assert int(found["count"]) == n
    found = squares(tf.constant(2))["all"].write(2, 7)  # it is the caller's now
    assert found.stack().numpy().tolist() == [0, 1, 7]
    again = tf.function(lambda n: tf.reduce_sum(squares(n)["all"].stack()))
    assert int(again(tf.constant(4))) == 14


def test_an_array_that_is_given_counts_as_it_is() -> None:
    ta = tf.TensorArray(tf.float32, 3, clear_after_read=False).unstack([1.0, 2.0, 3.0])

    @tf.function
    def doubled(ta):
        return ta.stack() * 2.0 + ta.read(1)

    assert doubled(ta).numpy().tolist() == [4.0, 6.0, 8.0]
    ta.write(0, 10.0)
    assert doubled(ta).numpy().tolist() == [22.0, 6.0, 8.0]
