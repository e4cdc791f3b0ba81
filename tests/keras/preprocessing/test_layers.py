"""Preprocessing layers: as Keras's, in graphs too; random ones do what they say."""

from __future__ import annotations

import json

import numpy as np
import pytest

import graphc as tf
from graphc import keras
from tests.keras.preprocessing.layers import PICTURE, TEXTS, WORDS, cases, plain
from tests.keras.preprocessing.record_layers import FILE

layers = keras.layers
WANTED = json.loads(FILE.read_text(encoding="utf-8"))
CASES = dict(cases(layers))


@pytest.mark.parametrize("name", WANTED)
def test_as_keras(name: str) -> None:
    found = plain(CASES[name]())
    if isinstance(WANTED[name], list) and WANTED[name] and isinstance(WANTED[name][0], str):
        assert found == WANTED[name]
    else:
        np.testing.assert_allclose(found, WANTED[name], rtol=1e-4, atol=1e-4)


def test_every_case_is_compared() -> None:
    assert set(WANTED) == set(CASES)


@pytest.mark.parametrize(
    ("make", "data"),
    [
        (lambda: layers.TextVectorization(), TEXTS),
        (lambda: layers.TextVectorization(output_mode="count"), TEXTS),
        (lambda: layers.StringLookup(output_mode="multi_hot"), WORDS),
        (lambda: layers.Hashing(9), WORDS),
        (lambda: layers.Discretization(num_bins=3), np.arange(12.0).reshape(4, 3)),
        (lambda: layers.Normalization(), np.arange(12.0).reshape(4, 3)),
    ],
)
def test_inside_a_function_and_from_its_config(make, data) -> None:
    layer = make()
    if hasattr(layer, "adapt"):
        layer.adapt(data)
    inputs = tf.constant(data)
    wanted = layer(inputs)
    staged = tf.function(layer.__call__)(inputs)
    np.testing.assert_array_equal(staged, wanted)
    again = type(layer).from_config(layer.get_config())
    assert again.get_config() == layer.get_config()


def test_data_may_be_a_dataset() -> None:
    values = np.random.RandomState(0).normal(2, 3, (50, 2)).astype(np.float32)
    layer = layers.Normalization()
    layer.adapt(tf.data.Dataset.from_tensor_slices(values).batch(7))
    np.testing.assert_allclose(layer.mean, values.mean(0, keepdims=True), rtol=1e-5)
    np.testing.assert_allclose(layer.variance, values.var(0, keepdims=True), rtol=1e-5)
    np.testing.assert_allclose(np.std(layer(values), axis=0), 1, rtol=1e-4)


def test_random_layers_change_pictures_only_while_training() -> None:
    made = [
        layers.RandomFlip(), layers.RandomTranslation(0.3, 0.3), layers.RandomRotation(0.2),
        layers.RandomZoom(0.3), layers.RandomContrast(0.5), layers.RandomBrightness(0.3),
    ]  # fmt: skip
    tf.random.set_seed(1)
    for layer in made:
        np.testing.assert_array_equal(layer(PICTURE, training=False), PICTURE)
        many = np.stack([layer(PICTURE, training=True) for _ in range(4)])
        assert many.shape[1:] == PICTURE.shape and np.abs(many - PICTURE).max() > 1
        staged = tf.function(layer.__call__)(tf.constant(PICTURE), training=True)
        assert staged.shape == PICTURE.shape
    crop = layers.RandomCrop(3, 2)
    assert crop(PICTURE, training=True).shape == (2, 3, 2, 3)
    np.testing.assert_array_equal(crop(PICTURE, training=False), PICTURE[:, 1:4, 1:3])


def test_what_a_warp_does() -> None:
    picture = np.arange(9.0, dtype=np.float32).reshape(1, 3, 3, 1)
    turned = layers.RandomRotation((0.25, 0.25))(picture, training=True)
    np.testing.assert_allclose(turned[0, :, :, 0], np.rot90(picture[0, :, :, 0]), atol=1e-4)
    down = layers.RandomTranslation((1 / 3, 1 / 3), 0.0, fill_mode="constant", fill_value=-1.0)
    moved = down(picture, training=True)[0, :, :, 0]
    np.testing.assert_allclose(moved, [[-1, -1, -1], [0, 1, 2], [3, 4, 5]], atol=1e-4)
    flipped = layers.RandomFlip("horizontal")
    seen = {float(flipped(picture, training=True)[0, 0, 0, 0]) for _ in range(30)}
    assert seen == {0.0, 2.0}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.CategoryEncoding(), "`num_tokens` must be set"),
        (lambda: layers.Discretization(), "Exactly one of"),
        (lambda: layers.Hashing(0), "non-positive"),
        (lambda: layers.StringLookup(max_tokens=1), "must be greater than 1"),
        (lambda: layers.StringLookup(vocabulary=["a", "a"]), "repeated term"),
        (lambda: layers.StringLookup(vocabulary="nowhere.txt"), "does not exist"),
        (lambda: layers.TextVectorization(standardize="loud"), "argument `standardize`"),
        (lambda: layers.Normalization(mean=1.0), "both `mean` and `variance`"),
        (lambda: layers.RandomFlip("diagonal"), "unknown mode"),
        (lambda: layers.RandomZoom((0.5, 0.1)), "upper bound"),
        (lambda: layers.StringLookup()(np.array(["a"], object)), "set the layer's vocabulary"),
        (lambda: layers.Discretization(num_bins=2)(1.0), "call `adapt`"),
    ],
)
def test_wrong_use_is_told(make, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_values_out_of_range_are_told() -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match="num_tokens=3"):
        layers.CategoryEncoding(3)(np.array([[1, 3]]))
    strict = layers.StringLookup(vocabulary=["a"], num_oov_indices=0)
    with pytest.raises(ValueError, match="found OOV value 'b'"):
        strict(np.array(["b"], object))
