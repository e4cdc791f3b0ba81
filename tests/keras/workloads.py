"""Models and data that real Keras and graphc train alike: weights and order of rows are fixed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def data(rows: int = 50) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Inputs, numbers to predict and classes to predict."""
    random = np.random.RandomState(7)
    x = random.normal(size=(rows, 6)).astype("float32")
    y = (x[:, :2] * [1.0, -0.5] + 0.1 * random.normal(size=(rows, 2))).astype("float32")
    return x, y, (np.abs(x).argmax(1) % 3).astype("int64")


def fixed(model: Any) -> Any:
    """The model with weights that depend on their shapes only."""
    random = np.random.RandomState(3)
    model.set_weights([random.normal(size=w.shape, scale=0.4) for w in model.get_weights()])
    return model


def classifier(keras: Any) -> Any:
    layers = keras.layers
    return fixed(
        keras.Sequential(
            [
                keras.Input((6,)),
                layers.Dense(8, activation="tanh"),
                layers.Dense(3, activation="softmax"),
            ]
        )
    )


def two_headed(keras: Any) -> Any:
    """Two inputs that share a layer, two outputs."""
    layers = keras.layers
    a, b = keras.Input((3,), name="a"), keras.Input((3,), name="b")
    shared = layers.Dense(4, activation="tanh", name="shared")
    joined = layers.Concatenate()([shared(a), shared(b)])
    number = layers.Dense(2, name="number")(joined)
    kind = layers.Dense(3, activation="softmax", name="kind")(joined)
    return fixed(keras.Model([a, b], [number, kind]))


def fit_classifier(keras: Any, optimizer: Any, **options: Any) -> dict[str, list[float]]:
    x, _, classes = data()
    model = classifier(keras)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    options = {"epochs": 3, "batch_size": 16, "shuffle": False, "verbose": 0} | options
    return model.fit(x, classes, **options).history


def fit_two_headed(keras: Any) -> dict[str, list[float]]:
    x, y, classes = data(40)  # Keras 3 does not weigh the last batch's loss of an output
    model = two_headed(keras)
    model.compile(
        keras.optimizers.SGD(0.05),
        {"number": "mse", "kind": "sparse_categorical_crossentropy"},
        loss_weights={"number": 0.7, "kind": 0.2},
        metrics={"number": ["mae"], "kind": ["accuracy"]},
    )
    inputs, targets = [x[:, :3], x[:, 3:]], [y, classes]
    options = {"epochs": 3, "batch_size": 20, "shuffle": False, "verbose": 0}
    return model.fit(inputs, targets, validation_data=(inputs, targets), **options).history


def fit_regularized(keras: Any) -> dict[str, list[float]]:
    """Penalties of weights and activity are part of the loss."""
    x, y, _ = data()
    layers, l2 = keras.layers, keras.regularizers.l2(0.01)
    model = fixed(
        keras.Sequential(
            [
                keras.Input((6,)),
                layers.Dense(5, activation="relu", kernel_regularizer=l2, activity_regularizer=l2),
                layers.Dense(2, bias_regularizer=l2),
            ]
        )
    )
    model.compile(keras.optimizers.SGD(0.05), "mse")
    options = {"epochs": 3, "batch_size": 16, "shuffle": False, "verbose": 0}
    return model.fit(x, y, validation_split=0.2, **options).history


def fit_batch_normalized(keras: Any) -> dict[str, list[float]]:
    x, y, _ = data()
    layers = keras.layers
    model = keras.Sequential(
        [keras.Input((6,)), layers.Dense(5), layers.BatchNormalization(), layers.Dense(2)]
    )
    random = np.random.RandomState(5)
    for index in (0, 2):
        layer = model.layers[index]
        layer.set_weights([random.normal(size=w.shape, scale=0.4) for w in layer.get_weights()])
    model.compile(keras.optimizers.SGD(0.05, momentum=0.9), "mse", metrics=["mae"])
    options = {"epochs": 3, "batch_size": 10, "shuffle": False, "verbose": 0}
    return model.fit(x, y, validation_data=(x, y), **options).history


_WEIGHTS = np.linspace(0.5, 2.0, 50).astype("float32")

WORKLOADS: dict[str, Callable[[Any], dict[str, list[float]]]] = {
    "sgd": lambda keras: fit_classifier(keras, keras.optimizers.SGD(0.1)),
    "momentum": lambda keras: fit_classifier(keras, keras.optimizers.SGD(0.1, momentum=0.9)),
    "adam": lambda keras: fit_classifier(keras, keras.optimizers.Adam(0.01)),
    "rmsprop": lambda keras: fit_classifier(keras, keras.optimizers.RMSprop(0.01)),
    "validation_split": lambda keras: fit_classifier(keras, "sgd", validation_split=0.3),
    "class_weight": lambda keras: fit_classifier(
        keras, "sgd", class_weight={0: 1.0, 1: 3.0, 2: 0.5}
    ),
    "sample_weight": lambda keras: fit_classifier(keras, "sgd", sample_weight=_WEIGHTS),
    "two_headed": fit_two_headed,
    "regularized": fit_regularized,
    "batch_normalized": fit_batch_normalized,
}


def convolutional(keras: Any) -> tuple[Any, np.ndarray]:
    """A small compiled network, trained for one step, and what it was trained on."""
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(4, 3, activation="relu", padding="same"),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.Dropout(0.3, seed=1),
            layers.Flatten(),
            layers.Dense(2),
        ]
    )
    x = np.random.RandomState(0).rand(6, 8, 8, 3).astype("float32")
    model.compile("adam", "mse")
    model.fit(x, np.ones((6, 2)), verbose=0)
    return model, x
