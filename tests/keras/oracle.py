"""What real Keras gives for every line of layers.txt, losses.txt, metrics.txt and optimizers.txt.

``python -m tests.keras.oracle`` (where tensorflow is installed) writes keras.npz anew.  The same
functions run a line in real Keras and in graphc: they are given ``tf`` and ``keras``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parent
RECORD = FOLDER / "keras.npz"
MASK = np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1], [0, 1, 1, 0, 1]], bool)


def lines(kind: str) -> list[str]:
    return (FOLDER / f"{kind}.txt").read_text(encoding="utf-8").splitlines()


def draw(shape: Any, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


# --- layers ---------------------------------------------------------------------------------------


def make_layer(keras: Any, line: str) -> Any:
    return eval(line.split(" @ ")[0], dict(vars(keras.layers)))


def inputs_of(line: str) -> tuple[list[np.ndarray], dict[str, Any]]:
    """The inputs of a line, and the arguments of the call."""
    arrays: list[np.ndarray] = []
    options: dict[str, Any] = {}
    for i, word in enumerate(line.split(" @ ")[1:]):
        if word == "training":
            options["training"] = True
        elif word == "mask":
            options["mask"] = MASK[: len(arrays[0]), : arrays[0].shape[1]]
        elif word.startswith("int"):
            shape = tuple(int(n) for n in word[3:].split("x"))
            arrays.append(np.random.default_rng(i).integers(0, 7, shape).astype(np.int32))
        else:
            arrays.append(draw([int(n) for n in word.split("x")], i))
    return arrays, options


def call(layer: Any, xs: list[Any], options: dict[str, Any]) -> Any:
    if type(layer).__name__ == "MultiHeadAttention":
        return layer(*xs, **options)
    return layer(xs if len(xs) > 1 else xs[0], **options)


def set_weights(layer: Any) -> None:
    """Fixed weights; those named like a variance are positive."""
    values = [draw(np.shape(w), 100 + i) * 0.5 for i, w in enumerate(layer.get_weights())]
    if "Normalization" in type(layer).__name__ and len(values) > 2:
        values[-1] = np.abs(values[-1]) + 0.5
    layer.set_weights(values)


def outputs_and_gradients(tf: Any, layer: Any, arrays: Any, options: Any) -> list[Any]:
    """Outputs, and gradients of a weighted sum of them by the inputs and the weights."""
    xs = [tf.constant(a) for a in arrays]
    options = {k: tf.constant(v) if k == "mask" else v for k, v in options.items()}
    floats = [x for x in xs if x.dtype.is_floating]
    weights = [getattr(w, "value", w) if tf.__name__ == "tensorflow" else w
               for w in layer.trainable_weights]  # fmt: skip
    with tf.GradientTape() as tape:
        tape.watch(floats)
        ys = tf.nest.flatten(call(layer, xs, options))
        total = 0.0
        for y in ys:
            factors = np.cos(np.arange(np.prod(y.shape)), dtype=np.float32).reshape(y.shape)
            total += tf.reduce_sum(y * factors)
    gradients = tape.gradient(total, [*floats, *weights], unconnected_gradients="zero")
    return [*ys, *(tf.convert_to_tensor(g) for g in gradients)]


def layer_results(tf: Any, keras: Any, line: str) -> list[np.ndarray]:
    layer = make_layer(keras, line)
    arrays, options = inputs_of(line)
    call(layer, [tf.constant(a) for a in arrays], {})
    set_weights(layer)
    return [np.asarray(x) for x in outputs_and_gradients(tf, layer, arrays, options)]


# --- losses and metrics ---------------------------------------------------------------------------


def batch(kind: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels and predictions [6, 3]."""
    random = np.random.default_rng(seed)
    share = random.dirichlet([1.5] * 3, 6).astype(np.float32)
    real = random.normal(size=(6, 3)).astype(np.float32)
    binary = random.integers(0, 2, (6, 3)).astype(np.float32)
    classes = random.integers(0, 3, 6)
    return {
        "real": lambda: (real + random.normal(size=(6, 3)).astype(np.float32), real),
        "share": lambda: (random.dirichlet([2] * 3, 6).astype(np.float32), share),
        "sign": lambda: (binary * 2 - 1, real),
        "binary": lambda: (binary, share),
        "logit": lambda: (binary, real),
        "onehot": lambda: (np.eye(3, dtype=np.float32)[classes], share),
        "sparse": lambda: (classes, share),
        "whole": lambda: (classes, random.integers(0, 3, 6)),
    }[kind]()


def weights_for(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.5, 2, 6).astype(np.float32)


def loss_results(tf: Any, keras: Any, line: str) -> list[np.ndarray]:
    """The loss, the weighted loss, and the gradient of that."""
    text, kind = line.split(" @ ")
    loss = eval(text, dict(vars(keras.losses)))
    y_true, y_pred = (tf.constant(a) for a in batch(kind, 1))
    with tf.GradientTape() as tape:
        tape.watch(y_pred)
        value = loss(y_true, y_pred, tf.constant(weights_for(2)))
    return [np.asarray(v) for v in (loss(y_true, y_pred), value, tape.gradient(value, y_pred))]


def metric_results(tf: Any, keras: Any, line: str) -> list[np.ndarray]:
    """The result after each of three batches, of which the last is weighted."""
    text, kind = line.split(" @ ")
    metric = eval(text, dict(vars(keras.metrics)))
    found = []
    for seed in range(3):
        y_true, y_pred = (tf.constant(a) for a in batch(kind, seed))
        # Keras 3 rounds the weights of IoU to integers
        more = (tf.constant(weights_for(seed)),) if seed == 2 and "IoU" not in text else ()
        metric.update_state(y_true, y_pred, *more)
        found.append(np.asarray(metric.result()))
    return found


# --- optimizers -----------------------------------------------------------------------------------


def optimizer_results(tf: Any, keras: Any, line: str, wrap: Any = lambda f: f) -> list[np.ndarray]:
    """Two variables after 50 steps down a bent valley."""
    optimizer = eval(line, dict(vars(keras.optimizers)))
    w, b = tf.Variable(draw((2, 3), 5)), tf.Variable(draw((3,), 6))
    if hasattr(optimizer, "build"):
        optimizer.build([w, b])

    def step() -> None:
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.square(w - 1.0) * tf.constant([1.0, 3.0, 0.3]))
            loss += tf.reduce_sum(tf.sin(b) * w[0])
        optimizer.apply_gradients(zip(tape.gradient(loss, [w, b]), [w, b], strict=True))

    step = wrap(step)
    for _ in range(50):
        step()
    return [np.asarray(w), np.asarray(b)]


KINDS = {
    "layers": layer_results, "losses": loss_results, "metrics": metric_results,
    "optimizers": optimizer_results,
}  # fmt: skip


def record() -> None:
    import keras
    import tensorflow as tf

    arrays = {}
    for kind, results in KINDS.items():
        for line in lines(kind):
            for i, value in enumerate(results(tf, keras, line)):
                arrays[f"{kind}: {line} #{i}"] = np.asarray(value, np.float32)
    np.savez_compressed(RECORD, **arrays)


def recorded() -> dict[str, list[np.ndarray]]:
    """The arrays of each line."""
    found: dict[str, list[np.ndarray]] = {}
    with np.load(RECORD) as file:
        for name in file.files:
            found.setdefault(name.rsplit(" #", 1)[0], []).append(file[name])
    return found


if __name__ == "__main__":
    record()
