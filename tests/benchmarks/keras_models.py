"""Steps a second of the same Keras programs, of graphc and tf.keras in turn.

``python -m tests.benchmarks.keras_models [PYTHON [MODEL ...]]``, where PYTHON has TensorFlow
(default: this one).  Each contestant has a process of its own for every model and round, and begins
with the same weights and data; they take turns, and the best epoch of each counts.  graphc's first
step is timed with an empty cache of kernels (cold) and in a later process (warm).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

ROUNDS, EPOCHS = 3, 6
_rng = np.random.default_rng(0)


def _images(side: int, channels: int, rows: int = 640) -> Any:
    return _rng.random((rows, side, side, channels), np.float32), _rng.integers(0, 10, rows)


def _vectors(width: int, rows: int) -> Any:
    return _rng.random((rows, width), np.float32), _rng.integers(0, 10, rows)


def _words(rows: int = 640) -> Any:
    lengths = _rng.integers(10, 31, rows)
    words = _rng.integers(1, 2000, (rows, 30))
    return np.where(np.arange(30) < lengths[:, None], words, 0), _rng.integers(0, 10, rows)


def digits(layers: Any) -> list[Any]:
    return [layers.Dense(30, activation="relu"), layers.Dense(10)]


def mnist(layers: Any) -> list[Any]:
    return [layers.Dense(128, activation="relu"), layers.Dropout(0.2), layers.Dense(10)]


def small_cnn(layers: Any) -> list[Any]:
    return [
        layers.Conv2D(25, (4, 4), activation="relu"), layers.MaxPooling2D((2, 2), strides=(2, 2)),
        layers.Conv2D(50, (5, 5), activation="relu"), layers.MaxPooling2D((2, 2), strides=(2, 2)),
        layers.Flatten(), layers.Dense(10),
    ]  # fmt: skip


def normalised_cnn(layers: Any) -> list[Any]:
    def conv() -> Any:
        return layers.Conv2D(32, (3, 3), padding="same", activation="relu")

    normal = layers.BatchNormalization
    return [
        conv(), normal(), conv(), normal(), layers.MaxPool2D((2, 2)), conv(), normal(), normal(),
        conv(), layers.MaxPool2D((2, 2)), layers.Flatten(), layers.Dense(32, activation="relu"),
        layers.Dropout(0.2), layers.Dense(10),
    ]  # fmt: skip


def deep_cnn(layers: Any) -> list[Any]:
    """20 layers of convolutions and what is between them."""
    made: list[Any] = []
    for filters in (8, 16, 16, 32, 32):
        made += [
            layers.Conv2D(filters, 3, padding="same"), layers.BatchNormalization(),
            layers.Activation("relu"),
        ]  # fmt: skip
    return [*made, layers.MaxPool2D(), layers.Flatten(), layers.Dropout(0.2),
            layers.Dense(32, activation="relu"), layers.Dense(10)]  # fmt: skip


def lstm(layers: Any) -> list[Any]:
    return [layers.Embedding(2000, 32), layers.LSTM(32), layers.Dense(10)]


def text_convolution(layers: Any) -> list[Any]:
    return [
        layers.Embedding(2000, 32), layers.Conv1D(64, 3, activation="relu"),
        layers.GlobalMaxPooling1D(), layers.Dropout(0.3), layers.Dense(10),
    ]  # fmt: skip


def masked_gru(layers: Any) -> list[Any]:
    embedding = layers.Embedding(2000, 32, mask_zero=True)
    return [embedding, layers.Bidirectional(layers.GRU(24)), layers.Dense(10)]


# what it is, how it is made, its data, how many times as fast as tf.keras it should be
MODELS: dict[str, tuple[str, Callable[[Any], list[Any]], Callable[[], Any], float]] = {
    "digits": ("MLP 64-30-10", digits, lambda: _vectors(64, 3200), 10),
    "mnist": ("MLP 784-128-10, dropout", mnist, lambda: _vectors(784, 3200), 2),
    "small_cnn": ("CNN of two convolutions, 28x28", small_cnn, lambda: _images(28, 1), 1),
    "normalised_cnn": (
        "CNN with batch normalisation, 28x28", normalised_cnn, lambda: _images(28, 1, 160), 1,
    ),
    "deep_cnn": ("CNN of 20 layers, 16x16", deep_cnn, lambda: _images(16, 3, 320), 1),
    "lstm": ("Embedding, LSTM(32), 30 steps", lstm, _words, 1.5),
    "text_convolution": ("Embedding, Conv1D(64), 30 steps", text_convolution, _words, 1.5),
    "masked_gru": ("Embedding with mask, Bidirectional(GRU(24))", masked_gru, _words, 1.5),
}  # fmt: skip


def measure(contestant: str, name: str) -> None:
    """Print the figures of a model as JSON, all in milliseconds."""
    if contestant == "graphc":
        from graphc import keras
    else:
        os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
        from tensorflow import keras
    _, layers, data, _ = MODELS[name]
    x, y = data()
    model = keras.Sequential([keras.Input(x.shape[1:]), *layers(keras.layers)])
    rng = np.random.default_rng(1)
    drawn = [rng.standard_normal(w.shape).astype(w.dtype) for w in model.get_weights()]
    model.set_weights([np.abs(w) * 0.05 for w in drawn])  # variances are not negative
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.001), loss, metrics=["accuracy"])

    def timed(call: Callable[[], Any]) -> tuple[float, float]:
        wall, processor = time.perf_counter(), time.process_time()
        call()
        return (time.perf_counter() - wall) * 1e3, (time.process_time() - processor) * 1e3

    found: dict[str, float] = {}
    found["first"], found["first_processor"] = timed(
        lambda: model.fit(x[:32], y[:32], batch_size=32, verbose=0)
    )
    times: list[tuple[float, float]] = []  # one fit: what each call of it costs is not a step's

    def note(*_: Any) -> None:
        times.append((time.perf_counter() * 1e3, time.process_time() * 1e3))

    watch = keras.callbacks.LambdaCallback(on_epoch_begin=note, on_epoch_end=note)
    model.fit(x, y, batch_size=32, epochs=1 + EPOCHS, verbose=0, callbacks=[watch])
    epochs = [
        (end - begin, after - before)
        for (begin, before), (end, after) in zip(times[2::2], times[3::2], strict=True)
    ]
    found["step"], found["step_processor"] = (v / (len(x) / 32) for v in min(epochs))
    row = x[:1]
    model.predict(row, verbose=0)
    calls = 200 if contestant == "graphc" else 5
    found["predict"] = min(timed(lambda: model.predict(row, verbose=0))[0] for _ in range(calls))
    print(json.dumps(found))


def _run(python: str, contestant: str, name: str, cache: str) -> dict[str, float]:
    command = [python, "-m", "tests.benchmarks.keras_models", "--measure", contestant, name]
    environment = os.environ | {"GRAPHC_CACHE_DIR": cache}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    return json.loads(done.stdout.splitlines()[-1])


def main(peer: str = sys.executable, chosen: Sequence[str] = ()) -> None:
    print(
        "| model | graphc, steps/s | tf.keras, steps/s | ratio | ratio by CPU time | wanted |"
        " first step cold, s (CPU) | warm, s (CPU) | tf.keras, s (CPU) | predict, us |"
        " tf.keras, us |\n|---|---|---|---|---|---|---|---|---|---|---|"
    )
    for name in chosen or MODELS:
        label, _, _, wanted = MODELS[name]
        with tempfile.TemporaryDirectory() as cache:
            rounds = [
                (_run(sys.executable, "graphc", name, cache), _run(peer, "tf.keras", name, cache))
                for _ in range(ROUNDS)
            ]
        ours, theirs = (
            {k: min(r[k] for r in each[1:]) for k in each[0]} for each in zip(*rounds, strict=True)
        )

        def first(of: dict[str, float]) -> str:
            return f"{of['first'] / 1e3:.2f} ({of['first_processor'] / 1e3:.2f})"

        print(
            f"| {label} | {1e3 / ours['step']:,.0f} | {1e3 / theirs['step']:,.0f}"
            f" | {theirs['step'] / ours['step']:.1f}"
            f" | {theirs['step_processor'] / ours['step_processor']:.1f} | {wanted}"
            f" | {first(rounds[0][0])} | {first(ours)} | {first(theirs)}"
            f" | {ours['predict'] * 1e3:,.0f} | {theirs['predict'] * 1e3:,.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        measure(*sys.argv[2:])
    else:
        main(*sys.argv[1:2], sys.argv[2:])
