"""Training logs what real Keras logs, and goes on under every kind of data and callback."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc import keras
from tests.keras import workloads

RECORDED = json.loads(Path(__file__).with_name("histories.json").read_text())["histories"]


@pytest.mark.parametrize("name", RECORDED)
def test_histories_are_those_of_keras(name: str) -> None:
    found, expected = workloads.WORKLOADS[name](keras), RECORDED[name]
    assert sorted(found) == sorted(expected)
    for key, values in expected.items():
        np.testing.assert_allclose(found[key], values, rtol=2e-4, atol=2e-5, err_msg=key)


def compiled(**options: Any) -> Any:
    model = workloads.classifier(keras)
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"], **options)
    return model


def test_a_smaller_last_batch_needs_no_new_program() -> None:
    model = compiled()
    x, _, classes = workloads.data(50)
    model.fit(x, classes, batch_size=16, epochs=2, validation_split=0.1, verbose=0)
    model.predict(x, batch_size=16)
    steps = (model.train_function, model.test_function, model.predict_function)
    assert [step.function.experimental_get_tracing_count() for step in steps] == [1, 1, 1]


def batches(x: np.ndarray, y: np.ndarray, size: int = 16) -> Any:
    return [(x[i : i + size], y[i : i + size]) for i in range(0, len(x), size)]


class Numbered(keras.utils.Sequence):
    def __init__(self, x: np.ndarray, y: np.ndarray) -> None:
        self.parts, self.epochs = batches(x, y), 0

    def __len__(self) -> int:
        return len(self.parts)

    def __getitem__(self, index: int) -> Any:
        return self.parts[index]

    def on_epoch_end(self) -> None:
        self.epochs += 1


def test_all_kinds_of_data_train_alike() -> None:
    x, _, y = workloads.data(50)
    sequence = Numbered(x, y)

    def endless() -> Any:
        while True:
            yield from batches(x, y)

    dataset = tf.data.Dataset.from_tensor_slices((x, y)).batch(16)
    ways: list[tuple[Any, Any, dict[str, Any]]] = [
        (x, y, {"batch_size": 16}),
        (tf.constant(x), tf.constant(y), {"batch_size": 16}),
        (x.tolist(), y.tolist(), {"batch_size": 16}),
        (x.astype("float64"), y, {"batch_size": 16}),
        (dataset, None, {}),
        (dataset.repeat(), None, {"steps_per_epoch": 4}),
        (endless(), None, {"steps_per_epoch": 4}),
        (sequence, None, {}),
    ]
    logs = [
        compiled().fit(data, labels, epochs=2, shuffle=False, verbose=0, **options).history["loss"]
        for data, labels, options in ways
    ]
    for each in logs[1:]:
        np.testing.assert_allclose(each, logs[0], rtol=1e-5)
    assert sequence.epochs == 2


def test_a_generator_that_ends_too_early_is_told() -> None:
    x, _, y = workloads.data(50)
    with pytest.warns(UserWarning, match="Your input ran out of data"):
        compiled().fit(iter(batches(x, y)), steps_per_epoch=9, epochs=1, verbose=0)


def test_run_eagerly_gives_the_same() -> None:
    x, _, y = workloads.data(50)
    options: dict[str, Any] = {"epochs": 2, "shuffle": False, "verbose": 0}
    staged = compiled().fit(x, y, **options).history
    eager = compiled(run_eagerly=True).fit(x, y, **options).history
    np.testing.assert_allclose(eager["loss"], staged["loss"], rtol=1e-5)


class Own(keras.Model):
    """Its own way of training, with its own metric."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = keras.layers.Dense(2)
        self.seen = keras.metrics.Mean(name="seen")

    def call(self, inputs):
        return self.dense(inputs)

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(self(x, training=True) - y))
        weights = self.trainable_variables
        self.optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        if loss > 1e6:  # staged, as in any function
            loss = loss * 0.0
        self.seen.update_state(loss)
        return {"seen": self.seen.result()}

    @property
    def metrics(self):
        return [self.seen]


def test_a_train_step_of_the_users() -> None:
    x, y, _ = workloads.data(50)
    model = Own()
    model.compile(keras.optimizers.SGD(0.1))
    found = model.fit(x, y, epochs=4, verbose=0).history["seen"]
    assert found == sorted(found, reverse=True) and found[-1] < found[0]
    assert [layer.name for layer in model.layers] == ["dense"] or len(model.layers) == 1
    assert len(model.weights) == 2


def test_one_batch_at_a_time() -> None:
    x, _, y = workloads.data(20)
    model = compiled()
    loss, accuracy = model.test_on_batch(x, y)
    assert model.metrics_names == ["loss", "accuracy"]
    np.testing.assert_allclose(model.evaluate(x, y, verbose=0), [loss, accuracy], rtol=1e-5)
    first = model.train_on_batch(x, y, return_dict=True)
    assert first["loss"] == pytest.approx(loss) and model.test_on_batch(x, y)[0] < loss
    np.testing.assert_allclose(model.predict_on_batch(x), model.predict(x, batch_size=7), rtol=1e-5)


