"""``tf.image`` gives TensorFlow's pictures, as `record_images.py` has recorded them."""

from __future__ import annotations

import json

import numpy as np
import pytest

import graphc as tf
from tests.io.image_cases import CASES, evaluate
from tests.io.record_images import RECORDED

EXPECTED = json.loads(RECORDED.read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES)
def test_picture(case) -> None:
    shape, dtype, numbers = EXPECTED[case]
    found = evaluate(tf, np, case)
    assert found[:2] == [shape, dtype]
    steps = 1 if dtype.startswith("uint") else 0  # pixels are rounded
    np.testing.assert_allclose(found[2], numbers, atol=2e-3 + steps, rtol=1e-4)


def test_chance_is_seeded_and_stays_in_range() -> None:
    image = tf.constant(np.random.default_rng(0).random((6, 5, 3), np.float32))
    for change in (
        lambda: tf.image.random_flip_left_right(image, seed=1),
        lambda: tf.image.random_flip_up_down(image, seed=1),
        lambda: tf.image.random_brightness(image, 0.2, seed=1),
        lambda: tf.image.random_contrast(image, 0.5, 1.5, seed=1),
        lambda: tf.image.random_saturation(image, 0.5, 1.5, seed=1),
        lambda: tf.image.random_hue(image, 0.2, seed=1),
        lambda: tf.image.random_crop(image, [3, 4, 3], seed=1),
    ):
        tf.random.set_seed(1)
        one = change().numpy()
        tf.random.set_seed(1)
        np.testing.assert_array_equal(one, change().numpy())
    crops = {float(tf.image.random_crop(image, [3, 4, 3]).numpy()[0, 0, 0]) for _ in range(60)}
    assert crops == set(image.numpy()[:4, :2, 0].ravel().tolist())
    flips = {float(tf.image.random_flip_left_right(image).numpy()[0, 0, 0]) for _ in range(40)}
    assert flips == {float(image[0, 0, 0]), float(image[0, -1, 0])}


def test_pictures_in_a_function_and_their_gradient() -> None:
    image = tf.constant(np.random.default_rng(0).random((6, 5, 3), np.float32))

    @tf.function
    def prepared(x):
        return tf.image.per_image_standardization(tf.image.resize(x, [4, 4]))

    eager = tf.image.per_image_standardization(tf.image.resize(image, [4, 4]))
    np.testing.assert_allclose(prepared(image).numpy(), eager.numpy(), rtol=1e-5, atol=1e-6)
    with tf.GradientTape() as tape:
        tape.watch(image)
        total = tf.reduce_sum(tf.image.resize(image, [12, 10]))
    np.testing.assert_allclose(tape.gradient(total, image).numpy(), 4.0, rtol=1e-5)


@pytest.mark.parametrize(
    "call",
    [
        lambda i: tf.image.resize(i[0], [2, 2]),
        lambda i: tf.image.crop_to_bounding_box(i, 4, 0, 4, 2),
        lambda i: tf.image.pad_to_bounding_box(i, 0, 0, 2, 2),
        lambda i: tf.image.rgb_to_grayscale(i[..., :2]),
        lambda i: tf.image.resize(i, [2, 2], method="nonsense"),
        lambda i: tf.image.random_crop(i, [9, 9, 3]),
        lambda i: tf.image.central_crop(i, 0.0),
    ],
)
def test_mistakes(call) -> None:
    with pytest.raises(ValueError):
        call(tf.zeros([6, 5, 3]))
