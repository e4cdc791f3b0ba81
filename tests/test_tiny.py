"""One small test per promise to the user: run this first, it takes seconds."""

from __future__ import annotations

import subprocess
import sys
import traceback
from pathlib import Path

import numpy as np
import pytest

import graphc as tf


def test_eager_is_numpy_with_tensorflows_names() -> None:
    x = tf.constant([[1.0, 2.0], [3.0, 4.0]])
    y = tf.reduce_sum(x @ x + 1, axis=0)
    np.testing.assert_array_equal(y.numpy(), [24.0, 34.0])
    assert y.dtype == tf.float32 and y.shape == (2,)
    np.testing.assert_array_equal(np.sqrt(x), np.sqrt(x.numpy()))


def test_dtypes_are_never_mixed_silently() -> None:
    with pytest.raises(TypeError, match="float32.*int32|int32.*float32"):
        tf.constant(1.0) + tf.constant(1)


def test_variables_are_updated_in_place() -> None:
    v = tf.Variable([1.0, 2.0])
    v.assign_add([1.0, 1.0])
    v[0].assign(7.0)
    np.testing.assert_array_equal(v.numpy(), [7.0, 3.0])


def test_the_tape_gives_gradients_of_any_order() -> None:
    x = tf.Variable(3.0)
    with tf.GradientTape() as outer:
        with tf.GradientTape() as inner:
            y = x * x * x
        slope = inner.gradient(y, x)
    assert float(slope) == 27.0
    assert float(outer.gradient(slope, x)) == 18.0


def test_a_function_computes_what_eager_computes_and_is_traced_once() -> None:
    traces = []

    def f(x, y):
        traces.append(1)
        return tf.nn.softmax(tf.tanh(x) @ y + 0.5)

    compiled = tf.function(f)
    random = np.random.RandomState(0)
    for _ in range(3):
        x, y = (tf.constant(random.randn(4, 4).astype(np.float32)) for _ in range(2))
        np.testing.assert_allclose(compiled(x, y), f(x, y), rtol=1e-5, atol=1e-6)
    assert len(traces) == 4, "once for the graph, three times for eager"


def test_python_control_flow_becomes_graph_control_flow() -> None:
    @tf.function
    def powers(x, limit):
        count = 0
        while x < limit:
            if x < 0.0:
                break
            x = x * 2.0
            count += 1
        return x, count

    for start in (1.0, -1.0, 100.0):
        expected, steps = start, 0
        while 0 <= expected < 50:
            expected, steps = expected * 2, steps + 1
        value, count = powers(tf.constant(start), tf.constant(50.0))
        assert (float(value), int(count)) == (expected, steps)


def test_gradients_go_through_loops_inside_a_function() -> None:
    @tf.function
    def slope(x, n):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x
            for _ in tf.range(n):
                y = y * x
        return tape.gradient(y, x)

    assert float(slope(tf.constant(2.0), tf.constant(3))) == 4 * 2.0**3


def test_a_decorated_step_learns() -> None:
    (images, labels), _ = tf.keras.datasets.digits.load_data()
    x, y = (images.reshape(-1, 64) / 16).astype(np.float32), labels
    w = tf.Variable(tf.zeros([64, 10]))

    @tf.function
    def step(x, y):
        with tf.GradientTape() as tape:
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=x @ w)
            loss = tf.reduce_mean(losses)
        w.assign_sub(0.5 * tape.gradient(loss, w))
        return loss

    losses = [float(step(x, y)) for _ in range(100)]
    assert losses[0] == pytest.approx(np.log(10), rel=1e-5) and losses[-1] < 0.5
    assert np.mean(np.argmax(x @ w.numpy(), axis=1) == y) > 0.9


def test_the_graph_can_be_read_and_explained() -> None:
    @tf.function
    def f(x):
        hidden = tf.tanh(x)
        return hidden * 2.0

    x = tf.ones([2, 3])
    text = str(f.graph(x))
    assert "tanh" in text and "%hidden" in text and "f32[2, 3]" in text
    assert "tanh" in str(f.explain(x))


def test_a_mistake_is_reported_at_the_users_line() -> None:
    @tf.function
    def f(x):
        return tf.matmul(x, x)  # the line to be named

    with pytest.raises(ValueError) as caught:
        f(tf.ones([2, 3]))
    frames = traceback.extract_tb(caught.value.__traceback__)
    ours = [frame for frame in frames if frame.filename == __file__]
    assert ours[-1].line == "return tf.matmul(x, x)  # the line to be named"


def test_functions_can_run_eagerly_for_debugging() -> None:
    seen = []

    @tf.function
    def f(x):
        seen.append(float(x))
        return x

    tf.config.run_functions_eagerly(True)
    try:
        f(tf.constant(1.5))
    finally:
        tf.config.run_functions_eagerly(False)
    assert seen == [1.5]


def test_a_second_process_starts_from_the_disk_cache(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\n"
        "import graphc as tf\n"
        "@tf.function\n"
        "def f(x):\n"
        "    return tf.tanh(x) * 3.0 + 1.0\n"
        "print(float(f(tf.constant(0.0))), 'numba' in sys.modules)\n"
    )
    root = str(Path(__file__).parents[1])
    environment = {"GRAPHC_CACHE_DIR": str(tmp_path / "kernels"), "PYTHONPATH": root}
    outputs = [
        subprocess.run(
            [sys.executable, script], env=environment, check=True, capture_output=True, text=True
        ).stdout.split()
        for _ in range(2)
    ]
    assert outputs == [["1.0", "True"], ["1.0", "False"]]
