"""Why functions are traced: records, warnings and their exact words; what traces share."""

from __future__ import annotations

import inspect
import warnings

import numpy as np
import pytest

import graphc as tf
from graphc.runtime import loader


def line_here() -> int:
    return inspect.currentframe().f_back.f_lineno


def test_a_record_names_argument_change_and_caller() -> None:
    @tf.function
    def f(x, n, d):
        return x * n

    one = tf.constant(1.0)
    lines = []
    for x, n, d in (
        (one, 1, {"k": [one]}), (tf.ones([2]), 1, {"k": [one]}), (tf.ones([2]), 2.5, {"k": [one]}),
        (tf.ones([2]), 2.5, {"k": [one, None]}), (one, 1, {"k": [object()]}),
    ):  # fmt: skip
        f(x, n, d)
        lines.append(line_here() - 1)
    assert list(map(str, f.retraces)) == [
        f"trace 1: first call (called at test_retracing.py:{lines[0]})",
        f"trace 2: x was f32[], now f32[2] (called at test_retracing.py:{lines[0]})",
        f"trace 3: n was int 1, now float 2.5 (called at test_retracing.py:{lines[0]})",
        "trace 4: d['k'][1] was absent, now NoneType None (called at"
        f" test_retracing.py:{lines[0]})",
        f"trace 5: d['k'][0] was f32[], now object object (called at test_retracing.py:{lines[0]})",
    ]


def test_a_warning_comes_at_the_callers_line() -> None:
    @tf.function
    def f(x, n):
        return x * n

    class Model:
        @tf.function
        def call(self, x, n):
            return x * n

    for target, name in ((f, "f"), (Model().call, "call")):
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            for n in range(7):
                target(tf.constant(1), n)
        line = line_here() - 1
        (warning,) = seen
        assert warning.category is tf.errors.RetraceWarning
        assert (warning.filename, warning.lineno) == (__file__, line)
        assert str(warning.message) == (
            f"{name} was traced 6 times; last: trace 6: n was int 4, now int 5 (called at"
            f" test_retracing.py:{line}). Pass tensors instead of Python numbers, give an"
            " input_signature with None for sizes that vary, or use reduce_retracing=True."
        )


def test_explain_shows_the_retraces() -> None:
    @tf.function
    def f(x):
        return x * 2.0

    f(tf.ones([2]))
    report = f.explain(tf.ones([3]))
    assert str(report.retraces) == "\n".join(map(str, f.retraces))
    assert "trace 2: x was f32[2], now f32[3]" in str(report)


def test_the_count_goes_on_when_records_are_forgotten() -> None:
    f = tf.function(lambda n: tf.constant(n), cache_size=2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for n in range(8):
            f(n)
    assert f.experimental_get_tracing_count() == 8
    assert [r.number for r in f.retraces] == [7, 8]


def test_a_trace_that_fails_leaves_nothing() -> None:
    calls = []

    @tf.function
    def f(x):
        calls.append(1)
        if len(calls) == 1:
            raise KeyError("boom")
        return x + 1.0

    with pytest.raises(KeyError, match="boom"):
        f(tf.constant(1.0))
    assert tf.executing_eagerly() and not f.traces and not f.retraces
    assert float(f(tf.constant(1.0))) == 2.0
    assert f.experimental_get_tracing_count() == 1
    assert str(f.retraces[0]).startswith("trace 1: first call")


def test_traces_of_other_shapes_share_kernels() -> None:
    @tf.function
    def f(x, y):
        return tf.tanh(x * 1.2345 + y) * 0.777

    f(tf.ones([3, 5]), tf.ones([3, 5]))
    first, before = f.traces[0].function.executable.kernels, len(loader.statistics())
    for shape in ([7, 5], [2, 9], [64, 64]):
        f(tf.ones(shape), tf.ones(shape))
        assert [k.key for k in f.traces[-1].function.executable.kernels] == [k.key for k in first]
    assert f.experimental_get_tracing_count() == 4 and len(loader.statistics()) == before


def test_effects_happen_in_order_and_traces_print_once(capsys) -> None:
    v = tf.Variable(0)

    @tf.function
    def f(x):
        print("tracing")
        tf.print("first", v)
        v.assign_add(x)
        tf.print("second", v)
        return v

    f(tf.constant(1))
    f(tf.constant(2))
    captured = capsys.readouterr()
    assert captured.out == "tracing\n"
    assert captured.err.split("\n")[:4] == ["first 0", "second 1", "first 1", "second 3"]


def test_random_numbers_are_fresh_on_each_call() -> None:
    f = tf.function(lambda: tf.random.normal([4]))
    assert not np.any(f().numpy() == f().numpy())
