"""`@function`: signatures, retracing, structures, state, methods, threads."""

from __future__ import annotations

import threading
import warnings

import numpy as np
import pytest

import graphc as tf


def test_a_call_equals_eager_and_is_traced_once_per_type() -> None:
    traces = []

    @tf.function
    def f(x, y):
        traces.append(1)
        return x * y + 1.0

    a, b = tf.constant([1.0, 2.0]), tf.constant([3.0, 4.0])
    for _ in range(3):
        assert f(a, b).numpy().tolist() == [4.0, 9.0]
    assert len(traces) == f.experimental_get_tracing_count() == 1
    f(tf.constant(1.0), tf.constant(2.0))
    assert len(traces) == 2


def test_python_values_are_told_apart_by_type_and_value() -> None:
    @tf.function
    def f(n):
        return tf.constant(n)

    assert f(1).dtype is tf.int32 and f(1.0).dtype is tf.float32 and f(True).dtype is tf.bool
    assert f.experimental_get_tracing_count() == 3
    f(float("nan"))
    f(float("nan"))
    assert f.experimental_get_tracing_count() == 4


def test_numpy_arrays_are_tensors() -> None:
    @tf.function
    def f(x):
        return x + 1.0

    first = f(np.array([1.0], np.float32))
    second = f(np.array([5.0], np.float32))
    assert (float(first[0]), float(second[0])) == (2.0, 6.0)
    assert f.experimental_get_tracing_count() == 1


def test_nested_structures_go_in_and_out() -> None:
    @tf.function
    def f(state, *, scale):
        return {"sum": state["a"] + state["b"][0], "all": [state["a"] * scale, None, (scale,)]}

    out = f({"a": tf.constant(1.0), "b": (tf.constant(2.0),)}, scale=3.0)
    assert float(out["sum"]) == 3.0 and float(out["all"][0]) == 3.0 and out["all"][1] is None


def test_variables_are_captured_by_reference() -> None:
    v = tf.Variable(1.0)

    @tf.function
    def step(x):
        v.assign_add(x)
        return v * 10.0

    assert float(step(2.0)) == 30.0 and float(v) == 3.0
    v.assign(7.0)
    assert float(step(2.0)) == 90.0 and float(v) == 9.0


def test_a_snapshot_survives_updates_in_place() -> None:
    v = tf.Variable([1.0, 2.0])

    @tf.function
    def step():
        v.assign_add([1.0, 1.0])

    step()
    kept = v.value()
    step()
    assert kept.numpy().tolist() == [2, 3] and v.numpy().tolist() == [3, 4]


def test_read_write_read_order() -> None:
    v = tf.Variable(1.0)

    @tf.function
    def f():
        a = v.value()
        v.assign(a + 1.0)
        b = v.value()
        v.assign(b * 10.0)
        return a, b, v.value()

    assert [float(t) for t in f()] == [1.0, 2.0, 20.0] and float(v) == 20.0


def test_input_signature_with_unknown_sizes_traces_once() -> None:
    @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32)])
    def mean(x):
        return tf.reduce_mean(x, axis=0), tf.shape(x)[0]

    for rows in (1, 4, 7):
        x = np.random.default_rng(rows).normal(size=(rows, 3)).astype(np.float32)
        result, count = mean(x)
        np.testing.assert_allclose(result, x.mean(0), rtol=1e-5, atol=1e-6)
        assert int(count) == rows
    assert mean.experimental_get_tracing_count() == 1
    with pytest.raises(TypeError, match=r"f32\[2, 4\]"):
        mean(np.zeros((2, 4), np.float32))


def test_sizes_assumed_equal_are_checked() -> None:
    spec = tf.TensorSpec([None], tf.float32)

    @tf.function(input_signature=[spec, spec])
    def f(x, y):
        return x + y

    assert f([1.0, 2.0], [3.0, 4.0]).numpy().tolist() == [4.0, 6.0]
    assert f([1.0, 2.0], [10.0]).numpy().tolist() == [11.0, 12.0]  # broadcast after all
    with pytest.raises(tf.errors.InvalidArgumentError, match="broadcast"):
        f([1.0, 2.0], [1.0, 2.0, 3.0])


