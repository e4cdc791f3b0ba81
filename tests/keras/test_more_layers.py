"""EinsumDense, SpectralNormalization, Adafactor, HashedCrossing and the windows of the backend."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as tf
from graphc import keras

layers, K = keras.layers, keras.backend
X = np.random.RandomState(0).normal(size=(2, 3, 4)).astype(np.float32)


@pytest.mark.parametrize(
    ("equation", "shape", "bias", "kernel", "result"),
    [
        ("ab,bc->ac", 5, "c", (4, 5), (3, 5)),
        ("abc,cd->abd", (None, 6), "d", (4, 6), (2, 3, 6)),
        ("abc,cde->abde", (3, 2, 5), "de", (4, 2, 5), (2, 3, 2, 5)),
        ("...x,xy->...y", 7, "y", (4, 7), (2, 3, 7)),
        ("ab...,bc->ac...", (None, None), None, (3, 3), None),
    ],
)
def test_einsum_dense(equation, shape, bias, kernel, result) -> None:
    x = X[0] if equation.startswith("ab,") else X
    layer = layers.EinsumDense(equation, shape, bias_axes=bias)
    if result is None:
        with pytest.raises(ValueError, match="did not have a match"):
            layer(x)
        return
    found = layer(x)
    assert tuple(layer.kernel.shape) == kernel and tuple(found.shape) == result
    np.testing.assert_allclose(found, np.einsum(equation, x, layer.kernel.numpy()), rtol=1e-4)
    again = layers.EinsumDense.from_config(layer.get_config())
    again.build(x.shape)
    again.set_weights(layer.get_weights())
    np.testing.assert_array_equal(again(x), found)
    staged = tf.function(layer.__call__)(tf.constant(x))
    np.testing.assert_allclose(staged, found, rtol=1e-5, atol=1e-6)


def test_wrong_equations_are_told() -> None:
    with pytest.raises(ValueError, match="Invalid einsum equation"):
        layers.EinsumDense("ab->b", 3)
    with pytest.raises(ValueError, match="do not match at shared dimension"):
        layers.EinsumDense("abc,cd->abd", (9, 5))(X)


def test_spectral_normalization_finds_the_largest_singular_value() -> None:
    dense = layers.Dense(5, use_bias=False)
    layer = layers.SpectralNormalization(dense, power_iterations=50)
    layer(X[0], training=False)
    before = dense.kernel.numpy()
    layer(X[0], training=True)
    wanted = before / np.linalg.svd(before)[1][0]
    np.testing.assert_allclose(dense.kernel.numpy(), wanted, rtol=1e-3, atol=1e-5)
    assert len(layer.trainable_weights) == 1 and len(layer.weights) == 2
    with pytest.raises(ValueError, match="no attribute 'kernel'"):
        layers.SpectralNormalization(layers.ReLU())(X)


def test_adafactor_learns_with_small_slots() -> None:
    w = tf.Variable(np.ones((6, 4), np.float32))
    b = tf.Variable(np.ones(4, np.float32))
    optimizer = keras.optimizers.Adafactor(0.5)
    x, y = np.random.RandomState(1).normal(size=(50, 6)).astype(np.float32), 0.0

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((x @ w + b - y) ** 2)
        optimizer.apply_gradients(zip(tape.gradient(loss, [w, b]), [w, b], strict=True))
        return loss

    losses = [float(step()) for _ in range(60)]
    assert losses[-1] < 0.1 * losses[0]
    assert tuple(optimizer.get_slot(w, "r").shape) == (6,)
    assert tuple(optimizer.get_slot(w, "c").shape) == (4,)


def test_hashed_crossing() -> None:
    pairs = np.array(["a", "b"], object), np.array([1, 2])
    found = layers.HashedCrossing(9)(pairs)
    wanted = tf.strings.to_hash_bucket_fast(["a_X_1", "b_X_2"], 9)
    np.testing.assert_array_equal(found, wanted)
    assert layers.HashedCrossing(9, output_mode="one_hot")(pairs).shape == (2, 9)


def test_sizes_at_random() -> None:
    picture = np.ones((2, 10, 8, 1), np.float32)
    for layer, axis in ((layers.RandomHeight(0.5), 1), (layers.RandomWidth(0.5), 2)):
        sizes = {layer(picture, training=True).shape[axis] for _ in range(10)}
        full = picture.shape[axis]
        assert len(sizes) > 1 and min(sizes) >= full // 2 and max(sizes) <= full * 3 // 2
        assert layer(picture, training=False).shape == picture.shape


def test_windows_of_the_backend() -> None:
    x = tf.constant(np.random.RandomState(2).normal(size=(2, 6, 5, 3)).astype(np.float32))
    kernel = tf.ones([2, 2, 3, 4])
    y = K.conv2d(x, kernel, padding="same")
    np.testing.assert_allclose(y, tf.nn.conv2d(x, kernel, 1, "SAME"))
    first = K.conv2d(tf.transpose(x, [0, 3, 1, 2]), kernel, data_format="channels_first")
    np.testing.assert_allclose(tf.transpose(first, [0, 2, 3, 1]), K.conv2d(x, kernel), rtol=1e-5)
    assert K.conv2d_transpose(y, tf.ones([2, 2, 3, 4]), x.shape, padding="same").shape == x.shape
    np.testing.assert_allclose(K.pool2d(x, (2, 2)), tf.nn.max_pool2d(x, 2, 1, "VALID"))
    np.testing.assert_allclose(
        K.pool2d(x, (2, 2), pool_mode="avg"), tf.nn.avg_pool2d(x, 2, 1, "VALID"), rtol=1e-5
    )
    assert K.resize_images(x, 2, 3).shape == (2, 12, 15, 3)
    assert K.spatial_2d_padding(x).shape == (2, 8, 7, 3)
    assert K.temporal_padding(x[:, :, 0]).shape == (2, 8, 3)
    a, b = X, np.swapaxes(X, 1, 2)
    np.testing.assert_allclose(K.batch_dot(tf.constant(a), tf.constant(b)), a @ b, rtol=1e-5)
    v = K.random_uniform_variable([3], -1.0, 1.0)
    K.moving_average_update(v, tf.zeros([3]), 0.0)
    np.testing.assert_array_equal(v, np.zeros(3))


def test_activations_have_names() -> None:
    assert keras.activations.serialize(keras.activations.relu) == "relu"
    assert keras.activations.deserialize("tanh") is keras.activations.tanh


def test_a_model_resets_its_stateful_layers() -> None:
    model = keras.Sequential([
        layers.LSTM(3, stateful=True, return_sequences=True, batch_input_shape=(2, 3, 4)),
        layers.LSTM(2),
    ])  # fmt: skip
    first = model.predict(X, verbose=0)
    assert np.abs(model.predict(X, verbose=0) - first).max() > 1e-4
    model.reset_states()
    np.testing.assert_allclose(model.predict(X, verbose=0), first, rtol=1e-5, atol=1e-6)
