"""What TensorFlow gives for every line of calls.txt and gradients.txt, recorded once.

``python -m tests.namespaces.oracle`` (where tensorflow is installed) writes tensorflow.npz anew.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

FOLDER = Path(__file__).parent
RECORD = FOLDER / "tensorflow.npz"


def lines(name: str) -> list[str]:
    text = (FOLDER / name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if not line.startswith("#")]


CALLS = lines("calls.txt") + lines("calls_nn.txt") + lines("calls_kinds.txt")
GRADIENTS = lines("gradients.txt") + lines("gradients_nn.txt")


def arrays(kind: type = np.float32) -> dict[str, np.ndarray]:
    """The arrays that the lines name."""
    g = np.random.default_rng(0)
    a, b = g.normal(size=(3, 4)).astype(kind), g.normal(size=(4, 5)).astype(kind)
    v, t = g.uniform(0.2, 0.9, (3, 4)).astype(kind), g.normal(size=(2, 3, 4)).astype(kind)
    n, k = g.normal(size=(2, 5, 6, 4)).astype(kind), g.normal(size=(3, 2, 4, 2)).astype(kind)
    return {
        "a": a, "b": b, "v": v, "t": t,
        "s": (a @ a.T + 3 * np.eye(3)).astype(kind),
        "p": v / v.sum(1, keepdims=True),
        "z": np.array([[0, 0, 1, -1], [2, 0, 0, 3], [0, 0, 0, 0]], kind),
        "i": np.array([[1, 5, 2], [7, 0, 3]], np.int32),
        "c": np.array([1 + 2j, -0.5j, 0.3 - 1j], np.complex64),
        "m": np.array([True, False, True]),
        "n": n,  # images
        "k": k,  # filters for them
    }  # fmt: skip


def flat(found: Any) -> list[Any]:
    """The tensors of a result; sparse and ragged ones as the tensors that they are made of."""
    if hasattr(found, "nested_row_splits"):
        return [found.flat_values, *found.nested_row_splits]
    if hasattr(found, "dense_shape"):
        return [found.indices, found.values, found.dense_shape]
    if isinstance(found, list | tuple):
        return [leaf for part in found for leaf in flat(part)]
    return [found]


def call(tf: Any, line: str, given: dict[str, Any]) -> list[Any]:
    return flat(eval(line, {"tf": tf, "np": np, **given}))


def first_and_second(tf: Any, line: str) -> list[Any]:
    """The gradient of an expression in x, and the gradient of that."""
    source, _, expression = line.partition(": ")
    given = arrays(np.float64)
    x = tf.constant(given[source])
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            (y,) = call(tf, expression, {**given, "x": x})
        slope = tf.convert_to_tensor(inner.gradient(y, x))
    try:
        again = outer.gradient(slope, x)
    except LookupError:  # TensorFlow has no second gradient for some ops
        return [slope]
    return [slope, tf.zeros_like(x) if again is None else tf.convert_to_tensor(again)]


def _plain(value: Any) -> np.ndarray:
    """What the file can hold: strings as numpy's own."""
    array = np.asarray(value)
    return array.astype(np.bytes_) if array.dtype == object else array


def record() -> None:
    import tensorflow as tf

    found = {}
    for line in CALLS:
        for i, result in enumerate(call(tf, line, arrays())):
            found[f"{line}#{i}"] = _plain(result.numpy())
    for line in GRADIENTS:
        for i, result in enumerate(first_and_second(tf, line)):
            found[f"{line}#{i}"] = result.numpy()
    np.savez_compressed(RECORD, **{quote(key, safe=""): v for key, v in found.items()})


if __name__ == "__main__":
    record()
