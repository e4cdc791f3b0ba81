"""Statements that cannot be staged run as Python, alone, on every call and with one warning."""

from __future__ import annotations

import contextlib
import io
import traceback
import warnings

import numpy as np
import pytest

import graphc as tf
from graphc import errors
from tests.trace.fallback_effects import CALLS, CASES
from tests.trace.fallback_programs import PROGRAMS

# ruff: noqa: B007, UP031
INPUTS = [[3.0, 1.0, 2.0], [5.0, 7.0, 0.5], [1.0, 1.0, 6.0], [3.0, 1.0, 2.0]]


def warned(found: list[warnings.WarningMessage]) -> list[warnings.WarningMessage]:
    return [w for w in found if issubclass(w.category, errors.FallbackWarning)]


@contextlib.contextmanager
def noted():
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        yield found


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_gives_what_it_gives_eagerly(name: str) -> None:
    program = PROGRAMS[name]
    staged = tf.function(program)
    with noted() as found:
        for values in INPUTS:
            wanted, got = program(tf.constant(values)), staged(tf.constant(values))
            np.testing.assert_allclose(np.asarray(got), np.asarray(wanted))
    lines = [(w.filename, w.lineno) for w in warned(found)]
    assert lines and len(set(lines)) == len(lines)  # once for each statement
    assert staged.experimental_get_tracing_count() <= 1  # none where all of it is Python's


@pytest.mark.parametrize("name", CASES)
def test_effects_happen_on_every_call_in_their_order(name: str) -> None:
    seen = []
    for wrap in (lambda fn: fn, tf.function):
        fn, state = CASES[name]()()
        fn, printed = wrap(fn), io.StringIO()
        with noted(), contextlib.redirect_stdout(printed):
            results = [np.asarray(fn(*map(tf.constant, args)), float).tolist() for args in CALLS]
        held = state() if callable(state) else state
        if isinstance(held, dict):
            held = sorted(held.items(), key=str)
        seen.append((results, str(held), printed.getvalue()))
    assert seen[0] == seen[1]


# --- what is said ---------------------------------------------------------------------------------


def sorted_twice(x):
    y = x * 2
    z = np.sort(y.numpy())
    return tf.constant(z) + y


def test_the_warning_names_line_statement_reason_and_cost() -> None:
    staged = tf.function(sorted_twice)
    with noted() as found:
        for size in (2, 3):
            staged(tf.ones([size]))
    (only,) = warned(found)
    line = sorted_twice.__code__.co_firstlineno + 2
    assert (only.filename, only.lineno) == (__file__, line)
    text = str(only.message)
    assert text.startswith(f"{__file__}:{line}: `z = np.sort(y.numpy())` runs as Python")
    assert ".numpy() needs the value of %y: f32[2]" in text
    assert "µs" in text and "gradient" in text
    assert staged.experimental_get_tracing_count() == 2


def test_quiet_says_nothing_and_explain_tells() -> None:
    staged = tf.function(sorted_twice, fallback="quiet")
    with noted() as found:
        staged(tf.ones([2]))
    assert not warned(found)
    (record,) = staged.fallbacks
    assert record.line == sorted_twice.__code__.co_firstlineno + 2
    assert record.construct == "z = np.sort(y.numpy())" and "numpy()" in record.reason
    assert f"Python: {record}" in str(staged.explain(tf.ones([2])))


def test_error_refuses_at_the_users_line() -> None:
    staged = tf.function(sorted_twice, fallback="error")
    with pytest.raises(
        errors.SymbolicValueError, match=r"\.numpy\(\) needs the value of"
    ) as caught:
        staged(tf.ones([2]))
    own = [f for f in traceback.extract_tb(caught.value.__traceback__) if f.filename == __file__]
    assert own[-1].line == "z = np.sort(y.numpy())"
    assert not staged.fallbacks


def test_error_refuses_what_another_function_has_found_out() -> None:
    with noted():
        tf.function(sorted_twice)(tf.ones([2]))
    with pytest.raises(errors.SymbolicValueError):
        tf.function(sorted_twice, fallback="error")(tf.ones([2]))


