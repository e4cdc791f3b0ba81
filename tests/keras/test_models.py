"""Functional, Sequential and subclassed models: graphs, reuse, copies, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc import keras
from tests.keras import workloads

layers = keras.layers


def test_a_shared_layer_has_one_set_of_weights() -> None:
    model = workloads.two_headed(keras)
    assert [layer.name for layer in model.layers][:3] == ["a", "b", "shared"]
    assert len(model.weights) == 6 and model.output_names == ["number", "kind"]
    x, *_ = workloads.data(5)
    number, kind = model([x[:, :3], x[:, 3:]])
    w, b, *_ = model.get_layer("shared").get_weights()
    joined = np.concatenate([np.tanh(x[:, :3] @ w + b), np.tanh(x[:, 3:] @ w + b)], 1)
    w, b = model.get_layer("number").get_weights()
    np.testing.assert_allclose(number, joined @ w + b, rtol=1e-5)
    np.testing.assert_allclose(kind.numpy().sum(1), 1.0, rtol=1e-5)


def test_operators_between_layers_are_layers() -> None:
    x = keras.Input((4,))
    y = 1.0 - tf.reduce_sum(layers.Dense(3)(x) * 2.0, axis=-1, keepdims=True)
    y = tf.reshape(y, [tf.shape(x)[0], 1, 1])
    model = keras.Model(x, y)
    data = np.ones((5, 4), "float32")
    expected = 1 - 2 * model.layers[1](data).numpy().sum(-1).reshape(5, 1, 1)
    np.testing.assert_allclose(model(data), expected, rtol=1e-5)
    assert y.shape == (None, 1, 1) and model.predict(data[:2]).shape == (2, 1, 1)


def test_a_layer_that_is_called_twice_has_no_single_output() -> None:
    shared = workloads.two_headed(keras).get_layer("shared")
    assert shared.output_shape == (None, 4) and shared.get_output_at(1).shape == (None, 4)
    with pytest.raises(AttributeError, match="multiple inbound nodes"):
        _ = shared.output


def test_an_error_names_the_layer() -> None:
    model = keras.Sequential([layers.Dense(3), layers.Lambda(lambda x: x @ x, name="bad")])
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        model(tf.ones((2, 4)))
    assert 'calling layer "bad" (type Lambda) on inputs of shape' in caught.value.__notes__[-1]


def test_nested_models_and_parts_of_models() -> None:
    inner = workloads.two_headed(keras)
    a, b = keras.Input((3,)), keras.Input((3,))
    outer = keras.Model([a, b], layers.Add()(inner([a, b])[:1] * 2))
    x, *_ = workloads.data(4)
    parts = [x[:, :3], x[:, 3:]]
    np.testing.assert_allclose(outer(parts), 2 * inner(parts)[0], rtol=1e-6)
    feature = keras.Model(inner.inputs, inner.get_layer("shared").get_output_at(1))
    assert feature(parts).shape == (4, 4)
    assert {id(w) for w in outer.weights} == {id(w) for w in inner.weights}


def test_a_graph_that_is_cut_is_refused() -> None:
    a, b = keras.Input((2,)), keras.Input((2,))
    with pytest.raises(ValueError, match="Graph disconnected"):
        keras.Model(a, layers.Add()([a, b]))
    with pytest.raises(ValueError, match="must be the output of a"):
        keras.Model(a, tf.ones(3))
    with pytest.raises(TypeError, match="symbolic Keras input/output"):
        bool(a)


def test_sequential_builds_when_it_knows_its_input() -> None:
    model = keras.Sequential([layers.Dense(4), layers.Dense(2)])
    assert not model.built and model.weights == []
    assert model(tf.ones((3, 5))).shape == (3, 2) and len(model.weights) == 4
    model.add(layers.Dense(1))
    assert model(tf.ones((3, 5))).shape == (3, 1) and len(model.weights) == 6
    model.pop()
    assert model(tf.ones((3, 5))).shape == (3, 2)
    early = keras.Sequential([layers.Dense(4, input_shape=(5,))])
    early.add(layers.Dense(2))
    assert early.input_shape == (None, 5) and early.output_shape == (None, 2)
    early.pop()
    assert early.output_shape == (None, 4)
    late = keras.Sequential([layers.Dense(4)])
    late.build((None, 7))
    assert late.weights[0].shape == (7, 4)


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        (lambda: keras.Sequential([3]), TypeError, "must be an instance of class Layer"),
        (
            lambda: keras.Sequential([layers.Dense(1, name="a"), layers.Dense(1, name="a")]),
            ValueError,
            "should have unique names",
        ),
        (lambda: keras.Sequential().pop(), TypeError, "no layers"),
        (lambda: keras.Sequential([layers.Dense(1)]).summary(), ValueError, "not yet been built"),
        (lambda: workloads.classifier(keras).get_layer("x"), ValueError, "No such layer: x"),
        (lambda: workloads.classifier(keras).get_layer(index=9), ValueError, "only has 2 layers"),
        (lambda: keras.Model()(tf.ones(1)), NotImplementedError, "Unimplemented"),
        (lambda: keras.Input(), ValueError, "Please provide to Input"),
    ],
)
def test_mistakes(wrong: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        wrong()


class Residual(keras.Model):
    def build(self, input_shape):
        self.inner = layers.Dense(input_shape[-1])
        self.last = layers.Dense(1)
        super().build(input_shape)

    def call(self, inputs, training=None):
        return self.last(inputs + self.inner(inputs))


def test_a_subclass_builds_from_a_shape_or_from_data() -> None:
    model = Residual()
    model.build((None, 4))
    assert [w.shape for w in model.weights] == [(4, 4), (4,), (4, 1), (1,)]
    other = Residual()
    other.compile("sgd", "mse")
    other.fit(np.ones((8, 4)), np.ones((8, 1)), verbose=0)
    assert len(other.weights) == 4 and other.count_params() == 25


def test_copies_have_their_own_weights() -> None:
    for model in (workloads.classifier(keras), workloads.two_headed(keras)):
        copy = keras.models.clone_model(model)
        assert [w.shape for w in copy.weights] == [w.shape for w in model.weights]
        assert not {id(w) for w in copy.weights} & {id(w) for w in model.weights}
        json = keras.models.model_from_json(model.to_json())
        json.set_weights(model.get_weights())
        x, *_ = workloads.data(3)
        data = x if len(model.inputs) == 1 else [x[:, :3], x[:, 3:]]
        for mine, theirs in zip(
            tf.nest.flatten(model(data)), tf.nest.flatten(json(data)), strict=True
        ):
            np.testing.assert_array_equal(mine, theirs)


def test_losses_and_metrics_of_symbolic_tensors() -> None:
    x = keras.Input((3,))
    y = layers.Dense(2, use_bias=False)(x)
    model = keras.Model(x, y)
    model.add_loss(tf.reduce_mean(tf.abs(y)))
    model.add_metric(tf.reduce_max(y), name="top")
    model.compile(keras.optimizers.SGD(0.0))
    data = np.ones((4, 3), "float32")
    logs = model.fit(data, verbose=0).history
    found = model(data).numpy()
    assert logs["loss"][0] == pytest.approx(np.abs(found).mean(), rel=1e-5)
    assert logs["top"][0] == pytest.approx(found.max(), rel=1e-5)


def test_function_of_symbolic_tensors() -> None:
    model = workloads.classifier(keras)
    run = keras.backend.function([model.input], [model.layers[0].output])
    x, *_ = workloads.data(3)
    np.testing.assert_allclose(run([x])[0], model.layers[0](x), rtol=1e-6)
