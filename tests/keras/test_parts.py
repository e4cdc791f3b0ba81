"""Layers, losses, metrics and optimizers give what real Keras gives (recorded in keras.npz)."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as tf
from graphc import keras
from tests.keras import oracle

WANTED = oracle.recorded()


def compare(found: list, kind: str, line: str, rtol: float = 2e-4, atol: float = 3e-5) -> None:
    wanted = WANTED[f"{kind}: {line}"]
    assert len(found) == len(wanted)
    for mine, theirs in zip(found, wanted, strict=True):
        assert np.shape(mine) == theirs.shape
        np.testing.assert_allclose(mine, theirs, rtol=rtol, atol=atol)


@pytest.mark.parametrize("line", oracle.lines("layers"))
def test_layers(line: str) -> None:
    layer = oracle.make_layer(keras, line)
    arrays, options = oracle.inputs_of(line)
    oracle.call(layer, [tf.constant(a) for a in arrays], {})
    oracle.set_weights(layer)
    compare(oracle.outputs_and_gradients(tf, layer, arrays, options), "layers", line)


@pytest.mark.parametrize("line", oracle.lines("layers"))
def test_layers_from_their_config(line: str) -> None:
    layer = oracle.make_layer(keras, line)
    again = type(layer).from_config(layer.get_config())
    assert again.get_config() == layer.get_config()


@pytest.mark.slow
@pytest.mark.parametrize("line", oracle.lines("layers"))
def test_layers_in_graphs(line: str) -> None:
    arrays, options = oracle.inputs_of(line)
    layer = oracle.make_layer(keras, line)
    oracle.call(layer, [tf.constant(a) for a in arrays], {})
    oracle.set_weights(layer)

    @tf.function(autograph=False)
    def compute(*xs):
        return tf.nest.flatten(oracle.call(layer, list(xs), options))

    found = compute(*(tf.constant(a) for a in arrays))
    wanted = WANTED[f"layers: {line}"][: len(found)]
    for mine, theirs in zip(found, wanted, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=2e-4, atol=3e-5)


@pytest.mark.parametrize("line", oracle.lines("losses"))
def test_losses(line: str) -> None:
    compare(oracle.loss_results(tf, keras, line), "losses", line)
    text, kind = line.split(" @ ")
    loss = eval(text, dict(vars(keras.losses)))
    again = type(loss).from_config(loss.get_config())
    assert again.get_config() == loss.get_config()
    traced = tf.function(lambda *a: again(*a), autograph=False)
    y_true, y_pred = oracle.batch(kind, 1)
    np.testing.assert_allclose(
        traced(y_true, y_pred), WANTED[f"losses: {line}"][0], rtol=2e-4, atol=3e-5
    )


@pytest.mark.parametrize("line", oracle.lines("metrics"))
def test_metrics(line: str) -> None:
    compare(oracle.metric_results(tf, keras, line), "metrics", line)


@pytest.mark.parametrize("line", oracle.lines("metrics"))
def test_metrics_in_graphs(line: str) -> None:
    text, kind = line.split(" @ ")
    first = eval(text, dict(vars(keras.metrics)))
    metric = type(first).from_config(first.get_config())
    assert metric.get_config() == first.get_config()
    update = tf.function(lambda *batch: metric.update_state(*batch), autograph=False)
    for wanted, seed in zip(WANTED[f"metrics: {line}"][:2], range(2), strict=True):
        update(*(tf.constant(a) for a in oracle.batch(kind, seed)))
        np.testing.assert_allclose(metric.result(), wanted, rtol=2e-4, atol=3e-5)
    metric.reset_states()
    assert all(not np.any(v.numpy()) for v in metric.variables)


@pytest.mark.parametrize("line", oracle.lines("optimizers"))
def test_optimizers(line: str) -> None:
    compare(oracle.optimizer_results(tf, keras, line), "optimizers", line, rtol=1e-3, atol=1e-4)
    traced = oracle.optimizer_results(tf, keras, line, lambda f: tf.function(f, autograph=False))
    compare(traced, "optimizers", line, rtol=1e-3, atol=1e-4)
    optimizer = eval(line, dict(vars(keras.optimizers)))
    again = keras.optimizers.get(keras.optimizers.serialize(optimizer))
    assert again.get_config() == optimizer.get_config()