def test_a_mode_must_be_one_of_three() -> None:
    with pytest.raises(ValueError, match="'warn', 'quiet', 'error'"):
        tf.function(sorted_twice, fallback="often")


# --- what does not fall back ----------------------------------------------------------------------


def test_the_rest_of_the_graph_is_compiled() -> None:
    @tf.function(fallback="quiet")
    def f(x):
        y = tf.tanh(tf.matmul(x, x))
        z = np.sort(y.numpy(), axis=0)
        return tf.matmul(y, tf.constant(z))

    x = tf.constant(np.eye(3, dtype=np.float32))
    np.testing.assert_allclose(f(x), f.python_function(x), rtol=1e-6)
    names = [n.op.name for n in f.graph(x).nodes]
    assert names.count("matmul") == 2 and "tanh" in names
    assert names.count("py_call") == 3  # .numpy(), np.sort, the conversion


@pytest.mark.parametrize("mistake", [
    lambda x: tf.matmul(x, x), lambda x: x + tf.constant(1), lambda x: x + nothing,  # noqa: F821
    lambda x: x.nothing, lambda x: x[5], lambda x: [1][3],
])  # fmt: skip
def test_mistakes_are_errors_as_before(mistake) -> None:
    x = tf.zeros([2, 3])
    with pytest.raises(Exception) as wanted:
        tf.function(mistake, fallback="error")(x)
    staged = tf.function(mistake)
    with noted() as found, pytest.raises(wanted.type):
        staged(x)
    assert not warned(found) and not staged.fallbacks


def test_a_loop_that_changes_a_dtype_is_refused() -> None:
    @tf.function
    def f(n):
        s = tf.constant(0)
        for i in tf.range(n):
            s = tf.constant("text")
        return s

    with pytest.raises(errors.LoopCarryError):
        f(tf.constant(3))
    assert not f.fallbacks


def test_nothing_warns_where_nothing_falls_back() -> None:
    held: dict = {}

    @tf.function
    def f(x):
        total = tf.constant(0.0)
        for v in x:
            if v > 1:
                total += v
        held["total"] = total  # the value of each call, without a warning
        return total

    for values, total in (([1.0, 2.0], 2.0), ([3.0, 4.0], 7.0)):
        assert float(f(tf.constant(values))) == total == float(held["total"])


# --- exceptions -----------------------------------------------------------------------------------


def test_an_exception_of_the_users_is_native() -> None:
    @tf.function(fallback="quiet")
    def f(x):
        v = x.numpy()
        if v[0] > 2:
            raise ValueError(f"too big: {v[0]}")
        return x

    assert float(f(tf.constant([1.0]))[0]) == 1.0
    with pytest.raises(ValueError, match="too big: 3.0"):
        f(tf.constant([3.0]))


def test_an_exception_inside_a_step_names_the_line() -> None:
    @tf.function(fallback="quiet")
    def f(x):
        return x + int("n%d" % x[0])

    with pytest.raises(ValueError, match="'n3'") as caught:
        f(tf.constant([3.0]))
    assert any("test_fallback.py" in note for note in getattr(caught.value, "__notes__", []))


def test_a_failed_step_leaves_variables_alone() -> None:
    v = tf.Variable(1.0)

    @tf.function(fallback="quiet")
    def f(x):
        v.assign_add(1.0)
        return x / {1: 2.0}[int(x)]

    assert float(f(tf.constant(1.0))) == 0.5 and float(v) == 2.0
    with pytest.raises(KeyError):
        f(tf.constant(5.0))
    assert float(v) == 2.0


# --- signatures, gradients, functions in functions ------------------------------------------------


def test_without_values_types_are_found_with_made_up_ones() -> None:
    spec = [tf.TensorSpec([None], tf.float32)]

    @tf.function(fallback="quiet", input_signature=spec)
    def f(x):
        return tf.constant(np.sort(x.numpy())) * 2

    concrete = f.get_concrete_function()
    assert concrete(tf.constant([3.0, 1.0])).numpy().tolist() == [2.0, 6.0]
    assert f(tf.constant([3.0, 1.0, 2.0])).numpy().tolist() == [2.0, 4.0, 6.0]


