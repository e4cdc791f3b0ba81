"""What no recording shows: errors, statistics, masks, slots, state, layers of Keras 2 alone."""

from __future__ import annotations

import math

import numpy as np
import pytest

import graphc as tf
from graphc import keras
from graphc.keras import initializers, layers, losses, metrics, optimizers, regularizers

X = np.random.default_rng(0).normal(size=(2, 6, 5, 3)).astype(np.float32)


# --- initializers, regularizers, constraints ------------------------------------------------------


@pytest.mark.parametrize(
    "name, deviation",
    [
        ("glorot_uniform", math.sqrt(2 / 500)), ("glorot_normal", math.sqrt(2 / 500)),
        ("he_uniform", math.sqrt(2 / 200)), ("he_normal", math.sqrt(2 / 200)),
        ("lecun_uniform", math.sqrt(1 / 200)), ("lecun_normal", math.sqrt(1 / 200)),
        ("random_normal", 0.05), ("random_uniform", 0.1 / math.sqrt(12)),
    ],
)  # fmt: skip
def test_initializers_have_their_statistics(name: str, deviation: float) -> None:
    tf.random.set_seed(1)
    values = initializers.get(name)((200, 300)).numpy()
    assert values.std() == pytest.approx(deviation, rel=0.02)
    assert abs(values.mean()) < 0.01 * deviation * 10
    seeded = type(initializers.get(name))(seed=3)
    np.testing.assert_array_equal(seeded((4, 5)), seeded((4, 5)))


@pytest.mark.parametrize("shape", [(4, 6), (6, 4), (2, 3, 5)])
def test_orthogonal_is_orthonormal(shape: tuple[int, ...]) -> None:
    q = initializers.Orthogonal(gain=2.0)(shape).numpy().reshape(-1, shape[-1])
    product = q @ q.T if q.shape[0] < q.shape[1] else q.T @ q
    np.testing.assert_allclose(product, 4 * np.eye(min(q.shape)), atol=1e-5)


def test_penalties() -> None:
    w = tf.constant([[1.0, -2.0], [3.0, 0.0]])
    assert float(regularizers.get("l1")(w)) == pytest.approx(0.06)
    assert float(regularizers.l2(0.5)(w)) == pytest.approx(7.0)
    assert float(regularizers.get("l1_l2")(w)) == pytest.approx(0.2)
    with pytest.raises(ValueError, match="non-negative"):
        regularizers.L2(-1)


def test_constraints_keep_weights_where_they_belong() -> None:
    w = tf.Variable([[3.0, 0.1], [4.0, 0.0]], constraint=keras.constraints.MaxNorm(1.0))
    optimizers.SGD(0.0).apply_gradients([(tf.zeros((2, 2)), w)])
    np.testing.assert_allclose(w, [[0.6, 0.1], [0.8, 0.0]], rtol=1e-5)
    assert float(tf.reduce_min(keras.constraints.get("non_neg")(tf.constant([-1.0, 2.0])))) == 0


@pytest.mark.parametrize(
    "module", [initializers, regularizers, keras.constraints, losses, metrics, optimizers]
)
def test_unknown_names_are_refused(module) -> None:
    with pytest.raises(ValueError, match="frob"):
        module.get("frob")
    assert module.get(None) is None


# --- losses and metrics ---------------------------------------------------------------------------


@pytest.mark.parametrize("graph", [False, True])
def test_labels_that_are_no_class_raise(graph: bool) -> None:
    loss = losses.SparseCategoricalCrossentropy(from_logits=True)
    compute = tf.function(lambda *a: loss(*a), autograph=False) if graph else loss
    with pytest.raises(tf.errors.InvalidArgumentError):
        compute(tf.constant([0, 3]), tf.zeros((2, 3)))


@pytest.mark.parametrize("graph", [False, True])
def test_counts_need_probabilities(graph: bool) -> None:
    metric = metrics.AUC()
    update = tf.function(lambda *a: metric.update_state(*a), autograph=False)
    with pytest.raises(tf.errors.InvalidArgumentError):
        (update if graph else metric.update_state)(tf.constant([0, 1]), tf.constant([0.5, 1.5]))


def test_masked_losses_are_means_of_what_is_left() -> None:
    y = tf.constant([[1.0], [2.0], [4.0]])
    y._keras_mask = tf.constant([True, False, True])
    assert float(losses.MeanSquaredError()(tf.zeros((3, 1)), y)) == pytest.approx(17 / 2)


def test_users_losses_and_metrics() -> None:
    class Far(losses.Loss):
        def call(self, y_true, y_pred):
            if tf.reduce_max(y_pred) > 10.0:
                return tf.zeros_like(y_pred)
            return tf.abs(y_true - y_pred)

    far = Far()
    both = [f(tf.constant([1.0, 2.0]), tf.constant([3.0, 5.0])) for f in (far, tf.function(far))]
    assert [float(v) for v in both] == [2.5, 2.5]
    with pytest.raises(ValueError, match="Reduction"):
        Far(reduction="all")


