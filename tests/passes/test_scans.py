"""What all iterations share is computed once: by name in the plan, and the same as eagerly."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as tf

T, B, D, H = 7, 3, 5, 4
draws = np.random.default_rng(0)
X = draws.normal(size=(T, B, D)).astype(np.float32)
W = (draws.normal(size=(D, 4 * H)) * 0.3).astype(np.float32)
U = (draws.normal(size=(H, 4 * H)) * 0.3).astype(np.float32)
BIAS = draws.normal(size=4 * H).astype(np.float32)


def cell(row: Any, h: Any, c: Any, w: Any, u: Any, b: Any) -> tuple[Any, Any]:
    i, f, g, o = tf.split(row @ w + h @ u + b, 4, axis=1)
    c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
    return tf.sigmoid(o) * tf.tanh(c), c


def by_index(x: Any, w: Any, u: Any, b: Any) -> Any:
    h = c = tf.zeros([B, H])
    for t in tf.range(T):
        h, c = cell(x[t], h, c, w, u, b)
    return tf.reduce_sum(h * h)


def by_row(x: Any, w: Any, u: Any, b: Any) -> Any:
    h = c = tf.zeros([B, H])
    for row in x:
        h, c = cell(row, h, c, w, u, b)
    return tf.reduce_sum(h * h)


def any_length(x: Any, w: Any, u: Any, b: Any) -> Any:
    h = c = tf.zeros([B, H])
    for t in tf.range(tf.shape(x)[0]):
        h, c = cell(x[t], h, c, w, u, b)
    return tf.reduce_sum(h * h)


def part(x: Any, w: Any, u: Any, b: Any) -> Any:
    """Not all rows: nothing may read further than the loop."""
    h = c = tf.zeros([B, H])
    for t in tf.range(T - 2):
        h, c = cell(x[t], h, c, w, u, b)
    return tf.reduce_sum(h * h)


def shifted(x: Any, w: Any, u: Any, b: Any) -> Any:
    """Rows at other places than the iteration's own; the weights change the sum elsewhere, too."""
    h = c = tf.zeros([B, H])
    total = tf.zeros([])
    for t in tf.range(T):
        h, c = cell(x[T - 1 - t], h, c, w, u, b)
        total += tf.reduce_sum(w) * tf.reduce_sum(h)
        u = u * 0.9
    return total


def nested(x: Any, w: Any, u: Any, b: Any) -> Any:
    total = tf.zeros([])
    for _ in tf.range(2):
        total += by_row(x + total, w, u, b) * 0.1
    return total


PROGRAMS = [by_index, by_row, any_length, part, shifted, nested]


def slopes(fn: Any, *args: Any) -> Any:
    with tf.GradientTape() as tape:
        tape.watch(args)
        loss = fn(*args)
    return loss, *tape.gradient(loss, args)


def second(fn: Any, *args: Any) -> Any:
    with tf.GradientTape() as tape:
        tape.watch(args)
        total = tf.add_n([tf.reduce_sum(g * g) for g in slopes(fn, *args)[1:]])
    return tape.gradient(total, args)


@pytest.mark.parametrize("fn", PROGRAMS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("order", [slopes, second], ids=["first", "second"])
def test_gradients(fn: Any, order: Any) -> None:
    args = [tf.constant(a) for a in (X, W, U, BIAS)]
    found = tf.function(lambda *a: order(fn, *a))(*args)
    for a, b in zip(found, order(fn, *args), strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-5)


def products(graph: Any) -> tuple[list[str], list[str]]:
    """Shapes of the matrix products inside and outside of loops."""
    inside = [str(n.output.type) for m in graph.nodes if m.op.name == "for"
              for n in m.regions["body"].walk() if n.op.name == "matmul"]  # fmt: skip
    outside = [str(n.output.type) for n in graph.nodes if n.op.name == "matmul"]
    return inside, outside


@pytest.mark.parametrize("fn", [by_index, by_row], ids=lambda f: f.__name__)
def test_only_what_the_state_needs_stays_in_the_loop(fn: Any) -> None:
    args = [tf.constant(a) for a in (X, W, U, BIAS)]

    @tf.function
    def step(x: Any, w: Any, u: Any, b: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch([w, u, b])
            loss = fn(x, w, u, b)
        return tape.gradient(loss, [w, u, b])

    graph = step.get_concrete_function(*args).function.executable.graph
    inside, outside = products(graph)
    assert inside == ["f32[3, 16]", "f32[3, 4]"]  # h @ u, and the gradient of h
    assert sorted(outside) == ["f32[21, 16]", "f32[4, 16]", "f32[5, 16]"]
    turned = [n for n in graph.walk() if n.op.name == "matmul" and n.attrs["transpose_b"]]
    assert not turned and "split" not in [n.op.name for n in graph.walk()]


def test_no_row_beyond_the_loop_is_read() -> None:
    args = [tf.constant(a) for a in (X, W, U, BIAS)]
    graph = tf.function(part).get_concrete_function(*args).function.executable.graph
    assert products(graph) == (["f32[3, 16]", "f32[3, 16]"], [])


def test_any_length_at_once() -> None:
    """Sizes of a call, not of the trace."""
    spec = tf.TensorSpec([None, B, D], tf.float32)
    others = [tf.TensorSpec(a.shape, tf.float32) for a in (W, U, BIAS)]
    staged = tf.function(lambda *a: slopes(any_length, *a), input_signature=[spec, *others])
    for length in (0, 1, 5):
        args = [tf.constant(a) for a in (X[:length], W, U, BIAS)]
        for a, b in zip(staged(*args), slopes(any_length, *args), strict=True):
            wanted = np.zeros(a.shape) if b is None else b  # eagerly, no row is no gradient
            np.testing.assert_allclose(a, wanted, rtol=1e-4, atol=1e-5)


def test_much_memory_is_not_kept() -> None:
    x, w = tf.ones([40, 600, 4]), tf.ones([4, 800])  # all products: 77 MB

    @tf.function
    def total(x: Any, w: Any) -> Any:
        s = tf.zeros([])
        for row in x:
            s += tf.reduce_sum(row @ w)
        return s

    assert float(total(x, w)) == 40 * 600 * 800 * 4
    concrete = total.get_concrete_function(x, w)
    assert products(concrete.function.executable.graph) == (["f32[600, 800]"], [])
    assert any("much memory" in str(d) for s in concrete.function.steps for d in s.declined)


def test_it_says_what_it_did() -> None:
    args = [tf.constant(a) for a in (X, W, U, BIAS)]
    step = tf.function(lambda *a: slopes(by_index, *a))
    steps = step.get_concrete_function(*args).function.steps
    done = {c.detail for s in steps if s.name == "scans" for c in s.applied}
    assert done == {
        "a row that the loop goes over", "one product for all rows, before the loop",
        "kept from the loop before", "its matrix is turned before the loop",
        "summed for all rows, after the loop",
    }  # fmt: skip


def test_split_is_read_in_place() -> None:
    def halves(x: Any) -> Any:
        a, b = tf.split(x, 2, axis=1)
        return tf.exp(a) + b

    x = tf.constant(X[:, 0, :4])
    plan = tf.function(halves).get_concrete_function(x).function.executable.plan
    assert len(plan.steps) == 1
    np.testing.assert_allclose(tf.function(halves)(x), halves(x), rtol=1e-6)