def test_structures_of_inputs_and_outputs() -> None:
    a, b = keras.Input((2,), name="a"), keras.Input((4,), name="b")
    joined = keras.layers.Concatenate()([a, b])
    model = keras.Model({"a": a, "b": b}, {"y": keras.layers.Dense(2, name="y")(joined)})
    model.compile("sgd", {"y": "mse"}, metrics={"y": "mae"})
    x, y, _ = workloads.data(30)
    inputs = {"b": x[:, 2:], "a": x[:, :2]}
    history = model.fit(inputs, {"y": y}, verbose=0).history
    assert sorted(history) == ["loss", "mae"]
    assert model.predict(inputs)["y"].shape == (30, 2)
    with pytest.raises(ValueError, match="Missing data for input 'b'"):
        model.predict({"a": x[:, :2]})


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"metrics": ["mae"]}, ["number_mae", "kind_mae"]),
        ({"metrics": [["mae"], ["accuracy"]]}, ["number_mae", "kind_accuracy"]),
        ({"metrics": {"kind": "acc"}}, ["kind_acc"]),
        ({"weighted_metrics": [["mae"], []]}, ["number_mae"]),
        ({"loss_weights": [1.0, 2.0]}, []),
    ],
)
def test_metrics_of_several_outputs(options: dict[str, Any], names: list[str]) -> None:
    x, y, classes = workloads.data(20)
    model = workloads.two_headed(keras)
    model.compile("sgd", ["mse", "sparse_categorical_crossentropy"], **options)
    weights = [np.linspace(0.0, 1.0, 20), None]
    model.fit([x[:, :3], x[:, 3:]], [y, classes], sample_weight=weights, verbose=0)
    assert model.metrics_names == ["loss", "number_loss", "kind_loss", *names]
    logs = model.history.history
    number, kind = logs["number_loss"][0], logs["kind_loss"][0]
    factors = options.get("loss_weights", [1.0, 1.0])
    assert logs["loss"][0] == pytest.approx(factors[0] * number + factors[1] * kind, rel=1e-5)


def test_outputs_without_targets_and_unknown_names() -> None:
    x, y, classes = workloads.data(20)
    inputs, model = [x[:, :3], x[:, 3:]], workloads.two_headed(keras)
    model.compile("sgd", {"nothing": "mse"})
    with pytest.raises(ValueError, match=r"unexpected losses .* \['nothing'\]. Valid mode output"):
        model.fit(inputs, [y, classes], verbose=0)
    model.compile("sgd", {"number": "mse"})
    with pytest.warns(UserWarning, match="Gradients do not exist for variables"):
        logs = model.fit(inputs, {"number": y}, verbose=0).history
    assert logs.keys() == {"loss", "number_loss"}
    model.compile("sgd", ["mse", "mse"])
    with pytest.raises(ValueError, match="the model has 2 outputs .* got 1 targets"):
        model.fit(inputs, [y], verbose=0)


def test_frozen_layers_keep_their_weights() -> None:
    x, _, y = workloads.data(30)
    model = workloads.classifier(keras)
    model.layers[0].trainable = False
    model.compile("sgd", "sparse_categorical_crossentropy")
    before = model.get_weights()
    model.fit(x, y, verbose=0)
    kept = [np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True)]
    assert kept == [True, True, False, False]
    assert len(model.trainable_weights) == 2 and len(model.non_trainable_weights) == 2


class ByValue(keras.layers.Layer):
    def call(self, inputs):
        if np.sum(inputs.numpy()) > 1e6:
            return -inputs
        return inputs


def test_a_layer_that_needs_values_runs_as_python() -> None:
    x, y, _ = workloads.data(20)
    model = keras.Sequential([ByValue(), keras.layers.Dense(2)])
    model.compile("sgd", "mse")
    with pytest.warns(tf.errors.FallbackWarning, match="runs as Python on every call"):
        logs = model.fit(x, y, epochs=2, verbose=0).history
    assert logs["loss"][1] < logs["loss"][0]


def test_an_interrupted_fit_leaves_the_model_usable() -> None:
    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            raise KeyboardInterrupt

    x, _, y = workloads.data(30)
    model = compiled()
    with pytest.raises(KeyboardInterrupt):
        model.fit(x, y, verbose=0, callbacks=[Stop()])
    assert np.isfinite(model.fit(x, y, verbose=0).history["loss"]).all()


@pytest.mark.parametrize(
    ("mistake", "error", "message"),
    [
        (lambda m, x, y: m.fit(x, y[:5]), ValueError, "Data cardinality is ambiguous"),
        (lambda m, x, y: m.fit(x[:, :4], y), ValueError, r"expected shape=\(None, 6\), found"),
        (lambda m, x, y: m.compile("sgdd", "mse"), ValueError, "sgdd"),
        (lambda m, x, y: m.compile("sgd", "mse", speed=1), TypeError, "Invalid keyword"),
        (lambda m, x, y: m.fit(x, y, class_weight={1: 2.0}), ValueError, "Expected `class_weight`"),
        (lambda m, x, y: m.fit(x[:0], y[:0]), ValueError, "non-empty"),
        (lambda m, x, y: m.fit(iter([(x, y)]), y), ValueError, "`y` argument is not supported"),
        (lambda m, x, y: m.fit(x, y, validation_split=0.999), ValueError, "not sufficient"),
        (lambda m, x, y: keras.models.clone_model(m).fit(x, y), RuntimeError, "must compile"),
    ],
)
def test_mistakes_are_told_as_keras_tells_them(mistake: Any, error: Any, message: str) -> None:
    x, _, y = workloads.data(30)
    with pytest.raises(error, match=message):
        mistake(compiled(), x, y)