def test_mean_tensor_and_relative_error() -> None:
    mean = metrics.MeanTensor()
    mean.update_state([1.0, 2.0])
    mean.update_state([3.0, 6.0], sample_weight=[1.0, 3.0])
    np.testing.assert_allclose(mean.result(), [2.0, 5.0])
    error = metrics.MeanRelativeError(normalizer=[1.0, 2.0])
    assert float(error([1.0, 2.0], [2.0, 6.0])) == pytest.approx(1.5)


# --- optimizers -----------------------------------------------------------------------------------


def test_optimizers_keep_slots_and_count_steps() -> None:
    w = tf.Variable([1.0, 2.0])
    adam = optimizers.Adam(lr=0.1)
    adam.minimize(lambda: tf.reduce_sum(w * w), [w])
    assert int(adam.iterations) == 1
    np.testing.assert_allclose(adam.get_slot(w, "m"), [0.2, 0.4], rtol=1e-5)
    assert [v.shape.as_list() for v in adam.variables()] == [[], [], [2], [2]]
    other = optimizers.Adam(0.1)
    other.build([w])
    other.set_weights(adam.get_weights())
    assert int(other.iterations) == 1
    with pytest.raises(ValueError, match="weight list of length 1"):
        other.set_weights([np.int64(0)])


def test_rates_can_be_set_between_compiled_steps() -> None:
    w, sgd = tf.Variable(0.0), optimizers.SGD(1.0)
    step = tf.function(lambda: sgd.apply_gradients([(tf.constant(1.0), w)]), autograph=False)
    step()
    sgd.learning_rate = 0.5
    step()
    assert float(w) == -1.5 and float(sgd.lr) == 0.5
    scheduled = optimizers.SGD(optimizers.schedules.ExponentialDecay(1.0, 10, 0.5))
    with pytest.raises(TypeError, match="LearningRateSchedule"):
        scheduled.learning_rate = 0.1


def test_missing_gradients() -> None:
    v, w = tf.Variable(1.0), tf.Variable(1.0)
    with pytest.raises(ValueError, match="No gradients provided"):
        optimizers.SGD().apply_gradients([(None, w)])
    with pytest.warns(UserWarning, match="Gradients do not exist"):
        optimizers.SGD(1.0).apply_gradients([(None, v), (tf.constant(0.5), w)])
    assert (float(v), float(w)) == (1.0, 0.5)
    with pytest.raises(ValueError, match="`tape` is required"):
        optimizers.SGD().minimize(tf.constant(1.0), [w])


def test_gradients_of_slices() -> None:
    w = tf.Variable(tf.ones((3, 2)))
    slices = tf.IndexedSlices(tf.ones((2, 2)), tf.constant([0, 0]), (3, 2))
    optimizers.SGD(0.25).apply_gradients([(slices, w)])
    np.testing.assert_allclose(w, [[0.5, 0.5], [1, 1], [1, 1]])


def test_averages_of_variables() -> None:
    w = tf.Variable(1.0)
    sgd = optimizers.SGD(1.0, use_ema=True, ema_momentum=0.5)
    for _ in range(2):
        sgd.apply_gradients([(tf.constant(1.0), w)])
    assert float(w) == -1.0
    sgd.finalize_variable_values([w])
    assert float(w) == -0.25  # 1 -> (1 + 0) / 2 -> (0.5 - 1) / 2


# --- layers ---------------------------------------------------------------------------------------


def test_batch_normalization_moves_its_averages() -> None:
    layer = layers.BatchNormalization(momentum=0.5)
    step = tf.function(lambda x: layer(x, training=True), autograph=False)
    layer(X)
    step(tf.constant(X))
    rows = X.reshape(-1, 3)
    np.testing.assert_allclose(layer.moving_mean, rows.mean(0) / 2, rtol=1e-4, atol=1e-6)
    unbiased = (1 + rows.var(0, ddof=1)) / 2
    np.testing.assert_allclose(layer.moving_variance, unbiased, rtol=1e-4)
    layer.trainable = False
    before = layer.moving_mean.numpy()
    layer(X, training=True)
    np.testing.assert_array_equal(layer.moving_mean, before)


@pytest.mark.parametrize("make", [layers.Dropout, layers.GaussianDropout])
def test_noise_only_while_training(make) -> None:
    layer, x = make(0.4), tf.ones((100, 100))
    np.testing.assert_array_equal(layer(x), x)
    noisy = layer(x, training=True).numpy()
    assert noisy.std() > 0.3 and noisy.mean() == pytest.approx(1.0, abs=0.06)


