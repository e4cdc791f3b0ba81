"""Static graphs: built by calls, run in parts by sessions (tf.compat.v1)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import graphc as tf

v1 = tf.compat.v1


@pytest.fixture
def graph() -> Iterator[tf.Graph]:
    with tf.Graph().as_default() as made:
        yield made
    assert tf.executing_eagerly()


def test_placeholders_are_fed_and_sizes_may_vary(graph) -> None:
    x = v1.placeholder(tf.float32, [None, 2], name="x")
    y = tf.reduce_sum(x * 2.0, axis=0)
    with v1.Session() as session:
        for rows in (1, 3):
            np.testing.assert_array_equal(
                session.run(y, feed_dict={x: np.ones((rows, 2))}), [2 * rows, 2 * rows]
            )
        assert y.eval({"x:0": [[1, 2]]}).tolist() == [2, 4]


def test_a_placeholder_that_is_not_fed_is_named(graph) -> None:
    x = v1.placeholder(tf.float32, [2], name="x")
    with v1.Session() as session:
        with pytest.raises(tf.errors.InvalidArgumentError, match="placeholder tensor 'x'"):
            session.run(x + 1.0)
        with pytest.raises(ValueError, match=r"shape \(3,\) for Tensor x:0"):
            session.run(x, {x: [1, 2, 3]})
        with pytest.raises(TypeError, match="cannot be a tf.Tensor"):
            session.run(x, {x: x})


def test_only_what_is_asked_for_runs(graph) -> None:
    seen: list[int] = []
    v = tf.Variable(1)
    tf.numpy_function(lambda: seen.append(1) or np.int32(1), [], tf.int32)
    add = v.assign_add(10)
    with v1.Session() as session:
        session.run(v1.global_variables_initializer())
        assert session.run(v * 2) == 2
        assert session.run(add) == 11
        assert session.run(v) == 11
    assert not seen


def test_each_session_has_its_own_values(graph) -> None:
    v = tf.Variable([1.0, 2.0], name="v")
    first, second = v1.Session(), v1.Session()
    with pytest.raises(tf.errors.FailedPreconditionError, match="uninitialized value v"):
        first.run(v)
    for session in (first, second):
        session.run(v.initializer)
    first.run(v.assign([5.0, 6.0]))
    assert first.run("v:0").tolist() == [5, 6]
    assert second.run(v).tolist() == [1, 2]


def test_control_dependencies_order_reads_and_writes(graph) -> None:
    v = tf.Variable(0)
    add = v.assign_add(1)
    with tf.control_dependencies([add]):
        after = tf.identity(v)
        both = tf.group(v.assign_sub(5))
    with v1.Session() as session:
        session.run(v1.global_variables_initializer())
        assert [session.run(v), session.run(after), session.run(v)] == [0, 1, 1]
        assert session.run(both) is None
        assert session.run(v) == -3


def test_fetches_may_be_nested_and_intermediates_fed(graph) -> None:
    a = tf.constant(2.0)
    b = a * 3.0
    c = b + 1.0
    with v1.Session() as session:
        assert session.run({"b": b, "pair": (c, [a])}) == {"b": 6.0, "pair": (7.0, [2.0])}
        assert session.run(c, {b: 10.0}) == 11.0


def test_control_flow_and_assignments_in_branches(graph) -> None:
    x = v1.placeholder(tf.int32, [])
    v = tf.Variable(0)
    chosen = tf.cond(x > 0, lambda: v.assign_add(x), lambda: v.assign(-1))
    total = tf.while_loop(lambda i, s: i < x, lambda i, s: (i + 1, s + i), (0, 0))[1]
    with v1.Session() as session:
        session.run(v1.global_variables_initializer())
        assert session.run(total, {x: 5}) == 10
        assert [session.run(chosen, {x: n}) for n in (3, 3, -1)] == [3, 6, -1]
        assert session.run(v) == -1


def test_random_numbers_are_new_in_each_run(graph) -> None:
    a, b = tf.random.normal([3]), tf.random.normal([3])
    with v1.Session() as session:
        (x, y), z = session.run([a, b]), session.run(a)
        assert (x != y).all() and (x != z).all()


def test_gradients_and_hessians(graph) -> None:
    x = v1.placeholder(tf.float32, [2])
    y = x * x * x
    half = tf.gradients(y * x, x, stop_gradients=y)[0]
    with v1.Session() as session:
        (slope,), (second,) = session.run([tf.gradients(y, x), tf.hessians(y, x)], {x: [1, 2]})
        assert slope.tolist() == [3, 12] and second.tolist() == [[6, 0], [0, 12]]
        assert session.run(half, {x: [1, 2]}).tolist() == [1, 8]
    assert tf.gradients(tf.constant(1.0), x) == [None]


def test_variables_by_name(graph) -> None:
    with v1.variable_scope("layer"):
        w = v1.get_variable("w", [2, 3])
        with pytest.raises(ValueError, match="layer/w already exists, disallowed"):
            v1.get_variable("w", [2, 3])
    with v1.variable_scope("layer", reuse=True):
        assert v1.get_variable("w") is w
        with pytest.raises(ValueError, match="layer/b does not exist"):
            v1.get_variable("b")
    with v1.variable_scope("layer", reuse=v1.AUTO_REUSE):
        assert v1.get_variable("w", [2, 3]) is w
        b = v1.get_variable("b", [3], initializer=tf.zeros_initializer())
    assert w.name == "layer/w:0" and v1.trainable_variables("layer") == [w, b]
    assert tf.Variable(1, name="w").name == "w:0" and tf.Variable(1, name="w").name == "w_1:0"


# Five steps from w = [1, 2] with gradients 2 * w, as TensorFlow 2.21 computes them.
STEPS = {
    "GradientDescentOptimizer(0.1)": [0.32767996191978455, 0.6553599238395691],
    "MomentumOptimizer(0.1, 0.9)": [-0.5804200172424316, -1.1608400344848633],
    "MomentumOptimizer(0.1, 0.9, use_nesterov=True)": [-0.4157175123691559, -0.8314350247383118],
    "AdagradOptimizer(0.1)": [0.6997695565223694, 1.6872988939285278],
    "RMSPropOptimizer(0.1)": [0.3990948796272278, 1.1548467874526978],
    "RMSPropOptimizer(0.1, momentum=0.5, centered=True)": [
        0.061274826526641846,
        0.5456651449203491,
    ],
    "AdamOptimizer(0.1)": [0.5079652070999146, 1.5029573440551758],
}


@pytest.mark.parametrize("made", STEPS)
def test_optimizers_take_tensorflows_steps(graph, made: str) -> None:
    v = tf.Variable([1.0, 2.0])
    train = eval(f"v1.train.{made}").minimize(tf.reduce_sum(v * v))
    with v1.Session() as session:
        session.run(v1.global_variables_initializer())
        for _ in range(5):
            session.run(train)
        np.testing.assert_allclose(session.run(v), STEPS[made], rtol=1e-5)


def test_a_regression_learns() -> None:
    rng = np.random.default_rng(0)
    data = rng.normal(size=(64, 3)).astype(np.float32)
    target = data @ np.array([[1.0], [2.0], [3.0]], np.float32) + 0.5
    with tf.Graph().as_default():
        x = v1.placeholder(tf.float32, [None, 3])
        y = v1.placeholder(tf.float32, [None, 1])
        loss = v1.losses.mean_squared_error(y, v1.layers.dense(x, 1))
        step = v1.train.get_or_create_global_step()
        train = v1.train.AdamOptimizer(0.1).minimize(loss, global_step=step)
        with v1.Session() as session:
            session.run(v1.global_variables_initializer())
            for _ in range(200):
                session.run(train, {x: data, y: target})
            assert session.run(loss, {x: data, y: target}) < 1e-5
            assert session.run(step) == 200


def test_eager_execution_can_be_switched_off_and_on() -> None:
    v1.disable_eager_execution()
    try:
        assert not tf.executing_eagerly()
        x = v1.placeholder(tf.float32, [])
        with v1.Session() as session:
            assert session.run(x * 2, {x: 3}) == 6
    finally:
        v1.enable_eager_execution()
        v1.reset_default_graph()
    assert tf.executing_eagerly() and int(tf.constant(1) + 1) == 2
    with pytest.raises(RuntimeError, match="not compatible with eager"):
        v1.placeholder(tf.float32, [])
    with pytest.raises(RuntimeError, match="GradientTape"):
        tf.gradients(tf.constant(1.0), tf.constant(1.0))


def test_functions_are_called_in_graphs(graph) -> None:
    x = v1.placeholder(tf.float32, [2])
    y = tf.function(lambda t: t * 2.0)(x)
    with v1.Session() as session:
        assert session.run([y, tf.gradients(y, x)[0]], {x: [1, 2]})[1].tolist() == [2, 2]
