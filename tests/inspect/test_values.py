"""`probe`: what nodes hold, in loops too, and the node that made the first NaN."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as tf


@tf.function
def shrinking(x, count):
    total = tf.reduce_sum(x)
    for _ in tf.range(count):
        total = total + tf.math.log(total - 6.0)
    return total * x


def test_the_first_bad_value_is_named_with_its_line() -> None:
    line = shrinking.python_function.__code__.co_firstlineno + 4
    found = shrinking.probe(tf.constant([3.0, 3.5]), tf.constant(5))
    assert found.first_bad.op.name == "log" and found["log"].nans >= 1
    assert f"first bad value: %log = log at test_values.py:{line}: []" in found.verdict
    assert "of %subtract" in found.verdict


def test_values_are_summed_over_the_runs_of_a_loop() -> None:
    found = shrinking.probe(tf.constant([5.0, 5.0]), tf.constant(3))
    assert found.first_bad is None and found.verdict == "every value is finite"
    total, logs = 10.0, []
    for _ in range(3):
        logs.append(np.log(total - 6.0))
        total += logs[-1]
    assert found["log"].runs == 3 and found["%log"].low == pytest.approx(min(logs), rel=1e-5)
    assert found["log"].mean == pytest.approx(np.mean(logs), rel=1e-5)


def test_a_summary_counts_what_is_not_finite() -> None:
    @tf.function
    def f(x):
        doubled = x * 2.0
        return doubled

    values = [np.nan, np.inf, -np.inf, 1.0, 3.0]
    found = f.probe(tf.constant(values))
    doubled = found["doubled"]
    assert (doubled.nans, doubled.infs, doubled.low, doubled.high) == (1, 2, 2.0, 6.0)
    assert found.to_dict()["x"] == {
        "shape": (5,), "low": 1.0, "high": 3.0, "mean": 2.0, "nans": 1, "infs": 2, "runs": 1,
    }  # fmt: skip
    with pytest.raises(KeyError, match="has no value %y"):
        found["y"]


def test_probing_leaves_variables_and_stops_where_the_call_would() -> None:
    v = tf.Variable(1.0)

    @tf.function
    def f(i):
        v.assign_add(1.0)
        return tf.gather(tf.constant([1.0, 2.0]), i)

    assert f.probe(tf.constant(1)).error is None and v.numpy() == 1.0
    stopped = f.probe(tf.constant(7))
    assert stopped.verdict.startswith("stopped: ") and "test_values.py" in stopped.verdict
    assert v.numpy() == 1.0
