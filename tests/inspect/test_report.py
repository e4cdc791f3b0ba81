"""`explain()`: every part stands alone; what a function shows of itself in a notebook."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as tf


@pytest.fixture
def step():
    w = tf.Variable(np.ones((3, 2), np.float32), name="w")

    @tf.function
    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.tanh(x @ w))
        w.assign_sub(0.1 * tape.gradient(loss, w))
        return loss

    step.w = w
    return step


def test_the_parts_of_a_report(step) -> None:
    report = step.explain(tf.ones([4, 3]))
    assert "def step(x)" in str(report.source) and "ag." in str(report.converted)
    assert "matmul %x, %w" in str(report.graph) and "fused" in str(report.optimized)
    assert "fuse" in str(report.steps) and "def kernel(slots, row)" in str(report.kernels)
    assert "in place" in str(report.plan) and "trace 1: first call" in str(report.retraces)
    assert "bytes" in str(report.memory)
    assert report.timings.eager > 0 and "x as fast" in str(report.timings)


def test_explaining_leaves_variables_alone(step) -> None:
    before = step.w.numpy()
    str(step.explain(tf.ones([4, 3])))
    np.testing.assert_array_equal(step.w.numpy(), before)


def test_a_report_as_text_html_and_data(step) -> None:
    report = step.explain(tf.ones([4, 3]))
    text, html = str(report), report._repr_html_()
    assert text.startswith("step(x: f32[4, 3]) -> f32[]") and "pays" in text or "eager" in text
    assert "<svg" in html and "<script" not in html and len(html) < 500_000
    data = report.to_dict()
    assert data["signature"].startswith("step(") and len(data["kernels"]) >= 1
    assert {"eager", "graph", "first_call", "cold", "break_even"} <= set(data["timings"])


def test_a_function_shows_itself(step) -> None:
    assert "not traced yet" in step._repr_html_()
    step(tf.ones([4, 3]))
    html = step._repr_html_()
    assert "step(x: f32[4, 3])" in html and "<svg" in html and "trace 1" in html


def test_values_have_the_users_names() -> None:
    @tf.function
    def f(a):
        hidden = tf.tanh(a)
        result = hidden * 2.0
        return result

    text = str(f.graph(tf.constant([1.0])))
    assert "%hidden: f32[1] = tanh %a" in text and "return %result" in text


def test_without_arguments_it_is_about_the_trace_used_last() -> None:
    @tf.function
    def doubled(x, times):
        return x * times

    with pytest.raises(TypeError, match="missing"):
        doubled.explain()
    doubled(tf.constant(1.0), 2)
    doubled(tf.constant(1.0), 3)
    report = doubled.explain()
    assert "times was int 2, now int 3 (called at test_report.py:" in str(report)
    assert "give `explain` the arguments" in str(report) and report.to_dict()["timings"] == {}
    assert "times was int 2, now int 3" in report._repr_html_()