def test_alpha_dropout_keeps_mean_and_variance() -> None:
    x = tf.random.normal((300, 300), seed=1)
    layer = layers.AlphaDropout(0.3)
    np.testing.assert_array_equal(layer(x), x)
    y = layer(x, training=True).numpy()
    assert abs(y.mean()) < 0.03 and y.std() == pytest.approx(1.0, abs=0.03)
    assert np.unique(y, return_counts=True)[1].max() / y.size == pytest.approx(0.3, abs=0.02)


def test_spatial_dropout_drops_channels() -> None:
    y = layers.SpatialDropout1D(0.5)(tf.ones((8, 5, 16)), training=True).numpy()
    assert (y == y[:, :1]).all() and 0 < (y == 0).mean() < 1


def test_locally_connected_kernels_are_those_of_places() -> None:
    layer = layers.LocallyConnected2D(2, (3, 2), strides=(1, 2))
    y = layer(X).numpy()
    kernel, bias = layer.get_weights()
    for i in range(4):
        for j in range(2):
            window = X[:, i : i + 3, 2 * j : 2 * j + 2].reshape(2, -1)
            want = window @ kernel[i * 2 + j] + bias[i, j]
            np.testing.assert_allclose(y[:, i, j], want, rtol=1e-4, atol=1e-5)
    again = layers.LocallyConnected2D.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()


def test_embedding_masks_zero_and_refuses_strangers() -> None:
    layer = layers.Embedding(4, 2, mask_zero=True)
    y = layer(np.array([[1, 0], [3, 2]]))
    np.testing.assert_array_equal(y._keras_mask, [[True, False], [True, True]])
    with pytest.raises(tf.errors.InvalidArgumentError):
        layer(np.array([[4]]))


def test_stateful_layers_go_on() -> None:
    x = tf.constant(X[:, :, 0])
    whole = layers.GRU(3)
    parts = layers.GRU(3, stateful=True, batch_input_shape=(2, 3, 3))
    y = whole(x)
    parts.build((2, 3, 3))
    parts.built = True
    parts.set_weights([*whole.get_weights(), *parts.get_weights()[3:]])
    parts(x[:, :3])
    np.testing.assert_allclose(parts(x[:, 3:]), y, rtol=1e-5, atol=1e-6)
    parts.reset_states()
    assert not np.any(parts.states[0].numpy())


def test_masked_stacks_have_their_gradients_in_graphs() -> None:
    layer = layers.RNN([layers.SimpleRNNCell(2), layers.SimpleRNNCell(4)], return_sequences=True)
    x, mask = tf.constant(X[:, :4, 0]), tf.constant([[True, False, True, True], [True] * 4])

    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            total = tf.reduce_sum(tf.square(layer(x, mask=mask)))
        return tape.gradient(total, x)

    traced = tf.function(gradient, autograph=False)
    x = tf.concat([x, x + 1.0], 0)
    mask = tf.concat([mask, mask], 0)
    np.testing.assert_allclose(traced(x), gradient(x), rtol=1e-4, atol=1e-5)


def test_users_cells() -> None:
    class Sums(layers.AbstractRNNCell):
        state_size = 3
        output_size = 3

        def call(self, inputs, states):
            total = states[0] + inputs
            return total, [total]

    x = tf.constant(X[:, :, 0])
    for run in (layers.RNN(Sums()), tf.function(layers.RNN(Sums()), autograph=False)):
        np.testing.assert_allclose(run(x), X[:, :, 0].sum(1), rtol=1e-5, atol=1e-6)


def test_layers_compute_in_their_dtype_and_for_any_batch() -> None:
    dense = layers.Dense(2, dtype="float64")
    assert dense(tf.ones((3, 4))).dtype == tf.float64
    conv = layers.Conv2D(2, 3)
    run = tf.function(conv, input_signature=[tf.TensorSpec((None, 6, 5, 3))], autograph=False)
    assert [run(tf.constant(np.repeat(X, n, 0))).shape[0] for n in (1, 2)] == [2, 4]
    assert conv.compute_output_shape((None, 6, 5, 3)) == (None, 4, 3, 2)


@pytest.mark.parametrize(
    "make, shape, words",
    [
        (lambda: layers.Dense(0), (2, 3), "positive integer"),
        (lambda: layers.Conv2D(2, 3), (2, 3), "expected ndim=4"),
        (lambda: layers.Conv2D(2, 3, groups=2), (2, 5, 5, 3), "divisible"),
        (lambda: layers.Conv1D(2, 3, padding="around"), (2, 5, 3), "padding"),
        (lambda: layers.Dropout(1.5), (2, 3), "between 0 and 1"),
        (lambda: layers.Add(), (2, 3), "list of inputs"),
        (lambda: layers.Reshape((4,)), (2, 3), "total size"),
    ],
)
def test_mistakes_are_explained(make, shape, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()(tf.zeros(shape))
