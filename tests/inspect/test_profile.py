"""Profiles: where time is put down, work from types, traces for other tools; nothing changes."""

from __future__ import annotations

import json

import numpy as np
import pytest

import graphc as tf
from graphc.inspect import cost
from graphc.ir.graph import Node


@pytest.fixture(scope="module")
def made():
    w = tf.Variable(np.full((64, 32), 0.01, np.float32))
    square = tf.fill([32, 32], 0.1)

    @tf.function
    def step(x):
        h = tf.nn.relu(x @ w)
        total = tf.reduce_sum(tf.sort(h))
        for _ in tf.range(3):
            h = h @ square
            total = total * 0.5 + tf.reduce_sum(h)
        w.assign_sub(0.1 * w)
        return total

    before = w.numpy().copy()
    found = step.profile(tf.ones([16, 64]))
    np.testing.assert_array_equal(w.numpy(), before)
    return found


def test_all_time_is_put_down_to_lines_nodes_and_kernels(made) -> None:
    assert made.total > 0 and made.whole > 0
    for entries in (made.lines, made.steps):
        assert sum(e.seconds for e in entries) == pytest.approx(made.total, rel=1e-6)
    copies = sum(e.seconds for e in made.events if e.step.node is None)
    assert sum(e.seconds for e in made.nodes) == pytest.approx(made.total - copies, rel=1e-6)
    assert sum(made.line_shares.values()) == pytest.approx(1 - copies / made.total)
    assert [e.seconds for e in made.lines] == sorted((e.seconds for e in made.lines), reverse=True)
    hosts = sum(e.seconds for e in made.events if e.step.kind == "host")
    compiled = made.total - hosts - copies
    assert sum(e.seconds for e in made.kernels) == pytest.approx(compiled, rel=1e-6)


def test_steps_of_a_loop_run_as_often_as_the_loop(made) -> None:
    inside = [e for e in made.steps if "matmul" in e.name and e.runs == 3]
    assert inside and inside[0].flops == 3 * 2 * 16 * 32 * 32


def test_work_is_counted_from_types() -> None:
    @tf.function
    def f(x, k, image):
        return tf.exp(x @ k), tf.reduce_max(x, axis=1), tf.nn.conv2d(image, k4, 1, "VALID")

    k4 = tf.ones([3, 3, 2, 4])
    given = tf.ones([8, 5]), tf.ones([5, 7]), tf.ones([2, 6, 6, 2])
    nodes: dict[str, Node] = {n.op.name: n for n in f.graph(*given).nodes}
    assert cost.flops(nodes["matmul"], {}) == 2 * 8 * 5 * 7
    assert cost.flops(nodes["exp"], {}) == 8 * 7
    assert cost.flops(nodes["reduce_max"], {}) == 8 * 5
    assert cost.flops(nodes["conv"], {}) == 2 * (2 * 4 * 4 * 4) * (3 * 3 * 2)


def test_chrome_trace(made, tmp_path) -> None:
    path = tmp_path / "trace.json"
    made.chrome_trace(path)
    events = json.loads(path.read_text())["traceEvents"]
    assert len(events) == len(made.events) and all(e["ph"] == "X" for e in events)
    assert {e["cat"] for e in events} >= {"kernel"} and any("sort" in e["name"] for e in events)


def test_a_profile_as_text_html_and_data(made) -> None:
    text, html = str(made), made._repr_html_()
    assert "GFLOP/s" in text and "test_profile.py" in text
    assert "<svg" in html and "<script" not in html
    data = made.to_dict()
    assert {"whole", "total", "lines", "steps", "kernels"} == set(data) and json.dumps(data)
