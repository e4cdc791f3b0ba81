"""Loops of recurrent layers: what of them is inside the loop, in the plan, and eager agreement."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc import keras

layers = keras.layers
draws = np.random.default_rng(0)
WORDS = np.where(np.arange(6) < draws.integers(2, 7, (8, 1)), draws.integers(1, 20, (8, 6)), 0)
X = draws.normal(size=(3, 5, 2)).astype(np.float32)
MASK = np.array([[0, 1, 1, 0, 1], [1, 1, 1, 1, 1], [0, 0, 0, 0, 0]], bool)


def graph_of_training(layer: Any, masked: bool, length: int | None = 6) -> Any:
    """The compiled training step of a text model, its number of rows open."""
    embedding = layers.Embedding(20, 4, mask_zero=masked)
    model = keras.Sequential([keras.Input((length,)), embedding, layer, layers.Dense(2)])
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(WORDS, WORDS[:, 0] % 2, epochs=1, batch_size=5, verbose=0)
    step = model.train_function.function
    data = tf.TensorSpec((None, 6), tf.int64), tf.TensorSpec((None,), tf.int64)
    concrete = step.get_concrete_function(data)
    assert step.experimental_get_tracing_count() == 1  # for both sizes of batches
    return concrete.function.executable.graph


def in_loops(graph: Any) -> list[Any]:
    return [n for loop in graph.nodes if loop.op.name == "for" for n in loop.regions["body"].walk()]


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("kind", ["SimpleRNN", "LSTM", "GRU"])
def test_a_loop_has_two_products_an_iteration(kind: str, masked: bool) -> None:
    """h @ U and the gradient of h; what concerns the inputs and the weights is one for all."""
    graph = graph_of_training(getattr(layers, kind)(3), masked)
    names = [n.op.name for n in in_loops(graph)]
    assert [n.op.name for n in graph.nodes].count("for") == 2
    assert "while" not in [n.op.name for n in graph.walk()]
    assert names.count("matmul") == 2
    assert not {"gather", "scatter_add", "set_row", "transpose"}.intersection(names)


def test_both_directions_have_loops_alike() -> None:
    graph = graph_of_training(layers.Bidirectional(layers.GRU(3)), True)
    names = [n.op.name for n in in_loops(graph)]
    assert [n.op.name for n in graph.nodes].count("for") == 4 and names.count("matmul") == 4
    assert not {"gather", "scatter_add"}.intersection(names)


def test_an_open_number_of_steps_is_a_loop_too() -> None:
    graph = graph_of_training(layers.LSTM(3), True, None)
    assert [n.op.name for n in graph.nodes].count("for") == 2


OPTIONS: list[dict[str, Any]] = [
    {}, {"return_sequences": True}, {"go_backwards": True, "return_sequences": True},
    {"return_sequences": True, "zero_output_for_mask": True}, {"unroll": True},
    {"return_sequences": True, "time_major": True},
]  # fmt: skip


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_compiled_gradients_are_the_eager_ones(options: dict[str, Any], masked: bool) -> None:
    layer = layers.RNN([layers.GRUCell(3), layers.LSTMCell(2)], **options)
    turn = options.get("time_major", False)
    x = tf.constant(X.transpose(1, 0, 2) if turn else X)
    mask = tf.constant(MASK.T if turn else MASK) if masked else None
    weights = tf.constant(draws.normal(size=layer(x, mask=mask).shape).astype(np.float32))

    def slopes(x: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, mask=mask)
            loss = tf.reduce_sum(y * weights)
        return y, *tape.gradient(loss, [x, *layer.trainable_variables])

    for a, b in zip(tf.function(slopes)(x), slopes(x), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_states_given_go_through_masked_steps() -> None:
    """The output of masked first steps is zeros; the state is the given one."""
    layer = layers.GRU(2, return_sequences=True, return_state=True)
    begin = tf.ones((3, 2))
    for run in (layer, tf.function(layer)):
        outputs, state = run(tf.constant(X), mask=tf.constant(MASK), initial_state=[begin])
        np.testing.assert_array_equal(outputs[2], np.zeros((5, 2)))
        np.testing.assert_array_equal(state[2], np.ones(2))
        np.testing.assert_array_equal(outputs[0, 0], np.zeros(2))
        np.testing.assert_array_equal(outputs[0, 3], outputs[0, 2])


@pytest.mark.parametrize("length", [5, None])
@pytest.mark.parametrize(
    "make",
    [
        lambda: layers.GRU(3, dropout=0.5, return_sequences=True),
        lambda: layers.LSTM(3, dropout=0.5, recurrent_dropout=0.5, return_sequences=True),
        lambda: layers.SpatialDropout1D(0.5),
    ],
    ids=["GRU", "LSTM", "SpatialDropout1D"],
)
def test_noise_that_steps_share_is_drawn_for_any_number_of_rows(make: Any, length: Any) -> None:
    layer = make()
    spec = tf.TensorSpec((None, length, 2), tf.float32)
    run = tf.function(lambda x: layer(x, training=True), input_signature=[spec])
    for rows in (2, 3):
        assert run(tf.constant(X[:rows])).shape[:2] == (rows, 5)
    assert run.experimental_get_tracing_count() == 1