def test_get_concrete_function() -> None:
    @tf.function
    def f(x, y=2.0):
        return x * y

    concrete = f.get_concrete_function(tf.TensorSpec([2], tf.float32))
    assert concrete(tf.constant([1.0, 2.0])).numpy().tolist() == [2.0, 4.0]
    assert "f32[2]" in concrete.pretty_printed_signature()
    with pytest.raises(TypeError, match="traced for"):
        concrete(tf.constant([1.0, 2.0, 3.0]))


def test_methods_have_traces_per_object() -> None:
    class Scale:
        def __init__(self, factor):
            self.factor = tf.Variable(factor)

        @tf.function
        def __call__(self, x):
            return x * self.factor

    double, triple = Scale(2.0), Scale(3.0)
    assert (float(double(tf.constant(5.0))), float(triple(tf.constant(5.0)))) == (10.0, 15.0)


def test_run_functions_eagerly() -> None:
    calls = []

    @tf.function
    def f(x):
        calls.append(1)
        return x + 1

    tf.config.run_functions_eagerly(True)
    try:
        f(tf.constant(1))
        f(tf.constant(1))
    finally:
        tf.config.run_functions_eagerly(False)
    assert len(calls) == 2


def test_variables_are_created_on_the_first_call_only() -> None:
    class Layer:
        w = None

        @tf.function
        def good(self, x):
            if self.w is None:
                self.w = tf.Variable(tf.ones([2]))
            return x * self.w

        @tf.function
        def bad(self, x):
            return x * tf.Variable([1.0, 1.0])

    assert Layer().good(tf.constant([3.0, 4.0])).numpy().tolist() == [3.0, 4.0]
    with pytest.raises(ValueError, match="not its first"):
        Layer().bad(tf.constant([1.0, 2.0]))


def test_functions_call_functions() -> None:
    v = tf.Variable(1.0)

    @tf.function
    def inner(x):
        v.assign_add(1.0)
        return x * v

    @tf.function
    def outer(x):
        return inner(x) + inner(x)

    assert float(outer(tf.constant(10.0))) == 50.0 and float(v) == 3.0


def test_tensors_do_not_escape() -> None:
    kept = []

    @tf.function(fallback="error")
    def leak(x):
        kept.append(x * 2)
        return x

    leak(tf.constant(1.0))
    with pytest.raises(tf.errors.EscapedTensorError, match="@leak"):
        kept[0] + 1.0


def test_retracing_too_often_warns_and_names_the_argument() -> None:
    @tf.function
    def f(x, n):
        return x * n

    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        for n in range(7):
            f(tf.constant(1), n)
    texts = [str(w.message) for w in seen if issubclass(w.category, tf.errors.RetraceWarning)]
    assert texts and "n was int 4, now int 5" in texts[0]
    assert "was int" in str(f.retraces[-1])


def test_reduce_retracing_generalises_shapes() -> None:
    @tf.function(reduce_retracing=True)
    def f(x):
        return tf.reduce_sum(x * 2.0)

    for n in range(1, 8):
        assert float(f(tf.ones([n]))) == 2.0 * n
    assert f.experimental_get_tracing_count() == 2


def test_many_threads_get_right_answers() -> None:
    v = tf.Variable(0.0)

    @tf.function
    def add(x):
        v.assign_add(1.0)
        return x * 2.0

    wrong = []

    def work(n):
        for _ in range(50):
            if float(add(tf.constant(float(n)))) != 2.0 * n:
                wrong.append(n)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong and float(v) == 400.0
    assert add.experimental_get_tracing_count() == 1


def test_large_captured_tensors_stay_outside_the_graph() -> None:
    table = tf.constant(np.arange(1000, dtype=np.float32))

    @tf.function
    def look_up(i):
        return table[i]

    assert float(look_up(tf.constant(7))) == 7.0
    assert "f32[1000]" in str(look_up.graph(tf.constant(7)))


def test_one_function_with_unknown_sizes_called_for_two_sizes_in_one_trace() -> None:
    @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32)])
    def double(x):
        return x * 2.0

    @tf.function
    def both(x, y):
        return double(x), double(y)

    a, b = both(tf.ones([2, 3]), tf.ones([5, 3]))
    assert (a.shape, b.shape) == ((2, 3), (5, 3))
