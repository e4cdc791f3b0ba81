"""GradientTape: first and higher orders, persistence, watching, jacobians, custom gradients."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as tf


def test_gradient_of_a_variable_and_of_a_watched_tensor() -> None:
    v, x = tf.Variable([1.0, 2.0]), tf.constant([3.0, 4.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reduce_sum(v * v * x)
    dv, dx = tape.gradient(y, [v, x])
    assert dv.numpy().tolist() == [6, 16] and dx.numpy().tolist() == [1, 4]


def test_structures_of_sources_are_kept() -> None:
    a, b = tf.Variable(2.0), tf.Variable(3.0)
    with tf.GradientTape() as tape:
        y = a * b
    grads = tape.gradient(y, {"a": a, "rest": (b,)})
    assert float(grads["a"]) == 3 and float(grads["rest"][0]) == 2


def test_third_derivative() -> None:
    x = tf.Variable(2.0)
    with tf.GradientTape() as t3:
        with tf.GradientTape() as t2:
            with tf.GradientTape() as t1:
                y = x**4
            first = t1.gradient(y, x)
        second = t2.gradient(first, x)
    third = t3.gradient(second, x)
    np.testing.assert_allclose([first, second, third], [32, 48, 48], rtol=1e-5)


def test_unconnected_sources() -> None:
    x, y = tf.Variable(1.0), tf.Variable([1.0, 2.0])
    with tf.GradientTape(persistent=True) as tape:
        z = x * 2
    assert tape.gradient(z, y) is None
    zero = tape.gradient(z, y, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    assert zero.numpy().tolist() == [0, 0]


def test_a_tape_is_used_once_unless_persistent() -> None:
    x = tf.Variable(1.0)
    with tf.GradientTape() as tape:
        y = x * x
    tape.gradient(y, x)
    with pytest.raises(RuntimeError, match="persistent=True"):
        tape.gradient(y, x)


def test_stop_recording_and_stop_gradient() -> None:
    x = tf.Variable(3.0)
    with tf.GradientTape(persistent=True) as tape:
        with tape.stop_recording():
            hidden = x * x
        y = x * tf.stop_gradient(x) + hidden
    assert float(tape.gradient(y, x)) == 3.0


def test_untrainable_variables_need_watching() -> None:
    v = tf.Variable(2.0, trainable=False)
    with tf.GradientTape(persistent=True) as tape:
        y = v * v
    assert tape.gradient(y, v) is None
    with tf.GradientTape() as tape:
        tape.watch(v)
        y = v * v
    assert float(tape.gradient(y, v)) == 4.0


def test_output_gradients_weigh_targets() -> None:
    x = tf.Variable([1.0, 2.0])
    with tf.GradientTape() as tape:
        y = x * x
    assert tape.gradient(y, x, output_gradients=[10.0, 1.0]).numpy().tolist() == [20, 4]


def test_the_gradient_uses_the_value_at_the_time() -> None:
    x = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        y = x * x
    x.assign(100.0)
    assert float(tape.gradient(y, x)) == 6.0


def test_jacobian_and_batch_jacobian() -> None:
    x = tf.constant([[1.0, 2.0], [3.0, 4.0]])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = x * x
    full = tape.jacobian(y, x).numpy()
    assert full.shape == (2, 2, 2, 2) and full[1, 0, 1, 0] == 6 and full[0, 0, 1, 0] == 0
    rows = tape.batch_jacobian(y, x).numpy()
    np.testing.assert_allclose(rows, [np.diag([2, 4]), np.diag([6, 8])])


def test_sources_must_be_tensors() -> None:
    with tf.GradientTape() as tape:
        y = tf.Variable(1.0) * 2
    with pytest.raises(ValueError, match="sources are tensors"):
        tape.gradient(y, 3.0)


def test_a_source_that_is_not_watched_has_no_gradient() -> None:
    a, b = tf.constant(2.0), tf.constant(3.0)
    with tf.GradientTape() as tape:
        tape.watch(a)
        y = a * b
    assert [g if g is None else float(g) for g in tape.gradient(y, [a, b, a])] == [3.0, None, 3.0]


def test_integers_have_no_gradient() -> None:
    count, x = tf.constant(3), tf.Variable(2.5)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(count)
        y = tf.cast(count, tf.float32) * x
        whole = tf.cast(x, tf.int32) * 2
        z = tf.cast(whole, tf.float32) * x + tf.cast(x, tf.float64)._array.item()
    assert tape.gradient(y, count) is None and tape.gradient(whole, x) is None
    assert float(tape.gradient(z, x)) == 4.0  # nothing comes through the integers
    wide = tape.gradient(tf.cast(x, tf.float64), x)
    assert wide is None  # made after the tape was closed


def test_intermediate_results_and_the_target_itself_as_sources() -> None:
    a = tf.Variable(2.0)
    with tf.GradientTape(persistent=True) as tape:
        b = a * a
        y = b * b * a
    assert [float(g) for g in tape.gradient(y, [a, b, y])] == [80.0, 16.0, 1.0]
    assert float(tape.gradient(b, a)) == 4.0 and float(tape.gradient(a, a)) == 1.0


def test_gradients_computed_while_the_tape_records() -> None:
    x = tf.Variable(2.0)
    with tf.GradientTape(persistent=True) as tape:
        y = x * x * x
        first = tape.gradient(y, x)
        z = first * x
        with tape.stop_recording():
            hidden = tape.gradient(y, x)
        w = y * hidden
    assert float(tape.gradient(z, x)) == 36.0 and float(tape.gradient(w, x)) == 144.0


def test_reset_and_watched_variables() -> None:
    a, b = tf.Variable(3.0), tf.Variable(2.0)
    fixed = tf.Variable(1.0, trainable=False)
    with tf.GradientTape() as tape:
        y = b * a * fixed
        assert [v is w for v, w in zip(tape.watched_variables(), (b, a), strict=True)] == [True] * 2
        tape.reset()
        z = a * 2.0
    assert float(tape.gradient([y, z], a)) == 2.0


def test_targets_in_structures_and_their_weights() -> None:
    a = tf.Variable([1.0, 2.0])
    with tf.GradientTape(persistent=True) as tape:
        y = [a * a, {"k": a * 3.0}]
    assert tape.gradient(y, a).numpy().tolist() == [5, 7]
    weights = [[1.0, 0.0], {"k": [0.0, 1.0]}]
    assert tape.gradient(y, a, output_gradients=weights).numpy().tolist() == [2, 3]
    assert tape.gradient(y, a, output_gradients=[None, {"k": [0.0, 0.0]}]).numpy().tolist() == [
        2,
        4,
    ]
    with pytest.raises(ValueError, match="structure of the target"):
        tape.gradient(y, a, output_gradients=[[1.0, 0.0]])


@pytest.mark.parametrize("staged", [False, True])
def test_nothing_passes_through_an_assignment(staged: bool) -> None:
    v, x = tf.Variable(2.0), tf.Variable(3.0)

    def f(p):
        with tf.GradientTape() as tape:
            y = v * x
            if p > 0:
                v.assign(x * 4.0)
                y = y + v
            y = y * v
        return y, *tape.gradient(y, [v, x])

    run = tf.function(f) if staged else f
    assert [float(t) for t in run(tf.constant(1.0))] == [216.0, 66.0, 24.0]
    v.assign(2.0)
    assert [float(t) for t in run(tf.constant(-1.0))] == [12.0, 12.0, 4.0]


def test_an_assignment_inside_of_a_function_under_a_tape() -> None:
    x, total = tf.Variable(3.0), tf.Variable(0.0)

    @tf.function
    def f(a):
        total.assign_add(a)
        return a * total

    with tf.GradientTape() as tape:
        y = f(x)
    assert [float(t) for t in (y, *tape.gradient(y, [x, total]))] == [9.0, 3.0, 3.0]


def test_slopes_where_functions_have_none() -> None:
    x, zero = tf.Variable([0.0, 4.0]), tf.Variable([0.0, 0.0])
    with tf.GradientTape(persistent=True) as tape:
        root = tf.sqrt(x)
        chosen = tf.where(x > 0, tf.sqrt(x), 0.0)
        twice = tf.where(x > 0, tf.sqrt(tf.where(x > 0, x, 1.0)), 0.0)
        norm, log = tf.norm(zero), tf.math.xlogy(zero, zero)
        clipped, length = tf.clip_by_norm(zero, 1.0), tf.math.divide_no_nan(x, x)
    assert tape.gradient(root, x).numpy().tolist() == [np.inf, 0.25]
    assert tape.gradient(chosen, x).numpy().tolist() == [0.0, 0.25]
    assert tape.gradient(twice, x).numpy().tolist() == [0.0, 0.25]
    assert np.isnan(tape.gradient(norm, zero).numpy()).all()
    assert tape.gradient(log, zero).numpy().tolist() == [0.0, 0.0]
    assert tape.gradient(clipped, zero).numpy().tolist() == [1.0, 1.0]
    assert tape.gradient(length, x).numpy().tolist() == [0.0, 0.0]


def test_the_same_gradient_again_and_again() -> None:
    """From its fourth use on a rule runs as numpy calls; options must not be mixed up."""
    a = tf.constant(np.arange(16.0, dtype=np.float32).reshape(4, 4))
    wanted = {False: a.numpy().sum(1), True: a.numpy().sum(0)}
    for _ in range(6):
        for flip in (False, True):
            x = tf.Variable(a)
            with tf.GradientTape() as tape:
                y = tf.reduce_sum(tf.matmul(x, a, transpose_b=not flip)[1:3, ::2])
            part = tf.matmul if flip else (lambda g, b, transpose_b: tf.matmul(g, b))
            g = np.zeros((4, 4), np.float32)
            g[1:3, ::2] = 1
            np.testing.assert_allclose(tape.gradient(y, x), part(g, a, transpose_b=True))
    assert wanted[True].shape == (4,)


def test_printing_under_a_tape_is_no_op_with_a_gradient() -> None:
    x = tf.Variable(2.0)
    with tf.GradientTape() as tape:
        y = x * x
        tf.debugging.assert_greater(y, 0.0)
    assert float(tape.gradient(y, x)) == 4.0


@pytest.mark.parametrize("staged", [False, True])
def test_forward_mode(staged: bool) -> None:
    def f(x):
        with tf.autodiff.ForwardAccumulator(x, tf.constant([1.0, 2.0])) as accumulator:
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = tf.reduce_sum(x**3) * x[0]
            g = tape.gradient(y, x)
        return accumulator.jvp(y), accumulator.jvp(g)

    along, curved = (tf.function(f) if staged else f)(tf.constant([2.0, 3.0]))
    assert float(along) == 167.0 and curved.numpy().tolist() == [102.0, 99.0]


def test_forward_mode_of_what_does_not_depend() -> None:
    x, other = tf.constant(2.0), tf.constant([1.0, 1.0])
    with tf.autodiff.ForwardAccumulator(x, tf.constant(1.0)) as accumulator:
        y = other * 2.0
    assert accumulator.jvp(y) is None
    zero = accumulator.jvp(y, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    assert zero.numpy().tolist() == [0, 0]
    with pytest.raises(ValueError, match="tangent of shape"):
        tf.autodiff.ForwardAccumulator(x, other)
