"""Time eager calls where graphc is or was dearer than TensorFlow; run it in turns with both.

``python -m tests.namespaces.eager graphc`` and ``python tests/namespaces/eager.py tensorflow``
print the best time of each call in microseconds, on one thread.
"""

from __future__ import annotations

import importlib
import sys
import timeit
from typing import Any

import numpy as np

CALLS = (
    "tf.random.shuffle(few)", "tf.random.shuffle(many)", "tf.random.uniform([100])",
    "tf.strings.length(texts)", "tf.math.in_top_k(targets, matrix, 2)",
    "tf.nn.dropout(few, 0.5)", "tf.nn.dropout(many, 0.5)", "tf.unique(few)", "tf.unique(digits)",
    "tf.nn.leaky_relu(many)", "tf.nn.softmax(matrix)", "tf.math.erf(many)", "tf.math.erfc(many)",
    "tf.nn.gelu(many)",
)  # fmt: skip


def operands(tf: Any) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    many = rng.normal(size=1_000_000).astype(np.float32)
    arrays = {
        "few": many[:16], "many": many, "matrix": many.reshape(1000, 1000),
        "targets": rng.integers(0, 3, 1000).astype(np.int32),
        "digits": rng.integers(1, 9, many.size).astype(np.int32),
        "texts": np.array([str(i) for i in range(1000)]),
    }  # fmt: skip
    return {"tf": tf, **{name: tf.constant(array) for name, array in arrays.items()}}


def measure(tf: Any) -> dict[str, float]:
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    known = operands(tf)
    found = {}
    for call in CALLS:
        timer = timeit.Timer(call, globals=known)
        timer.timeit(3)  # what is compiled is compiled now
        count = max(1, int(0.01 / max(timer.timeit(1), 1e-7)))
        found[call] = min(timer.repeat(7, count)) / count * 1e6
    return found


if __name__ == "__main__":
    for call, micros in measure(importlib.import_module(sys.argv[1])).items():
        print(f"{micros:10.1f}  {call}")
