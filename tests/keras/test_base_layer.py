"""Layers: weights, calls, masks, losses, names and configs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as tf
from graphc import keras
from graphc.keras.engine.base_layer import Layer
from graphc.keras.engine.input_spec import InputSpec


class Linear(Layer):
    def __init__(self, units: int = 3, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        self.w = self.add_weight("w", shape=(input_shape[-1], self.units), initializer="ones")
        self.b = self.add_weight(shape=(self.units,), name="b", initializer="zeros")
        self.seen = self.add_weight("seen", (), "int32", trainable=False)
        self.input_spec = InputSpec(min_ndim=2, axes={-1: input_shape[-1]})

    def call(self, inputs):
        self.seen.assign_add(1)
        return inputs @ self.w + self.b


class Bare(Layer):
    def __init__(self) -> None:
        pass


class Nested(Layer):
    def __init__(self) -> None:
        super().__init__()
        self.parts = {"a": [Linear(2)], "b": Linear(1)}
        self.scale = tf.Variable(2.0, name="scale")

    def call(self, inputs, training=None):
        return self.parts["b"](self.parts["a"][0](inputs)) * self.scale


def test_weights_are_made_by_the_first_call() -> None:
    keras.backend.clear_session()
    layer = Linear()
    assert not layer.built and layer.weights == []
    assert layer(np.ones((2, 4))).numpy().tolist() == [[4.0] * 3] * 2
    assert [w.name for w in layer.weights] == ["linear/w:0", "linear/b:0", "linear/seen:0"]
    assert [w.name for w in layer.non_trainable_weights] == ["linear/seen:0"]
    assert layer.count_params() == 4 * 3 + 3 + 1 and layer.seen.numpy() == 1


def test_layers_inside_are_found_and_frozen() -> None:
    keras.backend.clear_session()
    layer = Nested()
    layer(tf.ones((2, 4)))
    names = ["scale:0", "nested/linear/w:0", "nested/linear/b:0"]
    assert [w.name for w in layer.trainable_weights][:3] == names
    assert len(layer.weights) == 7 and len(layer.submodules) == 2
    layer.trainable = False
    assert layer.trainable_weights == [] and not layer.parts["b"].trainable
    layer.parts["b"].trainable = True
    assert [w.name for w in layer.trainable_weights] == [
        "nested/linear_1/w:0",
        "nested/linear_1/b:0",
    ]


def test_set_weights_changes_all_or_nothing() -> None:
    layer = Linear(2, name="mine")
    layer.build((None, 2))
    before = layer.get_weights()
    with pytest.raises(ValueError, match='on layer "mine" with a weight list of length 1'):
        layer.set_weights([before[0]])
    with pytest.raises(ValueError, match=r"Layer mine weight shape \(2,\) is not compatible"):
        layer.set_weights([before[0] * 5, np.zeros(7), before[2]])
    assert all(map(np.array_equal, layer.get_weights(), before))


def test_an_input_that_does_not_fit_is_named() -> None:
    layer = Linear(name="mine")
    layer(tf.ones((1, 4)))
    with pytest.raises(ValueError, match='Input 0 of layer "mine" is incompatible .* axis -1'):
        layer(tf.ones((1, 5)))
    with pytest.raises(ValueError, match="expected min_ndim=2, found ndim=1. Full shape"):
        layer(tf.ones((4,)))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Linear(uints=3), TypeError, "Keyword argument not understood"),
        (lambda: Linear()(), ValueError, "first argument to `Layer.call`"),
        (lambda: Bare()(1.0), RuntimeError, "forgot to call"),
        (lambda: Linear().count_params(), ValueError, "isn't built"),
        (lambda: Linear().output, AttributeError, "no inbound nodes"),
    ],
)  # fmt: skip
def test_mistakes(make: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        make()


def test_inputs_take_the_layers_dtype() -> None:
    assert Linear()(np.ones((1, 2), "float64")).dtype == tf.float32
    assert Linear(dtype="float64")(np.ones((1, 2), "float32")).dtype == tf.float64
    assert Linear(dtype="float64").dtype == "float64"


class Phase(Layer):
    def call(self, inputs, training=None):
        return inputs + (1.0 if training else 0.0)


def test_the_phase_comes_from_the_call_around() -> None:
    class Around(Layer):
        def __init__(self) -> None:
            super().__init__()
            self.inner = Phase()

        def call(self, inputs):
            return self.inner(inputs)

    around = Around()
    assert float(around(0.0)) == 0.0 and float(around(0.0, training=True)) == 1.0
    assert float(Phase()(0.0, training=True)) == 1.0
    keras.backend.set_learning_phase(1)
    try:
        assert float(around(0.0)) == 1.0
    finally:
        keras.backend.clear_session()


class Hide(Layer):
    def call(self, inputs):
        return inputs

    def compute_mask(self, inputs, mask=None):
        return tf.not_equal(inputs, 0.0)


class Pass(Layer):
    supports_masking = True


class Count(Layer):
    supports_masking = True

    def call(self, inputs, mask=None):
        return tf.reduce_sum(tf.cast(mask, tf.float32)) if mask is not None else tf.constant(-1.0)

    def compute_mask(self, inputs, mask=None):
        return None


def test_masks_travel_with_tensors() -> None:
    x = tf.constant([[1.0, 0.0, 3.0]])

    def run(x):
        return Count()(Pass()(Hide()(x)))

    assert float(run(x)) == 2.0 and float(tf.function(run)(x)) == 2.0
    symbolic = keras.Input((3,))
    model = keras.models.Model(symbolic, Count()(Pass()(Hide()(symbolic))))
    assert float(model(x)) == 2.0 and float(Count()(x)) == -1.0
    with pytest.raises(TypeError, match="does not support masking"):
        Linear()(Hide()(x))
        Linear().compute_mask(x, tf.constant(True))


class Penalty(Layer):
    def call(self, inputs):
        self.add_loss(tf.reduce_sum(inputs))
        return inputs


def test_losses_are_those_of_the_last_call() -> None:
    layer = Penalty()
    layer(tf.ones(3))
    layer(tf.ones(2))
    assert [float(loss) for loss in layer.losses] == [2.0]
    w = Linear(1)
    w.add_weight("r", (2,), initializer="ones", regularizer=keras.regularizers.l2(0.5))
    assert [float(loss) for loss in w.losses] == [1.0]


def test_configs_come_from_arguments() -> None:
    config = Linear(7, name="seven").get_config()
    assert config["units"] == 7 and config["name"] == "seven"
    again = Linear.from_config(config)
    assert (again.units, again.name) == (7, "seven")

    class Forgetful(Layer):
        def __init__(self, units: int) -> None:
            super().__init__()

    with pytest.raises(NotImplementedError, match="must override `get_config`"):
        Forgetful(1).get_config()


def test_names_count_up() -> None:
    keras.backend.clear_session()
    names = [Linear().name, Linear().name, Nested().name]
    assert names == ["linear", "linear_1", "nested"]


def test_shapes_without_data() -> None:
    assert Linear(5).compute_output_shape((None, 4)) == (None, 5)


def test_branches_on_tensors_are_staged_inside_of_a_call() -> None:
    class Flip(Layer):
        def call(self, inputs):
            if tf.reduce_sum(inputs) > 0:
                inputs = -inputs
            return inputs

    layer = Flip()
    run = tf.function(lambda x: layer(x))
    assert run(tf.constant([1.0])).numpy() == [-1.0]
    assert run(tf.constant([-2.0])).numpy() == [-2.0]
    assert run.experimental_get_tracing_count() == 1