def test_a_result_of_another_type_is_refused_and_named() -> None:
    @tf.function(fallback="quiet")
    def f(x):
        z = x.numpy()
        return tf.constant(z[0] if z[0] > 2 else z)

    assert f(tf.constant([1.0, 2.0])).shape == (2,)
    with pytest.raises(errors.InvalidArgumentError, match="0 axes.*with 1"):
        f(tf.constant([5.0, 2.0]))


@pytest.mark.parametrize("inside", [True, False])
def test_no_gradient_flows_through_a_step(inside: bool) -> None:
    def loss(x):
        y = x * 2
        return tf.reduce_sum(tf.constant(np.sort(y.numpy())) * y)

    def gradient(fn, x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            found = fn(x)
        return tape.gradient(found, x)

    x = tf.constant([3.0, 1.0])
    staged = tf.function(loss, fallback="quiet")
    if inside:
        found = tf.function(lambda x: gradient(loss, x), fallback="quiet")(x)
    else:
        found = gradient(staged, x)
    assert found.numpy().tolist() == gradient(loss, x).numpy().tolist() == [4.0, 12.0]


def test_an_object_of_pythons_is_a_result() -> None:
    @tf.function(fallback="quiet")
    def f(x):
        return {"counts": dict.fromkeys(x.numpy().tolist(), 1), "x": x}

    for values in ([1.0, 2.0], [3.0]):
        found = f(tf.constant(values))
        assert found["counts"] == dict.fromkeys(values, 1) and isinstance(found["x"], tf.Tensor)


def test_a_function_without_source_is_called_whole() -> None:
    space: dict = {}
    exec("def f(x):\n    return x + 1 if x > 2 else x - 1\n", space)
    with noted() as found:
        staged = tf.function(space["f"])
        assert [int(staged(tf.constant(v))) for v in (1, 5)] == [0, 6]
    assert "all of f runs as Python" in str(warned(found)[-1].message)

    @tf.function
    def outer(x):
        return staged(x) * 2

    with noted():
        assert [int(outer(tf.constant(v))) for v in (1, 5)] == [0, 12]


def test_a_step_is_run_once_for_each_call_also_for_the_first() -> None:
    calls = []

    def counted(v):
        calls.append(float(v[0]))
        return np.sort(v)

    @tf.function(fallback="quiet")
    def f(x):
        z = np.apply_along_axis(counted, 0, x.numpy())
        return tf.constant(z) + tf.constant(counted(z))

    f(tf.constant([2.0, 1.0]))
    assert calls == [2.0, 1.0]
    f(tf.constant([4.0, 3.0]))
    assert calls == [2.0, 1.0, 4.0, 3.0]


# --- Variables ------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", ["read", "assigned", "neither"])
def test_a_step_sees_and_assigns_the_variables_of_the_program(first: str) -> None:
    def made():
        w = tf.Variable([1.0, 2.0])

        @tf.autograph.experimental.do_not_convert
        def hidden(x):
            if x[0] > 0:
                w.assign_add(x * w.numpy().sum())
            return x

        def step(x):
            a = w * 2.0 if first == "read" else x
            if first == "assigned":
                w.assign(a + w)
            hidden(x)
            return a + w

        return step, w

    (eager, v), (step, w) = made(), made()
    staged = tf.function(step, fallback="quiet")
    for values in ([1.0, 3.0], [-1.0, 2.0], [0.5, 0.25]):
        x = tf.constant(values)
        assert staged(x).numpy().tolist() == eager(x).numpy().tolist()
        assert w.numpy().tolist() == v.numpy().tolist()


@pytest.mark.parametrize("loop", [
    lambda x: tf.map_fn(lambda v: tf.constant(np.sin(v.numpy())), x),
    lambda x: tf.cond(x[0] > 2, lambda: tf.constant(np.sort(x.numpy())), lambda: x),
    lambda x: tf.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, y + np.sort(y.numpy())),
                            [tf.constant(0), x])[1],
])  # fmt: skip
def test_steps_inside_functional_control_flow(loop) -> None:
    staged = tf.function(loop, fallback="quiet")
    for values in ([1.0, 3.0, 2.0], [4.0, 0.5, 6.0]):
        x = tf.constant(values)
        np.testing.assert_allclose(staged(x), loop(x))
